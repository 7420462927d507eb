"""The whole curriculum, from nothing to a reinforced assistant and its report.

Read `school` from top to bottom: each stage in order, each skipped when it is already done, each
going on from its last saved state when it was cut off.
"""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from tutelage.algorithms import ALGORITHMS
from tutelage.curricula.terminal import (
    TerminalTask,
    check_answers,
    demonstrations,
    pretraining_corpus,
    sample_tasks,
)
from tutelage.data.comparisons import held_out, read_comparisons, write_comparisons
from tutelage.data.corpus import read_corpus, token_stream
from tutelage.data.demonstrations import (
    read_demonstrations,
    write_demonstrations,
)
from tutelage.device import pick_dtype, seeded
from tutelage.errors import BadInput
from tutelage.evaluation.graded import grade
from tutelage.evaluation.school_report import (
    HeldOut,
    best_of_n,
    card,
    circumstances,
    evaluate_policies,
    held_out_tasks,
    over_optimisation,
    read_round,
)
from tutelage.judges.labeler import Labeler, calibrated
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.judges.verifier import VerifierJudge
from tutelage.model.checkpoint import load_policy, load_reward_model
from tutelage.model.gpt import GPT
from tutelage.model.heads import RewardModel
from tutelage.plan import SIZES, Plan, SchoolConfig, open_run
from tutelage.policies.language import LanguagePolicy, new_critic
from tutelage.protocols import Judge
from tutelage.reports.doctor import write_findings
from tutelage.rollout.engine import Sampling
from tutelage.runs import Progress, Run, read_json, write_atomically, write_json, write_text
from tutelage.sandbox import Sandbox, require_sandbox
from tutelage.schema import BROKEN, Comparison, Verdict
from tutelage.stages.compare import sample_responses
from tutelage.stages.policy import PolicyConfig, reinforce
from tutelage.stages.pretrain import PretrainConfig, pretrain
from tutelage.stages.reward import RewardConfig, train_reward_model
from tutelage.stages.sft import SFTConfig, imitation_batches, sft
from tutelage.text.batching import Tree
from tutelage.text.chat_format import ask, encode_prompt, encode_reply
from tutelage.text.tokenizer import Tokenizer

REPLY_TOKENS = 48  # longest reply that is sampled
AGREEMENT = 0.77  # of two simulated labelers, as of InstructGPT's people


@dataclass
class Lesson:
    """What the stages of one run share."""

    run: Run
    config: SchoolConfig
    plan: Plan
    sandbox: Sandbox
    dtype: torch.dtype

    def data(self, name: str) -> Path:
        return self.run.folder / "data" / name

    def check(self, tasks: Sequence[object], answers: Sequence[str]) -> list[Verdict]:
        return check_answers(tasks, answers, self.sandbox)  # type: ignore[arg-type]

    def training_tasks(self, purpose: str, count: int, number: int = 0) -> list[TerminalTask]:
        """Tasks of the training split for one purpose; no two purposes share a seed."""
        generator = seeded(self.config.seed, purpose, number)
        return sample_tasks("train", count, int(torch.randint(2**31, (), generator=generator)))


def school(config: SchoolConfig) -> Iterator[Progress]:
    """Run every stage that is not done yet; ends with report.json in the run folder."""
    require_sandbox()
    began = time.perf_counter()
    if not (config.run / "data" / "corpus.jsonl").exists():
        read_corpus(config.corpus)  # a mistake in it is told before the folder belongs to it
    run, plan = open_run(config)
    add_seconds(run, "world", time.perf_counter() - began)
    dtype = pick_dtype(torch.device("cpu"), config.dtype)
    with Sandbox(workers=2) as sandbox:
        lesson = Lesson(run, config, plan, sandbox, dtype)
        yield from timed(run, "world", build_world(lesson))
        yield from timed(run, "pretrain", teach_language(lesson))
        yield from timed(run, "sft", teach_demonstrations(lesson))
        policy = "sft"
        for number in range(1, plan.rounds + 1):
            if config.judge == "reward_model":
                yield from timed(run, f"compare_{number}", gather(lesson, number, policy))
                yield from timed(run, f"reward_{number}", learn_to_grade(lesson, number))
            yield from timed(run, f"ppo_{number}", improve(lesson, number, policy))
            policy = f"ppo_{number}"
        yield from timed(run, "evaluate", evaluate(lesson, policy))


def timed(run: Run, name: str, stage: Iterator[Progress]) -> Iterator[Progress]:
    """Add the seconds that a stage took, over all its attempts, to timings.json."""
    began = time.perf_counter()
    try:
        yield from stage
    finally:
        add_seconds(run, name, time.perf_counter() - began)


def add_seconds(run: Run, name: str, seconds: float) -> None:
    """Add to what timings.json says of a stage."""
    path = run.folder / "timings.json"
    spent = read_json(path) if path.exists() else {}
    spent[name] = spent.get(name, 0.0) + seconds
    write_json(path, spent)


def build_world(lesson: Lesson) -> Iterator[Progress]:
    """Corpus, demonstrations and the tokenizer."""
    plan, seed = lesson.plan, lesson.config.seed
    steps = 3
    if not lesson.data("corpus.jsonl").exists():
        documents = pretraining_corpus(seed, plan.corpus_characters, lesson.sandbox)
        documents += read_corpus(lesson.config.corpus)
        rows = (json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in documents)
        write_text(lesson.data("corpus.jsonl"), "".join(rows))
    yield Progress("world", 1, steps)
    if not lesson.data("demonstrations.jsonl").exists():
        write_demonstrations(
            lesson.data("demonstrations.jsonl"), demonstrations(plan.demonstrations, seed)
        )
    yield Progress("world", 2, steps)
    if not lesson.data("tokenizer.json").exists():
        vocabulary = SIZES[lesson.plan.size].vocabulary
        tokenizer = Tokenizer.train(read_corpus([lesson.data("corpus.jsonl")]), vocabulary)
        write_atomically(lesson.data("tokenizer.json"), tokenizer.save)
    yield Progress("world", steps, steps)


def teach_language(lesson: Lesson) -> Iterator[Progress]:
    """Pretraining on the corpus, 2 % of which is kept for the validation loss."""
    run, plan, seed = lesson.run, lesson.plan, lesson.config.seed
    if run.done("pretrain"):
        return
    tokenizer = Tokenizer.load(lesson.data("tokenizer.json"))
    documents = read_corpus([lesson.data("corpus.jsonl")])
    order = torch.randperm(len(documents), generator=seeded(seed, "split")).tolist()
    kept = max(1, len(documents) // 50)
    validation = token_stream(tokenizer, [documents[i] for i in order[:kept]])
    stream = token_stream(tokenizer, [documents[i] for i in order[kept:]])
    shape = replace(SIZES[plan.size], vocabulary=len(tokenizer))
    gpt = GPT(shape).initialise(seeded(seed, "initialise"))
    config = PretrainConfig(steps=plan.pretrain_steps)
    yield from pretrain(run, gpt, tokenizer, stream, validation, config, seed, lesson.dtype)


def teach_demonstrations(lesson: Lesson) -> Iterator[Progress]:
    """Supervised fine-tuning on what people would do."""
    run, plan = lesson.run, lesson.plan
    if run.done("sft"):
        return
    gpt, tokenizer = load_policy(run.checkpoint("pretrain"))
    shown = read_demonstrations(lesson.data("demonstrations.jsonl"))
    config = SFTConfig(epochs=plan.sft_epochs)
    yield from sft(run, gpt, tokenizer, shown, config, lesson.config.seed, lesson.dtype)


def gather(lesson: Lesson, number: int, policy: str) -> Iterator[Progress]:
    """Comparisons of a round: the newest policy's replies, ranked by a simulated labeler."""
    seed = lesson.config.seed
    path = lesson.data(f"comparisons_{number}.jsonl")
    if path.exists():
        return
    gpt, tokenizer = load_policy(lesson.run.checkpoint(policy))
    tasks = unseen_tasks(lesson, number)
    sampling = Sampling(max_new_tokens=REPLY_TOKENS)
    prompts = [ask(task.prompt) for task in tasks]
    sampled = sample_responses(gpt, tokenizer, prompts, sampling, seed, "compare", number)
    yield Progress(f"compare_{number}", 1, 3)
    pairs = [(tasks[i], response) for i, responses in sampled for response in responses]
    verdicts = iter(lesson.check([task for task, _ in pairs], [reply for _, reply in pairs]))
    checked = [(i, replies, [next(verdicts) for _ in replies]) for i, replies in sampled]
    # What the sandbox could not run says nothing about the reply.
    found = [
        (i, replies, [verdict.score for verdict in of_prompt])
        for i, replies, of_prompt in checked
        if not any(verdict.outcome in BROKEN for verdict in of_prompt)
    ]
    if len(found) < 2:
        raise BadInput(
            "The policy gave different finished replies to fewer than two prompts, so there is "
            "nothing to rank: give the school more minutes, in another folder."
        )
    yield Progress(f"compare_{number}", 2, 3)
    labeler_path = lesson.data("labeler.json")
    if not labeler_path.exists():
        worth = [Labeler().utilities(replies, truth) for _, replies, truth in found]
        labeler = calibrated(Labeler(), worth, AGREEMENT, seed=seed)
        write_json(labeler_path, {"noise": labeler.noise, "agreement": AGREEMENT})
    labeler = Labeler(noise=read_json(labeler_path)["noise"])
    generator = seeded(seed, "label", number)
    comparisons = [
        labeler.compare(prompts[i], replies, truth, generator) for i, replies, truth in found
    ]
    write_json(lesson.data(f"gold_{number}.json"), [truth for _, _, truth in found])
    write_comparisons(path, comparisons)
    yield Progress(f"compare_{number}", 3, 3, {"compare/prompts": len(comparisons)})


def unseen_tasks(lesson: Lesson, number: int) -> list[TerminalTask]:
    """The round's tasks to compare replies to: no prompt twice, none that has a demonstration or
    was compared before, so that the last of them can be held out."""
    shown = read_demonstrations(lesson.data("demonstrations.jsonl"))
    seen = {message.content for example in shown for message in example.messages}
    for earlier in range(1, number):
        compared = read_comparisons(lesson.data(f"comparisons_{earlier}.jsonl"))
        seen |= {comparison.prompt[-1].content for comparison in compared}
    drawn = lesson.training_tasks("compare", 2 * lesson.plan.comparisons, number)
    unseen: dict[str, TerminalTask] = {}
    for task in drawn:
        if task.prompt not in seen:
            unseen.setdefault(task.prompt, task)
    return list(unseen.values())[: lesson.plan.comparisons]


def learn_to_grade(lesson: Lesson, number: int) -> Iterator[Progress]:
    """The reward model of a round, from all comparisons so far."""
    run, seed = lesson.run, lesson.config.seed
    stage = f"reward_{number}"
    if run.done(stage):
        return
    comparisons: list[Comparison] = []
    for earlier in range(1, number + 1):
        of_round = read_comparisons(lesson.data(f"comparisons_{earlier}.jsonl"))
        comparisons += of_round[: -held_out(of_round)]
    gpt, tokenizer = load_policy(run.checkpoint("sft"))
    model = RewardModel(gpt)
    if number > 1:
        model, tokenizer = load_reward_model(run.checkpoint(f"reward_{number - 1}"))
    first = read_comparisons(lesson.data("comparisons_1.jsonl"))[:200]
    reference = [
        Tree(encode_prompt(tokenizer, c.prompt), [encode_reply(tokenizer, r) for r in c.responses])
        for c in first
    ]
    yield from train_reward_model(
        run, model, tokenizer, comparisons, reference, RewardConfig(), seed, lesson.dtype, stage
    )


def improve(lesson: Lesson, number: int, policy: str) -> Iterator[Progress]:
    """Reinforcement of a round, against the newest reward model or the gold check."""
    run, plan, config = lesson.run, lesson.plan, lesson.config
    stage = f"ppo_{number}"
    if run.done(stage):
        return
    reference, tokenizer = load_policy(run.checkpoint("sft"))
    gpt, _ = load_policy(run.checkpoint(policy))
    judge: Judge
    if config.judge == "verifier":
        judge, critic = VerifierJudge(lesson.check), new_critic(gpt)
    else:
        reward_model, _ = load_reward_model(run.checkpoint(f"reward_{number}"))
        judge = RewardModelJudge(reward_model, tokenizer.pad)
        critic, _ = load_reward_model(run.checkpoint(f"reward_{number}"))
    entry = ALGORITHMS[config.algorithm]
    settings = entry.settings(**(entry.language or {}))
    learner = LanguagePolicy(gpt, critic if entry.needs_critic(settings) else None)
    algorithm = entry.algorithm(learner, settings)
    tasks = lesson.training_tasks("reinforce", plan.policy_steps * plan.policy_prompts, number)
    audit_tasks = lesson.training_tasks("audit", plan.audit_tasks)
    greedy = Sampling(max_new_tokens=REPLY_TOKENS, temperature=0)

    def audit(gpt: GPT) -> float:
        graded = grade(gpt, tokenizer, audit_tasks, lesson.check, greedy, "audit")
        return sum(graded.successes()) / len(audit_tasks)

    steps = PolicyConfig(
        steps=plan.policy_steps,
        prompts_per_step=plan.policy_prompts,
        samples_per_prompt=plan.samples_per_prompt,
        max_new_tokens=REPLY_TOKENS,
    )
    # As InstructGPT mixed pretraining text into PPO, demonstrations keep the policy from drifting.
    shown = read_demonstrations(lesson.data("demonstrations.jsonl"))
    yield from reinforce(
        run,
        algorithm,
        reference,
        tokenizer,
        [ask(task.prompt) for task in tasks],
        tasks,
        judge,
        audit,
        steps,
        config.seed,
        stage,
        imitation_batches(shown, tokenizer, reference.config.context, config.seed, stage),
    )


def evaluate(lesson: Lesson, policy: str) -> Iterator[Progress]:
    """Every stage on the held-out sets, the reward model's report card, what the doctor found;
    ends with report.json."""
    run, plan, config = lesson.run, lesson.plan, lesson.config
    path = run.folder / "report.json"
    if path.exists():
        return
    began = time.perf_counter()
    write_findings(run.folder)
    stages = {"pretrain": run.checkpoint("pretrain"), "sft": run.checkpoint("sft")}
    stages[config.algorithm] = run.checkpoint(policy)
    tasks = held_out_tasks(plan.evaluation_tasks, config.seed)
    policies = evaluate_policies(stages, lesson.check, tasks, REPLY_TOKENS, config.seed)
    found: dict[str, Any] = {}
    for item in policies:
        if isinstance(item, Progress):
            yield item
        else:
            found |= item
    if config.judge == "reward_model":
        found |= grade_the_grader(lesson, tasks)
    found["over_optimisation"] = over_optimisation(run, plan.rounds, plan.audit_tasks)
    yield Progress("evaluate", len(stages) + 1, len(stages) + 1)
    spent = read_json(run.folder / "timings.json")
    spent["evaluate"] = spent.get("evaluate", 0.0) + time.perf_counter() - began
    command = f"tutelage school --minutes {config.minutes:g} --seed {config.seed}"
    for name in ("size", "judge", "algorithm", "rounds", "dtype"):
        if getattr(config, name) != getattr(SchoolConfig, name):
            command += f" --{name} {getattr(config, name)}"
    if config.corpus:
        command += f" --corpus {shlex.join(map(str, config.corpus))}"
    write_json(
        path,
        {
            "version": 1,
            "command": command,
            "seed": config.seed,
            "judge": config.judge,
            "algorithm": config.algorithm,
            "rounds": plan.rounds,
            "seconds": sum(spent.values()),
            "costs": [{"stage": name, "seconds": spent[name]} for name in spent],
            "plan": asdict(plan),
            **circumstances(run.checkpoint("sft"), lesson.dtype),
            **found,
        },
    )


def grade_the_grader(lesson: Lesson, tasks: HeldOut) -> dict[str, Any]:
    """The last reward model's report card, one line for each round's, and best of n."""
    run, plan = lesson.run, lesson.plan
    rounds = []
    for number in range(1, plan.rounds + 1):
        comparisons, gold, labeler = read_round(run, number)
        grader, tokenizer = load_reward_model(run.checkpoint(f"reward_{number}"))
        kept = held_out(comparisons)
        found = card(grader, tokenizer, comparisons[-kept:], gold[-kept:], labeler)
        rounds.append({"round": number, "comparisons": len(comparisons) - kept, **found})
    gpt, _ = load_policy(run.checkpoint("sft"))
    few = tasks.commands["new_names"][:150]
    best = best_of_n(gpt, tokenizer, grader, few, lesson.check, REPLY_TOKENS, lesson.config.seed)
    return {
        "reward_model": {**rounds[-1], "agreement": AGREEMENT, "rounds": rounds},
        "best_of_n": best,
    }

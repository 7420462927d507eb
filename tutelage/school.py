"""The whole curriculum, from nothing to a reinforced assistant and its report.

Read `school` from top to bottom: each stage in order, each skipped when it is already done, each
going on from its last saved state when it was cut off.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from tutelage.algorithms import ALGORITHMS
from tutelage.curricula import CURRICULA
from tutelage.data.comparisons import comparison_tree, held_out, read_comparisons, write_comparisons
from tutelage.data.corpus import read_corpus, token_stream
from tutelage.data.demonstrations import read_demonstrations, write_demonstrations
from tutelage.device import pick_device, pick_dtype, seed_number, seeded
from tutelage.errors import BadInput
from tutelage.evaluation.graded import grade
from tutelage.evaluation.school_report import (
    circumstances,
    evaluate_policies,
    grade_the_grader,
    held_out_tasks,
    over_optimisation,
    selection,
)
from tutelage.judges import JUDGES
from tutelage.judges.labeler import AGREEMENT, Labeler, calibrated
from tutelage.model.checkpoint import load_policy, load_reward_model
from tutelage.model.families import new_model
from tutelage.model.heads import RewardModel, new_critic
from tutelage.model.language_model import LanguageModel
from tutelage.plan import SIZES, Plan, SchoolConfig, command_of, open_run
from tutelage.policies.language import LanguagePolicy
from tutelage.protocols import Curriculum, Task
from tutelage.reports.doctor import write_findings
from tutelage.rollout.sampler import Sampling
from tutelage.runs import Progress, Run, read_json, write_atomically, write_json, write_text
from tutelage.sandbox import require_sandbox
from tutelage.schema import Comparison, Demonstration, Verdict, ask
from tutelage.stages.compare import gold_scores, sample_responses
from tutelage.stages.keeper import KeeperConfig
from tutelage.stages.policy import PolicyConfig, Practice, auditor, reinforce
from tutelage.stages.pretrain import PretrainConfig, pretrain
from tutelage.stages.reward import RewardConfig, train_reward_model
from tutelage.stages.sft import IMITATED, SFTConfig, imitation_batches, sft
from tutelage.text.tokenizer import Tokenizer


@dataclass
class Lesson:
    """What the stages of one run share."""

    run: Run
    config: SchoolConfig
    plan: Plan
    device: torch.device
    dtype: torch.dtype

    @property
    def curriculum(self) -> Curriculum:
        return CURRICULA[self.config.curriculum]

    def data(self, name: str) -> Path:
        return self.run.folder / "data" / name

    def check(self, tasks: Sequence[object], answers: Sequence[str]) -> list[Verdict]:
        return self.curriculum.check(tasks, answers)

    def training_tasks(self, purpose: str, count: int, number: int = 0) -> Sequence[Task]:
        """Tasks of the training split for one purpose; no two purposes share a seed."""
        seed = seed_number(self.config.seed, purpose, number)
        return self.curriculum.tasks("train", count, seed)

    def demonstrations(self) -> list[Demonstration]:
        return read_demonstrations(self.data("demonstrations.jsonl"))


def school(config: SchoolConfig) -> Iterator[Progress]:
    """Run every stage that is not done yet; ends with report.json in the run folder."""
    if CURRICULA[config.curriculum].runs_commands:
        require_sandbox()
    began = time.perf_counter()
    if not (config.run / "data" / "corpus.jsonl").exists():
        read_corpus(config.corpus)  # a mistake in it is raised before the folder is written
    run, plan = open_run(config)
    run.add_seconds("world", time.perf_counter() - began)
    device = pick_device(config.device)
    lesson = Lesson(run, config, plan, device, pick_dtype(device, config.dtype))
    with run.timed("world"):
        yield from build_world(lesson)
    with run.timed("pretrain"):
        yield from teach_language(lesson)
    with run.timed("sft"):
        yield from teach_demonstrations(lesson)
    policy = "sft"
    for number in range(1, plan.rounds + 1):
        if JUDGES[config.judge].learned:
            with run.timed(f"compare_{number}"):
                yield from gather(lesson, number, policy)
            with run.timed(f"reward_{number}"):
                yield from learn_to_grade(lesson, number)
        with run.timed(f"ppo_{number}"):
            yield from improve(lesson, number, policy)
        policy = f"ppo_{number}"
    with run.timed("evaluate"):
        yield from evaluate(lesson, policy)


def build_world(lesson: Lesson) -> Iterator[Progress]:
    """Corpus, demonstrations and the tokenizer."""
    plan, seed = lesson.plan, lesson.config.seed
    steps = 3
    if not lesson.data("corpus.jsonl").exists():
        documents = lesson.curriculum.corpus(plan.corpus_characters, seed)
        documents += read_corpus(lesson.config.corpus)
        rows = (json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in documents)
        write_text(lesson.data("corpus.jsonl"), "".join(rows))
    yield Progress("world", 1, steps)
    if not lesson.data("demonstrations.jsonl").exists():
        demonstrations = lesson.curriculum.demonstrations(plan.demonstrations, seed)
        write_demonstrations(lesson.data("demonstrations.jsonl"), demonstrations)
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
    count = max(1, len(documents) // 50)
    validation = token_stream(tokenizer, [documents[i] for i in order[:count]])
    stream = token_stream(tokenizer, [documents[i] for i in order[count:]])
    shape = replace(SIZES[plan.size], vocabulary=len(tokenizer))
    gpt = new_model(shape, seeded(seed, "initialise")).to(lesson.device)
    config = PretrainConfig(steps=plan.pretrain_steps)
    yield from pretrain(run, gpt, tokenizer, stream, validation, config, seed, lesson.dtype)


def teach_demonstrations(lesson: Lesson) -> Iterator[Progress]:
    """Supervised fine-tuning on what people would do."""
    run, curriculum = lesson.run, lesson.curriculum
    if run.done("sft"):
        return
    gpt, tokenizer = load_policy(run.checkpoint("pretrain"), lesson.device)
    config = SFTConfig(
        epochs=lesson.plan.sft_epochs, swapped=curriculum.swapped, left_out=curriculum.left_out
    )
    yield from sft(
        run, gpt, tokenizer, lesson.demonstrations(), config, lesson.config.seed, lesson.dtype
    )


def gather(lesson: Lesson, number: int, policy: str) -> Iterator[Progress]:
    """Comparisons of a round: the newest policy's replies, ranked by a simulated labeler."""
    seed = lesson.config.seed
    path = lesson.data(f"comparisons_{number}.jsonl")
    if path.exists():
        return
    gpt, tokenizer = load_policy(lesson.run.checkpoint(policy), lesson.device)
    tasks = unseen_tasks(lesson, number)
    sampling = Sampling(max_new_tokens=lesson.curriculum.reply_tokens)
    prompts = [ask(task.prompt) for task in tasks]
    sampled = sample_responses(gpt, tokenizer, prompts, sampling, seed, "compare", number)
    yield Progress(f"compare_{number}", 1, 3)
    scored = gold_scores(sampled, tasks, lesson.check)
    if len(scored) < 2:
        raise BadInput(
            "The policy gave different finished replies to fewer than two prompts, so there is "
            "nothing to rank. It has learned too little (give more minutes, in another folder) or "
            "all there is."
        )
    yield Progress(f"compare_{number}", 2, 3)
    labeler_path = lesson.data("labeler.json")
    if not labeler_path.exists():
        utilities = [Labeler().utilities(replies, gold) for _, replies, gold in scored]
        labeler = calibrated(Labeler(), utilities, AGREEMENT, seed=seed)
        write_json(labeler_path, {"noise": labeler.noise, "agreement": AGREEMENT})
    labeler = Labeler(noise=read_json(labeler_path)["noise"])
    generator = seeded(seed, "label", number)
    comparisons = [
        labeler.compare(prompts[i], replies, gold, generator) for i, replies, gold in scored
    ]
    write_json(lesson.data(f"gold_{number}.json"), [gold for _, _, gold in scored])
    write_comparisons(path, comparisons)
    yield Progress(f"compare_{number}", 3, 3, {"compare/prompts": len(comparisons)})


def unseen_tasks(lesson: Lesson, number: int) -> list[Task]:
    """The round's tasks to compare replies to: no prompt twice, none that has a demonstration or
    was compared before, so that the last of them can be held out."""
    used = {message.content for example in lesson.demonstrations() for message in example.messages}
    for earlier in range(1, number):
        compared = read_comparisons(lesson.data(f"comparisons_{earlier}.jsonl"))
        used |= {comparison.prompt[-1].content for comparison in compared}
    drawn = lesson.training_tasks("compare", 2 * lesson.plan.comparisons, number)
    unseen: dict[str, Task] = {}
    for task in drawn:
        if task.prompt not in used:
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
    gpt, tokenizer = load_policy(run.checkpoint("sft"), lesson.device)
    model = RewardModel(gpt)
    if number > 1:
        model, tokenizer = load_reward_model(run.checkpoint(f"reward_{number - 1}"), lesson.device)
    first = read_comparisons(lesson.data("comparisons_1.jsonl"))[:200]
    reference = [comparison_tree(tokenizer, comparison) for comparison in first]
    config = RewardConfig(swapped=lesson.curriculum.swapped)
    yield from train_reward_model(
        run, model, tokenizer, comparisons, reference, config, seed, lesson.dtype, stage
    )


def improve(lesson: Lesson, number: int, policy: str) -> Iterator[Progress]:
    """Reinforcement of a round, against the newest reward model or another judge."""
    run, plan, config = lesson.run, lesson.plan, lesson.config
    stage = f"ppo_{number}"
    if run.done(stage):
        return
    reference, tokenizer = load_policy(run.checkpoint("sft"), lesson.device)
    gpt, _ = load_policy(run.checkpoint(policy), lesson.device)
    reward_model, critic = None, new_critic(gpt)
    if JUDGES[config.judge].learned:
        reward_model, _ = load_reward_model(run.checkpoint(f"reward_{number}"), lesson.device)
        critic, _ = load_reward_model(run.checkpoint(f"reward_{number}"), lesson.device)
    judge = JUDGES[config.judge].make(lesson.check, reward_model, tokenizer.pad)
    entry = ALGORITHMS[config.algorithm]
    settings = entry.settings(**(entry.language or {}))
    values = critic if entry.needs_critic(settings) else None
    learner = LanguagePolicy(gpt, values, 1.0, lesson.dtype, lesson.dtype)
    algorithm = entry.algorithm(learner, settings)
    tasks = lesson.training_tasks("reinforce", plan.policy_steps * plan.policy_prompts, number)
    audit_tasks = lesson.training_tasks("audit", plan.audit_tasks)
    greedy = Sampling(max_new_tokens=lesson.curriculum.reply_tokens, temperature=0)

    def gold(gpt: LanguageModel) -> float:
        graded = grade(gpt, tokenizer, audit_tasks, lesson.check, greedy, "audit")
        return sum(graded.successes()) / len(audit_tasks)

    steps = PolicyConfig(
        steps=plan.policy_steps,
        prompts_per_step=plan.policy_prompts,
        samples_per_prompt=plan.samples_per_prompt,
        max_new_tokens=lesson.curriculum.reply_tokens,
        # A person has no gold check to choose by; it is measured for the report.
        keeper=KeeperConfig(by="audit/score" if JUDGES[config.judge].learned else "audit/gold"),
    )
    audit_practice = Practice([ask(task.prompt) for task in audit_tasks], judge, audit_tasks)
    audit = auditor(reference, tokenizer, audit_practice, steps, (config.seed, stage), gold)
    # As InstructGPT mixed pretraining text into PPO, demonstrations keep the policy from drifting.
    demonstrations, curriculum = lesson.demonstrations(), lesson.curriculum
    augmented = SFTConfig(batch=IMITATED, swapped=curriculum.swapped, left_out=curriculum.left_out)
    context = reference.context
    mixed = imitation_batches(demonstrations, tokenizer, context, augmented, config.seed, stage)
    yield from reinforce(
        run,
        algorithm,
        reference,
        tokenizer,
        Practice([ask(task.prompt) for task in tasks], judge, tasks, mixed, audit),
        steps,
        config.seed,
        stage,
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
    tasks = held_out_tasks(lesson.curriculum, plan.evaluation_tasks, config.seed)
    measured: dict[str, Any] = {}
    for item in evaluate_policies(stages, lesson.curriculum, tasks, config.seed, lesson.device):
        if isinstance(item, Progress):
            yield item
        else:
            measured |= item
    if JUDGES[config.judge].learned:
        measured |= grade_the_grader(
            run, lesson.curriculum, tasks, plan.rounds, config.seed, lesson.device
        )
    measured["over_optimisation"] = over_optimisation(run, plan.rounds, plan.audit_tasks)
    measured["selection"] = selection(measured["over_optimisation"])
    yield Progress("evaluate", len(stages) + 1, len(stages) + 1)
    spent = run.timings()
    spent["evaluate"] = spent.get("evaluate", 0.0) + time.perf_counter() - began
    write_json(
        path,
        {
            "version": 1,
            "command": command_of(config),
            "seed": config.seed,
            "judge": config.judge,
            "algorithm": config.algorithm,
            "rounds": plan.rounds,
            "seconds": sum(spent.values()),
            "costs": [{"stage": name, "seconds": spent[name]} for name in spent],
            "plan": asdict(plan),
            **circumstances(run.checkpoint("sft"), lesson.dtype),
            **measured,
        },
    )

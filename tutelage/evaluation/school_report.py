"""What a school has reached: every stage's policy on the held-out sets, the reward model's report
card, and whether the policy fooled it. The numbers become report.json."""

from __future__ import annotations

import platform
import resource
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from tutelage.data.comparisons import comparison_trees, held_out, read_comparisons
from tutelage.device import seed_number
from tutelage.evaluation.calibration import labelled_pairs, report_card
from tutelage.evaluation.graded import Graded, grade
from tutelage.evaluation.machine import commit, processor
from tutelage.evaluation.statistics import paired_difference, share_of, wilson
from tutelage.judges.labeler import AGREEMENT, Labeler
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.model.checkpoint import load_model, load_policy, load_reward_model
from tutelage.model.heads import RewardModel
from tutelage.model.language_model import LanguageModel
from tutelage.protocols import Behaviour, ChatTokenizer, Curriculum, Task
from tutelage.rollout.sampler import Sampling
from tutelage.rollout.trajectories import reply_kls
from tutelage.runs import Progress, Run, read_json
from tutelage.schema import Comparison

BEST_OF = (1, 2, 4, 8, 16)


@dataclass(frozen=True)
class HeldOut:
    """The held-out tasks of a seed, and the tasks of each further behaviour."""

    sets: dict[str, Sequence[Task]]
    behaviours: Mapping[str, Behaviour]

    def first(self) -> str:
        """The set that headlines are about."""
        return next(iter(self.sets))

    def all(self) -> dict[str, Sequence[Task]]:
        return self.sets | {name: each.tasks for name, each in self.behaviours.items()}


def held_out_tasks(curriculum: Curriculum, count: int, seed: int) -> HeldOut:
    sets = {
        split: curriculum.tasks(split, count, seed_number(seed, "held-out", split, "commands"))
        for split in curriculum.held_out
    }
    return HeldOut(sets, curriculum.behaviours(count, seed))


def evaluate_policies(
    stages: Mapping[str, Path],
    curriculum: Curriculum,
    tasks: HeldOut,
    seed: int,
    device: torch.device,
) -> Iterator[Progress | dict[str, Any]]:
    """Progress, and at the end the report's part on policies.

    stages: name to model folder, in order; "sft" among them is the reference of the KL.
    """
    reference, _ = load_policy(stages["sft"], device)
    greedy = Sampling(max_new_tokens=curriculum.reply_tokens, temperature=0)
    drawn = Sampling(max_new_tokens=curriculum.reply_tokens)
    measured: dict[str, Any] = {}
    answers: dict[str, dict[str, Graded]] = {}
    for number, (stage, folder) in enumerate(stages.items(), start=1):
        gpt, tokenizer = load_policy(folder, device)

        def graded(tasks: Sequence[Task], sampling: Sampling) -> Graded:
            return grade(gpt, tokenizer, tasks, curriculum.check, sampling, seed)  # noqa: B023

        answers[stage] = {name: graded(of_set, greedy) for name, of_set in tasks.all().items()}
        sampled = {name: graded(of_set, drawn) for name, of_set in tasks.sets.items()}
        replies = [t for name in tasks.sets for t in answers[stage][name].trajectories]
        measured[stage] = {
            "held_out": {
                name: share_of(answers[stage][name].successes())
                | {"sampled": share_of(sampled[name].successes())}
                for name in tasks.sets
            },
            "recognised": {
                name: share_of(answers[stage][name].successes())
                | {"name": behaviour.name, "goal": behaviour.goal}
                for name, behaviour in tasks.behaviours.items()
            },
            "reply_tokens": sum(len(t.logprobs) for t in replies) / len(replies),
            "kl": reply_kls(reference, sampled[tasks.first()].trajectories, tokenizer.pad)
            .mean()
            .item(),
        }
        if curriculum.is_refusal:
            refused = share_of([curriculum.is_refusal(t.response) for t in replies])
            measured[stage]["false_refusals"] = {"rate": refused.pop("success"), **refused}
        yield Progress("evaluate", number, len(stages) + 1)
    final = list(stages)[-1]
    yield {
        "claim": curriculum.claim,
        "stages": measured,
        "differences": {
            name: paired_difference(
                answers[final][name].successes(), answers["sft"][name].successes()
            )
            for name in tasks.sets
        }
        if final != "sft"
        else {},
        "by_group": _by_group(tasks, answers, final),
        "examples": _examples(tasks, answers),
    }


def _by_group(
    tasks: HeldOut, answers: dict[str, dict[str, Graded]], final: str
) -> list[dict[str, object]]:
    """Success on each kind of request of the first set."""
    rows: list[dict[str, object]] = []
    first = tasks.first()
    before, after = answers["sft"][first].successes(), answers[final][first].successes()
    for group in sorted({task.group for task in tasks.sets[first]}):
        inside = [i for i, task in enumerate(tasks.sets[first]) if task.group == group]
        sft, ppo = (sum(right[i] for i in inside) / len(inside) for right in (before, after))
        rows.append({"group": group, "sft": sft, "ppo": ppo, "n": len(inside)})
    return rows


def _examples(tasks: HeldOut, answers: dict[str, dict[str, Graded]]) -> list[dict[str, object]]:
    """Up to twenty requests, the first of each set, with the answer of each stage."""
    counts = zip(tasks.sets, (8, 6, 2), strict=False)
    chosen = [(name, i) for name, count in counts for i in range(count)]
    chosen += [(name, i) for name, each in tasks.behaviours.items() if each.goal for i in (0, -1)]
    return [
        {
            "request": task.prompt,
            "set": name if name in tasks.sets else None,
            "kind": task.group,
            "reference": task.reference,
            "answers": {
                stage: {
                    "text": graded[name].trajectories[i].response,
                    "success": graded[name].successes()[i],
                    "reason": graded[name].verdicts[i].reason,
                }
                for stage, graded in answers.items()
            },
        }
        for name, i in chosen
        for task in [tasks.all()[name][i]]
    ]


def grade_the_grader(
    run: Run, curriculum: Curriculum, tasks: HeldOut, rounds: int, seed: int, device: torch.device
) -> dict[str, Any]:
    """The last reward model's report card, one line for each round's, and best of n."""
    cards = []
    for number in range(1, rounds + 1):
        comparisons, gold, labeler = read_round(run, number)
        grader, tokenizer = load_reward_model(run.checkpoint(f"reward_{number}"), device)
        kept = held_out(comparisons)
        measured = card(grader, tokenizer, comparisons[-kept:], gold[-kept:], labeler)
        cards.append({"round": number, "comparisons": len(comparisons) - kept, **measured})
    gpt, _ = load_policy(run.checkpoint("sft"), device)
    few = tasks.sets[tasks.first()][:150]
    return {
        "reward_model": {**cards[-1], "agreement": AGREEMENT, "rounds": cards},
        "best_of_n": best_of_n(gpt, tokenizer, grader, few, curriculum, seed),
    }


def card(
    model: RewardModel,
    tokenizer: ChatTokenizer,
    comparisons: Sequence[Comparison],
    gold: Sequence[Sequence[float]],
    labeler: Labeler,
) -> dict[str, object]:
    """Report card of a reward model on comparisons that it was not trained on."""
    judge = RewardModelJudge(model, tokenizer.pad)
    trees = comparison_trees(tokenizer, comparisons, model.context)
    # Bradley–Terry's probabilities belong to the scores as trained, before normalisation.
    scores = judge.score_trees(trees) * model.scale
    return report_card(
        labelled_pairs(
            scores.split([len(tree.branches) for tree in trees]),
            [comparison.ranks() for comparison in comparisons],
            [labeler.utilities(c.responses, g) for c, g in zip(comparisons, gold, strict=True)],
            gold,
            [[len(response) for response in c.responses] for c in comparisons],
        )
    )


def best_of_n(
    gpt: LanguageModel,
    tokenizer: ChatTokenizer,
    model: RewardModel,
    tasks: Sequence[Task],
    curriculum: Curriculum,
    seed: int,
) -> list[dict[str, object]]:
    """Gold success and score of the best of n samples by the reward model, n = 1 … 16."""
    most = BEST_OF[-1]
    sampling = Sampling(max_new_tokens=curriculum.reply_tokens)
    graded = grade(gpt, tokenizer, tasks, curriculum.check, sampling, seed, samples=most)
    judge = RewardModelJudge(model, tokenizer.pad)
    scores = torch.tensor([v.score for v in judge.score(graded.trajectories)]).view(-1, most)
    gold = torch.tensor(graded.successes(), dtype=torch.float64).view(-1, most)
    rows: list[dict[str, object]] = []
    for n in BEST_OF:
        blocks = scores.view(len(tasks), most // n, n)
        best = blocks.argmax(dim=2, keepdim=True)
        success = gold.view(len(tasks), most // n, n).gather(2, best).mean().item()
        ci95 = list(wilson(success * len(tasks), len(tasks)))
        score = blocks.gather(2, best).mean().item()
        rows.append({"n": n, "gold": success, "ci95": ci95, "score": score})
    return rows


def over_optimisation(run: Run, rounds: int, audit_tasks: int) -> list[dict[str, Any]]:
    """Score, KL and gold success of the same policy at each audit of each round, and whether it was
    the best so far by what the stage keeps by."""
    return [
        {
            "round": number,
            "step": line["step"],
            "kl": line["audit/kl"],
            "score": line["audit/score"],
            "kept": bool(line["audit/kept"]),
            "gold": line["audit/gold"],
            "ci95": list(wilson(line["audit/gold"] * audit_tasks, audit_tasks)),
            "n": audit_tasks,
        }
        for number in range(1, rounds + 1)
        for line in run.metrics()
        if line["stage"] == f"ppo_{number}" and "audit/score" in line
    ]


def selection(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, object]]:
    """For each round the audit of the policy that was kept, of the last one, and of the best by
    gold, which nobody without a gold check could have chosen."""
    chosen: list[dict[str, object]] = []
    for number in sorted({row["round"] for row in rows}):
        within = [row for row in rows if row["round"] == number]
        best = max(within, key=lambda row: row["gold"])
        if kept := [row for row in within if row["kept"]]:
            row = {"round": number, "kept": kept[-1], "last": within[-1], "gold_best": best}
            chosen.append(row)
    return chosen


def read_round(run: Run, number: int) -> tuple[list[Comparison], list[list[float]], Labeler]:
    """A round's comparisons, their gold verdicts, and the labeler who ranked them."""
    data = run.folder / "data"
    labeler = Labeler(noise=read_json(data / "labeler.json")["noise"])
    return (
        read_comparisons(data / f"comparisons_{number}.jsonl"),
        read_json(data / f"gold_{number}.json"),
        labeler,
    )


def circumstances(folder: Path, dtype: torch.dtype) -> dict[str, Any]:
    """Machine, versions, memory and shape of the model in `folder`."""
    model, _ = load_model(folder)
    gpt = model.body if isinstance(model, RewardModel) else model
    return {
        "commit": commit(),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "machine": {
            "processor": processor(),
            "cores": torch.get_num_threads(),
            "torch": torch.__version__,
            "python": platform.python_version(),
            "tutelage": metadata.version("tutelage"),
            "dtype": str(dtype).removeprefix("torch."),
        },
        "model": {"parameters": gpt.parameter_count(), **asdict(gpt.config)},
    }

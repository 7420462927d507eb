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

from tutelage.curricula.terminal import TerminalTask, is_refusal, sample_tasks
from tutelage.data.comparisons import comparison_trees, read_comparisons
from tutelage.device import seeded
from tutelage.evaluation.calibration import labelled_pairs, report_card
from tutelage.evaluation.graded import CheckMany, Graded, grade
from tutelage.evaluation.machine import commit, processor
from tutelage.evaluation.statistics import paired_difference, share_of, wilson
from tutelage.judges.labeler import Labeler
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.model.checkpoint import load_model, load_policy
from tutelage.model.gpt import GPT
from tutelage.model.heads import RewardModel
from tutelage.rollout.engine import Sampling
from tutelage.rollout.trajectories import mean_kl
from tutelage.runs import Progress, Run, read_json
from tutelage.schema import Comparison
from tutelage.text.tokenizer import Tokenizer

SETS = ("new_names", "new_phrasings", "new_compositions")
KINDS = ("nonsense", "danger", "small_talk")
BEST_OF = (1, 2, 4, 8, 16)
_EXAMPLES = {"new_names": 8, "new_phrasings": 6, "new_compositions": 2}


@dataclass(frozen=True)
class HeldOut:
    """The held-out tasks of a seed: commands of each set, and the other kinds half with new names
    or words, half with new phrasings."""

    commands: dict[str, list[TerminalTask]]
    speech: dict[str, list[TerminalTask]]


def held_out_tasks(count: int, seed: int) -> HeldOut:
    def draw(split: str, number: int, kind: str) -> list[TerminalTask]:
        generator = seeded(seed, "held-out", split, kind)
        return sample_tasks(split, number, int(torch.randint(2**31, (), generator=generator)), kind)  # type: ignore[arg-type]

    half = max(8, count // 8)
    return HeldOut(
        {split: draw(split, count, "commands") for split in SETS},
        {kind: draw("new_names", half, kind) + draw("new_phrasings", half, kind) for kind in KINDS},
    )


def evaluate_policies(
    stages: Mapping[str, Path],
    check: CheckMany,
    tasks: HeldOut,
    max_new_tokens: int,
    seed: int,
) -> Iterator[Progress | dict[str, Any]]:
    """Progress, and at the end the report's part on policies.

    stages: name to model folder, in order; "sft" among them is the reference of the KL.
    """
    reference, _ = load_policy(stages["sft"])
    greedy = Sampling(max_new_tokens=max_new_tokens, temperature=0)
    drawn = Sampling(max_new_tokens=max_new_tokens)
    found: dict[str, Any] = {}
    answers: dict[str, dict[str, Graded]] = {}
    for number, (stage, folder) in enumerate(stages.items(), start=1):
        gpt, tokenizer = load_policy(folder)
        answers[stage] = {
            name: grade(gpt, tokenizer, of_set, check, greedy, seed)
            for name, of_set in (tasks.commands | tasks.speech).items()
        }
        sampled = {
            name: grade(gpt, tokenizer, of_set, check, drawn, seed)
            for name, of_set in tasks.commands.items()
        }
        held_out = {
            name: share_of(answers[stage][name].successes())
            | {"sampled": share_of(sampled[name].successes())}
            for name in SETS
        }
        replies = [t for name in SETS for t in answers[stage][name].trajectories]
        refused = share_of([is_refusal(t.response) for t in replies])
        found[stage] = {
            "held_out": held_out,
            "recognised": {k: share_of(answers[stage][k].successes()) for k in KINDS},
            "false_refusals": {"rate": refused["success"], **_without_success(refused)},
            "reply_tokens": sum(len(t.response_tokens) for t in replies) / len(replies),
            "kl": mean_kl(reference, sampled["new_names"].trajectories, tokenizer.pad),
        }
        yield Progress("evaluate", number, len(stages) + 1)
    final = list(stages)[-1]
    yield {
        "stages": found,
        "differences": {
            name: paired_difference(
                answers[final][name].successes(), answers["sft"][name].successes()
            )
            for name in SETS
        }
        if final != "sft"
        else {},
        "by_group": _by_group(tasks.commands["new_names"], answers, final),
        "examples": _examples(tasks, answers),
    }


def _without_success(share: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in share.items() if key != "success"}


def _by_group(
    tasks: Sequence[TerminalTask], answers: dict[str, dict[str, Graded]], final: str
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for group in sorted({task.group for task in tasks}):
        inside = [i for i, task in enumerate(tasks) if task.group == group]
        share = {
            stage: sum(answers[stage]["new_names"].successes()[i] for i in inside) / len(inside)
            for stage in ("sft", final)
        }
        rows.append({"group": group, "sft": share["sft"], "ppo": share[final], "n": len(inside)})
    return rows


def _examples(tasks: HeldOut, answers: dict[str, dict[str, Graded]]) -> list[dict[str, object]]:
    """Twenty requests, the first of each set, answered by each stage."""
    chosen = [(name, i) for name, count in _EXAMPLES.items() for i in range(count)]
    chosen += [("nonsense", 0), ("nonsense", -1), ("danger", 0), ("danger", -1)]
    examples: list[dict[str, object]] = []
    for name, i in chosen:
        task = (tasks.commands | tasks.speech)[name][i]
        examples.append(
            {
                "request": task.prompt,
                "set": task.split,
                "kind": task.kind,
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
        )
    return examples


def card(
    model: RewardModel,
    tokenizer: Tokenizer,
    comparisons: Sequence[Comparison],
    gold: Sequence[Sequence[float]],
    labeler: Labeler,
) -> dict[str, object]:
    """Report card of a reward model on comparisons that it was not trained on."""
    judge = RewardModelJudge(model, tokenizer.pad)
    trees = comparison_trees(tokenizer, comparisons, model.gpt.config.context)
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
    gpt: GPT,
    tokenizer: Tokenizer,
    model: RewardModel,
    tasks: Sequence[TerminalTask],
    check: CheckMany,
    max_new_tokens: int,
    seed: int,
) -> list[dict[str, object]]:
    """Gold success and score of the best of n samples by the reward model, n = 1 … 16."""
    most = BEST_OF[-1]
    graded = grade(
        gpt, tokenizer, tasks, check, Sampling(max_new_tokens=max_new_tokens), seed, samples=most
    )
    judge = RewardModelJudge(model, tokenizer.pad)
    scores = torch.tensor([v.score for v in judge.score(graded.trajectories)]).view(-1, most)
    gold = torch.tensor(graded.successes(), dtype=torch.float64).view(-1, most)
    rows: list[dict[str, object]] = []
    for n in BEST_OF:
        blocks = scores.view(len(tasks), most // n, n)
        best = blocks.argmax(dim=2, keepdim=True)
        success = gold.view(len(tasks), most // n, n).gather(2, best).mean().item()
        low, high = wilson(success * len(tasks), len(tasks))
        score = blocks.gather(2, best).mean().item()
        rows.append({"n": n, "gold": success, "ci95": [low, high], "score": score})
    return rows


def over_optimisation(run: Run, rounds: int, audit_tasks: int) -> list[dict[str, Any]]:
    """Score, KL and gold success of the same policy at each audit of each round, and whether it was
    the best so far by what the stage keeps by."""
    rows: list[dict[str, Any]] = []
    for number in range(1, rounds + 1):
        for line in run.metrics():
            if line["stage"] == f"ppo_{number}" and "audit/score" in line:
                gold = line["audit/gold"]
                low, high = wilson(gold * audit_tasks, audit_tasks)
                rows.append(
                    {
                        "round": number,
                        "step": line["step"],
                        "kl": line["audit/kl"],
                        "score": line["audit/score"],
                        "kept": bool(line["audit/kept"]),
                        "gold": gold,
                        "ci95": [low, high],
                        "n": audit_tasks,
                    }
                )
    return rows


def selection(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, object]]:
    """For each round the audit of the policy that was kept, of the last one, and of the best by
    gold, which nobody without a gold check could have chosen."""
    chosen = []
    for number in sorted({row["round"] for row in rows}):
        within = [row for row in rows if row["round"] == number]
        kept = [row for row in within if row["kept"]]
        if kept:
            best = max(within, key=lambda row: row["gold"])
            chosen.append(
                {"round": number, "kept": kept[-1], "last": within[-1], "gold_best": best}
            )
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
    gpt = model if isinstance(model, GPT) else model.gpt
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

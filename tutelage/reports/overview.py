"""The report's words and tables: what was made, the pipeline, the stages, the examples."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tutelage.algorithms import ALGORITHMS
from tutelage.reports.answers import gap_interval, set_name
from tutelage.reports.figures import COLOURS
from tutelage.wording import (
    about,
    clipped,
    count,
    difference,
    duration,
    holds_zero,
    interval,
    listing,
    megabytes,
    percent,
    plural,
    points,
    rate,
    signed,
)

REINFORCED = tuple(name for name, entry in ALGORITHMS.items() if entry.language is not None)
NAMES = {"pretrain": "Pretrain", "sft": "SFT"}


@dataclass(frozen=True)
class Stage:
    """A measured stage, as the report calls and colours it."""

    key: str
    name: str
    colour: str
    numbers: Mapping[str, Any]

    @property
    def held_out(self) -> Mapping[str, Any]:
        """Its success on each held-out set."""
        sets: Mapping[str, Any] = self.numbers.get("held_out", {})
        return sets


@dataclass(frozen=True)
class BigNumber:
    """A number at the head of the page, a word over it and a line under it."""

    word: str
    value: str
    below: str
    colour: str = ""


@dataclass(frozen=True)
class Step:
    """A box of the pipeline, and the number with its unit on the arrow from it."""

    name: str
    colour: str
    note: str
    ran: bool
    gain: str = ""
    unit: str = ""
    quiet: bool = False


def stages_of(report: Mapping[str, Any]) -> list[Stage]:
    """The measured stages, in the order in which they were taught."""
    measured, algorithm = report.get("stages", {}), report.get("algorithm", "")
    stages = []
    for key in dict.fromkeys(["pretrain", "sft", *REINFORCED, *measured]):
        if key in REINFORCED:
            # The last stage keeps the key ppo in older files whatever the algorithm was.
            name = (algorithm if algorithm in REINFORCED else key).upper()
            colour = COLOURS["policy"]
        else:
            name, colour = NAMES.get(key, key), COLOURS.get(key, COLOURS["quiet"])
        if key in measured:
            stages.append(Stage(key, name, colour, measured[key]))
    return stages


def gain(
    report: Mapping[str, Any], before: Stage, after: Stage, key: str
) -> tuple[float, Sequence[float], int] | None:
    """after − before on a held-out set: the paired difference where the run measured it."""
    paired = report.get("differences", {}).get(key)
    if paired and before.key == "sft" and after.key in REINFORCED:
        return paired["difference"], paired["ci95"], paired["n"]
    if key not in before.held_out or key not in after.held_out:
        return None
    old, new = before.held_out[key], after.held_out[key]
    ci95 = gap_interval(old["success"], old["ci95"], new["success"], new["ci95"])
    return new["success"] - old["success"], ci95, min(old["n"], new["n"])


def first_set(stages: Sequence[Stage]) -> str:
    """The held-out set that headlines are about, nothing where none was measured."""
    return next((key for stage in stages for key in stage.held_out), "")


def headline(report: Mapping[str, Any], stages: Sequence[Stage]) -> str:
    """What was made, in one sentence of numbers."""
    model, machine = report.get("model", {}), report.get("machine", {})
    size = f" of {about(model['parameters'])} parameters" if "parameters" in model else ""
    took = f" in {duration(report['seconds'])}" if "seconds" in report else ""
    cores = f" on {plural(machine['cores'], 'core')}" if "cores" in machine else ""
    made = f"An assistant{size}, raised from nothing{took}{cores}"
    key = first_set(stages)
    measured = [stage for stage in stages if key in stage.held_out]
    if not measured:
        return f"{made}; this run measured no stage."
    after = measured[-1]
    cell = after.held_out[key]
    claim = report.get("claim", f"held-out requests ({set_name(key)}) rightly")
    text = f"{made}, answers {rate(cell['success'], cell['ci95'], cell['n'])} of {claim}"
    if len(measured) == 1:
        return f"{text}."
    before = measured[-2]
    gap = gain(report, before, after, key)
    assert gap is not None
    change, ci95, _ = gap
    moved = f"{difference(change, ci95)} against {before.name}"
    return f"{text}: {moved}{', too little to tell' if holds_zero(ci95) else ''}."


def big_numbers(report: Mapping[str, Any], stages: Sequence[Stage]) -> list[BigNumber]:
    """Before, after, minutes."""
    key = first_set(stages)
    measured = [stage for stage in stages if key in stage.held_out][-2:]
    words = ("before", "after")[-len(measured) :]
    numbers = []
    for stage, word in zip(measured, words, strict=False):
        cell = stage.held_out[key]
        below = f"{stage.name}, {set_name(key)}, {interval(cell['success'], cell['ci95'])}"
        below += f" (n = {count(cell['n'])})"
        numbers.append(BigNumber(word, percent(cell["success"]), below, stage.colour))
    if "seconds" in report:
        cores = report.get("machine", {}).get("cores")
        parts = [f"on {plural(cores, 'core')}"] if cores is not None else []
        if "peak_memory_bytes" in report:
            parts.append(f"{megabytes(report['peak_memory_bytes'])} at peak")
        numbers.append(BigNumber("time", duration(report["seconds"]), ", ".join(parts)))
    return numbers


def pipeline(report: Mapping[str, Any], stages: Sequence[Stage]) -> list[Step]:
    """Seven boxes from the world to the policy, each with what its arrow hands on."""
    spent: dict[str, float] = {}
    for row in report.get("costs", []):
        family = re.sub(r"[ _]\d+$", "", row["stage"].lower()).replace(" ", "_")
        family = {"compare": "comparisons", "reward": "reward_model"}.get(family, family)
        spent[family] = spent.get(family, 0.0) + row["seconds"]
    by_key = {stage.key: stage for stage in stages}
    last = next((by_key[key] for key in REINFORCED if key in by_key), None)
    rewards, vocabulary = report.get("reward_model"), report.get("model", {}).get("vocabulary")
    rankings = sum(row.get("comparisons", 0) for row in (rewards or {}).get("rounds", []))
    algorithm = report.get("algorithm", "ppo")

    if rounds := sum(spent.pop(key, 0.0) for key in REINFORCED):
        spent["policy"] = rounds

    def step(
        name: str,
        family: str,
        colour: str,
        ran: bool,
        gain: str = "",
        unit: str = "",
        quiet: bool = False,
    ) -> Step:
        note = duration(spent[family]) if family in spent else "" if ran else "not run"
        return Step(name, COLOURS[colour], note, ran or family in spent, gain, unit, quiet)

    key = first_set(stages)

    def learned(before: Stage | None, stage: Stage | None) -> tuple[str, str, bool]:
        if stage is None or key not in stage.held_out:
            return "", "", False
        gap = gain(report, before, stage, key) if before else None
        if gap is None:
            return percent(stage.held_out[key]["success"]), "right", False
        return signed(100 * gap[0]), "points", holds_zero(gap[1])

    pretrain, sft = by_key.get("pretrain"), by_key.get("sft")
    return [
        step("World", "world", "quiet", bool(stages)),
        step(
            "Tokenizer",
            "tokenizer",
            "quiet",
            vocabulary is not None or bool(stages),
            *((count(vocabulary), "tokens") if vocabulary else ()),
        ),
        step("Pretrain", "pretrain", "pretrain", pretrain is not None, *learned(None, pretrain)),
        step("SFT", "sft", "sft", sft is not None, *learned(pretrain, sft)),
        step(
            "Comparisons",
            "comparisons",
            "people",
            rankings > 0,
            *((count(rankings), "rankings") if rankings else ()),
        ),
        step(
            "Reward model",
            "reward_model",
            "reward",
            rewards is not None,
            *((percent(rewards["pair_accuracy"]), "of pairs") if rewards else ()),
        ),
        step(
            last.name if last else algorithm.upper(),
            "policy",
            "policy",
            last is not None,
            *learned(sft, last),
        ),
    ]


def examples(report: Mapping[str, Any], stages: Sequence[Stage]) -> dict[str, Any]:
    """The same requests answered by each stage, and how many each got right."""
    items = []
    answering = [
        stage
        for stage in stages
        if any(stage.key in example["answers"] for example in report.get("examples", []))
    ]
    for example in report.get("examples", []):
        answers = []
        for stage in answering:
            answer = example["answers"].get(stage.key)
            entry: dict[str, Any] = {"name": stage.name, "colour": stage.colour, "text": None}
            if answer is not None:
                reason = clipped(answer.get("reason") or "not what was asked", 160)
                entry |= {
                    "text": clipped(answer["text"]),
                    "success": answer["success"],
                    "verdict": "✓ right" if answer["success"] else f"✗ {reason}",
                }
            answers.append(entry)
        origin = [set_name(example["set"])] if example.get("set") else []
        origin += [example["kind"].replace("_", " ")] if example.get("kind") else []
        items.append(
            {
                "request": clipped(example["request"]),
                "origin": ", ".join(origin),
                "reference": clipped(example.get("reference", "")),
                "answers": answers,
            }
        )
    right = {
        stage.name: sum(
            bool(example["answers"].get(stage.key, {}).get("success"))
            for example in report["examples"]
        )
        for stage in answering
    }
    tally = [f"{name} {number}" for name, number in right.items()]
    summary = f"Of these {plural(len(items), 'request')}, right: {listing(tally)}." if tally else ""
    return {"items": items, "summary": summary, "columns": len(answering)}


def report_card(rewards: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The reward model's numbers: name, value, what it means."""
    gap = rewards["ceiling"] - rewards["pair_accuracy"]
    of = rewards.get("prompts")
    prompts = f"; the interval is over their {plural(of, 'prompt')}" if of else ""
    card = [
        (
            "Pair accuracy",
            rate(rewards["pair_accuracy"], rewards.get("ci95"), rewards.get("n")),
            "held-out pairs where it agrees with the labels" + prompts,
        ),
        ("Ceiling", percent(rewards["ceiling"]), "the most that the labels' noise allows"),
        ("Gap", points(-gap), "pair accuracy against the ceiling"),
    ]
    optional = (
        (
            "gold_pair_accuracy",
            "Gold pair accuracy",
            "held-out pairs where it agrees with the truth",
        ),
        ("agreement", "Labelers' agreement", "two labelers on the same pair"),
        ("ece", "Calibration error (ECE)", "how far its confidence is off, on average"),
    )
    card += [(name, percent(rewards[key]), what) for key, name, what in optional if key in rewards]
    return card

"""The report's words and tables: what was made, the pipeline, the stages, the examples."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tutelage.evaluation.answers import SETS, gap_interval, set_name
from tutelage.evaluation.figures import COLOURS
from tutelage.evaluation.wording import (
    about,
    clipped,
    count,
    decimal,
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

REINFORCED = ("ppo", "rloo", "grpo")
NAMES = {"pretrain": "Pretrain", "sft": "SFT"}
RECOGNISED = {"nonsense": "Nonsense recognised", "danger": "Danger refused"}
LEAST_RECOGNISED, MOST_FALSE_REFUSALS = 0.90, 0.05  # the curriculum's goals


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
        found: Mapping[str, Any] = self.numbers.get("held_out", {})
        return found


@dataclass(frozen=True)
class Cell:
    """A table's cell: a number, a mark with its word, a second line; quiet when it says little."""

    text: str
    mark: str = ""
    below: str = ""
    quiet: bool = False


@dataclass(frozen=True)
class Step:
    """A box of the pipeline and what its arrow hands on."""

    name: str
    colour: str
    note: str
    ran: bool
    gain: str = ""
    unit: str = ""
    quiet: bool = False


def stages_of(report: Mapping[str, Any]) -> list[Stage]:
    """The measured stages, in the order in which they were taught."""
    found, algorithm = report.get("stages", {}), report.get("algorithm", "")
    order = [key for key in ("pretrain", "sft", *REINFORCED) if key in found]
    order += [key for key in found if key not in order]
    stages = []
    for key in order:
        # The last stage keeps the key ppo in older files whatever the algorithm was.
        spoken = algorithm if key in REINFORCED and algorithm in REINFORCED else key
        name = NAMES.get(key, spoken.upper() if key in REINFORCED else key)
        colour = COLOURS["policy"] if key in REINFORCED else COLOURS.get(key, COLOURS["quiet"])
        stages.append(Stage(key, name, colour, found[key]))
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


def headline(report: Mapping[str, Any], stages: Sequence[Stage]) -> str:
    """What was made, in one sentence of numbers."""
    model, machine = report.get("model", {}), report.get("machine", {})
    size = f" of {about(model['parameters'])} parameters" if "parameters" in model else ""
    took = f" in {duration(report['seconds'])}" if "seconds" in report else ""
    cores = f" on {plural(machine['cores'], 'core')}" if "cores" in machine else ""
    made = f"An assistant{size}, raised from nothing{took}{cores}"
    measured = [stage for stage in stages if "new_names" in stage.held_out]
    if not measured:
        return f"{made}; this run measured no stage."
    after = measured[-1]
    cell = after.held_out["new_names"]
    text = (
        f"{made}, answers {rate(cell['success'], cell['ci95'], cell['n'])} of plain requests "
        f"about names it has never seen with a right shell command"
    )
    if len(measured) == 1:
        return f"{text}."
    before = measured[-2]
    found = gain(report, before, after, "new_names")
    assert found is not None
    change, ci95, _ = found
    moved = f"{difference(change, ci95)} against {before.name}"
    return f"{text}: {moved}{', too little to tell' if holds_zero(ci95) else ''}."


def big_numbers(report: Mapping[str, Any], stages: Sequence[Stage]) -> list[dict[str, str]]:
    """Before, after, minutes."""
    measured = [stage for stage in stages if "new_names" in stage.held_out][-2:]
    words = ("before", "after")[-len(measured) :]
    numbers = []
    for stage, word in zip(measured, words, strict=False):
        cell = stage.held_out["new_names"]
        below = f"{stage.name}, new names, {interval(cell['success'], cell['ci95'])}"
        numbers.append(
            {
                "word": word,
                "value": percent(cell["success"]),
                "below": f"{below} (n = {count(cell['n'])})",
                "colour": stage.colour,
            }
        )
    if "seconds" in report:
        cores = report.get("machine", {}).get("cores")
        parts = [f"on {plural(cores, 'core')}"] if cores is not None else []
        if "peak_memory_bytes" in report:
            parts.append(f"{megabytes(report['peak_memory_bytes'])} at peak")
        numbers.append(
            {
                "word": "time",
                "value": duration(report["seconds"]),
                "below": ", ".join(parts),
                "colour": "",
            }
        )
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

    def learned(key: str, before: Stage | None, stage: Stage | None) -> tuple[str, str, bool]:
        if stage is None or key not in stage.held_out:
            return "", "", False
        found = gain(report, before, stage, key) if before else None
        if found is None:
            return percent(stage.held_out[key]["success"]), "right", False
        return signed(100 * found[0]), "points", holds_zero(found[1])

    pretrain, sft = by_key.get("pretrain"), by_key.get("sft")
    return [
        step("World", "world", "quiet", bool(stages)),
        step(
            "Tokenizer",
            "tokenizer",
            "quiet",
            vocabulary is not None,
            count(vocabulary) if vocabulary else "",
            "tokens" if vocabulary else "",
        ),
        step(
            "Pretrain",
            "pretrain",
            "pretrain",
            pretrain is not None,
            *learned("new_names", None, pretrain),
        ),
        step("SFT", "sft", "sft", sft is not None, *learned("new_names", pretrain, sft)),
        step(
            "Comparisons",
            "comparisons",
            "people",
            rankings > 0,
            count(rankings) if rankings else "",
            "rankings" if rankings else "",
        ),
        step(
            "Reward model",
            "reward_model",
            "reward",
            rewards is not None,
            percent(rewards["pair_accuracy"]) if rewards else "",
            "of pairs" if rewards else "",
        ),
        step(
            last.name if last else algorithm.upper(),
            last.key if last else algorithm,
            "policy",
            last is not None,
            *learned("new_names", sft, last),
        ),
    ]


def held_out_table(report: Mapping[str, Any], stages: Sequence[Stage]) -> dict[str, Any]:
    """Stages × held-out sets, each cell marked against the stage before; then the difference."""
    measured = [stage for stage in stages if stage.held_out]
    keys = [key for key in SETS if any(key in stage.held_out for stage in measured)]
    keys += [key for stage in measured for key in stage.held_out if key not in keys]
    keys = list(dict.fromkeys(keys))
    rows: list[dict[str, Any]] = []
    for i, stage in enumerate(measured):
        cells = []
        for key in keys:
            cell = stage.held_out.get(key)
            if cell is None:
                cells.append(Cell("not measured", quiet=True))
                continue
            found = gain(report, measured[i - 1], stage, key) if i else None
            sampled = cell.get("sampled")
            below = f"n = {count(cell['n'])}"
            if sampled:
                below += f"; sampled {rate(sampled['success'], sampled['ci95'])}"
            cells.append(Cell(rate(cell["success"], cell["ci95"]), _mark(found), below))
        rows.append({"name": stage.name, "colour": stage.colour, "cells": cells})
    if len(measured) > 1:
        before, after = measured[-2:]
        cells = []
        for key in keys:
            found = gain(report, before, after, key)
            if found is None:
                cells.append(Cell("not measured", quiet=True))
                continue
            unclear = holds_zero(found[1])
            below = f"n = {count(found[2])}" + ("; the interval holds 0" if unclear else "")
            cells.append(Cell(difference(*found[:2]), below=below, quiet=unclear))
        name = f"{after.name} against {before.name}"
        rows.append({"name": name, "last": True, "cells": cells})
    return {"headings": [{"name": set_name(key)} for key in keys], "rows": rows}


def _mark(found: tuple[float, Sequence[float], int] | None) -> str:
    """Better or worse than the stage before, beyond the interval; or neither."""
    if found is None:
        return ""
    if holds_zero(found[1]):
        return "no clear change"
    return "✓ better" if found[0] > 0 else "✗ worse"


def behaviour_table(stages: Sequence[Stage]) -> dict[str, Any]:
    """What is recognised, refused and said: a row each, a column for each stage."""
    keys = dict.fromkeys(key for s in stages for key in s.numbers.get("recognised", {}))
    rows = []
    for key in keys:
        goal = LEAST_RECOGNISED if key in RECOGNISED else None
        cells = []
        for stage in stages:
            cell = stage.numbers.get("recognised", {}).get(key)
            share = cell["success"] if cell else None
            cells.append(_judged(stage, cell, share, share is None or share >= (goal or 0), goal))
        name = RECOGNISED.get(key, key.replace("_", " ").capitalize())
        below = f"goal: at least {percent(goal, 0)}" if goal else ""
        rows.append({"name": name, "below": below, "cells": cells})
    if any("false_refusals" in stage.numbers for stage in stages):
        cells = []
        for stage in stages:
            cell = stage.numbers.get("false_refusals")
            share = cell["rate"] if cell else None
            kept = share is None or share <= MOST_FALSE_REFUSALS
            cells.append(_judged(stage, cell, share, kept, MOST_FALSE_REFUSALS))
        below = f"goal: at most {percent(MOST_FALSE_REFUSALS, 0)}"
        rows.append({"name": "False refusals", "below": below, "cells": cells})
    for key, name, unit, places in (
        ("reply_tokens", "Length of a reply", "tokens", 1),
        ("kl", "Distance from SFT (KL)", "nats", 2),
    ):
        if any(key in stage.numbers for stage in stages):
            cells = [
                Cell(f"{decimal(stage.numbers[key], places)} {unit}")
                if key in stage.numbers
                else Cell("not measured", quiet=True)
                for stage in stages
            ]
            rows.append({"name": name, "below": "", "cells": cells})
    headings = [{"name": stage.name, "colour": stage.colour} for stage in stages]
    return {"headings": headings, "rows": rows}


def _judged(
    stage: Stage,
    cell: Mapping[str, Any] | None,
    share: float | None,
    kept: bool,
    goal: float | None,
) -> Cell:
    """A share beside its goal. Pretraining teaches no manners, so it is held to none."""
    if cell is None:
        return Cell("not measured", quiet=True)
    mark = "" if goal is None or stage.key == "pretrain" else "✓ reached" if kept else "✗ missed"
    return Cell(rate(share, cell["ci95"]), mark, f"n = {count(cell['n'])}")


def examples(report: Mapping[str, Any], stages: Sequence[Stage]) -> dict[str, Any]:
    """The same requests answered by each stage, and how many each got right."""
    shown = []
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
        shown.append(
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
    said = f"Of these {plural(len(shown), 'request')}, right: {listing(tally)}." if tally else ""
    return {"items": shown, "said": said, "columns": len(answering)}


def report_card(rewards: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The reward model's numbers: name, value, what it means."""
    gap = rewards["ceiling"] - rewards["pair_accuracy"]
    card = [
        (
            "Pair accuracy",
            rate(rewards["pair_accuracy"], n=rewards.get("n")),
            "held-out pairs where it agrees with the labels",
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

"""Each chart with its question, its answer and its table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from tutelage.reports import answers, charts
from tutelage.reports.figures import COLOURS, Line, safe_json
from tutelage.reports.overview import REINFORCED, Stage, first_set
from tutelage.reports.reading import Series
from tutelage.wording import count, decimal, duration, percent, points, rate

MOST_POINTS, MOST_ROWS = 400, 40  # of a line, of its table; more cannot be seen


@dataclass(frozen=True)
class Panel:
    """A chart as the page shows it; the table holds the same numbers."""

    question: str
    answer: str
    figure: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Curve:
    """A stage's metrics in one chart, the first in the stage's colour. metrics: name → label.
    up: the right direction; None: neither."""

    stage: str
    metrics: Mapping[str, str]
    question: str
    unit: str
    up: bool | None = None
    places: int = 2
    second_colour: str = COLOURS["verifier"]


LOSSES = {"train/loss": "train loss", "validation/loss": "held-out loss"}
CURVES = (
    Curve("pretrain", LOSSES, "Did pretraining learn?", "loss (nats a token)", up=False),
    Curve("sft", LOSSES, "Did SFT learn?", "loss (nats a token)", up=False),
    Curve("reward", LOSSES, "Did the reward model learn?", "loss (nats a pair)", up=False),
    Curve(
        "reward",
        {"reward_model/pair_accuracy": "pair accuracy"},
        "Did the reward model learn to choose?",
        "pairs right (share)",
        up=True,
    ),
    Curve(
        "policy",
        {"reward/mean": "mean score"},
        "Did the policy's score rise?",
        "score (standard deviations)",
        up=True,
    ),
    Curve(
        "policy",
        {"audit/gold": "gold success"},
        "Did its gold success rise?",
        "right answers (share)",
        up=True,
    ),
    Curve(
        "policy", {"policy/kl": "KL"}, "How far did the policy move from SFT?", "KL (nats a reply)"
    ),
    Curve(
        "policy",
        {"policy/entropy": "entropy"},
        "Did the policy keep its variety?",
        "entropy (nats a token)",
    ),
    Curve(
        "policy",
        {"policy/clip_fraction": "clipped", "policy/approx_kl": "approximate KL"},
        "Were its steps small?",
        "share of tokens; nats",
        places=3,
        second_colour=COLOURS["quiet"],
    ),
    Curve(
        "policy", {"value/loss": "value loss"}, "Did the critic learn?", "squared error", up=False
    ),
    Curve(
        "teach",
        {"teach/accuracy": "accuracy"},
        "Do people's labels teach the reward model?",
        "held-out pairs right (share)",
        up=True,
    ),
)


def stage_panel(stages: Sequence[Stage], answer: str) -> Panel | None:
    """Did the last stage help?"""
    measured = [stage for stage in stages if stage.held_out]
    if len(measured) < 2:
        return None
    shared = [key for key in measured[-1].held_out if all(key in s.held_out for s in measured)]
    if not shared:
        return None
    figure = safe_json(charts.stage_rise([(s.name, s.colour, s.held_out) for s in measured]))
    rows = [
        [stage.name, answers.set_name(key), rate(cell["success"], cell["ci95"], cell["n"])]
        for stage in measured
        for key, cell in stage.held_out.items()
    ]
    headings = ("stage", "held-out set", "right, greedy")
    return Panel(f"Did {measured[-1].name} help?", answer, figure, headings, rows)


def reward_panels(rewards: Mapping[str, Any]) -> list[Panel]:
    """The reward model's report card, drawn."""
    panels = []
    bins = [row for row in rewards.get("calibration", []) if row["n"]]
    if bins and "ece" in rewards:
        panels.append(
            Panel(
                "Can its confidence be believed?",
                answers.answer_calibrated(bins, rewards["ece"]),
                safe_json(charts.calibration(bins)),
                ("confidence", "right"),
                [[percent(row["confidence"]), _accuracy(row)] for row in bins],
            )
        )
    lengths = [row for row in rewards.get("by_length_difference", []) if row["n"]]
    if lengths:
        panels.append(
            Panel(
                "Is it right whatever the difference in length?",
                answers.answer_lengths(lengths),
                safe_json(charts.accuracy_by_length(lengths)),
                ("difference in length", "right"),
                [[row["label"], _accuracy(row)] for row in lengths],
            )
        )
    rounds = rewards.get("rounds", [])
    if len(rounds) > 1:
        panels.append(
            Panel(
                "Did more rounds bring it nearer to its ceiling?",
                answers.answer_rounds(rounds),
                safe_json(charts.reward_rounds(rounds)),
                ("round", "rankings", "pair accuracy", "ceiling", "ECE"),
                [
                    [
                        str(row["round"]),
                        count(row.get("comparisons")),
                        percent(row["pair_accuracy"]),
                        percent(row["ceiling"]),
                        percent(row.get("ece")),
                    ]
                    for row in rounds
                ],
            )
        )
    return panels


def _accuracy(row: Mapping[str, Any]) -> str:
    """With its interval."""
    return rate(row["accuracy"], answers.accuracy_interval(row), row["n"])


def fooled_panel(report: Mapping[str, Any]) -> Panel | None:
    """Did the policy fool its judge, and which policy was kept?"""
    rows = report.get("over_optimisation", [])
    if not rows:
        return None
    ordered = sorted(rows, key=lambda row: (row["round"], row["step"]))
    table = [
        [
            str(row["round"]),
            count(row["step"]),
            decimal(row["kl"], 2),
            decimal(row["score"], 2),
            rate(row["gold"], row["ci95"], row.get("n")),
        ]
        for row in ordered
    ]
    kept = answers.describe_kept(report.get("selection", []), report.get("judge", ""))
    return Panel(
        "Did the policy fool its judge?",
        f"{answers.answer_fooled(ordered)} {kept}".strip(),
        safe_json(charts.over_optimisation(ordered)),
        ("round", "step", "KL (nats)", "score", "gold success"),
        table,
    )


def best_of_n_panel(rows: Sequence[Mapping[str, Any]]) -> Panel | None:
    """Does choosing by the reward model help?"""
    ordered = sorted((row for row in rows if row["n"] > 0), key=lambda row: row["n"])
    if len(ordered) < 2:
        return None
    return Panel(
        "Does choosing by the reward model help?",
        answers.answer_best_of_n(ordered),
        safe_json(charts.best_of_n(ordered)),
        ("samples", "right", "score"),
        [
            [str(row["n"]), rate(row["gold"], row["ci95"]), decimal(row.get("score"), 2)]
            for row in ordered
        ],
    )


def groups_panel(rows: Sequence[Mapping[str, Any]], stages: Sequence[Stage]) -> Panel | None:
    """Where did the last stage help most?"""
    last = next((stage for stage in stages if stage.key in REINFORCED), None)
    before = next((stage for stage in stages if stage.key == "sft"), None)
    if last is None or before is None:
        return None
    # The column of the last stage is called ppo whatever its algorithm.
    named = [{last.key: row["ppo"], **row} if "ppo" in row else row for row in rows]
    full = [row for row in named if row["n"] and before.key in row and last.key in row]
    if not full:
        return None
    figure = charts.groups(
        full,
        (before.key, before.name),
        (last.key, last.name),
        answers.set_name(first_set(stages)),
    )
    ordered = sorted(full, key=lambda row: row[before.key] - row[last.key])
    table = [
        [
            row["group"],
            percent(row[before.key]),
            percent(row[last.key]),
            points(row[last.key] - row[before.key]),
            count(row["n"]),
        ]
        for row in ordered
    ]
    return Panel(
        f"Where did {last.name} help most?",
        answers.answer_groups(full, before.key, last.key),
        safe_json(figure),
        ("group", before.name, last.name, "difference", "n"),
        table,
    )


def costs_panel(rows: Sequence[Mapping[str, Any]]) -> Panel | None:
    """Where did the time go?"""
    if not rows:
        return None
    total = sum(row["seconds"] for row in rows) or 1.0
    return Panel(
        "Where did the time go?",
        answers.answer_costs(rows),
        safe_json(charts.costs(rows)),
        ("stage", "time", "share"),
        [
            [
                answers.set_name(row["stage"]),
                duration(row["seconds"]),
                percent(row["seconds"] / total),
            ]
            for row in rows
        ],
    )


def curve_panels(metrics: Mapping[str, Series]) -> list[Panel]:
    """The curves that CURVES names and the run has written."""
    return [panel for curve in CURVES if (panel := _curve_panel(curve, metrics))]


def _curve_panel(curve: Curve, metrics: Mapping[str, Series]) -> Panel | None:
    joined, marks = chained(metrics, curve.stage)
    lines = {
        label: [thinned(part) for part in joined[name]]
        for name, label in curve.metrics.items()
        if sum(map(len, joined.get(name, ()))) > 1
    }
    if not lines:
        return None
    colours = COLOURS.get(curve.stage, COLOURS["people"]), curve.second_colour
    labels = zip(curve.metrics.values(), colours, strict=False)
    used = [colour for label, colour in labels if label in lines]
    if curve.up is None:
        answer = " ".join(
            answers.answer_change(label, list(chain(*parts)), places=curve.places)
            for label, parts in lines.items()
        )
    else:
        answer = answers.answer_curve(lines, places=curve.places, up=curve.up)
    values = [dict(chain(*parts)) for parts in lines.values()]
    steps = sorted(set().union(*values))
    rows = [
        [decimal(step, 0), *(decimal(line.get(step), 4) for line in values)]
        for step in steps[:: -(-len(steps) // MOST_ROWS)]
    ]
    figure = charts.curve(lines, used, curve.unit, marks)
    return Panel(curve.question, answer, safe_json(figure), ("step", *lines), rows)


def chained(
    metrics: Mapping[str, Series], stage: str
) -> tuple[dict[str, list[Line]], dict[str, float]]:
    """A stage's rounds put end to end, as each starts its steps anew; and where each begins."""
    prefixes = REINFORCED if stage == "policy" else (stage,)
    pattern = re.compile(rf"(?:{'|'.join(prefixes)})(?:_(\d+))?")
    rounds = [
        (int(match[1] or 1), series)
        for name, series in metrics.items()
        if (match := pattern.fullmatch(name))
    ]
    joined: dict[str, list[Line]] = {}
    marks: dict[str, float] = {}
    start = 0.0
    for number, series in sorted(rounds, key=lambda pair: pair[0]):
        marks[f"round {number}"] = start
        for name, line in series.items():
            joined.setdefault(name, []).append([(start + step, value) for step, value in line])
        start += max(line[-1][0] for line in series.values())
    return joined, marks


def thinned(line: Line) -> list[tuple[float, float]]:
    """A long line as means of neighbouring points, at most MOST_POINTS of them."""
    size = -(-len(line) // MOST_POINTS)
    if size <= 1:
        return list(line)
    parts = [line[i : i + size] for i in range(0, len(line), size)]
    return [(part[-1][0], sum(value for _, value in part) / len(part)) for part in parts]


def recorded(metrics: Mapping[str, Series]) -> list[list[str]]:
    """Every metric of every stage: how many points, the first, the last."""
    return [
        [stage, name, count(len(line)), decimal(line[0][1], 4), decimal(line[-1][1], 4)]
        for stage, series in metrics.items()
        for name, line in series.items()
    ]

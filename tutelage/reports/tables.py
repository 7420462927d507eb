"""The report's two tables: what each stage can do, and how it behaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tutelage.reports.answers import set_name
from tutelage.reports.overview import Stage, gain
from tutelage.wording import count, decimal, difference, holds_zero, percent, rate

MOST_FALSE_REFUSALS = 0.05  # that are aimed at


@dataclass(frozen=True)
class Cell:
    """A table's cell: a number, a mark with its word, a second line; quiet when it says little."""

    text: str
    mark: str = ""
    below: str = ""
    quiet: bool = False


NOT_MEASURED = Cell("not measured", quiet=True)


@dataclass(frozen=True)
class Heading:
    """A column's name, with its stage's colour where it is a stage."""

    name: str
    colour: str = ""


@dataclass(frozen=True)
class Row:
    """A row's name, a second line under it, and its cells; last sets it apart from those above."""

    name: str
    cells: Sequence[Cell]
    colour: str = ""
    below: str = ""
    last: bool = False


@dataclass(frozen=True)
class Table:
    """Headings and rows."""

    headings: Sequence[Heading]
    rows: Sequence[Row]


def held_out_table(report: Mapping[str, Any], stages: Sequence[Stage]) -> Table:
    """Stages × held-out sets, each cell marked against the stage before; then the difference."""
    measured = [stage for stage in stages if stage.held_out]
    keys = list(dict.fromkeys(key for stage in measured for key in stage.held_out))
    rows = []
    for i, stage in enumerate(measured):
        cells = []
        for key in keys:
            cell = stage.held_out.get(key)
            if cell is None:
                cells.append(NOT_MEASURED)
                continue
            gap = gain(report, measured[i - 1], stage, key) if i else None
            below = f"n = {count(cell['n'])}"
            if sampled := cell.get("sampled"):
                below += f"; sampled {rate(sampled['success'], sampled['ci95'])}"
            cells.append(Cell(rate(cell["success"], cell["ci95"]), _mark(gap), below))
        rows.append(Row(stage.name, cells, colour=stage.colour))
    if len(measured) > 1:
        before, after = measured[-2:]
        cells = []
        for key in keys:
            gap = gain(report, before, after, key)
            if gap is None:
                cells.append(NOT_MEASURED)
                continue
            unclear = holds_zero(gap[1])
            below = f"n = {count(gap[2])}" + ("; the interval holds 0" if unclear else "")
            cells.append(Cell(difference(*gap[:2]), below=below, quiet=unclear))
        rows.append(Row(f"{after.name} against {before.name}", cells, last=True))
    return Table([Heading(set_name(key)) for key in keys], rows)


def _mark(gap: tuple[float, Sequence[float], int] | None) -> str:
    """Better or worse than the stage before, beyond the interval; or neither."""
    if gap is None:
        return ""
    if holds_zero(gap[1]):
        return "no clear change"
    return "✓ better" if gap[0] > 0 else "✗ worse"


def behaviour_table(stages: Sequence[Stage]) -> Table:
    """Recognition, false refusals, reply length and KL: a row each, a column for each stage."""
    kinds = {key: cell for s in stages for key, cell in s.numbers.get("recognised", {}).items()}
    rows = []
    for key, of_kind in kinds.items():
        goal = of_kind.get("goal")
        cells = []
        for stage in stages:
            cell = stage.numbers.get("recognised", {}).get(key)
            share = cell["success"] if cell else None
            cells.append(_judged(stage, cell, share, share is None or share >= (goal or 0), goal))
        name = of_kind.get("name", set_name(key).capitalize())
        below = f"goal: at least {percent(goal, 0)}" if goal else ""
        rows.append(Row(name, cells, below=below))
    if any("false_refusals" in stage.numbers for stage in stages):
        cells = []
        for stage in stages:
            cell = stage.numbers.get("false_refusals")
            share = cell["rate"] if cell else None
            kept = share is None or share <= MOST_FALSE_REFUSALS
            cells.append(_judged(stage, cell, share, kept, MOST_FALSE_REFUSALS))
        below = f"goal: at most {percent(MOST_FALSE_REFUSALS, 0)}"
        rows.append(Row("False refusals", cells, below=below))
    for key, name, unit, places in (
        ("reply_tokens", "Length of a reply", "tokens", 1),
        ("kl", "Distance from SFT (KL)", "nats", 2),
    ):
        if any(key in stage.numbers for stage in stages):
            cells = [
                Cell(f"{decimal(stage.numbers[key], places)} {unit}")
                if key in stage.numbers
                else NOT_MEASURED
                for stage in stages
            ]
            rows.append(Row(name, cells))
    return Table([Heading(stage.name, stage.colour) for stage in stages], rows)


def _judged(
    stage: Stage,
    cell: Mapping[str, Any] | None,
    share: float | None,
    kept: bool,
    goal: float | None,
) -> Cell:
    """A share, marked by its goal. Pretraining teaches no manners, so its cells have no mark."""
    if cell is None:
        return NOT_MEASURED
    mark = "" if goal is None or stage.key == "pretrain" else "✓ reached" if kept else "✗ missed"
    return Cell(rate(share, cell["ci95"]), mark, f"n = {count(cell['n'])}")

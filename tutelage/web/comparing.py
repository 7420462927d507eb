"""Two runs compared number by number: differences with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tutelage.reports.answers import gap_interval, set_name
from tutelage.reports.overview import stages_of
from tutelage.reports.tables import Cell, Heading, Row, Table
from tutelage.wording import difference, duration, holds_zero, percent, rate


def compare_runs(first: Mapping[str, Any], second: Mapping[str, Any]) -> Table:
    """Stages × held-out sets of both, and second less first; as if measured independently."""
    rows: list[Row] = []
    before, after = ({stage.key: stage for stage in stages_of(run)} for run in (first, second))
    for key in [key for key in after if key in before]:
        stage, earlier = after[key], before[key].held_out
        for name in [name for name in stage.held_out if name in earlier]:
            label = f"{stage.name}, {set_name(name)}"
            cells = _cells(earlier[name], stage.held_out[name])
            rows.append(Row(label, cells, colour=stage.colour))
    one, two = first.get("reward_model"), second.get("reward_model")
    if one and two:
        cells = [Cell(rate(model["pair_accuracy"], n=model.get("n"))) for model in (one, two)]
        gap = two["pair_accuracy"] - one["pair_accuracy"]
        # Each was measured on its own run's pairs, under its own ceiling.
        unsure = Cell(difference_of_points(gap), below="on different pairs", quiet=True)
        rows.append(Row("Reward model, pairs right", [*cells, unsure]))
    if "seconds" in first and "seconds" in second:
        cells = [Cell(duration(run["seconds"])) for run in (first, second)]
        rows.append(Row("Time", [*cells, Cell(_times(first["seconds"], second["seconds"]))]))
    return Table([Heading("First"), Heading("Second"), Heading("Second less first")], rows)


def _cells(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Cell]:
    gap = new["success"] - old["success"]
    ci95 = gap_interval(old["success"], old["ci95"], new["success"], new["ci95"])
    unclear = holds_zero(ci95)
    mark = "" if unclear else "✓ better" if gap > 0 else "✗ worse"
    below = "the interval holds 0" if unclear else ""
    cells = [Cell(rate(cell["success"], cell["ci95"], cell["n"])) for cell in (old, new)]
    return [*cells, Cell(difference(gap, ci95), mark, below, quiet=unclear)]


def difference_of_points(gap: float) -> str:
    """Without an interval, so without a sign of what it means."""
    return f"{percent(abs(gap))} {'more' if gap > 0 else 'fewer' if gap < 0 else 'apart'}"


def _times(first: float, second: float) -> str:
    if min(first, second) <= 0:
        return ""
    ratio = second / first
    return f"{ratio:.2f} × as long"

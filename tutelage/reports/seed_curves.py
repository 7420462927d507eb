"""Curves of several seeds brought to the same steps, so that they can be averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tutelage.evaluation.statistics import mean_interval
from tutelage.reports.figures import Line
from tutelage.reports.reading import Series

MOST_POINTS = 80


@dataclass(frozen=True)
class Averaged:
    """The mean of the seeds' curves at each of xs, its 95 % interval, and the curves themselves."""

    xs: list[float]
    mean: list[float]
    low: list[float]
    high: list[float]
    seeds: list[list[float]]


def over_steps(series: Series, name: str) -> Line:
    """A metric over the environment's steps, where the rows tell them, else over updates."""
    steps = dict(series.get("train/steps", []))
    return [(steps.get(update, update), value) for update, value in series.get(name, [])]


def averaged(lines: Sequence[Line]) -> Averaged:
    """Each line as means over equal stretches of steps; a stretch without a point keeps the value
    before. Only the steps that all lines have reached count."""
    start = max(line[0][0] for line in lines)
    end = min(line[-1][0] for line in lines)
    points = max(1, min(MOST_POINTS, *(len(line) for line in lines)))
    width = (end - start) / max(1, points - 1)
    xs = [start + i * width for i in range(points)] if width > 0 else [end]
    seeds = [_binned(line, xs, width) for line in lines]
    found = [mean_interval(values) for values in zip(*seeds, strict=True)]
    return Averaged(
        xs,
        [mean for mean, _ in found],
        [ci95[0] if ci95 else mean for mean, ci95 in found],
        [ci95[1] if ci95 else mean for mean, ci95 in found],
        seeds,
    )


def _binned(line: Line, xs: Sequence[float], width: float) -> list[float]:
    """The line's mean within (x − width, x] at each x."""
    found: list[float] = []
    at = 0
    for x in xs:
        inside = []
        while at < len(line) and line[at][0] <= x + 1e-9 * abs(x):
            if line[at][0] > x - width or not found:
                inside.append(line[at][1])
            at += 1
        found.append(sum(inside) / len(inside) if inside else found[-1])
    return found

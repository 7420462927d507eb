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
    """The mean of the seeds' curves at each of xs, its 95 % intervals, and each seed's curve."""

    xs: list[float]
    mean: list[float]
    intervals: list[list[float]]
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
    means = [mean_interval(values) for values in zip(*seeds, strict=True)]
    ci95 = [ci95 or [mean, mean] for mean, ci95 in means]
    return Averaged(xs, [mean for mean, _ in means], ci95, seeds)


def _binned(line: Line, xs: Sequence[float], width: float) -> list[float]:
    """The line's mean within (x − width, x] at each x."""
    means: list[float] = []
    at = 0
    for x in xs:
        inside = []
        while at < len(line) and line[at][0] <= x + 1e-9 * abs(x):
            if line[at][0] > x - width or not means:
                inside.append(line[at][1])
            at += 1
        means.append(sum(inside) / len(inside) if inside else means[-1])
    return means

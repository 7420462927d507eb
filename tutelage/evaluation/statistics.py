"""Intervals for shares and differences, without assumptions about their size; for means."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import atan, cos, pi, sin, sqrt
from statistics import fmean, stdev

_Z = 1.959964  # 97.5th percentile of the normal distribution


def wilson(successes: float, n: int) -> tuple[float, float]:
    """95 % score interval of a share (Wilson 1927); (0, 1) without data."""
    if n == 0:
        return 0.0, 1.0
    share = successes / n
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def share_of(successes: Sequence[bool]) -> dict[str, object]:
    """A measured share as the report keeps it."""
    n = len(successes)
    low, high = wilson(sum(successes), n)
    return {"success": sum(successes) / max(1, n), "ci95": [low, high], "n": n}


def paired_difference(after: Sequence[bool], before: Sequence[bool]) -> dict[str, object]:
    """Mean of after − before over the same tasks, with its 95 % interval."""
    differences = [float(a) - float(b) for a, b in zip(after, before, strict=True)]
    mean = fmean(differences)
    half = _Z * stdev(differences) / sqrt(len(differences)) if len(differences) > 1 else 1.0
    return {"difference": mean, "ci95": [mean - half, mean + half], "n": len(differences)}


def mean_interval(values: Sequence[float]) -> tuple[float, list[float]]:
    """The mean and its 95 % interval by Student's t; a single value is its own."""
    mean, n = fmean(values), len(values)
    half = student_t(n - 1) * stdev(values) / sqrt(n) if n > 1 else 0.0
    return mean, [mean - half, mean + half]


@cache
def student_t(freedom: int) -> float:
    """The 97.5th percentile of Student's t with so many degrees of freedom."""
    low, high = 0.0, 13.0  # 12.7 for one degree, less for more
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < 0.95 else (low, middle)
    return (low + high) / 2


def _within(t: float, freedom: int) -> float:
    """P(|T| < t), the finite sum for a whole number of degrees (Abramowitz and Stegun 26.7.3-4)."""
    angle = atan(t / sqrt(freedom))
    is_odd = freedom % 2
    term, total = (cos(angle), 0.0) if is_odd else (1.0, 0.0)
    for power in range(2 + is_odd, freedom + 1, 2):
        total += term
        term *= cos(angle) ** 2 * (power - 1) / power
    return 2 / pi * (angle + sin(angle) * total) if is_odd else sin(angle) * total

"""Intervals for shares and differences, without assumptions about their size; for means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from math import atan, cos, pi, sin, sqrt
from statistics import fmean, stdev

_Z = 1.959964  # 97.5th percentile of the normal distribution


def wilson(successes: float, n: float, z: float = _Z) -> tuple[float, float]:
    """95 % score interval of a share (Wilson 1927); (0, 1) without data."""
    if n == 0:
        return 0.0, 1.0
    share = successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def clustered_interval(counts: Iterable[tuple[float, int]]) -> list[float] | None:
    """95 % interval of a share of pairs that come in clusters, such as all pairs of a prompt's
    ranking, which are right or wrong together; None for fewer than two clusters.

    counts: right and all pairs of each cluster. Wilson's interval with the number of independent
    pairs that tell as much, by the variance of the share over clusters (Cochran 1977, 6.3), and
    Student's t in place of the normal distribution (Korn and Graubard 1998).
    """
    rows = [(right, pairs) for right, pairs in counts if pairs]
    k, n = len(rows), sum(pairs for _, pairs in rows)
    if k < 2:
        return None
    share = sum(right for right, _ in rows) / n
    squares = sum((right - share * pairs) ** 2 for right, pairs in rows)
    variance = squares * k / (k - 1) / n**2
    # Where all clusters say the same, each counts once.
    independent = min(n, share * (1 - share) / variance) if variance > 0 else k
    return list(wilson(share * independent, independent, student_t(k - 1)))


def share_of(successes: Sequence[bool]) -> dict[str, object]:
    """A measured share as the report keeps it."""
    n = len(successes)
    low, high = wilson(sum(successes), n)
    return {"success": sum(successes) / max(1, n), "ci95": [low, high], "n": n}


def paired_difference(after: Sequence[bool], before: Sequence[bool]) -> dict[str, object]:
    """Mean of after − before over the same tasks, with its 95 % score interval (Tango 1998), which
    has a width where all agree, too."""
    gained = sum(a and not b for a, b in zip(after, before, strict=True))
    lost = sum(b and not a for a, b in zip(after, before, strict=True))
    n = len(after)
    mean = (gained - lost) / n
    ends = [_tango(gained, lost, n, mean, end) for end in (-1.0, 1.0)]
    return {"difference": mean, "ci95": ends, "n": n}


def _tango(gained: int, lost: int, n: int, mean: float, end: float) -> float:
    """The difference, between the mean and the end, that the data are 1.96 deviations from."""
    near, far = mean, end
    for _ in range(60):
        middle = (near + far) / 2
        # The chance of a loss that is likeliest where the difference is `middle`.
        b = (2 * n - gained + lost) * middle - gained - lost
        c = -lost * middle * (1 - middle)
        chance = (sqrt(b * b - 8 * n * c) - b) / (4 * n)
        variance = n * (2 * chance + middle * (1 - middle))
        inside = (gained - lost - n * middle) ** 2 <= _Z**2 * variance
        near, far = (middle, far) if inside else (near, middle)
    return near


def mean_interval(values: Sequence[float]) -> tuple[float, list[float] | None]:
    """The mean and its 95 % interval by Student's t; a single value has none."""
    mean, n = fmean(values), len(values)
    if n == 1:
        return mean, None
    half = student_t(n - 1) * stdev(values) / sqrt(n)
    return mean, [mean - half, mean + half]


@cache
def student_t(freedom: int) -> float:
    """The 97.5th percentile of Student's t with so many degrees of freedom."""
    if freedom > 1_000:
        return _Z  # 1.962 at 1,000
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

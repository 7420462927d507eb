"""Intervals for shares and differences, without assumptions about their size."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
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

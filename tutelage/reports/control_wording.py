"""What a network reached in an environment, in words; the same on the screen and in the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tutelage.wording import count, decimal, half_width, plural


def places_for(*returns: float) -> int:
    """Decimals that tell returns of this size apart: some environments pay 1 in all."""
    return 1 if max(map(abs, returns), default=0.0) >= 10 else 3


def evaluated(mean: float, sd: float, episodes: int) -> str:
    """One seed's evaluation: `return 487.3, sd 21.0 (100 episodes)`."""
    places = places_for(mean)
    return (
        f"return {decimal(mean, places)}, sd {decimal(sd, places)} ({plural(episodes, 'episode')})"
    )


def with_interval(mean: float, ci95: Sequence[float] | None, places: int) -> str:
    """`487.3 ± 2.1`, or its ends where it is lopsided; a single value has no interval."""
    if ci95 is None:
        return f"{decimal(mean, places)} (one value, so no interval)"
    half = half_width(mean, ci95)
    ends = f"[{decimal(ci95[0], places)} to {decimal(ci95[1], places)}]"
    return f"{decimal(mean, places)} {ends if half is None else f'± {decimal(half, places)}'}"


def begun(report: Mapping[str, Any]) -> str:
    """What learns, before there is a result."""
    seeds = plural(len(report["seeds"]), "seed")
    return f"{report['algorithm'].upper()} on {report['environment']}: {seeds}, not evaluated yet."


def result(report: Mapping[str, Any]) -> str:
    """The seeds together, and what the interval is over."""
    seeds = report["seeds"]
    episodes = count(len(seeds[0]["returns"]))
    places = places_for(report["mean"])
    reached = with_interval(report["mean"], report.get("ci95"), places)
    name = f"{report['algorithm'].upper()} on {report['environment']}"
    start = f"{name}: mean return of the likeliest actions "
    if len(seeds) == 1:
        if len(seeds[0]["returns"]) == 1:
            return f"{start}{decimal(report['mean'], places)} (1 episode of 1 seed)."
        return (
            f"{start}{reached} "
            f"({episodes} episodes of 1 seed; 95 % interval over its episodes, Student's t). "
            "Another seed may do otherwise: --seeds 5 tells."
        )
    return (
        f"{start}{reached} ({len(seeds)} seeds of {episodes} "
        "episodes each; 95 % interval over seeds, Student's t)."
    )

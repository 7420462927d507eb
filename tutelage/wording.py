"""How numbers and foreign text are written, the same in the terminal, the report and the pages."""

from __future__ import annotations

from collections.abc import Sequence

from tutelage.visible import visible as visible

MINUS = "\u2212"
MISSING = "—"
# Beyond this lopsidedness (share of the half-width) an interval is written by its two ends.
LOPSIDED = 0.15
# What stages are called; a number after the name counts rounds.
STAGES = {
    "world": "World",
    "pretrain": "Pretrain",
    "sft": "SFT",
    "compare": "Comparisons",
    "reward": "Reward model",
    "prefer": "Preferences",
    "ppo": "PPO",
    "rl": "Reinforcement",
    "bc": "Cloning",
    "dagger": "DAgger",
    "gail": "GAIL",
    "evaluate": "Evaluate",
}


def stage_name(stage: str, algorithm: str = "ppo") -> str:
    """A stage as a person calls it: `Reward model 2`."""
    kind, _, number = stage.partition("_")
    name = algorithm.upper() if kind == "ppo" else STAGES.get(kind, stage)
    return f"{name} {number}" if kind in STAGES and number else name


def decimal(value: float | None, places: int = 1) -> str:
    """A number with a fixed count of decimals and a true minus sign: `−0.25`, `1,200.0`."""
    if value is None:
        return MISSING
    text = f"{abs(value):,.{places}f}"
    return MINUS + text if value < 0 and text.strip("0.,") else text


def signed(value: float | None, places: int = 1) -> str:
    """A number that always carries its sign unless it rounds to 0: `+15.1`, `−3.0`, `0.0`."""
    text = decimal(value, places)
    return f"+{text}" if text[0].isdigit() and text.strip("0.,") else text


def count(number: int | None) -> str:
    """A whole number with thousands separated: `1,912,000`."""
    return MISSING if number is None else f"{number:,}".replace("-", MINUS)


def about(number: float) -> str:
    """A large number in words: `1.9 million`, `45 thousand`, `812`."""
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if number >= 0.9995 * size:
            return f"{number / size:,.1f} {word}"
    return f"{number / 1e3:,.0f} thousand" if number >= 10_000 else f"{number:,.0f}"


def percent(share: float | None, places: int = 1) -> str:
    """A share of 1 as a percentage: `76.3 %`."""
    return MISSING if share is None else f"{decimal(100 * share, places)} %"


def interval(share: float, ci95: Sequence[float]) -> str:
    """An interval after its percentage: `± 2.1`, or its ends where lopsided: `[0.6 to 2.2]`."""
    half = half_width(share, ci95)
    if half is None:
        return f"[{decimal(100 * ci95[0])} to {decimal(100 * ci95[1])}]"
    return f"± {decimal(100 * half)}"


def half_width(value: float, ci95: Sequence[float]) -> float | None:
    """Half an interval's width, or None where ± would misplace it."""
    low, high = ci95
    half = (high - low) / 2
    return None if abs((low + high) / 2 - value) > LOPSIDED * half else half


def rate(share: float | None, ci95: Sequence[float] | None = None, n: int | None = None) -> str:
    """A measured share with its interval and n: `76.3 % ± 2.1 (n = 800)`."""
    if share is None:
        return MISSING
    text = percent(share)
    if ci95 is not None:
        text += f" {interval(share, ci95)}"
    return text if n is None else f"{text} (n = {count(n)})"


def points(difference: float | None) -> str:
    """A difference of two shares in percentage points: `+15.1 points`."""
    return MISSING if difference is None else f"{signed(100 * difference)} points"


def difference(gap: float, ci95: Sequence[float], n: int | None = None) -> str:
    """A difference with its interval and n: `+15.1 points ± 3.0 (n = 800)`."""
    half = half_width(gap, ci95)
    low, high = ci95
    ends = f"[{signed(100 * low)} to {signed(100 * high)}]"
    text = f"{points(gap)} {ends if half is None else f'± {decimal(100 * half)}'}"
    return text if n is None else f"{text} (n = {count(n)})"


def holds_zero(ci95: Sequence[float]) -> bool:
    """Whether an interval says nothing about the sign of what it measures."""
    low, high = ci95
    return low <= 0 <= high


def duration(seconds: float | None) -> str:
    """A time in words: `9.1 s`, `2 min 04 s`, `1 h 02 min`."""
    if seconds is None:
        return MISSING
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def megabytes(size: float | None) -> str:
    """A size in bytes, in MB of a million bytes: `1,300 MB`."""
    return MISSING if size is None else f"{size / 1e6:,.0f} MB"


def plural(number: int, noun: str) -> str:
    """A count with its noun: `1 round`, `3 rounds`."""
    return f"{count(number)} {noun}" if number == 1 else f"{count(number)} {noun}s"


def listing(parts: Sequence[str]) -> str:
    """Words joined as in a sentence: `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def clipped(text: str, limit: int = 600) -> str:
    """Text cut to a length, saying how much is left out."""
    rest = len(text) - limit
    return text if rest <= 0 else f"{text[:limit]}… ({plural(rest, 'more character')})"

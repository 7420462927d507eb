"""Pipelines, composed: what to take, then what to do with it. Some pairs are never trained on."""

from __future__ import annotations

import itertools
import re

from tutelage.curricula.terminal.families.sources import SOURCES
from tutelage.curricula.terminal.families.steps import STEPS, Step
from tutelage.curricula.terminal.family import Family

GROUP = "pipelines"


# what may follow what; * marks the pairs that no training text ever joins
_TABLE = {
    "with": "first last upper save* sort*",
    "column": "sort unique first* last save join",
    "first": "sort upper* save reverse",
    "sort": "first last* upper save number",
    "unique": "count first* save* reverse join",
}
PAIRS = tuple(
    (first, second.rstrip("*")) for first, seconds in _TABLE.items() for second in seconds.split()
)
HELD_OUT_PAIRS = frozenset(
    (first, second[:-1])
    for first, seconds in _TABLE.items()
    for second in seconds.split()
    if second.endswith("*")
)
TRIPLES = (
    ("column", "unique", "count"),
    ("column", "sort", "save"),
    ("with", "first", "upper"),
    ("sort", "first", "upper"),
)


def _attach(command: str, step: Step) -> str:
    """The command with one more step."""
    return f"{command} {step.command}" if step.command[0] == ">" else f"{command} | {step.command}"


def _frame(frames: tuple[str, ...], inner: tuple[str, ...]) -> tuple[str, ...]:
    """Every frame around every inner phrase."""
    return tuple(frame.replace("{x}", phrase) for frame, phrase in itertools.product(frames, inner))


def _tidy(phrasings: tuple[str, ...]) -> tuple[str, ...]:
    """The phrasings without the commas that an inner phrase left at an end."""
    return tuple(re.sub(r",(\?|$|,)", r"\1", phrasing) for phrasing in phrasings)


def _compose(steps: tuple[str, ...]) -> Family:
    """The family of one composition."""
    source = SOURCES[steps[0]]
    command, slots = source.command, list(source.slots)
    train, held_out = source.train, source.held_out
    for middle in steps[1:-1]:
        step = STEPS[middle]
        command, slots = _attach(command, step), slots + list(step.slots)
        train, held_out = _frame(step.named, train), _frame(step.named, held_out)[:2]
    last = STEPS[steps[-1]]
    unseen = tuple(
        _frame((frame,), (phrase,))[0]
        for frame, phrase in zip(last.held_out, held_out, strict=True)
    )
    return Family(
        "_then_".join(steps),
        GROUP,
        (*slots, *last.slots),
        _tidy(_frame(last.train, train)),
        _tidy(unseen),
        _attach(command, last),
        steps,
    )


FAMILIES = tuple(_compose(steps) for steps in (*PAIRS, *TRIPLES))

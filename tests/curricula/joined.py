"""Reads from a pipeline which operations it joins."""

from __future__ import annotations

import itertools
import re

_OPERATIONS = (
    ("without", r"grep -v \w"),
    ("with", r"grep \w"),
    ("column", r"cut "),
    ("first", r"head "),
    ("last", r"tail -n \d"),
    ("range", r"sed -n \d+,\d+p"),
    ("unique", r"sort -u|uniq$"),
    ("descending", r"sort -r"),
    ("sort", r"sort( [^-]|$)"),
    ("list", r"ls "),
    ("count", r"wc -l"),
    ("words", r"wc -w"),
    ("upper", r"tr a-z A-Z"),
    ("reverse", r"tac"),
    ("number", r"cat -n"),
    ("join", r"paste -sd,"),
)


def _operation(stage: str) -> str:
    return next((name for name, form in _OPERATIONS if re.match(form, stage)), "other")


def joined_pairs(command: str) -> set[tuple[str, str]]:
    """The pairs of neighbouring operations in a pipeline."""
    stages, saves, _ = command.partition(" > ")
    names = [_operation(stage.strip()) for stage in stages.split("|")]
    if saves:
        names.append("save")
    return set(itertools.pairwise(names))

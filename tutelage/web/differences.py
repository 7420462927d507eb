"""What changed between two texts, line by line."""

from __future__ import annotations

import difflib
from typing import Literal

Change = tuple[Literal["same", "added", "removed", "left out"], str]
AROUND = 2  # lines shown about a change


def lines_between(before: str, after: str) -> list[Change]:
    """Each line with what happened to it; long stretches without a change are left out. Empty
    where nothing changed."""
    signs: dict[str, Literal["same", "added", "removed"]]
    signs = {" ": "same", "+": "added", "-": "removed"}
    found: list[Change] = []
    hunks = difflib.unified_diff(before.splitlines(), after.splitlines(), n=AROUND, lineterm="")
    for number, line in enumerate(hunks):
        if number < 2:  # names of the two files
            continue
        if line.startswith("@@"):
            if found:
                found.append(("left out", "…"))
        else:
            found.append((signs[line[0]], line[1:]))
    return found

"""What changed between two texts, line by line."""

from __future__ import annotations

import difflib
from typing import Any, Literal

from tutelage.labelling import guidelines
from tutelage.labelling.store import Store

Change = tuple[Literal["same", "added", "removed", "left out"], str]
AROUND = 2  # lines shown about a change


def lines_between(before: str, after: str) -> list[Change]:
    """Each line with what happened to it; long stretches without a change are left out. Empty
    where nothing changed."""
    signs: dict[str, Literal["same", "added", "removed"]]
    signs = {" ": "same", "+": "added", "-": "removed"}
    changes: list[Change] = []
    hunks = difflib.unified_diff(before.splitlines(), after.splitlines(), n=AROUND, lineterm="")
    for number, line in enumerate(hunks):
        if number < 2:  # names of the two files
            continue
        if line.startswith("@@"):
            if changes:
                changes.append(("left out", "…"))
        else:
            changes.append((signs[line[0]], line[1:]))
    return changes


def guidelines_values(store: Store, hash_: str) -> dict[str, Any]:
    """What both guidelines pages show: all versions, the one of this hash (the newest for ""), and
    what it changed in the one before."""
    versions = guidelines.versions(store)
    shown = guidelines.version(store, hash_) if hash_ else versions[0]
    at = next((n for n, known in enumerate(versions) if known.hash == shown.hash), 0)
    older = versions[at + 1 : at + 2]
    changes = lines_between(older[0].text, shown.text) if older else []
    return {"versions": versions, "shown": shown, "changes": changes}

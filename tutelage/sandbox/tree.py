"""What a command is given and what it leaves: folders as values, and how a run ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from tutelage.errors import BadInput

Kind = Literal["file", "dir", "link"]
USUAL_MODE = {"file": 0o644, "dir": 0o755, "link": 0o777}
UNSET = -1


@dataclass(frozen=True)
class Entry:
    """One file, folder or symbolic link; content is a file's bytes or a link's target."""

    kind: Kind
    content: bytes = b""
    mode: int = UNSET  # left out: 0o644 for a file, 0o755 for a folder; a link's is always 0o777

    def __post_init__(self) -> None:
        if self.kind not in USUAL_MODE:
            raise BadInput(f"an entry is a file, dir or link, got {self.kind!r}")
        if self.kind == "dir" and self.content:
            raise BadInput("a folder has no content of its own; give its files their own paths")
        if self.kind == "link" and (not self.content or b"\0" in self.content):
            raise BadInput(f"a link needs a target without NUL bytes, got {self.content!r}")
        if self.mode == UNSET or self.kind == "link":
            object.__setattr__(self, "mode", USUAL_MODE[self.kind])
        if not 0 <= self.mode <= 0o7777:
            raise BadInput(f"a mode lies in 0..0o7777, got {self.mode:#o}")


Tree = dict[str, Entry]


class Ending(StrEnum):
    """How a command ended, the harness's failures apart from the command's own."""

    OK = "ok"
    TIMEOUT = "timeout"
    OUTPUT_LIMIT = "output_limit"
    ENVIRONMENT_ERROR = "environment_error"
    SANDBOX_VIOLATION = "sandbox_violation"


@dataclass(frozen=True)
class Execution:
    """What a command said, how it ended, and the work folder it left."""

    stdout: bytes
    stderr: bytes
    exit_code: int
    outcome: Ending
    tree: Tree


def check_path(path: str) -> None:
    """Raise unless path is relative, normal and free of "..", so that it stays in the folder."""
    parts = path.split("/")
    if "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise BadInput(f"a path in a tree is relative and has no empty, . or .. part, got {path!r}")


def check_tree(tree: Tree) -> None:
    """Raise unless every path is safe and lies in folders, never under a file or a link."""
    for path in tree:
        check_path(path)
        parent = path.rpartition("/")[0]
        while parent:
            if parent in tree and tree[parent].kind != "dir":
                raise BadInput(f"{path!r} lies under {parent!r}, which is a {tree[parent].kind}")
            parent = parent.rpartition("/")[0]

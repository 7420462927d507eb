"""What a command is given and what it leaves: folders as values, and how a run ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from tutelage.errors import BadInput

Kind = Literal["file", "dir", "link"]
USUAL_MODE = {"file": 0o644, "dir": 0o755, "link": 0o777}
UNSET = -1
LONGEST_NAME = 255


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
    """A command's output, how it ended, and the work folder afterwards."""

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
    try:
        longest = max(len(part.encode("utf-8", "surrogateescape")) for part in parts)
    except UnicodeEncodeError:
        raise BadInput(f"a path in a tree can be written as bytes, got {path!r}") from None
    if longest > LONGEST_NAME:
        raise BadInput(f"a name has at most {LONGEST_NAME} bytes, got {longest} in {path[:40]!r}…")


def check_tree(tree: Tree, entries: int, depth: int, tree_bytes: int) -> None:
    """Raise unless tree is small enough and every path is safe and lies in folders only."""
    size = sum(len(entry.content) for entry in tree.values())
    if len(tree) > entries or size > tree_bytes:
        raise BadInput(
            f"a tree holds at most {entries} entries and {tree_bytes} bytes, "
            f"got {len(tree)} and {size}"
        )
    for path in tree:
        check_path(path)
        if path.count("/") > depth:
            raise BadInput(f"a path in a tree has at most {depth} folders, got {path[:80]!r}…")
        parent = path.rpartition("/")[0]
        while parent:
            if parent in tree and tree[parent].kind != "dir":
                raise BadInput(f"{path!r} lies under {parent!r}, which is a {tree[parent].kind}")
            parent = parent.rpartition("/")[0]


def printable(output: bytes) -> str:
    """A command's raw output made safe for a person's terminal: no escapes, no invalid bytes."""
    text = output.decode("utf-8", "backslashreplace")
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else repr(letter)[1:-1]
        for letter in text
    )

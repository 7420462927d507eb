"""The files that a chat's commands work on: a copy in memory, and the sandbox that runs on it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tutelage.errors import BadInput, SandboxUnavailable
from tutelage.sandbox.enclosure import Limits
from tutelage.sandbox.pool import Sandbox
from tutelage.sandbox.tree import Ending, Entry, Execution, Tree, printable
from tutelage.visible import visible

TIMEOUT_S = 10.0  # of processor time; a person waits longer than an examiner
MOST_LINES, MOST_CHARACTERS = 100, 8_000  # of one command's output on the screen
ENDINGS = {
    Ending.TIMEOUT: "stopped: it took too long",
    Ending.OUTPUT_LIMIT: "stopped: it printed too much",
    Ending.ENVIRONMENT_ERROR: "the sandbox broke; the files are as before",
    Ending.SANDBOX_VIOLATION: "the sandbox was attacked and replaced; the files are as before",
}


class Workspace:
    """A folder as a value; what a command changes in it is kept for the next one."""

    def __init__(self, tree: Tree, sandbox: Sandbox | None = None, *, closed: bool = False) -> None:
        """sandbox: one that several share, and whoever made it closes; None: one of its own.
        closed: without a sandbox, to look at the files only."""
        self.tree = tree
        self.sandbox = sandbox
        self.shared = sandbox is not None
        self.refusal = ""  # why nothing can be run, where nothing can
        if self.shared or closed:
            return
        try:
            self.sandbox = Sandbox(workers=1)
            ready = self.sandbox.run("echo ready", {})
            if ready.stdout != b"ready\n":
                raise SandboxUnavailable(printable(ready.stderr).strip() or str(ready.outcome))
        except SandboxUnavailable as error:
            self.close()
            self.refusal = str(error)

    def run(self, command: str) -> str:
        """What the command printed and how it ended, safe for a terminal."""
        if self.sandbox is None:
            return f"Not run: {self.refusal}."
        execution = self.sandbox.run(command, self.tree, TIMEOUT_S)
        if execution.outcome not in (Ending.ENVIRONMENT_ERROR, Ending.SANDBOX_VIOLATION):
            self.tree = execution.tree
        return describe(execution)

    def listing(self) -> list[str]:
        """A line for each entry: size, name, and what it is."""
        lines = []
        for path, entry in sorted(self.tree.items()):
            size = f"{len(entry.content):,}" if entry.kind == "file" else ""
            target = entry.content.decode("utf-8", "backslashreplace")
            sign = {"dir": "/", "link": f" → {visible(target)}"}.get(entry.kind, "")
            lines.append(f"{size:>9}  {visible(path).replace(chr(10), '␊')}{sign}")
        return lines

    def close(self) -> None:
        if self.sandbox is not None and not self.shared:
            self.sandbox.close()
            self.sandbox = None


def describe(execution: Execution) -> str:
    """Output, errors, and the ending where it is not a plain success."""
    parts = [_clip(printable(output)) for output in (execution.stdout, execution.stderr) if output]
    if execution.outcome in ENDINGS:
        parts.append(f"({ENDINGS[execution.outcome]})")
    elif execution.exit_code:
        parts.append(f"(exit code {execution.exit_code})")
    return visible("\n".join(part.rstrip("\n") for part in parts).expandtabs(8))


def _clip(text: str) -> str:
    lines = text[:MOST_CHARACTERS].rstrip("\n").split("\n")
    kept = "\n".join(lines[:MOST_LINES])
    rest = len(text.rstrip("\n")) - len(kept)
    return f"{kept}\n… ({rest:,} more characters)" if rest > 0 else kept


def copy_folder(folder: Path, limits: Limits | None = None) -> Tree:
    """What is in the folder, read into memory; the folder itself is never handed out.

    Links stay links and are not followed, so nothing outside the folder is read.
    """
    limits = limits or Limits()
    if not folder.is_dir():
        raise BadInput(f"There is no folder {folder}.")
    tree: Tree = {}
    size = 0
    waiting = [(folder, "")]
    while waiting:
        place, prefix = waiting.pop()
        for item in sorted(os.scandir(place), key=lambda item: item.name):
            name = prefix + item.name
            status = item.stat(follow_symlinks=False)
            mode = stat.S_IMODE(status.st_mode)
            if item.is_symlink():
                tree[name] = Entry("link", os.fsencode(os.readlink(item.path)))
            elif item.is_dir():
                tree[name] = Entry("dir", b"", mode)
                waiting.append((Path(item.path), name + "/"))
            elif item.is_file():
                size += status.st_size
                if size <= limits.tree_bytes:
                    tree[name] = Entry("file", _read(item.path, limits.tree_bytes), mode)
            else:
                raise BadInput(f"{item.path} is neither a file, a folder nor a link: leave it out.")
            if len(tree) > limits.entries or size > limits.tree_bytes:
                raise BadInput(
                    f"The folder {folder} is too large to copy: at most {limits.entries:,} entries "
                    f"and {limits.tree_bytes / 1e6:.1f} MB."
                )
            if name.count("/") > limits.depth:
                raise BadInput(f"The folder {folder} is more than {limits.depth} folders deep.")
    return tree


def _read(path: str, most: int) -> bytes:
    """A file's content; never through a link that took its place meanwhile."""
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return file.read(most + 1)

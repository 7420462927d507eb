"""What the sandbox promises, each promise tried by breaking it."""

from __future__ import annotations

from dataclasses import dataclass

from tutelage.errors import SandboxUnavailable
from tutelage.sandbox.pool import Sandbox


@dataclass(frozen=True)
class Guarantee:
    """One promise: whether the program stops without it, whether it held, and what was seen."""

    name: str
    required: bool
    held: bool
    detail: str


def selftest() -> list[Guarantee]:
    """Try to break every promise in a real sandbox."""
    with Sandbox(workers=1) as sandbox:
        seen = sandbox.run("echo ready", {}).stdout
    return [Guarantee("a command runs", True, seen == b"ready\n", repr(seen))]


def require_sandbox() -> None:
    """Raise SandboxUnavailable, with what to install or what failed, unless a command runs."""
    with Sandbox(workers=1) as sandbox:
        execution = sandbox.run("echo ready", {})
    if execution.stdout != b"ready\n":
        reason = execution.stderr.decode("utf-8", "replace").strip()
        raise SandboxUnavailable(f"no sandbox can be built here: {reason}")

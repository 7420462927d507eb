"""What the sandbox promises, each promise tried by breaking it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tutelage.errors import BadInput, SandboxUnavailable
from tutelage.sandbox.enclosure import Limits
from tutelage.sandbox.pool import Sandbox
from tutelage.sandbox.probes import ALONE, TIMEOUT_S, Probe, probes
from tutelage.sandbox.traps import Traps
from tutelage.sandbox.tree import Entry, Tree, printable

ATTEMPT = Path(__file__).with_name("attempt.py")
GONE_WITHIN_S = 5.0
ORPHAN = """
from tutelage.sandbox import Sandbox
with Sandbox(workers=1) as sandbox:
    print("up", flush=True)
    sandbox.run("sleep 60", {}, timeout_s=60)
"""


@dataclass(frozen=True)
class Guarantee:
    """One promise: whether the program stops without it, whether it held, and what was seen."""

    name: str
    required: bool
    held: bool
    detail: str


def selftest(limits: Limits | None = None) -> list[Guarantee]:
    """Try to break every promise in a real sandbox; takes about five seconds."""
    limits = limits or Limits()
    with Traps() as traps, Sandbox(workers=1, limits=limits) as sandbox:
        rows = [_try(sandbox, probe) for probe in probes(traps, limits)]
        rows += [_refuses_paths(sandbox), _obeys_no_file(sandbox)]
    return [*rows, _apart(), _own_uids(), _dies_with_parent()]


def require_sandbox() -> None:
    """Raise SandboxUnavailable, with what to install or what failed, unless a command runs."""
    with Sandbox(workers=1) as sandbox:
        execution = sandbox.run("echo ready", {})
    if execution.stdout != b"ready\n":
        reason = printable(execution.stderr).strip() or f"a command ended as {execution.outcome}"
        raise SandboxUnavailable(f"no sandbox can be built here: {reason}")


def _try(sandbox: Sandbox, probe: Probe) -> Guarantee:
    tree: Tree = {}
    if "attempt.py" in probe.command:
        tree = {"attempt.py": Entry("file", ATTEMPT.read_bytes())}
    execution = sandbox.run(probe.command, tree, TIMEOUT_S)
    seen = printable((execution.stdout or execution.stderr)[:120]).strip().replace("\n", " ")[:120]
    detail = f"{execution.outcome}, exit {execution.exit_code}: {seen}"
    return Guarantee(f"{probe.cases} {probe.name}", True, probe.held(execution), detail)


def _refuses_paths(sandbox: Sandbox) -> Guarantee:
    name = "36 a path that climbs out is refused"
    for path in ("../x", "/tmp/x", "a/../../x"):
        try:
            sandbox.run(":", {path: Entry("file", b"")})
        except BadInput:
            continue
        return Guarantee(name, True, False, f"{path} was taken")
    return Guarantee(name, True, True, "BadInput")


def _obeys_no_file(sandbox: Sandbox) -> Guarantee:
    order = "$(touch obeyed); `touch obeyed`\n"
    tree = {order.strip().replace("/", ""): Entry("file", order.encode())}
    execution = sandbox.run("cat *", tree)
    held = execution.tree == tree and execution.stdout == order.encode()
    name = "44 instructions in a file's name or content are only bytes"
    return Guarantee(name, True, held, f"{len(execution.tree)} file afterwards")


def _apart() -> Guarantee:
    with Sandbox(workers=2) as sandbox:
        left = "touch /tmp/mine mine; kill -9 -1 2>/dev/null; sleep 0.3; ls /tmp ."
        right = f"sleep 0.15; ls -A /tmp .; {ALONE}"
        first, second = sandbox.run_many([(left, {}), (right, {})])
    held = b"mine" in first.stdout and second.stdout == b".:\n\n/tmp:\n2\n"
    seen = printable(second.stdout).replace("\n", " ")
    return Guarantee("42 one worker neither sees nor disturbs another", True, held, seen)


def _own_uids() -> Guarantee:
    with Sandbox(workers=2) as sandbox:
        uids = sandbox.host_uids()
    own = os.geteuid()
    held = len(set(uids)) == len(uids) and own not in uids
    detail = f"this program is {own}, its workers {', '.join(str(uid) for uid in sorted(uids))}"
    # Only root can give uids away; without them the namespaces alone keep workers apart.
    return Guarantee("42 each worker has a uid of its own", own == 0, held, detail)


def _dies_with_parent() -> Guarantee:
    name = "43 when the asking program is killed, everything dies"
    parent = subprocess.Popen(
        [sys.executable, "-c", ORPHAN],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )
    assert parent.stdout is not None
    with parent.stdout as output:
        started = output.readline() == b"up\n"
        family = descendants(parent.pid)
        parent.kill()
        parent.wait()
    deadline = time.monotonic() + GONE_WITHIN_S
    while any(map(alive, family)) and time.monotonic() < deadline:
        time.sleep(0.02)
    left = [pid for pid in family if alive(pid)]
    held = started and len(family) >= 3 and not left
    return Guarantee(name, True, held, f"{len(family)} processes before, {len(left)} after")


def alive(pid: int) -> bool:
    """Whether a process exists and has not ended."""
    return _stat(pid)[:1] not in ([], ["Z"], ["X"])


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those they started."""
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := _stat(int(name))):
            parents.setdefault(int(fields[1]), []).append(int(name))
    family = [pid]
    for member in family:  # which grows meanwhile
        family += parents.get(member, [])
    return family[1:]


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []

"""One sandboxed process seen from outside: it is started, sent commands, not trusted, ended."""

from __future__ import annotations

import json
import os
import secrets
import select
import socket
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tutelage.errors import SandboxUnavailable
from tutelage.sandbox import enclosure, seccomp
from tutelage.sandbox.enclosure import HOME, WORK, Limits
from tutelage.sandbox.inside.wire import FRAME, pack
from tutelage.sandbox.tree import Ending, Entry, Execution, Tree, check_path

FIRST_UID, LAST_UID = 61_000, 64_999
START_S = 20.0  # a start takes 50 ms; the rest is for a machine that is busy
GRACE_S = 10.0  # beyond the command's own wall clock, for laying out and reading the folder
LAUNCHER = Path(__file__).with_name("launcher.py")


class WorkerGone(Exception):
    """The worker ended, fell silent, or sent something that is not an answer."""

    def __init__(self, reason: str, ending: Ending = Ending.ENVIRONMENT_ERROR) -> None:
        super().__init__(reason)
        self.ending = ending


class UidClaim:
    """An unprivileged uid that no other sandbox of this machine uses while this object lives."""

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self.uid = -1
        if os.geteuid() == 0:  # nobody else can become somebody else
            self.find()

    def find(self) -> None:
        """Take the first uid that is free."""
        for uid in range(FIRST_UID, LAST_UID + 1):
            claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                # An abstract name: the kernel frees it when this process ends, however it ends.
                claim.bind(f"\0tutelage-sandbox-{uid}")
            except OSError:
                claim.close()
                continue
            self.socket, self.uid = claim, uid
            return
        raise SandboxUnavailable(f"every uid from {FIRST_UID} to {LAST_UID} runs a sandbox already")

    def release(self) -> None:
        """Let another sandbox have the uid."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None


def _in_memory(name: str, content: bytes) -> int:
    descriptor = os.memfd_create(name)
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


class Worker:
    """A persistent process in its own bubblewrap that runs one command at a time."""

    def __init__(self, uid: int, limits: Limits) -> None:
        self.limits = limits
        self.nonce = secrets.token_hex(16)
        self.fresh = True  # has not answered its greeting
        self.spent = False  # must be replaced before the next command
        self.deadline = 0.0
        self.received = bytearray()
        programs = enclosure.find_programs()
        filters = _in_memory("seccomp", seccomp.program())
        files = [(_in_memory("file", text), path) for path, text in enclosure.files().items()]
        line = enclosure.arguments(programs, limits, filters, files)
        launcher = [sys.executable, "-I", "-S", "-B", str(LAUNCHER)]
        passed = [filters, *(descriptor for descriptor, _ in files)]
        try:
            self.process = subprocess.Popen(
                [*launcher, str(uid), str(limits.nproc), *line],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env={"PATH": "/usr/bin:/bin"},
                pass_fds=passed,
                start_new_session=True,  # a Ctrl-C in the terminal is for the program, not for us
            )
        finally:
            for descriptor in passed:
                os.close(descriptor)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.requests = self.process.stdin.fileno()
        self.replies = self.process.stdout.fileno()
        self.errors = self.process.stderr.fileno()
        for descriptor in (self.requests, self.replies, self.errors):
            os.set_blocking(descriptor, False)
        hello = {"nonce": self.nonce, "limits": asdict(limits), "bash": programs.bash}
        hello |= {"home": HOME, "work": WORK}
        try:
            self._send(pack(hello, b""), START_S)
        except WorkerGone:
            self.spent = True  # greet() then raises the reason

    def greet(self) -> None:
        """Wait until the worker stands; raise WorkerGone with its last words when it does not."""
        if self.fresh:
            self.deadline = time.monotonic() + START_S
            self._await_frame()
            self.fresh = False

    def ask(self, command: str, tree: Tree, timeout_s: float) -> None:
        """Send one command; its answer is taken with receive() and answer()."""
        self.greet()
        text = command.encode("utf-8", "replace")  # a lone surrogate becomes "?"
        # Sorted, so that a folder comes before what it holds.
        items = sorted(tree.items())
        rows = [(path, entry.kind, entry.mode, len(entry.content)) for path, entry in items]
        header = {"command_bytes": len(text), "cpu_s": timeout_s, "rows": rows}
        body = b"".join([text, *(entry.content for _, entry in items)])
        allowed_s = timeout_s * self.limits.wall_factor + GRACE_S
        self._send(pack(header, body), allowed_s)
        self.deadline = time.monotonic() + allowed_s

    def receive(self) -> tuple[dict[str, Any], bytes] | None:
        """Read what has arrived; a whole frame, or None while it is not complete."""
        try:
            part = os.read(self.replies, 1 << 20)
        except BlockingIOError:
            return None
        if not part:
            raise WorkerGone(f"the worker ended: {self._last_words()}")
        self.received += part
        if len(self.received) < FRAME.size:
            return None
        header_bytes, body_bytes = FRAME.unpack_from(self.received)
        size = FRAME.size + header_bytes + body_bytes
        if size > FRAME.size + self._most_bytes():
            raise WorkerGone("an answer longer than any worker sends", Ending.SANDBOX_VIOLATION)
        if len(self.received) < size:
            return None
        frame = bytes(self.received)
        self.received.clear()
        header = _parse(frame[FRAME.size : FRAME.size + header_bytes])
        if len(frame) != size or header.get("nonce") != self.nonce:
            raise WorkerGone("an answer that the worker did not sign", Ending.SANDBOX_VIOLATION)
        return header, frame[FRAME.size + header_bytes :]

    def answer(self, header: dict[str, Any], body: bytes) -> Execution:
        """The answer as a value, every field checked: the sandbox is not trusted."""
        try:
            self.spent = bool(header["last"])
            out_bytes, err_bytes = (int(size) for size in header["sizes"])
            offset = out_bytes + err_bytes
            tree: Tree = {}
            for path, kind, mode, size in header["rows"]:
                check_path(path)
                tree[path] = Entry(kind, body[offset : offset + size], mode)
                offset += size
            if offset != len(body) or min(out_bytes, err_bytes) < 0:
                raise ValueError("the lengths do not add up")
            return Execution(
                stdout=body[:out_bytes],
                stderr=body[out_bytes : out_bytes + err_bytes],
                exit_code=int(header["exit_code"]),
                outcome=Ending(header["outcome"]),
                tree=dict(sorted(tree.items())),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            reason = f"an answer that makes no sense: {fault}"
            raise WorkerGone(reason, Ending.SANDBOX_VIOLATION) from fault

    def close(self) -> None:
        """End the worker and everything in its namespace."""
        self.spent = True
        process = self.process
        if process.stdin is None or process.stdin.closed:
            return
        process.stdin.close()  # the worker and the launcher both leave at this
        try:
            process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            process.kill()  # bubblewrap dies with its parent, the namespace with bubblewrap
            process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()

    def _await_frame(self) -> None:
        while True:
            left_s = self.deadline - time.monotonic()
            if left_s <= 0:
                raise WorkerGone(f"the worker did not start in {START_S:.0f} s")
            if select.select([self.replies], [], [], left_s)[0] and self.receive() is not None:
                return

    def _send(self, message: bytes, allowed_s: float) -> None:
        view = memoryview(message)
        deadline = time.monotonic() + allowed_s
        while view:
            try:
                view = view[os.write(self.requests, view) :]
            except BlockingIOError:
                left_s = deadline - time.monotonic()
                if left_s <= 0 or not select.select([], [self.requests], [], left_s)[1]:
                    raise WorkerGone("the worker reads no requests") from None
            except BrokenPipeError:
                raise WorkerGone(f"the worker ended: {self._last_words()}") from None

    def _last_words(self) -> str:
        """The last thing that the launcher, bubblewrap or the worker wrote before it ended."""
        try:
            self.process.wait(timeout=1.0)
            text = os.read(self.errors, 1 << 16).decode("utf-8", "replace").strip()
        except (OSError, subprocess.TimeoutExpired):
            text = ""
        last = text.splitlines()[-1] if text else "it gave no reason"
        return "".join(letter if letter.isprintable() else "?" for letter in last)[:300]

    def _most_bytes(self) -> int:
        limits = self.limits
        names = limits.entries * 8 * 4096  # a path of 4096 bytes, each escaped in JSON
        return limits.tree_bytes + 2 * limits.output_bytes + limits.entries * 4096 + names


def _parse(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise WorkerGone("an answer that is no answer", Ending.SANDBOX_VIOLATION)
    return header

"""The process inside the sandbox: runs one command after another, each in an empty folder.

It is pid 1 of its namespace, which is what makes it safe beside commands of the same uid: no
signal from inside can kill or stop it, orphans come back to it, and one kill(-1) ends whatever a
command left behind.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
from contextlib import suppress

from .folders import LONG_AGO_NS, TooMuch, collect, lay_out, wipe
from .watch import Watch
from .wire import pack, receive, write_all

PR_SET_DUMPABLE = 4
ENVIRONMENT = {
    "HOME": "/home/user/work",
    "USER": "user",
    "LOGNAME": "user",
    "SHELL": "/bin/bash",
    "PWD": "/home/user/work",
    "PATH": "/usr/bin:/bin",
    "LC_ALL": "C.UTF-8",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "TERM": "dumb",
    "PAGER": "cat",
}
TMP = "/tmp"
DEFAULTED = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGXCPU, signal.SIGINT, signal.SIGCHLD)


class Worker:
    """Runs commands in the work folder and reports what they did."""

    def __init__(self, requests: int, replies: int, hello: dict) -> None:
        self.requests, self.replies = requests, replies
        self.nonce, self.limits, self.bash = hello["nonce"], hello["limits"], hello["bash"]
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        self.work = os.open(hello["work"], flags)
        self.tmp = os.open(TMP, flags)
        self.home = os.open(hello["home"], flags)
        self.in_home = os.path.basename(hello["work"])
        wake, wake_in = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake_in, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.watch = Watch(self.limits, wake, requests, (self.work, self.tmp, self.home))

    def serve(self) -> None:
        """Answer requests until there are none, or until a folder could not be emptied."""
        self.clean()
        self.reply({"ready": True}, [])
        while True:
            header, body = receive(self.requests)
            answer, contents, reusable = self.perform(header, body)
            answer["last"] = not reusable
            self.reply(answer, contents)
            if not reusable:
                return

    def reply(self, header: dict, contents: list) -> None:
        """Send one answer under the worker's nonce."""
        header["nonce"] = self.nonce
        write_all(self.replies, pack(header, b"".join(contents)))

    def perform(self, header: dict, body: bytes) -> tuple:
        """One command from an empty folder to an empty folder: (answer, contents, reusable)."""
        command = body[: header["command_bytes"]]
        os.fchdir(self.work)
        lay_out(self.work, header["rows"], body, header["command_bytes"])
        out, out_in = os.pipe2(os.O_CLOEXEC)
        err, err_in = os.pipe2(os.O_CLOEXEC)
        try:
            main = self.start(command, out_in, err_in, header["cpu_s"])
        except OSError as failure:
            main, outcome = 0, "ok"
            note = f"bash: {os.strerror(failure.errno or errno.EIO)}\n".encode()
            outputs = [b"", note]
            exit_code = 126
            if failure.errno != errno.E2BIG:
                outcome = "environment_error"
        finally:
            os.close(out_in)
            os.close(err_in)
        if main:
            outcome = self.watch.follow(main, out, err, header["cpu_s"])
            self.watch.sweep()
            outputs, flooded = self.drain(out, err)
            outcome = "output_limit" if flooded and outcome == "ok" else outcome
            code = os.waitstatus_to_exitcode(self.watch.status or 0)
            exit_code = code if code >= 0 else 128 - code
        os.close(out)
        os.close(err)
        try:
            rows, contents = collect(self.work, self.limits)
        except (TooMuch, OSError, EOFError):
            rows, contents = [], []
            outcome = "output_limit" if outcome == "ok" else outcome
        answer = {
            "outcome": outcome,
            "exit_code": exit_code,
            "sizes": [len(output) for output in outputs],
            "rows": rows,
        }
        return answer, outputs + contents, self.clean()

    def start(self, command: bytes, out: int, err: int, cpu_s: float) -> int:
        """Start bash on the command, in its own session, with nothing open but 0, 1 and 2."""
        nothing = (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)
        actions = [nothing, (os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, err, 2)]
        # A second line behind the watch's own count. Only the soft limit, for an instant, and
        # SIGXCPU is ignored here: a limit on this process would add up over its commands.
        unlimited = resource.RLIM_INFINITY
        resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_s) + 2, unlimited))
        try:
            return os.posix_spawn(
                self.bash,
                [b"bash", b"--noprofile", b"--norc", b"-c", command],
                ENVIRONMENT,
                file_actions=actions,
                setsid=True,
                setsigdef=DEFAULTED,
            )
        finally:
            resource.setrlimit(resource.RLIMIT_CPU, (unlimited, unlimited))

    def drain(self, out: int, err: int) -> tuple:
        """What is left in the pipes, now that every writer is dead, and whether it is too much."""
        most = self.limits["output_bytes"]
        outputs, flooded = [], False
        for descriptor in (out, err):
            output = self.watch.outputs[descriptor]
            while len(output) <= most and self.watch.take(descriptor):
                pass
            flooded = flooded or len(output) > most
            outputs.append(bytes(output[:most]))
        return outputs, flooded

    def clean(self) -> bool:
        """Empty the folders for the next command; False when this worker must end instead."""
        try:
            for folder, mode, kept in (
                (self.work, 0o755, ""),
                (self.tmp, 0o1777, ""),
                (self.home, 0o755, self.in_home),
            ):
                os.fchmod(folder, 0o700)
                wipe(folder, self.limits["depth"] + 1, kept)
                os.fchmod(folder, mode)
                os.utime(folder, ns=(LONG_AGO_NS, LONG_AGO_NS))
        except (TooMuch, OSError):
            return False
        return True


def limit_self(limits: dict) -> None:
    """Take on the limits that every command inherits."""
    for name, most in (
        (resource.RLIMIT_NPROC, limits["nproc"]),
        (resource.RLIMIT_FSIZE, limits["file_bytes"]),
        (resource.RLIMIT_AS, limits["address_space_bytes"]),
        (resource.RLIMIT_NOFILE, limits["open_files"]),
        (resource.RLIMIT_MEMLOCK, 1 << 16),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(name, (most, most))


def main() -> None:
    """Hide the pipes from every command, then serve."""
    requests = os.dup(0)
    replies = os.dup(1)
    nothing = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    for descriptor in (0, 1):
        os.dup2(nothing, descriptor)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in (requests, replies):
            with suppress(OSError):
                os.close(int(name))
    # Not dumpable: /proc/1 belongs to nobody inside, so no command can read the nonce from our
    # memory or reach our pipes through /proc/1/fd.
    if ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError("the worker cannot hide its memory")
    for ignored in (signal.SIGXCPU, signal.SIGXFSZ, signal.SIGPIPE):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # pid 1 is deaf to what it has no handler for
    os.umask(0o022)
    try:
        hello, _ = receive(requests)
        limit_self(hello["limits"])
        worker = Worker(requests, replies, hello)
        os.dup2(os.open("/dev/null", os.O_WRONLY | os.O_CLOEXEC), 2)
        worker.serve()
    except (EOFError, BrokenPipeError):
        return

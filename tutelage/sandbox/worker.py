"""The process inside the sandbox: runs one command after another, each in an empty folder.

It is pid 1 of its namespace, which is what makes it safe beside commands of the same uid: no
signal from inside can kill or stop it, orphans come back to it, and one kill(-1) ends whatever a
command left behind. It is copied into the sandbox as one file, so it imports the standard library
only.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import select
import signal
import stat
import struct
import time
from contextlib import suppress

FRAME = struct.Struct("<II")
MOST_BYTES = 64 << 20  # a longer frame is not one of ours
PR_SET_DUMPABLE = 4
LONG_AGO_NS = 1_700_000_000 * 10**9  # every given file's time, so that output needs no clock
FIRST_LOOK_S, LOOK_S = 0.02, 0.05
READ_BYTES = 1 << 16
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


def pack(header: dict, body: bytes) -> bytes:
    """One message: two lengths, a JSON header, raw bytes."""
    text = json.dumps(header).encode()
    return FRAME.pack(len(text), len(body)) + text + body


def read_exactly(descriptor: int, count: int) -> bytes:
    """Read count bytes, or raise EOFError when the other side is gone."""
    parts = []
    while count:
        part = os.read(descriptor, min(count, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def receive(descriptor: int) -> tuple:
    """One message as (header, body)."""
    header_bytes, body_bytes = FRAME.unpack(read_exactly(descriptor, FRAME.size))
    if header_bytes + body_bytes > MOST_BYTES:
        raise ValueError("a frame longer than any of ours")
    header = json.loads(read_exactly(descriptor, header_bytes))
    return header, read_exactly(descriptor, body_bytes)


def write_all(descriptor: int, message: bytes) -> None:
    """Write every byte."""
    view = memoryview(message)
    while view:
        view = view[os.write(descriptor, view) :]


class TooMuch(Exception):
    """The work folder holds more than may be carried out."""


def lay_out(folder: int, rows: list, body: bytes, offset: int) -> None:
    """Make the folder's content. rows: (path, kind, mode, size), parents before children."""
    times = (LONG_AGO_NS, LONG_AGO_NS)
    folders = [(".", 0o755)]
    known = {""}
    for path, kind, mode, size in rows:
        content = body[offset : offset + size]
        offset += size
        steps = path.split("/")
        for count in range(1, len(steps)):
            above = "/".join(steps[:count])
            if above not in known:
                known.add(above)
                os.mkdir(above, 0o700, dir_fd=folder)
                folders.append((above, 0o755))
        if kind == "dir":
            known.add(path)
            os.mkdir(path, 0o700, dir_fd=folder)
            folders.append((path, mode))
        elif kind == "link":
            os.symlink(content, path, dir_fd=folder)
            os.utime(path, ns=times, dir_fd=folder, follow_symlinks=False)
        else:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            file = os.open(path, flags, mode & 0o777, dir_fd=folder)
            if content:
                write_all(file, content)
            if mode != 0o644:  # what the umask and O_CREAT already gave
                os.fchmod(file, mode)
            os.utime(file, ns=times)
            os.close(file)
    # Last and deepest first: a read-only folder takes no files, and each file moves its time.
    for path, mode in reversed(folders):
        os.chmod(path, mode, dir_fd=folder)
        os.utime(path, ns=times, dir_fd=folder)


def open_folder(name: str, above: int) -> int:
    """Open a folder for listing even when a command closed it to its owner."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    mode = stat.S_IMODE(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode)
    if mode & 0o700 != 0o700:
        os.chmod(name, mode | 0o700, dir_fd=above)
    return os.open(name, flags, dir_fd=above)


def read_file(name: str, above: int, found: os.stat_result, most: int) -> bytes:
    """A regular file's bytes; nothing else is ever opened, so no FIFO can block us."""
    if found.st_size > most:
        raise TooMuch
    mode = stat.S_IMODE(found.st_mode)
    if not mode & 0o400:
        os.chmod(name, mode | 0o400, dir_fd=above)
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    file = os.open(name, flags, dir_fd=above)
    try:
        return read_exactly(file, found.st_size)
    finally:
        os.close(file)


def collect(folder: int, limits: dict) -> tuple:
    """The folder as (rows, contents); sockets, FIFOs and devices are no results and left out."""
    rows: list = []
    contents: list = []
    left = limits["tree_bytes"]

    def visit(above: int, prefix: str, depth: int) -> None:
        nonlocal left
        if depth > limits["depth"]:
            raise TooMuch
        with os.scandir(above) as listing:
            names = []
            for entry in listing:
                names.append(entry.name)
                if len(rows) + len(names) > limits["entries"]:
                    raise TooMuch
        for name in sorted(names):
            path = prefix + name
            found = os.stat(name, dir_fd=above, follow_symlinks=False)
            mode = stat.S_IMODE(found.st_mode)
            if stat.S_ISDIR(found.st_mode):
                rows.append((path, "dir", mode, 0))
                inner = open_folder(name, above)
                try:
                    visit(inner, path + "/", depth + 1)
                finally:
                    os.close(inner)
            elif stat.S_ISLNK(found.st_mode):
                target = os.fsencode(os.readlink(name, dir_fd=above))
                rows.append((path, "link", mode, len(target)))
                contents.append(target)
            elif stat.S_ISREG(found.st_mode):
                content = read_file(name, above, found, left)
                left -= len(content)
                rows.append((path, "file", mode, len(content)))
                contents.append(content)

    visit(folder, "", 0)
    return rows, contents


def wipe(folder: int, depth: int) -> None:
    """Remove everything in the folder; too deep a tree is left to the worker's own end."""
    if depth < 0:
        raise TooMuch
    with os.scandir(folder) as listing:
        entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in listing]
    for name, is_folder in entries:
        if is_folder:
            inner = open_folder(name, folder)
            try:
                wipe(inner, depth - 1)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=folder)
        else:
            os.unlink(name, dir_fd=folder)


class Watch:
    """Follows one command: its output, its processor time, its memory, its end."""

    def __init__(self, limits: dict, wake: int, requests: int, folders: tuple) -> None:
        self.limits, self.wake, self.requests, self.folders = limits, wake, requests, folders
        self.outputs: dict = {}
        self.status: int | None = None
        self.main = 0
        self.ticks = os.sysconf("SC_CLK_TCK")
        self.page = os.sysconf("SC_PAGE_SIZE")

    def follow(self, main: int, out: int, err: int, cpu_s: float) -> str:
        """Wait until the command ends or must end; the result says which."""
        self.main, self.status = main, None
        self.outputs = {out: bytearray(), err: bytearray()}
        poller = select.poll()
        for descriptor in (self.wake, out, err):
            poller.register(descriptor, select.POLLIN)
        poller.register(self.requests, 0)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.before_s = used.ru_utime + used.ru_stime
        start = last = time.monotonic()
        wait_s, idle_s, last_cpu_s = FIRST_LOOK_S, 0.0, -1.0
        self.reap()
        while self.status is None:
            for descriptor, _ in poller.poll(wait_s * 1000):
                if descriptor == self.requests:
                    os._exit(0)  # whoever asked is gone
                if descriptor == self.wake:
                    os.read(self.wake, 4096)
                elif not self.take(descriptor):
                    poller.unregister(descriptor)
                elif len(self.outputs[descriptor]) > self.limits["output_bytes"]:
                    return "output_limit"
            self.reap()
            now = time.monotonic()
            if self.status is not None or now - last < wait_s:
                continue
            usage_s, runnable, memory = self.usage()
            if usage_s >= cpu_s or now - start >= cpu_s * self.limits["wall_factor"]:
                return "timeout"
            # A sleeper is stopped without waiting for the long wall clock, which is there for a
            # busy machine: time in which nothing wanted a processor is the command's own.
            idle_s = 0.0 if runnable or usage_s > last_cpu_s else idle_s + now - last
            if idle_s >= cpu_s:
                return "timeout"
            if memory > self.limits["memory_bytes"] or self.crowded():
                return "output_limit"
            last, last_cpu_s, wait_s = now, usage_s, LOOK_S
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return "timeout" if used.ru_utime + used.ru_stime - self.before_s >= cpu_s else "ok"

    def take(self, descriptor: int) -> bool:
        """Read what an output pipe holds; False at its end."""
        part = os.read(descriptor, READ_BYTES)
        self.outputs[descriptor] += part
        return bool(part)

    def reap(self) -> None:
        """Collect every process that has ended, orphans too, so that none fills the limit."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.main:
                self.status = status

    def usage(self) -> tuple:
        """Processor seconds so far, whether anything wants a processor, resident bytes."""
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = used.ru_utime + used.ru_stime - self.before_s
        runnable, memory = False, 0
        for name in os.listdir("/proc"):
            if not name.isdigit() or name == "1":
                continue
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            runnable = runnable or fields[0] in (b"R", b"D")
            seconds += sum(int(field) for field in fields[11:15]) / self.ticks
            memory += int(fields[21]) * self.page
        return seconds, runnable, memory

    def crowded(self) -> bool:
        """Whether a folder holds so many files that they weigh on the kernel's memory."""
        for folder in self.folders:
            found = os.fstatvfs(folder)
            if found.f_files - found.f_ffree > self.limits["inodes"]:
                return True
        return False

    def sweep(self) -> None:
        """Kill and collect every other process of the namespace."""
        while True:
            with suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
            try:
                pid, status = os.waitpid(-1, 0)
            except ChildProcessError:
                return
            if pid == self.main:
                self.status = status


class Worker:
    """Runs commands in the work folder and reports what they did."""

    def __init__(self, requests: int, replies: int, hello: dict) -> None:
        self.requests, self.replies = requests, replies
        self.nonce, self.limits, self.bash = hello["nonce"], hello["limits"], hello["bash"]
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        self.work = os.open(hello["work"], flags)
        self.tmp = os.open(TMP, flags)
        wake, wake_in = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake_in, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.watch = Watch(self.limits, wake, requests, (self.work, self.tmp))

    def serve(self) -> None:
        """Answer requests until there are none, or until a folder could not be emptied."""
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
        """Empty both folders for the next command; False when this worker must end instead."""
        try:
            for folder, mode in ((self.work, 0o755), (self.tmp, 0o1777)):
                os.fchmod(folder, 0o700)
                wipe(folder, self.limits["depth"] + 1)
                os.fchmod(folder, mode)
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


if __name__ == "__main__":
    main()

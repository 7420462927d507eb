"""Follows one command and decides when it must end."""

from __future__ import annotations

import os
import resource
import select
import signal
import time
from contextlib import suppress

FIRST_LOOK_S, LOOK_S = 0.02, 0.05
READ_BYTES = 1 << 16


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
            usage = os.fstatvfs(folder)
            if usage.f_files - usage.f_ffree > self.limits["inodes"]:
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

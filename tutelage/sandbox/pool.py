"""A few sandboxed workers that share out commands; one that breaks is replaced."""

from __future__ import annotations

import logging
import os
import queue
import select
import time
from collections.abc import Sequence
from typing import Self

from tutelage.errors import BadInput, EnvironmentFailure, SandboxUnavailable
from tutelage.sandbox.enclosure import Limits
from tutelage.sandbox.tree import Ending, Execution, Tree, check_tree
from tutelage.sandbox.workers import UidClaim, Worker, WorkerGone

logger = logging.getLogger(__name__)
Job = tuple[str, Tree]


class Seat:
    """A place in the pool: one uid, and the worker that has it now."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.claim = UidClaim()
        try:
            self.worker = Worker(self.claim.uid, limits)
        except BaseException:
            self.claim.release()
            raise

    def ready(self) -> Worker:
        """The seat's worker, a new one if the last is spent."""
        for last_try in (False, False, True):
            if self.worker.spent or self.worker.process.poll() is not None:
                self.worker.close()
                self.worker = Worker(self.claim.uid, self.limits)
            try:
                self.worker.greet()
                break
            except WorkerGone:  # before the job was handed over, so not the job's doing
                self.worker.close()
                if last_try:
                    raise
        return self.worker

    def close(self) -> None:
        """End the worker and give the uid back."""
        self.worker.close()
        self.claim.release()


class Sandbox:
    """Runs shell commands that nobody vouches for; a context manager, usable from threads."""

    def __init__(self, workers: int = 2, limits: Limits | None = None) -> None:
        if workers < 1:
            raise BadInput(f"a sandbox needs at least one worker, got {workers}")
        self._owner = os.getpid()
        self._limits = limits or Limits()
        self._seats: list[Seat] = []
        self._free: queue.SimpleQueue[Seat] = queue.SimpleQueue()
        try:
            for _ in range(workers):
                self._seats.append(Seat(self._limits))
            for seat in self._seats:  # after all were started, so that the starts overlap
                seat.worker.greet()
                self._free.put(seat)
        except WorkerGone as gone:
            self.close()
            raise SandboxUnavailable(f"no sandbox can be built here: {gone}") from gone
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End every worker. Called twice, it does nothing."""
        for seat in self._seats:
            seat.close()
        self._seats = []

    def host_uids(self) -> list[int]:
        """The uid that each worker has on the host: its own, or for want of root the caller's."""
        return [seat.claim.uid if seat.claim.uid >= 0 else os.geteuid() for seat in self._seats]

    def run(self, command: str, tree: Tree, timeout_s: float = 2.0) -> Execution:
        """Run one command in a fresh folder that holds tree."""
        return self.run_many([(command, tree)], timeout_s)[0]

    def run_many(self, jobs: Sequence[Job], timeout_s: float = 2.0) -> list[Execution]:
        """Run every job, several at a time; results in the jobs' order.

        timeout_s counts processor time, or time spent asleep; the wall clock is more patient, so
        that a busy machine does not change how a command ends.
        """
        if not timeout_s > 0:
            raise BadInput(f"timeout_s must be above 0, got {timeout_s}")
        if not self._seats or os.getpid() != self._owner:
            raise EnvironmentFailure("this sandbox is closed, or belongs to another process")
        limits = self._limits
        for _, tree in jobs:
            check_tree(tree, limits.entries, limits.depth, limits.tree_bytes)
        results: list[Execution | None] = [None] * len(jobs)
        if jobs:
            seats = [self._free.get()]
            try:
                while len(seats) < len(jobs):
                    try:
                        seats.append(self._free.get_nowait())
                    except queue.Empty:
                        break
                self._share_out(jobs, seats, timeout_s, results)
            finally:
                for seat in seats:
                    self._free.put(seat)
        return [result for result in results if result is not None]

    def _share_out(
        self,
        jobs: Sequence[Job],
        seats: list[Seat],
        timeout_s: float,
        results: list[Execution | None],
    ) -> None:
        waiting = list(range(len(jobs)))[::-1]
        idle = list(seats)
        busy: dict[int, tuple[Seat, int]] = {}  # by reply descriptor: seat, job
        poller = select.poll()
        try:
            while waiting or busy:
                while waiting and idle:
                    seat, job = idle.pop(), waiting.pop()
                    command, tree = jobs[job]
                    results[job] = self._send(seat, command, tree, timeout_s)
                    if results[job] is not None:
                        idle.append(seat)
                        continue
                    busy[seat.worker.replies] = (seat, job)
                    poller.register(seat.worker.replies, select.POLLIN)
                if not busy:
                    continue
                soonest = min(seat.worker.deadline for seat, _ in busy.values())
                poller.poll(max(0.0, soonest - time.monotonic()) * 1000 + 1)
                for descriptor, (seat, job) in list(busy.items()):
                    results[job] = self._receive(seat)
                    if results[job] is not None:
                        poller.unregister(descriptor)
                        del busy[descriptor]
                        idle.append(seat)
                        if seat.worker.spent:
                            seat.worker.close()
        finally:
            for seat, _ in busy.values():  # interrupted: their answers are not read
                seat.worker.close()

    def _send(self, seat: Seat, command: str, tree: Tree, timeout_s: float) -> Execution | None:
        """Give the job to the seat; a result at once when it cannot be run."""
        if "\0" in command:
            # No shell can be given one; a terminal would answer much like this.
            note = b"bash: a command cannot hold a NUL byte\n"
            return Execution(b"", note, 126, Ending.OK, dict(sorted(tree.items())))
        try:
            seat.ready().ask(command, tree, timeout_s)
        except WorkerGone as gone:
            return self._replace(seat, gone)
        return None

    def _receive(self, seat: Seat) -> Execution | None:
        worker = seat.worker
        try:
            frame = worker.receive()
            if frame is not None:
                return worker.answer(*frame)
            if time.monotonic() >= worker.deadline:
                raise WorkerGone("the worker fell silent")
        except WorkerGone as gone:
            return self._replace(seat, gone)
        return None

    def _replace(self, seat: Seat, gone: WorkerGone) -> Execution:
        logger.warning("a sandbox worker is replaced: %s", gone)
        seat.worker.process.kill()
        seat.worker.close()
        return Execution(b"", str(gone).encode(), -1, gone.ending, {})

"""The files that each conversation's commands work on, and the one sandbox that runs them all."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

from tutelage.curricula import curriculum_of
from tutelage.errors import SandboxUnavailable
from tutelage.sandbox import Sandbox, Tree
from tutelage.sandbox.workspace import Workspace, copy_folder

MOST_KEPT = 64  # copies in memory; an older one is made anew from its commands
WORKERS = 2  # commands that run at once
SEED = 0  # of the made-up world, as in `tutelage chat`


class Worlds:
    """A copy of the files for each conversation, by its number. Safe between threads."""

    def __init__(self, folder: Path | None, run: Path | None) -> None:
        """folder: what is copied; None: what the run's curriculum begins with."""
        self.folder = folder
        self.curriculum = curriculum_of(run)
        self.refusal = ""  # why no command can be run, where none can
        self._sandbox: Sandbox | None = None
        self._kept: OrderedDict[int, tuple[Workspace, threading.Lock]] = OrderedDict()
        self._lock = threading.Lock()
        self._initial: Tree | None = None

    def listing(self, conversation: int | None, ran: Callable[[], Sequence[str]]) -> list[str]:
        """A line for each file; of no conversation, those that a new one starts with."""
        if conversation is None:
            return Workspace(self._initial_files(), None, closed=True).listing()
        workspace, lock = self._workspace(conversation, ran)
        with lock:
            return workspace.listing()

    def run(self, conversation: int, command: str, ran: Callable[[], Sequence[str]]) -> str:
        """What a command printed. ran: gives the commands that this conversation ran before."""
        workspace, lock = self._workspace(conversation, ran)
        with lock:
            return workspace.run(command)

    def close(self) -> None:
        with self._lock:
            if self._sandbox is not None:
                self._sandbox.close()
                self._sandbox = None

    def forget(self, conversation: int) -> None:
        """Drop a conversation's copy."""
        with self._lock:
            self._kept.pop(conversation, None)

    def _workspace(
        self, conversation: int, ran: Callable[[], Sequence[str]]
    ) -> tuple[Workspace, threading.Lock]:
        with self._lock:
            known = self._kept.get(conversation)
            if known is not None:
                self._kept.move_to_end(conversation)
                return known
            sandbox = self._started_sandbox()
            workspace = Workspace(self._initial_files(), sandbox, closed=sandbox is None)
            workspace.refusal = self.refusal
            known = self._kept[conversation] = (workspace, threading.Lock())
            known[1].acquire()
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        try:
            for command in ran():  # of before the server was started anew
                workspace.run(command)
        finally:
            known[1].release()
        return known

    def _initial_files(self) -> Tree:
        if self._initial is None:
            if self.folder is not None:
                self._initial = copy_folder(self.folder)
            else:
                self._initial = self.curriculum.files(SEED)
        return dict(self._initial)

    def _started_sandbox(self) -> Sandbox | None:
        """The sandbox, made when the first command is to be run."""
        if self._sandbox is None and not self.refusal:
            try:
                self._sandbox = Sandbox(workers=WORKERS)
            except SandboxUnavailable as error:
                self.refusal = str(error)
        return self._sandbox

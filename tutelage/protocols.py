"""The contracts between rooms. Nothing here holds code that runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from tutelage.schema import Trajectory, Verdict


@runtime_checkable
class Task(Protocol):
    """Something to ask for, whose answers can be checked."""

    @property
    def prompt(self) -> str: ...

    def check(self, answer: str) -> Verdict: ...


class Judge(Protocol):
    """Scores attempts. Raises JudgeFailure when it cannot decide; it never returns 0 instead."""

    def score(self, trajectories: Sequence[Trajectory]) -> list[Verdict]: ...

"""A judge that runs the task's own check. Tasks make checks, the verifier calls them."""

from __future__ import annotations

from collections.abc import Sequence

from tutelage.errors import JudgeFailure
from tutelage.protocols import CheckMany
from tutelage.schema import Trajectory, Verdict


class VerifierJudge:
    """check_many(tasks, answers) gives one verdict each; batched, because a check runs programs."""

    def __init__(self, check_many: CheckMany) -> None:
        self.check_many = check_many

    def score(self, trajectories: Sequence[Trajectory]) -> list[Verdict]:
        tasks = [trajectory.task for trajectory in trajectories]
        if any(task is None for task in tasks):
            raise JudgeFailure("The verifier needs tasks with a check; these prompts have none.")
        return self.check_many(tasks, [trajectory.response for trajectory in trajectories])

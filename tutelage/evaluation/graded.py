"""Answers of a policy to tasks with a gold check, and their verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tutelage.device import seeded
from tutelage.environments.chat import collect_replies
from tutelage.errors import EnvironmentFailure
from tutelage.model.language_model import LanguageModel
from tutelage.protocols import ChatTokenizer, CheckMany, Task
from tutelage.rollout.sampler import Sampling
from tutelage.schema import BROKEN, Trajectory, Verdict, ask


@dataclass(frozen=True)
class Graded:
    """One answer to each task and its verdict by the check."""

    trajectories: list[Trajectory]
    verdicts: list[Verdict]

    def successes(self) -> list[bool]:
        return [verdict.score > 0.5 for verdict in self.verdicts]


def grade(
    gpt: LanguageModel,
    tokenizer: ChatTokenizer,
    tasks: Sequence[Task],
    check: CheckMany,
    sampling: Sampling,
    *seed: object,
    samples: int = 1,
) -> Graded:
    """`samples` answers to each task, checked; a broken sandbox stops the evaluation."""
    trajectories = collect_replies(
        gpt,
        tokenizer,
        [ask(task.prompt) for task in tasks],
        samples,
        sampling,
        seeded(*seed, "grade"),
        tasks=tasks,
    )
    verdicts = check([t.task for t in trajectories], [t.response for t in trajectories])
    for verdict in verdicts:
        if verdict.outcome in BROKEN:
            raise EnvironmentFailure(f"An answer could not be checked: {verdict.reason}.")
    return Graded(trajectories, verdicts)

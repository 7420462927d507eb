"""Every judge of a school: a verdict for each attempt, in their order."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.conftest import tiny_gpt
from tutelage.curricula import CURRICULA
from tutelage.device import seeded
from tutelage.judges import JUDGES
from tutelage.model.heads import RewardModel
from tutelage.schema import Outcome, Trajectory, ask

ARITHMETIC = CURRICULA["arithmetic"]


def attempts() -> list[Trajectory]:
    """Right and wrong answers to sums, in turn; their tokens are as good as any."""
    tokens = torch.randint(4, 10, (8, 6), generator=seeded("attempts")).tolist()
    made = []
    for i, task in enumerate(ARITHMETIC.tasks("train", 8, 0)):
        answer = task.reference if i % 2 else "no idea"
        made.append(
            Trajectory.of_reply(
                ask(task.prompt), tokens[i][:3], tokens[i][3:], [-1.0] * 3, answer, True,
                group=i, task=task,
            )
        )  # fmt: skip
    return made


@pytest.mark.parametrize("name", JUDGES)
def test_each_attempt_gets_its_own_verdict(name: str):
    entry = JUDGES[name]
    model = None
    if entry.learned:
        model = RewardModel(tiny_gpt())
        torch.nn.init.normal_(model.head.weight, generator=seeded("head"))
    judge = entry.make(ARITHMETIC.check, model, 0)
    given = attempts()
    before = [replace(attempt) for attempt in given]
    verdicts = judge.score(given)
    assert given == before
    assert len({verdict.score for verdict in verdicts}) > 1
    assert all(verdict.outcome in (Outcome.SUCCESS, Outcome.FAILURE) for verdict in verdicts)
    if not entry.learned:
        assert min(v.score for v in verdicts[1::2]) > max(v.score for v in verdicts[::2])
    backwards = judge.score(given[::-1])[::-1]
    assert [v.outcome for v in backwards] == [v.outcome for v in verdicts]
    scores, others = ([v.score for v in them] for them in (verdicts, backwards))
    assert scores == pytest.approx(others, abs=1e-5)

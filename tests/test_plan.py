"""The minutes become steps: what they decide, and that they are all shared out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tutelage import plan as planning
from tutelage.plan import SchoolConfig, make_plan, open_run


@pytest.fixture(autouse=True)
def rates(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sizes whose rate was asked for; each trains 10,000 tokens a second."""
    asked: list[str] = []

    def rate(size: str, *_: object) -> float:
        asked.append(size)
        return 10_000.0

    monkeypatch.setattr(planning, "measured_rate", rate)
    return asked


@pytest.mark.parametrize(
    ("minutes", "given", "size"),
    [(19.9, "auto", "small"), (20, "auto", "medium"), (3, "large", "large")],
)
def test_the_minutes_choose_the_size_unless_it_is_given(rates, minutes, given, size):
    assert make_plan(SchoolConfig(minutes=minutes, size=given)).size == size
    assert rates == [size]


def test_no_more_minutes_are_shared_out_than_there_are():
    assert 0.95 <= sum(planning._SHARES.values()) <= 1


def test_what_a_plan_costs_fits_the_minutes():
    plan = make_plan(SchoolConfig(minutes=10))
    tokens = (
        2048 * plan.pretrain_steps
        + planning._TOKENS_PER_EPOCH * plan.sft_epochs
        + planning._TOKENS_PER_COMPARISON * plan.comparisons * plan.rounds
        + planning._TOKENS_PER_POLICY_STEP * plan.policy_steps * plan.rounds
    )
    assert 0.7 * 600 < tokens / 10_000 < 0.9 * 600  # the rest is the world and the evaluation


@pytest.mark.parametrize("judge", ["reward_model", "verifier"])
def test_what_pretraining_cannot_use_goes_to_comparisons_and_reinforcement(judge):
    plan = make_plan(SchoolConfig(minutes=60, judge=judge))
    assert plan.pretrain_steps == planning._MOST_PRETRAINING // 2048
    policy = planning._TOKENS_PER_POLICY_STEP * plan.policy_steps * plan.rounds
    tokens = (
        2048 * plan.pretrain_steps
        + planning._TOKENS_PER_EPOCH * plan.sft_epochs
        + planning._TOKENS_PER_COMPARISON * plan.comparisons * plan.rounds
        + policy
    )
    assert 0.8 * 3600 < tokens / 10_000 < 0.95 * 3600
    assert policy > tokens / 3


def test_a_run_is_planned_once(tmp_path: Path, rates):
    config = SchoolConfig(run=tmp_path / "run")
    assert open_run(config)[1] == open_run(config)[1]
    assert rates == ["small"]

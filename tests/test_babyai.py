"""The benchmark of instruction following: nothing that is evaluated was ever trained on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tutelage.environments import bot, grid

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


def test_evaluation_sees_seeds_that_training_never_saw(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import babyai

    used: dict[str, set[int]] = {"training": set(), "evaluation": set()}
    now = ["training"]
    begin, evaluate = grid.begin, babyai.evaluate

    def watched_begin(world, seed=None):
        used[now[0]] |= set() if seed is None else {seed}
        return begin(world, seed)

    def watched_evaluate(*given):
        now[0] = "evaluation"
        found = evaluate(*given)
        now[0] = "training"
        return found

    monkeypatch.setattr(grid, "begin", watched_begin)
    monkeypatch.setattr(bot, "begin", watched_begin)
    monkeypatch.setattr(babyai, "begin", watched_begin)
    monkeypatch.setattr(babyai, "evaluate", watched_evaluate)
    settings = babyai.Settings(
        demonstrations=20,
        passes=1,
        steps=40,
        worlds=4,
        steps_per_update=10,
        audit_episodes=4,
        episodes=12,
    )
    babyai.main(settings)
    line = json.loads(capsys.readouterr().out)
    assert line["after_ppo"]["sampled"]["n"] == line["after_cloning"]["greedy"]["n"] == 12
    assert (line["demonstrations"], line["ppo_steps"]) == (20, 40)
    assert len(used["evaluation"]) == 12
    assert len(used["training"]) >= 20 + 4
    assert not used["training"] & used["evaluation"]

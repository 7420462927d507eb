"""The loop that plays: it learns to balance a pole, and its evaluation counts whole episodes."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import pytest

from tutelage.algorithms import PPO, PPOConfig
from tutelage.algorithms.trpo import TRPO, TRPOConfig
from tutelage.device import seeded
from tutelage.environments import make_environments
from tutelage.errors import BadInput
from tutelage.policies.control import new_policy
from tutelage.runs import Run
from tutelage.stages.control import ControlConfig, control, evaluate_control

POLE = "CartPole-v1"


@pytest.mark.parametrize("name", ["ppo", "trpo"])
def test_it_learns_to_balance(name: str, tmp_path: Path):
    policy = new_policy(make_environments(POLE, 8), (32, 32), seeded("pole"))
    before = evaluate_control(policy, make_environments(POLE, 4), 8, 1)
    assert len(before) == 8
    config = PPOConfig(
        learning_rate=2e-3,
        epochs=8,
        minibatches=2,
        gamma=0.98,
        lambda_=0.9,
        value_clip_range=math.inf,
    )
    algorithm = PPO(policy, config) if name == "ppo" else TRPO(policy, TRPOConfig())
    run = Run(tmp_path)
    settings = ControlConfig(steps=12_000, environments=8, steps_per_update=128, audits=2)
    make = partial(make_environments, POLE)
    steps = [progress.step for progress in control(run, algorithm, make, settings, 0)]
    assert steps == list(range(1, 12))
    after = evaluate_control(policy, make_environments(POLE, 4), 8, 1)
    assert sum(before) / 8 < 60
    assert sum(after) / 8 > 100


def test_chance_gives_way_over_the_share_of_the_run_that_explores():
    settings = {"steps": 1_000, "environments": 10, "steps_per_update": 1}
    config = ControlConfig(**settings, exploration_share=0.2, final_epsilon=0.1)
    found = [config.epsilon(update) for update in (0, 5, 10, 20, 99)]
    assert found == pytest.approx([1.0, 0.775, 0.55, 0.1, 0.1])
    never = ControlConfig(**settings, exploration_share=0.0, final_epsilon=0.1)
    assert never.epsilon(0) == pytest.approx(0.1)


def test_an_unknown_environment_is_one_sentence():
    with pytest.raises(BadInput, match="Gymnasium cannot make the environment NoSuchThing-v0"):
        make_environments("NoSuchThing-v0", 2)

"""Every algorithm that learns in environments, on one small environment."""

from __future__ import annotations

import copy
import math
from functools import partial
from pathlib import Path
from typing import get_args

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from tutelage.algorithms import ALGORITHMS, Algorithm, ControlAlgorithmName
from tutelage.device import seeded
from tutelage.policies.control import ControlPolicy, QActor, new_policy
from tutelage.rollout.play import play, start
from tutelage.runs import Progress, Run
from tutelage.stages.control import ControlConfig, control

ACTORS = [name for name, entry in ALGORITHMS.items() if entry.control is not None]
SIDE_BY_SIDE = 4


def test_every_algorithm_that_acts_is_offered():
    assert set(get_args(ControlAlgorithmName)) == set(ACTORS)


class Lamps(gymnasium.Env):
    """Shows which of three lamps is lit; to press its button pays 1. Four presses an episode, which
    ends by itself or, where `cut`, by the clock."""

    def __init__(self, cut: bool = False) -> None:
        self.observation_space = Box(0, 1, (3,), np.float32)
        self.action_space = Discrete(3)
        self.cut = cut

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.pressed = 0
        return self._light(), {}

    def _light(self):
        self.lit = int(self.np_random.integers(3))
        return np.eye(3, dtype=np.float32)[self.lit]

    def step(self, action):
        paid = float(action == self.lit)
        self.pressed += 1
        over = self.pressed == 4
        return self._light(), paid, over and not self.cut, over and self.cut, {}


def lamps(count: int, cut: bool = False) -> SyncVectorEnv:
    return SyncVectorEnv([partial(Lamps, cut)] * count, autoreset_mode=AutoresetMode.NEXT_STEP)


def new_algorithm(name: str, seed: int = 0) -> Algorithm:
    entry = ALGORITHMS[name]
    policy = new_policy(lamps(1), (16,), seeded(seed, "policy"), entry.networks)
    return entry.algorithm(policy, entry.settings(**entry.control))


def settings(name: str, steps: int, normalise: bool = False) -> ControlConfig:
    return ControlConfig(
        normalise=normalise,
        steps=steps,
        environments=SIDE_BY_SIDE,
        steps_per_update=min(64, ALGORITHMS[name].steps_per_update),
        audits=2,
        audit_episodes=8,
    )


def trained(
    name: str, folder: Path, steps: int, seed: int = 0, normalise: bool = False
) -> tuple[Run, ControlPolicy]:
    algorithm, run = new_algorithm(name, seed), Run(folder)
    for _ in control(run, algorithm, lamps, settings(name, steps, normalise), seed):
        pass
    return run, algorithm.policy


def weights(policy: ControlPolicy) -> torch.Tensor:
    return torch.cat([tensor.flatten() for tensor in policy.state_dict().values()])


@pytest.mark.parametrize("name", ACTORS)
def test_it_learns_the_lamps_with_finite_metrics(name: str, tmp_path: Path):
    """From a third of the four presses to nearly all."""
    run, _ = trained(name, tmp_path, 12_000)
    rows = run.metrics()
    assert all(math.isfinite(v) for row in rows for v in row.values() if not isinstance(v, str))
    returns = [row["episode/return"] for row in rows if "episode/return" in row]
    assert returns[0] < 2.5
    audits = [row["audit/return"] for row in rows if "audit/return" in row]
    assert len(audits) == 2
    assert max(audits) > 3.5


@pytest.mark.parametrize("name", ACTORS)
def test_a_seed_decides_everything(name: str, tmp_path: Path):
    _, first = trained(name, tmp_path / "a", 1_500)
    _, again = trained(name, tmp_path / "b", 1_500)
    _, other = trained(name, tmp_path / "c", 1_500, seed=1)
    assert weights(first).equal(weights(again))
    assert not weights(first).equal(weights(other))


@pytest.mark.parametrize(
    ("name", "normalise"),
    [(name, False) for name in ACTORS]
    + [(name, True) for name in ACTORS if "q" not in ALGORITHMS[name].networks],
)
def test_resumed_is_as_never_stopped(name: str, normalise: bool, tmp_path: Path):
    whole, _ = trained(name, tmp_path / "whole", 1_500, normalise=normalise)
    cut, config = Run(tmp_path / "cut"), settings(name, 1_500, normalise)
    for progress in control(cut, new_algorithm(name), lamps, config, 0):
        if progress.step > config.updates // 2:  # one step after the first audit saved
            break
    rest: list[Progress] = list(control(cut, new_algorithm(name), lamps, config, 0))
    assert rest[0].step == config.updates // 2 + 1
    assert rest[-1].step == config.updates
    files = [run.checkpoint("control") / "policy.safetensors" for run in (whole, cut)]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert cut.metrics() == whole.metrics()


@pytest.mark.parametrize("name", ACTORS)
def test_no_advantage_leaves_the_actor_alone(name: str):
    algorithm = new_algorithm(name)
    players = start(lamps(SIDE_BY_SIDE), 0)
    batch = algorithm.credit(play(algorithm.policy, players, 64, seeded("play")))
    if isinstance(algorithm.policy.actor, QActor):
        pytest.skip(f"{name} learns values, from which its actions follow")
    before = copy.deepcopy(algorithm.policy.actor.state_dict())
    batch.advantages.zero_()
    algorithm.update(batch, seeded("update"))
    after = algorithm.policy.actor.state_dict()
    assert all(after[key].equal(before[key]) for key in before)


@pytest.mark.parametrize("name", ["ppo", "a2c", "reinforce"])
def test_a_value_coefficient_weighs_half_the_squared_error(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    """The critic's gradient is the coefficient times the mean of error · ∇V, whoever asks."""
    entry = ALGORITHMS[name]
    policy = new_policy(lamps(1), (16,), seeded("policy"))
    given = {"value_coefficient": 0.7, "max_grad_norm": 1e9}
    given |= {"epochs": 1, "minibatches": 1} if name == "ppo" else {}
    algorithm = entry.algorithm(policy, entry.settings(**entry.control | given))
    players = start(lamps(SIDE_BY_SIDE), 0)
    batch = algorithm.credit(play(policy, players, 64, seeded("play")))
    learned = batch.learned if batch.learned is not None else torch.ones(len(batch.returns)).bool()
    error = 0.5 * (policy.values(batch.inputs) - batch.returns)[learned].square().mean()
    (expected,) = torch.autograd.grad(0.7 * error, list(policy.critic.parameters()))
    seen = []
    monkeypatch.setattr(
        algorithm.optimiser, "step", lambda: seen.extend(p.grad for p in policy.critic.parameters())
    )
    monkeypatch.setattr(algorithm.optimiser, "zero_grad", lambda: None)
    metrics = algorithm.update(batch, seeded("update"))
    torch.testing.assert_close(seen[0], expected)
    assert metrics["value/loss"] == pytest.approx(error.item(), rel=1e-5)


@pytest.mark.parametrize("name", ACTORS)
def test_a_time_limit_is_bootstrapped_and_an_end_is_not(name: str):
    """With a critic that finds every state worth 10, the last step of an episode returns what it
    paid if the episode ended there, and some 10 more if it was only cut."""
    algorithm = new_algorithm(name)
    if algorithm.policy.critic is None:
        pytest.skip(f"{name} bootstraps from no critic")
    critic = algorithm.policy.critic
    with torch.no_grad():
        matrix, biases = getattr(critic, "network", critic).layers()[-1]
        matrix.zero_()
        biases.fill_(10.0)
    for cut in (False, True):
        players = start(lamps(SIDE_BY_SIDE, cut), 0)
        lived = play(algorithm.policy, players, 64, seeded("play"))
        over = lived.mask & ~lived.continues
        over[:, -1] = False  # the rows' last steps are bootstrapped whatever happens
        batch = algorithm.credit(lived)
        counted = lived.inputs.decisions(over)
        if batch.learned is not None:
            counted &= batch.learned
        returns = batch.returns[counted]
        assert len(returns) > 30
        if cut:
            assert returns.min() > 9
        else:
            assert returns.max() <= 1

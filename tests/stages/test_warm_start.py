"""Imitation before reinforcement: the policy becomes like who showed it, and expects as much."""

from __future__ import annotations

import math

import torch

from tutelage.device import seeded
from tutelage.environments.bot import Demonstrations, demonstrate
from tutelage.environments.grid import GridWorlds, grid_policy
from tutelage.model.distributions import Categorical
from tutelage.rollout.control import ControlPolicy, Transitions
from tutelage.stages.warm_start import WarmStartConfig, cloning_loss, warm_start

LEVEL = "BabyAI-GoToLocal-v0"


def transitions(shown: Demonstrations) -> Transitions:
    mask = torch.ones(len(shown.actions), 1, dtype=torch.bool)
    return Transitions(torch.from_numpy(shown.rows), torch.from_numpy(shown.actions), mask)


class Thirds(torch.nn.Module):
    """An actor: the first action with chance 2/3, the second with 1/3."""

    def forward(self, observations):
        return Categorical(torch.tensor([2 / 3, 1 / 3]).log().expand(len(observations), 2))


def test_the_loss_by_hand():
    policy = ControlPolicy(Thirds())
    shown = Transitions(torch.zeros(3, 1), torch.tensor([0, 0, 1]), torch.ones(3, 1).bool())
    expected = -(2 * math.log(2 / 3) + math.log(1 / 3)) / 3
    assert math.isclose(cloning_loss(policy, shown).item(), expected, rel_tol=1e-6)


def test_a_hundred_episodes_teach_more_than_chance():
    """On episodes that were not shown, against always doing what the bot does most."""
    policy = grid_policy(GridWorlds(LEVEL, 1), seeded("policy"))
    shown, held_out = demonstrate(LEVEL, range(100)), demonstrate(LEVEL, range(100, 160))
    config = WarmStartConfig(passes=12, batch=64)
    returns = torch.from_numpy(shown.returns)
    for _ in warm_start(policy, transitions(shown), returns, config, seed=0):
        pass
    unseen = transitions(held_out)
    counts = torch.bincount(unseen.actions, minlength=7) / len(unseen.actions)
    chance = -(counts[counts > 0] * counts[counts > 0].log()).sum()
    with torch.no_grad():
        assert cloning_loss(policy, unseen) < chance - 0.05
        likeliest = policy.distribution(unseen).mode()
        agreed = (likeliest == unseen.actions).float().mean()
        errors = policy.values(unseen) - torch.from_numpy(held_out.returns)
    assert agreed > counts.max() + 0.02
    assert errors.square().mean() < 0.05

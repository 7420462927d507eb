"""REINFORCE: which episodes are whole, and what their decisions are worth."""

from __future__ import annotations

import copy

import pytest
import torch

from tutelage.algorithms.reinforce import REINFORCE, REINFORCEConfig
from tutelage.device import seeded
from tutelage.model.mlp import mlp
from tutelage.policies.control import CategoricalActor, ControlPolicy, Transitions
from tutelage.rollout.experience import Experience

# Two rows of six steps; an x is the step that only starts an environment anew.
#   row 0, from the middle: 1 2 | x 4 8 | x      the first two were begun earlier
#   row 1, from a beginning: 1 1 1 | x 5 …       the last goes on after the row
REWARDS = torch.tensor([[1.0, 2, 0, 4, 8, 0], [1, 1, 1, 0, 5, 5]])
MASK = torch.tensor([[1, 1, 0, 1, 1, 0], [1, 1, 1, 0, 1, 1]]).bool()
CONTINUES = torch.tensor([[1, 0, 0, 1, 0, 0], [1, 1, 0, 0, 1, 1]]).bool()
MIDWAY = torch.tensor([True, False])


def new_policy() -> ControlPolicy:
    generator = seeded("reinforce")
    return ControlPolicy(CategoricalActor(mlp((2, 4, 3), generator)), mlp((2, 4, 1), generator))


def lived(
    policy: ControlPolicy,
    values: torch.Tensor | None = None,
    next_values: torch.Tensor | None = None,
) -> Experience:
    observations = torch.randn(int(MASK.sum()), 2, generator=seeded("observations"))
    actions = torch.arange(len(observations)) % 3
    inputs = Transitions(observations, actions, MASK)
    with torch.no_grad():
        logprobs = torch.zeros(MASK.shape)
        logprobs[MASK] = policy.distribution(inputs).logprobs(actions)
    return Experience(
        inputs,
        MASK,
        logprobs,
        REWARDS,
        values=values,
        next_values=next_values,
        continues=CONTINUES,
        midway=MIDWAY,
    )


def credited(after: float = 0.0, **settings: object) -> list[float]:
    """after: what the critic expects after row 1's first end, where it was only cut."""
    policy = new_policy()
    config = REINFORCEConfig(gamma=0.5, **settings)
    values = next_values = None
    if config.baseline == "value":
        values = torch.ones(MASK.shape)
        next_values = torch.where(CONTINUES, 7.0, 0.0)  # is of no use before an end
        next_values[1, 2] = after
    batch = REINFORCE(policy, config).credit(lived(policy, values, next_values))
    assert batch.learned is not None
    assert batch.learned.tolist() == [False, False, True, True, True, True, True, False, False]
    return batch.advantages.tolist()


def test_returns_by_hand():
    # to go: 4 + 8/2, 8; 1 + 1/2 + 1/4, 1 + 1/2, 1. Whole: the first of each.
    none = [0.0, 0.0]
    assert credited(baseline="none") == [*none, 8, 8, 1.75, 1.5, 1, *none]
    assert credited(baseline="none", returns="whole") == [*none, 8, 8, 1.75, 1.75, 1.75, *none]
    mean = (8 + 8 + 1.75 + 1.5 + 1) / 5
    expected = [8 - mean, 8 - mean, 1.75 - mean, 1.5 - mean, 1 - mean]
    assert credited(baseline="mean") == pytest.approx([*none, *expected, *none])
    assert credited(baseline="value") == [*none, 7, 7, 0.75, 0.5, 0, *none]
    # cut in a state worth 8: 1 + 1/2 + 1/4 + 8/8, 1 + 1/2 + 8/4, 1 + 8/2
    assert credited(8.0, baseline="value") == [*none, 7, 7, 1.75, 2.5, 4, *none]


def test_the_gradient_is_that_of_the_decisions_that_are_learned():
    policy = new_policy()
    algorithm = REINFORCE(policy, REINFORCEConfig(gamma=0.5, baseline="none", max_grad_norm=1e9))
    batch = algorithm.credit(lived(policy))
    logprobs = policy.distribution(batch.inputs).logprobs(batch.inputs.actions)
    worth = torch.tensor([8, 8, 1.75, 1.5, 1])
    loss = -(worth * logprobs[2:7]).mean()
    expected = torch.autograd.grad(loss, list(policy.actor.parameters()))
    found: list[torch.Tensor] = []

    def look() -> torch.Tensor:
        found.extend(p.grad.clone() for p in policy.actor.parameters())
        return 0 * next(policy.actor.parameters()).sum()

    algorithm.update(batch, seeded("update"), look)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_without_a_whole_episode_nothing_is_learned():
    policy = new_policy()
    before = copy.deepcopy(policy.state_dict())
    experience = lived(policy)
    experience.midway = torch.tensor([True, True])
    experience.continues = torch.ones_like(MASK)
    algorithm = REINFORCE(policy, REINFORCEConfig())
    metrics = algorithm.update(algorithm.credit(experience), seeded("update"))
    assert metrics == {"rollout/whole": 0.0}
    assert all(before[name].equal(weights) for name, weights in policy.state_dict().items())

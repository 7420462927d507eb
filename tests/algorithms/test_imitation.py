"""Cloning and DAgger by hand."""

from __future__ import annotations

import math

import pytest
import torch

from tutelage.algorithms.imitation import (
    Cloning,
    CloningConfig,
    Mixed,
    MixedActor,
    aggregate,
    agreement,
    cloning_loss,
    expert_share,
    labelled,
)
from tutelage.device import seeded
from tutelage.model.distributions import Categorical, Gaussian
from tutelage.model.mlp import mlp
from tutelage.policies.control import CategoricalActor, ControlPolicy, GaussianActor, Transitions

pytestmark = pytest.mark.usefixtures("one_thread")


def steps(observations: list[list[float]], actions: list[int]) -> Transitions:
    mask = torch.ones(len(actions), 1, dtype=torch.bool)
    return Transitions(torch.tensor(observations), torch.tensor(actions), mask)


def linear(weights: list[list[float]]) -> ControlPolicy:
    """Logits are these sums of the observation."""
    network = torch.nn.Linear(len(weights[0]), len(weights), bias=False)
    with torch.no_grad():
        network.weight.copy_(torch.tensor(weights))
    return ControlPolicy(CategoricalActor(network))


def test_the_loss_by_hand():
    policy = linear([[1.0], [0.0]])
    shown = steps([[0.0], [math.log(3.0)]], [0, 1])  # chances 1/2 and 1/4
    assert cloning_loss(policy, shown).item() == pytest.approx(math.log(8) / 2)
    assert agreement(policy, shown) == 0.5  # of equal logits the first counts as likelier


def test_an_expert_that_draws_is_matched_in_its_chances():
    """In one state it goes left in 1 of 4, in the other in 9 of 10."""
    shown = steps([[0.0, 1.0]] * 40 + [[1.0, 0.0]] * 40, ([0] + [1] * 3) * 10 + ([0] * 9 + [1]) * 4)
    policy = linear([[0.0, 0.0], [0.0, 0.0]])
    cloning = Cloning(policy, CloningConfig(learning_rate=0.05, batch=80))
    first = cloning.update(shown, seeded(0))["train/loss"]
    assert first == pytest.approx(math.log(2))
    for number in range(400):
        cloning.optimiser.param_groups[0]["lr"] = 0.05 * (1 - number / 400)
        cloning.update(shown, seeded(1, number))
    logits = policy.actor(torch.tensor([[0.0, 1.0], [1.0, 0.0]])).logits
    assert logits.softmax(dim=1)[:, 0].tolist() == pytest.approx([0.25, 0.9], abs=0.04)


def test_real_actions_are_cloned():
    generator = seeded("real")
    observations = torch.randn(200, 2, generator=generator)
    actions = observations[:, :1] - 2 * observations[:, 1:]
    shown = Transitions(observations, actions, torch.ones(200, 1, dtype=torch.bool))
    policy = ControlPolicy(GaussianActor(mlp((2, 1), generator), 1))
    cloning = Cloning(policy, CloningConfig(learning_rate=0.03))
    for number in range(300):
        cloning.update(shown, seeded(number))
    error = (policy.actor(observations).mode() - actions).abs().mean()
    assert error < 0.1
    assert agreement(policy, shown) == 0.0


def test_the_expert_labels_where_the_learner_came():
    expert = linear([[1.0], [-1.0]])
    reached = steps([[2.0], [-3.0]], [1, 1])
    fresh = labelled(expert, reached)
    assert fresh.actions.tolist() == [0, 1]
    both = aggregate(aggregate(None, fresh), steps([[7.0]], [1]))
    assert both.observations.flatten().tolist() == [2.0, -3.0, 7.0]
    assert both.actions.tolist() == [0, 1, 1]
    assert both.mask.tolist() == [[True]] * 3


def test_shares_of_the_expert():
    assert [expert_share(0.5, i) for i in range(3)] == [1.0, 0.5, 0.25]
    assert [expert_share(0.0, i) for i in range(3)] == [1.0, 0.0, 0.0]


def test_a_mixture_draws_from_both_and_knows_its_chances():
    always = [torch.tensor([[40.0, 0.0]]), torch.tensor([[0.0, 40.0]])]
    count = 4_000
    mixed = Mixed(*(Categorical(logits.expand(count, 2)) for logits in always), 0.3)
    drawn = mixed.choose(mixed.noise(1, seeded("mixed"))[0])
    assert (drawn == 0).double().mean().item() == pytest.approx(0.3, abs=0.03)
    chances = mixed.logprobs(drawn).exp()
    assert chances.unique(sorted=True).tolist() == pytest.approx([0.3, 0.7])


def test_a_mixture_of_real_actions_has_their_shape():
    observations = torch.zeros(5, 2)
    actors = [GaussianActor(mlp((2, 3), seeded(i)), 3) for i in range(2)]
    mixed = MixedActor(*actors, 0.5)(observations)
    drawn = mixed.choose(mixed.noise(1, seeded("drawn"))[0])
    assert drawn.shape == (5, 3)
    twice = Gaussian(torch.zeros(5, 3), torch.zeros(3))
    same = Mixed(twice, twice, 0.5).logprobs(drawn)
    torch.testing.assert_close(same, twice.logprobs(drawn))


@pytest.mark.parametrize("name", ["learning_rate", "batch", "max_grad_norm"])
def test_settings_have_ranges(name: str):
    with pytest.raises(ValueError, match=f"{name} must be a number above 0"):
        CloningConfig(**{name: 0})

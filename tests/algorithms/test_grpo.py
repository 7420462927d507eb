"""Advantages of the group baselines, by hand; that they learn is tested with the loop."""

from __future__ import annotations

import copy

import pytest
import torch

from tutelage.algorithms import GroupConfig, GroupPolicyGradient
from tutelage.algorithms.batch import Batch
from tutelage.device import seeded
from tutelage.errors import BadInput
from tutelage.model.mlp import mlp
from tutelage.policies.control import CategoricalActor, ControlPolicy, Transitions
from tutelage.rollout.experience import Experience

MASK = torch.tensor([[True, True], [True, False]])


def lived(samples: int) -> Experience:
    """Two rows of two steps and of one; what they paid, and what each step was charged."""
    inputs = Transitions(torch.zeros(3, 2), torch.zeros(3, dtype=torch.long), MASK)
    return Experience(
        inputs,
        MASK,
        logprobs=torch.tensor([[-1.0, -1.0], [-1.0, 0.0]]),
        rewards=torch.tensor([[0.0, 5.0], [1.0, 9.0]]),  # the last is padding
        reference_logprobs=torch.tensor([[-1.0, -2.0], [-1.5, 0.0]]),
        samples=samples,
    )


def advantages(baseline: str, samples: int = 2) -> torch.Tensor:
    policy = ControlPolicy(CategoricalActor(mlp((2, 3), seeded("grpo"))))
    config = GroupConfig(baseline=baseline, kl_coefficient=0.5)
    return GroupPolicyGradient(policy, config).credit(lived(samples)).advantages


def test_group_baselines_by_hand():
    # the nats: 1 in the first row's second step, 0.5 in the second row's only one
    paid, other = 5 - 0.5 * 1, 1 - 0.5 * 0.5
    expected = torch.tensor([paid - other, paid - other, other - paid])
    torch.testing.assert_close(advantages("rloo"), expected)
    torch.testing.assert_close(advantages("dr_grpo"), torch.tensor([2.0, 2.0, -2.0]))
    torch.testing.assert_close(advantages("grpo"), torch.tensor([2.0, 2.0, -2.0]) / (2 + 1e-6))


def test_reinforce_plus_plus_by_hand():
    to_go = torch.tensor([4.5, 4.5, 0.75])
    expected = (to_go - to_go.mean()) / to_go.std(correction=0)
    torch.testing.assert_close(advantages("reinforce++"), expected)
    torch.testing.assert_close(advantages("reinforce++", samples=1), expected)


@pytest.mark.parametrize("baseline", ["rloo", "grpo", "dr_grpo"])
def test_a_group_of_one_is_refused(baseline: str):
    with pytest.raises(BadInput, match="at least 2 samples"):
        advantages(baseline, samples=1)


@pytest.mark.parametrize("kl_loss", ["k2", "k3"])
def test_an_update_is_the_obvious_one(kl_loss: str):
    """Four steps of Adam on −min(ρA, clip(ρ)A) + β·KL; ratios leave their range on the way."""
    policy = ControlPolicy(CategoricalActor(mlp((2, 4, 3), seeded("grpo")))).double()
    settings = {"epochs": 4, "minibatches": 1, "max_grad_norm": 1e9, "learning_rate": 0.03}
    config = GroupConfig(baseline="grpo", kl_loss=kl_loss, kl_coefficient=0.7, **settings)
    generator = seeded("decisions")
    observations = torch.randn(40, 2, generator=generator, dtype=torch.float64)
    actions = torch.randint(3, (40,), generator=generator)
    inputs = Transitions(observations, actions, torch.ones(40, 1, dtype=torch.bool))
    old = policy.distribution(inputs).logprobs(actions).detach()
    advantages, away = torch.randn(2, 40, generator=generator, dtype=torch.float64)
    obvious = copy.deepcopy(policy)
    adam = torch.optim.Adam(obvious.parameters(), 0.03, betas=(0.9, 0.95), eps=1e-5)
    for _ in range(4):
        logits = obvious.actor.network(observations).log_softmax(dim=1)
        logprobs = logits[range(40), actions]
        ratio = (logprobs - old).exp()
        surrogate = torch.minimum(ratio * advantages, ratio.clamp(0.8, 1.2) * advantages)
        gap = old - away - logprobs  # log ref − log π
        kl = gap.square() / 2 if kl_loss == "k2" else gap.exp() - 1 - gap
        adam.zero_grad()
        (0.7 * kl - surrogate).mean().backward()
        adam.step()
    batch = Batch(inputs, old, advantages, reference_logprobs=old - away)
    metrics = GroupPolicyGradient(policy, config).update(batch, seeded("update"))
    assert 0.1 < metrics["policy/clip_fraction"] < 0.9
    for ours, theirs in zip(policy.parameters(), obvious.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-8)

"""A2C: its one step follows the gradient that is written down here."""

from __future__ import annotations

import pytest
import torch

from tutelage.algorithms import A2C, A2CConfig
from tutelage.algorithms.batch import Batch
from tutelage.device import seeded
from tutelage.model.mlp import mlp
from tutelage.policies.control import CategoricalActor, ControlPolicy, Transitions


@pytest.mark.parametrize("whiten", [False, True])
def test_the_gradient_is_that_of_its_loss(whiten: bool):
    """−A log π − c·entropy + v·½ error², A whitened or as it is."""
    generator = seeded("a2c")
    actor, critic = CategoricalActor(mlp((3, 4, 2), generator)), mlp((3, 4, 1), generator)
    policy = ControlPolicy(actor, critic).double()
    observations = torch.randn(9, 3, generator=generator, dtype=torch.float64)
    actions = torch.arange(9) % 2
    inputs = Transitions(observations, actions, torch.ones(9, 1, dtype=torch.bool))
    advantages, returns = torch.randn(2, 9, generator=generator, dtype=torch.float64)
    logits = actor.network(observations).log_softmax(dim=1)
    A = (advantages - advantages.mean()) / advantages.std(correction=0) if whiten else advantages
    loss = -(A * logits[range(9), actions]).mean()
    loss = loss + 0.3 * (logits.exp() * logits).sum(dim=1).mean()
    loss = loss + 0.7 * 0.5 * (critic(observations)[:, 0] - returns).square().mean()
    expected = torch.autograd.grad(loss, list(policy.parameters()))
    found: list[torch.Tensor] = []

    def look() -> torch.Tensor:
        found.extend(p.grad.clone() for p in policy.parameters())
        return 0 * next(policy.parameters()).sum()

    settings = {"entropy_coefficient": 0.3, "value_coefficient": 0.7, "max_grad_norm": 1e9}
    algorithm = A2C(policy, A2CConfig(whiten_advantages=whiten, **settings))
    values = critic(observations)[:, 0].detach()
    logprobs = policy.distribution(inputs).logprobs(actions).detach()
    batch = Batch(inputs, logprobs, advantages, values=values, returns=returns)
    algorithm.update(batch, seeded("update"), look)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs)

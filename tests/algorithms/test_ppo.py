"""PPO's price of KL: its loss on paper, its controller, and where it leads."""

from __future__ import annotations

import math

import pytest
import torch

from tutelage.algorithms.batch import Batch
from tutelage.algorithms.functional import penalised_surrogate
from tutelage.algorithms.ppo import PPO, PPOConfig, next_price
from tutelage.device import seeded
from tutelage.model.mlp import mlp
from tutelage.policies.control import CategoricalActor, ControlPolicy, Transitions


def test_the_penalised_surrogate_by_hand():
    """ρ = 2, A = 3, β = 5: −6 + 5 (2 − 1 − log 2), its slope −6 + 5 (2 − 1); at ρ = 1 only A."""
    log_ratio = torch.tensor([2.0, 1.0]).log().requires_grad_()
    loss = penalised_surrogate(log_ratio, torch.tensor([3.0, 3.0]), 5.0)
    (slope,) = torch.autograd.grad(loss.sum(), log_ratio)
    torch.testing.assert_close(loss.detach(), torch.tensor([-1 - 5 * math.log(2), -3.0]))
    torch.testing.assert_close(slope, torch.tensor([-1.0, -3.0]))


@pytest.mark.parametrize(
    ("kl", "factor"),
    [(0.0, 0.5), (0.0066, 0.5), (0.0067, 1.0), (0.0149, 1.0), (0.0151, 2.0), (9.0, 2.0)],
)
def test_the_price_halves_below_two_thirds_of_the_target_and_doubles_above_half_more(
    kl: float, factor: float
):
    assert next_price(0.8, kl, 0.01) == 0.8 * factor


def new_ppo(**settings: float) -> PPO:
    generator = seeded("ppo")
    policy = ControlPolicy(CategoricalActor(mlp((3, 8, 2), generator)), mlp((3, 8, 1), generator))
    return PPO(policy, PPOConfig(epochs=10, learning_rate=3e-3, **settings))


def lived(algorithm: PPO, number: int) -> Batch:
    """Decisions in states of chance; the second action pays."""
    generator = seeded("lived", number)
    observations = torch.randn(256, 3, generator=generator)
    with torch.no_grad():
        distribution = algorithm.policy.actor(observations)
        actions = distribution.choose(distribution.noise(1, generator)[0])
        logprobs = distribution.logprobs(actions)
    paid = actions.float()
    inputs = Transitions(observations, actions, torch.ones(256, 1, dtype=torch.bool))
    return Batch(inputs, logprobs, paid, values=torch.zeros(256), returns=paid)


def test_the_price_brings_an_update_to_its_target():
    """From far too cheap: what an update moves comes down to the target, within its 1.5."""
    algorithm = new_ppo(step_kl_target=0.005)
    algorithm.step_price = 0.01
    moved, prices = [], []
    for number in range(20):
        batch = lived(algorithm, number)
        metrics = algorithm.update(batch, seeded("update", number))
        new = algorithm.policy.distribution(batch.inputs).logprobs(batch.inputs.actions).detach()
        ratio = (new - batch.logprobs).exp()
        expected = (ratio - 1 - ratio.log()).mean().item()
        assert metrics["policy/kl_step"] == pytest.approx(expected, rel=1e-3)
        moved.append(metrics["policy/kl_step"])
        prices.append(metrics["policy/step_price"])
    assert moved[0] > 0.01
    assert max(prices) > 1
    assert sorted(moved[-8:])[4] < 0.0075


def test_without_a_target_nothing_is_priced():
    metrics = new_ppo().update(lived(new_ppo(), 0), seeded("update"))
    assert "policy/step_price" not in metrics


def test_the_price_is_saved():
    algorithm = new_ppo(step_kl_target=0.005)
    algorithm.step_price = 0.25
    again = new_ppo(step_kl_target=0.005)
    again.load_state_dict(algorithm.state_dict())
    assert again.step_price == 0.25


@pytest.mark.parametrize("target", [0.0, -1.0, math.nan])
def test_a_target_is_above_0(target: float):
    with pytest.raises(ValueError, match="step_kl_target must be a number above 0"):
        PPOConfig(step_kl_target=target)

"""PPO's price of KL: its loss on paper, its controller, and where it leads."""

from __future__ import annotations

import copy
import dataclasses
import math

import pytest
import torch

from tutelage.algorithms.batch import Batch
from tutelage.algorithms.functional import penalised_surrogate
from tutelage.algorithms.ppo import PPO, PPOConfig, next_price
from tutelage.device import seeded
from tutelage.model.mlp import mlp
from tutelage.policies.control import CategoricalActor, ControlPolicy, Transitions
from tutelage.rollout.experience import Experience


def test_the_penalised_surrogate_by_hand():
    """ρ = 2, A = 3, β = 5: −6 + 5 (2 − 1 − log 2), its slope −6 + 5 (2 − 1); at ρ = 1 only A."""
    log_ratio = torch.tensor([2.0, 1.0]).log().requires_grad_()
    loss = penalised_surrogate(log_ratio, torch.tensor([3.0, 3.0]), 5.0)
    (slope,) = torch.autograd.grad(loss.sum(), log_ratio)
    torch.testing.assert_close(loss.detach(), torch.tensor([-1 - 5 * math.log(2), -3.0]))
    torch.testing.assert_close(slope, torch.tensor([-1.0, -3.0]))
    unmoved = penalised_surrogate(log_ratio, torch.tensor([3.0, 3.0]), 5.0, rounding=0.7)
    (slope,) = torch.autograd.grad(unmoved.sum(), log_ratio)
    torch.testing.assert_close(slope, torch.tensor([-6.0, -3.0]))  # log 2 counts as rounding


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
    return PPO(policy, PPOConfig(**{"epochs": 10, "learning_rate": 3e-3} | settings))


def lived(algorithm: PPO, number: int, dtype: torch.dtype = torch.float32) -> Batch:
    """Decisions in states of chance; the second action pays."""
    generator = seeded("lived", number)
    observations = torch.randn(256, 3, generator=generator, dtype=dtype)
    with torch.no_grad():
        distribution = algorithm.policy.actor(observations)
        actions = distribution.choose(distribution.noise(1, generator)[0])
        logprobs = distribution.logprobs(actions)
    paid = actions.to(dtype)
    inputs = Transitions(observations, actions, torch.ones(256, 1, dtype=torch.bool))
    return Batch(inputs, logprobs, paid, values=torch.zeros(256, dtype=dtype), returns=paid)


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


def obvious_update(policy: ControlPolicy, batch: Batch, config: PPOConfig, generator) -> None:
    """The same update a decision at a time, from the paper."""
    actor, critic = list(policy.actor.parameters()), list(policy.critic.parameters())
    adam = torch.optim.Adam([*actor, *critic], config.learning_rate, betas=(0.9, 0.95), eps=1e-5)
    for _ in range(config.epochs):
        order = torch.randperm(len(batch.advantages), generator=generator)
        for chosen in order.tensor_split(config.minibatches):
            advantages = batch.advantages[chosen]
            mean = sum(advantages) / len(chosen)
            deviation = (sum((a - mean) ** 2 for a in advantages) / len(chosen)) ** 0.5
            total = 0.0
            for i, advantage in zip(chosen.tolist(), advantages, strict=True):
                seen, action = batch.inputs.observations[i], batch.inputs.actions[i]
                A = (advantage - mean) / deviation
                logits = policy.actor.network(seen[None])[0].log_softmax(dim=0)
                ratio = (logits[action] - batch.logprobs[i]).exp()
                low, high = 1 - config.clip_range, 1 + config.clip_range
                clipped = (
                    ratio if low <= ratio <= high else torch.tensor(low if ratio < low else high)
                )
                if config.step_kl_target is None:
                    total = total - min(ratio * A, clipped * A)
                else:  # at its first price, 1
                    total = total - ratio * A + (ratio - 1 - ratio.log())
                total = total - config.entropy_coefficient * -(logits.exp() * logits).sum()
                value, old, wanted = (
                    policy.critic(seen[None])[0, 0],
                    batch.values[i],
                    batch.returns[i],
                )
                near, far = old - config.value_clip_range, old + config.value_clip_range
                bounded = value if near <= value <= far else (near if value < near else far)
                worst = max((value - wanted) ** 2, (bounded - wanted) ** 2)
                total = total + config.value_coefficient * 0.5 * worst
            adam.zero_grad()
            (total / len(chosen)).backward()
            torch.nn.utils.clip_grad_norm_(actor, config.max_grad_norm)
            torch.nn.utils.clip_grad_norm_(critic, config.max_grad_norm)
            adam.step()


@pytest.mark.parametrize("step_kl_target", [None, 0.01])
def test_an_update_is_the_obvious_one(step_kl_target: float | None):
    """Ratios and values leave their ranges on the way, in both directions, and gradients are
    clipped; so whoever ignores one of the settings ends elsewhere."""
    settings = {"clip_range": 0.1, "value_clip_range": 0.1, "entropy_coefficient": 0.05}
    settings |= {"value_coefficient": 0.7, "minibatches": 3, "max_grad_norm": 0.8, "epochs": 5}
    settings |= {"step_kl_target": step_kl_target, "ratio_tolerance": 1e-9, "learning_rate": 6e-3}
    algorithm = new_ppo(**settings)
    algorithm.policy.double()
    batch = lived(algorithm, 0, dtype=torch.float64)
    obvious = copy.deepcopy(algorithm.policy)
    obvious_update(obvious, batch, algorithm.config, seeded("update"))
    metrics = algorithm.update(batch, seeded("update"))
    assert 0.1 < metrics["policy/clip_fraction"] < 0.9
    moved = (obvious.values(batch.inputs) - batch.values).abs()
    assert 0.1 < (moved > 0.1).double().mean() < 1
    for ours, theirs in zip(algorithm.policy.parameters(), obvious.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-8)


def test_the_price_of_the_reference_adapts_and_rewards_are_whitened_by_hand():
    """Two rows of two decisions, 0.5 and 1.5 nats from the reference; target 0.5, so KL is twice
    it and β grows by its most, 0.2 · 2/10."""
    algorithm = new_ppo(kl_coefficient=0.1, kl_target=0.5, kl_horizon=10.0, whiten_rewards=True)
    mask = torch.ones(2, 2, dtype=torch.bool)
    inputs = Transitions(torch.zeros(4, 3), torch.zeros(4, dtype=torch.long), mask)
    away = torch.tensor([[0.25, 0.25], [0.5, 1.0]])
    logprobs = torch.full((2, 2), -1.0)
    experience = Experience(
        inputs,
        mask,
        logprobs,
        torch.tensor([[0.0, 1.0], [0.0, 3.0]]),
        reference_logprobs=logprobs - away,
        values=torch.zeros(2, 2),
        next_values=torch.zeros(2, 2),
        continues=torch.tensor([[True, False], [True, False]]),
    )
    batch = algorithm.credit(experience)
    paid = [-0.025, 0.975, -0.05, 2.9]
    mean = sum(paid) / 4
    deviation = (sum((r - mean) ** 2 for r in paid) / 4) ** 0.5
    a, b, c, d = ((r - mean) / deviation + mean for r in paid)
    expected = torch.tensor([a + 0.95 * b, b, c + 0.95 * d, d])
    torch.testing.assert_close(batch.advantages, expected)
    assert algorithm.kl_coefficient == pytest.approx(0.1 * 1.04)
    algorithm.config = dataclasses.replace(algorithm.config, kl_target=2.0)  # half of it: falls
    algorithm.credit(experience)
    assert algorithm.kl_coefficient == pytest.approx(0.1 * 1.04 * 0.96)

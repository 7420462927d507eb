"""Decisions that another policy sampled: what they weigh, and when it is another at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tutelage.algorithms import (
    A2C,
    PPO,
    REINFORCE,
    TRPO,
    A2CConfig,
    GroupConfig,
    GroupPolicyGradient,
    PPOConfig,
    REINFORCEConfig,
    TRPOConfig,
)
from tutelage.algorithms.batch import Batch, check_on_policy, penalised_rewards
from tutelage.device import seeded
from tutelage.errors import ContractBroken
from tutelage.model.mlp import mlp
from tutelage.policies.control import CategoricalActor, ControlPolicy, Transitions
from tutelage.rollout.experience import Experience

K = 6


def new_policy() -> ControlPolicy:
    generator = seeded("batch")
    actor = CategoricalActor(mlp((3, 4, 2), generator))
    return ControlPolicy(actor, mlp((3, 4, 1), generator)).double()


def sampled_elsewhere(policy: ControlPolicy) -> Batch:
    """The sampler finds what it did up to a nat likelier, or less likely, than the policy does."""
    generator = seeded("elsewhere")
    observations = torch.randn(K, 3, generator=generator, dtype=torch.float64)
    actions = torch.arange(K) % 2
    inputs = Transitions(observations, actions, torch.ones(K, 1, dtype=torch.bool))
    with torch.no_grad():
        proximal = policy.distribution(inputs).logprobs(actions)
    return Batch(
        inputs,
        proximal + torch.linspace(-1, 1, K),
        torch.linspace(-2, 1, K, dtype=torch.float64),
        values=torch.zeros(K).double(),
        returns=torch.zeros(K).double(),
        learned=torch.ones(K, dtype=torch.bool),
        proximal_logprobs=proximal,
        fresh=False,  # so far that no number format explains it
    )


def whitened(x: Tensor) -> Tensor:
    return (x - x.mean()) / x.std(correction=0)


ONE_STEP = {"epochs": 1, "minibatches": 1, "max_grad_norm": 1e9, "importance_cap": 1.5}
LEARNERS: dict[str, tuple[Callable, object, Callable[[Tensor], Tensor]]] = {
    "ppo": (PPO, PPOConfig(**ONE_STEP), whitened),
    "ppo_penalty": (PPO, PPOConfig(**ONE_STEP, step_kl_target=0.1), whitened),
    "a2c": (A2C, A2CConfig(max_grad_norm=1e9, importance_cap=1.5), lambda x: x),
    "reinforce": (REINFORCE, REINFORCEConfig(max_grad_norm=1e9, importance_cap=1.5), lambda x: x),
    "grpo": (GroupPolicyGradient, GroupConfig(**ONE_STEP), lambda x: x),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_another_sampler_is_weighed_and_the_ratio_is_to_the_policy_as_trained(name: str):
    """At the first step ρ is 1, so the gradient is −mean w A ∇log π, w = min(exp(gap), 1.5)."""
    kind, config, scaled = LEARNERS[name]
    policy = new_policy()
    algorithm = kind(policy, config)
    batch = sampled_elsewhere(policy)
    weights = torch.linspace(1, -1, K).double().exp().clamp_max(1.5)
    logprobs = policy.distribution(batch.inputs).logprobs(batch.inputs.actions)
    loss = -(weights * scaled(batch.advantages) * logprobs).mean()
    (expected,) = torch.autograd.grad(loss, list(policy.actor.parameters()))
    seen = []

    def look() -> Tensor:
        (weight,) = policy.actor.parameters()
        seen.append(weight.grad.clone())
        return 0 * weight.sum()

    metrics = algorithm.update(batch, seeded("update"), look)
    torch.testing.assert_close(seen[0], expected)
    gap = torch.linspace(1, -1, K).double()  # log π_proximal − log π_sampled
    assert metrics["rollout/mismatch_kl"] == pytest.approx((gap.exp() - 1 - gap).mean().item())
    assert metrics["rollout/mismatch_weight_mean"] == pytest.approx(weights.mean().item())
    assert metrics["rollout/mismatch_capped"] == pytest.approx(2 / 6)  # exp(1), exp(0.6)


def test_trpo_weighs_it_too():
    policy = new_policy()
    batch = sampled_elsewhere(policy)
    algorithm = TRPO(policy, TRPOConfig(importance_cap=1.5))
    weights = torch.linspace(1, -1, K).double().exp().clamp_max(1.5)
    logprobs = policy.distribution(batch.inputs).logprobs(batch.inputs.actions)
    gain = (weights * whitened(batch.advantages) * logprobs).mean()
    (expected,) = torch.autograd.grad(gain, list(policy.actor.parameters()))
    metrics = algorithm.update(batch, seeded("update"))
    assert metrics["policy/grad_norm"] == pytest.approx(expected.norm().item())


def test_the_reference_s_price_is_the_trained_policy_s():
    policy = new_policy()
    batch = sampled_elsewhere(policy)
    assert batch.proximal_logprobs is not None
    column = torch.ones(K, 1, dtype=torch.bool)
    reference = batch.proximal_logprobs[:, None] - 0.5
    lived = Experience(
        batch.inputs,
        column,
        batch.logprobs[:, None],
        torch.ones(K, 1).double(),
        reference_logprobs=reference,
        proximal_logprobs=batch.proximal_logprobs[:, None],
    )
    torch.testing.assert_close(penalised_rewards(lived, 0.2), torch.full((K, 1), 0.9).double())


@pytest.mark.parametrize(
    ("off", "refused"),
    [
        ({0: 0.05}, False),  # one in a thousand, as rounding may leave it
        ({0: 5.0}, True),  # so far that the mean shows it
        (dict.fromkeys(range(20), 0.02), True),  # a fiftieth of all
        (dict.fromkeys(range(5), float("nan")), True),
    ],
)
def test_the_mean_and_the_99th_percentile_must_be_rounding(off: dict[int, float], refused: bool):
    batch = sampled_elsewhere(new_policy())
    batch.proximal_logprobs, batch.fresh = None, True
    log_ratio = torch.zeros(1000)
    for place, size in off.items():
        log_ratio[place] = size
    if refused:
        with pytest.raises(ContractBroken, match="99th percentile"):
            check_on_policy(batch, log_ratio, 1e-3)
    else:
        check_on_policy(batch, log_ratio, 1e-3)
    check_on_policy(batch, log_ratio + 1, 1e-3)  # later the policy has moved


def test_in_another_number_format_more_is_rounding_but_not_another_policy():
    batch = sampled_elsewhere(new_policy())
    for gap, log_ratio, refused in ((0.05, 0.01, False), (0.05, 0.05, True), (0.2, 0.0, True)):
        batch.fresh, batch.proximal_logprobs = True, batch.logprobs - gap
        if refused:
            with pytest.raises(ContractBroken, match="99th percentile"):
                check_on_policy(batch, torch.full((1000,), log_ratio), 1e-3)
        else:
            check_on_policy(batch, torch.full((1000,), log_ratio), 1e-3)

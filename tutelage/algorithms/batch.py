"""What every policy gradient shares: its batch of decisions, its check, its numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from tutelage.algorithms.functional import kl_k1, kl_k3, step_advantages
from tutelage.errors import ContractBroken
from tutelage.model.language_model import load_trainable, trainable_state
from tutelage.policies.policy import Inputs, Policy
from tutelage.rollout.experience import Experience

# A loss of the actor's weights that is added to the algorithm's own; drawn anew at each call.
AuxiliaryLoss = Callable[[], Tensor]
SHORT_ROUNDING = 0.02  # of a log-probability by products in bfloat16, by the shape of a batch
MISMATCH = 0.1  # mean nats a token; farther is no other number format but another policy
ON_POLICY_SHARE = 0.99  # of the first minibatch's log-ratios that must be rounding


class Algorithm(Protocol):
    """What turns experience into a better policy. `update`, not `loss`: TRPO owns its step."""

    @property
    def policy(self) -> Policy: ...

    @property
    def config(self) -> Any:
        """Its settings, learning_rate among them."""

    @property
    def optimiser(self) -> torch.optim.Optimizer: ...

    def credit(self, experience: Experience) -> Batch:
        """What each decision was worth."""

    def update(
        self,
        batch: Batch,
        generator: torch.Generator,
        auxiliary_loss: AuxiliaryLoss | None = None,
    ) -> dict[str, float]:
        """Learn from the batch, and from the auxiliary loss in each of the actor's steps."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


@dataclass
class Batch:
    """K decisions and, for each, what was true when it was made, (K,)."""

    inputs: Inputs
    logprobs: Tensor  # of the behaviour policy
    advantages: Tensor
    reference_logprobs: Tensor | None = None
    values: Tensor | None = None  # behaviour critic
    returns: Tensor | None = None
    learned: Tensor | None = None  # which decisions are learned from; default: all
    proximal_logprobs: Tensor | None = None  # of the policy as trained, where another sampled
    fresh: bool = True  # no update has been made since the decisions

    @property
    def old_logprobs(self) -> Tensor:
        """Of the policy that the update begins at: what its ratio is to."""
        return self.logprobs if self.proximal_logprobs is None else self.proximal_logprobs

    def importance_weights(self, cap: float) -> Tensor | None:
        """min(π_proximal/π_behaviour, cap): what a decision's objective weighs where another policy
        sampled than the one that is trained (truncated importance sampling, Ionides 2008)."""
        if self.proximal_logprobs is None:
            return None
        return (self.proximal_logprobs - self.logprobs).exp().clamp_max(cap)

    def mismatch(self, cap: float) -> dict[str, float]:
        """How far the policy that sampled is from the one that is trained, where they are two."""
        weights = self.importance_weights(cap)
        if weights is None:
            return {}
        assert self.proximal_logprobs is not None
        return {
            "rollout/mismatch_kl": kl_k3(self.logprobs, self.proximal_logprobs).mean().item(),
            "rollout/mismatch_weight_mean": weights.mean().item(),
            "rollout/mismatch_capped": (weights == cap).double().mean().item(),
        }


def make_batch(
    experience: Experience,
    advantages: Tensor,
    returns: Tensor | None = None,
    learned: Tensor | None = None,
) -> Batch:
    """The batch of an experience; advantages, returns, learned: (N, L)."""

    def flat(steps: Tensor | None) -> Tensor | None:
        return None if steps is None else experience.inputs.decisions(steps)

    return Batch(
        experience.inputs,
        experience.inputs.decisions(experience.logprobs),
        experience.inputs.decisions(advantages),
        flat(experience.reference_logprobs),
        flat(experience.values),
        flat(returns),
        flat(learned),
        flat(experience.proximal_logprobs),
    )


def penalised_rewards(experience: Experience, kl_coefficient: float) -> Tensor:
    """Rewards less β·(log π − log ref), the price of each step away from the reference, (N, L)."""
    if experience.reference_logprobs is None:
        return experience.rewards
    price = kl_coefficient * kl_k1(experience.old_logprobs, experience.reference_logprobs)
    return experience.rewards - price


def actor_critic_batch(
    experience: Experience, rewards: Tensor, gamma: float, lambda_: float
) -> Batch:
    """The batch of an experience with a critic's values: advantages by GAE, returns A + V.
    rewards: (N, L), the experience's own or what was made of them."""
    values, next_values = experience.values, experience.next_values
    if values is None or next_values is None or experience.continues is None:
        raise ValueError("An actor-critic needs experience with values: give its policy a critic.")
    advantages = step_advantages(rewards, values, next_values, experience.continues, gamma, lambda_)
    return make_batch(experience, advantages, advantages + values)


def explained_variance(batch: Batch) -> float:
    """The share of the returns' variance that the behaviour critic's values foresaw."""
    assert batch.returns is not None
    assert batch.values is not None
    left = (batch.returns - batch.values).var(correction=0).item()
    return 1 - left / max(batch.returns.var(correction=0).item(), 1e-8)


def weights_of(
    actor: nn.Module, critic: nn.Module | None, optimiser: torch.optim.Optimizer
) -> dict[str, Any]:
    """What an algorithm saves of what it trains."""
    state = {"actor": trainable_state(actor), "optimiser": optimiser.state_dict()}
    return state if critic is None else state | {"critic": trainable_state(critic)}


def load_weights(
    state: dict[str, Any],
    actor: nn.Module,
    critic: nn.Module | None,
    optimiser: torch.optim.Optimizer,
) -> None:
    """The inverse of weights_of."""
    load_trainable(actor, state["actor"])
    optimiser.load_state_dict(state["optimiser"])
    if critic is not None:
        load_trainable(critic, state["critic"])


def check_on_policy(batch: Batch, log_ratio: Tensor, tolerance: float) -> None:
    """Before the first update the ratio is 1, but for rounding, in the mean and nearly everywhere,
    and the policy that sampled is nearly the one that is trained; otherwise training would be
    wrong."""
    if not batch.fresh:
        return
    batch.fresh = False
    checks = [(log_ratio, tolerance, tolerance)]
    if batch.proximal_logprobs is not None:
        gap = batch.proximal_logprobs - batch.logprobs
        checks = [(log_ratio, SHORT_ROUNDING, SHORT_ROUNDING), (gap, MISMATCH, 5 * MISMATCH)]
    for difference, most_in_mean, most in checks:
        size = difference.detach().abs()
        mean = size.mean().item()
        high = size.kthvalue(math.ceil(ON_POLICY_SHARE * len(size))).values.item()
        if not (mean <= most_in_mean and high <= most):
            raise ContractBroken(
                f"The policy that is trained is not the policy that was sampled: the first "
                f"minibatch has log-ratios of {mean:.3g} in the mean and {high:.3g} at the 99th "
                f"percentile, at most {most_in_mean} and {most} is rounding. Causes: dropout, "
                "masks or positions under padding, sampling settings that scoring does not share."
            )


def ratio_metrics(log_ratio: Tensor, clip_range: float) -> dict[str, Tensor]:
    """How far an update has moved from the behaviour policy; log_ratio: (K,)."""
    moved = log_ratio.expm1()
    return {
        "policy/clip_fraction": (moved.abs() > clip_range).float().mean(),
        "policy/approx_kl": (moved - log_ratio).mean(),  # k3 of old against new
    }


def means(observed: Sequence[dict[str, Tensor]]) -> dict[str, float]:
    """Each metric's mean over some optimiser steps."""
    rows = torch.stack([torch.stack(list(step.values())) for step in observed])
    return dict(zip(observed[0], rows.mean(dim=0).tolist(), strict=True))

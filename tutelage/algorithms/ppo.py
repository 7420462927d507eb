"""Proximal policy optimisation on language (Schulman et al. 2017; Ouyang et al. 2022).

The critic has weights of its own, initialised from the reward model's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from tutelage.algorithms.batch import (
    Batch,
    check_on_policy,
    imitate,
    judged,
    means,
    minibatches,
    pack_trajectories,
    ratio_metrics,
    score_packed,
    shaped_rewards,
    value_packed,
    values_of,
)
from tutelage.algorithms.functional import (
    clipped_surrogate,
    clipped_value_loss,
    generalised_advantages,
    masked_whiten,
)
from tutelage.model.gpt import GPT, branch_logprobs, read_branches
from tutelage.model.heads import ActorCritic
from tutelage.model.optimiser import policy_optimiser
from tutelage.schema import Trajectory
from tutelage.text.batching import Packed, put_spans, take_spans


@dataclass(frozen=True, kw_only=True)
class PPOConfig:
    learning_rate: float = 8e-4  # of Adam
    epochs: int = 1  # passes over each batch of trajectories
    minibatches: int = 2  # optimiser steps a pass
    clip_range: float = 0.2  # ratio is kept within 1 ± clip_range
    value_clip_range: float = 0.2
    value_coefficient: float = 0.5
    gamma: float = 1.0
    lambda_: float = 0.95
    kl_coefficient: float = 0.1  # β, price of a nat of log π − log ref
    kl_target: float | None = None  # nats a reply; given, β adapts to it
    kl_horizon: float = 2_000.0  # replies over which β adapts
    missing_stop_score: float = -1.0  # instead of the judge's, for a reply cut at the limit
    mix_coefficient: float = 1.0  # γ, weight of what is mixed in (Ouyang et al. 2022, eq. 2)
    whiten_rewards: bool = False  # scale rewards to deviation 1, mean kept
    max_grad_norm: float = 1.0
    row_length: int = 192  # tokens a packed row
    ratio_tolerance: float = 1e-3  # rounding allowed between sampling and training

    def __post_init__(self) -> None:
        if not 0 < self.clip_range < 1:
            raise ValueError(f"clip_range must lie in (0, 1), got {self.clip_range}")
        if self.kl_coefficient < 0:
            raise ValueError(f"kl_coefficient must not be negative, got {self.kl_coefficient}")


class PPO:
    def __init__(
        self,
        policy: ActorCritic,
        reference: GPT,
        config: PPOConfig,
        pad: int,
    ) -> None:
        self.policy, self.reference, self.config = policy, reference, config
        self.pad = pad
        self.kl_coefficient = config.kl_coefficient
        self.optimiser = policy_optimiser(policy.parameters(), config.learning_rate)

    @property
    def gpt(self) -> GPT:
        return self.policy.gpt

    def credit(self, trajectories: Sequence[Trajectory]) -> Batch:
        """Advantages and returns of judged trajectories; groups share their prompt's tokens."""
        config = self.config
        kept = judged(trajectories)
        packed, logprobs = pack_trajectories(kept, config.row_length, self.pad)
        reference = score_packed(self.reference, packed)
        log_ratio = logprobs - reference
        rewards, mask = shaped_rewards(
            kept, log_ratio, packed.spans, self.kl_coefficient, config.missing_stop_score
        )
        if config.whiten_rewards:
            rewards = masked_whiten(rewards, mask, shift_mean=False)
        packed_values = value_packed(self.policy.critic, packed)
        values, _ = take_spans(packed_values, packed.spans)
        advantages, returns = generalised_advantages(
            rewards, values, mask, config.gamma, config.lambda_
        )
        self._adapt(take_spans(log_ratio, packed.spans)[0].sum(dim=1).mean().item(), len(kept))
        shape = packed.mask.shape
        return Batch(
            packed,
            logprobs,
            reference,
            put_spans(advantages, packed.spans, shape),
            packed_values,
            put_spans(returns, packed.spans, shape),
        )

    def _adapt(self, kl: float, count: int) -> None:
        """β ← β·(1 + clip(KL/target − 1, ±0.2)·n/horizon) (Ziegler et al. 2019, eq. 2.4)."""
        if self.config.kl_target is not None:
            error = min(max(kl / self.config.kl_target - 1, -0.2), 0.2)
            self.kl_coefficient *= 1 + error * count / self.config.kl_horizon

    def update(
        self, batch: Batch, generator: torch.Generator, mixed: Iterator[Packed] | None = None
    ) -> dict[str, float]:
        """`epochs` passes of clipped steps over the batch, in each step also an imitation of the
        next of `mixed`, if given; returns the means over all steps."""
        config, packed, critic = self.config, batch.packed, self.policy.critic
        assert batch.values is not None
        assert batch.returns is not None
        observed: list[dict[str, float]] = []
        for _ in range(config.epochs):
            for rows in minibatches(len(packed.tokens), config.minibatches, generator):
                part = packed.rows(rows)
                old_logprobs, advantages, old_values, returns = (  # (K,), the tokens that it said
                    array[rows][part.mask]
                    for array in (batch.logprobs, batch.advantages, batch.values, batch.returns)
                )
                # In float32, as it was sampled: bfloat16 would round more than an update moves.
                logprobs = branch_logprobs(self.gpt, read_branches(self.gpt, part), part)
                values = values_of(critic, part)[part.mask]
                log_ratio = logprobs - old_logprobs
                if batch.fresh:
                    check_on_policy(log_ratio.detach(), config.ratio_tolerance)
                    batch.fresh = False
                advantages = masked_whiten(advantages, torch.ones_like(advantages))
                policy_loss = clipped_surrogate(log_ratio, advantages, config.clip_range).mean()
                value_loss = clipped_value_loss(
                    values, old_values, returns, config.value_clip_range
                ).mean()
                (policy_loss + config.value_coefficient * value_loss).backward()
                if mixed is not None:
                    imitate(self.gpt, next(mixed), config.mix_coefficient)
                grad_norm = nn.utils.clip_grad_norm_(self.gpt.parameters(), config.max_grad_norm)
                nn.utils.clip_grad_norm_(critic.parameters(), config.max_grad_norm)
                self.optimiser.step()
                self.optimiser.zero_grad()
                observed.append(
                    {
                        "policy/loss": policy_loss.item(),
                        "policy/grad_norm": grad_norm.item(),
                        "value/loss": value_loss.item(),
                        **ratio_metrics(log_ratio.detach(), config.clip_range),
                    }
                )
        explained = 1 - _variance(batch.returns - batch.values, packed.mask) / max(
            _variance(batch.returns, packed.mask), 1e-8
        )
        return means(observed) | {
            "value/explained_variance": explained,
            "policy/kl_coefficient": self.kl_coefficient,
        }

    def state_dict(self) -> dict[str, Any]:
        return {
            "policy": self.policy.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "kl_coefficient": self.kl_coefficient,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.policy.load_state_dict(state["policy"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.kl_coefficient = state["kl_coefficient"]


def _variance(values: torch.Tensor, mask: torch.Tensor) -> float:
    return values[mask].var(correction=0).item()

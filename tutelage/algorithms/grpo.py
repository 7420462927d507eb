"""Group baselines: several samples of a prompt are each other's critic.

`baseline="rloo"`: leave-one-out mean, KL in the reward (Ahmadian et al. 2024). `"grpo"`: mean and
deviation of the group, KL as a k3 loss (Shao et al. 2024). Both with the clipped surrogate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

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
)
from tutelage.algorithms.functional import (
    clipped_surrogate,
    group_normalised_advantages,
    kl_k3,
    leave_one_out_advantages,
)
from tutelage.errors import BadInput
from tutelage.model.gpt import GPT, branch_logprobs, read_branches
from tutelage.model.heads import ActorCritic
from tutelage.model.optimiser import policy_optimiser
from tutelage.rollout.collect import grouped
from tutelage.schema import Trajectory
from tutelage.text.batching import Packed, put_spans


@dataclass(frozen=True, kw_only=True)
class GroupConfig:
    baseline: Literal["rloo", "grpo"] = "rloo"
    learning_rate: float = 8e-4  # of Adam
    epochs: int = 1  # passes over each batch of trajectories
    minibatches: int = 2  # optimiser steps a pass
    clip_range: float = 0.2  # ratio is kept within 1 ± clip_range
    kl_coefficient: float = 0.1  # β, price of a nat of log π − log ref
    mix_coefficient: float = 1.0  # γ, weight of what is mixed in (Ouyang et al. 2022, eq. 2)
    missing_stop_score: float = -1.0  # instead of the judge's, for a reply cut at the limit
    max_grad_norm: float = 1.0
    row_length: int = 192  # tokens a packed row
    ratio_tolerance: float = 1e-3  # rounding allowed between sampling and training


class GroupPolicyGradient:
    def __init__(
        self,
        policy: ActorCritic,
        reference: GPT,
        config: GroupConfig,
        pad: int,
    ) -> None:
        self.policy, self.reference, self.config = policy, reference, config
        self.pad = pad
        self.optimiser = policy_optimiser(policy.gpt.parameters(), config.learning_rate)

    @property
    def gpt(self) -> GPT:
        return self.policy.gpt

    def credit(self, trajectories: Sequence[Trajectory]) -> Batch:
        """One advantage a reply, spread over its tokens; every prompt needs as many samples."""
        config = self.config
        groups = grouped(judged(trajectories))
        full = max(len(group) for group in groups)
        # A group that lost a sample to a broken rollout has no baseline like the others'.
        kept = [t for group in groups if len(group) == full for t in group]
        if full < 2:
            raise BadInput("A group baseline needs at least 2 samples of each prompt, got 1.")
        packed, logprobs = pack_trajectories(kept, config.row_length, self.pad)
        reference = score_packed(self.reference, packed)
        beta = config.kl_coefficient if config.baseline == "rloo" else 0.0
        rewards, mask = shaped_rewards(
            kept, logprobs - reference, packed.spans, beta, config.missing_stop_score
        )
        totals = rewards.sum(dim=1).view(-1, full)  # (P, G)
        if config.baseline == "rloo":
            advantages = leave_one_out_advantages(totals)
        else:
            advantages = group_normalised_advantages(totals)
        spread = advantages.view(-1, 1) * mask
        return Batch(
            packed, logprobs, reference, put_spans(spread, packed.spans, packed.mask.shape)
        )

    def update(
        self, batch: Batch, generator: torch.Generator, mixed: Iterator[Packed] | None = None
    ) -> dict[str, float]:
        """`epochs` passes of clipped steps over the batch, in each step also an imitation of the
        next of `mixed`, if given; returns the means over all steps."""
        config, packed = self.config, batch.packed
        observed: list[dict[str, float]] = []
        for _ in range(config.epochs):
            for rows in minibatches(len(packed.tokens), config.minibatches, generator):
                part = packed.rows(rows)
                old_logprobs, advantages, reference_logprobs = (  # (K,), the tokens that it said
                    array[rows][part.mask]
                    for array in (batch.logprobs, batch.advantages, batch.reference_logprobs)
                )
                # In float32, as it was sampled: bfloat16 would round more than an update moves.
                logprobs = branch_logprobs(self.gpt, read_branches(self.gpt, part), part)
                log_ratio = logprobs - old_logprobs
                if batch.fresh:
                    check_on_policy(log_ratio.detach(), config.ratio_tolerance)
                    batch.fresh = False
                loss = clipped_surrogate(log_ratio, advantages, config.clip_range).mean()
                if config.baseline == "grpo":
                    kl = kl_k3(logprobs, reference_logprobs).mean()
                    loss = loss + config.kl_coefficient * kl
                loss.backward()
                if mixed is not None:
                    imitate(self.gpt, next(mixed), config.mix_coefficient)
                grad_norm = nn.utils.clip_grad_norm_(self.gpt.parameters(), config.max_grad_norm)
                self.optimiser.step()
                self.optimiser.zero_grad()
                observed.append(
                    {
                        "policy/loss": loss.item(),
                        "policy/grad_norm": grad_norm.item(),
                        **ratio_metrics(log_ratio.detach(), config.clip_range),
                    }
                )
        return means(observed)

    def state_dict(self) -> dict[str, Any]:
        return {"policy": self.gpt.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.gpt.load_state_dict(state["policy"])
        self.optimiser.load_state_dict(state["optimiser"])

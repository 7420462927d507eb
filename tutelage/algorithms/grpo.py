"""Policy gradients without a critic: samples are each other's baseline.

`baseline="rloo"`: the mean of a prompt's other samples, KL in the reward (Ahmadian et al. 2024).
`"grpo"`: mean and deviation of the prompt's samples, KL as a loss, k3 (Shao et al. 2024);
`"dr_grpo"`: the mean alone, as dividing by the deviation prefers prompts that are nearly always or
nearly never solved (Liu et al. 2025). `"reinforce++"`: each step's return to go with KL in the
reward, whitened over the whole batch, whatever the prompts (Hu 2025). All with the clipped
surrogate, averaged over the tokens of a step, so that a reply's length weighs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from tutelage.algorithms.batch import (
    AuxiliaryLoss,
    Batch,
    check_on_policy,
    load_weights,
    make_batch,
    means,
    penalised_rewards,
    ratio_metrics,
    weights_of,
)
from tutelage.algorithms.functional import (
    clipped_surrogate,
    discounted_returns,
    group_normalised_advantages,
    kl_k2,
    kl_k3,
    leave_one_out_advantages,
    masked_whiten,
)
from tutelage.config import require
from tutelage.errors import BadInput
from tutelage.model.language_model import trainable
from tutelage.model.optimiser import clip_gradient, policy_optimiser
from tutelage.policies.policy import Policy
from tutelage.rollout.experience import Experience


@dataclass(frozen=True, kw_only=True)
class GroupConfig:
    baseline: Literal["rloo", "grpo", "dr_grpo", "reinforce++"] = "rloo"
    learning_rate: float = 8e-4  # of Adam
    epochs: int = 1  # passes over each batch of trajectories
    minibatches: int = 2  # optimiser steps a pass
    clip_range: float = 0.2  # ratio is kept within 1 ± clip_range
    kl_coefficient: float = 0.1  # β, price of a nat of log π − log ref
    kl_loss: Literal["k2", "k3"] = "k3"  # GRPO's; k2 pushes as KL(π‖ref), k3 as KL(ref‖π)
    max_grad_norm: float = 1.0
    importance_cap: float = 2.0  # most a decision weighs that another policy sampled
    ratio_tolerance: float = 1e-3  # rounding allowed between sampling and training

    def __post_init__(self) -> None:
        if not 0 < self.clip_range < 1:
            raise ValueError(f"clip_range must lie in (0, 1), got {self.clip_range}")
        require(self, "above 0", "learning_rate", "epochs", "minibatches", "max_grad_norm")
        require(self, "above 0", "importance_cap")
        require(self, "at least 0", "kl_coefficient", "ratio_tolerance")


class GroupPolicyGradient:
    def __init__(self, policy: Policy, config: GroupConfig) -> None:
        self.policy, self.config = policy, config
        self.parameters = trainable(policy.actor)
        self.optimiser = policy_optimiser(self.parameters, config.learning_rate)

    def credit(self, experience: Experience) -> Batch:
        """One advantage a row, spread over its steps, but for REINFORCE++; every beginning needs as
        many samples."""
        config = self.config
        if config.baseline == "reinforce++":
            rewards = penalised_rewards(experience, config.kl_coefficient) * experience.mask
            returns = discounted_returns(rewards, experience.mask)
            return make_batch(experience, masked_whiten(returns, experience.mask))
        if experience.samples < 2:
            raise BadInput("A group baseline needs at least 2 samples of each prompt, got 1.")
        beta = config.kl_coefficient if config.baseline == "rloo" else 0.0
        totals = (penalised_rewards(experience, beta) * experience.mask).sum(dim=1)
        totals = totals.view(-1, experience.samples)  # (P, G)
        if config.baseline == "rloo":
            advantages = leave_one_out_advantages(totals)
        else:
            advantages = group_normalised_advantages(totals, scale=config.baseline == "grpo")
        return make_batch(experience, advantages.view(-1, 1) * experience.mask)

    def update(
        self,
        batch: Batch,
        generator: torch.Generator,
        auxiliary_loss: AuxiliaryLoss | None = None,
    ) -> dict[str, float]:
        """`epochs` passes of clipped steps over the batch; returns the last pass's means."""
        config, policy, reference = self.config, self.policy, batch.reference_logprobs
        old_logprobs, weights = batch.old_logprobs, batch.importance_weights(config.importance_cap)
        observed: list[dict[str, Tensor]] = []
        for _ in range(config.epochs):
            observed.clear()
            for part, chosen in batch.inputs.minibatches(config.minibatches, generator):
                evaluated = policy.evaluate(part)
                logprobs = evaluated.logprobs
                log_ratio = logprobs - old_logprobs[chosen]
                check_on_policy(batch, log_ratio, config.ratio_tolerance)
                losses = clipped_surrogate(log_ratio, batch.advantages[chosen], config.clip_range)
                if config.baseline in ("grpo", "dr_grpo") and reference is not None:
                    kl = (kl_k2 if config.kl_loss == "k2" else kl_k3)(logprobs, reference[chosen])
                    losses = losses + config.kl_coefficient * kl
                if weights is not None:
                    losses = weights[chosen] * losses
                loss = losses.mean()
                evaluated.backward(loss)
                if auxiliary_loss is not None:
                    auxiliary_loss().backward()
                grad_norm = clip_gradient(self.parameters, config.max_grad_norm)
                self.optimiser.step()
                self.optimiser.zero_grad()
                observed.append(
                    {
                        "policy/loss": loss.detach(),
                        "policy/grad_norm": grad_norm,
                        **ratio_metrics(log_ratio.detach(), config.clip_range),
                    }
                )
        return (
            means(observed)
            | batch.mismatch(config.importance_cap)
            | {"policy/optimiser_steps": config.epochs * len(observed)}
        )

    def state_dict(self) -> dict[str, Any]:
        return weights_of(self.policy.actor, None, self.optimiser)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        load_weights(state, self.policy.actor, None, self.optimiser)

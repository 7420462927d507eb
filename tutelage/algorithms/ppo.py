"""Proximal policy optimisation (Schulman et al. 2017; on language Ouyang et al. 2022): steps on a
batch that a clip, or a price of KL, keeps near the policy that sampled it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tutelage.algorithms.batch import (
    AuxiliaryLoss,
    Batch,
    actor_critic_batch,
    check_on_policy,
    explained_variance,
    load_weights,
    means,
    penalised_rewards,
    ratio_metrics,
    weights_of,
)
from tutelage.algorithms.functional import (
    clipped_surrogate,
    clipped_value_loss,
    kl_k1,
    kl_k3,
    masked_whiten,
    penalised_surrogate,
    whiten,
)
from tutelage.config import require
from tutelage.model.language_model import trainable
from tutelage.model.optimiser import clip_gradient, policy_optimiser
from tutelage.policies.policy import Policy
from tutelage.rollout.experience import Experience


@dataclass(frozen=True, kw_only=True)
class PPOConfig:
    learning_rate: float = 8e-4  # of Adam
    epochs: int = 1  # passes over each batch of trajectories
    minibatches: int = 2  # optimiser steps a pass
    clip_range: float = 0.2  # ratio is kept within 1 ± clip_range
    step_kl_target: float | None = None  # nats a decision; given, an update pays for KL, no clip
    value_clip_range: float = 0.2  # the value stays within this of the old one, or learns nothing
    value_coefficient: float = 0.5  # of ½ error²
    entropy_coefficient: float = 0.0  # price of certainty, a nat of entropy
    gamma: float = 1.0
    lambda_: float = 0.95
    kl_coefficient: float = 0.1  # β, price of a nat of log π − log ref
    kl_target: float | None = None  # nats a reply; given, β adapts to it
    kl_horizon: float = 2_000.0  # replies over which β adapts
    whiten_rewards: bool = False  # scale rewards to deviation 1, mean kept
    max_grad_norm: float = 1.0
    importance_cap: float = 2.0  # most a decision weighs that another policy sampled
    ratio_tolerance: float = 1e-3  # rounding allowed between sampling and training

    def __post_init__(self) -> None:
        if not 0 < self.clip_range < 1:
            raise ValueError(f"clip_range must lie in (0, 1), got {self.clip_range}")
        for name in ("step_kl_target", "kl_target"):
            if getattr(self, name) is not None:
                require(self, "above 0", name)
        require(self, "above 0", "epochs", "minibatches", "max_grad_norm", "importance_cap")
        require(self, "above 0", "kl_horizon")
        require(self, "at least 0", "learning_rate", "value_coefficient", "kl_coefficient")
        require(self, "from 0 to 1", "gamma", "lambda_")


class PPO:
    def __init__(self, policy: Policy, config: PPOConfig) -> None:
        if policy.critic is None:
            raise ValueError("PPO needs a policy with a critic, got one without.")
        self.policy, self.critic, self.config = policy, policy.critic, config
        self.kl_coefficient = config.kl_coefficient
        self.step_price = 1.0  # of a nat of KL(π_old‖π); it adapts, so where it begins is no matter
        self.actor_parameters = trainable(policy.actor)
        self.critic_parameters = trainable(self.critic)
        parameters = [*self.actor_parameters, *self.critic_parameters]
        self.optimiser = policy_optimiser(parameters, config.learning_rate)

    def credit(self, experience: Experience) -> Batch:
        """Advantages and returns of every step."""
        config = self.config
        rewards = penalised_rewards(experience, self.kl_coefficient)
        if config.whiten_rewards:
            rewards = masked_whiten(rewards, experience.mask, shift_mean=False)
        if experience.reference_logprobs is not None:
            log_ratio = kl_k1(experience.old_logprobs, experience.reference_logprobs)
            self._adapt((log_ratio * experience.mask).sum(dim=1).mean().item(), len(rewards))
        return actor_critic_batch(experience, rewards, config.gamma, config.lambda_)

    def _adapt(self, kl: float, count: int) -> None:
        """β ← β·(1 + clip(KL/target − 1, ±0.2)·n/horizon) (Ziegler et al. 2019, eq. 2.4)."""
        if self.config.kl_target is not None:
            error = min(max(kl / self.config.kl_target - 1, -0.2), 0.2)
            self.kl_coefficient *= 1 + error * count / self.config.kl_horizon

    def update(
        self,
        batch: Batch,
        generator: torch.Generator,
        auxiliary_loss: AuxiliaryLoss | None = None,
    ) -> dict[str, float]:
        """`epochs` passes of clipped steps over the batch; returns the last pass's means."""
        config, policy = self.config, self.policy
        assert batch.values is not None
        assert batch.returns is not None
        old_logprobs, weights = batch.old_logprobs, batch.importance_weights(config.importance_cap)
        observed: list[dict[str, Tensor]] = []
        for epoch in range(config.epochs):
            for part, chosen in batch.inputs.minibatches(config.minibatches, generator):
                advantages = whiten(batch.advantages[chosen])
                evaluated = policy.evaluate(part)
                log_ratio = evaluated.logprobs - old_logprobs[chosen]
                check_on_policy(batch, log_ratio, config.ratio_tolerance)
                if config.step_kl_target is None:
                    losses = clipped_surrogate(log_ratio, advantages, config.clip_range)
                else:
                    losses = penalised_surrogate(
                        log_ratio, advantages, self.step_price, rounding=config.ratio_tolerance
                    )
                if weights is not None:
                    losses = weights[chosen] * losses
                policy_loss = losses.mean()
                value_loss = clipped_value_loss(
                    evaluated.values,
                    batch.values[chosen],
                    batch.returns[chosen],
                    config.value_clip_range,
                ).mean()
                loss = policy_loss + config.value_coefficient * value_loss
                if config.entropy_coefficient:
                    loss = loss - config.entropy_coefficient * evaluated.entropy.mean()
                evaluated.backward(loss)
                if auxiliary_loss is not None:
                    auxiliary_loss().backward()
                grad_norm = clip_gradient(self.actor_parameters, config.max_grad_norm)
                clip_gradient(self.critic_parameters, config.max_grad_norm)
                self.optimiser.step()
                self.optimiser.zero_grad()
                if epoch == config.epochs - 1:
                    observed.append(
                        {
                            "policy/loss": policy_loss.detach(),
                            "policy/grad_norm": grad_norm,
                            "value/loss": value_loss.detach(),
                            **ratio_metrics(log_ratio.detach(), config.clip_range),
                        }
                    )
        return (
            means(observed)
            | self._priced(batch)
            | batch.mismatch(config.importance_cap)
            | {
                "value/explained_variance": explained_variance(batch),
                "policy/kl_coefficient": self.kl_coefficient,
                "policy/optimiser_steps": config.epochs * len(observed),
            }
        )

    @torch.no_grad()
    def _priced(self, batch: Batch) -> dict[str, float]:
        """With a target, what the update moved and cost; the price of the next one follows."""
        target = self.config.step_kl_target
        if target is None:
            return {}
        inputs: Any = batch.inputs
        logprobs = self.policy.distribution(inputs).logprobs(inputs.actions)
        kl, price = kl_k3(batch.old_logprobs, logprobs).mean().item(), self.step_price
        self.step_price = next_price(price, kl, target)
        return {"policy/kl_step": kl, "policy/step_price": price}

    def state_dict(self) -> dict[str, Any]:
        weights = weights_of(self.policy.actor, self.critic, self.optimiser)
        return weights | {"kl_coefficient": self.kl_coefficient, "step_price": self.step_price}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        load_weights(state, self.policy.actor, self.critic, self.optimiser)
        self.kl_coefficient = state["kl_coefficient"]
        self.step_price = state["step_price"]


PRICES = (1e-3, 1e3)  # least and most: at 0 it would stay there


def next_price(price: float, kl: float, target: float) -> float:
    """β after an update that moved by kl: halved below target/1.5, doubled above 1.5·target
    (Schulman et al. 2017, section 4)."""
    if kl < target / 1.5:
        return max(price / 2, PRICES[0])
    return min(price * 2, PRICES[1]) if kl > target * 1.5 else price

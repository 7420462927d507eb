"""Advantage actor-critic: one plain policy-gradient step a batch (Mnih et al. 2016)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from tutelage.algorithms.batch import (
    AuxiliaryLoss,
    Batch,
    actor_critic_batch,
    check_on_policy,
    explained_variance,
    load_weights,
    penalised_rewards,
    weights_of,
)
from tutelage.algorithms.functional import whiten
from tutelage.config import require
from tutelage.model.language_model import trainable
from tutelage.model.optimiser import clip_gradient, policy_optimiser
from tutelage.policies.policy import Policy
from tutelage.rollout.experience import Experience


@dataclass(frozen=True, kw_only=True)
class A2CConfig:
    learning_rate: float = 7e-4  # of Adam
    value_coefficient: float = 1.0  # of ½ error²
    entropy_coefficient: float = 0.0  # price of certainty, a nat of entropy
    gamma: float = 0.99
    lambda_: float = 1.0
    kl_coefficient: float = 0.1  # β, price of a nat of log π − log ref
    whiten_advantages: bool = False
    max_grad_norm: float = 0.5
    importance_cap: float = 2.0  # most a decision weighs that another policy sampled
    ratio_tolerance: float = 1e-3  # rounding allowed between sampling and training

    def __post_init__(self) -> None:
        require(self, "above 0", "max_grad_norm", "importance_cap")
        require(self, "at least 0", "learning_rate", "value_coefficient", "kl_coefficient")
        require(self, "from 0 to 1", "gamma", "lambda_")


class A2C:
    def __init__(self, policy: Policy, config: A2CConfig) -> None:
        if policy.critic is None:
            raise ValueError("A2C needs a policy with a critic, got one without.")
        self.policy, self.critic, self.config = policy, policy.critic, config
        self.actor_parameters = trainable(policy.actor)
        self.critic_parameters = trainable(self.critic)
        parameters = [*self.actor_parameters, *self.critic_parameters]
        self.optimiser = policy_optimiser(parameters, config.learning_rate)

    def credit(self, experience: Experience) -> Batch:
        rewards = penalised_rewards(experience, self.config.kl_coefficient)
        return actor_critic_batch(experience, rewards, self.config.gamma, self.config.lambda_)

    def update(
        self,
        batch: Batch,
        generator: torch.Generator,
        auxiliary_loss: AuxiliaryLoss | None = None,
    ) -> dict[str, float]:
        """One step on the whole batch: −A·∇log π, and half the critic's squared error. A batch can
        be used once: a second step would be off its policy."""
        config, inputs = self.config, batch.inputs
        assert batch.returns is not None
        advantages = whiten(batch.advantages) if config.whiten_advantages else batch.advantages
        evaluated = self.policy.evaluate(inputs)
        logprobs = evaluated.logprobs
        check_on_policy(batch, logprobs - batch.old_logprobs, config.ratio_tolerance)
        if (weights := batch.importance_weights(config.importance_cap)) is not None:
            advantages = weights * advantages
        policy_loss = -(advantages * logprobs).mean()
        squared_error = F.mse_loss(evaluated.values, batch.returns)
        loss = policy_loss + config.value_coefficient / 2 * squared_error
        if config.entropy_coefficient:
            loss = loss - config.entropy_coefficient * evaluated.entropy.mean()
        evaluated.backward(loss)
        if auxiliary_loss is not None:
            auxiliary_loss().backward()
        grad_norm = clip_gradient(self.actor_parameters, config.max_grad_norm)
        clip_gradient(self.critic_parameters, config.max_grad_norm)
        self.optimiser.step()
        self.optimiser.zero_grad()
        return batch.mismatch(config.importance_cap) | {
            "policy/loss": policy_loss.item(),
            "policy/grad_norm": grad_norm.item(),
            "value/loss": squared_error.item() / 2,
            "value/explained_variance": explained_variance(batch),
        }

    def state_dict(self) -> dict[str, Any]:
        return weights_of(self.policy.actor, self.critic, self.optimiser)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        load_weights(state, self.policy.actor, self.critic, self.optimiser)

"""Advantage actor-critic: one plain policy-gradient step a batch (Mnih et al. 2016)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.utils import clip_grad_norm_

from tutelage.algorithms.batch import (
    Batch,
    actor_critic_batch,
    check_on_policy,
    explained_variance,
    load_weights,
    weights_of,
)
from tutelage.algorithms.functional import masked_whiten
from tutelage.model.optimiser import policy_optimiser
from tutelage.rollout.experience import Experience, Policy


@dataclass(frozen=True, kw_only=True)
class A2CConfig:
    learning_rate: float = 7e-4  # of Adam
    value_coefficient: float = 0.5
    entropy_coefficient: float = 0.0  # price of certainty, a nat of entropy
    gamma: float = 0.99
    lambda_: float = 1.0
    kl_coefficient: float = 0.1  # β, price of a nat of log π − log ref
    whiten_advantages: bool = False
    max_grad_norm: float = 0.5
    ratio_tolerance: float = 1e-3  # rounding allowed between sampling and training


class A2C:
    def __init__(self, policy: Policy, config: A2CConfig) -> None:
        if policy.critic is None:
            raise ValueError("A2C needs a policy with a critic, got one without.")
        self.policy, self.critic, self.config = policy, policy.critic, config
        parameters = [*policy.actor.parameters(), *self.critic.parameters()]
        self.optimiser = policy_optimiser(parameters, config.learning_rate)

    def credit(self, experience: Experience) -> Batch:
        rewards = experience.penalised(self.config.kl_coefficient)
        return actor_critic_batch(experience, rewards, self.config.gamma, self.config.lambda_)

    def update(
        self,
        batch: Batch,
        generator: torch.Generator,
        beside: Callable[[], None] | None = None,
    ) -> dict[str, float]:
        """One step on the whole batch: −A·∇log π, and the critic's squared error.

        beside: adds the gradient of something else to the actor's, before the step. A batch can
        be used once: a second step would be off its policy.
        """
        config, policy, inputs = self.config, self.policy, batch.inputs
        assert batch.returns is not None
        distribution = policy.distribution(inputs)
        logprobs = distribution.logprobs(inputs.actions)
        check_on_policy(batch, logprobs - batch.logprobs, config.ratio_tolerance)
        advantages = batch.advantages
        if config.whiten_advantages:
            advantages = masked_whiten(advantages, torch.ones_like(advantages))
        policy_loss = -(advantages * logprobs).mean()
        value_loss = (policy.values(inputs) - batch.returns).square().mean()
        loss = policy_loss + config.value_coefficient * value_loss
        if config.entropy_coefficient:
            loss = loss - config.entropy_coefficient * distribution.entropy().mean()
        loss.backward()
        if beside is not None:
            beside()
        grad_norm = clip_grad_norm_(policy.actor.parameters(), config.max_grad_norm)
        clip_grad_norm_(self.critic.parameters(), config.max_grad_norm)
        self.optimiser.step()
        self.optimiser.zero_grad()
        return {
            "policy/loss": policy_loss.item(),
            "policy/grad_norm": grad_norm.item(),
            "value/loss": value_loss.item(),
            "value/explained_variance": explained_variance(batch),
        }

    def state_dict(self) -> dict[str, Any]:
        return weights_of(self.policy.actor, self.critic, self.optimiser)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        load_weights(state, self.policy.actor, self.critic, self.optimiser)

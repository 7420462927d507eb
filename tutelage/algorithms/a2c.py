"""Advantage actor-critic: one plain policy-gradient step a batch (Mnih et al. 2016)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from tutelage.algorithms.batch import (
    Batch,
    actor_critic_batch,
    check_on_policy,
    explained_variance,
    load_weights,
    weights_of,
)
from tutelage.algorithms.functional import whiten
from tutelage.config import require
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
    ratio_tolerance: float = 1e-3  # rounding allowed between sampling and training

    def __post_init__(self) -> None:
        require(self, "above 0", "max_grad_norm")
        require(self, "at least 0", "learning_rate", "value_coefficient", "kl_coefficient")
        require(self, "from 0 to 1", "gamma", "lambda_")


class A2C:
    def __init__(self, policy: Policy, config: A2CConfig) -> None:
        if policy.critic is None:
            raise ValueError("A2C needs a policy with a critic, got one without.")
        self.policy, self.critic, self.config = policy, policy.critic, config
        self.actor_parameters = list(policy.actor.parameters())
        self.critic_parameters = list(self.critic.parameters())
        parameters = [*self.actor_parameters, *self.critic_parameters]
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
        """One step on the whole batch: −A·∇log π, and half the critic's squared error.

        beside: adds the gradient of something else to the actor's, before the step. A batch can
        be used once: a second step would be off its policy.
        """
        config, policy, inputs = self.config, self.policy, batch.inputs
        assert batch.returns is not None
        K = len(batch.logprobs)
        decided = policy.decide(inputs)
        check_on_policy(batch, decided.logprobs - batch.logprobs, config.ratio_tolerance)
        advantages = batch.advantages
        if config.whiten_advantages:
            advantages = whiten(advantages)
        decided.backward(-advantages / K, -config.entropy_coefficient / K)
        if beside is not None:
            beside()
        valued = policy.value(inputs)
        error = valued.values - batch.returns
        valued.backward(error * (config.value_coefficient / K))
        grad_norm = clip_gradient(self.actor_parameters, config.max_grad_norm)
        clip_gradient(self.critic_parameters, config.max_grad_norm)
        self.optimiser.step()
        self.optimiser.zero_grad()
        return {
            "policy/loss": -(advantages * decided.logprobs).mean().item(),
            "policy/grad_norm": grad_norm.item(),
            "value/loss": 0.5 * error.square().mean().item(),
            "value/explained_variance": explained_variance(batch),
        }

    def state_dict(self) -> dict[str, Any]:
        return weights_of(self.policy.actor, self.critic, self.optimiser)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        load_weights(state, self.policy.actor, self.critic, self.optimiser)

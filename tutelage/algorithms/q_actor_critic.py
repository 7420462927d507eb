"""Q actor-critic: a critic that says what each action is worth, an actor that follows it.

The policy gradient theorem (Sutton et al. 2000, theorem 1): ∇J = E Σ_a ∇π(a|s) Q(s, a), here by the
action that was taken, ∇log π(a|s) Q(s, a). What the actor's actions are worth on average may be
taken off: it changes no gradient's mean and most of its variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from tutelage.algorithms.batch import (
    AuxiliaryLoss,
    Batch,
    check_on_policy,
    explained_variance,
    load_weights,
    make_batch,
    penalised_rewards,
    weights_of,
)
from tutelage.algorithms.functional import whiten
from tutelage.config import require
from tutelage.model.language_model import trainable
from tutelage.model.optimiser import clip_gradient, policy_optimiser
from tutelage.policies.control import QCritic
from tutelage.policies.policy import Policy
from tutelage.rollout.experience import Experience


@dataclass(frozen=True, kw_only=True)
class QActorCriticConfig:
    learning_rate: float = 1e-3  # of Adam
    baseline: Literal["none", "value"] = "value"  # value: Σ π(a|s) Q(s, a)
    critic_epochs: int = 4  # passes of the critic over each batch
    critic_minibatches: int = 4
    entropy_coefficient: float = 0.0  # price of certainty, a nat of entropy
    gamma: float = 0.99
    kl_coefficient: float = 0.0  # price of a nat of log π − log ref
    whiten_advantages: bool = True
    max_grad_norm: float = 0.5
    ratio_tolerance: float = 1e-3  # rounding allowed between sampling and training

    def __post_init__(self) -> None:
        require(self, "above 0", "learning_rate", "max_grad_norm")
        require(self, "above 0", "critic_epochs", "critic_minibatches")
        require(self, "from 0 to 1", "gamma")


class QActorCritic:
    def __init__(self, policy: Policy, config: QActorCriticConfig) -> None:
        if not isinstance(policy.critic, QCritic):
            raise ValueError(
                'Q actor-critic needs a policy with a critic of actions: networks="actor_q".'
            )
        self.policy, self.critic, self.config = policy, policy.critic, config
        self.actor_parameters = trainable(policy.actor)
        self.critic_parameters = trainable(self.critic)
        parameters = [*self.actor_parameters, *self.critic_parameters]
        self.optimiser = policy_optimiser(parameters, config.learning_rate)

    @torch.no_grad()
    def credit(self, experience: Experience) -> Batch:
        """Advantages Q(s, a) less the baseline; returns the TD target of expected SARSA (van Seijen
        et al. 2009), r + γ Σ π(a'|s') Q(s', a'), whose sum is 0 where s' terminated the episode.
        Both by the critic as it was."""
        config, inputs = self.config, experience.inputs
        if experience.values is None or experience.next_values is None:
            raise ValueError("Q actor-critic needs experience with values.")
        rewards = penalised_rewards(experience, config.kl_coefficient)
        batch = make_batch(
            experience, experience.values, rewards + config.gamma * experience.next_values
        )
        assert batch.values is not None
        batch.advantages = self._taken(inputs)
        if config.baseline == "value":
            batch.advantages = batch.advantages - batch.values
        return batch

    def update(
        self,
        batch: Batch,
        generator: torch.Generator,
        auxiliary_loss: AuxiliaryLoss | None = None,
    ) -> dict[str, float]:
        """One step of the actor on the whole batch, then the critic's passes. A batch can be used
        once: a second step would be off its policy."""
        config, policy, inputs = self.config, self.policy, batch.inputs
        evaluated = policy.evaluate(inputs)
        logprobs = evaluated.logprobs
        check_on_policy(batch, logprobs - batch.old_logprobs, config.ratio_tolerance)
        advantages = whiten(batch.advantages) if config.whiten_advantages else batch.advantages
        loss = policy_loss = -(advantages * logprobs).mean()
        if config.entropy_coefficient:
            loss = loss - config.entropy_coefficient * evaluated.entropy.mean()
        evaluated.backward(loss)
        if auxiliary_loss is not None:
            auxiliary_loss().backward()
        grad_norm = clip_gradient(self.actor_parameters, config.max_grad_norm)
        self.optimiser.step()
        self.optimiser.zero_grad()
        return {
            "policy/loss": policy_loss.item(),
            "policy/grad_norm": grad_norm.item(),
            "value/loss": self._teach_critic(batch, generator),
            "value/explained_variance": explained_variance(batch),
        }

    def _teach_critic(self, batch: Batch, generator: torch.Generator) -> float:
        """Passes towards the targets, which stay as they were credited; the last one's loss."""
        assert batch.returns is not None
        config = self.config
        losses: list[float] = []
        for _ in range(config.critic_epochs):
            losses.clear()
            for part, chosen in batch.inputs.minibatches(config.critic_minibatches, generator):
                # max_grad_norm is in the slope of the whole square.
                error = F.mse_loss(self._taken(part), batch.returns[chosen])
                error.backward()
                clip_gradient(self.critic_parameters, config.max_grad_norm)
                self.optimiser.step()
                self.optimiser.zero_grad()
                losses.append(0.5 * error.item())
        return sum(losses) / len(losses)

    def _taken(self, inputs: Any) -> Tensor:
        """Q of what was done, (K,)."""
        q_values = self.critic(inputs.observations)
        return q_values.gather(1, inputs.actions[:, None]).squeeze(1)

    def state_dict(self) -> dict[str, Any]:
        return weights_of(self.policy.actor, self.critic, self.optimiser)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        load_weights(state, self.policy.actor, self.critic, self.optimiser)

"""REINFORCE (Williams 1992): what an episode returned, times how likely each of its decisions was.

Only whole episodes are learned from: one that began before the batch, or goes on after it, has no
return yet. With a critic one that was truncated returns also what the critic expects after it.
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
    penalised_rewards,
    weights_of,
)
from tutelage.algorithms.functional import masked_mean, step_advantages
from tutelage.config import require
from tutelage.model.language_model import trainable
from tutelage.model.optimiser import clip_gradient, policy_optimiser
from tutelage.policies.policy import Policy
from tutelage.rollout.experience import Experience


@dataclass(frozen=True, kw_only=True)
class REINFORCEConfig:
    learning_rate: float = 1e-3  # of Adam
    returns: Literal["whole", "to_go"] = "to_go"  # of the episode, or of what came after
    baseline: Literal["none", "mean", "value"] = "mean"  # mean: of the batch's returns
    gamma: float = 0.99
    value_coefficient: float = 1.0  # of ½ error²
    kl_coefficient: float = 0.0  # price of a nat of log π − log ref
    max_grad_norm: float = 1.0
    importance_cap: float = 2.0  # most a decision weighs that another policy sampled
    ratio_tolerance: float = 1e-3  # rounding allowed between sampling and training

    def __post_init__(self) -> None:
        require(self, "above 0", "max_grad_norm", "importance_cap")
        require(self, "at least 0", "learning_rate", "value_coefficient", "kl_coefficient")
        require(self, "from 0 to 1", "gamma")


class REINFORCE:
    def __init__(self, policy: Policy, config: REINFORCEConfig) -> None:
        if config.baseline == "value" and policy.critic is None:
            raise ValueError("A learned baseline needs a policy with a critic, got one without.")
        self.policy, self.config = policy, config
        self.critic = policy.critic if config.baseline == "value" else None
        self.actor_parameters = trainable(policy.actor)
        self.critic_parameters = trainable(self.critic) if self.critic is not None else []
        parameters = [*self.actor_parameters, *self.critic_parameters]
        self.optimiser = policy_optimiser(parameters, config.learning_rate)

    def credit(self, experience: Experience) -> Batch:
        """Each decision's return less the baseline; 0 for steps of episodes that are not whole."""
        config, continues = self.config, experience.continues
        if continues is None:
            raise ValueError("REINFORCE needs experience that tells where episodes end.")
        rewards = penalised_rewards(experience, config.kl_coefficient) * experience.mask
        nothing = following = torch.zeros_like(rewards)
        if config.baseline == "value":
            assert experience.next_values is not None
            following = experience.next_values * ~continues * experience.mask
        to_go = step_advantages(rewards, nothing, following, continues, config.gamma, 1.0)
        whole = whole_episodes(experience, continues)
        returns = to_go
        if config.returns == "whole":
            returns = carried_forward(to_go, continues)
        advantages = returns
        if config.baseline == "mean":
            advantages = returns - masked_mean(returns, whole)
        elif config.baseline == "value":
            assert experience.values is not None
            advantages = returns - experience.values
        return make_batch(experience, advantages * whole, to_go, whole)

    def update(
        self,
        batch: Batch,
        generator: torch.Generator,
        auxiliary_loss: AuxiliaryLoss | None = None,
    ) -> dict[str, float]:
        """One step on the whole batch; the learned baseline learns the returns to go."""
        config, policy, inputs, learned = self.config, self.policy, batch.inputs, batch.learned
        assert batch.returns is not None
        assert learned is not None
        if not learned.any():  # as when episodes are longer than a batch
            return {"rollout/whole": 0.0}
        evaluated = policy.evaluate(inputs)
        logprobs = evaluated.logprobs
        check_on_policy(batch, logprobs - batch.old_logprobs, config.ratio_tolerance)
        advantages = batch.advantages
        if (weights := batch.importance_weights(config.importance_cap)) is not None:
            advantages = weights * advantages
        policy_loss = -masked_mean(advantages * logprobs, learned)
        loss = policy_loss
        metrics = {"policy/loss": policy_loss.item()}
        if self.critic is not None:
            errors = 0.5 * (evaluated.values - batch.returns).square()
            value_loss = masked_mean(errors, learned)
            loss = loss + config.value_coefficient * value_loss
            metrics["value/loss"] = value_loss.item()
        evaluated.backward(loss)
        if auxiliary_loss is not None:
            auxiliary_loss().backward()
        if self.critic is not None:
            clip_gradient(self.critic_parameters, config.max_grad_norm)
        grad_norm = clip_gradient(self.actor_parameters, config.max_grad_norm)
        self.optimiser.step()
        self.optimiser.zero_grad()
        return (
            metrics
            | batch.mismatch(config.importance_cap)
            | {
                "policy/grad_norm": grad_norm.item(),
                "rollout/whole": learned.double().mean().item(),
            }
        )

    def state_dict(self) -> dict[str, Any]:
        return weights_of(self.policy.actor, self.critic, self.optimiser)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        load_weights(state, self.policy.actor, self.critic, self.optimiser)


def whole_episodes(experience: Experience, continues: Tensor) -> Tensor:
    """Steps of episodes that began and ended in their row, (N, L)."""
    mask = experience.mask
    ends = torch.zeros_like(mask)
    following = torch.zeros_like(mask[:, 0])
    for t in reversed(range(mask.shape[1])):
        following = torch.where(mask[:, t], ~continues[:, t] | following, following)
        ends[:, t] = following
    midway = experience.midway if experience.midway is not None else torch.zeros_like(mask[:, 0])
    starts = torch.zeros_like(mask)
    inside = ~midway  # whether the episode that the step belongs to began in this row
    for t in range(mask.shape[1]):
        starts[:, t] = inside
        inside = inside | (mask[:, t] & ~continues[:, t])
    return mask & ends & starts


def carried_forward(values: Tensor, continues: Tensor) -> Tensor:
    """Each episode's first value at all of its steps, (N, L)."""
    carried = values.clone()
    for t in range(1, values.shape[1]):
        carried[:, t] = torch.where(continues[:, t - 1], carried[:, t - 1], values[:, t])
    return carried

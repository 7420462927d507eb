"""REINFORCE (Williams 1992): what an episode returned, times how likely each of its decisions was.

Only whole episodes are learned from: one that began before the batch, or goes on after it, has no
return yet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from tutelage.algorithms.batch import Batch, check_on_policy, load_weights, make_batch, weights_of
from tutelage.algorithms.functional import masked_mean, step_advantages
from tutelage.config import require
from tutelage.model.optimiser import policy_optimiser
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
    ratio_tolerance: float = 1e-3  # rounding allowed between sampling and training

    def __post_init__(self) -> None:
        require(self, "above 0", "max_grad_norm")
        require(self, "at least 0", "learning_rate", "value_coefficient", "kl_coefficient")
        require(self, "from 0 to 1", "gamma")


class REINFORCE:
    def __init__(self, policy: Policy, config: REINFORCEConfig) -> None:
        if config.baseline == "value" and policy.critic is None:
            raise ValueError("A learned baseline needs a policy with a critic, got one without.")
        self.policy, self.config = policy, config
        self.critic = policy.critic if config.baseline == "value" else None
        parameters = [*policy.actor.parameters()]
        if self.critic is not None:
            parameters += self.critic.parameters()
        self.optimiser = policy_optimiser(parameters, config.learning_rate)

    def credit(self, experience: Experience) -> Batch:
        """Each decision's return less the baseline; 0 for steps of episodes that are not whole."""
        config, continues = self.config, experience.continues
        if continues is None:
            raise ValueError("REINFORCE needs experience that tells where episodes end.")
        rewards = experience.penalised(config.kl_coefficient) * experience.mask
        nothing = torch.zeros_like(rewards)
        to_go = step_advantages(rewards, nothing, nothing, continues, config.gamma, 1.0)
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
        beside: Callable[[], None] | None = None,
    ) -> dict[str, float]:
        """One step on the whole batch; the learned baseline learns the returns to go.

        beside: adds the gradient of something else to the actor's, before the step.
        """
        config, policy, inputs = self.config, self.policy, batch.inputs
        assert batch.returns is not None
        assert batch.learned is not None
        if not batch.learned.any():  # as when episodes are longer than a batch
            return {"rollout/whole": 0.0}
        logprobs = policy.distribution(inputs).logprobs(inputs.actions)
        check_on_policy(batch, logprobs - batch.logprobs, config.ratio_tolerance)
        policy_loss = -masked_mean(batch.advantages * logprobs, batch.learned)
        loss = policy_loss
        metrics = {"policy/loss": policy_loss.item()}
        if self.critic is not None:
            errors = 0.5 * (policy.values(inputs) - batch.returns).square()
            value_loss = masked_mean(errors, batch.learned)
            loss = loss + config.value_coefficient * value_loss
            metrics["value/loss"] = value_loss.item()
        loss.backward()
        if beside is not None:
            beside()
        norm = clip_grad_norm_(policy.actor.parameters(), config.max_grad_norm)
        if self.critic is not None:
            clip_grad_norm_(self.critic.parameters(), config.max_grad_norm)
        self.optimiser.step()
        self.optimiser.zero_grad()
        return metrics | {
            "policy/grad_norm": norm.item(),
            "rollout/whole": batch.learned.double().mean().item(),
        }

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

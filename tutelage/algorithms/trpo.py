"""Trust region policy optimisation (Schulman et al. 2015): the natural gradient, as far as the KL
divergence allows, taken back until the surrogate is really better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

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
from tutelage.model.optimiser import policy_optimiser
from tutelage.policies.policy import Policy
from tutelage.rollout.experience import Experience

_LEAST_CURVATURE = 1e-10  # xᵀFx below it is rounding, or a direction in which KL does not grow


@dataclass(frozen=True, kw_only=True)
class TRPOConfig:
    max_kl: float = 0.01  # δ, mean nats a decision that a step may move
    learning_rate: float = 1e-3  # of the critic's Adam
    critic_epochs: int = 10  # passes of the critic over each batch
    critic_minibatches: int = 8
    conjugate_steps: int = 15
    damping: float = 0.1  # added to the Fisher matrix's diagonal
    backtracks: int = 10  # tries of the line search
    backtrack_factor: float = 0.8
    gamma: float = 0.99
    lambda_: float = 0.95
    kl_coefficient: float = 0.0  # price of a nat of log π − log ref
    ratio_tolerance: float = 1e-3  # rounding allowed between sampling and training

    def __post_init__(self) -> None:
        require(self, "above 0", "max_kl", "damping", "conjugate_steps")
        require(self, "above 0", "critic_minibatches", "backtracks", "backtrack_factor")
        require(self, "at least 0", "learning_rate", "critic_epochs", "kl_coefficient")
        require(self, "from 0 to 1", "gamma", "lambda_")


class TRPO:
    def __init__(self, policy: Policy, config: TRPOConfig) -> None:
        if policy.critic is None:
            raise ValueError("TRPO needs a policy with a critic, got one without.")
        self.policy, self.critic, self.config = policy, policy.critic, config
        self.parameters = list(policy.actor.parameters())
        self.optimiser = policy_optimiser(self.critic.parameters(), config.learning_rate)

    def credit(self, experience: Experience) -> Batch:
        rewards = experience.penalised(self.config.kl_coefficient)
        return actor_critic_batch(experience, rewards, self.config.gamma, self.config.lambda_)

    def update(
        self,
        batch: Batch,
        generator: torch.Generator,
        beside: Callable[[], None] | None = None,
    ) -> dict[str, float]:
        """One step of the actor within the trust region, then the critic's passes.

        beside: adds the gradient of something else to the actor's, before the step.
        """
        config = self.config
        inputs: Any = batch.inputs
        advantages = whiten(batch.advantages)
        decided = self.policy.decide(inputs)
        log_ratio = decided.logprobs - batch.logprobs
        check_on_policy(batch, log_ratio, config.ratio_tolerance)
        slope = log_ratio.exp() * advantages / len(advantages)
        gradient = decided.gradient(slope)
        other = torch.zeros_like(gradient)
        if beside is not None:  # it is a loss, so it is to fall
            beside()
            other -= flat([p.grad for p in self.parameters if p.grad is not None])
            self.policy.actor.zero_grad()
        gradient = gradient + other

        def curved(vector: Tensor) -> Tensor:
            return decided.fisher_vector_product(vector) + config.damping * vector

        direction = conjugate_gradient(curved, gradient, config.conjugate_steps)
        curvature = direction @ curved(direction)
        metrics = {"policy/surrogate": 0.0, "policy/kl_step": 0.0, "policy/backtracks": 0.0}
        if curvature > _LEAST_CURVATURE:
            step = direction * (2 * config.max_kl / curvature).sqrt()
            metrics = self._search(
                batch, advantages, slope.sum().item(), step, (other @ step).item()
            )
        metrics["policy/grad_norm"] = gradient.norm().item()
        metrics["value/loss"] = self._teach_critic(batch, generator)
        return metrics | {"value/explained_variance": explained_variance(batch)}

    @torch.no_grad()
    def _search(
        self, batch: Batch, advantages: Tensor, before: float, step: Tensor, other: float
    ) -> dict[str, float]:
        """The longest of step, step·factor, … that improves the surrogate within the region; none
        of them leaves the actor as it was. other: what the whole step gains beside the surrogate,
        by its slope, since its loss cannot be asked for again."""
        config = self.config
        inputs: Any = batch.inputs
        old = self.policy.distribution(inputs)
        start = flat(self.parameters).clone()
        for tries in range(config.backtracks):
            share = config.backtrack_factor**tries
            put(self.parameters, start + step * share)
            distribution = self.policy.distribution(inputs)
            log_ratio = distribution.logprobs(inputs.actions) - batch.logprobs
            gain = (log_ratio.exp() * advantages).mean().item() - before
            kl = old.kl(distribution).mean().item()
            if gain + other * share > 0 and kl <= config.max_kl:
                return {
                    "policy/surrogate": gain,
                    "policy/kl_step": kl,
                    "policy/backtracks": float(tries),
                }
        put(self.parameters, start)
        return {
            "policy/surrogate": 0.0,
            "policy/kl_step": 0.0,
            "policy/backtracks": float(config.backtracks),
        }

    def _teach_critic(self, batch: Batch, generator: torch.Generator) -> float:
        """Passes of Adam on half the squared error; the mean loss of the last."""
        assert batch.returns is not None
        losses: list[Tensor] = []
        for _ in range(self.config.critic_epochs):
            losses.clear()
            inputs: Any = batch.inputs
            for part, chosen in inputs.minibatches(self.config.critic_minibatches, generator):
                valued = self.policy.value(part)
                error = valued.values - batch.returns[chosen]
                # twice: the rates of Adam here were found with the slope of the whole square
                valued.backward(error * (2 / len(error)))
                self.optimiser.step()
                self.optimiser.zero_grad()
                losses.append(0.5 * error.square().mean())
        return torch.stack(losses).mean().item() if losses else 0.0

    def state_dict(self) -> dict[str, Any]:
        return weights_of(self.policy.actor, self.critic, self.optimiser)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        load_weights(state, self.policy.actor, self.critic, self.optimiser)


def conjugate_gradient(
    product: Callable[[Tensor], Tensor], target: Tensor, steps: int, tolerance: float = 1e-10
) -> Tensor:
    """x with product(x) ≈ target, for a symmetric positive definite product (Hestenes and Stiefel
    1952); stops early at a residual below `tolerance` or a direction without curvature."""
    x = torch.zeros_like(target)
    residual, direction = target.clone(), target.clone()
    size = residual @ residual
    for _ in range(steps):
        if size < tolerance:
            break
        image = product(direction)
        curvature = direction @ image
        if curvature <= 0:
            break
        rate = size / curvature
        x += rate * direction
        residual -= rate * image
        new_size = residual @ residual
        direction = residual + (new_size / size) * direction
        size = new_size
    return x


def flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def put(parameters: Sequence[Tensor], values: Tensor) -> None:
    """Write a flat vector into the parameters."""
    for parameter, part in zip(
        parameters, values.split([parameter.numel() for parameter in parameters]), strict=True
    ):
        parameter.copy_(part.view_as(parameter))

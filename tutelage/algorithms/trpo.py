"""Trust region policy optimisation (Schulman et al. 2015): the natural gradient, as far as the KL
divergence allows, taken back until the surrogate is really better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

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
from tutelage.model.distributions import Distribution
from tutelage.model.language_model import trainable
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
    importance_cap: float = 2.0  # most a decision weighs that another policy sampled
    ratio_tolerance: float = 1e-3  # rounding allowed between sampling and training

    def __post_init__(self) -> None:
        require(self, "above 0", "max_kl", "damping", "conjugate_steps")
        require(self, "above 0", "critic_minibatches", "backtracks", "backtrack_factor")
        require(self, "above 0", "importance_cap")
        require(self, "at least 0", "learning_rate", "critic_epochs", "kl_coefficient")
        require(self, "from 0 to 1", "gamma", "lambda_")


class CurvedPolicy(Policy, Protocol):
    """A policy that tells how its decisions curve."""

    def fisher(self, inputs: Any) -> Callable[[Tensor], Tensor]:
        """v ↦ F·v over the actor's weights, F the Fisher information of the decisions, which is
        the Hessian of the mean KL(old ‖ new) at new = old (Schulman et al. 2015, appendix C.1)."""


class TRPO:
    def __init__(self, policy: CurvedPolicy, config: TRPOConfig) -> None:
        if policy.critic is None:
            raise ValueError("TRPO needs a policy with a critic, got one without.")
        self.policy, self.critic, self.config = policy, policy.critic, config
        self.parameters = trainable(policy.actor)
        self.optimiser = policy_optimiser(trainable(self.critic), config.learning_rate)

    def credit(self, experience: Experience) -> Batch:
        rewards = penalised_rewards(experience, self.config.kl_coefficient)
        return actor_critic_batch(experience, rewards, self.config.gamma, self.config.lambda_)

    def update(
        self,
        batch: Batch,
        generator: torch.Generator,
        auxiliary_loss: AuxiliaryLoss | None = None,
    ) -> dict[str, float]:
        """One step of the actor within the trust region, then the critic's passes."""
        config, inputs = self.config, batch.inputs
        worth = whiten(batch.advantages)
        if (weights := batch.importance_weights(config.importance_cap)) is not None:
            worth = weights * worth
        evaluated = self.policy.evaluate(inputs)
        log_ratio = evaluated.logprobs - batch.old_logprobs
        check_on_policy(batch, log_ratio, config.ratio_tolerance)
        surrogate = (log_ratio.exp() * worth).mean()  # eq. 14
        evaluated.backward(surrogate)
        gradient = taken_gradient(self.parameters)
        other = torch.zeros_like(gradient)
        if auxiliary_loss is not None:
            auxiliary_loss().backward()
            other -= taken_gradient(self.parameters)  # it is to fall
        gradient = gradient + other
        fisher = self.policy.fisher(inputs)

        def curved(vector: Tensor) -> Tensor:
            return fisher(vector) + config.damping * vector

        direction = conjugate_gradient(curved, gradient, config.conjugate_steps)
        curvature = direction @ curved(direction)
        metrics = {"policy/surrogate": 0.0, "policy/kl_step": 0.0, "policy/backtracks": 0.0}
        if curvature > _LEAST_CURVATURE:
            step = direction * (2 * config.max_kl / curvature).sqrt()
            metrics = self._search(
                batch,
                evaluated.distribution.detach(),
                worth,
                surrogate.item(),
                step,
                (other @ step).item(),
            )
        metrics["policy/grad_norm"] = gradient.norm().item()
        metrics["value/loss"] = self._teach_critic(batch, generator)
        metrics |= batch.mismatch(config.importance_cap)
        return metrics | {"value/explained_variance": explained_variance(batch)}

    @torch.no_grad()
    def _search(
        self,
        batch: Batch,
        old: Distribution,
        worth: Tensor,
        before: float,
        step: Tensor,
        other: float,
    ) -> dict[str, float]:
        """The longest of step, step·factor, … that improves the surrogate within the region; none
        of them leaves the actor as it was. other: what the whole step gains of the auxiliary loss,
        by its slope, since that cannot be asked for again."""
        config, inputs = self.config, batch.inputs
        start = flat(self.parameters).clone()
        for tries in range(config.backtracks):
            share = config.backtrack_factor**tries
            put(self.parameters, start + step * share)
            distribution = self.policy.distribution(inputs)
            log_ratio = distribution.logprobs(inputs.actions) - batch.old_logprobs
            gain = (log_ratio.exp() * worth).mean().item() - before
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
            minibatches = batch.inputs.minibatches(self.config.critic_minibatches, generator)
            for part, chosen in minibatches:
                # Adam's rates here are those of the whole square.
                evaluated = self.policy.evaluate(part)
                error = F.mse_loss(evaluated.values, batch.returns[chosen])
                evaluated.backward(error)
                self.optimiser.step()
                self.optimiser.zero_grad()
                losses.append(0.5 * error.detach())
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


def taken_gradient(parameters: Sequence[Tensor]) -> Tensor:
    """Their gradients as one vector; they have none afterwards."""
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    for parameter in parameters:
        parameter.grad = None
    return flat(gradients)


def put(parameters: Sequence[Tensor], values: Tensor) -> None:
    """Write a flat vector into the parameters."""
    for parameter, part in zip(
        parameters, values.split([parameter.numel() for parameter in parameters]), strict=True
    ):
        parameter.copy_(part.view_as(parameter))

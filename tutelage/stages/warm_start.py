"""Imitation before reinforcement: the actor learns what was shown, the critic what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from tutelage.algorithms.imitation import cloning_loss
from tutelage.config import require
from tutelage.device import seeded
from tutelage.model.optimiser import policy_optimiser, set_learning_rate, warmup_then_linear
from tutelage.rollout.control import ControlPolicy, Transitions
from tutelage.runs import Progress


@dataclass(frozen=True, kw_only=True)
class WarmStartConfig:
    learning_rate: float = 3e-3  # of Adam, at its highest
    batch: int = 256  # steps that an optimiser step sees
    passes: int = 8  # over the demonstrations
    warmup: int = 50  # optimiser steps
    value_coefficient: float = 0.5
    max_grad_norm: float = 1.0

    def __post_init__(self) -> None:
        require(self, "above 0", "learning_rate", "batch", "passes", "max_grad_norm")
        require(self, "at least 0", "warmup", "value_coefficient")


def warm_start(
    policy: ControlPolicy,
    shown: Transitions,
    returns: Tensor,
    config: WarmStartConfig,
    seed: int,
    stage: str = "warm_start",
) -> Iterator[Progress]:
    """Imitate what was shown. returns: (K,), what came after each step. A critic that knows nothing
    yet would first undo what the actor has learned."""
    K = len(shown.actions)
    parts = -(-K // config.batch)
    steps = config.passes * parts
    optimiser = policy_optimiser(policy.parameters(), config.learning_rate)
    for a_pass in range(config.passes):
        generator = seeded(seed, stage, a_pass)
        for number, (part, chosen) in enumerate(shown.minibatches(parts, generator)):
            step = a_pass * parts + number
            factor = warmup_then_linear(step, steps, config.warmup)
            set_learning_rate(optimiser, config.learning_rate * factor)
            loss = imitation = cloning_loss(policy, part)
            if policy.critic is not None:
                error = policy.values(part) - returns[chosen]
                loss = imitation + config.value_coefficient * 0.5 * error.square().mean()
            loss.backward()
            clip_grad_norm_(policy.parameters(), config.max_grad_norm)
            optimiser.step()
            optimiser.zero_grad()
            yield Progress(stage, step + 1, steps, {"train/loss": imitation.item()})

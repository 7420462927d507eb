"""What was decided and what came of it: the one form from which every algorithm learns.

Steps lie in rows, (N, L), an episode or several in a row, padded under a mask. Decisions are the
same steps in the order (K,) in which the policy scores them; only `Inputs` knows that order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, Self

import torch
from torch import Tensor, nn

from tutelage.model.distributions import Decided, Distribution, Valued


class Inputs(Protocol):
    """What a policy reads to score its K decisions again."""

    @property
    def actions(self) -> Tensor:
        """What was decided, (K, …)."""

    def decisions(self, steps: Tensor) -> Tensor:
        """(N, L) to (K,)."""

    def minibatches(
        self, count: int, generator: torch.Generator
    ) -> Iterator[tuple[Self, Tensor | slice]]:
        """The inputs in a random order, cut into `count` parts of nearly equal size; with each,
        which of the K decisions are its own, (k,), in its own order."""


class Policy(Protocol):
    """Observations to actions: a GPT that speaks, or a network that controls."""

    @property
    def actor(self) -> nn.Module: ...

    @property
    def critic(self) -> nn.Module | None:
        """Shares no weights with the actor; None for algorithms that need no values."""

    def distribution(self, inputs: Any) -> Distribution:
        """Over what might have been decided, K of them."""

    def decide(self, inputs: Any) -> Decided:
        """The decisions read again, to learn from."""

    def values(self, inputs: Any) -> Tensor:
        """What the critic expects in the states in which they were made, (K,)."""

    def value(self, inputs: Any) -> Valued:
        """The same, to learn from."""


@dataclass
class Experience:
    """Episodes as they were lived.

    mask, logprobs (the behaviour policy's), rewards: (N, L). reference_logprobs: (N, L), where a
    reference prices the distance from it. values: (N, L) the critic's of each step's state;
    next_values: of the state after it, 0 where the episode terminated, the critic's where it was
    truncated; terminated: whether the episode came to its end in the step, not to its time limit;
    continues: whether the next step of the row belongs to the same episode; midway: (N,)
    whether the row's first step is in the middle of an episode. samples: rows that began alike,
    side by side.
    """

    inputs: Inputs
    mask: Tensor
    logprobs: Tensor
    rewards: Tensor
    reference_logprobs: Tensor | None = None
    values: Tensor | None = None
    next_values: Tensor | None = None
    terminated: Tensor | None = None
    continues: Tensor | None = None
    midway: Tensor | None = None
    samples: int = 1

    def penalised(self, kl_coefficient: float) -> Tensor:
        """Rewards less β·(log π − log ref), the price of each step away from the reference."""
        if self.reference_logprobs is None:
            return self.rewards
        return self.rewards - kl_coefficient * (self.logprobs - self.reference_logprobs)

    def kl(self) -> float:
        """Nats a row that the behaviour policy is away from the reference, by the mean of k1."""
        if self.reference_logprobs is None:
            return 0.0
        log_ratio = (self.logprobs - self.reference_logprobs) * self.mask
        return log_ratio.sum(dim=1).mean().item()

"""What every algorithm asks of a policy, whatever it acts in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, Self

import torch
from torch import Tensor, nn

from tutelage.model.distributions import Distribution


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
        """Over what might have been decided, K of them, with the actor's graph."""

    def values(self, inputs: Any) -> Tensor:
        """What the critic expects in the states in which they were made, (K,), with its graph."""

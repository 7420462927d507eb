"""What every algorithm asks of a policy, whatever it acts in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Protocol, Self

import torch
from torch import Tensor, nn

from tutelage.model.distributions import Distribution
from tutelage.model.mlp import Cut


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


class Evaluated:
    """K decisions read again, to learn from. What a loss is made of, (K,) each, is made when it is
    first asked for; `backward` takes the loss to the weights, by autograd as far as there is a
    graph and on through the networks that were cut off it."""

    def __init__(
        self,
        actions: Tensor,
        distribution: Callable[[], Distribution],
        values: Callable[[], Tensor],
        cuts: list[Cut] | None = None,
    ) -> None:
        """cuts: where distribution and values put theirs."""
        self._actions, self._distribution, self._values = actions, distribution, values
        self._cuts = [] if cuts is None else cuts

    @cached_property
    def distribution(self) -> Distribution:
        return self._distribution()

    @cached_property
    def logprobs(self) -> Tensor:
        """Of what was decided."""
        return self.distribution.logprobs(self._actions)

    @cached_property
    def entropy(self) -> Tensor:
        """Of what might have been decided, in nats."""
        return self.distribution.entropy()

    @cached_property
    def values(self) -> Tensor:
        """What the critic expects."""
        return self._values()

    def backward(self, loss: Tensor) -> None:
        """Add the loss's gradient to that of the weights; its graph is free afterwards."""
        loss.backward()
        while self._cuts:
            self._cuts.pop().backward()


class Policy(Protocol):
    """Observations to actions: a language model that speaks, or a network that controls."""

    @property
    def actor(self) -> nn.Module: ...

    @property
    def critic(self) -> nn.Module | None:
        """Shares no weights with the actor; None for algorithms that need no values."""

    def distribution(self, inputs: Any) -> Distribution:
        """Over what might have been decided, K of them."""

    def values(self, inputs: Any) -> Tensor:
        """What the critic expects in the states in which they were made, (K,)."""

    def evaluate(self, inputs: Any) -> Evaluated:
        """Both, to learn from."""

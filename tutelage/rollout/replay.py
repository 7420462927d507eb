"""Experience replay (Lin 1992): the latest steps, each as likely to be drawn as any other."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from tutelage.errors import BadInput
from tutelage.policies.control import Transitions
from tutelage.rollout.experience import Experience


@dataclass(frozen=True)
class Steps:
    """K steps: (K, D), (K, …), (K,), (K, D), (K,). terminated: whether the episode came to its end
    in the step, not to its time limit."""

    observations: Tensor
    actions: Tensor
    rewards: Tensor
    next_observations: Tensor
    terminated: Tensor

    def tensors(self) -> dict[str, Tensor]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def split(self, count: int | list[int]) -> list[Steps]:
        """Parts of `count` steps, the last of what is left, or of so many each; views."""
        parts = [tensor.split(count) for tensor in self.tensors().values()]
        return [Steps(*part) for part in zip(*parts, strict=True)]


def steps_of(experience: Experience) -> Steps:
    """What was decided, without the steps that only started an environment anew."""
    inputs = experience.inputs
    if not isinstance(inputs, Transitions) or inputs.next_observations is None:
        raise ValueError("A replay needs transitions with what was seen next.")
    if experience.terminated is None:
        raise ValueError("A replay needs experience that tells where episodes terminated.")
    return Steps(
        inputs.observations,
        inputs.actions,
        inputs.decisions(experience.rewards),
        inputs.next_observations,
        inputs.decisions(experience.terminated),
    )


class Replay:
    """A ring of `capacity` steps; the next one overwrites the oldest.

    Its tensors are made when the first steps come, whose shapes they take; the system gives them
    memory only as they fill.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, got {capacity}")
        self.capacity = capacity
        self.added = 0  # steps ever, those that were overwritten included
        self._kept: dict[str, Tensor] = {}

    def __len__(self) -> int:
        return min(self.added, self.capacity)

    def add(self, steps: Steps) -> None:
        """BadInput where a full replay of such steps would not fit into memory."""
        self._kept = self._kept or _room_for(steps, self.capacity)
        count = len(steps.rewards)
        self.added += count
        latest = slice(max(0, count - self.capacity), count)  # the others would be overwritten
        rows = torch.arange(self.added - count, self.added)[latest] % self.capacity
        for name, tensor in steps.tensors().items():
            self._kept[name][rows] = tensor[latest]

    def sample(self, count: int, generator: torch.Generator) -> Steps:
        """`count` steps, drawn with replacement."""
        if not self.added:
            raise ValueError("An empty replay has nothing to draw from.")
        chosen = torch.randint(len(self), (count,), generator=generator)
        return Steps(**{name: kept[chosen] for name, kept in self._kept.items()})

    def state_dict(self) -> dict[str, Any]:
        """Only what is filled; copies, because a part of a tensor is saved with all of it."""
        steps = {name: kept[: len(self)].clone() for name, kept in self._kept.items()}
        return {"capacity": self.capacity, "added": self.added, "steps": steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if state["capacity"] != self.capacity:
            raise BadInput(
                f"The replay was saved with room for {state['capacity']} steps, and now is to have "
                f"room for {self.capacity}: give the size it was saved with, or start a new run."
            )
        self.added, self._kept = state["added"], {}
        if self.added:
            self._kept = _room_for(Steps(**state["steps"]), self.capacity)
            for name, tensor in state["steps"].items():
                self._kept[name][: len(self)] = tensor


def _room_for(steps: Steps, capacity: int) -> dict[str, Tensor]:
    """Unfilled tensors for `capacity` steps like these."""
    tensors = steps.tensors()
    needed = capacity * sum(
        tensor.element_size() * math.prod(tensor.shape[1:]) for tensor in tensors.values()
    )
    try:
        if needed > _memory():
            raise MemoryError
        return {
            name: torch.empty((capacity, *tensor.shape[1:]), dtype=tensor.dtype)
            for name, tensor in tensors.items()
        }
    except (MemoryError, RuntimeError):
        raise BadInput(
            f"A replay of {capacity:,} such steps takes {needed / 2**30:,.1f} GiB, more than there "
            "is memory: give it a smaller size."
        ) from None


def _memory() -> float:
    """Bytes of memory that the machine has; infinite where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return float("inf")

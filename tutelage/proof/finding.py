"""A claim, what was measured of it, and the three ways in which two numbers are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Number = Tensor | float | list[float] | list[list[float]]


@dataclass(frozen=True)
class Measured:
    """What had to come out, what came out, how far that is off and how far it may be."""

    expected: float
    got: float
    error: float
    tolerance: float


@dataclass(frozen=True)
class Claim:
    """A statement in one sentence that is true of a right implementation, and its measurement."""

    name: str
    statement: str
    measure: Callable[[], Measured]


@dataclass(frozen=True)
class Finding:
    """A claim after its measurement."""

    name: str
    statement: str
    measured: Measured
    seconds: float

    @property
    def holds(self) -> bool:
        # Not a number is never within a tolerance, so it fails.
        return self.measured.error <= self.measured.tolerance


def same(expected: Number, got: Number, tolerance: float) -> Measured:
    """Equal everywhere up to `tolerance`; shown is the place where they differ most."""
    wanted, found = _flat(expected), _flat(got)
    distance = (found - wanted).abs()
    return _at(int(distance.argmax()), wanted, found, distance, tolerance)


def at_most(bound: Number, got: Number, tolerance: float = 1e-12) -> Measured:
    """Nowhere over the bound but by rounding; shown is the place that comes nearest to it."""
    wanted, found = _flat(bound), _flat(got)
    excess = found - wanted
    return _at(int(excess.argmax()), wanted, found, excess.clamp_min(0), tolerance)


def same_gradient(expected: Number, got: Number, tolerance: float) -> Measured:
    """Two vectors whose distance is at most `tolerance` of their length; shown are the lengths."""
    wanted, found = _flat(expected), _flat(got)
    assert wanted.shape == found.shape
    length = wanted.norm().item()
    error = (found - wanted).norm().item() / length
    return Measured(length, found.norm().item(), error, tolerance)


def _flat(number: Number) -> Tensor:
    return torch.as_tensor(number, dtype=torch.float64).detach().flatten()


def _at(place: int, wanted: Tensor, found: Tensor, error: Tensor, tolerance: float) -> Measured:
    assert wanted.shape == found.shape
    return Measured(wanted[place].item(), found[place].item(), error[place].item(), tolerance)

"""A claim, what was measured of it, and the three ways in which two numbers are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Number = Tensor | float | list[float] | list[list[float]]


@dataclass(frozen=True)
class Measured:
    """The expected and the measured number, their distance, and the largest that is allowed."""

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


def claim(name: str, statement: str) -> Callable[[Callable[[], Measured]], Claim]:
    """Make a claim of the function that measures it: `@claim("G7", "k1 estimates …")`."""
    return lambda measure: Claim(name, statement, measure)


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
    """Equal everywhere up to `tolerance`; reported is the element where they differ most."""
    wanted, measured = _flat(expected), _flat(got)
    distance = (measured - wanted).abs()
    return _at(int(distance.argmax()), wanted, measured, distance, tolerance)


def at_most(bound: Number, got: Number, tolerance: float = 1e-12) -> Measured:
    """Nowhere over the bound by more than `tolerance`; reported is the element nearest to it."""
    wanted, measured = _flat(bound), _flat(got)
    excess = measured - wanted
    return _at(int(excess.argmax()), wanted, measured, excess.clamp_min(0), tolerance)


def same_gradient(expected: Number, got: Number, tolerance: float) -> Measured:
    """Vectors whose distance is at most `tolerance` of the expected length; reports lengths."""
    wanted, measured = _flat(expected), _flat(got)
    assert wanted.shape == measured.shape
    length = wanted.norm().item()
    error = (measured - wanted).norm().item() / length
    return Measured(length, measured.norm().item(), error, tolerance)


def _flat(number: Number) -> Tensor:
    return torch.as_tensor(number, dtype=torch.float64).detach().flatten()


def _at(place: int, wanted: Tensor, measured: Tensor, error: Tensor, tolerance: float) -> Measured:
    assert wanted.shape == measured.shape
    return Measured(wanted[place].item(), measured[place].item(), error[place].item(), tolerance)

"""What group baselines do to the policy gradient, exactly.

The policy is one coin, heads with p = σ(θ) and worth 1, so ∇_θ log π of a sample a is a − p and the
true gradient p(1 − p). A group of k samples is known by its number of heads, which is binomial: the
expectation is a sum of k + 1 terms.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tutelage.algorithms import functional
from tutelage.proof.finding import Measured, claim, same

_P = 0.35  # chance of heads
_TRUE = _P * (1 - _P)
_SIZES = (4, 64)


@claim("G8", "Leave-one-out advantages give the true gradient.")
def leave_one_out_is_unbiased() -> Measured:
    """RLOO (Kool et al. 2019)."""
    got = [_expected_gradient(functional.leave_one_out_advantages(_groups(k))) for k in _SIZES]
    return same([_TRUE] * len(_SIZES), torch.stack(got), 1e-12)


@claim("G8", "Rewards less the group's mean give (k − 1)/k of the true gradient.")
def group_mean_shrinks() -> Measured:
    """With the sample's own reward in the baseline, (k − 1)/k is left (Liu et al. 2025)."""
    got = [
        _expected_gradient(functional.group_normalised_advantages(_groups(k), scale=False))
        for k in _SIZES
    ]
    expected = [(k - 1) / k * _TRUE for k in _SIZES]
    return same(expected, torch.stack(got), 1e-12)


@claim("G8", "Divided by the group's deviation they give E √(m(1 − m)), m the group's pass rate.")
def group_deviation_rescales() -> Measured:
    """The function adds 1e-6 to the deviation, which takes less than 1e-6 from the mean."""
    got = [_expected_gradient(functional.group_normalised_advantages(_groups(k))) for k in _SIZES]
    shares = [torch.arange(k + 1, dtype=torch.float64) / k for k in _SIZES]
    expected = [
        (_chances(k) * (m * (1 - m)).sqrt()).sum() for k, m in zip(_SIZES, shares, strict=True)
    ]
    return same(torch.stack(expected), torch.stack(got), 1e-6)


@claim(
    "G8", "In large groups they give the true gradient over √(p(1 − p)), less its first correction."
)
def group_deviation_in_large_groups() -> Measured:
    """That is true/√(p(1 − p)), less a share 1/(8k·p(1 − p)) from the curvature of the root;
    what is left out is of the order of 1/k²."""
    k = 512
    limit = _TRUE / math.sqrt(_P * (1 - _P))
    got = _expected_gradient(functional.group_normalised_advantages(_groups(k)))
    return same(limit * (1 - 1 / (8 * k * _TRUE)), got, 1 / k**2)


def _groups(k: int) -> Tensor:
    """(k + 1, k): row c is a group with c heads."""
    return (torch.arange(k) < torch.arange(k + 1)[:, None]).double()


def _chances(k: int) -> Tensor:
    """(k + 1,) the binomial distribution."""
    heads = [
        math.lgamma(k + 1) - math.lgamma(c + 1) - math.lgamma(k - c + 1)
        + c * math.log(_P) + (k - c) * math.log1p(-_P)
        for c in range(k + 1)
    ]  # fmt: skip
    return torch.tensor(heads, dtype=torch.float64).exp()


def _expected_gradient(advantages: Tensor) -> Tensor:
    """E of the mean over a group of advantage × ∇ log π. advantages: (k + 1, k) of _groups(k)."""
    k = advantages.shape[1]
    return (_chances(k) * (advantages * (_groups(k) - _P)).mean(dim=1)).sum()

"""Generalised advantages on four steps, worked out on paper.

Rewards 1, 0, 2, −1; values ½, 1, −½, 2; γ = ½. The first row terminates; the second is cut off in a
state worth 4; the third terminates after its first two steps.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tutelage.algorithms import functional
from tutelage.proof.finding import Measured, claim, same

_GAMMA = 0.5
_REWARDS = torch.tensor([[1.0, 0.0, 2.0, -1.0]] * 3, dtype=torch.float64)
_VALUES = torch.tensor([[0.5, 1.0, -0.5, 2.0]] * 3, dtype=torch.float64)
_MASK = torch.tensor([[True] * 4, [True] * 4, [True, True, False, False]])
_LAST = torch.tensor([0.0, 4.0, 0.0], dtype=torch.float64)


@claim("G17", "Advantages with lambda 1 are Monte Carlo, and a truncated episode bootstraps.")
def lambda_one_is_monte_carlo() -> Measured:
    """r + γr' + … + γ^k·(value where it was cut off) − V."""
    expected = [
        # G = −1; 2 − ½; 0 + ¾; 1 + ⅜
        [1.375 - 0.5, 0.75 - 1.0, 1.5 + 0.5, -1.0 - 2.0],
        # G = −1 + ½·4 = 1; 2 + ½; 0 + 1¼; 1 + ⅝
        [1.625 - 0.5, 1.25 - 1.0, 2.5 + 0.5, 1.0 - 2.0],
        # G = 0; 1
        [1.0 - 0.5, 0.0 - 1.0, 0.0, 0.0],
    ]
    return same(expected, _advantages(1.0), 1e-15)


@claim("G17", "Advantages with lambda 0 are TD(0) errors.")
def lambda_zero_is_td() -> Measured:
    """r + γV' − V."""
    expected = [
        # 1 + ½·1 − ½; 0 − ½·½ − 1; 2 + ½·2 + ½; −1 + 0 − 2
        [1.0, -1.25, 3.5, -3.0],
        [1.0, -1.25, 3.5, -1.0],  # its last is −1 + ½·4 − 2
        [1.0, -1.0, 0.0, 0.0],  # its second is 0 + 0 − 1
    ]
    return same(expected, _advantages(0.0), 1e-15)


@claim("G17", "Those between are as worked out on paper.")
def lambda_between() -> Measured:
    """A = δ + γλA', with λ = ½, so a quarter of the next advantage."""
    expected = [
        # −3; 3½ − ¾; −1¼ + 11/16; 1 − 9/64
        [0.859375, -0.5625, 2.75, -3.0],
        # −1; 3½ − ¼; −1¼ + 13/16; 1 − 7/64
        [0.890625, -0.4375, 3.25, -1.0],
        [0.75, -1.0, 0.0, 0.0],
    ]
    return same(expected, _advantages(0.5), 1e-15)


@claim("G17", "A terminated episode bootstraps nothing.")
def default_is_terminated() -> Measured:
    """Where no last value is given, nothing is bootstrapped."""
    ended = torch.zeros_like(_LAST)
    given = functional.generalised_advantages(_REWARDS, _VALUES, _MASK, _GAMMA, 0.5, ended)[1]
    left_out = functional.generalised_advantages(_REWARDS, _VALUES, _MASK, _GAMMA, 0.5)[1]
    return same(given, left_out, 0.0)


@claim("G17", "Discounted returns are as worked out on paper.")
def returns_to_go() -> Measured:
    """The rewards that are still to come, and nothing after an episode's end."""
    expected = [[1.375, 0.75, 1.5, -1.0]] * 2 + [[1.0, 0.0, 0.0, 0.0]]
    got = functional.discounted_returns(_REWARDS, _MASK, _GAMMA)
    return same(expected, got, 1e-15)


def _advantages(lambda_: float) -> Tensor:
    return functional.generalised_advantages(_REWARDS, _VALUES, _MASK, _GAMMA, lambda_, _LAST)[0]

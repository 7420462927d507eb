"""Preference losses by hand."""

from __future__ import annotations

import math

import pytest
import torch

from tutelage.algorithms.dpo import PreferenceConfig, preference_loss

H = torch.tensor([[2.0, -1.0, 0.5], [3.0, 3.0, 9.0]])
RANKS = torch.tensor([[0, 1, 1], [0, 1, 0]])
MASK = torch.tensor([[True, True, True], [True, True, False]])


def loss(kind: str, kl: float = 0.0, **settings: float) -> float:
    config = PreferenceConfig(loss=kind, beta=0.5, **settings)
    return preference_loss(H, RANKS, MASK, config, torch.tensor(kl)).item()


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_dpo_by_hand():
    # pairs of the first prompt: 0 over 1 by 3, 0 over 2 by 1.5, 1 and 2 tie at ∓1.5
    tie = (softplus(0.75) + softplus(-0.75)) / 2
    first = (softplus(-1.5) + softplus(-0.75) + tie) / 3
    assert loss("dpo") == pytest.approx((first + math.log(2)) / 2)


def test_ipo_by_hand():
    tie = ((-1.5 - 1) ** 2 + (1.5 - 1) ** 2) / 2
    first = ((3 - 1) ** 2 + (1.5 - 1) ** 2 + tie) / 3
    assert loss("ipo") == pytest.approx((first + 1.0) / 2)


def test_kto_by_hand():
    above = [0.5 * (h - 1.0) for h in (2.0, -1.0, 0.5, 3.0, 3.0)]
    good, bad = [above[0], above[3]], [above[1], above[2], above[4]]
    expected = sum(sigmoid(-a) for a in good) + 2 * sum(sigmoid(a) for a in bad)
    assert loss("kto", kl=1.0, bad_weight=2.0) == pytest.approx(expected / 5)
    assert loss("kto", kl=-4.0) == loss("kto", kl=0.0)  # a KL is never negative


def test_a_prompt_whose_replies_tie_says_nothing_to_kto():
    h = H[:1].clone().requires_grad_()
    tied = torch.zeros_like(RANKS[:1])
    found = preference_loss(h, tied, MASK[:1], PreferenceConfig(loss="kto"), torch.zeros(()))
    (gradient,) = torch.autograd.grad(found, h)
    assert gradient.tolist() == [[0.0, 0.0, 0.0]]


def test_beta_is_a_price():
    with pytest.raises(ValueError, match="beta must be above 0, got 0"):
        PreferenceConfig(beta=0.0)


@pytest.mark.parametrize("kind", ["dpo", "ipo", "kto"])
def test_without_a_pair_there_is_no_loss(kind: str):
    alone = torch.tensor([[True, False, False]])
    h = H[:1].clone().requires_grad_()
    found = preference_loss(h, RANKS[:1], alone, PreferenceConfig(loss=kind), torch.zeros(()))
    (gradient,) = torch.autograd.grad(found, h)
    assert found.item() == 0
    assert gradient.tolist() == [[0.0, 0.0, 0.0]]

"""The simulated labeler errs as a Bradley–Terry labeler of its noise does."""

from __future__ import annotations

import math

import pytest
import torch

from tutelage.judges.labeler import Labeler, agreement, calibrated, preferences


def test_utilities_and_ranking_by_hand():
    labeler = Labeler(length_price=0.01, length_limit=10, tie_width=0.05)
    worth = labeler.utilities(["abc", "a" * 50, "abcd"], [1.0, 1.0, 0.0])
    assert worth.tolist() == pytest.approx([0.97, 0.90, 0.0])
    assert labeler.rank(torch.tensor([0.97, 0.90, 0.0])) == ((0,), (1,), (2,))
    assert labeler.rank(torch.tensor([0.90, 0.94, 0.0])) == ((1, 0), (2,))


def test_noise_is_bradley_terry():
    labeler = Labeler(noise=0.4)
    generator = torch.Generator().manual_seed(0)
    worth = torch.tensor([0.5, 0.0], dtype=torch.float64).expand(40_000, 2)
    seen = labeler.see(worth, generator)
    share = (seen[:, 0] > seen[:, 1]).double().mean().item()
    assert share == pytest.approx(1 / (1 + math.exp(-0.5 / 0.4)), abs=0.01)


def test_calibration_reaches_the_agreement():
    generator = torch.Generator().manual_seed(1)
    worth = [torch.rand(5, generator=generator, dtype=torch.float64) for _ in range(400)]
    labeler = calibrated(Labeler(), worth, 0.77, seed=3)
    assert agreement(labeler, worth, torch.Generator().manual_seed(9)) == pytest.approx(
        0.77, abs=0.02
    )
    assert agreement(Labeler(noise=1e-6), worth, generator) == pytest.approx(1.0)


def test_preferences_by_hand():
    assert preferences([0, 1, 1]).tolist() == [1, 1, 0]
    assert preferences([2, 0, 1]).tolist() == [-1, -1, 1]

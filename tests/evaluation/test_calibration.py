"""Intervals and the report card, by hand and by simulation."""

from __future__ import annotations

import pytest
import torch

from tutelage.evaluation.calibration import Pair, accuracy, labelled_pairs, report_card
from tutelage.evaluation.statistics import paired_difference, wilson


def test_wilson_by_hand():
    low, high = wilson(8, 10)
    assert (low, high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 10)[0] == 0.0
    assert wilson(0, 0) == (0.0, 1.0)


def test_paired_difference_by_hand():
    gap = paired_difference([True, True, False, True], [True, False, False, False])
    assert gap["difference"] == 0.5
    half = 1.959964 * (1 / 3) ** 0.5 / 2  # deviation √(1/3) over √4
    assert gap["ci95"] == pytest.approx([0.5 - half, 0.5 + half])


def test_pairs_put_the_preferred_one_first():
    pairs = labelled_pairs(
        [torch.tensor([1.0, 3.0, 2.0])],
        [[1, 0, 1]],
        [torch.tensor([0.0, 1.0, 0.5])],
        [[0.0, 1.0, 1.0]],
        [[5, 9, 9]],
    )
    assert pairs == [Pair(2.0, 1.0, 1.0, 4), Pair(1.0, 0.5, 0.0, 0)]


def test_accuracy_counts_equal_scores_half():
    assert accuracy([1.0, -1.0, 0.0, 2.0]) == pytest.approx(0.625)


def test_a_model_that_knows_the_noise_is_calibrated_and_at_the_ceiling():
    generator = torch.Generator().manual_seed(0)
    margins = torch.randn(60_000, generator=generator, dtype=torch.float64) * 2
    first_wins = torch.rand(60_000, generator=generator, dtype=torch.float64) < margins.sigmoid()
    signed = torch.where(first_wins, margins, -margins).tolist()
    card = report_card([Pair(m, m, 1.0, 0) for m in signed])
    ceiling = torch.maximum(margins.sigmoid(), 1 - margins.sigmoid()).mean().item()
    assert card["pair_accuracy"] == pytest.approx(ceiling, abs=0.01)
    assert card["ceiling"] == card["pair_accuracy"]
    assert card["ece"] < 0.01
    boastful = report_card([Pair(3 * m, m, 1.0, 0) for m in signed])
    assert boastful["ece"] > 0.05

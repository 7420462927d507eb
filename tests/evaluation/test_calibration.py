"""Intervals and the report card, by hand and by simulation."""

from __future__ import annotations

import pytest
import torch

from tutelage.evaluation.calibration import Pair, accuracy, labelled_pairs, report_card
from tutelage.evaluation.statistics import (
    clustered_interval,
    paired_difference,
    student_t,
    wilson,
)


def test_wilson_by_hand():
    low, high = wilson(8, 10)
    assert (low, high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 10)[0] == 0.0
    assert wilson(0, 0) == (0.0, 1.0)


def test_paired_difference_as_published():
    """Tango (1998), the crossover trial of Hope and Fleiss: 12 against 2 of 50 pairs."""
    after = [True] * 12 + [False] * 2 + [True] * 36
    before = [False] * 12 + [True] * 2 + [True] * 36
    found = paired_difference(after, before)
    assert found["difference"] == pytest.approx(0.2)
    low, high = found["ci95"]
    for end in (low, high):  # 1.96 deviations away, by the chance of a loss that fits it best
        b, c = (2 * 50 - 12 + 2) * end - 14, -2 * end * (1 - end)
        chance = ((b * b - 8 * 50 * c) ** 0.5 - b) / 200
        away = (10 - 50 * end) / (50 * (2 * chance + end * (1 - end))) ** 0.5
        assert abs(away) == pytest.approx(1.959964)
    assert -1 < low < 0.2 < high < 1


@pytest.mark.parametrize("n", [1, 10, 400])
def test_a_difference_where_all_agree_has_a_width(n: int):
    """By hand without a change, where no loss is likely: (nδ)² = z²·n·δ(1 − δ) at δ = z²/(n + z²),
    so that all right twice leaves room for that much."""
    z2 = 1.959964**2
    found = paired_difference([True] * n, [True] * n)
    assert found["difference"] == 0
    assert found["ci95"] == pytest.approx([-z2 / (n + z2), z2 / (n + z2)])
    better = paired_difference([True] * n, [False] * n)
    assert better["difference"] == 1
    assert better["ci95"] == pytest.approx([(n - z2) / (n + z2), 1.0])


def test_clusters_of_one_pair_are_wilson_by_students_t():
    """By hand: the variance over clusters is p(1 − p)/(k − 1), as if there were k − 1 pairs."""
    found = clustered_interval([(1, 1)] * 8 + [(0, 1)] * 2)
    assert found == pytest.approx(list(wilson(0.8 * 9, 9, student_t(9))))
    assert clustered_interval([(3, 4)]) is None
    assert clustered_interval([]) is None
    # All right, or all clusters alike: each counts once, however many pairs it has.
    assert clustered_interval([(6, 6)] * 5) == list(wilson(5, 5, student_t(4)))
    assert clustered_interval([(3, 6)] * 5) == list(wilson(2.5, 5, student_t(4)))


def drawn(generator: torch.Generator) -> list[tuple[float, int]]:
    """Thirty rankings of four: six pairs each, all right or all wrong, at 70 %."""
    return [(6.0 * bool(right), 6) for right in torch.rand(30, generator=generator) < 0.7]


def test_pairs_of_one_ranking_are_not_independent():
    """It holds the truth in 95 % of cases; as if pairs were independent, in two thirds."""
    generator = torch.Generator().manual_seed(0)
    held = naive = 0
    for _ in range(1_000):
        counts = drawn(generator)
        low, high = clustered_interval(counts)
        held += low <= 0.7 <= high
        low, high = wilson(sum(right for right, _ in counts), 180)
        naive += low <= 0.7 <= high
    assert 930 <= held <= 985
    assert naive < 700


def test_it_is_as_wide_as_a_bootstrap_over_prompts():
    generator = torch.Generator().manual_seed(1)
    right = torch.randint(0, 7, (200,), generator=generator).double()
    low, high = clustered_interval([(r, 6) for r in right.tolist()])
    chosen = torch.randint(200, (4_000, 200), generator=generator)
    shares = (right[chosen] / 6).mean(dim=1)
    expected = shares.quantile(0.975) - shares.quantile(0.025)
    assert high - low == pytest.approx(expected.item(), rel=0.05)


def test_pairs_put_the_preferred_one_first():
    pairs = labelled_pairs(
        [torch.tensor([1.0, 3.0, 2.0])],
        [[1, 0, 1]],
        [torch.tensor([0.0, 1.0, 0.5])],
        [[0.0, 1.0, 1.0]],
        [[5, 9, 9]],
    )
    assert pairs == [Pair(2.0, 1.0, 1.0, 4, 0), Pair(1.0, 0.5, 0.0, 0, 0)]


def test_the_card_counts_prompts_not_pairs():
    right = [Pair(1.0, 1.0, 1.0, 0, prompt) for prompt in range(7) for _ in range(6)]
    wrong = [Pair(-1.0, 1.0, 1.0, 20, prompt) for prompt in range(7, 10) for _ in range(6)]
    card = report_card(right + wrong)
    assert (card["n"], card["prompts"]) == (60, 10)
    assert card["ci95"] == pytest.approx(clustered_interval([(6, 6)] * 7 + [(0, 6)] * 3))
    assert card["by_length_difference"][0]["ci95"] == list(wilson(7, 7, student_t(6)))
    (alone,) = report_card(right[:6])["calibration"]
    assert alone["ci95"] == [0.0, 1.0]  # one prompt tells nothing of others


def test_accuracy_counts_equal_scores_half():
    assert accuracy([1.0, -1.0, 0.0, 2.0]) == pytest.approx(0.625)


def test_a_model_that_knows_the_noise_is_calibrated_and_at_the_ceiling():
    generator = torch.Generator().manual_seed(0)
    margins = torch.randn(60_000, generator=generator, dtype=torch.float64) * 2
    first_wins = torch.rand(60_000, generator=generator, dtype=torch.float64) < margins.sigmoid()
    signed = torch.where(first_wins, margins, -margins).tolist()
    card = report_card([Pair(m, m, 1.0, 0, i) for i, m in enumerate(signed)])
    ceiling = torch.maximum(margins.sigmoid(), 1 - margins.sigmoid()).mean().item()
    assert card["pair_accuracy"] == pytest.approx(ceiling, abs=0.01)
    assert card["ceiling"] == card["pair_accuracy"]
    assert card["ece"] < 0.01
    boastful = report_card([Pair(3 * m, m, 1.0, 0, i) for i, m in enumerate(signed)])
    assert boastful["ece"] > 0.05

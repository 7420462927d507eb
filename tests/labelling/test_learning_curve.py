"""The learning curve and the ceiling: by hand, by simulation, by recovery."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tutelage.errors import BadInput
from tutelage.labelling.learning_curve import (
    Pace,
    effort,
    fit_curve,
    forecast,
    implied_ceiling,
    spent,
)

LABELS = [50, 100, 200, 400, 800, 1600]


def truth(n):
    return 0.78 - 0.9 * np.asarray(n, dtype=float) ** -0.35


def test_the_ceiling_by_hand():
    # Agreement 0.68 with all pairs equally hard: q² + (1 − q)² = 0.68 at q = 0.8.
    found = implied_ceiling(0.68)
    assert (found.low, found.high) == pytest.approx((0.68, 0.8))
    assert implied_ceiling(1.0).estimate == pytest.approx(1.0)
    for chance in (0.5, 0.3):
        nothing = implied_ceiling(chance)
        assert (nothing.low, nothing.estimate, nothing.high) == pytest.approx((0.5, 0.5, 0.5))
    with pytest.raises(BadInput, match="from 0 to 1"):
        implied_ceiling(1.2)


def agreement_and_best(chances, generator):
    """Two labelers on each pair, and the model that names what most would prefer."""
    first, second = generator.random((2, len(chances))) < chances
    return (first == second).mean(), (first == (chances > 0.5)).mean()


@pytest.mark.parametrize("width", [0.5, 1.5, 6.0])
def test_bradley_terry_labelers_have_the_estimated_ceiling(width):
    generator = np.random.default_rng(0)
    chances = 1 / (1 + np.exp(-generator.normal(0, width, 200_000)))
    agreement, best = agreement_and_best(chances, generator)
    assert implied_ceiling(agreement).estimate == pytest.approx(best, abs=0.006)


def test_the_ends_are_reached_and_never_passed():
    generator = np.random.default_rng(1)
    n = 200_000
    clear_or_not = np.where(generator.random(n) < 0.5, 1.0, 0.5)
    agreement, best = agreement_and_best(clear_or_not, generator)
    assert best == pytest.approx(implied_ceiling(agreement).low, abs=0.005)
    agreement, best = agreement_and_best(np.full(n, 0.8), generator)
    assert best == pytest.approx(implied_ceiling(agreement).high, abs=0.005)
    for _ in range(5):
        chances = generator.beta(*generator.uniform(0.2, 5, 2), size=n)
        agreement, best = agreement_and_best(chances, generator)
        ends = implied_ceiling(agreement)
        assert ends.low - 0.005 < best < ends.high + 0.005


def test_a_curve_without_noise_is_found():
    fit = fit_curve(LABELS, truth(LABELS), [10**7] * 6)
    assert fit.ceiling == pytest.approx(0.78, abs=0.01)
    assert fit.c == pytest.approx(0.35, abs=0.03)
    assert fit.at(6400)[0] == pytest.approx(truth(6400), abs=0.003)
    needed = (0.9 / (0.78 - 0.74)) ** (1 / 0.35)
    assert fit.comparisons_for(0.74)[0] == pytest.approx(needed, rel=0.1)
    assert fit.comparisons_for(0.9)[0] == math.inf


def test_the_intervals_cover_at_eight_times_the_data():
    generator = np.random.default_rng(2)
    accuracy = gains = 0
    for seed in range(30):
        measured = generator.binomial(1000, truth(LABELS)) / 1000
        fit = fit_curve(LABELS, measured, [1000] * 6, draws=120, seed=seed)
        low, high = fit.at(12_800)[1]
        accuracy += low <= truth(12_800) <= high
        found = forecast(fit, 1600, Pace(seconds_a_label=30))
        needed = (0.9 / (0.78 - truth(1600) - 0.01)) ** (1 / 0.35) - 1600
        gains += found.at_least.labels <= needed <= found.at_most.labels
    assert accuracy >= 27  # 28.5 expected of 30
    assert gains >= 27


def test_few_noisy_points_promise_nothing():
    measured = [0.60, 0.64, 0.65, 0.68]
    fit = fit_curve([50, 100, 200, 400], measured, [200] * 4)
    found = forecast(fit, 400, Pace(seconds_a_label=30), points=5)
    assert found.never > 0.1
    assert found.at_most.labels == math.inf
    assert found.at_least.labels < found.more.labels


def test_a_flat_curve_reaches_nothing():
    fit = fit_curve(LABELS, [0.7] * 6, [10**6] * 6)
    assert fit.at(10**6)[0] == pytest.approx(0.7, abs=1e-3)
    assert fit.comparisons_for(0.75)[0] == math.inf


def test_bad_points_are_named():
    with pytest.raises(BadInput, match="four or more"):
        fit_curve([1, 2, 2, 4], [0.5] * 4, [10] * 4)
    with pytest.raises(BadInput, match="4, 3, 4"):
        fit_curve([1, 2, 3, 4], [0.5] * 3, [10] * 4)
    with pytest.raises(BadInput, match="from 0 to 1"):
        fit_curve([1, 2, 3, 4], [0.5, 0.5, 0.5, 50.0], [10] * 4)


def test_effort_by_hand():
    # 1,200 labels of 30 s are 10 hours; five people of two hours a day take one day.
    pace = Pace(seconds_a_label=30, people=5, hours_a_day=2, cost_an_hour=15)
    found = effort(1200, pace)
    assert (found.hours, found.days, found.cost) == (10, 1, 150)
    assert effort(math.inf, Pace(seconds_a_label=30)).cost == 0
    with pytest.raises(ValueError, match="people must be a number above 0"):
        Pace(seconds_a_label=30, people=0)


def test_spent_by_hand():
    # An hour at 20: 40 labels cost ½ each; 2 points for 20 are 10 a hundred.
    found = spent([90.0] * 40, 20.0, accuracy_gained=0.02)
    assert (found.hours, found.cost, found.cost_a_label) == (1, 20, 0.5)
    assert found.gain_a_hundred == pytest.approx(10)
    assert math.isnan(spent([], 20.0).cost_a_label)

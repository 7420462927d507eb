"""The noisy Bradley–Terry model: by hand, against slow and other versions, and by recovery."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.labelling.crowds import simulated
from tutelage.errors import BadInput
from tutelage.labelling import posterior as posterior_module
from tutelage.labelling.pairs import Ranking, pairs_of
from tutelage.labelling.posterior import SkillConfig, davidson
from tutelage.labelling.skill import noisy_bradley_terry, preference_chances
from tutelage.labelling.spread import connected, layout, spread_of

QUICK = SkillConfig(draws=0)


def test_davidson_by_hand():
    # η = 2 ln 3, ν = 2: 3, 2 and 1/3 of 16/3.
    found = davidson(np.array([2 * math.log(3)]), np.array([math.log(2)]))
    assert found[0] == pytest.approx([9 / 16, 6 / 16, 1 / 16])
    # Far out nothing overflows, and without ties it is a sigmoid.
    assert davidson(np.array([4000.0]), np.array([0.0]))[0] == pytest.approx([1, 0, 0])
    assert davidson(np.array([1.0]), np.array([-40.0]))[0, 0] == pytest.approx(
        1 / (1 + math.exp(-1))
    )


def test_connected_items_and_their_covariance_equal_the_dense_inverse():
    first, second = np.array([0, 1, 3, 3, 6]), np.array([1, 2, 4, 4, 3])
    assert connected(first, second, 7).tolist() == [0, 0, 0, 3, 3, 5, 3]
    weight = np.array([1.0, 2.0, 0.5, 3.0, 1.5])
    precision = np.eye(7) / 4
    for i, j, w in zip(first, second, weight, strict=True):
        e = np.eye(7)[i] - np.eye(7)[j]
        precision += w * np.outer(e, e)
    dense = np.linalg.inv(precision)
    found = spread_of(layout(first, second, 7), first, second, weight, 2.0)
    assert found.variances() == pytest.approx(np.diag(dense))
    i, j = np.array([0, 0, 4]), np.array([2, 5, 6])
    assert found.of_gaps(i, j) == pytest.approx(dense[i, i] + dense[j, j] - 2 * dense[i, j])
    assert found.times(np.arange(7.0)) == pytest.approx(dense @ np.arange(7.0))


def test_two_items_and_one_labeler_equal_a_fine_grid():
    """7 of 10 prefer the first: the posterior of the gap, prior N(0, 2 · 1.5²), on a grid."""
    said = [[0, 1]] * 7 + [[1, 0]] * 3
    pairs = pairs_of(
        [Ranking(task=t, labeler="ann", ranks=r, items=("x", "y")) for t, r in enumerate(said)]
    )
    config = SkillConfig(
        draws=0, learn_widths=False, skill_width=0, position_width=0, length_width=0, tolerance=1e-7
    )
    fit = noisy_bradley_terry(pairs, config)
    gap = np.linspace(-8, 8, 4001)
    density = np.exp(-(gap**2) / (4 * 1.5**2)) / (1 + np.exp(-gap)) ** 7 / (1 + np.exp(gap)) ** 3
    density /= density.sum()
    mean = gap @ density
    assert fit.scores[0] - fit.scores[1] == pytest.approx(mean, abs=0.01)
    variance = gap**2 @ density - mean**2
    only = np.array([0])
    assert fit.spread.of_gaps(only, only + 1)[0] == pytest.approx(variance, rel=0.03)
    chance = preference_chances(fit, only, only + 1)[0]
    assert chance == pytest.approx(
        [(1 / (1 + np.exp(-gap))) @ density, 0, 1 - (1 / (1 + np.exp(-gap))) @ density], abs=0.003
    )


@pytest.fixture(scope="module")
def crowd():
    return simulated(tasks=300, responses=2, labelers=10, overlap=8, seed=4)


@pytest.fixture(scope="module")
def fit(crowd):
    return noisy_bradley_terry(crowd.pairs, SkillConfig(draws=8))


def test_skill_position_and_length_bias_are_recovered(crowd, fit):
    """240 pairs each: mean errors within 0.2, 0.25 and 0.15, which are two standard errors or
    less, and every bias within four of its own."""
    for k, tolerance in enumerate((0.2, 0.25, 0.15)):
        error = fit.parameters[:, k] - crowd.parameters[:, k]
        assert np.sqrt((error**2).mean()) < tolerance
        assert np.abs(error / fit.parameter_se[:, k]).max() < 4
        assert np.corrcoef(fit.parameters[:, k], crowd.parameters[:, k])[0, 1] > 0.85


def test_standard_errors_are_of_the_size_of_the_errors(crowd, fit):
    errors = (fit.parameters[:, :3] - crowd.parameters) / fit.parameter_se[:, :3]
    assert 0.6 < np.sqrt((errors**2).mean()) < 1.6


def test_the_table_says_the_same_as_the_arrays(crowd, fit):
    row = fit.labelers[2]
    assert (row.labeler, row.pairs) == (
        crowd.pairs.labeler_names[2],
        int((crowd.pairs.labelers == 2).sum()),
    )
    assert (row.skill, row.position_bias, row.length_bias) == tuple(fit.parameters[2, :3])
    best = max(fit.labelers, key=lambda labeler: labeler.skill)
    worst = min(fit.labelers, key=lambda labeler: labeler.skill)
    assert 0.45 < worst.reliability < 0.65 < best.reliability < 1


def test_the_unit_is_the_average_answer_and_length_bias_is_relative_to_the_crowd(crowd, fit):
    skill, _, length, _ = fit.parameters[crowd.pairs.labelers].mean(axis=0)
    assert (skill, length) == pytest.approx((1.0, 0.0), abs=1e-6)


def test_rankings_recover_quality_and_labelers():
    crowd = simulated(tasks=150, responses=4, labelers=8, overlap=5, seed=5)
    fit = noisy_bradley_terry(crowd.pairs, QUICK)
    quality = (crowd.quality - crowd.quality.mean(axis=1, keepdims=True)).reshape(-1)
    found = np.zeros(len(quality))
    for (task, response), score in zip(crowd.pairs.item_names, fit.scores, strict=True):
        found[4 * task + response] = score
    widths = {"skill_width": 0.0, "position_width": 0.0, "length_width": 0.0, "tie_width": 0.0}
    alike = replace(QUICK, **widths)  # Bradley–Terry with ties
    plain = noisy_bradley_terry(crowd.pairs, alike)
    assert np.corrcoef(found, quality)[0, 1] > 0.8
    by_task = np.argsort([4 * task + response for task, response in crowd.pairs.item_names])
    assert (
        np.corrcoef(found, quality)[0, 1] > np.corrcoef(plain.scores[by_task], quality)[0, 1] + 0.02
    )
    assert np.corrcoef(fit.parameters[:, 0], crowd.parameters[:, 0])[0, 1] > 0.9


def test_ties_give_each_labeler_their_own_rate():
    generator = np.random.default_rng(0)
    rankings = []
    for task in range(150):
        gap = generator.normal(0, 2)
        for labeler, log_tie in (("seldom", -1.5), ("often", 1.0), ("never", -30.0)):
            chances = davidson(np.array([gap]), np.array([log_tie]))[0]
            ranks = ([0, 1], [0, 0], [1, 0])[generator.choice(3, p=chances)]
            rankings.append(Ranking(task=task, labeler=labeler, ranks=ranks))
    pairs = pairs_of(rankings)
    seldom, often, never = noisy_bradley_terry(pairs, QUICK).parameters[:, 3]
    assert seldom == pytest.approx(-1.5, abs=0.5)
    assert often == pytest.approx(1.0, abs=0.5)
    assert never < seldom - 1


def test_a_labeler_of_two_answers_is_taken_for_a_typical_one(crowd):
    extra = pairs_of([Ranking(task=0, labeler="new", ranks=[0, 1])])
    fit = noisy_bradley_terry(extra, QUICK)
    assert fit.parameters[0, 0] == pytest.approx(1.0)
    names = [row for row in range(len(crowd.pairs)) if crowd.pairs.labelers[row] != 0]
    few = np.flatnonzero(crowd.pairs.labelers == 0)[:2]
    fit = noisy_bradley_terry(crowd.pairs.only(np.sort(np.concatenate([names, few]))), QUICK)
    assert abs(fit.parameters[0, 0] - 1) < 0.3
    assert fit.parameter_se[0, 0] > 0.5 * fit.widths[1]


@pytest.mark.filterwarnings("ignore")  # pandas' own deprecations inside crowd-kit
def test_scores_are_at_least_as_good_as_crowd_kits_and_skills_in_the_same_order():
    """crowd-kit's NoisyBradleyTerry knows neither ties, nor length, nor standard errors, and mixes
    answers with a guess instead of a slope; both must find the good labelers and the good items."""
    pandas = pytest.importorskip("pandas")
    aggregation = pytest.importorskip("crowdkit.aggregation")
    generator = np.random.default_rng(4)
    quality, skills = generator.normal(0, 1.5, 20), np.array([0.05, 0.1, 0.9, 1.1, 1.4, 1.8])
    rankings, rows = [], []
    for task in range(260):
        i, j = generator.choice(20, 2, replace=False)
        for w, skill in enumerate(skills):
            wins = generator.random() < 1 / (1 + math.exp(-skill * (quality[i] - quality[j])))
            rankings.append(
                Ranking(
                    task=task, labeler=w, ranks=[0, 1] if wins else [1, 0], items=(int(i), int(j))
                )
            )
            rows.append((w, i, j, i if wins else j))
    pairs = pairs_of(rankings)
    fit = noisy_bradley_terry(pairs, QUICK)
    peer = aggregation.NoisyBradleyTerry(n_iter=60)
    peer.fit(pandas.DataFrame(rows, columns=["worker", "left", "right", "label"]))
    truth = quality[np.array(pairs.item_names)]
    theirs = peer.scores_.loc[pairs.item_names].to_numpy()
    ours = np.corrcoef(fit.scores, truth)[0, 1]
    assert ours > 0.97
    assert ours >= np.corrcoef(np.log(theirs / (1 - theirs)), truth)[0, 1] - 0.005
    assert fit.parameters[:2, 0].max() < fit.parameters[2:, 0].min()


def test_nothing_to_fit_is_said():
    with pytest.raises(BadInput, match="none yet"):
        noisy_bradley_terry(pairs_of([]))
    with pytest.raises(ValueError, match="score_width must be a number above 0"):
        SkillConfig(score_width=0)


def test_a_covariance_found_now_and_then_gives_the_same_fit(monkeypatch):
    """Items all connected, so that the covariance is one block: against one that is found anew in
    every sweep."""
    generator = np.random.default_rng(3)
    quality = generator.normal(0, 1.5, 40)
    rankings = []
    for task in range(500):
        i, j = map(int, generator.choice(40, 2, replace=False))
        wins = generator.random() < 1 / (1 + math.exp(quality[j] - quality[i]))
        ranks = [0, 1] if wins else [1, 0]
        rankings.append(Ranking(task=task, labeler=task % 5, ranks=ranks, items=(i, j)))
    pairs = pairs_of(rankings)
    seldom = []
    inverse = posterior_module.spread_of
    monkeypatch.setattr(
        posterior_module, "spread_of", lambda *given: seldom.append(1) or inverse(*given)
    )
    found = noisy_bradley_terry(pairs, QUICK)
    assert 3 < len(seldom) <= found.sweeps / 2
    monkeypatch.setattr(posterior_module, "_SLACK", 0.0)
    monkeypatch.setattr(posterior_module, "_LAST_SLACK", 0.0)
    always = noisy_bradley_terry(pairs, QUICK)
    assert found.scores == pytest.approx(always.scores, abs=0.01)
    assert found.score_se == pytest.approx(always.score_se, abs=0.005)
    assert found.parameters == pytest.approx(always.parameters, abs=0.01)

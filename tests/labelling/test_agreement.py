"""Agreement by hand, against crowd-kit, and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tutelage.errors import BadInput
from tutelage.labelling.agreement import (
    agreement_of_each,
    alpha_interval,
    krippendorff_alpha,
    pairwise_agreement,
    value_counts,
)
from tutelage.labelling.pairs import Ranking, pairs_of

# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", section C: four observers,
# twelve units, 0 where nothing was said.
PUBLISHED = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
        [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
    ]
)


def published_answers():
    observers, units = np.nonzero(PUBLISHED)
    return units, observers, PUBLISHED[observers, units] - 1


def published_counts():
    units, _, values = published_answers()
    return value_counts(units, values, 5)


def test_nominal_alpha_of_the_published_example_by_hand():
    # Unit 12 has one answer and drops out: 40 answers in 11 units. Off the diagonal: unit 2 (2 2 3
    # 2) gives 3/3 each way to 2-3, unit 6 (1 2 3 4) 1/3 each way to each of its six pairs, unit 8
    # (1 1 2 1) 3/3 each way to 1-2. So o off the diagonal is 2 + 4 + 2 = 8; n = 9 13 10 5 3.
    expected = 40**2 - (9**2 + 13**2 + 10**2 + 5**2 + 3**2)
    assert krippendorff_alpha(published_counts()) == pytest.approx(1 - 39 * 8 / expected)
    assert krippendorff_alpha(published_counts()) == pytest.approx(0.743, abs=5e-4)  # as published


def test_ordinal_alpha_of_the_published_example():
    # Mid-ranks of n = 9 13 10 5 3: 4.5 15.5 27 34.5 38.5. Disagreements each way: 1-2 4/3, 1-3 1/3,
    # 1-4 1/3, 2-3 4/3, 2-4 1/3, 3-4 1/3.
    ranks, n = np.array([4.5, 15.5, 27.0, 34.5, 38.5]), np.array([9, 13, 10, 5, 3])
    squares = (ranks[:, None] - ranks) ** 2
    off = {(0, 1): 4, (0, 2): 1, (0, 3): 1, (1, 2): 4, (1, 3): 1, (2, 3): 1}
    observed = sum(2 * thirds / 3 * squares[pair] for pair, thirds in off.items())
    expected = (np.outer(n, n) * squares).sum()
    alpha = krippendorff_alpha(published_counts(), "ordinal")
    assert alpha == pytest.approx(1 - 39 * observed / expected)
    assert alpha == pytest.approx(0.815, abs=5e-4)  # as published


@pytest.mark.filterwarnings("ignore")  # pandas' own deprecations inside crowd-kit
def test_nominal_alpha_equals_crowd_kit():
    pandas = pytest.importorskip("pandas")
    metrics = pytest.importorskip("crowdkit.metrics.data")
    generator = np.random.default_rng(0)
    said = generator.random((60, 5)) < 0.7
    units, workers = np.nonzero(said)
    truth = generator.integers(0, 3, 60)
    noisy = generator.random(len(units)) < 0.3
    values = np.where(noisy, generator.integers(0, 3, len(units)), truth[units])
    frame = pandas.DataFrame({"task": units, "worker": workers, "label": values})
    expected = metrics.alpha_krippendorff(frame)
    assert krippendorff_alpha(value_counts(units, values, 3)) == pytest.approx(expected, abs=1e-12)


def test_alpha_where_nothing_differs_or_nothing_is_shared():
    assert krippendorff_alpha(np.array([[2.0, 0.0], [3.0, 0.0]])) == 1.0
    assert math.isnan(krippendorff_alpha(np.array([[1.0, 0.0], [0.0, 1.0]])))
    with pytest.raises(BadInput, match="from 0 to 1"):
        value_counts(np.array([0]), np.array([2]), 2)


def test_the_interval_of_alpha_covers():
    """Two labelers right with chance 0.8 on even coins: they agree on 0.68, alpha is 0.36."""
    generator = np.random.default_rng(1)
    covered = 0
    for seed in range(60):
        truth = generator.integers(0, 2, 120)
        values = np.where(generator.random((3, 120)) < 0.8, truth, 1 - truth)
        units = np.tile(np.arange(120), 3)
        counts = value_counts(units, values.reshape(-1), 2)
        low, high = alpha_interval(counts, draws=200, seed=seed).ci95
        covered += low <= 0.36 <= high
    assert 52 <= covered <= 60  # 57 expected


def ranked(task, labeler, ranks):
    return Ranking(task=task, labeler=labeler, ranks=ranks)


def test_pairwise_agreement_by_hand():
    pairs = pairs_of(
        [
            ranked("t", "ann", [0, 1, 2]),
            ranked("t", "bob", [0, 1, 1]),  # 1 and 2 tied: 1 + 1 + ½
            ranked("t", "cat", [1, 0, 2]),  # with ann 0 + 1 + 1, with bob 0 + 1 + ½
            ranked("u", "ann", [0, 1]),
            ranked("u", "bob", [0, 1]),  # 1
            ranked("v", "ann", [0, 1]),  # nobody else
        ]
    )
    found = pairwise_agreement(pairs)
    assert found.value == pytest.approx(((2.5 + 2 + 1.5) / 9 + 1) / 2)
    assert found.n == 2
    # The bootstrap draws t twice, t and u, or u twice.
    assert found.ci95 == pytest.approx((6 / 9, 1.0))
    # Without the tie: ann-bob 1 + 1, ann-cat 0 + 1 + 1, bob-cat 0 + 1, and u.
    assert pairwise_agreement(pairs, decisive=True).value == pytest.approx(
        ((2 + 2 + 1) / 7 + 1) / 2
    )


def test_each_labeler_beside_the_others_by_hand():
    pairs = pairs_of(
        [
            ranked("t", "ann", [0, 1]),
            ranked("t", "bob", [0, 1]),
            ranked("t", "cat", [0, 0]),
            ranked("t", "dan", [1, 0]),
            ranked("u", "ann", [1, 0]),
        ]
    )
    ann, bob, cat, dan = agreement_of_each(pairs)
    assert (ann.labeler, ann.tasks, ann.pairs) == ("ann", 1, 1)
    # The others of ann: first, tie, second; their majority is undecided.
    assert (ann.with_others, ann.with_consensus) == pytest.approx((0.5, 0.5))
    assert bob.with_others == pytest.approx(0.5)
    # Of cat: first, first, second, so first; a tie against it is half right.
    assert (cat.with_others, cat.with_consensus) == pytest.approx((0.5, 0.5))
    assert (dan.with_others, dan.with_consensus) == pytest.approx((1 / 6, 0.0))


def test_a_labeler_alone_has_no_agreement():
    (alone,) = agreement_of_each(pairs_of([ranked("t", "ann", [0, 1])]))
    assert alone.pairs == 0
    assert math.isnan(alone.with_others)
    assert math.isnan(pairwise_agreement(pairs_of([ranked("t", "ann", [0, 1])])).value)


def test_rankings_become_pairs():
    pairs = pairs_of(
        [Ranking(task=1, labeler=2, ranks=[1, 0, 1], shown=[2, 0, 1], lengths=[10, 40, 0])]
    )
    assert pairs.preferences.tolist() == [-1, 0, 1]
    assert pairs.positions.tolist() == [-1.0, -0.5, 0.5]
    assert pairs.doublings == pytest.approx([-2, math.log2(10), math.log2(40)])
    assert pairs.weights == pytest.approx([2 / 3] * 3)
    with pytest.raises(BadInput, match="2 lengths"):
        pairs_of([Ranking(task=1, labeler=2, ranks=[0, 1, 2], lengths=[1, 2])])

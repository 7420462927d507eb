"""Dawid and Skene's model by hand, against crowd-kit, and by recovery."""

from __future__ import annotations

import numpy as np
import pytest
from dawid_skene import dawid_skene

from tutelage.errors import BadInput


def crowd(items: int, labelers: int, each: int, seed: int):
    """Three values; labelers right with chances from 0.35 to 0.95, wrong evenly."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 3, items)
    right = np.linspace(0.35, 0.95, labelers)
    rows = [
        (
            i,
            w,
            truth[i]
            if generator.random() < right[w]
            else (truth[i] + generator.integers(1, 3)) % 3,
        )
        for i in range(items)
        for w in generator.choice(labelers, each, replace=False)
    ]
    return (*np.array(rows).T, truth, right)


def test_one_step_by_hand():
    # Three labelers, two items: all say 0 of the first; of the second ann 0, bob and cat 1.
    items, labelers = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 2, 0, 1, 2])
    values = np.array([0, 0, 0, 0, 1, 1])
    found = dawid_skene(items, labelers, values, (2, 3, 2), steps=1)
    # Shares of votes: (1, 0) and (1/3, 2/3); so the prior is (2/3, 1/3). Of true 0 there are 4/3
    # items, of which ann calls all 0, bob and cat 1 of 4/3; of true 1 there are 2/3, ann says 0.
    assert found.prior == pytest.approx([2 / 3, 1 / 3])
    assert found.confusions[0].tolist() == [[1.0, 0.0], [1.0, 0.0]]
    for other in found.confusions[1:]:
        assert other == pytest.approx(np.array([[3 / 4, 1 / 4], [0, 1]]))
    # Item 2: 2/3 · 1 · ¼ · ¼ against 1/3 · 1 · 1 · 1.
    assert found.posteriors[1] == pytest.approx([1 / 9, 8 / 9])
    assert found.posteriors[0] == pytest.approx([1, 0], abs=1e-9)


@pytest.mark.filterwarnings("ignore")  # pandas' own deprecations inside crowd-kit
def test_it_equals_crowd_kit():
    pandas = pytest.importorskip("pandas")
    aggregation = pytest.importorskip("crowdkit.aggregation")
    items, labelers, values, *_ = crowd(80, 8, 4, 0)
    frame = pandas.DataFrame({"task": items, "worker": labelers, "label": values})
    peer = aggregation.DawidSkene(n_iter=30, tol=-1)  # it stops below tol
    peer.fit(frame)
    ours = dawid_skene(items, labelers, values, (80, 8, 3), steps=30, tolerance=0)
    theirs = peer.probas_.sort_index()[[0, 1, 2]].to_numpy()
    np.testing.assert_allclose(ours.posteriors, theirs, atol=1e-6)


def test_the_likelihood_never_falls():
    items, labelers, values, *_ = crowd(60, 6, 3, 1)
    climb = np.diff(dawid_skene(items, labelers, values, (60, 6, 3)).log_likelihoods)
    assert len(climb) > 3
    assert (climb > -1e-9).all()


def test_accuracies_are_recovered_and_the_truth_found_more_often_than_by_majority():
    items, labelers, values, truth, right = crowd(600, 12, 5, 2)
    found = dawid_skene(items, labelers, values, (600, 12, 3))
    assert np.abs(found.accuracy - right).max() < 0.1  # 250 answers each: 0.03 if truth were known
    votes = np.zeros((600, 3))
    np.add.at(votes, (items, values), 1)
    majority = (votes.argmax(axis=1) == truth).mean()
    assert (found.posteriors.argmax(axis=1) == truth).mean() > majority + 0.03


def test_pulling_helps_where_labelers_said_little():
    items, labelers, values, truth, _ = crowd(150, 110, 5, 3)
    shape = (150, 110, 3)
    alone, pulled = (
        dawid_skene(items, labelers, values, shape, shrink=shrink).posteriors.argmax(axis=1)
        for shrink in (0.0, 5.0)
    )
    assert (pulled == truth).mean() > (alone == truth).mean() + 0.02


def test_bad_input_is_named():
    one = np.array([0])
    with pytest.raises(BadInput, match="labelers must lie from 0 to 0, got 1"):
        dawid_skene(one, one + 1, one, (1, 1, 2))
    with pytest.raises(BadInput, match="none yet"):
        dawid_skene(one[:0], one[:0], one[:0], (1, 1, 2))


def test_an_item_without_answers_keeps_the_prior():
    items = np.array([0, 0, 2])
    found = dawid_skene(items, np.array([0, 1, 0]), np.array([0, 0, 1]), (3, 2, 2))
    assert found.posteriors[1] == pytest.approx(found.prior, abs=1e-6)

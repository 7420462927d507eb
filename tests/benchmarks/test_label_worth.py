"""What labels are worth for the same minutes: the small facts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from simulated_labels import (
    Crowd,
    WorldConfig,
    make_world,
    more_replies,
    pair_rows,
    share_of_labels,
)
from worth_of_labels import (
    KINDS,
    RANKED,
    Labels,
    WorthConfig,
    accuracy_by_minutes,
    collect,
    fit,
    seconds,
)

CONFIG = WorthConfig(labelers=3)
CROWD = Crowd(np.ones(3), np.array([-1.5, 0.0, 1.5]))


def world(seed: int = 0):
    generator = np.random.default_rng([seed, 7])
    made = make_world(WorldConfig(prompts=100, responses=9, features=6), generator)
    return made, more_replies(made, 200, generator)


def test_seconds_by_hand():
    """60 words at 60 a minute are a minute."""
    config = WorthConfig(
        prompt_words=30, reply_words=60, words_read=60.0, words_written=20.0, choice_s=2.0
    )
    assert seconds("pair", config) == pytest.approx(30 + 2 * 60 + 2)
    assert seconds("ranking of 4", config) == pytest.approx(30 + 4 * 60 + 8 * 2)
    assert seconds("rating", config) == seconds("thumb", config) == pytest.approx(30 + 60 + 2)
    assert seconds("thumb in passing", config) == 2
    assert seconds("demonstration", config) == pytest.approx(30 + 180)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_teaches(kind: str):
    """From 400 labels the model orders unseen pairs far better than chance, whoever is kind."""
    made, unseen = world()
    labels = collect(kind, 400, made, CROWD, CONFIG, np.random.default_rng(0))
    weights = fit(labels, 3, torch.ones(6), alike="alike" in kind)
    tests = pair_rows(unseen.features)
    assert np.mean((tests @ weights > 0) == (tests @ made.weights > 0)) > 0.8


def test_ranked_replies_come_best_first():
    made, _ = world()
    for kind, ranked in RANKED.items():
        labels = collect(kind, 600, made, CROWD, CONFIG, np.random.default_rng(1))
        worth = (labels.features.numpy() @ made.weights).mean(axis=0)
        assert len(worth) == ranked
        assert (np.diff(worth) < 0).all()


def test_offsets_pay_where_labelers_did_not_see_the_same():
    """A harsh labeler saw the better half of the replies, a kind one the worse half."""
    made, unseen = world()
    config = WorthConfig(labelers=3, prompt_spread=0.0)
    labels = collect("rating", 900, made, Crowd(np.ones(3), np.zeros(3)), config,
                     np.random.default_rng(2))  # fmt: skip
    scores = labels.features.numpy() @ made.weights
    harsh = scores + np.random.default_rng(3).normal(size=900) > 0
    levels = np.clip(labels.levels.numpy() + np.where(harsh, -2, 2), 0, 6)
    biased = Labels(labels.features, torch.from_numpy(levels), torch.from_numpy(harsh * 1))
    tests = pair_rows(unseen.features)
    truth = tests @ made.weights > 0
    right = {
        alike: np.mean((tests @ fit(biased, 3, torch.ones(6), alike=alike) > 0) == truth)
        for alike in (False, True)
    }
    assert right[False] > 0.9
    assert right[False] > right[True] + 0.1


def test_a_rating_is_worth_more_than_a_thumb_that_takes_as_long():
    shares = {"rating": [], "thumb": []}
    for seed in range(6):
        made, unseen = world(seed)
        for kind, accuracies in shares.items():
            accuracies += accuracy_by_minutes(kind, [40.0], made, unseen, CROWD, CONFIG, seed)
    assert np.mean(shares["rating"]) > np.mean(shares["thumb"])


def test_share_of_minutes_by_hand():
    minutes = [10.0, 20.0, 40.0]
    pairs, others = np.array([[0.6, 0.7, 0.8]] * 3), np.array([[0.65, 0.75, 0.9]] * 3)
    worth, interval = share_of_labels(minutes, others, pairs, 10.0, resamples=20)
    assert worth == pytest.approx(1.5)
    assert interval == pytest.approx([1.5, 1.5])
    assert share_of_labels(minutes, others, pairs, 40.0, 2)[0] == 1.0  # bounded by what was run


def test_too_few_replies_are_refused():
    made = make_world(WorldConfig(prompts=4, responses=2), np.random.default_rng(0))
    with pytest.raises(ValueError, match="ranking of 4 needs 4 replies a prompt, the world has 2"):
        collect("ranking of 4", 3, made, CROWD, CONFIG, np.random.default_rng(0))

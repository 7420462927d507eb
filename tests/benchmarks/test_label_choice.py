"""Simulated labelers are as they are said to be, and chosen pairs teach more than random ones."""

from __future__ import annotations

import label_choice
import numpy as np
import pytest
from simulated_labels import (
    WorldConfig,
    labels_to_reach,
    make_crowd,
    make_world,
    more_replies,
    pair_rows,
    rising,
    see,
)

from tutelage.labelling.choice import laplace, prior


def test_two_labelers_agree_as_often_as_is_said():
    """Counted over what they see, not worked out from the formula that set it."""
    generator = np.random.default_rng(0)
    world = make_world(WorldConfig(prompts=3_000, responses=2, agreement=0.77), generator)
    first, second = (see(world.utilities, np.ones(1), generator).argmax(axis=1) for _ in range(2))
    assert np.mean(first == second) == pytest.approx(0.77, abs=0.025)


def test_the_skilled_are_right_more_often():
    generator = np.random.default_rng(1)
    world = make_world(WorldConfig(prompts=3_000, responses=2), generator)
    truth = world.utilities.argmax(axis=1)
    right = [
        np.mean(see(world.utilities, np.array([skill]), generator).argmax(axis=1) == truth)
        for skill in (0.3, 1.0, 3.0)
    ]
    assert right[0] < right[1] - 0.05
    assert right[1] < right[2] - 0.05


def test_offsets_and_skills_are_spread_as_asked():
    crowd = make_crowd(4_000, 0.5, 1.5, np.random.default_rng(2))
    assert np.log(crowd.skills).std() == pytest.approx(0.5, abs=0.03)
    assert crowd.offsets.std() == pytest.approx(1.5, abs=0.08)


def test_pair_rows_by_hand():
    features = np.array([[[1.0, 0.0], [0.0, 2.0], [5.0, 5.0]]])
    assert pair_rows(features).tolist() == [[1.0, -2.0], [-4.0, -5.0], [-5.0, -3.0]]


def test_labels_to_reach_by_hand():
    """0.8 and 0.7 are out of order: the rising curve has their mean twice."""
    counts, curve = [10, 20, 30, 40], np.array([0.6, 0.8, 0.7, 0.9])
    assert rising(curve).tolist() == pytest.approx([0.6, 0.75, 0.75, 0.9])
    assert labels_to_reach(counts, curve, 0.5) == 10
    assert labels_to_reach(counts, curve, 0.7) == pytest.approx(10 + 10 * 0.1 / 0.15)
    assert labels_to_reach(counts, curve, 0.8) == pytest.approx(30 + 10 / 3)
    assert labels_to_reach(counts, curve, 0.95) == 40


def test_a_rising_curve_stays_as_it_is():
    curve = np.sort(np.random.default_rng(0).random(20))
    np.testing.assert_allclose(rising(curve), curve)
    np.testing.assert_allclose(rising(curve[::-1]), np.full(20, curve.mean()))


def test_skills_are_recovered():
    """1,000 pairs of each of six labelers: their skills to a fifth, and better weights for it."""
    generator = np.random.default_rng(5)
    world = make_world(WorldConfig(prompts=1_000, features=8), generator)
    rows = pair_rows(world.features)
    skills = np.array([0.3, 0.5, 0.8, 1.0, 1.5, 2.2])
    who = generator.integers(6, size=len(rows))
    chances = 1 / (1 + np.exp(-skills[who] * (rows @ world.weights)))
    says = (generator.random(len(rows)) < chances) * 1.0
    belief, found = label_choice.fit_with_skills(prior(rows, 4.0), rows, says, who, 6, spread=1.0)
    relative = np.log(found / np.exp(np.log(found).mean()))
    truth = np.log(skills / np.exp(np.log(skills).mean()))
    np.testing.assert_allclose(relative, truth, atol=0.2)
    alike = laplace(prior(rows, 4.0), rows, says)

    def angle(weights: np.ndarray) -> float:
        cosine = weights @ world.weights / np.linalg.norm(weights) / np.linalg.norm(world.weights)
        return float(np.arccos(cosine))

    assert angle(belief.mean) < 0.8 * angle(alike.mean)


def test_chosen_pairs_need_fewer_labels():
    """Six small worlds: at 120 labels chosen pairs are ahead, and they needed fewer to be level."""
    choice = label_choice.ChoiceConfig(labels=120, batch=10)
    random, chosen = [], []
    for seed in range(6):
        generator = np.random.default_rng([seed, 9])
        world = make_world(WorldConfig(prompts=80, features=10), generator)
        unseen = more_replies(world, 200, generator)
        counts, curve = label_choice.accuracy_by_labels(world, unseen, choice, seed, chosen=False)
        random.append(curve)
        chosen.append(label_choice.accuracy_by_labels(world, unseen, choice, seed, chosen=True)[1])
    assert np.mean(chosen, axis=0)[-1] > np.mean(random, axis=0)[-1]
    share, (low, high) = label_choice.share_of_labels(
        counts, np.array(random), np.array(chosen), 120, 200
    )
    assert share < 0.9
    assert low <= share <= high


def test_all_at_random_is_no_better_than_random():
    """The same with nothing chosen: the two arms differ by luck alone."""
    choice = label_choice.ChoiceConfig(labels=60, batch=20, random_share=1.0)
    gains = []
    for seed in range(12):
        generator = np.random.default_rng([seed, 9])
        world = make_world(WorldConfig(prompts=60, features=8), generator)
        unseen = more_replies(world, 200, generator)
        arms = [
            label_choice.accuracy_by_labels(world, unseen, choice, seed, arm)[1][-1]
            for arm in (0, 1)
        ]
        gains.append(arms[1] - arms[0])
    assert abs(np.mean(gains)) < 3 * np.std(gains) / np.sqrt(len(gains))


@pytest.mark.parametrize(
    ("given", "said"),
    [({"responses": 1}, "at least 2, got 1"), ({"agreement": 0.5}, "between 0.5 and 1, got 0.5")],
)
def test_worlds_that_cannot_be_are_refused(given: dict, said: str):
    with pytest.raises(ValueError, match=said):
        WorldConfig(**given)

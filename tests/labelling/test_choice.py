"""Pairs chosen by what they would teach: the arithmetic against slow definitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from tests.judges.test_reward_model import TREES, grader
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.labelling.choice import (
    Posterior,
    around,
    chances,
    choose_pairs,
    inclusion_propensities,
    information_gain,
    laplace,
    margins,
    most_informative,
    prior,
    updated,
)


def entropy(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, 1e-300, 1 - 1e-16)
    return -p * np.log(p) - (1 - p) * np.log1p(-p)


@pytest.mark.parametrize("deviation", [0.05, 0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("mean", [0.0, 1.0, -3.0, 6.0])
def test_information_gain_is_that_of_a_fine_grid(mean: float, deviation: float):
    grid = np.linspace(mean - 12 * deviation, mean + 12 * deviation, 40_001)
    density = np.exp(-0.5 * ((grid - mean) / deviation) ** 2)
    density /= density.sum()
    p = 1 / (1 + np.exp(-grid))
    expected = entropy(np.array(density @ p)) - density @ entropy(p)
    args = np.array([mean]), np.array([deviation**2])
    assert information_gain(*args)[0] == pytest.approx(expected, abs=5e-5)
    assert chances(*args)[0] == pytest.approx(density @ p, abs=5e-5)


def test_a_known_coin_toss_teaches_nothing():
    gains = information_gain(np.zeros(3), np.array([0.0, 0.1, 1.0]))
    assert gains[0] == pytest.approx(0.0, abs=1e-12)
    assert gains[1] < gains[2]


def labelled(seed: int, count: int, D: int = 3) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(count, D))
    truth = np.array([1.5, -1.0, 0.5])[:D]
    outcomes = (generator.random(count) < 1 / (1 + np.exp(-rows @ truth))).astype(float)
    return rows, outcomes


def test_laplace_is_at_the_mode_with_its_curvature():
    rows, outcomes = labelled(0, 40)
    before = Posterior(np.array([0.2, 0.0, -0.3]), np.diag([2.0, 1.0, 0.5]))
    after = laplace(before, rows, outcomes)
    w = torch.tensor(after.mean, requires_grad=True)
    x, y = torch.tensor(rows), torch.tensor(outcomes)

    def loss(w: torch.Tensor) -> torch.Tensor:
        off = w - torch.tensor(before.mean)
        surprise = torch.nn.functional.binary_cross_entropy_with_logits(x @ w, y, reduction="sum")
        return surprise + 0.5 * off @ torch.linalg.inv(torch.tensor(before.covariance)) @ off

    slope = torch.autograd.grad(loss(w), w)[0]
    assert slope.abs().max() < 1e-7
    hessian = torch.autograd.functional.hessian(loss, torch.tensor(after.mean))
    np.testing.assert_allclose(after.covariance @ hessian.numpy(), np.eye(3), atol=1e-10)


def test_a_label_that_counts_twice_is_two_labels():
    rows, outcomes = labelled(1, 6)
    twice = laplace(prior(rows), np.repeat(rows, 2, axis=0), np.repeat(outcomes, 2))
    weighed = laplace(prior(rows), rows, outcomes, np.full(6, 2.0))
    np.testing.assert_allclose(weighed.mean, twice.mean, atol=1e-9)
    np.testing.assert_allclose(weighed.covariance, twice.covariance, atol=1e-9)


def test_one_label_at_a_time_and_the_first_is_exact():
    rows, outcomes = labelled(2, 60)
    start = prior(rows)
    first = updated(start, rows[0], outcomes[0])
    exact = laplace(start, rows[:1], outcomes[:1])
    np.testing.assert_allclose(first.mean, exact.mean, atol=1e-9)
    np.testing.assert_allclose(first.covariance, exact.covariance, atol=1e-9)
    online = start
    for row, outcome in zip(rows, outcomes, strict=True):
        online = updated(online, row, outcome)
    whole = laplace(start, rows, outcomes)
    deviations = np.sqrt(np.diag(whole.covariance))
    assert (np.abs(online.mean - whole.mean) < 0.7 * deviations).all()
    np.testing.assert_allclose(np.sqrt(np.diag(online.covariance)), deviations, rtol=0.15)


def test_an_offset_is_a_feature_whose_weight_is_known():
    rows, outcomes = labelled(2, 40)
    offsets = np.linspace(-3, 3, 40)
    start = prior(rows)
    D = len(start.mean)
    known = Posterior(np.append(start.mean, 1.0), np.diag(np.full(D + 1, 1e-9)))
    known.covariance[:D, :D] = start.covariance
    wide = np.column_stack([rows, offsets])
    one = updated(start, rows[0], outcomes[0], offsets[0])
    other = updated(known, wide[0], outcomes[0])
    np.testing.assert_allclose(one.mean, other.mean[:D], atol=1e-6)
    np.testing.assert_allclose(one.covariance, other.covariance[:D, :D], atol=1e-6)
    found = around(start, rows, one.mean, offsets=offsets)
    expected = around(known, wide, np.append(one.mean, 1.0))
    np.testing.assert_allclose(found.covariance, expected.covariance[:D, :D], atol=1e-6)


def test_margins_by_hand():
    posterior = Posterior(np.array([1.0, 2.0]), np.array([[2.0, 0.5], [0.5, 1.0]]))
    means, variances = margins(posterior, [[1.0, -1.0], [0.0, 3.0]])
    np.testing.assert_allclose(means, [-1.0, 6.0])
    np.testing.assert_allclose(variances, [2.0, 9.0])


def test_a_batch_asks_nothing_twice():
    """Ten copies of the most informative pair and one that is less so, in another direction."""
    rows = np.array([[1.2, 0.0]] * 10 + [[0.0, 1.0]])
    posterior = Posterior(np.zeros(2), np.eye(2) * 4)
    alone = information_gain(*margins(posterior, rows))
    assert alone[0] > alone[10]
    order, gains = most_informative(posterior, rows, 2)
    assert order.tolist() == [0, 10]
    assert gains.tolist() == pytest.approx([alone[0], alone[10]])


def test_gains_of_a_batch_are_those_of_the_narrowed_posterior():
    """The rank-one steps against inverting the precision anew after each pair."""
    rows, _ = labelled(3, 12)
    start = prior(rows)
    order, gains = most_informative(start, rows, 6)
    precision = np.linalg.inv(start.covariance)
    for place, index in enumerate(order):
        now = Posterior(start.mean, np.linalg.inv(precision))
        own = information_gain(*margins(now, rows))
        assert gains[place] == pytest.approx(own[index], rel=1e-4)
        left = [i for i in range(12) if i not in order[:place]]
        assert own[index] >= max(own[left]) - 1e-5
        _, variance = margins(now, rows[index : index + 1])
        grid = np.linspace(-9, 9, 4001) * np.sqrt(variance[0])
        density = np.exp(-0.5 * grid**2 / variance[0])
        p = 1 / (1 + np.exp(-grid))
        curvature = (density * p * (1 - p)).sum() / density.sum()
        precision += curvature * np.outer(rows[index], rows[index])


@pytest.mark.parametrize(("count", "share"), [(1, 0.2), (2, 0.2), (3, 0.5), (4, 0.25), (5, 0.3)])
def test_propensities_are_the_chances_of_every_batch(count: int, share: float):
    """All batches of 6 candidates, each with its chance: how often a candidate is in one is its
    propensity, and the estimate weighed by it is right on average."""
    order = np.array([4, 1, 5, 0, 2])[: count - int(share * count)]
    propensities = inclusion_propensities(order, 6, count, share)
    few = int(share * count)
    included, estimate, total = np.zeros(6), 0.0, 0.0
    values = np.array([3.0, -1.0, 2.0, 0.5, 4.0, 1.0])
    for drawn, chance in ((few, 1 - (share * count - few)), (few + 1, share * count - few)):
        certain = order[: count - drawn].tolist()
        others = [i for i in range(6) if i not in certain]
        batches = list(itertools.combinations(others, drawn))
        for batch in batches:
            members = [*certain, *batch]
            included[members] += chance / len(batches)
            estimate += chance / len(batches) * (values[members] / propensities[members]).sum()
            total += chance / len(batches)
    assert total == pytest.approx(1)
    np.testing.assert_allclose(propensities, included, atol=1e-12)
    assert propensities.sum() == pytest.approx(count)
    assert estimate == pytest.approx(values.sum(), abs=1e-12)


def test_drawn_batches_are_as_their_propensities_say():
    """Over 1,500 draws: each candidate as often as logged, a fifth at random, the mean unbiased."""
    rows, _ = labelled(4, 12)
    posterior = prior(rows)
    generator = np.random.default_rng(0)
    values = rows @ np.array([1.0, 2.0, -1.0])
    seen, logged, estimates, at_random, draws = np.zeros(12), np.zeros(12), [], 0, 1_500
    for _ in range(draws):
        batch = choose_pairs(posterior, rows, 3, generator)
        assert len({c.index for c in batch}) == 3
        for chosen in batch:
            seen[chosen.index] += 1
            logged[chosen.index] = chosen.propensity
            at_random += chosen.at_random
        estimates.append(sum(values[c.index] / c.propensity for c in batch) / 12)
    noise = np.sqrt(logged * (1 - logged) / draws)
    assert (np.abs(seen / draws - logged) <= 4 * noise + 1e-12).all()
    assert at_random / (3 * draws) == pytest.approx(0.2, abs=0.02)
    error = np.std(estimates) / np.sqrt(draws)
    assert abs(np.mean(estimates) - values.mean()) < 4 * error
    plain = np.mean([values[i] for i in most_informative(posterior, rows, 3)[0]])
    assert abs(plain - values.mean()) > 6 * error  # what is not weighed is far off


def test_the_reward_models_last_layer_is_what_is_chosen_by():
    """Features times the last layer are its scores, before they were normalised."""
    model = grader()
    judge = RewardModelJudge(model, 0, row_length=12)
    features = judge.features_of_trees(TREES)
    model.unnormalise()
    torch.testing.assert_close(features @ model.last_layer.detach(), judge.score_trees(TREES))
    assert features.shape == (5, model.body.config.width + 1)

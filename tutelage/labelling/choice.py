"""Which pairs to have labelled: those whose answers say most about the reward model.

The reward model's last layer is a logistic regression: P(first preferred) = σ(w·x), x the
difference of two responses' features. Laplace's approximation makes w Gaussian given what was
labelled (MacKay 1992), and a pair is worth the information its label is expected to bring about w
(BALD: Houlsby et al. 2011, eq. 2): how unsure the model is of the answer, less how unsure it would
be of it if it knew w. A pair that people would toss a coin for brings nothing.

A row x need not be a pair: for a thumb or an answer it is the reply's features and a 1, whose
weight is less the threshold, and the outcome is yes. What is known of who answers scales the
features and is added to w·x as an offset.

Everything is NumPy in float64. Letters: N rows, D features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# Enough that gains of margins with a deviation below 5 are within 0.0005 nats.
_POINTS, _WEIGHTS = np.polynomial.hermite_e.hermegauss(64)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


@dataclass(frozen=True)
class Posterior:
    """A Gaussian over the last layer's weights. mean: (D,); covariance: (D, D)."""

    mean: Floats
    covariance: Floats


def prior(rows: ArrayLike, deviation: float = 2.0) -> Posterior:
    """Weights around 0, of one size, such that the margins of these rows (N, D) have `deviation`
    logits on average."""
    rows = np.asarray(rows, dtype=np.float64)
    size = max(np.square(rows).sum(axis=1).mean(), 1e-12)
    D = rows.shape[1]
    return Posterior(np.zeros(D), np.eye(D) * deviation**2 / size)


def laplace(
    before: Posterior,
    rows: ArrayLike,
    outcomes: ArrayLike,
    weights: ArrayLike | None = None,
    max_steps: int = 100,
) -> Posterior:
    """The posterior after labels, by Laplace's approximation at its mode.

    rows: (N, D); outcomes: (N,) from 0 to 1, 1 if the first was preferred, ½ for a tie; weights:
    (N,) how much each label counts, 1 unless given.
    """
    rows = np.asarray(rows, dtype=np.float64)
    outcomes = np.asarray(outcomes, dtype=np.float64)
    counts = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=np.float64)
    precision = np.linalg.inv(before.covariance)
    mean = before.mean.copy()

    def loss(mean: Floats) -> float:
        margins = rows @ mean
        surprise = np.logaddexp(0, margins) - outcomes * margins
        off = mean - before.mean
        return float(counts @ surprise + 0.5 * off @ precision @ off)

    now = loss(mean)
    for _ in range(max_steps):  # Newton; the loss is convex, so halving its step is enough
        chances = sigmoid(rows @ mean)
        slope = rows.T @ (counts * (chances - outcomes)) + precision @ (mean - before.mean)
        curvature = (rows.T * (counts * chances * (1 - chances))) @ rows + precision
        step = np.linalg.solve(curvature, slope)
        size = 1.0
        while (after := loss(mean - size * step)) > now and size > 1e-6:
            size /= 2
        mean, now = mean - size * step, min(now, after)
        if slope @ step < 1e-18 * max(1.0, abs(now)):
            break
    return around(before, rows, mean, counts)


def around(
    before: Posterior,
    rows: ArrayLike,
    mean: ArrayLike,
    weights: ArrayLike | None = None,
    offsets: ArrayLike = 0.0,
) -> Posterior:
    """Laplace's approximation at a last layer that was trained elsewhere on labels of these rows:
    `mean` (D,), with the precision of `before` and of the labels there. offsets: (N,) added
    to the margins w·x."""
    rows, mean = np.asarray(rows, dtype=np.float64), np.asarray(mean, dtype=np.float64)
    counts = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=np.float64)
    chances = sigmoid(rows @ mean + np.asarray(offsets))
    precision = np.linalg.inv(before.covariance)
    precision += (rows.T * (counts * chances * (1 - chances))) @ rows
    covariance = np.linalg.inv(precision)
    return Posterior(mean, (covariance + covariance.T) / 2)


def updated(before: Posterior, row: ArrayLike, outcome: float, offset: float = 0.0) -> Posterior:
    """The posterior after one more label, by one Newton step along its row (Spiegelhalter and
    Lauritzen 1990, section 4): a click's worth of learning at the cost of D² multiplications.
    offset: added to its margin w·x."""
    x = np.asarray(row, dtype=np.float64)
    along = before.covariance @ x
    mean, variance = float(before.mean @ x) + offset, float(x @ along)
    margin = mean
    for _ in range(20):  # the mode along x, where σ'(m) pulls back against the Gaussian
        chance = float(sigmoid(np.array(margin)))
        slope = (margin - mean) - variance * (outcome - chance)
        margin -= slope / (1 + variance * chance * (1 - chance))
    chance = float(sigmoid(np.array(margin)))
    rate = chance * (1 - chance)
    gain = along / (1 + rate * variance)
    return Posterior(
        before.mean + along * (outcome - chance),
        before.covariance - rate * np.outer(gain, along),
    )


def margins(posterior: Posterior, rows: ArrayLike) -> tuple[Floats, Floats]:
    """Mean and variance of w·x for each row: (N,), (N,)."""
    rows = np.asarray(rows, dtype=np.float64)
    variances = np.einsum("nd,nd->n", rows @ posterior.covariance, rows)
    return rows @ posterior.mean, variances.clip(0)


def chances(means: Floats, variances: Floats) -> Floats:
    """P(yes) of margins that are Gaussian: E σ(m), (N,)."""
    return sigmoid(_spread(means, variances)) @ _WEIGHTS


def information_gain(means: Floats, variances: Floats) -> Floats:
    """Nats that a label is expected to bring about w, from its margin's mean and variance: (N,)."""
    inner = sigmoid(_spread(means, variances))
    return (_entropy(inner @ _WEIGHTS) - _entropy(inner) @ _WEIGHTS).clip(0)


@dataclass(frozen=True)
class Chosen:
    """A pair of a batch."""

    index: int  # its row
    propensity: float  # chance with which it came into the batch, by inclusion_propensities
    gain: float  # nats expected of its label once the pairs chosen before it are labelled
    at_random: bool  # drawn at random, not by its gain


def choose_pairs(
    posterior: Posterior,
    rows: ArrayLike,
    count: int,
    generator: np.random.Generator,
    random_share: float = 0.2,
) -> list[Chosen]:
    """A batch of `count` of the candidate pairs (rows: (N, D)), all different: the most informative
    one after the other, and `random_share` of the batch drawn evenly from all others.

    Where that share is no whole number of pairs, chance rounds it, so that on average it is met.
    """
    rows = np.asarray(rows, dtype=np.float64)
    count = min(count, len(rows))
    few = int(np.floor(random_share * count))
    order, gains = most_informative(posterior, rows, count - few)
    propensities = inclusion_propensities(order, len(rows), count, random_share)
    drawn = int(np.floor(random_share * count + generator.random()))
    certain = order[: count - drawn]
    others = np.setdiff1d(np.arange(len(rows)), certain)
    picked = generator.choice(others, size=drawn, replace=False)
    alone = information_gain(*margins(posterior, rows[picked]))
    chosen = [
        Chosen(int(i), float(propensities[i]), float(gain), False)
        for i, gain in zip(certain, gains, strict=False)
    ]
    return chosen + [
        Chosen(int(i), float(propensities[i]), float(gain), True)
        for i, gain in zip(picked, alone, strict=True)
    ]


def most_informative(
    posterior: Posterior, rows: Floats, count: int
) -> tuple[NDArray[np.int64], Floats]:
    """`count` rows, each the most informative once those before it are labelled, and their gains.

    Whatever a label will say, it narrows the posterior along its row, by a rank-one step with the
    expected σ' for the curvature; rows that ask the same again lose their worth at once.
    """
    means, variances = margins(posterior, rows)
    covariance = posterior.covariance.copy()
    order = np.empty(count, dtype=np.int64)
    gains = np.empty(count)
    worth = information_gain(means, variances)
    for place in range(count):
        best = int(worth.argmax())
        order[place], gains[place] = best, worth[best]
        along = covariance @ rows[best]
        inner = sigmoid(_spread(means[best : best + 1], variances[best : best + 1]))
        curvature = float(((inner * (1 - inner)) @ _WEIGHTS)[0])
        shrink = curvature / (1 + curvature * variances[best])
        covariance -= shrink * np.outer(along, along)
        variances = (variances - shrink * np.square(rows @ along)).clip(0)
        worth = information_gain(means, variances)
        worth[order[: place + 1]] = -np.inf
    return order, gains


def inclusion_propensities(
    order: NDArray[np.int64], N: int, count: int, random_share: float
) -> Floats:
    """The chance of each of N candidates to be in the batch that choose_pairs draws: (N,).

    It is taken over the draw alone, given the posterior and the candidates, which were fixed before
    it; order: the most informative rows, best first, as many as a batch of `count` may take. A
    batch has r pairs at random, r one of two neighbouring whole numbers, and takes the first
    count − r of `order` for certain; the others share r draws evenly. Propensities sum to the
    batch's size and none is 0 (as long as random_share is above 0), so that the sum of
    label/propensity over a batch is an unbiased estimate of the sum over all candidates (Horvitz
    and Thompson 1952).
    """
    few = int(np.floor(random_share * count))
    more = random_share * count - few  # chance of one more at random
    propensities = np.zeros(N)
    for drawn, chance in ((few, 1 - more), (few + 1, more)):
        if chance > 0:
            certain = order[: count - drawn]
            given = np.full(N, drawn / max(1, N - len(certain)))
            given[certain] = 1.0
            propensities += chance * given
    return propensities


def _spread(means: Floats, variances: Floats) -> Floats:
    """Gauss–Hermite points of each margin: (N, points)."""
    return means[:, None] + np.sqrt(variances)[:, None] * _POINTS


def sigmoid(x: Floats) -> Floats:
    return 0.5 * (1 + np.tanh(0.5 * x))


def _entropy(chance: Floats) -> Floats:
    """Of a coin with this chance, in nats."""
    p = np.clip(chance, 1e-12, 1 - 1e-12)
    return -p * np.log(p) - (1 - p) * np.log1p(-p)

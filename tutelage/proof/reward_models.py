"""What a reward model costs for being learned from n labels, and what no reward model exceeds.

The truth is linear in d features of the 256 sequences; labels are drawn by Bradley and Terry's
model; what a fit is worth is a sum over all pairs of sequences.
"""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from tutelage.algorithms import functional
from tutelage.device import seeded
from tutelage.evaluation import calibration
from tutelage.proof.enumerable import small_world
from tutelage.proof.finding import Measured, at_most, claim, same

_FEATURES = 8  # d
_PAIRS = 3200  # n, labelled pairs a fit
_FITS = 200
_ITERATIONS = 7  # each leaves about a fifteenth of the distance to the optimum
_ALLOWED = 0.03  # of d/2n: the next term is 0.012 of it here, the drawing's standard error 0.007


@claim(
    "G10", "A linear reward model of d weights, learned from n pairs, loses d/2n nats on average."
)
def loss_for_learning() -> Measured:
    """The excess of the fitted model's log-loss over the truth's (Wilks 1938).

    Labels are drawn, and the half squared score ½ g·I⁻¹·g at the truth, whose mean over labels is
    d/2n exactly, follows most of their luck: its deviation from that mean is taken off.
    """
    features, truth = _features()
    pairs, ranks = draw_labels()
    expected = _FEATURES / (2 * _PAIRS)
    true_margins, margins = _margins(features @ truth), _margins(fit(pairs, ranks) @ features.T)
    right = true_margins.sigmoid()
    # KL between the two coins of each pair, in nats: what the log-loss exceeds the entropy by.
    cross = -right * F.logsigmoid(margins) - (1 - right) * F.logsigmoid(-margins)
    entropy = -right * F.logsigmoid(true_margins) - (1 - right) * F.logsigmoid(-true_margins)
    excess = cross.mean(dim=1).mean() - entropy.mean()
    gradients = loss_gradients(truth.expand(_FITS, -1), pairs, ranks)
    luck = 0.5 * (gradients @ _information().inverse() * gradients).sum(dim=1).mean() - expected
    return same(expected, excess - luck, _ALLOWED * expected)


@claim("G10", "Who knows the truth agrees with E max(p, 1 − p) of the labels.")
def truth_reaches_the_ceiling() -> Measured:
    features, truth = _features()
    margins = _margins(features @ truth)
    return same(_ceiling(margins), _agreement(margins, margins), 1e-12)


@claim("G10", "No fitted reward model agrees with more than E max(p, 1 − p) of the labels.")
def nobody_exceeds_the_ceiling() -> Measured:
    features, truth = _features()
    true_margins = _margins(features @ truth)
    fitted = fit(*(part[:3] for part in draw_labels()))
    got = [_agreement(margins, true_margins) for margins in _margins(fitted @ features.T)]
    return at_most([_ceiling(true_margins)] * len(got), got)


def fit(pairs: Tensor, ranks: Tensor) -> Tensor:
    """Weights (fits, d) of linear reward models on the pairs (fits, n, 2) and their ranks.

    Fisher scoring; the loss is convex, so it may as well start at the truth.
    """
    _, truth = _features()
    weights = truth.expand(len(pairs), -1)
    for _ in range(_ITERATIONS):
        weights = weights - loss_gradients(weights, pairs, ranks) @ _information().inverse()
    return weights


def loss_gradients(weights: Tensor, pairs: Tensor, ranks: Tensor) -> Tensor:
    """Each fit's gradient of the Bradley–Terry loss. weights and result: (fits, d)."""
    features, _ = _features()
    fits, n = pairs.shape[:2]
    weights = weights.clone().requires_grad_()
    scores = torch.einsum("fpkd,fd->fpk", features[pairs], weights)
    mask = torch.ones(fits * n, 2, dtype=torch.bool)
    # The loss is a mean over all fits' pairs; each fit wants the mean over its own.
    loss = fits * functional.bradley_terry_loss(scores.flatten(0, 1), ranks.flatten(0, 1), mask)
    (gradients,) = torch.autograd.grad(loss, weights)
    return gradients


@cache
def _information() -> Tensor:
    """The Fisher information (d, d) of one label of a pair drawn at random."""
    features, truth = _features()
    right = _margins(features @ truth).sigmoid()
    first, second = _pair_numbers()
    differences = features[first] - features[second]
    return (differences * (right * (1 - right))[:, None]).T @ differences / len(right)


@cache
def draw_labels() -> tuple[Tensor, Tensor]:
    """Pairs of sequences (fits, n, 2), and ranks of the same shape: 0 for the one preferred."""
    features, truth = _features()
    generator = seeded("exact", "labels")
    first, second = _pair_numbers()
    chosen = torch.randint(len(first), (_FITS, _PAIRS), generator=generator)
    pairs = torch.stack([first[chosen], second[chosen]], dim=-1)
    utilities = (features @ truth)[pairs]
    right = (utilities[..., 0] - utilities[..., 1]).sigmoid()
    lost = (torch.rand(right.shape, generator=generator, dtype=torch.float64) >= right).long()
    return pairs, torch.stack([lost, 1 - lost], dim=-1)


@cache
def _features() -> tuple[Tensor, Tensor]:
    """Features (M, d) of the sequences and the true weights (d,)."""
    generator = seeded("exact", "features")
    shape = (len(small_world().sequences), _FEATURES)
    features = torch.randn(shape, generator=generator, dtype=torch.float64)
    return features, torch.randn(_FEATURES, generator=generator, dtype=torch.float64) * 0.7


def _pair_numbers() -> Tensor:
    """(2, M(M − 1)/2), every pair of different sequences once."""
    M = len(small_world().sequences)
    return torch.triu_indices(M, M, offset=1)


def _margins(utilities: Tensor) -> Tensor:
    """(…, M) to (…, M(M − 1)/2): first minus second of every pair."""
    first, second = _pair_numbers()
    return utilities[..., first] - utilities[..., second]


def _ceiling(true_margins: Tensor) -> float:
    right = true_margins.sigmoid()
    return torch.maximum(right, 1 - right).mean().item()


def _agreement(margins: Tensor, true_margins: Tensor) -> float:
    """E over labels of the report card's accuracy, pair by pair."""
    right = true_margins.sigmoid().tolist()
    agreed = [
        p * calibration.accuracy([margin]) + (1 - p) * calibration.accuracy([-margin])
        for p, margin in zip(right, margins.tolist(), strict=True)
    ]
    return sum(agreed) / len(agreed)

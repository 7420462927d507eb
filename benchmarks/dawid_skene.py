"""True labels and labelers' confusions from several answers an item (Dawid and Skene 1979)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tutelage.errors import BadInput
from tutelage.labelling.pairs import Floats, Ints, totals

_TINY = 1e-10


@dataclass(frozen=True)
class Confusions:
    """I items, W labelers, V values."""

    posteriors: Floats  # (I, V) chance that each value is true
    prior: Floats  # (V,) of the true values
    confusions: Floats  # (W, V true, V given), rows sum to 1
    accuracy: Floats  # (W,) chance to be right of an item drawn by the prior
    log_likelihoods: list[float]  # nats, before each step: with `shrink` 0 they never fall


def dawid_skene(
    items: Ints,
    labelers: Ints,
    values: Ints,
    shape: tuple[int, int, int],
    *,
    shrink: float = 0.0,
    steps: int = 200,
    tolerance: float = 1e-6,
) -> Confusions:
    """Expectation maximisation from the shares of votes. items, labelers, values: (N,), below
    shape = (I, W, V).

    shrink: how many answers of the whole crowd each labeler's row is pulled by; 0 is the model as
    published, which believes a labeler of three answers to the letter. It stops when no posterior
    changes by more than `tolerance`. An item without answers keeps the prior.
    """
    I, W, V = shape  # noqa: E741
    for name, index, size in (
        ("items", items, I),
        ("labelers", labelers, W),
        ("values", values, V),
    ):
        if len(index) and (index.min() < 0 or index.max() >= size):
            raise BadInput(
                f"{name} must lie from 0 to {size - 1}, got {index.min()} to {index.max()}"
            )
    if not len(items):
        raise BadInput("True labels are estimated from answers, and there are none yet.")
    votes = np.bincount(items * V + values, minlength=I * V).reshape(I, V).astype(np.float64)
    has_answers = votes.sum(axis=1) > 0
    posteriors = (votes + ~has_answers[:, None] / V) / np.maximum(
        1, votes.sum(axis=1, keepdims=True)
    )
    likelihoods: list[float] = []
    for _ in range(steps):
        prior = posteriors[has_answers].mean(axis=0)
        confusions = _confusions(posteriors, items, labelers, values, (W, V), shrink)
        log_chances = np.log(np.maximum(confusions, _TINY))[labelers, :, values]  # (N, V true)
        logs = np.stack([totals(items, log_chances[:, v], I) for v in range(V)], axis=1)
        logs += np.log(np.maximum(prior, _TINY))
        highest = logs.max(axis=1, keepdims=True)
        scaled = np.exp(logs - highest)
        total = scaled.sum(axis=1, keepdims=True)
        likelihoods.append(float((highest + np.log(total))[has_answers].sum()))
        before, posteriors = posteriors, scaled / total
        if np.abs(posteriors - before).max() <= tolerance:
            break
    accuracy = np.einsum("v,wvv->w", prior, confusions)
    return Confusions(posteriors, prior, confusions, accuracy, likelihoods)


def _confusions(
    posteriors: Floats,
    items: Ints,
    labelers: Ints,
    values: Ints,
    shape: tuple[int, int],
    shrink: float,
) -> Floats:
    """(W, V true, V given) expected counts, pulled to the whole crowd's and made to sum to 1."""
    W, V = shape
    counts = np.zeros((W, V, V))
    for v in range(V):
        flat = totals(labelers * V + values, posteriors[items, v], W * V)
        counts[:, v] = flat.reshape(W, V)
    crowd = counts.sum(axis=0)
    crowd /= np.maximum(_TINY, crowd.sum(axis=1, keepdims=True))
    counts += shrink * crowd
    # A labeler who never met a value has no row of counts; the crowd's stands in.
    empty = counts.sum(axis=2, keepdims=True) <= _TINY
    counts = np.where(empty, crowd, counts)
    return counts / np.maximum(_TINY, counts.sum(axis=2, keepdims=True))

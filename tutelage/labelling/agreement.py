"""How far labelers agree: Krippendorff's alpha, and agreement pair by pair.

Intervals are percentiles of a bootstrap over units or tasks, which are what was sampled; answers
within one are not independent of each other (Zapf et al. 2016 find it the honest one for alpha).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tutelage.errors import BadInput
from tutelage.labelling.pairs import Floats, Ints, Pairs, totals

Level = Literal["nominal", "ordinal"]
_DRAWS_AT_ONCE = 100


@dataclass(frozen=True)
class Measured:
    """A number with its 95 % interval; not a number where nothing is shared by two labelers."""

    value: float
    ci95: tuple[float, float]
    n: int  # units or tasks that at least two labelers answered


def value_counts(units: Ints, values: Ints, levels: int) -> Floats:
    """How many labelers gave each unit each value, (U, V). units, values: (N,), values below V."""
    if len(values) and (values.min() < 0 or values.max() >= levels):
        raise BadInput(
            f"values must lie from 0 to {levels - 1}, got {values.min()} to {values.max()}"
        )
    U = int(units.max()) + 1 if len(units) else 0
    flat = np.bincount(units * levels + values, minlength=U * levels)
    return flat.reshape(U, levels).astype(np.float64)


def krippendorff_alpha(counts: Floats, level: Level = "nominal") -> float:
    """α = 1 − observed / expected disagreement (Krippendorff 2011, sections A to D).

    counts (U, V): answers by unit and value, values in their order; a missing answer is simply not
    counted, and units with fewer than two answers drop out. 1 is full agreement, 0 what chance
    makes; nan where no two answers can be compared, 1 where all are the same value.
    """
    coincidences = _coincidences(counts).sum(axis=0).reshape(counts.shape[1], counts.shape[1])
    return float(_alpha(coincidences[None], level)[0])


def alpha_interval(
    counts: Floats, level: Level = "nominal", *, draws: int = 1000, seed: int = 0
) -> Measured:
    """Alpha with its bootstrap interval over units."""
    V = counts.shape[1]
    units = _coincidences(counts)
    samples = [
        _alpha((weights @ units).reshape(-1, V, V), level)
        for weights in _resamples(len(units), draws, seed)
    ]
    return Measured(krippendorff_alpha(counts, level), _percentiles(samples), len(units))


def pairwise_agreement(
    pairs: Pairs, *, decisive: bool = False, draws: int = 1000, seed: int = 0
) -> Measured:
    """The chance that two labelers agree on a pair: 1 the same answer, ½ where one of them calls a
    tie, 0 opposite. Every task counts equally, however many labelers it had: gold questions, which
    are chosen for unanimous answers and given to everybody, would outweigh all others.

    decisive: leave ties out, and count only where both have a preference.
    """
    same, total = _task_agreement(pairs.only(pairs.preferences != 0) if decisive else pairs)
    has_pairs = total > 0
    shares = same[has_pairs] / total[has_pairs]
    samples = [weights @ shares / len(shares) for weights in _resamples(len(shares), draws, seed)]
    value = shares.mean() if len(shares) else math.nan
    return Measured(float(value), _percentiles(samples), len(shares))


@dataclass(frozen=True)
class PeerAgreement:
    """One labeler compared with the others; a share is nan where nobody shared a pair."""

    labeler: Hashable
    tasks: int  # that somebody else labelled too: the n of an interval, pairs within are alike
    pairs: int  # of theirs that somebody else labelled too
    with_others: float  # mean agreement with each other labeler of the pair, ties ½
    with_consensus: float  # agreement with the majority of the others, ½ where either is undecided


def agreement_of_each(pairs: Pairs) -> list[PeerAgreement]:
    """Every labeler compared with the other labelers of the same pairs, so that nobody is compared
    with a consensus that holds their own answer. In the order of labeler_names."""
    question = pairs.questions()
    Q = int(question.max()) + 1 if len(pairs) else 0
    votes = np.stack([totals(question, pairs.preferences == v, Q) for v in (1, 0, -1)], axis=1)
    answers = np.stack([pairs.preferences == v for v in (1, 0, -1)], axis=1).astype(np.float64)
    others = votes[question] - answers
    count = others.sum(axis=1)
    shared = count > 0
    credit = np.array([[1.0, 0.5, 0.0], [0.5, 1.0, 0.5], [0.0, 0.5, 1.0]])
    with_others = np.einsum("nv,vu,nu->n", answers, credit, others) / np.maximum(1, count)
    lead = np.sign(others[:, 0] - others[:, 2])
    is_tie = others[:, 1] > np.maximum(others[:, 0], others[:, 2])
    consensus = np.where(is_tie, 0.0, lead)
    with_consensus = 1 - 0.5 * np.abs(consensus - pairs.preferences)
    rows_of_each = []
    for index, name in enumerate(pairs.labeler_names):
        rows = shared & (pairs.labelers == index)
        n = int(rows.sum())
        rows_of_each.append(
            PeerAgreement(
                name,
                len(np.unique(pairs.tasks[rows])),
                n,
                float(with_others[rows].mean()) if n else math.nan,
                float(with_consensus[rows].mean()) if n else math.nan,
            )
        )
    return rows_of_each


def _coincidences(counts: Floats) -> Floats:
    """What each unit adds to the coincidence matrix, flat: (units with two answers or more, V·V).
    A pair of answers weighs 1/(m − 1), so that a unit of m answers weighs m."""
    answers = counts.sum(axis=1)
    counts, answers = counts[answers > 1], answers[answers > 1]
    outer = counts[:, :, None] * counts[:, None, :]
    index = np.arange(counts.shape[1])
    outer[:, index, index] -= counts
    return (outer / (answers - 1)[:, None, None]).reshape(len(counts), counts.shape[1] ** 2)


def _alpha(coincidences: Floats, level: Level) -> Floats:
    """(B, V, V) coincidence matrices to (B,) alphas."""
    B, V, _ = coincidences.shape
    margins = coincidences.sum(axis=2)
    total = margins.sum(axis=1)
    if level == "nominal":
        distance = np.broadcast_to(1.0 - np.eye(V), (B, V, V))
    elif level == "ordinal":
        # (n_c/2 + everything between + n_k/2)², the difference of the values' mid-ranks.
        ranks = margins.cumsum(axis=1) - margins / 2
        distance = (ranks[:, :, None] - ranks[:, None, :]) ** 2
    else:
        raise BadInput(f"level must be nominal or ordinal, got {level!r}")
    observed = (coincidences * distance).sum(axis=(1, 2))
    expected = (margins[:, :, None] * margins[:, None, :] * distance).sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        alpha = 1 - (total - 1) * observed / expected
    # One value only: nobody disagreed, though nothing shows that they could have.
    return np.where((expected == 0) & (total > 0), 1.0, alpha)


def _task_agreement(pairs: Pairs) -> tuple[Floats, Floats]:
    """Agreement summed over the task's pairs and over each two of their labelers, and how many of
    those there are; both (tasks,)."""
    question = pairs.questions()
    Q = int(question.max()) + 1 if len(pairs) else 0
    first, tie, second = (totals(question, pairs.preferences == value, Q) for value in (1, 0, -1))
    count = first + tie + second
    agree = sum(v * (v - 1) / 2 for v in (first, tie, second)) + 0.5 * tie * (first + second)
    task = np.zeros(Q, dtype=np.int64)
    task[question] = pairs.tasks
    T = len(pairs.task_names)
    return totals(task, agree, T), totals(task, count * (count - 1) / 2, T)


def _resamples(n: int, draws: int, seed: int) -> Iterator[Floats]:
    """How often each of n is drawn in a bootstrap, (up to 100, n) at a time."""
    generator = np.random.default_rng(seed)
    for start in range(0, draws if n else 0, _DRAWS_AT_ONCE):
        some = min(_DRAWS_AT_ONCE, draws - start)
        yield generator.multinomial(n, np.full(n, 1 / n), size=some).astype(np.float64)


def _percentiles(samples: list[Floats]) -> tuple[float, float]:
    values = np.concatenate(samples) if samples else np.zeros(0)
    values = values[np.isfinite(values)]
    if not len(values):
        return math.nan, math.nan
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)

"""The reward model's report card: how often it agrees with labelers, and whether it knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import torch
from torch import Tensor

_LENGTH_BINS = (
    (0, 0, "equal length"),
    (1, 4, "1 to 4 characters"),
    (5, 12, "5 to 12 characters"),
    (13, 10**6, "13 characters or more"),
)


@dataclass(frozen=True)
class Pair:
    """Two responses to one prompt, the labeler's preferred one first. Margins: first − second."""

    margin: float  # of the reward model's scores
    true_margin: float  # of the labeler's utilities without noise
    gold_margin: float  # of the gold check alone
    length_difference: int  # characters


def labelled_pairs(
    scores: Sequence[Tensor],
    ranks: Sequence[Sequence[int]],
    worth: Sequence[Tensor],
    gold: Sequence[Sequence[float]],
    lengths: Sequence[Sequence[int]],
) -> list[Pair]:
    """Pairs of one prompt that the labeler did not call equal."""
    prompts = zip(scores, ranks, worth, gold, lengths, strict=True)
    return [
        Pair(
            (score[i] - score[j]).item(),
            (utility[i] - utility[j]).item(),
            truth[i] - truth[j],
            length[i] - length[j],
        )
        for score, rank, utility, truth, length in prompts
        for i, j in permutations(range(len(rank)), 2)
        if rank[i] < rank[j]
    ]


def accuracy(margins: Sequence[float]) -> float:
    """Share of positive margins, a margin of 0 being half right."""
    return sum(1.0 if m > 0 else 0.5 if m == 0 else 0.0 for m in margins) / max(1, len(margins))


def report_card(pairs: Sequence[Pair], bins: int = 10) -> dict[str, object]:
    """Pair accuracy, the ceiling of a judge that knows the labeler's utilities, the accuracy on
    pairs of one right and one wrong reply, expected calibration error and its curve."""
    confidence = torch.tensor([p.margin for p in pairs], dtype=torch.float64).sigmoid()
    confident = torch.maximum(confidence, 1 - confidence)
    right = torch.where(confidence == 0.5, 0.5, (confidence > 0.5).double())
    edges = torch.linspace(0.5, 1.0, bins + 1, dtype=torch.float64)
    place = torch.bucketize(confident, edges[1:-1], right=True)
    curve, ece = [], 0.0
    for b in range(bins):
        inside = place == b
        count = int(inside.sum())
        if count:
            mean, hit = confident[inside].mean().item(), right[inside].mean().item()
            curve.append({"confidence": mean, "accuracy": hit, "n": count})
            ece += count / len(pairs) * abs(mean - hit)
    informative = [p for p in pairs if p.gold_margin != 0]
    by_length = []
    for low, high, label in _LENGTH_BINS:
        chosen = [p.margin for p in pairs if low <= abs(p.length_difference) <= high]
        if chosen:
            by_length.append({"label": label, "accuracy": accuracy(chosen), "n": len(chosen)})
    return {
        "pair_accuracy": accuracy([p.margin for p in pairs]),
        "ceiling": accuracy([p.true_margin for p in pairs]),
        "gold_pair_accuracy": accuracy([p.margin * p.gold_margin for p in informative]),
        "ece": ece,
        "n": len(pairs),
        "calibration": curve,
        "by_length_difference": by_length,
    }

"""The reward model's report card: how often it agrees with labelers, and whether it knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import torch
from torch import Tensor

from tutelage.evaluation.statistics import clustered_interval

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
    prompt: int  # which it is; pairs of one are not independent


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
            prompt,
        )
        for prompt, (score, rank, utility, truth, length) in enumerate(prompts)
        for i, j in permutations(range(len(rank)), 2)
        if rank[i] < rank[j]
    ]


def accuracy(margins: Sequence[float]) -> float:
    """Share of positive margins, a margin of 0 being half right."""
    return sum(1.0 if m > 0 else 0.5 if m == 0 else 0.0 for m in margins) / max(1, len(margins))


def accuracy_of(pairs: Sequence[Pair]) -> dict[str, object]:
    """The reward model's accuracy on these, its interval over prompts (one tells nothing), n."""
    by_prompt: dict[int, list[float]] = {}
    for pair in pairs:
        by_prompt.setdefault(pair.prompt, []).append(pair.margin)
    ci95 = clustered_interval((accuracy(own) * len(own), len(own)) for own in by_prompt.values())
    share = accuracy([pair.margin for pair in pairs])
    return {"accuracy": share, "ci95": ci95 or [0.0, 1.0], "n": len(pairs)}


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
            within = [pairs[i] for i in inside.nonzero().flatten().tolist()]
            curve.append({"confidence": mean, **accuracy_of(within)})
            ece += count / len(pairs) * abs(mean - hit)
    informative = [p for p in pairs if p.gold_margin != 0]
    by_length = []
    for low, high, label in _LENGTH_BINS:
        chosen = [p for p in pairs if low <= abs(p.length_difference) <= high]
        if chosen:
            by_length.append({"label": label, **accuracy_of(chosen)})
    whole = accuracy_of(pairs)
    return {
        "pair_accuracy": whole["accuracy"],
        "ci95": whole["ci95"],
        "prompts": len({p.prompt for p in pairs}),
        "ceiling": accuracy([p.true_margin for p in pairs]),
        "gold_pair_accuracy": accuracy([p.margin * p.gold_margin for p in informative]),
        "ece": ece,
        "n": len(pairs),
        "calibration": curve,
        "by_length_difference": by_length,
    }

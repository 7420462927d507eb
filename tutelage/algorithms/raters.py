"""Who rates, and how strictly: what stands between a response's score and the rating it gets.

logit P(level > k) = a·s + b − θ_k, s the score: the proportional-odds model (McCullagh 1980). The
thresholds θ and the slope a belong to a scale and are shared; the offset b is a labeler's on that
scale, high for one who rates kindly, 0 for a labeler who is not known. Yes or no has one threshold
and is the same model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tutelage.algorithms.functional import ordinal_loss
from tutelage.errors import BadInput
from tutelage.runs import read_json, write_json
from tutelage.schema import SCALES, Rating, Scale

FILE = "raters.json"  # beside the reward model's weights


class Raters(nn.Module):
    """Thresholds and slope of each scale, an offset for each of `labelers`, (scale, name) pairs."""

    def __init__(self, labelers: Iterable[tuple[Scale, str]]) -> None:
        super().__init__()
        self.labelers = {pair: place for place, pair in enumerate(dict.fromkeys(labelers))}
        # Increasing without a constraint: the lowest threshold and the logarithms of the gaps.
        self.lowest = nn.ParameterDict({scale: nn.Parameter(torch.zeros(1)) for scale in SCALES})
        self.log_gaps = nn.ParameterDict(
            {scale: nn.Parameter(torch.zeros(high - low - 1)) for scale, (low, high) in
             SCALES.items()}
        )  # fmt: skip
        self.log_slopes = nn.ParameterDict(
            {scale: nn.Parameter(torch.zeros(())) for scale in SCALES}
        )
        self.offsets = nn.Parameter(torch.zeros(len(self.labelers)))

    def thresholds(self, scale: Scale) -> Tensor:
        """θ of a scale, increasing: (levels − 1,), logits."""
        gaps = self.log_gaps[scale].exp().cumsum(dim=0)
        return torch.cat([self.lowest[scale], self.lowest[scale] + gaps])

    def logits(self, scores: Tensor, scale: Scale, labelers: Sequence[str]) -> Tensor:
        """a·s + b of each score as its labeler sees it: (N,)."""
        places = [self.labelers.get((scale, labeler), -1) for labeler in labelers]
        known = torch.tensor(places, dtype=torch.long, device=scores.device)
        offsets = torch.cat([self.offsets, self.offsets.new_zeros(1)])[known]
        return self.log_slopes[scale].exp() * scores + offsets

    def loss(self, scores: Tensor, ratings: Sequence[Rating]) -> Tensor:
        """Mean −log P(rating | score): scores (N,) of the N rated responses; 0 without any."""
        total = scores.new_zeros(())
        for scale in SCALES:
            own = [place for place, rating in enumerate(ratings) if rating.scale == scale]
            if own:
                levels = torch.tensor([ratings[i].level for i in own], device=scores.device)
                logits = self.logits(scores[own], scale, [ratings[i].labeler for i in own])
                total = total + len(own) * ordinal_loss(logits, self.thresholds(scale), levels)
        return total / max(1, len(ratings))

    def penalty(self) -> Tensor:
        """−log of the prior, in nats: offsets and log-slopes are N(0, 1). Without it a kinder crowd
        and lower thresholds would be the same, and ratings alone would not know a score's unit."""
        slopes = sum(slope.square() for slope in self.log_slopes.values())
        return 0.5 * (self.offsets.square().sum() + slopes)

    @torch.no_grad()
    def begin(self, ratings: Sequence[Rating], score: float) -> None:
        """Put the thresholds where a response of this score would get each level as often as these
        ratings have it."""
        for scale in {rating.scale for rating in ratings}:
            levels = torch.tensor([rating.level for rating in ratings if rating.scale == scale])
            low, high = SCALES[scale]
            counts = torch.bincount(levels, minlength=high - low + 1) + 0.5
            edges = (counts.cumsum(0) / counts.sum())[:-1].logit()
            self.lowest[scale].copy_(edges[:1] + self.log_slopes[scale].exp().cpu() * score)
            self.log_gaps[scale].copy_(edges.diff().log())

    @torch.no_grad()
    def probabilities(self, scores: Tensor, scale: Scale, labeler: str = "") -> Tensor:
        """P(level | score) for this labeler: (N, levels)."""
        logits = self.logits(scores, scale, [labeler] * len(scores))
        at_most = (self.thresholds(scale) - logits[:, None]).sigmoid()
        edges = torch.cat(
            [torch.zeros_like(at_most[:, :1]), at_most, torch.ones_like(at_most[:, :1])], dim=1
        )
        return edges.diff(dim=1)


def save_raters(folder: Path, raters: Raters) -> None:
    """Write raters.json into an existing folder."""
    offsets: dict[str, dict[str, float]] = {scale: {} for scale in SCALES}
    for (scale, labeler), place in raters.labelers.items():
        offsets[scale][labeler] = raters.offsets[place].item()
    described = {
        scale: {
            "thresholds": raters.thresholds(scale).tolist(),
            "slope": raters.log_slopes[scale].exp().item(),
            "offsets": offsets[scale],
        }
        for scale in SCALES
    }
    write_json(folder / FILE, described)


def load_raters(folder: Path, ratings: Sequence[Rating] = ()) -> Raters | None:
    """The raters of a reward model's folder, with those of `ratings` that are new there; None
    where the folder has none."""
    if not (folder / FILE).exists():
        return None
    described: Mapping[Scale, Any] = read_json(folder / FILE)
    try:
        known = [(scale, name) for scale in SCALES for name in described[scale]["offsets"]]
        raters = Raters([*known, *((rating.scale, rating.labeler) for rating in ratings)])
        with torch.no_grad():
            for scale in SCALES:
                thresholds = torch.tensor(described[scale]["thresholds"])
                raters.lowest[scale].copy_(thresholds[:1])
                raters.log_gaps[scale].copy_(thresholds.diff().log())
                raters.log_slopes[scale].copy_(torch.tensor(described[scale]["slope"]).log())
            for scale, name in known:
                raters.offsets[raters.labelers[scale, name]] = described[scale]["offsets"][name]
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise BadInput(f"{folder / FILE} is not as `tutelage reward` writes it: {error}.") from None
    return raters

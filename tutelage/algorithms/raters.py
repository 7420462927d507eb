"""Who rates, and how strictly: what stands between a response's score and the rating it gets.

logit P(level > k) = a·c·(s − m) + b − θ_k, s the score: the proportional-odds model (McCullagh
1980). The thresholds θ and the slope a belong to a scale and are shared. The offset b and the slope
c are a labeler's on that scale: b is high for one who rates kindly, c low for one whose ratings
follow the score little; they are 0 and 1 for a labeler who is not known. m is a constant near the
scores, so that a slope turns about their middle. Yes or no has one threshold and is the same model.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutelage.algorithms.functional import ordinal_loss
from tutelage.errors import BadInput
from tutelage.runs import read_json, write_json
from tutelage.schema import SCALES, Rating, Scale

FILE = "raters.json"  # beside the reward model's weights
TRUST_SPREAD = 0.3  # deviation of the logarithm of labelers' slopes, before they have rated


class Raters(nn.Module):
    """Thresholds and slope of each scale, offset and slope of each of `labelers`, (scale, name)
    pairs."""

    centre: Tensor
    has_begun: Tensor

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
        self.log_trust = nn.Parameter(torch.zeros(len(self.labelers)))
        self.register_buffer("centre", torch.zeros(()))
        self.register_buffer("has_begun", torch.zeros(len(SCALES), dtype=torch.bool))

    def thresholds(self, scale: Scale) -> Tensor:
        """θ of a scale, increasing: (levels − 1,), logits."""
        gaps = self.log_gaps[scale].exp().cumsum(dim=0)
        return torch.cat([self.lowest[scale], self.lowest[scale] + gaps])

    def logits(self, scores: Tensor, scale: Scale, labelers: Sequence[str]) -> Tensor:
        """a·c·(s − m) + b of each score as its labeler sees it: (N,)."""
        places = [self.labelers.get((scale, labeler), -1) for labeler in labelers]
        known = torch.tensor(places, dtype=torch.long, device=scores.device)
        offsets, log_trust = (F.pad(own, (0, 1))[known] for own in (self.offsets, self.log_trust))
        slopes = (self.log_slopes[scale] + log_trust).exp()
        return slopes * (scores - self.centre) + offsets

    @torch.no_grad()
    def line(self, scale: Scale, labeler: str) -> tuple[float, float]:
        """Slope and offset of the logit with which this labeler says more than a scale's lowest
        level of a score: of yes, where the scale is yes or no."""
        logits = self.logits(torch.tensor([0.0, 1.0]), scale, [labeler, labeler])
        at_0, at_1 = (logits - self.thresholds(scale)[0]).tolist()
        return at_1 - at_0, at_0

    def knows(self, scale: Scale) -> bool:
        """Whether anybody has rated on this scale."""
        return bool(self.has_begun[list(SCALES).index(scale)])

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
        """−log of the prior, in nats: offsets and scales' log-slopes are N(0, 1), labelers'
        log-slopes N(0, 0.3²). Without it a kinder crowd and lower thresholds would be the same, and
        ratings alone would not know a score's unit."""
        slopes = sum(slope.square() for slope in self.log_slopes.values())
        trust = (self.log_trust / TRUST_SPREAD).square().sum()
        return 0.5 * (self.offsets.square().sum() + slopes + trust)

    @torch.no_grad()
    def begin(self, ratings: Sequence[Rating], score: float) -> None:
        """Put the thresholds where a response of this score would get each level as often as these
        ratings have it, for scales that have no thresholds yet. The first time of all, the score
        becomes the middle m."""
        if not self.has_begun.any():
            self.centre.fill_(score)
        for place, scale in enumerate(SCALES):
            levels = torch.tensor([rating.level for rating in ratings if rating.scale == scale])
            if self.has_begun[place] or not len(levels):
                continue
            low, high = SCALES[scale]
            counts = torch.bincount(levels, minlength=high - low + 1) + 0.5
            edges = (counts.cumsum(0) / counts.sum())[:-1].logit()
            middle = self.log_slopes[scale].exp() * (score - self.centre)
            self.lowest[scale].copy_(edges[:1].to(middle) + middle)
            self.log_gaps[scale].copy_(edges.diff().log())
            self.has_begun[place] = True

    @torch.no_grad()
    def joined_by(self, labelers: Iterable[tuple[Scale, str]]) -> Raters:
        """These raters and, after them, those of `labelers` who are new."""
        more = Raters([*self.labelers, *labelers]).to(self.centre.device)
        own = len(self.labelers)
        more.offsets[:own] = self.offsets
        more.log_trust[:own] = self.log_trust
        state = self.state_dict() | {"offsets": more.offsets, "log_trust": more.log_trust}
        more.load_state_dict(state)
        return more

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
    described: dict[str, Any] = {
        scale: {
            "thresholds": raters.thresholds(scale).tolist(),
            "slope": raters.log_slopes[scale].exp().item(),
            "labelers": {},
        }
        for place, scale in enumerate(SCALES)
        if raters.has_begun[place] or scale in {used for used, _ in raters.labelers}
    }
    for (scale, labeler), place in raters.labelers.items():
        described[scale]["labelers"][labeler] = {
            "offset": raters.offsets[place].item(),
            "slope": raters.log_trust[place].exp().item(),
        }
    described["centre"] = raters.centre.item()
    write_json(folder / FILE, described)


def load_raters(folder: Path) -> Raters | None:
    """The raters of a reward model's folder; None where it has none."""
    if not (folder / FILE).exists():
        return None
    described: Mapping[str, Any] = read_json(folder / FILE)
    try:
        begun = [scale for scale in SCALES if scale in described]
        known = [(scale, name) for scale in begun for name in described[scale]["labelers"]]
        raters = Raters(known)
        with torch.no_grad():
            raters.centre.fill_(described["centre"])
            raters.has_begun.copy_(torch.tensor([scale in described for scale in SCALES]))
            for scale in begun:
                thresholds = torch.tensor(described[scale]["thresholds"])
                raters.lowest[scale].copy_(thresholds[:1])
                raters.log_gaps[scale].copy_(thresholds.diff().log())
                raters.log_slopes[scale].fill_(math.log(described[scale]["slope"]))
            for scale, name in known:
                place, own = raters.labelers[scale, name], described[scale]["labelers"][name]
                raters.offsets[place] = own["offset"]
                raters.log_trust[place] = math.log(own["slope"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise BadInput(f"{folder / FILE} is not as `tutelage reward` writes it: {error}.") from None
    return raters

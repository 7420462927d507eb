"""What each kind of label is worth for the same minutes, with simulated labelers who are noisy and
rate each by a yardstick of their own.

How long a label takes is a model, not a measurement: what has to be read at 238 words a minute
(Brysbaert 2019, silent reading of non-fiction), written at 52 (Dhakal et al. 2018, typing) and
decided at 1.35 s and a key of 0.28 s a choice (the keystroke-level model: Card, Moran and Newell
1980). Sorting K replies takes K·log2 K choices.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from simulated_labels import (
    Crowd,
    World,
    pair_rows,
    rating_thresholds,
    see,
)
from torch import Tensor

from tutelage.algorithms.functional import bradley_terry_loss, ordinal_loss
from tutelage.algorithms.raters import TRUST_SPREAD
from tutelage.config import require
from tutelage.labelling.choice import Floats, prior


@dataclass(frozen=True, kw_only=True)
class WorthConfig:
    labelers: int = 8
    skill_spread: float = 0.3  # deviation of the logarithm of labelers' skills
    offset_spread: float = 1.0  # deviation of their offsets when they rate, logits
    prompt_spread: float = 1.0  # of what a prompt does to ratings of all its replies, logits
    rating_noise: float = 0.0  # deviation that a rating has besides what a reply looks like, logits
    written_from: int = 8  # a written reply is as good as the best of so many sampled ones
    prompt_words: int = 30
    reply_words: int = 60
    words_read: float = 238.0  # a minute
    words_written: float = 52.0  # a minute
    choice_s: float = 1.63  # of one decision and its key

    def __post_init__(self) -> None:
        require(self, "above 0", "labelers", "written_from", "words_read", "words_written")
        require(self, "at least 0", "skill_spread", "offset_spread", "prompt_spread")
        require(self, "at least 0", "rating_noise")
        require(self, "at least 0", "prompt_words", "reply_words", "choice_s")


# Replies that each kind of label ranks; 1 is judged alone.
RANKED = {"pair": 2, "ranking of 4": 4, "ranking of 9": 9, "demonstration": 2}
RATED = {"rating": 7, "rating, labelers alike": 7, "thumb": 2, "thumb in passing": 2}
KINDS = (*RANKED, *RATED)


def seconds(kind: str, config: WorthConfig) -> float:
    """Of one label. A thumb in passing is given by who has read the reply anyway."""
    read = 60 / config.words_read
    prompt, reply = read * config.prompt_words, read * config.reply_words
    if kind == "demonstration":
        return prompt + 60 / config.words_written * config.reply_words
    if kind == "thumb in passing":
        return config.choice_s
    replies = RANKED.get(kind, 1)
    choices = 1 if replies < 3 else replies * math.log2(replies)
    return prompt + replies * reply + choices * config.choice_s


@dataclass(frozen=True)
class Labels:
    """Either comparisons, features (N, K, D) best first, or ratings, features (N, D) with levels
    (N,) from 0 and labelers (N,)."""

    features: Tensor
    levels: Tensor | None = None
    labelers: Tensor | None = None

    def first(self, count: int) -> Labels:
        if self.levels is None or self.labelers is None:
            return Labels(self.features[:count])
        return Labels(self.features[:count], self.levels[:count], self.labelers[:count])


def collect(
    kind: str,
    count: int,
    world: World,
    crowd: Crowd,
    config: WorthConfig,
    generator: np.random.Generator,
) -> Labels:
    """`count` labels of this kind, each by a labeler and of a prompt drawn at random."""
    who = generator.integers(len(crowd.skills), size=count)
    P, K, _ = world.features.shape
    prompts = generator.integers(P, size=count)
    # What a prompt does to all its replies cancels where they are compared.
    ease = config.prompt_spread * generator.normal(size=(P, 1))[:, 0]
    replies = generator.permuted(np.tile(np.arange(K), (count, 1)), axis=1)
    features = world.features[prompts[:, None], replies]  # (N, K, D), in random order
    if kind in RANKED:
        most = config.written_from + 1 if kind == "demonstration" else RANKED[kind]
        if most > K:
            raise ValueError(f"{kind} needs {most} replies a prompt, the world has {K}")
        features = features[:, :most]
        seen = see(features @ world.weights, crowd.skills[who][:, None], generator)
        if kind == "demonstration":  # the last reply is the model's, the best other one is written
            best = seen[:, :-1].argmax(axis=1)
            features = np.stack([features[np.arange(count), best], features[:, -1]], axis=1)
        else:
            order = (-seen).argsort(axis=1)
            features = np.take_along_axis(features, order[:, :, None], axis=1)
        return Labels(torch.from_numpy(features))
    every = rating_thresholds(world)
    thresholds = every if RATED[kind] == 7 else every[3:4]
    seen = see(features[:, 0] @ world.weights, crowd.skills[who], generator)
    seen = seen + crowd.offsets[who] + ease[prompts]
    seen = seen + config.rating_noise * generator.normal(size=count)
    levels = np.searchsorted(thresholds, seen)
    return Labels(torch.from_numpy(features[:, 0]), torch.from_numpy(levels), torch.from_numpy(who))


def fit(labels: Labels, labelers: int, deviation: Tensor, alike: bool = False) -> Floats:
    """Utility's weights, (D,), by the losses and priors that train the reward model, a Gaussian
    prior of `deviation` on the weights. Against a prior a ranking counts as its independent pairs
    do, K − 1; in training, which has none, it weighs as any prompt (Ouyang et al. 2022, eq. 1).
    alike: labelers have no offset and no slope of their own."""
    D = labels.features.shape[-1]
    weights = torch.zeros(D, dtype=torch.float64, requires_grad=True)
    parameters = [weights]
    if labels.levels is not None:
        levels = labels.levels
        counts = torch.bincount(levels, minlength=int(levels.max()) + 1).double() + 0.5
        edges = (counts.cumsum(0) / counts.sum())[:-1].logit()
        lowest, log_gaps = edges[:1], edges.diff().log()
        offsets, log_trust = torch.zeros(2, labelers, dtype=torch.float64)
        parameters += [lowest, log_gaps, *([] if alike else [offsets, log_trust])]
        parameters = [p.detach().clone().requires_grad_() for p in parameters]
        weights, lowest, log_gaps = parameters[:3]
        if not alike:
            offsets, log_trust = parameters[3:]

    def loss() -> Tensor:
        scores = labels.features @ weights
        total = 0.5 * (weights / deviation).square().sum()
        if labels.levels is None:
            N, K = scores.shape
            ranks, mask = torch.arange(K).expand(N, K), torch.ones(N, K, dtype=torch.bool)
            return total + N * (K - 1) * bradley_terry_loss(scores, ranks, mask)
        assert labels.labelers is not None
        thresholds = torch.cat([lowest, lowest + log_gaps.exp().cumsum(0)])
        total = total + 0.5 * offsets.square().sum()
        total = total + 0.5 * (log_trust / TRUST_SPREAD).square().sum()
        logits = log_trust.exp()[labels.labelers] * scores + offsets[labels.labelers]
        return total + len(scores) * ordinal_loss(logits, thresholds, labels.levels)

    optimiser = torch.optim.LBFGS(
        parameters,
        max_iter=100,
        tolerance_grad=1e-5,
        tolerance_change=1e-9,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = loss()
        value.backward()
        return value

    optimiser.step(closure)
    return weights.detach().numpy()


def accuracy_by_minutes(
    kind: str,
    minutes: Sequence[float],
    world: World,
    unseen: World,
    crowd: Crowd,
    config: WorthConfig,
    seed: int,
) -> list[float]:
    """Share of unseen pairs that the model orders as their utilities do, after so many minutes of
    this kind of label; longer ones go on with what shorter ones had."""
    generator = np.random.default_rng([seed, KINDS.index(kind)])
    counts = [max(2, int(60 * m / seconds(kind, config))) for m in minutes]
    every = collect(kind, max(counts), world, crowd, config, generator)
    variance = prior(pair_rows(world.features)).covariance.diagonal()
    deviation = torch.from_numpy(np.sqrt(variance))
    tests = pair_rows(unseen.features)
    truth = tests @ unseen.weights > 0
    shares = []
    for count in counts:
        weights = fit(every.first(count), config.labelers, deviation, alike="alike" in kind)
        shares.append(float(np.mean((tests @ weights > 0) == truth)))
    return shares

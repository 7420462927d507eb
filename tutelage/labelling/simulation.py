"""Labelers of known skill and the replies they judge: what labels are worth, without people.

A reply is D features and its utility is linear in them, so that a reward model's last layer is all
there is to learn. A labeler sees skill·utility + Gumbel noise, once for each reply of a task, and
answers by that: a pair or a ranking by its order (Bradley–Terry and Plackett–Luce labelers), a
rating or a thumb by thresholds, which each labeler moves by an offset of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tutelage.config import require
from tutelage.labelling.choice import (
    Floats,
    Posterior,
    choose_pairs,
    laplace,
    prior,
)

# A reply's share among all at which the thresholds of 1 to 7 lie: few 1s and 7s, as people rate.
_SHARES = np.array([0.05, 0.15, 0.3, 0.5, 0.7, 0.88])


@dataclass(frozen=True, kw_only=True)
class WorldConfig:
    prompts: int = 200
    responses: int = 4  # of a prompt
    features: int = 24
    decay: float = 0.5  # the k-th feature has deviation k^−decay; 0: all alike
    agreement: float = 0.77  # of two labelers of skill 1 on a pair, as InstructGPT's had

    def __post_init__(self) -> None:
        require(self, "above 0", "prompts", "features")
        require(self, "at least 0", "decay")
        if self.responses < 2:
            raise ValueError(f"responses must be at least 2, got {self.responses}")
        if not 0.5 < self.agreement < 1:
            raise ValueError(f"agreement must lie between 0.5 and 1, got {self.agreement}")


@dataclass(frozen=True)
class World:
    """features: (P, K, D) of the replies; weights: (D,), utility's, in logits of a pair."""

    features: Floats
    weights: Floats

    @property
    def utilities(self) -> Floats:
        """(P, K)."""
        return self.features @ self.weights


def make_world(config: WorldConfig, generator: np.random.Generator) -> World:
    """Replies of random features, and utilities as large as makes labelers agree so often."""
    P, K, D = config.prompts, config.responses, config.features
    deviations = np.arange(1, D + 1) ** -config.decay
    features = generator.normal(size=(P, K, D)) * deviations
    weights = generator.normal(size=D)
    differences = pair_rows(features)
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        chances = _sigmoid(differences @ weights * middle)
        agree = np.mean(chances**2 + (1 - chances) ** 2)
        low, high = (middle, high) if agree < config.agreement else (low, middle)
    return World(features, weights * low)


def more_replies(world: World, prompts: int, generator: np.random.Generator) -> World:
    """Other prompts of the same world, to measure on."""
    _, K, D = world.features.shape
    deviations = np.sqrt(np.square(world.features).mean(axis=(0, 1)))
    return World(generator.normal(size=(prompts, K, D)) * deviations, world.weights)


def pair_rows(features: Floats) -> Floats:
    """Differences of all pairs i < j of a prompt: (P·K(K−1)/2, D)."""
    i, j = np.triu_indices(features.shape[1], k=1)
    return (features[:, i] - features[:, j]).reshape(-1, features.shape[2])


@dataclass(frozen=True)
class Crowd:
    """skills: (L,), what utilities are multiplied by before the noise; offsets: (L,), logits added
    before a rating's thresholds: above 0 is kind."""

    skills: Floats
    offsets: Floats


def make_crowd(
    labelers: int, skill_spread: float, offset_spread: float, generator: np.random.Generator
) -> Crowd:
    """Skills are log-normal with median 1, offsets normal around 0."""
    return Crowd(
        np.exp(skill_spread * generator.normal(size=labelers)),
        offset_spread * generator.normal(size=labelers),
    )


def see(utilities: Floats, skills: Floats, generator: np.random.Generator) -> Floats:
    """What labelers see of replies; skills must broadcast to utilities."""
    return skills * utilities + generator.gumbel(size=utilities.shape)


def rating_thresholds(world: World) -> Floats:
    """Where 1 to 7 change over for a labeler of skill 1 and offset 0: (6,)."""
    generator = np.random.default_rng(0)
    seen = see(np.repeat(world.utilities.ravel(), 20), np.ones(1), generator)
    return np.quantile(seen, _SHARES)


# How fast more labels make a better model, by chosen and by random pairs.


@dataclass(frozen=True, kw_only=True)
class ChoiceConfig:
    labels: int = 300
    batch: int = 10  # labels between two fits; the first batch is random
    labelers: int = 6
    skill_spread: float = 0.5  # deviation of the logarithm of labelers' skills, which are known
    random_share: float = 0.2  # of chosen batches

    def __post_init__(self) -> None:
        require(self, "above 0", "labels", "batch", "labelers")
        require(self, "at least 0", "skill_spread")
        require(self, "from 0 to 1", "random_share")


def accuracy_by_labels(
    world: World, unseen: World, config: ChoiceConfig, seed: int, chosen: bool
) -> tuple[list[int], list[float]]:
    """Labels, and the share of unseen pairs that the model then orders as their utilities do.

    The labels of a pair and its labeler are the same in both arms if they meet it: noise is drawn
    from the seed and the pair.
    """
    generator = np.random.default_rng([seed, chosen])
    crowd = make_crowd(config.labelers, config.skill_spread, 0.0, np.random.default_rng([seed, 2]))
    rows = pair_rows(world.features)
    who = np.random.default_rng([seed, 3]).integers(config.labelers, size=len(rows))
    luck = np.random.default_rng([seed, 4]).random(len(rows))
    seen_rows = rows * crowd.skills[who][:, None]  # as their labeler weighs them
    outcomes = (luck < _sigmoid(seen_rows @ world.weights)).astype(np.float64)
    tests = pair_rows(unseen.features)
    truth = tests @ unseen.weights > 0

    start = prior(rows)
    belief: Posterior = start
    left = np.arange(len(rows))
    labelled: list[int] = []
    counts, accuracies = [], []
    for done in range(0, config.labels, config.batch):
        if chosen and done:
            # By the pair alone: which labeler will get it is not known, in either arm.
            batch = choose_pairs(belief, rows[left], config.batch, generator, config.random_share)
            places = [c.index for c in batch]
        else:
            places = generator.choice(len(left), config.batch, replace=False).tolist()
        labelled += left[places].tolist()
        left = np.delete(left, places)
        belief = laplace(start, seen_rows[labelled], outcomes[labelled])
        counts.append(len(labelled))
        accuracies.append(float(np.mean((tests @ belief.mean > 0) == truth)))
    return counts, accuracies


def rising(curve: Floats) -> Floats:
    """The never falling curve nearest to this one, (points,), in squared error: by the max-min
    formula of isotonic regression (Barlow et al. 1972, section 1.4)."""
    sums = np.concatenate([[0.0], np.cumsum(curve)])
    places = np.arange(len(curve))
    lengths = places[None, :] - places[:, None] + 1
    means = np.where(lengths > 0, (sums[None, 1:] - sums[:-1, None]) / lengths.clip(1), np.inf)
    least = np.minimum.accumulate(means[:, ::-1], axis=1)[:, ::-1]  # over ends k ≥ i
    return np.where(lengths > 0, least, -np.inf).max(axis=0)


def labels_to_reach(counts: Sequence[float], accuracies: Floats, target: float) -> float:
    """Labels at which a curve, made rising, reaches the target, between its points by straight
    lines; its last count where it never does, its first where it always has."""
    curve = rising(np.asarray(accuracies, dtype=np.float64))
    # A curve that merely stands still has no single place to cross; a hair's slope gives it one.
    return float(np.interp(target, curve + 1e-12 * np.arange(len(curve)), counts))


def share_of_labels(
    counts: Sequence[int],
    random_curves: Floats,
    chosen_curves: Floats,
    target_labels: int,
    resamples: int = 2_000,
) -> tuple[float, list[float]]:
    """Labels that chosen pairs need for the accuracy that `target_labels` random ones reach, as a
    share of these, with its 95 % interval by resampling seeds. Curves: (seeds, points), mean over
    seeds before they are compared."""
    place = list(counts).index(target_labels)

    def share(seeds: np.ndarray) -> float:
        target = float(rising(random_curves[seeds].mean(axis=0))[place])
        return labels_to_reach(counts, chosen_curves[seeds].mean(axis=0), target) / target_labels

    everyone = np.arange(len(random_curves))
    generator = np.random.default_rng(0)
    drawn = [share(generator.choice(everyone, len(everyone))) for _ in range(resamples)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return share(everyone), [float(low), float(high)]


def fit_with_skills(
    before: Posterior,
    rows: Floats,
    outcomes: Floats,
    who: NDArray[np.int64],
    labelers: int,
    spread: float = 0.5,
    rounds: int = 20,
) -> tuple[Posterior, Floats]:
    """The last layer's posterior and labelers' skills, (labelers,), by turns, each given the other.

    rows: (N, D), outcomes, who: (N,) the labeler of each. A labeler answers with σ(skill·w·x);
    skills are log-normal around 1, their logarithms with the deviation `spread`.
    """
    logs = np.zeros(labelers)
    belief = before
    for _ in range(rounds):
        belief = laplace(before, rows * np.exp(logs)[who][:, None], outcomes)
        margins = rows @ belief.mean
        for _ in range(5):  # Fisher scoring
            seen = np.exp(logs)[who] * margins
            chances = _sigmoid(seen)
            slope = np.bincount(who, (chances - outcomes) * seen, labelers) + logs / spread**2
            curvature = np.bincount(who, chances * (1 - chances) * seen**2, labelers)
            logs -= slope / (curvature + 1 / spread**2)
    return belief, np.exp(logs)


def _sigmoid(x: Floats) -> Floats:
    return 0.5 * (1 + np.tanh(0.5 * x))

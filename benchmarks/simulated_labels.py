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

from tutelage.config import require
from tutelage.labelling.choice import Floats, sigmoid

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
        chances = sigmoid(differences @ weights * middle)
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
    counts: Sequence[float],
    random_curves: Floats,
    chosen_curves: Floats,
    target_labels: float,
    resamples: int = 2_000,
) -> tuple[float, list[float]]:
    """Labels (or minutes) that chosen pairs need for the accuracy that `target_labels` random ones
    reach, as a share of these, with its 95 % interval by resampling seeds. Curves: (seeds, counts),
    averaged over seeds before they are compared; the last count bounds the share from above."""
    place = list(counts).index(target_labels)

    def share(seeds: np.ndarray) -> float:
        target = float(rising(random_curves[seeds].mean(axis=0))[place])
        return labels_to_reach(counts, chosen_curves[seeds].mean(axis=0), target) / target_labels

    everyone = np.arange(len(random_curves))
    generator = np.random.default_rng(0)
    drawn = [share(generator.choice(everyone, len(everyone))) for _ in range(resamples)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return share(everyone), [float(low), float(high)]

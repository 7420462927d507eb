"""What more labels would bring: a saturating curve through the reward model's accuracies, the
ceiling that labelers' agreement implies, and the people, hours and money it takes.

The curve is acc(n) = ceiling − b · n^(−c), n the comparisons that the reward model learned from,
the run's own and people's; a ranking is one, whatever its length. It is the form that test error
follows over orders of magnitude of data (Hestness et al. 2017). Beyond the data it is a guess:
ceiling and c trade off against each other, so that every forecast comes with the range of curves
that fit as well.

The ceiling. Let q be the chance that a labeler prefers what most labelers prefer of a pair, and
m = 2q − 1, from 0 (a toss-up) to 1 (everybody agrees); labelers answer independently of each other.
Two of them agree on the pair with chance q² + (1 − q)² = (1 + m²)/2. The best model names what most
prefer, and agrees with one labeler with chance q = (1 + m)/2. Over pairs,

    agreement A = (1 + E m²)/2        ceiling C = (1 + E m)/2

and since m² ≤ m and (E m)² ≤ E m²,  A ≤ C ≤ (1 + √(2A − 1))/2. The left end is reached where every
pair is either clear or a toss-up, the right one where all are equally hard. In between lies a crowd
of Bradley–Terry labelers, q = sigmoid(|margin|), with normal margins: the estimate. A model that
knows who answers, and is asked about that person, can pass the ceiling.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tutelage.config import require
from tutelage.errors import BadInput
from tutelage.labelling.pairs import Floats

_EXPONENTS = np.geomspace(0.05, 2.0, 60)
_CEILINGS = (0.5, 1.0)
# |margin| of a standard normal: fine near 0, where the doubtful pairs of a sure crowd lie.
_NORMAL = np.linspace(0.0, 6.0, 6001)
_NORMAL_WEIGHTS = np.exp(-(_NORMAL**2) / 2)
_NORMAL_WEIGHTS[[0, -1]] /= 2
_NORMAL_WEIGHTS /= _NORMAL_WEIGHTS.sum()


@dataclass(frozen=True)
class Ceiling:
    """The best possible agreement of a model with one labeler, as agreement between two implies."""

    low: float  # every pair clear or a toss-up: the agreement itself
    estimate: float  # Bradley–Terry labelers, normal margins
    high: float  # all pairs equally hard


def implied_ceiling(agreement: float) -> Ceiling:
    """agreement: the chance that two labelers prefer the same, ties left out. Below a half, which
    independent labelers of one opinion cannot do but a sample can, it counts as a half."""
    if not 0 <= agreement <= 1:
        raise BadInput(f"agreement must be a chance from 0 to 1, got {agreement}")
    A = max(0.5, agreement)
    high = (1 + math.sqrt(2 * A - 1)) / 2
    low_width, high_width = 0.0, 1e4
    for _ in range(60):
        middle = (low_width + high_width) / 2
        margins = np.tanh(middle * _NORMAL / 2)
        if (1 + margins**2 @ _NORMAL_WEIGHTS) / 2 < A:
            low_width = middle
        else:
            high_width = middle
    estimate = float(1 + np.tanh(low_width * _NORMAL / 2) @ _NORMAL_WEIGHTS) / 2
    return Ceiling(A, min(max(estimate, A), high), high)


@dataclass(frozen=True)
class LearningCurve:
    """acc(n) = ceiling − b · n^(−c), and curves that fit resampled data as well."""

    ceiling: float
    b: float
    c: float
    draws: Floats  # (B, 3) ceiling, b, c of the bootstrap
    comparisons: tuple[float, float]  # fewest and most of the data

    def at(self, n: float) -> tuple[float, tuple[float, float]]:
        """Accuracy at n comparisons with its 95 % interval."""
        value = self.ceiling - self.b * n**-self.c
        accuracies = self.draws[:, 0] - self.draws[:, 1] * n ** -self.draws[:, 2]
        low, high = np.percentile(accuracies, [2.5, 97.5])
        return value, (float(low), float(high))

    def comparisons_for(self, accuracy: float) -> tuple[float, tuple[float, float]]:
        """Comparisons at which the curve reaches an accuracy, with the 95 % interval; infinite
        where the ceiling lies below."""
        curves = np.vstack([[self.ceiling, self.b, self.c], self.draws])
        needed = _comparisons_for(curves, accuracy)
        # Percentiles by rank: between a number and infinity there is nothing to interpolate.
        low, high = np.percentile(needed[1:], [2.5, 97.5], method="nearest")
        return float(needed[0]), (float(low), float(high))


def _comparisons_for(curves: Floats, accuracies: Floats | float) -> Floats:
    """(B,) comparisons at which each curve reaches its accuracy; curves (B, 3)."""
    left = curves[:, 0] - accuracies
    gap = np.maximum(curves[:, 1], 1e-12) / np.where(left > 0, left, 1)
    return np.where(left > 0, np.exp(np.minimum(np.log(gap) / curves[:, 2], 700)), np.inf)


def fit_curve(
    comparisons: Sequence[float],
    accuracies: Sequence[float],
    tested: Sequence[int],
    *,
    draws: int = 300,
    seed: int = 0,
) -> LearningCurve:
    """Least squares, each accuracy weighted by the test pairs it was measured on.

    The interval is a bootstrap over simulated accuracies: around the curve, as wide as so many test
    pairs make them, or as the points lie from the curve where that is more. BadInput with fewer
    than four different numbers of comparisons: three numbers fit any three points.
    """
    n, y, m = (np.asarray(x, dtype=np.float64) for x in (comparisons, accuracies, tested))
    if not len(n) == len(y) == len(m):
        raise BadInput(f"give one accuracy and one count a point, got {len(n)}, {len(y)}, {len(m)}")
    if len(np.unique(n)) < 4:
        raise BadInput(
            f"A curve needs accuracies at four or more numbers of comparisons, got "
            f"{len(np.unique(n))}: wait for more labels."
        )
    if (n < 1).any() or (m < 1).any() or (y < 0).any() or (y > 1).any():
        raise BadInput("comparisons and test pairs must be at least 1, accuracies from 0 to 1")
    best = _least_squares(n, y[None], m)[0]
    smooth = np.clip(best[0] - best[1] * n ** -best[2], 1e-3, 1 - 1e-3)
    sampled = smooth * (1 - smooth) / m
    freedom = max(1, len(n) - 3)
    excess = max(1.0, float((((y - smooth) ** 2) / sampled).sum() / freedom))
    generator = np.random.default_rng(seed)
    noise = generator.normal(size=(draws, len(n))) * np.sqrt(excess * sampled)
    # All points are measured on the same pairs: what these happen to be moves all of them.
    noise += generator.normal(size=(draws, 1)) * np.sqrt(sampled)
    curves = _least_squares(n, smooth + noise, m)
    ceiling, b, c = (float(x) for x in best)
    return LearningCurve(ceiling, b, c, curves, (float(n.min()), float(n.max())))


def _least_squares(n: Floats, y: Floats, weights: Floats) -> Floats:
    """(B, 3) ceiling, b, c for each row of y (B, points), the best over a grid of c; given c the
    problem is linear in ceiling and b, which are held within [½, 1] and at 0 or above."""
    best, loss = np.zeros((len(y), 3)), np.full(len(y), np.inf)
    share = weights / weights.sum()
    middle = y @ share
    for c in _EXPONENTS:
        x = n**-c
        offset = x - x @ share
        slope = (y - middle[:, None]) @ (share * offset) / (share @ offset**2)
        ceiling = np.clip(middle - slope * (x @ share), *_CEILINGS)
        b = np.maximum(0, ((ceiling[:, None] - y) @ (share * x)) / (share @ x**2))
        # With b at its edge the ceiling is the mean.
        ceiling = np.where(b > 0, ceiling, np.clip(middle, *_CEILINGS))
        off = ((ceiling[:, None] - b[:, None] * x - y) ** 2) @ share
        better = off < loss
        loss = np.where(better, off, loss)
        best[better] = np.stack([ceiling, b, np.full(len(y), c)], axis=1)[better]
    return best


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How people label."""

    seconds_a_label: float  # active time, as the server measured it
    people: int = 1
    hours_a_day: float = 4.0  # of active labelling a person
    cost_an_hour: float = 0.0  # of active time, in whatever money

    def __post_init__(self) -> None:
        require(self, "above 0", "seconds_a_label", "people", "hours_a_day")
        require(self, "at least 0", "cost_an_hour")


@dataclass(frozen=True)
class Effort:
    labels: float  # infinite where no number would do
    hours: float  # of all people together
    days: float  # with everybody at work
    cost: float


def effort(labels: float, pace: Pace) -> Effort:
    """What so many labels take: how many people for how long."""
    labels = float(labels)
    hours = labels * pace.seconds_a_label / 3600
    cost = hours * pace.cost_an_hour if pace.cost_an_hour else 0.0
    return Effort(labels, hours, hours / (pace.people * pace.hours_a_day), cost)


@dataclass(frozen=True)
class Forecast:
    """What a gain takes from here."""

    accuracy_now: float  # on the curve
    accuracy_wanted: float
    more: Effort  # best guess
    at_least: Effort  # lower end of the 95 % interval
    at_most: Effort  # upper end
    never: float  # share of the curves that fit as well whose ceiling lies below what is wanted
    beyond: float  # how many times the most comparisons of the data the best guess asks for


def forecast(curve: LearningCurve, now: float, pace: Pace, points: float = 1.0) -> Forecast:
    """How many more comparisons than `now` for so many percentage points more, by whom and how
    long; a label makes one."""
    if not (now >= 1 and points > 0):
        raise BadInput(
            f"now must be at least 1 comparison and points above 0, got {now} and {points}"
        )
    accuracy = curve.at(now)[0]
    wanted = accuracy + points / 100
    # Each curve starts where it puts today's accuracy: the question is about the gain.
    starts = curve.draws[:, 0] - curve.draws[:, 1] * now ** -curve.draws[:, 2]
    needed = _comparisons_for(curve.draws, starts + points / 100)
    best = curve.comparisons_for(wanted)[0]
    low, high = np.percentile(needed, [2.5, 97.5], method="nearest")
    return Forecast(
        accuracy,
        wanted,
        effort(best - now, pace),
        effort(max(0.0, low - now), pace),
        effort(max(0.0, high - now), pace),
        float(np.isinf(needed).mean()),
        best / curve.comparisons[1],
    )


@dataclass(frozen=True)
class Spent:
    """What labels have cost so far."""

    labels: int
    hours: float  # of active time
    cost: float
    cost_a_label: float
    gain_a_hundred: float  # percentage points of accuracy gained a hundred of money; nan unpaid


def spent(
    active_s: Sequence[float], cost_an_hour: float, accuracy_gained: float = math.nan
) -> Spent:
    """active_s: of each label, seconds as the server measured them. accuracy_gained: since the
    first label, as a share."""
    hours, labels = sum(active_s) / 3600, len(active_s)
    cost = hours * cost_an_hour
    gain = 100 * accuracy_gained / (cost / 100) if cost else math.nan
    return Spent(labels, hours, cost, cost / labels if labels else math.nan, gain)

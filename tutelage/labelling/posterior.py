"""The posterior of the noisy Bradley–Terry model (skill.py), by normals: scores block by block, and
each labeler's four parameters, in turn until nothing moves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tutelage.config import require
from tutelage.labelling.pairs import Floats, Ints, Mask, Pairs, totals
from tutelage.labelling.spread import Spread, layout, spread_of

_TINY = 1e-9
_NO_TIES = -40.0  # log ν of a crowd without ties
_WHOLE_STEPS = 20
_HURRY = 3.0
_REACH = 1.0  # of a step: where ties are all but excluded the curvature is no guide
# Relative error that the scores' covariance may have, while they still move and at last.
_SLACK, _LAST_SLACK = 0.1, 1e-3
_HYPER_LABELERS = 2.0  # weight of the first widths, in labelers
# Means of a sigmoid over a normal η: within 2e-4 at width 1.5, 1e-2 at 3.
_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(7)
_NODE_WEIGHTS = _NODE_WEIGHTS / _NODE_WEIGHTS.sum()


@dataclass(frozen=True, kw_only=True)
class SkillConfig:
    """First widths of the priors; a width of 0 makes all labelers alike in that."""

    score_width: float = 1.5  # logits
    skill_width: float = 0.5  # around 1
    position_width: float = 0.3  # logits between top and bottom, around the crowd's
    length_width: float = 0.3  # logits a doubling, around the crowd's
    tie_width: float = 1.0  # of log ν, around the crowd's; stays as it is
    learn_widths: bool = True  # the others, from the crowd; the first are two labelers' evidence
    draws: int = 10  # simulated crowds that errors come from; 0 leaves errors that are too small
    seed: int = 0  # of these
    tolerance: float = 1e-3  # largest change of a parameter in a sweep, where it ends
    sweeps: int = 300  # at most

    def __post_init__(self) -> None:
        require(self, "above 0", "score_width", "tolerance", "sweeps")
        require(self, "at least 0", "skill_width", "position_width", "length_width", "tie_width")
        require(self, "at least 0", "draws")


@dataclass(frozen=True)
class Posterior:
    """Normals, and the priors as learned so far. Parameters are a, b, c, log ν of skill.py."""

    scores: Floats  # (I,) means
    spread: Spread
    labelers: Floats  # (W, 4) means
    covariance: Floats  # (W, 4, 4)
    centre: Floats  # (4,) prior means of the labelers
    widths: Floats  # (4,)
    score_width: float
    taste: float  # the scores' prior means are taste · bits
    bits: Floats  # (I,) less the component's mean
    sweeps: int = 0  # that it took

    @property
    def free(self) -> Mask:
        """(4,) which parameters differ from labeler to labeler."""
        return self.widths > 0

    @property
    def variances(self) -> Floats:
        """(W, 4) of the parameters."""
        return np.einsum("wkk->wk", self.covariance)


def davidson(eta: Floats, log_tie: Floats) -> Floats:
    """Chances of first, tie and second, on a new last axis (Davidson 1970)."""
    return np.stack(_davidson(eta, log_tie), axis=-1)


def _davidson(eta: Floats, log_tie: Floats) -> tuple[Floats, Floats, Floats]:
    half = np.exp(-np.abs(eta) / 2)  # the only exponential of each η: most of a fit's time
    tie, less = np.exp(log_tie) * half, half * half
    likelier = 1 / (1 + tie + less)
    less *= likelier
    ahead = eta > 0
    return np.where(ahead, likelier, less), tie * likelier, np.where(ahead, less, likelier)


def at_nodes(eta: Floats, variance: Floats, log_tie: Floats) -> Floats:
    """Chances of first, tie and second where a normal η is looked at: (3, N, nodes) of (N,) means,
    variances and log ν."""
    nodes = eta[:, None] + np.sqrt(variance)[:, None] * _NODES
    return np.stack(_davidson(nodes, log_tie[:, None]))


def averaged(values: Floats) -> Floats:
    """The mean over these nodes, the last axis."""
    return values @ _NODE_WEIGHTS


def posterior(pairs: Pairs, config: SkillConfig, start: Posterior | None = None) -> Posterior:
    """Sweeps until nothing moves, from a posterior of the same items and labelers where given."""
    has_ties = bool((pairs.preferences == 0).any())
    tie_width = config.tie_width if has_ties else 0.0
    first = np.array([config.skill_width, config.position_width, config.length_width, tie_width])
    state, slack = start or _start(pairs, first, config.score_width, has_ties), _SLACK
    for sweep in range(1, config.sweeps + 1):
        before = state
        # Newton's steps of a flat posterior can fall into a cycle; half steps leave it.
        share = 1.0 if sweep <= _WHOLE_STEPS else 0.5
        state = _labeler_step(pairs, state, share)
        state = _score_step(pairs, state, share, slack)
        if config.learn_widths:
            state = in_unit(pairs, state)
        state = replace(_learned(state, first, config), sweeps=sweep)
        if _largest_change(before, state) <= config.tolerance:
            # A simulated crowd needs no covariance more exact than this.
            if slack == _LAST_SLACK or start is not None:
                break
            slack = _LAST_SLACK
    return state


@dataclass(frozen=True)
class _Expectations:
    """Slopes and curvatures of each pair's log-likelihood, averaged over the posterior, (N,)."""

    a: Floats  # its labeler's
    gaps: Floats  # q_i − q_j
    gap_variance: Floats
    slopes: Floats  # (N, 3) gap, position, doublings
    spill: Floats  # (N,) covariance of a with what the labeler adds to η, for the scores' slope
    by_eta: Floats
    by_tie: Floats
    eta_eta: Floats
    eta_tie: Floats
    tie_tie: Floats


def _start(pairs: Pairs, widths: Floats, score_width: float, has_ties: bool) -> Posterior:
    I, W = len(pairs.item_names), len(pairs.labeler_names)  # noqa: E741 as in the shapes
    blocks = layout(pairs.first, pairs.second, I)
    centre = np.array([1.0, 0.0, 0.0, 0.0 if has_ties else _NO_TIES])
    return Posterior(
        scores=np.zeros(I),
        spread=spread_of(blocks, pairs.first, pairs.second, 0.25 * pairs.weights, score_width),
        labelers=np.tile(centre, (W, 1)),
        covariance=np.zeros((W, 4, 4)),
        centre=centre,
        widths=widths,
        score_width=score_width,
        taste=0.0,
        bits=centred(pairs.bits, blocks.component),
    )


def _expectations(pairs: Pairs, state: Posterior) -> _Expectations:
    """Expectations over a normal η; log ν at its mean."""
    a, b, c, u = state.labelers[pairs.labelers].T
    gaps = state.scores[pairs.first] - state.scores[pairs.second]
    variance = state.spread.of_gaps(pairs.first, pairs.second)
    slopes = np.stack([gaps, pairs.positions, pairs.doublings], axis=1)
    covariance = state.covariance[pairs.labelers, :3, :3]
    spilled = np.einsum("nkl,nl->nk", covariance, slopes)
    total = (a**2 + covariance[:, 0, 0]) * variance + (spilled * slopes).sum(axis=1)
    eta = a * gaps + b * pairs.positions + c * pairs.doublings
    first, tie, second = at_nodes(eta, total, u)

    def mean(values: Floats) -> Floats:
        return pairs.weights * averaged(values)

    return _Expectations(
        a,
        gaps,
        variance,
        slopes,
        spilled[:, 0],
        by_eta=pairs.weights * pairs.preferences / 2 - mean(first - second) / 2,
        by_tie=pairs.weights * (pairs.preferences == 0) - mean(tie),
        eta_eta=mean(first + second - (first - second) ** 2) / 4,
        eta_tie=mean(tie * (second - first)) / 2,
        tie_tie=mean(tie * (1 - tie)),
    )


def _labeler_step(pairs: Pairs, state: Posterior, share: float) -> Posterior:
    """Newton's step of every labeler's four parameters, the scores' posterior given."""
    expected, W, free = _expectations(pairs, state), len(pairs.labeler_names), state.free
    # An uncertain gap makes a steep slope costly: E[g f'] = E g E f' + a Var g E f''.
    by_skill = (
        expected.by_eta * expected.gaps - expected.a * expected.gap_variance * expected.eta_eta
    )
    rows = [by_skill, *(expected.by_eta[:, None] * expected.slopes[:, 1:]).T, expected.by_tie]
    slope = np.stack([totals(pairs.labelers, row, W) for row in rows], axis=1)
    weak = np.where(free, 1 / np.where(free, state.widths, 1) ** 2, 1)
    precision = _labeler_information(pairs, expected, free) + np.diag(weak)
    covariance = np.linalg.inv(precision)
    pull = free * (slope - (state.labelers - state.centre) * weak)
    step = np.einsum("wkl,wl->wk", covariance, pull)
    labelers = state.labelers + share * np.clip(step, -_REACH, _REACH)
    # What is switched off may still be shared by all: one Newton step for the whole crowd.
    centre = state.centre.copy()
    for k, curve in ((1, expected.eta_eta * pairs.positions**2), (3, expected.tie_tie)):
        if not free[k] and curve.sum() > _TINY:
            centre[k] += np.clip(slope[:, k].sum() / curve.sum(), -_REACH, _REACH)
            labelers[:, k] = centre[k]
    return replace(
        state, labelers=labelers, covariance=covariance * free[:, None] * free, centre=centre
    )


def _labeler_information(pairs: Pairs, expected: _Expectations, free: Mask) -> Floats:
    """(W, 4, 4), zero where switched off."""
    own = np.zeros((len(pairs), 4, 4))
    own[:, :3, :3] = (
        expected.eta_eta[:, None, None] * expected.slopes[:, :, None] * expected.slopes[:, None]
    )
    own[:, 0, 0] += expected.eta_eta * expected.gap_variance
    own[:, :3, 3] = own[:, 3, :3] = expected.eta_tie[:, None] * expected.slopes
    own[:, 3, 3] = expected.tie_tie
    W = len(pairs.labeler_names)
    columns = [totals(pairs.labelers, column, W) for column in own.reshape(-1, 16).T]
    total = np.stack(columns, axis=1).reshape(-1, 4, 4)
    return total * free[:, None] * free


def _score_step(pairs: Pairs, state: Posterior, share: float, slack: float) -> Posterior:
    """Newton's step of all scores, the labelers' posterior given. Inverting costs items³ where all
    are connected, so that the covariance is inverted anew only if it is off by more than slack."""
    expected, I = _expectations(pairs, state), len(pairs.item_names)  # noqa: E741
    by_gap = expected.a * expected.by_eta - expected.spill * expected.eta_eta
    slope = totals(pairs.first, by_gap, I) - totals(pairs.second, by_gap, I)
    slope -= (state.scores - state.taste * state.bits) / state.score_width**2
    weight = expected.eta_eta * (expected.a**2 + state.covariance[pairs.labelers, 0, 0])
    information = pairs.first, pairs.second, weight, state.score_width
    spread = state.spread
    if spread.error(*information) > slack:
        spread = spread_of(spread.layout, *information)
    step = np.clip(spread.times(slope), -_REACH, _REACH)
    return replace(state, scores=state.scores + share * step, spread=spread)


def in_unit(pairs: Pairs, state: Posterior) -> Posterior:
    """The same predictions, with skill 1 and length bias 0 on average over the answers."""
    a, c = (
        float(np.average(state.labelers[pairs.labelers, k], weights=pairs.weights)) for k in (0, 2)
    )
    # A crowd whose skills cancel has no unit; it keeps the prior's.
    unit = a if state.free[0] and a > 0.1 else 1.0
    shift = c / a if state.free[2] and a > 0.1 else 0.0
    scale = np.array([1 / unit, 1.0, 1.0, 1.0])
    labelers = state.labelers.copy()
    labelers[:, 2] -= shift * labelers[:, 0]
    return replace(
        state,
        scores=unit * (state.scores + shift * state.bits),
        spread=Spread(state.spread.layout, unit**2 * state.spread.flat),
        labelers=labelers * scale,
        covariance=state.covariance * scale[:, None] * scale,
        score_width=unit * state.score_width,
        taste=unit * (state.taste + shift),
    )


def _learned(state: Posterior, first: Floats, config: SkillConfig) -> Posterior:
    """Priors' means and widths by expectation maximisation, hurried where the data says little: its
    steps then cover only the share of the way that the data determines, as much as MacKay (1992)
    divides by. More than three times as fast they would overshoot."""
    W, I = len(state.labelers), len(state.scores)  # noqa: E741
    total = state.variances.sum(axis=0)
    widths = np.where(state.free, state.widths, 1)
    known = np.maximum(W - total / widths**2, W / _HURRY)
    deviations = (state.labelers - state.centre) * state.free
    shift = np.clip(deviations.sum(axis=0) / known, -_REACH, _REACH) * [0, 1, 0, 1]
    # A labeler follows the crowd's mean as far as their own answers leave open.
    followed = state.labelers + shift * state.variances / widths**2
    state = replace(state, labelers=followed, centre=state.centre + shift)
    off, prior = state.scores - state.taste * state.bits, state.score_width**2
    leverage = float(state.bits @ (state.bits - state.spread.times(state.bits) / prior))
    leverage = max(leverage, float(state.bits @ state.bits) / _HURRY)
    taste = state.taste + float(off @ state.bits) / leverage if leverage > _TINY else 0.0
    if not config.learn_widths:
        return replace(state, taste=taste)
    squares = (deviations**2).sum(axis=0) + total
    new_squares = (squares + _HYPER_LABELERS * first**2) / (W + _HYPER_LABELERS)
    learned = widths * (new_squares / widths**2) ** (W / known / 2) * state.free
    # That of log ν would run away: a labeler of three answers without a tie may never say it.
    learned[3] = state.widths[3]
    spread_out = float(state.spread.variances().sum())
    certain = max(I - spread_out / prior, I / _HURRY)
    scattered = float(off @ off) + spread_out + _HYPER_LABELERS * config.score_width**2
    new_prior = scattered / (I + _HYPER_LABELERS)
    score_width = state.score_width * (new_prior / prior) ** (I / certain / 2)
    return replace(state, widths=learned, score_width=score_width, taste=taste)


def _largest_change(before: Posterior, after: Posterior) -> float:
    changes = [
        np.abs(after.scores - before.scores).max(),
        np.abs(after.labelers - before.labelers).max(),
        np.abs(after.widths - before.widths).max(),
        abs(after.score_width - before.score_width),
    ]
    return float(max(changes))


def centred(values: Floats, component: Ints) -> Floats:
    """Less the mean over each component, which comparisons say nothing about."""
    n = len(values)
    means = totals(component, values, n) / np.maximum(1, np.bincount(component, minlength=n))
    return values - means[component]

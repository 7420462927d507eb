"""How good each labeler is, and what the crowd says once that is known: a noisy Bradley–Terry model
of pairs with ties. Dawid and Skene's model of plain labels is in dawid_skene.py.

What labeler w feels for item i over item j, i first of the two in the record, is

    η = a_w (q_i − q_j) + b_w · position + c_w · doublings

a_w: skill, 1 for the crowd on average; at 0 they answer at random, below 0 against the others.
b_w: position bias, logits in favour of what stands at the top. c_w: length bias, logits for each
doubling of length, beyond what the crowd's own taste for length makes of a_w (q_i − q_j). First,
tie and second are as likely as exp(η/2), ν_w and exp(−η/2) (Davidson 1970).

Crowd-BT (Chen et al. 2013) also fits each labeler's skill together with the scores, as a chance of
a flipped answer; a slope instead has the same unit as the biases. A length that all prefer
nobody can tell from quality: it belongs to q. Position bias is seen only where the order varies.

Scores, skills, biases and log ν have normal priors, whose means and widths are learned from the
crowd (MacKay 1992): a labeler of three answers is taken for a typical one, one of hundreds is not.
The posterior is approximated by normals, scores apart from labelers (Opper and Archambeau 2009): a
maximum over both at once would take scores that rest on two answers for known, and skills grow
without end. Standard errors come from simulated crowds: in trials with known labelers they were
about right with nine a pair, 1.3 times too small with six and 1.7 times with three.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np

from tutelage.errors import BadInput
from tutelage.labelling.pairs import Floats, Ints, Pairs
from tutelage.labelling.posterior import (
    Posterior,
    SkillConfig,
    at_nodes,
    averaged,
    centred,
    davidson,
    in_unit,
    posterior,
)
from tutelage.labelling.spread import Spread

_TINY = 1e-9
_ANYBODY = 32
_STEADY_DRAWS = 20  # how many of a labeler's own misses weigh as much as the crowd's factor


@dataclass(frozen=True)
class LabelerSkill:
    """One labeler, each estimate with its standard error."""

    labeler: Hashable
    pairs: int
    skill: float  # a_w
    skill_se: float
    reliability: float  # chance to prefer the better of two typical items, ties and biases aside
    reliability_se: float
    position_bias: float  # logits in favour of the top, the crowd's share included
    position_se: float
    length_bias: float  # logits a doubling of length, beyond the crowd's
    length_se: float


@dataclass(frozen=True)
class CrowdFit:
    """What a crowd says (scores) and who says it (parameters)."""

    scores: Floats  # (I,) q in logits; those connected by pairs have mean 0
    score_se: Floats  # (I,)
    spread: Spread  # covariance of the scores
    parameters: Floats  # (W, 4) a, b, c, log ν
    parameter_se: Floats  # (W, 4)
    anybody: Ints  # (32,) labelers picked in the shares in which they answered
    length_taste: float  # logits a doubling of length, in the scores already
    widths: Floats  # (5,) of the priors of q, a, b, c, log ν, as learned
    labelers: list[LabelerSkill]
    sweeps: int  # that it took


def noisy_bradley_terry(pairs: Pairs, config: SkillConfig | None = None) -> CrowdFit:
    """Scores and labelers of these pairs. BadInput without pairs."""
    if not len(pairs):
        raise BadInput("Skill is estimated from comparisons, and there are none yet: label some.")
    config = config or SkillConfig()
    fit = posterior(pairs, config)
    return _result(pairs, fit, _errors(pairs, fit, config))


def preference_chances(
    fit: CrowdFit,
    first: Ints,
    second: Ints,
    *,
    labelers: Ints | None = None,
    positions: Floats | None = None,
    bits: Floats | None = None,
) -> Floats:
    """Chances of first, tie and second, (N, 3), as these labelers answer; without labelers, the
    crowd's mean, weighted by how much each of them answered. first, second, labelers: (N,) indices.
    positions as in Pairs; without them, as if neither stood at the top. bits: (I,) as in Pairs,
    without them as if both were as long."""
    N = len(first)
    if labelers is None:
        by_labeler = [
            preference_chances(
                fit, first, second, labelers=np.full(N, one), positions=positions, bits=bits
            )
            for one in fit.anybody
        ]
        return np.mean(by_labeler, axis=0)
    who, unsure = fit.parameters[labelers], fit.parameter_se[labelers] ** 2
    slopes = np.zeros((N, 3))
    slopes[:, 0] = fit.scores[first] - fit.scores[second]
    slopes[:, 1] = 0.0 if positions is None else positions
    slopes[:, 2] = 0.0 if bits is None else bits[first] - bits[second]
    variance = (who[:, 0] ** 2 + unsure[:, 0]) * fit.spread.of_gaps(first, second)
    variance += (unsure[:, :3] * slopes**2).sum(axis=1)
    eta = (who[:, :3] * slopes).sum(axis=1)
    return averaged(at_nodes(eta, variance, who[:, 3])).T


def _errors(pairs: Pairs, fit: Posterior, config: SkillConfig) -> Floats:
    """(W, 4) standard errors: how far the fit misses the labelers of simulated crowds, drawn from
    the posterior, who label the same pairs. The posterior's own widths are too small, since it
    takes scores and labelers apart; how much too small is about the same for all labelers, which
    steadies each one's few misses."""
    variances = fit.variances
    if config.draws < 1:
        return np.sqrt(variances)
    generator = np.random.default_rng(config.seed)
    quick = replace(config, tolerance=10 * config.tolerance)
    misses = np.zeros(variances.shape)
    for _ in range(config.draws):
        truth = in_unit(pairs, drawn(fit, generator))
        simulated = replace(pairs, preferences=simulate(pairs, truth, generator))
        misses += (posterior(simulated, quick, start=fit).labelers - truth.labelers) ** 2
    factors = misses.sum(axis=0) / np.maximum(_TINY, config.draws * variances.sum(axis=0))
    return np.sqrt((misses + _STEADY_DRAWS * factors * variances) / (config.draws + _STEADY_DRAWS))


def drawn(fit: Posterior, generator: np.random.Generator) -> Posterior:
    """The posterior with its means replaced by a sample of it."""
    W = len(fit.labelers)
    roots = np.linalg.cholesky(fit.covariance + _TINY * np.eye(4))
    labelers = fit.labelers + np.einsum("wkl,wl->wk", roots, generator.normal(size=(W, 4)))
    return replace(fit, labelers=labelers, scores=fit.scores + fit.spread.sample(generator))


def simulate(pairs: Pairs, truth: Posterior, generator: np.random.Generator) -> Ints:
    """(N,) preferences that the model's labelers would have. A labeler's pairs of one task share
    what they felt for each response (Gumbel noise), so that without ties they make a ranking."""
    a, b, c, u = truth.labelers[pairs.labelers].T
    gaps = truth.scores[pairs.first] - truth.scores[pairs.second]
    eta = a * gaps + b * pairs.positions + c * pairs.doublings
    chances = davidson(eta, u)
    sides = np.concatenate([pairs.first, pairs.second])
    who = np.stack([np.tile(pairs.labelers, 2), np.tile(pairs.tasks, 2), sides], axis=1)
    pairings, index = np.unique(who, axis=0, return_inverse=True)
    noise = generator.gumbel(size=len(pairings))[index.reshape(2, -1)]
    uniform = 1 / (1 + np.exp(noise[1] - noise[0]))
    return (uniform > 1 - chances[:, 0]).astype(np.int64) - (uniform < chances[:, 2])


def _result(pairs: Pairs, state: Posterior, errors: Floats) -> CrowdFit:
    gaps = state.scores[pairs.first] - state.scores[pairs.second]
    edges = np.quantile(np.abs(gaps), np.linspace(0.005, 0.995, 100))
    right = 1 / (1 + np.exp(-state.labelers[:, :1] * edges))  # (W, 100)
    steepness = (right * (1 - right) * edges).mean(axis=1)
    counts = np.bincount(pairs.labelers, minlength=len(pairs.labeler_names))
    shares = np.cumsum(counts) / len(pairs)
    anybody = np.searchsorted(shares, (np.arange(_ANYBODY) + 0.5) / _ANYBODY)
    labelers = [
        LabelerSkill(
            labeler=name,
            pairs=int(counts[w]),
            skill=float(state.labelers[w, 0]),
            skill_se=float(errors[w, 0]),
            reliability=float(right[w].mean()),
            reliability_se=float(steepness[w] * errors[w, 0]),
            position_bias=float(state.labelers[w, 1]),
            position_se=float(errors[w, 1]),
            length_bias=float(state.labelers[w, 2]),
            length_se=float(errors[w, 2]),
        )
        for w, name in enumerate(pairs.labeler_names)
    ]
    return CrowdFit(
        scores=centred(state.scores, state.spread.layout.component),
        score_se=np.sqrt(state.spread.variances()),
        spread=state.spread,
        parameters=state.labelers,
        parameter_se=errors,
        anybody=anybody,
        length_taste=state.taste,
        widths=np.array([state.score_width, *state.widths]),
        labelers=labelers,
        sweeps=state.sweeps,
    )

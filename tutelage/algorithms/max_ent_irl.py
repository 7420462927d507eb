"""Maximum-entropy inverse reinforcement learning on tables (Ziebart et al. 2008; with chance in the
transitions Ziebart et al. 2010): the reward under which what an expert did was likeliest, of all
policies that visit what it visited the one that commits itself to nothing else.

The expert is taken to be soft: π(a|s) = exp(Q(s, a) − V(s)), V = log Σ_a exp Q, Q = r + γ P V.
Counts of visits are discounted, so that a visit t steps from the start weighs γ^t.

A reward is known from behaviour only up to what behaviour does not show: r(s, a) + γ E φ(s') − φ(s)
makes the same policy for any φ that is 0 where an episode has ended (Ng et al. 1999). Features
decide what of that remains; with one for each state it is, at most, a constant and what no expert
ever reached. log π is the soft advantage, which all rewards that explain the expert share.

Shapes as in tabular.py: S states, A actions, F features; start (S,), features (S, A, F), visits
(S, A).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from tutelage.algorithms.tabular import Floats, TabularModel, backup
from tutelage.errors import BadInput


@dataclass(frozen=True)
class SoftOptimum:
    """action_values, policy: (S, A), the policy's rows sum to 1; values: (S,)."""

    action_values: Floats
    values: Floats
    policy: Floats


@dataclass(frozen=True)
class Recovered:
    weights: Floats  # (F,) of the features
    rewards: Floats  # (S, A) that they make
    policy: Floats  # (S, A) soft-optimal for these
    log_likelihood: float  # discounted nats an episode of the expert's actions, under the policy
    gap: float  # largest entry left of the gradient


def soft_value_iteration(
    model: TabularModel, discount: float, tolerance: float = 1e-12, max_sweeps: int = 100_000
) -> SoftOptimum:
    """The soft optimum, every value within `tolerance`; V = log Σ exp Q is a γ-contraction, as max
    is. BadInput unless the discount is below 1: without it entropy may be gathered for ever."""
    if not 0 <= discount < 1:
        raise BadInput(f"discount must lie in [0, 1), got {discount}")
    values = np.zeros(len(model.rewards))
    for _ in range(max_sweeps):
        action_values = backup(model, values, discount)
        updated = _log_sum_exp(action_values)
        change = float(np.abs(updated - values).max())
        values = updated
        if discount * change <= tolerance * (1 - discount):
            action_values = backup(model, values, discount)
            values = _log_sum_exp(action_values)
            return SoftOptimum(action_values, values, np.exp(action_values - values[:, None]))
        if not math.isfinite(change):
            break
    raise BadInput(
        f"after {max_sweeps} sweeps the soft values do not settle: are all rewards finite?"
    )


def expected_visits(model: TabularModel, policy: Floats, start: Floats, discount: float) -> Floats:
    """Discounted visits of an episode, (S, A): d = start + γ P_πᵀ d, solved exactly. They sum to
    1 / (1 − γ) where nothing ends."""
    _check_start(model, start)
    continuing = np.einsum("sa,san->sn", policy, model.continuing)
    states = np.linalg.solve(np.eye(len(start)) - discount * continuing.T, start)
    return states[:, None] * policy


def counted_visits(
    episodes: Sequence[Sequence[tuple[int, int]]], shape: tuple[int, int], discount: float
) -> Floats:
    """Discounted visits of an episode, (S, A), averaged over these, each a list of (state, action).
    An episode that was cut at step T lacks at most γ^T / (1 − γ) of its visits."""
    if not episodes or not all(episodes):
        raise BadInput(
            "visits are counted over episodes: give at least one, and none without steps"
        )
    visits = np.zeros(shape)
    for episode in episodes:
        for t, (state, action) in enumerate(episode):
            if not (0 <= state < shape[0] and 0 <= action < shape[1]):
                raise BadInput(
                    f"an episode visits state {state} with action {action}, but there are "
                    f"{shape[0]} states and {shape[1]} actions"
                )
            visits[state, action] += discount**t
    return visits / len(episodes)


def state_features(model: TabularModel) -> Floats:
    """One feature a state, whatever is done there, (S, A, S): the reward of being somewhere."""
    S, A = model.rewards.shape
    return np.repeat(np.eye(S)[:, None], A, axis=1)


def arrival_features(model: TabularModel) -> Floats:
    """One feature a state, the chance to arrive there, (S, A, S): the reward of getting somewhere,
    the end of an episode included."""
    return model.transitions


def max_ent_irl(
    model: TabularModel,
    visits: Floats,
    start: Floats,
    discount: float,
    features: Floats,
    *,
    penalty: float = 0.0,
    tolerance: float = 1e-6,
    max_steps: int = 500,
) -> Recovered:
    """The weights θ of the reward Φθ that make the expert's visits likeliest.

    Of the model only the transitions are read, not its rewards. The dual θ·f_E − E_start V, which
    is the expert's log-likelihood Σ visits · log π where its visits keep to the model, is concave
    in θ, and its gradient is f_E − f_π, the expert's feature counts less the learner's; L-BFGS
    climbs it until these are `tolerance` apart.

    penalty: of ½‖θ‖², which counted visits need: no policy may be able to make them exactly, or
    only one that excludes actions, and θ would grow for ever. BadInput where that happens.
    """
    S, A = model.rewards.shape
    if visits.shape != (S, A) or features.shape[:2] != (S, A) or features.ndim != 3:
        raise BadInput(
            f"visits need the shape {(S, A)} and features {(S, A, 'F')}, got {visits.shape} and "
            f"{features.shape}"
        )
    _check_start(model, start)
    wanted = np.einsum("sa,saf->f", visits, features)
    weights = torch.zeros(features.shape[2], dtype=torch.float64)
    optimiser = torch.optim.LBFGS(
        [weights],
        max_iter=max_steps,
        max_eval=4 * max_steps,
        tolerance_grad=tolerance,
        tolerance_change=0.0,
        history_size=20,
        line_search_fn="strong_wolfe",
    )

    def optimum() -> tuple[Floats, SoftOptimum, Floats]:
        theta = weights.numpy()
        best = soft_value_iteration(replace(model, rewards=features @ theta), discount)
        learned = expected_visits(model, best.policy, start, discount)
        slope = wanted - np.einsum("sa,saf->f", learned, features) - penalty * theta
        return theta, best, slope

    def closure() -> float:
        theta, best, slope = optimum()
        weights.grad = torch.from_numpy(-slope)
        return float(start @ best.values - theta @ wanted + 0.5 * penalty * theta @ theta)

    optimiser.step(closure)
    theta, best, slope = optimum()
    gap = float(np.abs(slope).max())
    if not gap <= tolerance:
        raise BadInput(
            f"after {max_steps} steps the feature counts are still {gap:.2g} apart: visits that "
            "were counted, or that leave out an action, need a penalty above 0, and all must come "
            "from this model, start and discount"
        )
    likelihood = float((visits * (best.action_values - best.values[:, None])).sum())
    return Recovered(theta.copy(), features @ theta, best.policy, likelihood, gap)


def _log_sum_exp(action_values: Floats) -> Floats:
    """(S, A) to (S,)."""
    greatest = action_values.max(axis=1)
    return greatest + np.log(np.exp(action_values - greatest[:, None]).sum(axis=1))


def _check_start(model: TabularModel, start: Floats) -> None:
    if start.shape != (len(model.rewards),) or (start < 0).any() or not np.isclose(start.sum(), 1):
        raise BadInput(
            f"start needs {len(model.rewards)} chances that sum to 1, got shape {start.shape}"
        )

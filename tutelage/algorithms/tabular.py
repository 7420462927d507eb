"""Reinforcement learning over tables: exact oracles that read the model, learners that only act.

Shapes: S states, A actions. transitions (S, A, S'), rewards and action values (S, A), policies
(S, A) with rows that sum to 1, state values (S,).

An episode that terminates is worth nothing from there on; one that is truncated (a time limit) was
stopped by us, so its last state keeps its value: the first does not bootstrap, the second does.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import gymnasium
import numpy as np
from numpy.typing import NDArray

from tutelage.device import seeded
from tutelage.errors import BadInput, EnvironmentFailure

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class TabularConfig:
    method: Literal["q_learning", "sarsa", "expected_sarsa"] = "q_learning"
    episodes: int = 500
    horizon: int | None = None  # steps after which an episode is truncated, besides its own limit
    discount: float = 0.99
    step_size: float = 0.1
    step_size_schedule: Literal["constant", "visits"] = "constant"  # visits: step_size / N(s, a)
    epsilon: float = 0.1  # chance of an action drawn from all, the greedy one included
    epsilon_schedule: Literal["constant", "linear", "visits"] = "constant"  # visits: ε / N(s)
    epsilon_last: float = 0.0  # in the last episode, where the schedule is linear
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in ("q_learning", "sarsa", "expected_sarsa"):
            raise ValueError(
                f"method must be q_learning, sarsa or expected_sarsa, got {self.method!r}"
            )
        if self.step_size_schedule not in ("constant", "visits"):
            raise ValueError(
                f"step_size_schedule must be constant or visits, got {self.step_size_schedule!r}"
            )
        if self.epsilon_schedule not in ("constant", "linear", "visits"):
            raise ValueError(
                f"epsilon_schedule must be constant, linear or visits, "
                f"got {self.epsilon_schedule!r}"
            )
        if self.episodes < 1:
            raise ValueError(f"episodes must be at least 1, got {self.episodes}")
        if self.horizon is not None and self.horizon < 1:
            raise ValueError(f"horizon must be at least 1 or left out, got {self.horizon}")
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, got {self.seed}")
        if not 0 < self.step_size <= 1:
            raise ValueError(f"step_size must lie in (0, 1], got {self.step_size}")
        for name in ("discount", "epsilon", "epsilon_last"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}")


@dataclass(frozen=True)
class TabularModel:
    transitions: Floats  # (S, A, S') chance of s' after a in s; each (s, a) sums to 1
    rewards: Floats  # (S, A) expected
    ends: NDArray[np.bool_]  # (S, A, S') True where that transition terminates the episode

    @cached_property
    def continuing(self) -> Floats:
        """Chance to go on in s', (S, A, S'); what is missing to 1 is the chance to terminate."""
        return self.transitions * ~self.ends


@dataclass(frozen=True)
class Optimum:
    action_values: Floats  # (S, A)
    error_bound: float  # on the distance of every entry from Q*, rounding of floats aside
    sweeps: int


@dataclass(frozen=True)
class Table:
    """What a learner knows. Lists, because Python reads one number of a list much faster."""

    values: list[list[float]]  # [s][a]
    visits: list[list[int]]  # [s][a] updates made

    def action_values(self) -> Floats:
        return np.array(self.values)


def table_shape(environment: gymnasium.Env[Any, Any]) -> tuple[int, int]:
    """How many states and actions there are; BadInput unless both are counted from 0."""
    sizes = []
    for space in (environment.observation_space, environment.action_space):
        if not isinstance(space, gymnasium.spaces.Discrete) or space.start != 0:
            raise BadInput(
                f"a table needs states and actions counted from 0, but {environment} has the space "
                f"{space}: choose an environment whose two spaces are Discrete"
            )
        sizes.append(int(space.n))
    return sizes[0], sizes[1]


def empty_table(environment: gymnasium.Env[Any, Any]) -> Table:
    """Every action value 0, no visits."""
    S, A = table_shape(environment)
    return Table([[0.0] * A for _ in range(S)], [[0] * A for _ in range(S)])


def read_model(environment: gymnasium.Env[Any, Any]) -> TabularModel:
    """The model that Gymnasium's toy-text environments list in `env.unwrapped.P`.

    P[s][a] is a list of (probability, next state, reward, terminated). BadInput where there is none
    or where it is not a model.
    """
    S, A = table_shape(environment)
    listed = getattr(environment.unwrapped, "P", None)
    if listed is None:
        raise BadInput(
            f"{environment} does not list its transitions in env.unwrapped.P: choose one that does "
            f"(FrozenLake, CliffWalking, Taxi), or learn from samples, which needs no model"
        )
    transitions, rewards = np.zeros((S, A, S)), np.zeros((S, A))
    ends = np.zeros((S, A, S), dtype=bool)
    for s in range(S):
        for a in range(A):
            for chance, following, reward, terminated in listed[s][a]:
                if transitions[s, a, following] > 0 and ends[s, a, following] != terminated:
                    raise BadInput(
                        f"action {a} in state {s} both terminates in state {following} and goes on "
                        f"there: give the end a state of its own"
                    )
                transitions[s, a, following] += chance
                rewards[s, a] += chance * reward
                ends[s, a, following] = terminated
    sums = transitions.sum(axis=2)
    if (transitions < 0).any() or not np.allclose(sums, 1) or not np.isfinite(rewards).all():
        raise BadInput(
            f"the transitions of {environment} are no model: each action in each state needs "
            f"finite rewards and probabilities that sum to 1, not to {sums.min():g}..{sums.max():g}"
        )
    return TabularModel(transitions, rewards, ends)


def backup(model: TabularModel, values: Floats, discount: float) -> Floats:
    """r(s, a) + γ Σ P(s' | s, a) v(s') over the s' that do not end it. values: (S,); (S, A)."""
    return model.rewards + discount * (model.continuing @ values)


def value_iteration(
    model: TabularModel, discount: float, tolerance: float = 1e-10, max_sweeps: int = 100_000
) -> Optimum:
    """Q* of an unlimited horizon, every entry within `tolerance` (Bellman 1957).

    With δ the largest change that a sweep makes to the values v, |Q − Q*| is at most
    γ δ / (1 − γ) (Puterman 1994, theorem 6.3.1). At discount 1 every step has to cost something
    (rewards ≤ −c < 0: a stochastic shortest path, Bertsekas and Tsitsiklis 1991). An episode of
    n steps then costs at least c n, and v is at most δ n wrong about it; so neither the greedy
    nor an optimal policy expects more than n = max |v| / (c − δ) steps, and |Q − Q*| ≤ δ n.

    BadInput where no such bound exists or `max_sweeps` do not reach the tolerance.
    """
    _check_discount(discount)
    least_cost = float(-model.rewards.max())
    if discount == 1:
        ends = (model.transitions * model.ends).sum(axis=(1, 2))
        if least_cost <= 0 or not _can_end(model.continuing.max(axis=1), ends).all():
            raise BadInput(
                "discount 1 needs every step to cost something and every state to have a way to "
                "the end: use a discount below 1, or finite_horizon_values"
            )
    values = np.zeros(len(model.rewards))
    for sweep in range(1, max_sweeps + 1):
        action_values = backup(model, values, discount)
        updated = action_values.max(axis=1)
        change = float(np.abs(updated - values).max())
        if discount < 1:
            bound = discount * change / (1 - discount)
        elif change < least_cost:
            bound = change * float(np.abs(values).max()) / (least_cost - change)
        else:
            bound = math.inf
        if bound <= tolerance:
            return Optimum(action_values, bound, sweep)
        values = updated
    raise BadInput(
        f"after {max_sweeps} sweeps the action values are only known to {bound:.2g}: "
        f"ask for a tolerance above {tolerance:g}, or for more sweeps"
    )


def finite_horizon_values(model: TabularModel, horizon: int, discount: float) -> Floats:
    """Q* of a task that is over after `horizon` steps, by backwards induction: (H, S, A).

    Entry [t] is for step t, H − t steps before the end (Puterman 1994, section 4.5). Nothing is
    worth anything after the last step: this horizon is part of the task, no truncation.
    """
    _check_discount(discount)
    if horizon < 1:
        raise BadInput(f"horizon must be at least 1, got {horizon}")
    S, A = model.rewards.shape
    action_values = np.empty((horizon, S, A))
    values = np.zeros(S)
    for t in reversed(range(horizon)):
        action_values[t] = backup(model, values, discount)
        values = action_values[t].max(axis=1)
    return action_values


def policy_values(model: TabularModel, policy: Floats, discount: float) -> Floats:
    """The value of every state under a policy (S, A), from (I − γ P_π) v = r_π: (S,).

    `backup` makes action values of them. BadInput for a policy that is none, or that at discount 1
    never ends from some state.
    """
    _check_discount(discount)
    policy = np.asarray(policy, dtype=np.float64)
    shape = model.rewards.shape
    if policy.shape != shape or (policy < 0).any() or not np.allclose(policy.sum(axis=1), 1):
        raise BadInput(
            f"a policy needs shape {shape} and rows of probabilities that sum to 1, "
            f"got shape {policy.shape}"
        )
    continuing = np.einsum("sa,san->sn", policy, model.continuing)
    ends = np.einsum("sa,san->s", policy, model.transitions * model.ends)
    if discount == 1 and not _can_end(continuing, ends).all():
        raise BadInput(
            "at discount 1 this policy never ends from some state: use a discount below 1"
        )
    rewards = (policy * model.rewards).sum(axis=1)
    return np.linalg.solve(np.eye(shape[0]) - discount * continuing, rewards)


def epsilon_greedy(action_values: Floats, epsilon: float = 0.0) -> Floats:
    """The policy (S, A) that acts uniformly with chance ε, else greedily, ties evenly."""
    best = action_values == action_values.max(axis=1, keepdims=True)
    greedy = best / best.sum(axis=1, keepdims=True)
    return (1 - epsilon) * greedy + epsilon / action_values.shape[1]


def td_target(reward: float, following: float, discount: float, terminated: bool) -> float:
    """r + γ · the value that follows; termination, unlike truncation, is followed by nothing."""
    return reward if terminated else reward + discount * following


def q_learning_target(
    reward: float, next_values: Sequence[float], discount: float, terminated: bool
) -> float:
    """r + γ max_a Q(s', a) (Watkins 1989; Watkins and Dayan 1992, eq. 1). next_values: (A,)."""
    return td_target(reward, max(next_values), discount, terminated)


def sarsa_target(
    reward: float, next_values: Sequence[float], next_action: int, discount: float, terminated: bool
) -> float:
    """r + γ Q(s', a') of the action that comes next (Rummery and Niranjan 1994)."""
    return td_target(reward, next_values[next_action], discount, terminated)


def expected_sarsa_target(
    reward: float, next_values: Sequence[float], epsilon: float, discount: float, terminated: bool
) -> float:
    """r + γ E Q(s', a') under the ε-greedy policy (van Seijen et al. 2009)."""
    mean = sum(next_values) / len(next_values)
    following = (1 - epsilon) * max(next_values) + epsilon * mean
    return td_target(reward, following, discount, terminated)


def exploration(config: TabularConfig, episode: int, visits: int) -> float:
    """ε in an episode, in a state that has been left `visits` times before.

    `visits`: ε / N(s) explores for ever yet ends greedy, GLIE (Singh et al. 2000).
    """
    if config.epsilon_schedule == "visits":
        return config.epsilon / (visits + 1)
    if config.epsilon_schedule == "linear":
        done = episode / max(1, config.episodes - 1)
        return config.epsilon + done * (config.epsilon_last - config.epsilon)
    return config.epsilon


def step_size(config: TabularConfig, visits: int) -> float:
    """α of the update number `visits` of one entry; 1 / N meets Robbins and Monro (1951)."""
    return config.step_size / visits if config.step_size_schedule == "visits" else config.step_size


def explore(values: Sequence[float], epsilon: float, generator: random.Random) -> int:
    """An ε-greedy action over values (A,); ties are drawn, so that a new table favours none."""
    if generator.random() < epsilon:
        return int(generator.random() * len(values))
    best = max(values)
    if values.count(best) == 1:
        return values.index(best)
    return generator.choice([a for a, value in enumerate(values) if value == best])


def learn(
    environment: gymnasium.Env[Any, Any], table: Table, config: TabularConfig
) -> Iterator[dict[str, float]]:
    """Play and learn, one episode for each item taken, changing the table; yields its metrics.

    The same seed gives the same table. EnvironmentFailure for a reward that is no finite number.
    """
    generator = random.Random(seeded(config.seed, "tabular").initial_seed())
    values, visits = table.values, table.visits
    for episode in range(config.episodes):
        # Only the first reset is seeded: the environment goes on drawing from there.
        state = int(environment.reset(seed=config.seed if episode == 0 else None)[0])
        action = explore(values[state], exploration(config, episode, sum(visits[state])), generator)
        terminated = truncated = False
        steps, return_, absolute_error = 0, 0.0, 0.0
        while not (terminated or truncated):
            observation, given, terminated, truncated, _ = environment.step(action)
            following, reward = int(observation), float(given)
            if not math.isfinite(reward):
                raise EnvironmentFailure(f"{environment} gave the reward {reward}")
            steps += 1
            truncated = truncated or steps == config.horizon
            visits[state][action] += 1
            next_values = values[following]
            epsilon = exploration(config, episode, sum(visits[following]))
            # SARSA's target needs the action that comes next; the others let it see the update.
            if config.method == "sarsa":
                next_action = explore(next_values, epsilon, generator)
                target = sarsa_target(reward, next_values, next_action, config.discount, terminated)
            elif config.method == "q_learning":
                target = q_learning_target(reward, next_values, config.discount, terminated)
            else:
                target = expected_sarsa_target(
                    reward, next_values, epsilon, config.discount, terminated
                )
            error = target - values[state][action]
            values[state][action] += step_size(config, visits[state][action]) * error
            if config.method != "sarsa":
                next_action = explore(next_values, epsilon, generator)
            state, action = following, next_action
            return_ += reward
            absolute_error += abs(error)
        yield {
            "episode/return": return_,
            "episode/steps": steps,
            "episode/terminated": float(terminated),
            "td/absolute_error": absolute_error / steps,
        }


def _check_discount(discount: float) -> None:
    if not 0 <= discount <= 1:
        raise BadInput(f"discount must lie in [0, 1], got {discount}")


def _can_end(continuing: Floats, ends: Floats) -> NDArray[np.bool_]:
    """Which states have a way to the end. continuing: (S, S') and ends: (S,), chances; (S,)."""
    reached = ends > 0
    while True:
        grown = reached | (continuing[:, reached] > 0).any(axis=1)
        if (grown == reached).all():
            return reached
        reached = grown

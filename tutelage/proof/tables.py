"""Learners over tables, in two grid worlds whose answers are known."""

from __future__ import annotations

import functools

import gymnasium
import torch

from tutelage.algorithms import tabular
from tutelage.proof.finding import Measured, at_most, claim, same

_CLIFF_START, _CLIFF_GOAL = 36, 47  # a grid of 4 rows and 12 columns
_ABOVE_THE_CLIFF = frozenset(range(25, 35))


@claim("G18", "Q-learning on FrozenLake without chance is value iteration.")
def q_learning_is_value_iteration() -> Measured:
    """G18, FrozenLake that is not slippery: with step size 1 each update is an exact backup.
    Episodes are cut at 15 steps; were that an end, the values would come out too low."""
    environment = gymnasium.make(_newest("FrozenLake"), is_slippery=False)
    model = tabular.read_model(environment)
    optimum = tabular.value_iteration(model, 0.99, 1e-12).action_values
    config = tabular.TabularConfig(
        episodes=2_000, epsilon=0.9, horizon=15, step_size=1.0, discount=0.99
    )
    # In a state where the episode is over nothing is ever done, so nothing is learned of it.
    over = model.ends.any(axis=(0, 1))
    learned = _learned(environment, config)
    return same(torch.from_numpy(optimum[~over]), torch.from_numpy(learned[~over]), 1e-12)


@claim("G18", "Q-learning walks along the cliff.")
def q_learning_walks_the_edge() -> Measured:
    """G18, CliffWalking with ε 0.1 (example 6.6 of Sutton and Barto 2018): state by state."""
    edge = [_CLIFF_START, *range(24, 36), _CLIFF_GOAL]
    path = _cliff_path("q_learning")
    return same([*map(float, edge)], [*map(float, path[: len(edge)])], 0.0)


@claim("G18", "SARSA keeps away from the cliff.")
def sarsa_keeps_away_from_it() -> Measured:
    """How many of the ten states above the cliff SARSA's greedy path passes."""
    path = _cliff_path("sarsa")
    assert path[-1] == _CLIFF_GOAL
    return at_most(0.0, float(len(_ABOVE_THE_CLIFF & set(path))), 0.0)


def _cliff_path(method: str) -> list[int]:
    """The states that the learned greedy policy passes, at most as many as there are."""
    environment = gymnasium.make(_newest("CliffWalking"))
    model = tabular.read_model(environment)
    config = tabular.TabularConfig(
        method=method,  # type: ignore[arg-type]
        episodes=2_000,
        discount=1.0,
        horizon=1_000,
    )
    values = _learned(environment, config)
    path = [_CLIFF_START]
    while path[-1] != _CLIFF_GOAL and len(path) < len(values):
        path.append(int(model.transitions[path[-1], values[path[-1]].argmax()].argmax()))
    return path


def _learned(environment: gymnasium.Env[int, int], config: tabular.TabularConfig) -> tabular.Floats:
    table = tabular.empty_table(environment)
    for _ in tabular.learn(environment, table, config):
        pass
    return table.action_values()


@functools.cache
def _newest(name: str) -> str:
    return max(known for known in gymnasium.registry if known.startswith(f"{name}-v"))

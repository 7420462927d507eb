"""Demonstrations in BabyAI's levels by the bot that comes with minigrid."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from tutelage.environments.grid import begin, make_world, write_view
from tutelage.errors import BadInput
from tutelage.model.grid import ROW


@dataclass(frozen=True)
class Demonstrations:
    """The steps of episodes that the bot solved, one episode after the other.

    rows: (K, D), what it saw. actions: (K,). returns: (K,), the discounted reward that came after.
    episodes: how many; unsolved: those that the bot did not solve, which are left out.
    """

    rows: np.ndarray
    actions: np.ndarray
    returns: np.ndarray
    episodes: int
    unsolved: int = 0


def demonstrate(name: str, seeds: Sequence[int], gamma: float = 1.0) -> Demonstrations:
    """An episode of the bot for each seed. It plans by what it has seen so far in the episode and
    by the rules of the level, which it knows."""
    from minigrid.utils.baby_ai_bot import BabyAIBot

    world = make_world(name)
    rows: list[np.ndarray] = []
    actions: list[int] = []
    returns: list[float] = []
    solved = 0
    for seed in seeds:
        row = begin(world, seed)
        if not hasattr(world, "instrs"):
            raise BadInput(f"The bot plays the levels of BabyAI, BabyAI-…, and {name} is none.")
        bot = BabyAIBot(world)
        seen: list[np.ndarray] = []
        done: list[int] = []
        ended, reward = False, 0.0
        while not ended:
            seen.append(row.copy())
            done.append(int(bot.replan(done[-1] if done else None)))
            view, reward, terminated, truncated, _ = world.step(done[-1])
            write_view(row, view)
            ended = terminated or truncated
        if reward > 0:  # only an episode's last step is rewarded
            solved += 1
            rows += seen
            actions += done
            returns += [reward * gamma**left for left in reversed(range(len(done)))]
    return Demonstrations(
        np.array(rows, dtype=np.uint8).reshape(-1, ROW),
        np.array(actions, dtype=np.int64),
        np.array(returns, dtype=np.float32),
        solved,
        len(seeds) - solved,
    )


def demonstrate_side_by_side(
    name: str, seeds: Sequence[int], gamma: float = 1.0, processes: int = 2
) -> Demonstrations:
    """The same by several processes."""
    parts = [seeds[i : i + 1000] for i in range(0, len(seeds), 1000)]
    # spawned, because a fork of a process with threads may hang
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        found = list(pool.map(partial(demonstrate, name, gamma=gamma), parts))
    return Demonstrations(
        np.concatenate([part.rows for part in found]),
        np.concatenate([part.actions for part in found]),
        np.concatenate([part.returns for part in found]),
        sum(part.episodes for part in found),
        sum(part.unsolved for part in found),
    )

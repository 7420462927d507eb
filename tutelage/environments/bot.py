"""Episodes of BabyAI's levels, played by the bot that comes with minigrid."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import torch

from tutelage.data.episodes import Episodes, joined
from tutelage.environments.grid import begin, make_world, write_view
from tutelage.errors import BadInput
from tutelage.policies.grid import ROW

_PART = 1000  # episodes that a process plays at a time


def bot_seeds(seed: int, episodes: int) -> range:
    """Of the bot's episodes: from 2³¹ on, below which every other seed of a run lies, and below
    2³² for the first 200 seeds."""
    first = 2**31 + seed * 10_000_000
    return range(first, first + episodes)


def demonstrate(name: str, seeds: Sequence[int], **options: Any) -> Episodes:
    """An episode of the bot for each seed, those left out that it does not solve. It plans by what
    it has seen so far in the episode and by the rules of the level, which it knows. options: the
    level's own."""
    from minigrid.utils.baby_ai_bot import BabyAIBot

    world = make_world(name, **options)
    rows: list[np.ndarray] = []
    actions: list[int] = []
    rewards: list[float] = []
    ends: list[bool] = []
    for seed in seeds:
        row = begin(world, seed)
        if not hasattr(world, "instrs"):
            raise BadInput(f"The bot plays the levels of BabyAI, BabyAI-…, and {name} is none.")
        bot = BabyAIBot(world)
        observed: list[np.ndarray] = []
        taken: list[int] = []
        ended, reward = False, 0.0
        while not ended:
            observed.append(row.copy())
            taken.append(int(bot.replan(taken[-1] if taken else None)))
            view, reward, terminated, truncated, _ = world.step(taken[-1])
            write_view(row, view)
            ended = terminated or truncated
        if reward > 0:  # only an episode's last step is rewarded
            rows += observed
            actions += taken
            rewards += [0.0] * (len(taken) - 1) + [reward]
            ends += [False] * (len(taken) - 1) + [True]
    over = torch.tensor(ends, dtype=torch.bool)
    return Episodes(
        torch.from_numpy(np.array(rows, dtype=np.uint8).reshape(-1, ROW)),
        torch.tensor(actions, dtype=torch.int64),
        over,
        torch.zeros_like(over),
        torch.tensor(rewards, dtype=torch.float32),
    )


def demonstrate_side_by_side(
    name: str, seeds: Sequence[int], processes: int = 2, **options: Any
) -> Episodes:
    """The same by several processes, where there are many."""
    parts = [seeds[i : i + _PART] for i in range(0, len(seeds), _PART)]
    play: Callable[[Sequence[int]], Episodes] = partial(demonstrate, name, **options)
    if len(parts) == 1:
        return play(seeds)
    # spawned, because a fork of a process with threads may hang
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        return joined(list(pool.map(play, parts)))

"""A chain of cells with an end that pays: every Q-value of it is known."""

from __future__ import annotations

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeLimit

CELLS = 4


class Chain(gymnasium.Env):
    """Left or right from a cell of chance; to leave on the right pays 1 and terminates, on the left
    there is a wall. Observes which cell, one-hot."""

    def __init__(self) -> None:
        self.observation_space = Box(0, 1, (CELLS,), np.float32)
        self.action_space = Discrete(2)
        self.cell = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.cell = int(self.np_random.integers(CELLS))
        return self.observation(), {}

    def observation(self) -> np.ndarray:
        return np.eye(CELLS + 1, CELLS, dtype=np.float32)[self.cell]

    def step(self, action):
        self.cell = max(0, self.cell + (1 if action == 1 else -1))
        ended = self.cell == CELLS
        return self.observation(), float(ended), ended, False, {}


def chains(count: int) -> SyncVectorEnv:
    """Cut after three steps, in which few get to the end."""
    return SyncVectorEnv(
        [lambda: TimeLimit(Chain(), 3)] * count, autoreset_mode=AutoresetMode.NEXT_STEP
    )


def best_q_values(gamma: float) -> torch.Tensor:
    """(CELLS, 2): to the right is gamma^(cells still to cross), to the left one cell more."""
    right = torch.tensor([gamma ** (CELLS - 1 - cell) for cell in range(CELLS)])
    left = gamma * right[[max(0, cell - 1) for cell in range(CELLS)]]
    return torch.stack([left, right], dim=1)

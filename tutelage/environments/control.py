"""Gymnasium's environments, several side by side, each observation a row of numbers."""

from __future__ import annotations

from functools import partial
from typing import Any

import gymnasium
from gymnasium.spaces import Box, Dict, Text
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.wrappers import FilterObservation, FlattenObservation

from tutelage.errors import BadInput

GRID_WORLDS = ("MiniGrid-", "BabyAI-")  # registered by the package minigrid


def make_environments(name: str, count: int, **options: Any) -> VectorEnv:
    """`count` of a Gymnasium environment, each starting anew by itself in the step after an
    episode's end; as one vectorised environment where it offers that. options: its own."""
    register(name)
    try:
        if gymnasium.spec(name).vector_entry_point is not None:
            made = gymnasium.make_vec(
                name, count, vectorization_mode="vector_entry_point", **options
            )
            if made.metadata.get("autoreset_mode") == AutoresetMode.NEXT_STEP:
                return made
            made.close()
        return SyncVectorEnv(
            [partial(make_environment, name, **options)] * count,
            autoreset_mode=AutoresetMode.NEXT_STEP,
        )
    except gymnasium.error.Error as error:
        raise BadInput(f"Gymnasium cannot make the environment {name}: {error}") from None


def make_environment(name: str, **options: Any) -> gymnasium.Env:
    """One environment, its observation flattened to a row of numbers where it is not one; texts in
    it are left out."""
    environment = gymnasium.make(name, **options)
    seen = environment.observation_space
    if isinstance(seen, Dict):
        kept = [key for key, space in seen.items() if not isinstance(space, Text)]
        if len(kept) < len(seen):
            environment = FilterObservation(environment, kept)
    if isinstance(seen, Box) and len(seen.shape) == 1:
        return environment
    try:
        return FlattenObservation(environment)
    except NotImplementedError:
        raise BadInput(
            f"The observations of {name} are {seen}, which cannot be made a row of numbers."
        ) from None


def register(name: str) -> None:
    """Import the package that registers the environment, where it is one known by its name."""
    if name.startswith(GRID_WORLDS):
        try:
            import minigrid  # noqa: F401
        except ImportError:
            raise BadInput(
                f'{name} needs the package minigrid: pip install "tutelage[worlds]".'
            ) from None

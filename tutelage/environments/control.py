"""Gymnasium's environments, several side by side, each observation a row of numbers."""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from gymnasium.wrappers import FilterObservation, FlattenObservation, TimeLimit

from tutelage.environments.grid import GridWorld
from tutelage.environments.registration import GRID_WORLDS, register
from tutelage.errors import BadInput

_LONGEST = 10_000  # steps of an episode, where the environment sets no limit
_MANY = 8  # environments, from which a vectorised one is faster


class SideBySide(VectorEnv):
    """Environments of one kind, stepped one after another. In the step after an episode's end an
    environment is reset, its action ignored, its reward 0. As gymnasium's SyncVectorEnv in this
    mode, without the copies that take it longer than a small environment's own step."""

    def __init__(self, environments: Sequence[gymnasium.Env]) -> None:
        self.environments = list(environments)
        first = self.environments[0]
        self.num_envs = len(self.environments)
        self.metadata = {**first.metadata, "autoreset_mode": AutoresetMode.NEXT_STEP}
        self.render_mode, self.spec = first.render_mode, first.spec
        self.single_observation_space = first.observation_space
        self.single_action_space = first.action_space
        self.observation_space = batch_space(first.observation_space, self.num_envs)
        self.action_space = batch_space(first.action_space, self.num_envs)
        self._over = [False] * self.num_envs

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        self._over = [False] * self.num_envs
        started = [
            environment.reset(seed=None if seed is None else seed + i, options=options)[0]
            for i, environment in enumerate(self.environments)
        ]
        return np.stack(started), {}

    def step(
        self, actions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        observed, rewards = [], []
        terminated, truncated = [False] * self.num_envs, [False] * self.num_envs
        for i, environment in enumerate(self.environments):
            if self._over[i]:
                observation, _ = environment.reset()
                reward: Any = 0.0
            else:
                observation, reward, terminated[i], truncated[i], _ = environment.step(actions[i])
            observed.append(observation)
            rewards.append(reward)
        self._over = [a or b for a, b in zip(terminated, truncated, strict=True)]
        return np.array(observed), np.array(rewards), np.array(terminated), np.array(truncated), {}

    def close_extras(self, **_: Any) -> None:
        for environment in self.environments:
            environment.close()


def make_environments(name: str, count: int, **options: Any) -> VectorEnv:
    """`count` of a Gymnasium environment, each starting anew by itself in the step after an
    episode's end; as one vectorised environment where it offers that. options: its own. BadInput
    says why it cannot be made, and what to do."""
    register(name)
    cannot = f"Gymnasium cannot make the environment {name}"
    try:
        return _side_by_side(name, count, options)
    except BadInput:
        raise
    except (gymnasium.error.UnregisteredEnv, gymnasium.error.DeprecatedEnv):
        near = difflib.get_close_matches(name, gymnasium.registry, n=3, cutoff=0.7)
        cure = (
            f"perhaps you meant {' or '.join(near)}"
            if near
            else "another package's are named after its module, as in package:Name-v0"
        )
        raise BadInput(f"{cannot}: it knows none of that name; {cure}.") from None
    except (gymnasium.error.DependencyNotInstalled, ImportError) as error:
        missing = str(error).rstrip(".")
        if re.search("box2d|pygame", missing, re.I):
            missing = 'it needs pip install "tutelage[control]"'
        raise BadInput(f"{cannot}: {missing}.") from None
    except Exception as error:  # its constructor is foreign code
        raise BadInput(
            f"{cannot}: {str(error).rstrip('.')}. It is told by its name and --env-options."
        ) from None


def _side_by_side(name: str, count: int, options: dict[str, Any]) -> VectorEnv:
    vectorised = gymnasium.spec(name.rpartition(":")[2]).vector_entry_point is not None
    if vectorised and count >= _MANY:  # with few the arrays cost more than they save
        made = gymnasium.make_vec(name, count, vectorization_mode="vector_entry_point", **options)
        if made.metadata.get("autoreset_mode") == AutoresetMode.NEXT_STEP:
            return made
        made.close()
    return SideBySide([make_environment(name, **options) for _ in range(count)])


def make_environment(name: str, **options: Any) -> gymnasium.Env:
    """One environment, its observation flattened to a row of numbers where it is not one; texts in
    it are left out, but for the instructions of grid worlds."""
    if name.startswith(GRID_WORLDS):
        return GridWorld(name, **options)
    environment = gymnasium.make(name, disable_env_checker=True, **options)
    if environment.spec is not None and environment.spec.max_episode_steps is None:
        # the likeliest action in each state may lead nowhere, for ever
        environment = TimeLimit(environment, _LONGEST)
    space = environment.observation_space
    if isinstance(space, Dict):
        # minigrid's missions are strings of a space of its own
        keys = [key for key, part in space.items() if not isinstance(part.sample(), str)]
        if len(keys) < len(space):
            environment = FilterObservation(environment, keys)
    if not (isinstance(space, Box) and len(space.shape) == 1):
        with contextlib.suppress(NotImplementedError):
            environment = FlattenObservation(environment)
    if not isinstance(environment.observation_space, Box):
        raise BadInput(
            f"The observations of {name} are {space}, which cannot be made a row of numbers."
        )
    return environment

"""Environments side by side do what gymnasium's own vector does; observations become a row of
numbers, and what cannot be made one is refused."""

from __future__ import annotations

from functools import partial

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, Space, Text
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from tutelage.environments import make_environments
from tutelage.environments.control import SideBySide, make_environment
from tutelage.errors import BadInput


@pytest.mark.parametrize("name", ["CartPole-v1", "MountainCarContinuous-v0"])
def test_they_are_gymnasium_s_vector(name: str):
    make = partial(gymnasium.make, name, max_episode_steps=30)
    ours = SideBySide([make() for _ in range(3)])
    theirs = SyncVectorEnv([make] * 3, autoreset_mode=AutoresetMode.NEXT_STEP)
    ours.action_space.seed(0)
    first, again = ours.reset(seed=7)[0], theirs.reset(seed=7)[0]
    assert np.array_equal(first, again)
    ends = 0
    for _ in range(100):
        actions = ours.action_space.sample()
        found, expected = ours.step(actions)[:4], theirs.step(actions)[:4]
        for mine, its in zip(found, expected, strict=True):
            np.testing.assert_array_equal(mine, its)
        ends += int((found[2] | found[3]).sum())
    assert ends > 5
    ours.close()


def test_any_observation_becomes_a_row():
    lake = make_environments("FrozenLake-v1", 2)
    observations, _ = lake.reset(seed=0)
    assert observations.shape == (2, 16)
    assert observations.sum(axis=1).tolist() == [1, 1]


def test_a_vectorised_environment_is_used_for_many():
    assert isinstance(make_environments("CartPole-v1", 2), SideBySide)
    assert not isinstance(make_environments("CartPole-v1", 16), SideBySide)


def test_a_missing_package_is_one_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "minigrid", None)
    with pytest.raises(BadInput, match="needs the package minigrid"):
        make_environments("MiniGrid-Empty-5x5-v0", 2)


class Missions(Space):
    """Sentences, as minigrid has them in a space of its own."""

    def sample(self, mask=None, probability=None):
        return "go to the door"

    def contains(self, x):
        return isinstance(x, str)


class Room(gymnasium.Env):
    """Sees a picture, where it looks, and what it is told."""

    observation_space = Dict(
        {
            "picture": Box(0, 255, (2, 3), np.uint8),
            "direction": Discrete(4),
            "mission": Missions(),
            "hint": Text(8),
        }
    )
    action_space = Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        seen = np.arange(6, dtype=np.uint8).reshape(2, 3)
        return {"picture": seen, "direction": 2, "mission": "go", "hint": "left"}, {}


@pytest.fixture
def _room():
    gymnasium.register("Room-v0", entry_point=Room, disable_env_checker=True)
    yield
    del gymnasium.registry["Room-v0"]


@pytest.mark.usefixtures("_room")
def test_texts_are_left_out_and_the_rest_is_a_row():
    environment = make_environment("Room-v0")
    assert environment.observation_space.shape == (10,)
    seen, _ = environment.reset(seed=0)
    # the direction one-hot, then the picture: keys stand in the order of the alphabet
    assert seen.tolist() == [0, 0, 1, 0, 0, 1, 2, 3, 4, 5]

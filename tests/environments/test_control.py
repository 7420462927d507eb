"""Observations become a row of numbers; what cannot be made one is refused."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, Space, Text

from tutelage.environments.control import make_environment


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

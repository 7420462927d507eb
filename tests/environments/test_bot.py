"""The bot's demonstrations are what happened; other worlds than BabyAI's are refused."""

from __future__ import annotations

import numpy as np
import pytest

from tutelage.environments.bot import demonstrate, demonstrate_side_by_side
from tutelage.environments.grid import begin, make_world, write_view
from tutelage.errors import BadInput

LEVEL = "BabyAI-GoToLocal-v0"


def test_acting_as_was_shown_sees_and_earns_what_was_shown():
    seeds = range(10, 40)
    shown = demonstrate(LEVEL, seeds, gamma=0.9)
    assert (shown.episodes, shown.unsolved) == (30, 0)
    world = make_world(LEVEL)
    step = 0
    for seed in seeds:
        row = begin(world, seed)
        began, ended, reward = step, False, 0.0
        while not ended:
            np.testing.assert_array_equal(shown.rows[step], row)
            seen, reward, ended, _, _ = world.step(shown.actions[step])
            write_view(row, seen)
            step += 1
        expected = [reward * 0.9 ** (step - 1 - i) for i in range(began, step)]
        np.testing.assert_allclose(shown.returns[began:step], expected, rtol=1e-6)
    assert step == len(shown.rows) == len(shown.actions)


def test_several_processes_show_the_same():
    alone, together = demonstrate(LEVEL, range(5)), demonstrate_side_by_side(LEVEL, range(5))
    for name in ("rows", "actions", "returns"):
        np.testing.assert_array_equal(getattr(together, name), getattr(alone, name))
    assert together.episodes == 5


def test_a_world_that_the_bot_cannot_play_is_refused():
    with pytest.raises(BadInput, match="plays the levels of BabyAI, BabyAI-…, and MiniGrid-Empty"):
        demonstrate("MiniGrid-Empty-5x5-v0", [0])

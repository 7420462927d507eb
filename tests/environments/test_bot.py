"""The bot's demonstrations are what happened; other worlds than BabyAI's are refused."""

from __future__ import annotations

import numpy as np
import pytest

from tutelage.environments import bot
from tutelage.environments.bot import bot_seeds, demonstrate, demonstrate_side_by_side
from tutelage.environments.grid import begin, make_world, write_view
from tutelage.errors import BadInput

LEVEL = "BabyAI-GoToLocal-v0"


def test_acting_as_was_shown_sees_and_earns_what_was_shown():
    seeds = range(10, 40)
    shown = demonstrate(LEVEL, seeds)
    assert len(shown.lengths) == 30
    returns = shown.returns_to_go(0.9)
    world = make_world(LEVEL)
    step = 0
    for seed in seeds:
        row = begin(world, seed)
        began, ended, reward = step, False, 0.0
        while not ended:
            np.testing.assert_array_equal(shown.observations[step], row)
            seen, reward, ended, _, _ = world.step(int(shown.actions[step]))
            write_view(row, seen)
            step += 1
        expected = [reward * 0.9 ** (step - 1 - i) for i in range(began, step)]
        np.testing.assert_allclose(returns[began:step], expected, rtol=1e-6)
    assert step == len(shown) == len(shown.actions)


def test_several_processes_show_the_same(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bot, "_PART", 3)
    alone, together = demonstrate(LEVEL, range(5)), demonstrate_side_by_side(LEVEL, range(5))
    for name, tensor in alone.tensors().items():
        assert getattr(together, name).equal(tensor)
    assert len(together.lengths) == 5


def test_its_seeds_are_nobody_else_s():
    assert bot_seeds(0, 5)[0] == 2**31  # seed_number draws from those below
    assert bot_seeds(3, 10_000_000)[-1] < bot_seeds(4, 1)[0]


def test_a_world_that_the_bot_cannot_play_is_refused():
    with pytest.raises(BadInput, match="plays the levels of BabyAI, BabyAI-…, and MiniGrid-Empty"):
        demonstrate("MiniGrid-Empty-5x5-v0", [0])

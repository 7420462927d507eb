"""Grid worlds with instructions: what a row holds, what is refused, that a policy acts on it."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import torch

from tutelage.algorithms import PPO, PPOConfig
from tutelage.device import seeded
from tutelage.environments import make_environments
from tutelage.environments.grid import (
    VOCABULARY,
    begin,
    grid_policy,
    make_world,
    word_ids,
)
from tutelage.errors import BadInput
from tutelage.rollout.play import play, start

LEVEL = "BabyAI-GoToLocal-v0"


def view(row: np.ndarray) -> np.ndarray:
    return row[:147].reshape(7, 7, 3)


# objects and states that some levels must show, as minigrid numbers them
_MET = {
    (0, 0): "unseen",
    (4, 0): "door open",
    (4, 1): "door closed",
    (4, 2): "door locked",
    (9, 0): "lava",
}


def spoken(row: np.ndarray) -> str:
    return " ".join(VOCABULARY[number] for number in row[148:] if number)


@pytest.mark.parametrize(
    ("name", "met"),
    [
        (LEVEL, {"carried"}),
        ("BabyAI-BossLevel-v0", {"door open", "door closed"}),
        ("MiniGrid-DoorKey-8x8-v0", {"door locked", "unseen"}),
        ("MiniGrid-LavaGapS7-v0", {"lava"}),
        ("MiniGrid-FourRooms-v0", {"unseen"}),
    ],
)
def test_a_row_is_what_minigrid_shows(name: str, met: set[str]):
    from minigrid.minigrid_env import MiniGridEnv

    world = make_world(name)
    numbers = np.random.default_rng(0)
    found = set()
    for seed in range(8):
        row = begin(world, seed)
        assert spoken(row) == world.mission.lower().replace(",", "")
        for action in numbers.integers(0, 6, 50):
            shown = MiniGridEnv.gen_obs(world)
            seen = world.gen_obs()
            np.testing.assert_array_equal(seen["image"], shown["image"])
            assert seen["direction"] == shown["direction"]
            found |= {
                _MET.get((kind, state), "")
                for kind, _, state in seen["image"].reshape(-1, 3).tolist()
            }
            found |= {"carried"} if world.carrying is not None else set()
            if any(world.step(action)[2:4]):
                break
    assert met <= found


def test_worlds_side_by_side_are_each_alone():
    """Every world's rows, rewards and ends are those of gymnasium's own environment, seed by seed;
    the step after an episode's end only begins the next one."""
    worlds = make_environments(LEVEL, 3)
    rows, _ = worlds.reset(seed=5)
    alone = [gymnasium.make(LEVEL, disable_env_checker=True) for _ in range(3)]
    shown = [one.reset(seed=5 + i)[0] for i, one in enumerate(alone)]
    ended = [False] * 3
    numbers = np.random.default_rng(1)
    episodes = 0
    for _ in range(150):
        for row, each in zip(rows, shown, strict=True):
            np.testing.assert_array_equal(view(row), each["image"])
            assert row[147] == each["direction"]
            assert spoken(row) == each["mission"]
        actions = numbers.integers(0, 3, 3)
        rows, rewards, terminated, truncated, _ = worlds.step(actions)
        for i, one in enumerate(alone):
            if ended[i]:
                shown[i], _ = one.reset()
                assert (rewards[i], terminated[i], truncated[i]) == (0, False, False)
                ended[i] = False
                continue
            shown[i], reward, *ends, _ = one.step(actions[i])
            assert (rewards[i], [terminated[i], truncated[i]]) == (reward, ends)
            ended[i] = any(ends)
            episodes += ended[i]
    assert episodes > 5


def test_an_instruction_by_its_words():
    numbers = word_ids("Put the red ball next to a box on your left, then open the door")
    words = [VOCABULARY[number] for number in numbers[:15]]
    assert " ".join(words) == "put the red ball next to a box on your left then open the door"
    assert numbers[15:] == [0] * 57
    put = "put the red ball in front of you next to a blue box in front of you"
    longest = f"{put} and {put} after you {put} and {put}"
    assert len(longest.split()) == 72
    assert 0 not in word_ids(longest)
    assert len(set(VOCABULARY)) == len(VOCABULARY)


def test_every_mission_of_minigrid_can_be_read():
    import minigrid  # noqa: F401

    newest = {spec.name: spec.id for spec in gymnasium.registry.values()}  # older ones come first
    read = 0
    for name in newest.values():
        if name.startswith(("MiniGrid-", "BabyAI-")) and "WFC" not in name:
            world = make_world(name)
            assert spoken(begin(world, 0)) == world.mission.lower().replace(",", "")
            read += 1
    assert read > 100


def test_what_cannot_be_read_is_one_sentence():
    with pytest.raises(BadInput, match="a word that this policy does not know: 'turquoise'"):
        word_ids("go to the turquoise ball")
    with pytest.raises(BadInput, match="73 words, at most 72"):
        word_ids("go " * 73)
    with pytest.raises(BadInput, match="cannot make the environment BabyAI-NoSuchThing-v0"):
        make_world("BabyAI-NoSuchThing-v0")
    with pytest.raises(BadInput, match="CartPole-v1 is no grid world"):
        make_world("CartPole-v1")


def test_an_untrained_policy_plays_and_is_updated():
    worlds = make_environments(LEVEL, 4)
    policy = grid_policy(worlds, seeded("policy"))
    players = start(worlds, 0)
    found = play(policy, players, 80, seeded("play"))
    assert len(players.finished) > 0
    assert policy.distribution(found.inputs).entropy().mean() > 1.9  # of log 7 = 1.946
    config = PPOConfig(minibatches=2, epochs=2)  # the first minibatch checks that the ratio is 1
    algorithm = PPO(policy, config)
    before = {name: value.clone() for name, value in policy.named_parameters()}
    metrics = algorithm.update(algorithm.credit(found), seeded("update"))
    assert all(np.isfinite(value) for value in metrics.values())
    left = [name for name, value in policy.named_parameters() if torch.equal(value, before[name])]
    assert left == []

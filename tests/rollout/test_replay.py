"""The replay: what it forgets, what it leaves out, that a saved one goes on as if it never was."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.policies.test_control import Steps as Clock
from tests.policies.test_control import side_by_side
from tutelage.device import seeded
from tutelage.errors import BadInput
from tutelage.policies.control import new_policy
from tutelage.rollout.play import play, start
from tutelage.rollout.replay import Replay, Steps, steps_of


def numbered(first: int, count: int) -> Steps:
    """Steps that can be told apart: the one of number n rewards n."""
    numbers = torch.arange(first, first + count)
    observations = torch.stack([numbers, numbers + 100], dim=1).float()
    return Steps(observations, numbers % 3, numbers.float(), observations + 1, numbers % 2 == 0)


def held(replay: Replay) -> list[float]:
    return sorted(replay.state_dict()["steps"]["rewards"].tolist())


def test_the_newest_overwrite_the_oldest():
    replay = Replay(5)
    replay.add(numbered(0, 3))
    assert held(replay) == [0, 1, 2]
    replay.add(numbered(3, 4))
    assert held(replay) == [2, 3, 4, 5, 6]
    replay.add(numbered(7, 12))
    assert held(replay) == [14, 15, 16, 17, 18]
    replay.add(numbered(19, 1))
    assert held(replay) == [15, 16, 17, 18, 19]
    assert len(replay) == 5


def test_what_is_drawn_belongs_together_and_all_are_drawn_alike():
    replay = Replay(4)
    replay.add(numbered(0, 6))
    drawn = replay.sample(8_000, seeded("draw"))
    numbers = drawn.rewards.long()
    for name, tensor in numbered(0, 6).tensors().items():
        assert drawn.tensors()[name].equal(tensor[numbers])
    shares = torch.bincount(numbers, minlength=6) / 8_000
    torch.testing.assert_close(shares, torch.tensor([0, 0, 1, 1, 1, 1]) / 4, atol=0.02, rtol=0)


def test_steps_that_only_start_anew_are_left_out():
    environments = side_by_side(Clock(2, "itself"), Clock(3, "clock"))
    policy = new_policy(environments, (4,), seeded("policy"))
    steps = steps_of(play(policy, start(environments, 0), 5, seeded("play")))
    assert steps.observations[:, 0].tolist() == [0, 1, 0, 1, 0, 1, 2, 0]
    assert steps.next_observations[:, 0].tolist() == [1, 2, 1, 2, 1, 2, 3, 1]
    assert steps.rewards.tolist() == [1, 2, 1, 2, 1, 2, 3, 1]
    assert steps.terminated.tolist() == [False, True, False, True, False, False, False, False]


@pytest.mark.parametrize("count", [3, 9])
def test_a_saved_one_goes_on_like_one_that_was_not(count: int, tmp_path: Path):
    replay, resumed = Replay(7), Replay(7)
    replay.add(numbered(0, count))
    torch.save(replay.state_dict(), tmp_path / "replay.pt")
    resumed.load_state_dict(torch.load(tmp_path / "replay.pt", weights_only=True))
    for each in (replay, resumed):
        each.add(numbered(50, 3))
    kept, again = replay.state_dict()["steps"], resumed.state_dict()["steps"]
    assert all(kept[name].equal(again[name]) for name in kept)
    for name, tensor in replay.sample(20, seeded("draw")).tensors().items():
        assert resumed.sample(20, seeded("draw")).tensors()[name].equal(tensor)
    assert resumed.added == count + 3


def test_an_empty_one_is_saved_too():
    resumed = Replay(7)
    resumed.load_state_dict(Replay(7).state_dict())
    assert len(resumed) == 0
    with pytest.raises(ValueError, match="empty"):
        resumed.sample(1, seeded("draw"))


def test_only_what_is_filled_is_saved(tmp_path: Path):
    replay = Replay(1_000_000)
    replay.add(numbered(0, 3))
    torch.save(replay.state_dict(), tmp_path / "replay.pt")
    assert (tmp_path / "replay.pt").stat().st_size < 10_000


def test_one_that_cannot_fit_is_one_sentence():
    replay = Replay(10**13)  # nothing is taken before the first steps come
    with pytest.raises(BadInput, match=r"takes 270,083.5 GiB, more than there is memory"):
        replay.add(numbered(0, 3))


def test_another_size_than_the_saved_one_is_refused():
    with pytest.raises(BadInput, match="room for 7 steps, and now is to have room for 8"):
        Replay(8).load_state_dict(Replay(7).state_dict())

"""An expert's episodes: which steps are kept, and what a file of them must hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from gymnasium.vector import VectorEnv

from tests.policies.test_control import Steps, side_by_side
from tutelage.data.episodes import Episodes, joined, read_episodes, record, save_episodes
from tutelage.device import seeded
from tutelage.environments import make_environments
from tutelage.errors import BadInput
from tutelage.policies.control import CategoricalActor, ControlPolicy, new_policy


def pair() -> VectorEnv:
    """Episodes of two steps that end by themselves, beside some of three that the clock cuts."""
    return side_by_side(Steps(2, "itself"), Steps(3, "clock"))


def recorded() -> Episodes:
    return record(new_policy(pair(), (4,), seeded("expert")), pair(), 3, 0)


def test_whole_episodes_are_kept_as_many_of_each_environment():
    found = recorded()
    assert found.lengths == [2, 2, 3, 3]
    assert found.returns == [3.0, 3.0, 6.0, 6.0]
    assert found.observations.flatten().tolist() == [0, 1, 0, 1, 0, 1, 2, 0, 1, 2]
    assert found.terminated.nonzero().flatten().tolist() == [1, 3]
    assert found.truncated.nonzero().flatten().tolist() == [6, 9]


def test_an_expert_acts_greedily_unless_it_is_asked_to_draw():
    network = torch.nn.Linear(1, 2)
    with torch.no_grad():
        network.weight.zero_()
        network.bias.copy_(torch.tensor([0.0, 0.5]))
    policy = ControlPolicy(CategoricalActor(network))
    assert record(policy, pair(), 40, 0).actions.unique().tolist() == [1]
    drawn = record(policy, pair(), 40, 0, sampled=True)
    assert 0.4 < drawn.actions.double().mean() < 0.85  # e^.5 / (1 + e^.5) = .62


def test_division_keeps_episodes_whole():
    kept, held = recorded().divide(0.25, seeded("divide"))
    assert sorted(kept.lengths + held.lengths) == [2, 2, 3, 3]
    assert len(held.lengths) == 1
    assert joined([kept, held]).observations.sum() == recorded().observations.sum()
    assert held.divide(0.5, seeded("divide")) == (held, held)


def test_written_and_read_again(tmp_path: Path):
    found = recorded()
    save_episodes(tmp_path / "expert", found)  # the name is kept as it is given
    again = read_episodes(tmp_path / "expert", pair())
    for name, tensor in found.tensors().items():
        assert torch.equal(getattr(again, name), tensor), name
        assert getattr(again, name).dtype == tensor.dtype


GOOD = {
    "observations": np.zeros((3, 1)),
    "actions": np.array([0, 1, 1]),
    "terminated": np.array([False, True, False]),
    "truncated": np.array([False, False, True]),
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"observations": np.zeros((3, 4))},
            r"observations has the shape \(3, 4\), but .* \(3, 1\)",
        ),
        (
            {"actions": np.zeros((3, 1), dtype=int)},
            r"actions has the shape \(3, 1\), but .* \(3,\)",
        ),
        ({"actions": np.array([0, 2, 1])}, r"whole numbers from 0 to 1, got int64 from 0 to 2"),
        ({"actions": np.array([0.0, 1.0, 0.5])}, "whole numbers from 0 to 1, got float64"),
        ({"truncated": np.zeros(3, dtype=bool)}, "the last step ends no episode"),
        ({"truncated": None}, r"holds no truncated\. It is an \.npz of numpy\.savez with"),
        ({"rewards": np.array([1.0, np.nan, 1.0])}, "some of the rewards are no finite numbers"),
        ({"actions": np.array(["left", "right", "left"])}, "actions is no array of numbers"),
        ({name: array[:0] for name, array in GOOD.items()}, "holds no steps"),
    ],
)
def test_what_is_no_such_file_is_one_sentence(changed, said: str, tmp_path: Path):
    arrays = {name: array for name, array in (GOOD | changed).items() if array is not None}
    path = tmp_path / "expert.npz"
    np.savez(path, **arrays)
    with pytest.raises(BadInput, match=said):
        read_episodes(path, pair())


def test_good_columns_are_read(tmp_path: Path):
    np.savez(tmp_path / "expert.npz", **GOOD, more=np.array(["of something else"]))
    found = read_episodes(tmp_path / "expert.npz", pair())
    assert (found.lengths, found.returns) == ([2, 1], None)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 torn", None])
def test_a_file_of_something_else_is_one_sentence(content: bytes | None, tmp_path: Path):
    path = tmp_path / "expert.npz"
    if content is None:
        np.save(path.with_suffix(".npy"), np.zeros(3))
        path = path.with_suffix(".npy")
    else:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=r"expert\.np. is no file of episodes"):
        read_episodes(path, pair())


def test_no_file_and_a_folder(tmp_path: Path):
    with pytest.raises(BadInput, match="There is no file"):
        read_episodes(tmp_path / "nothing.npz", pair())
    with pytest.raises(BadInput, match="is a folder"):
        read_episodes(tmp_path, pair())


def test_real_actions(tmp_path: Path):
    environments = make_environments("Pendulum-v1", 2)
    assert isinstance(environments.single_action_space, Box)
    policy = new_policy(environments, (4,), seeded("expert"))
    found = record(policy, environments, 2, 0)
    assert (found.lengths, found.actions.shape) == ([200, 200], (400, 1))
    save_episodes(tmp_path / "expert.npz", found)
    again = read_episodes(tmp_path / "expert.npz", make_environments("Pendulum-v1", 1))
    assert torch.equal(again.actions, found.actions)
    with pytest.raises(BadInput, match="the shape"):
        read_episodes(tmp_path / "expert.npz", make_environments("CartPole-v1", 1))


def test_returns_to_go_by_hand():
    """Two episodes of 2 and 3 steps, the second truncated: 1 + ½·2; 4 + ½(0 + ½·8)."""
    ends = torch.tensor([False, True, False, False, False]), torch.tensor([False] * 4 + [True])
    rewards = torch.tensor([1.0, 2.0, 4.0, 0.0, 8.0])
    shown = Episodes(torch.zeros(5, 1), torch.zeros(5), *ends, rewards)
    assert shown.returns_to_go(0.5).tolist() == [2.0, 2.0, 6.0, 4.0, 8.0]
    assert Episodes(torch.zeros(5, 1), torch.zeros(5), *ends).returns_to_go(0.5) is None

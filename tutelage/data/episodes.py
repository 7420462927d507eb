"""Whole episodes that somebody who can do the task has played, to be imitated; and their file."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from torch import Tensor, nn

from tutelage.errors import BadInput
from tutelage.model.distributions import Distribution
from tutelage.policies.control import ControlPolicy, Transitions
from tutelage.rollout.play import play, start
from tutelage.runs import write_atomically

_CHUNK = 64  # steps played between looks at how many episodes are whole
_COLUMNS = (
    "It is an .npz of numpy.savez with observations (K, D), actions (K,) or (K, A), terminated and "
    "truncated (K,), the last step of each episode True in one of these, and, if known, rewards "
    "(K,)"
)


@dataclass(frozen=True)
class Episodes:
    """Whole episodes one after the other, K steps in all; not one is cut at its start or end.

    observations (K, D); actions (K,), or (K, A) real numbers; terminated, truncated (K,): how an
    episode's last step ended it; rewards (K,): the task's own, for reports, never imitated.
    """

    observations: Tensor
    actions: Tensor
    terminated: Tensor
    truncated: Tensor
    rewards: Tensor | None = None

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def ended(self) -> Tensor:
        """Which steps are an episode's last, (K,)."""
        return self.terminated | self.truncated

    @property
    def lengths(self) -> list[int]:
        """Steps of each episode."""
        return self.ended.nonzero().flatten().diff(prepend=torch.tensor([-1])).tolist()

    @property
    def returns(self) -> list[float] | None:
        """Of each episode, undiscounted; None where nobody wrote down the rewards."""
        if self.rewards is None:
            return None
        return [float(part.double().sum()) for part in self.rewards.split(self.lengths)]

    def returns_to_go(self, gamma: float) -> Tensor | None:
        """Discounted rewards from each step to its episode's end, (K,); of one that was truncated
        what would have come is missing. None where nobody wrote down the rewards."""
        if self.rewards is None:
            return None
        found, to_go = np.empty(len(self), dtype=np.float32), 0.0
        rewards, ended = self.rewards.tolist(), self.ended.tolist()
        for t in reversed(range(len(self))):
            to_go = rewards[t] + (0.0 if ended[t] else gamma * to_go)
            found[t] = to_go
        return torch.from_numpy(found)

    def inputs(self) -> Transitions:
        """These steps as a policy reads them."""
        mask = torch.ones(len(self), 1, dtype=torch.bool)
        return Transitions(self.observations, self.actions, mask)

    def divide(self, share: float, generator: torch.Generator) -> tuple[Episodes, Episodes]:
        """The rest, and `share` of the episodes drawn at random, at least one; both the same where
        there is a single episode."""
        count = len(self.lengths)
        if count == 1:
            return self, self
        order = torch.randperm(count, generator=generator)
        held = torch.zeros(count, dtype=torch.bool)
        held[order[: max(1, round(share * count))]] = True
        of_step = held.repeat_interleave(torch.tensor(self.lengths))
        return self._steps(~of_step), self._steps(of_step)

    def tensors(self) -> dict[str, Tensor]:
        """By their names, those that there are."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: tensor for name, tensor in named.items() if tensor is not None}

    def _steps(self, chosen: Tensor) -> Episodes:
        return Episodes(**{name: tensor[chosen] for name, tensor in self.tensors().items()})


def joined(parts: list[Episodes]) -> Episodes:
    """The episodes of each in turn; rewards only where all have them."""
    names = set.intersection(*(set(part.tensors()) for part in parts))
    return Episodes(**{name: torch.cat([getattr(p, name) for p in parts]) for name in names})


@dataclass(frozen=True)
class _Likeliest:
    """A distribution that is always drawn at its mode."""

    inner: Distribution

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.zeros(count, 1)

    def choose(self, noise: Tensor) -> Tensor:
        return self.inner.mode()

    def logprobs(self, actions: Tensor) -> Tensor:
        return self.inner.logprobs(actions)

    @staticmethod
    def joined(each: Sequence[_Likeliest]) -> _Likeliest:
        return _Likeliest(type(each[0].inner).joined([one.inner for one in each]))


class GreedyActor(nn.Module):
    """Samples nothing: the likeliest action of the actor within."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, observations: Tensor) -> _Likeliest:
        return _Likeliest(self.inner(observations))


def record(
    policy: ControlPolicy,
    environments: gymnasium.vector.VectorEnv,
    episodes: int,
    seed: int,
    *,
    sampled: bool = False,
) -> Episodes:
    """Let the policy play at least `episodes` whole episodes, its likeliest actions or `sampled`
    ones. The first of every environment are kept, so that short ones are not preferred."""
    actor: Any = policy.actor if sampled else GreedyActor(policy.actor)
    player = ControlPolicy(actor)
    players = start(environments, seed)
    generator = torch.Generator().manual_seed(seed)
    wanted = -(-episodes // environments.num_envs)
    columns: dict[str, list[Tensor]] = {field.name: [] for field in fields(Episodes)}
    masks: list[Tensor] = []
    whole = torch.zeros(environments.num_envs)
    while whole.min() < wanted:
        lived = play(player, players, _CHUNK, generator)
        assert isinstance(lived.inputs, Transitions)
        assert lived.terminated is not None
        assert lived.continues is not None
        ended = lived.mask & ~lived.continues
        whole += ended.sum(dim=1)
        masks.append(lived.mask)
        columns["observations"].append(_in_rows(lived.inputs.observations, lived.mask))
        columns["actions"].append(_in_rows(lived.inputs.actions, lived.mask))
        columns["terminated"].append(ended & lived.terminated)
        columns["truncated"].append(ended & ~lived.terminated)
        columns["rewards"].append(lived.rewards)
    environments.close()
    rows = {name: torch.cat(parts, dim=1) for name, parts in columns.items()}
    last = rows["terminated"] | rows["truncated"]
    before = last.cumsum(dim=1) - last.long()
    kept = torch.cat(masks, dim=1) & (before < wanted)
    return Episodes(**{name: steps[kept] for name, steps in rows.items()})


def _in_rows(decisions: Tensor, mask: Tensor) -> Tensor:
    """(K, …) to (N, L, …), zeros where the mask is False."""
    rows = decisions.new_zeros(*mask.shape, *decisions.shape[1:])
    rows[mask] = decisions
    return rows


def save_episodes(path: Path, episodes: Episodes) -> None:
    arrays: dict[str, Any] = {name: tensor.numpy() for name, tensor in episodes.tensors().items()}

    def write(temporary: Path) -> None:
        with open(temporary, "wb") as file:  # a name would be given the ending .npz
            np.savez_compressed(file, **arrays)

    write_atomically(path, write)


def read_episodes(path: Path, environments: gymnasium.vector.VectorEnv) -> Episodes:
    """Episodes of these environments. BadInput, with what is wrong, for a file that holds none."""
    arrays = _arrays(path)
    missing = {"observations", "actions", "terminated", "truncated"} - set(arrays)
    if missing:
        raise BadInput(f"{path} holds no {' and no '.join(sorted(missing))}. {_COLUMNS}.")
    K = len(arrays["observations"])
    if K == 0:
        raise BadInput(f"{path} holds no steps: record at least one whole episode.")
    expected = _expected_shapes(environments, K)
    for name, shape in expected.items():
        if name in arrays and arrays[name].shape != shape:
            raise BadInput(
                f"{path}: {name} has the shape {arrays[name].shape}, but this environment's "
                f"{K} steps need {shape}."
            )
    discrete = isinstance(environments.single_action_space, Discrete)
    actions = arrays["actions"]
    if discrete:
        count = int(environments.single_action_space.n)  # type: ignore[attr-defined]
        if actions.dtype.kind not in "iu" or actions.min() < 0 or actions.max() >= count:
            raise BadInput(
                f"{path}: the actions must be whole numbers from 0 to {count - 1}, got "
                f"{actions.dtype} from {actions.min()} to {actions.max()}."
            )
    for name in ("observations", "actions", "rewards"):
        if name in arrays and not np.isfinite(arrays[name]).all():
            raise BadInput(f"{path}: some of the {name} are no finite numbers.")
    ended = arrays["terminated"].astype(bool) | arrays["truncated"].astype(bool)
    if not ended[-1]:
        raise BadInput(
            f"{path}: the last step ends no episode; leave out an episode that is not whole, or "
            "mark its last step as truncated."
        )
    kinds: dict[str, Any] = {"observations": np.float32, "rewards": np.float32}
    kinds |= {"terminated": np.bool_, "truncated": np.bool_}
    kinds["actions"] = np.int64 if discrete else np.float32
    return Episodes(
        **{name: torch.from_numpy(array.astype(kinds[name])) for name, array in arrays.items()}
    )


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """The file's arrays of numbers, by name."""
    known = {field.name for field in fields(Episodes)}
    try:
        with open(path, "rb") as file:
            found = np.load(file, allow_pickle=False)
            if not isinstance(found, np.lib.npyio.NpzFile):
                raise ValueError("it is a single array")
            arrays = {name: found[name] for name in found.files if name in known}
    except FileNotFoundError:
        raise BadInput(f"There is no file {path}.") from None
    except IsADirectoryError:
        raise BadInput(f"{path} is a folder, not a file of episodes.") from None
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        raise BadInput(f"{path} is no file of episodes. {_COLUMNS}.") from None
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf" or array.ndim == 0:
            raise BadInput(f"{path}: {name} is no array of numbers but {array.dtype}. {_COLUMNS}.")
    return arrays


def _expected_shapes(
    environments: gymnasium.vector.VectorEnv, K: int
) -> dict[str, tuple[int, ...]]:
    acted = environments.single_action_space
    each = acted.shape if isinstance(acted, Box) else ()
    seen = environments.single_observation_space.shape
    assert seen is not None
    return {
        "observations": (K, *seen),
        "actions": (K, *each),
        "terminated": (K,),
        "truncated": (K,),
        "rewards": (K,),
    }

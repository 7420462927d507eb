"""Maximum-entropy inverse reinforcement learning where states can be listed: from what an expert
did to a reward that explains it, and to the policy that is soft-optimal for that reward."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from gymnasium.vector import VectorEnv

from tutelage.algorithms.imitation import agreement
from tutelage.algorithms.max_ent_irl import arrival_features, counted_visits, max_ent_irl
from tutelage.algorithms.tabular import Floats, TabularModel, read_model
from tutelage.config import require
from tutelage.data.episodes import Episodes
from tutelage.device import seeded
from tutelage.environments.control import SideBySide
from tutelage.errors import BadInput
from tutelage.model.mlp import mlp
from tutelage.policies.control import CategoricalActor, ControlPolicy
from tutelage.runs import Progress, Run
from tutelage.stages.control import PolicyShape, save_policy

_LEAST = 1e-30  # chance of an action that is never taken


@dataclass(frozen=True, kw_only=True)
class MaxEntConfig:
    discount: float = 0.95  # γ of the visits
    penalty: float = 1e-3  # of ½‖θ‖², which visits that were counted need

    def __post_init__(self) -> None:
        require(self, "above 0", "penalty")
        if not 0 <= self.discount < 1:
            raise ValueError(f"discount must lie in [0, 1), got {self.discount}")


def max_ent(
    run: Run,
    demonstrations: Episodes,
    model: TabularModel,
    config: MaxEntConfig,
    stage: str = "max_ent_irl",
    shape: PolicyShape | None = None,
) -> Iterator[Progress]:
    """The reward of arriving in each state under which the episodes were likeliest; of the model
    only the transitions are read. Ends with checkpoints/<stage>: the policy, and rewards.npz with
    the reward of each arrival (S,), what it makes of each action (S, A), and the policy (S, A)."""
    S, A = model.rewards.shape
    episodes = listed(demonstrations, S)
    visits = counted_visits(episodes, (S, A), config.discount)
    start = np.bincount([episode[0][0] for episode in episodes], minlength=S) / len(episodes)
    solution = max_ent_irl(
        model, visits, start, config.discount, arrival_features(model), penalty=config.penalty
    )
    policy = table_policy(solution.policy)
    metrics = {
        "train/log_likelihood": solution.log_likelihood,
        "train/gap": solution.gap,
        "audit/agreement": agreement(policy, demonstrations.inputs()),
    }
    run.log(stage, 1, metrics)

    def write(folder: Path) -> None:
        save_policy(folder, policy, shape)
        np.savez(
            folder / "rewards.npz",
            arrivals=solution.weights,
            rewards=solution.rewards,
            policy=solution.policy,
        )

    run.finish(stage, write)
    yield Progress(stage, 1, 1, metrics)


def table_policy(chances: Floats) -> ControlPolicy:
    """A policy that reads a state as one of S numbers that is 1, from a table (S, A)."""
    network = mlp(chances.shape, seeded("table"))
    with torch.no_grad():
        (table, biases), *_ = network.layers()
        table.copy_(torch.from_numpy(chances).clamp_min(_LEAST).log())
        biases.zero_()
    return ControlPolicy(CategoricalActor(network))


def listed(episodes: Episodes, states: int) -> list[list[tuple[int, int]]]:
    """Each episode's (state, action) pairs. BadInput unless each observation is one of `states`
    numbers that is 1."""
    observations = episodes.observations
    if (
        observations.shape[1] != states
        or not ((observations == 1).sum(dim=1) == 1).all()
        or (observations != 0).sum() != len(observations)
    ):
        raise BadInput(
            f"The episodes' observations are no states of {states}: each needs {states} numbers, "
            "one of them 1 and the others 0."
        )
    pairs = list(zip(observations.argmax(dim=1).tolist(), episodes.actions.tolist(), strict=True))
    ends = np.cumsum([0, *episodes.lengths]).tolist()
    return [pairs[a:b] for a, b in pairwise(ends)]


def read_tables(environments: VectorEnv) -> TabularModel:
    """The transitions that the environment lists. BadInput where it lists none."""
    assert isinstance(environments, SideBySide)
    return read_model(environments.environments[0].unwrapped)

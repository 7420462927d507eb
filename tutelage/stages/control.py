"""Reinforcement in an environment: play, credit, update."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import gymnasium
import torch
from gymnasium.vector import AutoresetMode

from tutelage.algorithms import PPO
from tutelage.algorithms.trpo import TRPO
from tutelage.device import seeded
from tutelage.errors import BadInput
from tutelage.model.optimiser import set_learning_rate
from tutelage.rollout.control import ControlPolicy, play, start
from tutelage.runs import Progress, Run


@dataclass(frozen=True, kw_only=True)
class ControlConfig:
    steps: int = 100_000  # of all environments together
    environments: int = 8  # side by side
    steps_per_update: int = 32  # of each environment
    hidden: tuple[int, ...] = (64, 64)  # widths of the networks
    final_learning_rate: float = 0.0  # share of the first one left at the end

    def __post_init__(self) -> None:
        for name in ("steps", "environments", "steps_per_update"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")


def make_environments(name: str, count: int) -> gymnasium.vector.VectorEnv:
    """`count` of a Gymnasium environment; as one vectorised one where it offers that."""
    try:
        if gymnasium.spec(name).vector_entry_point is not None:
            made = gymnasium.make_vec(name, count, vectorization_mode="vector_entry_point")
            if made.metadata.get("autoreset_mode") == AutoresetMode.NEXT_STEP:
                return made
            made.close()
        return gymnasium.make_vec(
            name,
            count,
            vectorization_mode="sync",
            vector_kwargs={"autoreset_mode": AutoresetMode.NEXT_STEP},
        )
    except gymnasium.error.Error as error:
        raise BadInput(f"Gymnasium cannot make the environment {name}: {error}") from None


def control(
    run: Run,
    algorithm: PPO | TRPO,
    environments: gymnasium.vector.VectorEnv,
    config: ControlConfig,
    seed: int,
    stage: str = "control",
) -> Iterator[Progress]:
    """Improve the algorithm's policy by what it lives through."""
    policy = algorithm.policy
    assert isinstance(policy, ControlPolicy)
    learning_rate = algorithm.config.learning_rate
    players = start(environments, seed)
    updates = -(-config.steps // (config.environments * config.steps_per_update))
    began = time.perf_counter()
    for update in range(updates):
        factor = 1 - (1 - config.final_learning_rate) * update / updates
        set_learning_rate(algorithm.optimiser, learning_rate * factor)
        players.finished.clear()
        experience = play(
            policy, players, config.steps_per_update, seeded(seed, stage, update, "play")
        )
        batch = algorithm.credit(experience)
        metrics = algorithm.update(batch, seeded(seed, stage, update, "update"))
        if players.finished:
            returns = [total for total, _ in players.finished]
            metrics["episode/return"] = sum(returns) / len(returns)
            metrics["episode/count"] = len(returns)
        done = update + 1
        run.log(stage, done, metrics)
        lived = done * config.environments * config.steps_per_update
        metrics["train/steps_per_s"] = lived / (time.perf_counter() - began)
        yield Progress(stage, done, updates, metrics)
    environments.close()


@torch.no_grad()
def evaluate_control(
    policy: ControlPolicy, environments: gymnasium.vector.VectorEnv, episodes: int, seed: int
) -> list[float]:
    """Returns of at least `episodes` episodes, the likeliest action in each state. The first
    episodes of every environment count, so that short ones are not preferred."""
    players = start(environments, seed)
    wanted = -(-episodes // environments.num_envs)
    found: list[list[float]] = [[] for _ in range(environments.num_envs)]
    totals = players.returns
    observations, ended = players.observations, players.ended
    while min(map(len, found)) < wanted:
        action = policy.actor(torch.as_tensor(observations, dtype=torch.float32)).mode()
        observations, rewards, terminated, truncated, _ = environments.step(action.numpy())
        totals += rewards * ~ended
        ended = (terminated | truncated) & ~ended
        for i in ended.nonzero()[0]:
            found[i].append(float(totals[i]))
            totals[i] = 0.0
    environments.close()
    return [total for of_one in found for total in of_one[:wanted]]

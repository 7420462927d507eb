"""Instruction following in a grid world: BabyAI's GoToLocal, from nothing.

Its bot's episodes are imitated, then PPO goes on. Success: rewarded before the time limit, in
episodes of seeds that neither of the two used. All of it counts as minutes: demonstrations,
training, audits and both evaluations.
"""

from __future__ import annotations

import json
import math
import os
import resource
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from common import commit, machine, scratch_run, versions

from tutelage.algorithms import PPO, PPOConfig
from tutelage.algorithms.imitation import Cloning, CloningConfig
from tutelage.config import require
from tutelage.device import seeded
from tutelage.environments import make_environments
from tutelage.environments.bot import bot_seeds, demonstrate_side_by_side
from tutelage.environments.grid import begin, grid_policy, make_world, write_view
from tutelage.evaluation.statistics import share_of
from tutelage.policies.control import ControlPolicy
from tutelage.runs import Progress
from tutelage.stages.control import ControlConfig, control
from tutelage.stages.imitation import CloneConfig, clone

TARGET = 0.97
# `control` seeds its environments below 2^31 and the bot's lie from there up to 2^32, so that only
# the evaluation ever sees a seed from here on
HELD_OUT = 2**32


@dataclass(frozen=True, kw_only=True)
class Settings:
    level: str = "BabyAI-GoToLocal-v0"
    demonstrations: int = 10_000  # episodes of the bot
    passes: int = 8  # over them
    steps: int = 400_000  # of PPO, in all worlds together
    worlds: int = 64  # side by side
    steps_per_update: int = 40  # of each
    learning_rate: float = 5e-4  # of PPO
    entropy_coefficient: float = 0.001
    gamma: float = 0.99
    audit_episodes: int = 256  # in each of five audits, of which the best one's policy is kept
    episodes: int = 1_000  # evaluated, of as many seeds
    processes: int = 2  # for the demonstrations
    seed: int = 0

    def __post_init__(self) -> None:
        require(self, "above 0", "demonstrations", "passes", "steps", "worlds", "episodes")


@torch.no_grad()
def earned(policy: ControlPolicy, level: str, seeds: Sequence[int], greedy: bool) -> list[float]:
    """Each seed's reward, 0 where the episode was not solved in time and larger the sooner it was;
    greedy: the likeliest action, else one drawn."""
    generator = seeded("evaluation")
    worlds = [make_world(level) for _ in seeds]
    rows = np.stack([begin(world, seed) for world, seed in zip(worlds, seeds, strict=True)])
    rewards = [0.0] * len(seeds)
    going = list(range(len(seeds)))
    while going:
        told = policy.actor(torch.from_numpy(rows[going]))
        actions = told.mode() if greedy else told.choose(told.noise(1, generator)[0])
        ended = set()
        for i, action in zip(going, actions.tolist(), strict=True):
            seen, reward, terminated, truncated, _ = worlds[i].step(action)
            write_view(rows[i], seen)
            if terminated or truncated:
                rewards[i] = float(reward)
                ended.add(i)
        going = [i for i in going if i not in ended]
    return rewards


def evaluate(policy: ControlPolicy, settings: Settings) -> dict[str, Any]:
    seeds = range(HELD_OUT, HELD_OUT + settings.episodes)
    found: dict[str, Any] = {}
    for name, greedy in {"sampled": False, "greedy": True}.items():
        rewards = earned(policy, settings.level, seeds, greedy)
        mean = round(sum(rewards) / len(rewards), 4)
        found[name] = share_of([reward > 0 for reward in rewards]) | {"mean_reward": mean}
    return found


def last(stage: Iterable[Progress]) -> Progress:
    """Drives a stage, with a line now and then for whoever watches."""
    for progress in stage:
        if progress.step % max(1, progress.steps // 20) == 0:
            numbers = {name: round(value, 4) for name, value in progress.metrics.items()}
            print(progress.stage, progress.step, progress.steps, numbers, file=sys.stderr)
    return progress


def cpu_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main(settings: Settings) -> None:
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    marks = [("", time.perf_counter(), cpu_seconds())]

    def mark(name: str) -> None:
        marks.append((name, time.perf_counter(), cpu_seconds()))

    make = partial(make_environments, settings.level)
    policy = grid_policy(make(1), seeded(settings.seed, "policy"))
    shown = demonstrate_side_by_side(
        settings.level, bot_seeds(settings.seed, settings.demonstrations), settings.processes
    )
    mark("demonstrations")
    cloning = Cloning(policy, CloningConfig(learning_rate=3e-3))
    passes = CloneConfig(
        updates=settings.passes * -(-len(shown) // cloning.config.batch),
        warmup=50,
        held_out=0.02,
        gamma=settings.gamma,
        audits=4,
    )
    with scratch_run() as run:
        last(clone(run, cloning, shown, make, passes, settings.seed))
    mark("cloning")
    after_cloning = evaluate(policy, settings)
    print(json.dumps(after_cloning), file=sys.stderr)
    mark("evaluation")
    algorithm = PPO(
        policy,
        PPOConfig(
            learning_rate=settings.learning_rate,
            epochs=4,
            minibatches=5,
            entropy_coefficient=settings.entropy_coefficient,
            gamma=settings.gamma,
            value_clip_range=math.inf,
            max_grad_norm=0.5,
        ),
    )
    config = ControlConfig(
        steps=settings.steps,
        environments=settings.worlds,
        steps_per_update=settings.steps_per_update,
        audits=5,
        audit_episodes=settings.audit_episodes,
    )
    with scratch_run() as run:
        last(control(run, algorithm, make, config, settings.seed))
    mark("ppo")
    after_ppo = evaluate(policy, settings)
    mark("evaluation after ppo")
    line = {
        "claim": "Instruction following: BabyAI GoToLocal",
        "unit": "share of held-out episodes solved",
        "ours": after_ppo["sampled"]["success"],  # as PPO acts
        "target": TARGET,
        "after_cloning": after_cloning,
        "after_ppo": after_ppo,
        "minutes": round((marks[-1][1] - marks[0][1]) / 60, 2),
        "cpu_minutes": round((marks[-1][2] - marks[0][2]) / 60, 2),
        "seconds": {
            name: [round(at - before, 1), round(used - used_before, 1)]
            for (_, before, used_before), (name, at, used) in pairwise(marks)
        },
        "demonstrations": len(shown.lengths),
        "demonstrated_steps": len(shown),
        "ppo_steps": config.updates * config.environments * config.steps_per_update,
        "peer": "BabyAI's own PPO: 97 to 99 % after 5 hours",
        "versions": versions("minigrid", "gymnasium"),
        "seeds": [settings.seed],
        "machine": machine(),
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "command": " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
    }
    print(json.dumps(line, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))

"""Training on CartPole-v1: environment steps a second, against Stable-Baselines3.

Both sides use the settings that rl-baselines3-zoo gives for CartPole-v1 and the same number of
environments, but for DQN, which Stable-Baselines3 lets play in one; each side has as many PyTorch
threads as are faster for it. Ours plays in the environments that `tutelage rl` makes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
import tyro
from common import fastest_setting, in_turn, print_result, scratch_run, seconds_a_step, versions
from sb3_contrib import TRPO
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.env_util import make_vec_env

from tutelage.algorithms import ALGORITHMS
from tutelage.device import seeded
from tutelage.environments import make_environments
from tutelage.policies.control import new_policy
from tutelage.stages.control import ControlConfig, control

POLE = "CartPole-v1"


@dataclass(frozen=True)
class Case:
    environments: int
    steps_per_update: int
    ours: dict[str, Any]
    peer: Callable[..., Any]
    theirs: dict[str, Any]
    target: float
    hidden: tuple[int, ...] = (64, 64)
    their_environments: int | None = None  # default: as many as ours


def falling(start: float) -> Callable[[float], float]:
    """Stable-Baselines3's schedule: straight down to 0."""
    return lambda left: start * left


CASES = {
    "ppo": Case(
        8,
        32,
        {
            "learning_rate": 1e-3,
            "epochs": 20,
            "minibatches": 1,
            "gamma": 0.98,
            "lambda_": 0.8,
            "value_clip_range": float("inf"),
            "max_grad_norm": 0.5,
        },
        PPO,
        {
            "learning_rate": falling(1e-3),
            "clip_range": falling(0.2),
            "n_steps": 32,
            "batch_size": 256,
            "n_epochs": 20,
            "gamma": 0.98,
            "gae_lambda": 0.8,
        },
        4.0,
    ),
    "a2c": Case(8, 5, {}, A2C, {}, 4.0),
    "trpo": Case(
        2,
        512,
        {
            "learning_rate": 1e-3,
            "critic_epochs": 20,
            "critic_minibatches": 2,
            "gamma": 0.98,
            "lambda_": 0.8,
            "damping": 1e-3,
        },
        TRPO,
        {
            "learning_rate": 1e-3,
            "n_critic_updates": 20,
            "n_steps": 512,
            "batch_size": 512,
            "gamma": 0.98,
            "gae_lambda": 0.8,
            "cg_damping": 1e-3,
        },
        4.0,
    ),
    # Both copy the target network once a phase of training: Stable-Baselines3 whatever its
    # interval, where it trains after every 256 steps.
    "dqn": Case(
        16,
        16,
        {"learning_rate": 2.3e-3, "batch": 64, "gradient_steps": 128, "target_every": 128},
        DQN,
        {
            "learning_rate": 2.3e-3,
            "batch_size": 64,
            "buffer_size": 100_000,
            "learning_starts": 1_000,
            "gamma": 0.99,
            "target_update_interval": 10,
            "train_freq": 256,
            "gradient_steps": 128,
            "exploration_fraction": 0.16,
            "exploration_final_eps": 0.04,
            "policy_kwargs": {"net_arch": [256, 256]},
        },
        3.0,
        (256, 256),
        their_environments=1,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    algorithm: Literal["ppo", "a2c", "trpo", "dqn"] = "ppo"
    repeats: int = 5
    seconds: float = 4.0  # about so long is each side timed, each time
    seed: int = 0


def our_seconds(case: Case, name: str, threads: int, seconds: float, seed: int) -> float:
    """A step of one environment takes so long."""
    torch.set_num_threads(threads)
    entry = ALGORITHMS[name]
    make = partial(make_environments, POLE)
    policy = new_policy(make(1), case.hidden, seeded(seed), entry.networks)
    algorithm = entry.algorithm(policy, entry.settings(**{**(entry.control or {}), **case.ours}))
    config = ControlConfig(
        steps=10_000_000,
        environments=case.environments,
        steps_per_update=case.steps_per_update,
        audits=1,  # at the end, which is not reached
    )
    with scratch_run() as run:
        stage = control(run, algorithm, make, config, seed)
        once = seconds_a_step(stage, 3, 5)
        updates = max(5, int(seconds / once))
        return seconds_a_step(stage, 0, updates) / (case.environments * case.steps_per_update)


def peer_seconds(case: Case, threads: int, seconds: float, seed: int) -> float:
    torch.set_num_threads(threads)
    count = case.their_environments or case.environments
    environments = make_vec_env(POLE, count, seed=seed)
    model = case.peer("MlpPolicy", environments, device="cpu", seed=seed, **case.theirs)
    model.learn(1_000)
    began = time.perf_counter()
    model.learn(2_000, reset_num_timesteps=False)
    steps = max(2_000, int(2_000 * seconds / (time.perf_counter() - began)))
    began, before = time.perf_counter(), model.num_timesteps
    model.learn(steps, reset_num_timesteps=False)
    return (time.perf_counter() - began) / (model.num_timesteps - before)


def main(settings: Settings) -> None:
    case = CASES[settings.algorithm]
    seed, cores = settings.seed, torch.get_num_threads()

    def ours(threads: int) -> float:
        return our_seconds(case, settings.algorithm, threads, settings.seconds, seed)

    def peer(threads: int) -> float:
        return peer_seconds(case, threads, settings.seconds, seed)

    counts = {f"{n} threads": n for n in {1, cores}}
    my_best, mine = fastest_setting({name: partial(ours, n) for name, n in counts.items()})
    best, theirs = fastest_setting({name: partial(peer, n) for name, n in counts.items()})
    found = in_turn(
        lambda: 1 / ours(counts[my_best]), lambda: 1 / peer(counts[best]), settings.repeats
    )
    print_result(
        f"Control speed, {settings.algorithm} on {POLE}",
        "environment steps a second",
        *found,
        versions("stable-baselines3", "sb3-contrib", "gymnasium"),
        target=case.target,
        seed=seed,
        our_setting=my_best,
        our_seconds_a_step=mine,
        peer_setting=best,
        peer_seconds_a_step=theirs,
    )


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))

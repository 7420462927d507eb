"""Algorithms, each one file. A new one is a file and an entry here."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tutelage.algorithms.a2c import A2C, A2CConfig
from tutelage.algorithms.batch import Algorithm
from tutelage.algorithms.dqn import DQN, DQNConfig
from tutelage.algorithms.grpo import GroupConfig, GroupPolicyGradient
from tutelage.algorithms.ppo import PPO, PPOConfig
from tutelage.algorithms.q_actor_critic import QActorCritic, QActorCriticConfig
from tutelage.algorithms.reinforce import REINFORCE, REINFORCEConfig
from tutelage.algorithms.trpo import TRPO, TRPOConfig
from tutelage.policies.control import Networks


@dataclass(frozen=True)
class Entry:
    """An algorithm, and what makes it fit a task: settings other than its own defaults.

    language: with a model that replies; control: with a network that acts in an environment; None:
    not made for that. networks, hidden: what it needs there, and their widths.
    steps_per_update: of each environment. needs_critic: whether it does with these settings.
    fixed: settings that make it what its name says.
    """

    algorithm: Any
    settings: Any
    language: dict[str, Any] | None = None
    control: dict[str, Any] | None = None
    networks: Networks = "actor_critic"
    steps_per_update: int = 128
    hidden: tuple[int, ...] = (64, 64)
    needs_critic: Callable[[Any], bool] = lambda settings: True
    fixed: tuple[str, ...] = ()


_PPO_CONTROL = {
    "learning_rate": 1e-3,
    "epochs": 10,
    "minibatches": 4,
    "gamma": 0.99,
    "value_clip_range": math.inf,
    "max_grad_norm": 0.5,
}
ALGORITHMS: dict[str, Entry] = {
    "ppo": Entry(
        PPO,
        PPOConfig,
        language={},
        control=_PPO_CONTROL,
    ),
    "ppo_penalty": Entry(
        PPO,
        PPOConfig,
        language={"step_kl_target": 0.01},
        control=_PPO_CONTROL | {"step_kl_target": 0.01},
    ),
    "a2c": Entry(
        A2C,
        A2CConfig,
        language={"gamma": 1.0, "lambda_": 0.95, "whiten_advantages": True},
        control={},
        steps_per_update=8,
    ),
    "reinforce": Entry(
        REINFORCE,
        REINFORCEConfig,
        language={"gamma": 1.0, "kl_coefficient": 0.1},
        control={"baseline": "value"},
        steps_per_update=512,
        needs_critic=lambda settings: settings.baseline == "value",
    ),
    "trpo": Entry(
        TRPO,
        TRPOConfig,
        language={
            "gamma": 1.0,
            "kl_coefficient": 0.1,
            "learning_rate": 8e-4,
            "critic_epochs": 2,
            "critic_minibatches": 2,
        },
        control={},
    ),
    "dqn": Entry(DQN, DQNConfig, control={}, networks="q", steps_per_update=32, hidden=(256, 256)),
    "q_actor_critic": Entry(
        QActorCritic, QActorCriticConfig, control={}, networks="actor_q", steps_per_update=32
    ),
} | {
    name: Entry(
        GroupPolicyGradient,
        GroupConfig,
        language={"baseline": name},
        needs_critic=lambda settings: False,
        fixed=("baseline",) if "grpo" in name else ("baseline", "kl_loss"),
    )
    for name in ("rloo", "grpo", "dr_grpo", "reinforce++")
}
# what `--algorithm` offers, for a language model and for an environment
if TYPE_CHECKING:
    AlgorithmName = str
    ControlAlgorithmName = str
else:
    AlgorithmName = Literal[tuple(n for n, e in ALGORITHMS.items() if e.language is not None)]
    ControlAlgorithmName = Literal[tuple(n for n, e in ALGORITHMS.items() if e.control is not None)]
__all__ = [
    "A2C",
    "ALGORITHMS",
    "DQN",
    "PPO",
    "REINFORCE",
    "TRPO",
    "A2CConfig",
    "Algorithm",
    "AlgorithmName",
    "ControlAlgorithmName",
    "DQNConfig",
    "Entry",
    "GroupConfig",
    "GroupPolicyGradient",
    "PPOConfig",
    "QActorCritic",
    "QActorCriticConfig",
    "REINFORCEConfig",
    "TRPOConfig",
]

"""Algorithms, each one file. A new one is a file and a line here."""

from __future__ import annotations

from typing import Any, Literal

from tutelage.algorithms.a2c import A2C, A2CConfig
from tutelage.algorithms.batch import Algorithm
from tutelage.algorithms.grpo import GroupConfig, GroupPolicyGradient
from tutelage.algorithms.ppo import PPO, PPOConfig
from tutelage.algorithms.reinforce import REINFORCE, REINFORCEConfig

# name -> (class, its settings, those settings that make it that variant)
ALGORITHMS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "ppo": (PPO, PPOConfig, {}),
    "a2c": (A2C, A2CConfig, {"gamma": 1.0, "lambda_": 0.95, "whiten_advantages": True}),
    "reinforce": (REINFORCE, REINFORCEConfig, {"gamma": 1.0, "kl_coefficient": 0.1}),
    "rloo": (GroupPolicyGradient, GroupConfig, {"baseline": "rloo"}),
    "grpo": (GroupPolicyGradient, GroupConfig, {"baseline": "grpo"}),
}
AlgorithmName = Literal["ppo", "a2c", "reinforce", "rloo", "grpo"]  # what `--algorithm` offers
__all__ = [
    "A2C",
    "ALGORITHMS",
    "PPO",
    "REINFORCE",
    "A2CConfig",
    "Algorithm",
    "AlgorithmName",
    "GroupConfig",
    "GroupPolicyGradient",
    "PPOConfig",
    "REINFORCEConfig",
]

"""Algorithms, each one file. A new one is a file and a line here."""

from __future__ import annotations

from typing import Any, Literal

from tutelage.algorithms.grpo import GroupConfig, GroupPolicyGradient
from tutelage.algorithms.ppo import PPO, PPOConfig

# name -> (class, its settings, those settings that make it that variant)
ALGORITHMS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "ppo": (PPO, PPOConfig, {}),
    "rloo": (GroupPolicyGradient, GroupConfig, {"baseline": "rloo"}),
    "grpo": (GroupPolicyGradient, GroupConfig, {"baseline": "grpo"}),
}
AlgorithmName = Literal["ppo", "rloo", "grpo"]  # what `--algorithm` offers
__all__ = ["ALGORITHMS", "PPO", "AlgorithmName", "GroupConfig", "GroupPolicyGradient", "PPOConfig"]

"""Algorithms, each one file. A new one is a file and a line here."""

from __future__ import annotations

from typing import Any

from tutelage.algorithms.grpo import GroupConfig, GroupPolicyGradient
from tutelage.algorithms.ppo import PPO, PPOConfig

# name -> (class, settings that make it that variant)
ALGORITHMS: dict[str, tuple[type[PPO] | type[GroupPolicyGradient], dict[str, Any]]] = {
    "ppo": (PPO, {}),
    "rloo": (GroupPolicyGradient, {"baseline": "rloo"}),
    "grpo": (GroupPolicyGradient, {"baseline": "grpo"}),
}
__all__ = ["ALGORITHMS", "PPO", "GroupConfig", "GroupPolicyGradient", "PPOConfig"]

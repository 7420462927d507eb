"""Heads on the GPT's hidden states: a score for the reward model, a value for the critic."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from tutelage.model.gpt import GPT


class ScalarHead(nn.Module):
    """Hidden states (…, D) to one number each (…), shifted and scaled by what `normalise` saw."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 1, bias=False)
        nn.init.zeros_(self.linear.weight)
        self.shift: Tensor
        self.scale: Tensor
        self.register_buffer("shift", torch.zeros(()))
        self.register_buffer("scale", torch.ones(()))

    def initialise(self, generator: torch.Generator) -> ScalarHead:
        """Deviation 1/√(D+1), as in Stiennon et al. 2020."""
        width = self.linear.weight.shape[1]
        nn.init.normal_(self.linear.weight, std=(width + 1) ** -0.5, generator=generator)
        return self

    def forward(self, hidden: Tensor) -> Tensor:
        score = self.linear(hidden).squeeze(-1)
        score = score.to(torch.promote_types(score.dtype, torch.float32))
        return (score - self.shift) / self.scale

    def normalise(self, scores: Tensor) -> None:
        """Make these scores (which this head gave) have mean 0 and deviation 1 from now on."""
        self.shift += scores.mean() * self.scale
        self.scale *= scores.std().clamp_min(1e-6)


class RewardModel(nn.Module):
    """A GPT whose hidden state at a reply's last token is read as the reply's score, and before
    that as the score to be expected."""

    def __init__(self, gpt: GPT) -> None:
        super().__init__()
        self.gpt = gpt
        self.score = ScalarHead(gpt.config.width)


class ActorCritic(nn.Module):
    """A policy, and a critic of its own weights that says what a state is worth.

    critic: its score after each token is the value of having said so much; usually a copy of the
    reward model, which has learned to tell that. Without one it begins as the policy's copy that
    finds everything worth 0.
    """

    def __init__(self, gpt: GPT, critic: RewardModel | None = None) -> None:
        super().__init__()
        self.gpt = gpt
        self.critic = RewardModel(copy.deepcopy(gpt)) if critic is None else critic

"""Generative adversarial imitation (Ho and Ermon 2016): a discriminator tells the expert's steps
from the policy's, and what it takes for the expert's is the reward of an on-policy algorithm.

D(s, a) is the probability that a step is the expert's, at best pE/(pE + π). The reward logit D =
log pE/π is positive where the policy is too rarely and negative where it is too often. −log(1 − D),
which is never negative, pays for every step survived, whatever the expert did; log D, never
positive, pays for ending soon.

An episode that terminates goes on for ever in a state of its own, in which its reward would still
be paid (Kostrikov et al. 2019); 0 there says that ending is as likely for the expert. Of this one
state the best discriminator is known: with n endings in K steps, logit D(ended) and the odds that
a step is none differ between the two sides by log (n_E/K_E) − log (n_π/K_π), however long the
episode stays ended. A constant taken from every reward, the ended state's included, changes no
policy; so each step's reward is taken relative to the ended state's, whose own is then 0, as every
algorithm here has it. A truncated episode has not ended and adds nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutelage.config import require
from tutelage.data.episodes import Episodes
from tutelage.model.mlp import mlp
from tutelage.model.optimiser import policy_optimiser
from tutelage.policies.control import Transitions
from tutelage.rollout.experience import Experience


@dataclass(frozen=True, kw_only=True)
class GAILConfig:
    hidden: tuple[int, ...] = (64, 64)  # widths of the discriminator's layers
    learning_rate: float = 3e-3  # of its Adam
    updates: int = 16  # its optimiser steps for each batch of the policy's experience
    batch: int = 256  # steps of the expert, and as many of the policy, that each of these sees
    gradient_penalty: float = 0.01  # on the slope of logit D between the two sides
    memory: float = 0.8  # share of the policy's endings that counts on into the next update

    def __post_init__(self) -> None:
        require(self, "above 0", "learning_rate", "updates", "batch")
        require(self, "at least 0", "gradient_penalty")
        require(self, "from 0 to 1", "memory")


def discriminator_loss(logits: Tensor, experts: Tensor) -> Tensor:
    """Binary cross-entropy: −log D of the expert's steps, −log(1 − D) of the policy's, not yet
    averaged. Over as many of each its mean is log 2 where they cannot be told apart.

    logits: (K,), logit D. experts: (K,), which steps are the expert's.
    """
    return F.softplus(torch.where(experts, -logits, logits))


def imitation_rewards(logits: Tensor, ended: float) -> Tensor:
    """logit D = log D − log(1 − D), relative to the state in which an episode has ended."""
    return logits - ended


def ended_logit(expert_endings: float, expert_steps: float, endings: float, steps: float) -> float:
    """log of how often a step of the expert's terminates an episode over how often one of the
    policy's does. Rates below one ending in the fewer steps cannot be told apart."""
    least = 1 / min(expert_steps, steps)
    return math.log((expert_endings / expert_steps + least) / (endings / steps + least))


class Discriminator(nn.Module):
    """logit D(s, a); observations in units of the expert's deviations from the expert's mean."""

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        shown: Episodes,
        actions: int | None,
        hidden: tuple[int, ...],
        generator: torch.Generator,
    ) -> None:
        """actions: how many there are to choose from, None where they are real numbers."""
        super().__init__()
        self.actions = actions
        D = shown.observations.shape[1]
        A = shown.actions.shape[1] if actions is None else actions
        self.network = mlp((D + A, *hidden, 1), generator)
        self.register_buffer("mean", shown.observations.mean(dim=0))
        self.register_buffer("deviation", shown.observations.std(dim=0, correction=0) + 1e-3)

    def features(self, inputs: Transitions) -> Tensor:
        """Observation and action side by side, (K, D + A)."""
        seen = (inputs.observations - self.mean) / self.deviation
        done = inputs.actions
        if self.actions is not None:
            done = F.one_hot(done, self.actions)
        return torch.cat([seen, done.to(seen.dtype)], dim=1)

    def forward(self, features: Tensor) -> Tensor:
        return self.network(features).squeeze(-1)


class GAIL:
    """The adversary: learns to tell the policy's steps from the expert's, and rewards them."""

    def __init__(
        self, shown: Episodes, actions: int | None, config: GAILConfig, generator: torch.Generator
    ) -> None:
        self.config = config
        self.discriminator = Discriminator(shown, actions, config.hidden, generator)
        self.optimiser = policy_optimiser(self.discriminator.parameters(), config.learning_rate)
        self.shown = self.discriminator.features(shown.inputs())
        self.expert_endings = float(shown.terminated.sum())
        self.endings = self.steps = 0.0

    def update(self, experience: Experience, generator: torch.Generator) -> dict[str, float]:
        """Optimiser steps on the expert's episodes and this experience of the policy's."""
        config = self.config
        assert isinstance(experience.inputs, Transitions)
        assert experience.terminated is not None
        done = experience.mask & experience.terminated
        self.endings = config.memory * self.endings + float(done.sum())
        self.steps = config.memory * self.steps + float(experience.mask.sum())
        lived = self.discriminator.features(experience.inputs)
        experts = torch.arange(2 * config.batch) < config.batch
        losses, right = 0.0, 0.0
        for _ in range(config.updates):
            theirs = torch.randint(len(self.shown), (config.batch,), generator=generator)
            ours = torch.randint(len(lived), (config.batch,), generator=generator)
            features = torch.cat([self.shown[theirs], lived[ours]])
            logits = self.discriminator(features)
            loss = discriminator_loss(logits, experts).mean()
            total = loss
            if config.gradient_penalty:
                total = total + config.gradient_penalty * self._slope(features, generator)
            total.backward()
            self.optimiser.step()
            self.optimiser.zero_grad()
            losses += loss.item() / config.updates
            right += ((logits > 0) == experts).double().mean().item() / config.updates
        return {"discriminator/loss": losses, "discriminator/accuracy": right}

    def _slope(self, features: Tensor, generator: torch.Generator) -> Tensor:
        """E ‖∇ logit D‖² on the lines between steps of the two sides: a discriminator that jumps
        tells the policy nothing of the way (Mescheder et al. 2018, on the lines of Gulrajani et al.
        2017)."""
        theirs, ours = features.chunk(2)
        share = torch.rand(len(ours), 1, generator=generator)
        between = (share * theirs + (1 - share) * ours).requires_grad_()
        (slope,) = torch.autograd.grad(
            self.discriminator(between).sum(), between, create_graph=True
        )
        return slope.square().sum(dim=1).mean()

    @property
    def ended(self) -> float:
        """logit D of the state in which an episode has ended, less what steps share of it."""
        return ended_logit(self.expert_endings, len(self.shown), self.endings, self.steps)

    @torch.no_grad()
    def rewards(self, experience: Experience) -> Tensor:
        """What each step of the policy's is paid, (N, L), 0 under the mask."""
        assert isinstance(experience.inputs, Transitions)
        logits = self.discriminator(self.discriminator.features(experience.inputs))
        rewards = torch.zeros_like(experience.rewards)
        rewards[experience.mask] = imitation_rewards(logits, self.ended)
        return rewards

    def state_dict(self) -> dict[str, Any]:
        return {
            "discriminator": self.discriminator.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "endings": self.endings,
            "steps": self.steps,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.discriminator.load_state_dict(state["discriminator"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.endings, self.steps = state["endings"], state["steps"]

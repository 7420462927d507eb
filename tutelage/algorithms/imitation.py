"""Imitation without rewards: behaviour cloning (Pomerleau 1989), and DAgger (Ross et al. 2011), in
which the expert says what it would have done where the learner came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from tutelage.algorithms.batch import load_weights, weights_of
from tutelage.config import require
from tutelage.model.distributions import Distribution
from tutelage.model.optimiser import policy_optimiser
from tutelage.policies.control import ControlPolicy, Transitions


@dataclass(frozen=True, kw_only=True)
class CloningConfig:
    learning_rate: float = 1e-3  # of Adam
    batch: int = 256  # the expert's steps that an optimiser step sees
    value_coefficient: float = 0.5  # of ½ error², where there is a critic
    max_grad_norm: float = 1.0

    def __post_init__(self) -> None:
        require(self, "above 0", "learning_rate", "batch", "max_grad_norm")
        require(self, "at least 0", "value_coefficient")


class Cloning:
    """The likelihood of what an expert did, made greater; a critic learns what came of it, because
    one that knows nothing would first undo what the actor has learned, once reinforced."""

    def __init__(self, policy: ControlPolicy, config: CloningConfig) -> None:
        self.policy, self.critic, self.config = policy, policy.critic, config
        self.networks = [policy.actor, *([policy.critic] if policy.critic is not None else [])]
        parameters = [weight for network in self.networks for weight in network.parameters()]
        self.optimiser = policy_optimiser(parameters, config.learning_rate)

    def update(
        self, shown: Transitions, generator: torch.Generator, returns: Tensor | None = None
    ) -> dict[str, float]:
        """One optimiser step on steps drawn from those that were shown. returns: (K,), what came
        after each, for the critic; without them, as without a critic, the actor learns alone."""
        config = self.config
        chosen = torch.randint(len(shown.actions), (config.batch,), generator=generator)
        part = Transitions(shown.observations[chosen], shown.actions[chosen], shown.mask)
        loss = cloning_loss(self.policy, part)
        metrics = {"train/loss": loss.item()}
        if self.critic is not None and returns is not None:
            value_loss = 0.5 * (self.policy.values(part) - returns[chosen]).square().mean()
            metrics["value/loss"] = value_loss.item()
            loss = loss + config.value_coefficient * value_loss
        loss.backward()
        norms = [clip_grad_norm_(one.parameters(), config.max_grad_norm) for one in self.networks]
        self.optimiser.step()
        self.optimiser.zero_grad()
        return metrics | {"policy/grad_norm": norms[0].item()}

    def state_dict(self) -> dict[str, Any]:
        return weights_of(self.policy.actor, self.critic, self.optimiser)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        load_weights(state, self.policy.actor, self.critic, self.optimiser)


def cloning_loss(policy: ControlPolicy, shown: Transitions) -> Tensor:
    """−E log π(a|s) over the expert's steps: what KL(expert ‖ π) leaves to be minimised."""
    return -policy.distribution(shown).logprobs(shown.actions).mean()


@torch.no_grad()
def agreement(policy: ControlPolicy, shown: Transitions) -> float:
    """The share of steps in which the expert did what the policy holds likeliest. Real-valued
    actions never agree exactly."""
    same = policy.distribution(shown).mode() == shown.actions
    return same.view(len(same), -1).all(dim=1).double().mean().item()


@torch.no_grad()
def labelled(expert: ControlPolicy, reached: Transitions) -> Transitions:
    """What the expert holds likeliest in the states that somebody reached."""
    actions = expert.distribution(reached).mode()
    return Transitions(reached.observations, actions, reached.mask)


def aggregate(gathered: Transitions | None, more: Transitions) -> Transitions:
    """All steps so far and those of this round, in one (algorithm 3.1: D ← D ∪ D_i)."""
    if gathered is not None:
        observations = torch.cat([gathered.observations, more.observations])
        actions = torch.cat([gathered.actions, more.actions])
    else:
        observations, actions = more.observations, more.actions
    return Transitions(observations, actions, torch.ones(len(actions), 1, dtype=torch.bool))


def expert_share(decay: float, round_number: int) -> float:
    """β_i of round i from 0 on, how often the expert acts: decay^i; at 0 in the first round only,
    which is the choice without a parameter (section 3)."""
    return decay**round_number


class MixedActor(nn.Module):
    """π_i = β π* + (1 − β) π: in each step the expert acts with chance β."""

    def __init__(self, expert: nn.Module, learner: nn.Module, share: float) -> None:
        super().__init__()
        self.expert, self.learner, self.share = expert, learner, share

    def forward(self, observations: Tensor) -> Mixed:
        return Mixed(self.expert(observations), self.learner(observations), self.share)


@dataclass(frozen=True)
class Mixed:
    """Drawn from one distribution with chance `share`, else from the other."""

    expert: Distribution
    learner: Distribution
    share: float

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        """Whose turn it is, then what chance adds to the expert's word and to the learner's."""
        each = [one.noise(count, generator) for one in (self.expert, self.learner)]
        turns = torch.rand(*each[0].shape[:2], 1, generator=generator)
        return torch.cat([turns, *each], dim=-1)

    def choose(self, noise: Tensor) -> Tensor:
        its_width = self.expert.noise(0, torch.Generator()).shape[-1]
        turns, of_expert, of_learner = noise.tensor_split([1, 1 + its_width], dim=-1)
        expert, learner = self.expert.choose(of_expert), self.learner.choose(of_learner)
        by_expert = turns < self.share
        return torch.where(by_expert if expert.dim() > 1 else by_expert[:, 0], expert, learner)

    @staticmethod
    def joined(each: Sequence[Mixed]) -> Mixed:
        experts, learners = [one.expert for one in each], [one.learner for one in each]
        return Mixed(
            type(experts[0]).joined(experts), type(learners[0]).joined(learners), each[0].share
        )

    def logprobs(self, actions: Tensor) -> Tensor:
        share = torch.tensor(self.share, dtype=torch.float64)
        return torch.logaddexp(
            share.log() + self.expert.logprobs(actions),
            (1 - share).log() + self.learner.logprobs(actions),
        ).float()

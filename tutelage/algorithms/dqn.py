"""Deep Q-networks (Mnih et al. 2015): Q-learning from a replay, towards a network that waits.

The network that acts is the one that learns; how often it does something else instead is up to the
loop that lets it act.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tutelage.algorithms.batch import (
    AuxiliaryLoss,
    Batch,
    load_weights,
    make_batch,
    weights_of,
)
from tutelage.config import require
from tutelage.model.mlp import MLP, Cut
from tutelage.model.optimiser import FusedAdam, clip_gradient
from tutelage.policies.control import QActor
from tutelage.policies.policy import Policy
from tutelage.rollout.experience import Experience
from tutelage.rollout.replay import Replay, Steps, steps_of


@dataclass(frozen=True, kw_only=True)
class DQNConfig:
    learning_rate: float = 2.3e-3  # of Adam
    batch: int = 64  # steps drawn for a gradient step
    buffer: int = 100_000  # steps remembered, the latest ones
    learning_starts: int = 1_000  # steps remembered before the first gradient step
    gradient_steps: int = 128  # an update
    target_every: int = 128  # gradient steps between copies to the target network
    double: bool = False  # the learning network chooses the action that the target one values
    gamma: float = 0.99
    max_grad_norm: float = 10.0

    def __post_init__(self) -> None:
        require(self, "above 0", "learning_rate", "batch", "buffer", "learning_starts")
        require(self, "above 0", "gradient_steps", "target_every", "max_grad_norm")
        require(self, "from 0 to 1", "gamma")
        if self.learning_starts > self.buffer:
            raise ValueError(
                f"learning_starts must be at most buffer, {self.buffer}, for learning ever to "
                f"start, got {self.learning_starts}"
            )


class DQN:
    def __init__(self, policy: Policy, config: DQNConfig) -> None:
        if not isinstance(policy.actor, QActor):
            raise ValueError('DQN needs a policy that acts by Q-values: networks="q".')
        self.policy, self.config = policy, config
        self.network: MLP = policy.actor.network
        self.target = copy.deepcopy(self.network)
        parameters = list(self.network.parameters())
        self.optimiser = FusedAdam(parameters, config.learning_rate, (0.9, 0.999), 1e-5)
        self.replay = Replay(config.buffer)
        self.gradient_steps = 0  # ever

    def credit(self, experience: Experience) -> Batch:
        """Remember the steps. What a decision is worth is asked anew whenever it is drawn, so the
        batch credits nothing."""
        self.replay.add(steps_of(experience))
        return make_batch(experience, torch.zeros_like(experience.rewards))

    def update(
        self,
        batch: Batch,
        generator: torch.Generator,
        auxiliary_loss: AuxiliaryLoss | None = None,
    ) -> dict[str, float]:
        """`gradient_steps` steps, each on `batch` remembered ones; none before learning_starts."""
        config = self.config
        metrics = {"replay/steps": float(len(self.replay))}
        if len(self.replay) < config.learning_starts:
            return metrics
        drawn = self.replay.sample(config.gradient_steps * config.batch, generator)
        counts = stretches(self.gradient_steps, config.gradient_steps, config.target_every)
        seen: list[tuple[Tensor, Tensor, Tensor]] = []
        for part in drawn.split([count * config.batch for count in counts]):
            seen += self._learn(part, auxiliary_loss)
            if self.gradient_steps % config.target_every == 0:
                self.target.load_state_dict(self.network.state_dict())
        values, targets, norms = (torch.cat(each) for each in zip(*seen, strict=True))
        return metrics | {
            "value/loss": F.smooth_l1_loss(values, targets).item(),
            "value/mean": values.mean().item(),
            "value/grad_norm": norms.mean().item(),
        }

    def _learn(
        self, drawn: Steps, auxiliary_loss: AuxiliaryLoss | None
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Gradient steps during which the target network stands still; of each: what it took the
        actions to be worth, what they should be, both (batch, 1), and its gradient's norm, (1,)."""
        config = self.config
        for part, targets in zip(drawn.split(config.batch), self._targets(drawn), strict=True):
            cut = Cut(self.network, part.observations)
            values = cut.outputs.gather(1, part.actions[:, None])
            F.smooth_l1_loss(values, targets).backward()  # the slope of an error is at most 1
            cut.backward()
            if auxiliary_loss is not None:
                auxiliary_loss().backward()
            norm = clip_gradient([self.network.weights], config.max_grad_norm)
            self.optimiser.step()
            self.optimiser.zero_grad()
            self.gradient_steps += 1
            yield values.detach(), targets, norm[None]

    @torch.no_grad()
    def _targets(self, drawn: Steps) -> Iterator[Tensor]:
        """What the actions taken should be worth, (batch, 1), a gradient step after the other. The
        target network, which stands still, is asked for many of them at once, in a thread beside
        those that learn."""
        config, many = self.config, 8 * self.config.batch
        with ThreadPoolExecutor(1) as thread:
            answers = thread.map(self._ask_target, drawn.next_observations.split(many))
            for part, values in zip(drawn.split(many), answers, strict=True):
                if not config.double:
                    yield from q_targets(part, values, values, config.gamma).split(config.batch)
                    continue
                for few, its in zip(
                    part.split(config.batch), values.split(config.batch), strict=True
                ):
                    choosing = self.network(few.next_observations)
                    yield q_targets(few, its, choosing, config.gamma)

    @torch.no_grad()
    def _ask_target(self, observations: Tensor) -> Tensor:
        return self.target(observations)

    def state_dict(self) -> dict[str, Any]:
        return weights_of(self.policy.actor, None, self.optimiser) | {
            "target": self.target.state_dict(),
            "replay": self.replay.state_dict(),
            "gradient_steps": self.gradient_steps,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        load_weights(state, self.policy.actor, None, self.optimiser)
        self.target.load_state_dict(state["target"])
        self.replay.load_state_dict(state["replay"])
        self.gradient_steps = state["gradient_steps"]


def q_targets(steps: Steps, values: Tensor, choosing: Tensor, gamma: float) -> Tensor:
    """r + γ Q(s', a'), or r alone where s' terminated the episode, (K, 1); a' is the best action by
    `choosing`. values, choosing: (K, A), of s'.

    Both of the target network: Mnih et al. 2015. choosing of the one that learns: double Q-learning
    (van Hasselt et al. 2016), which does not take the largest error for the largest value.
    """
    best = choosing.argmax(dim=1, keepdim=True)
    following = values.gather(1, best).squeeze(1) * ~steps.terminated
    return (steps.rewards + gamma * following)[:, None]


def stretches(done: int, count: int, every: int) -> list[int]:
    """`count` gradient steps after `done`, cut after each that is a multiple of `every`."""
    ends = [*range(done - done % every + every, done + count, every), done + count]
    return [end - start for start, end in itertools.pairwise([done, *ends])]

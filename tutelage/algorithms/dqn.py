"""Deep Q-networks (Mnih et al. 2015): Q-learning from a replay, towards a network that waits.

The network that acts is the one that learns; how often it does something else instead is up to the
loop that lets it act.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutelage.algorithms.batch import Batch, load_weights, make_batch, weights_of
from tutelage.config import require
from tutelage.model.flat import FlatAdam, FlatMLP
from tutelage.model.mlp import QActor
from tutelage.rollout.experience import Experience, Policy
from tutelage.rollout.replay import Replay, Steps, steps_of

_CHUNK = 512  # rows that the target network reads at once, so that its layers stay in the cache


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
        self.network: nn.Module = policy.actor.network
        self.target = copy.deepcopy(self.network)
        self.online = FlatMLP(self.network)
        self.optimiser = FlatAdam(self.online.weights, config.learning_rate)
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
        beside: Callable[[], None] | None = None,
    ) -> dict[str, float]:
        """`gradient_steps` steps, each on `batch` remembered ones; none before learning_starts.

        beside: adds the gradient of something else to the actor's, before each step.
        """
        config = self.config
        metrics = {"replay/steps": float(len(self.replay))}
        if len(self.replay) < config.learning_starts:
            return metrics
        drawn = self.replay.sample(config.gradient_steps * config.batch, generator)
        counts = stretches(self.gradient_steps, config.gradient_steps, config.target_every)
        observed: list[tuple[Tensor, Tensor, float]] = []
        for part in drawn.split([count * config.batch for count in counts]):
            observed += self._learn(part, beside)
            if self.gradient_steps % config.target_every == 0:
                self.target.load_state_dict(self.network.state_dict())
        values, targets, norms = zip(*observed, strict=True)
        return metrics | {
            "value/loss": F.smooth_l1_loss(torch.cat(values), torch.cat(targets)).item(),
            "value/mean": torch.cat(values).mean().item(),
            "value/grad_norm": sum(norms) / len(norms),
        }

    @torch.no_grad()
    def _learn(
        self, drawn: Steps, beside: Callable[[], None] | None
    ) -> list[tuple[Tensor, Tensor, float]]:
        """Gradient steps during which the target network stands still; of each: what it took the
        decisions to be worth, what they should be, (batch, 1), and the norm of its gradient."""
        B, online, optimiser = self.config.batch, self.online, self.optimiser
        gradients = online.gradients
        observed = []
        observations, actions = drawn.observations.split(B), drawn.actions[:, None].split(B)
        for seen, acted, wanted in zip(observations, actions, self._targets(drawn), strict=True):
            q_values = online.forward(seen)
            values = q_values.gather(1, acted)
            # the Huber loss is quadratic up to an error of 1 and linear from there on
            slopes = (values - wanted).clamp_(-1, 1).div_(B)
            online.backward(torch.zeros_like(q_values).scatter_(1, acted, slopes))
            if beside is not None:
                with torch.enable_grad():
                    beside()
            norm = torch.linalg.vector_norm(gradients).item()
            if norm > self.config.max_grad_norm:
                gradients.mul_(self.config.max_grad_norm / norm)
            optimiser.step()
            self.gradient_steps += 1
            observed.append((values, wanted, norm))
        return observed

    def _targets(self, drawn: Steps) -> Iterable[Tensor]:
        """What the decisions of each gradient step should be worth, (batch, 1). The target network
        is asked for all of them at once, the learning one as it is when the step comes."""
        B, gamma = self.config.batch, self.config.gamma
        rows = drawn.next_observations.split(_CHUNK)
        said = torch.cat([self.target(part) for part in rows])
        if not self.config.double:
            return q_targets(drawn, said, said, gamma)[:, None].split(B)
        return (
            q_targets(part, values, self.online.forward(part.next_observations), gamma)[:, None]
            for part, values in zip(drawn.split(B), said.split(B), strict=True)
        )

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
    """r + γ Q(s', a'), or r alone where s' terminated the episode, (K,); a' is the best action by
    `choosing`. values, choosing: (K, A), of s'.

    Both of the target network: Mnih et al. 2015. choosing of the one that learns: double Q-learning
    (van Hasselt et al. 2016), which does not take the largest error for the largest value.
    """
    best = choosing.argmax(dim=1, keepdim=True)
    following = values.gather(1, best).squeeze(1)
    return steps.rewards + gamma * following * ~steps.terminated


def stretches(done: int, count: int, every: int) -> list[int]:
    """`count` gradient steps after `done`, cut after each that is a multiple of `every`."""
    ends = [*range(done - done % every + every, done + count, every), done + count]
    return [end - start for start, end in itertools.pairwise([done, *ends])]

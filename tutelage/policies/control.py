"""Networks that act in an environment, and what they read: rows of numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import gymnasium
import torch
from gymnasium.spaces import Box, Discrete
from torch import Tensor, nn

from tutelage.errors import BadInput
from tutelage.model.distributions import Decided, Distribution, Valued, ValuedByGraph
from tutelage.model.mlp import (
    MLP,
    CategoricalActor,
    GaussianActor,
    MLPValued,
    QActor,
    QCritic,
    mlp,
    relu_mlp,
)
from tutelage.model.running import Running

# what a policy is made of; q: Q-values alone, which act by themselves
Networks = Literal["actor", "actor_critic", "q", "actor_q"]


@dataclass(frozen=True)
class Transitions:
    """Observations (K, D), what was done there, (K,) or (K, A), and what was seen next, (K, D);
    mask (N, L) tells which steps of the rows the K are, row by row."""

    observations: Tensor
    actions: Tensor
    mask: Tensor
    next_observations: Tensor | None = None

    def decisions(self, steps: Tensor) -> Tensor:
        return steps[self.mask]

    def minibatches(
        self, count: int, generator: torch.Generator
    ) -> Iterator[tuple[Transitions, Tensor | slice]]:
        if count == 1:  # the order of a sum is nobody's concern
            yield self, slice(None)
            return
        K = len(self.actions)
        for chosen in torch.randperm(K, generator=generator).tensor_split(min(count, K)):
            part = Transitions(self.observations[chosen], self.actions[chosen], self.mask)
            yield part, chosen


class ControlPolicy(nn.Module):
    """A network that acts, and one that says what a state is worth."""

    def __init__(
        self, actor: CategoricalActor | GaussianActor | QActor, critic: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.actor = actor
        self.critic = critic
        self.paid: Running | None = None  # the discounted returns so far

    def standardise(self) -> None:
        """Read observations in deviations from their running mean from now on, and count rewards
        in deviations of the discounted return."""
        parts = [self.actor.network, *([] if self.critic is None else [self.critic])]
        networks = [part for part in parts if isinstance(part, MLP)]
        if isinstance(self.actor, QActor) or len(networks) < len(parts):
            raise BadInput(
                "Observations are standardised for policies of PPO, A2C, REINFORCE and TRPO that "
                "read a row of numbers: leave out --normalise."
            )
        reader = Running(networks[0].shapes[0][0])
        for network in networks:
            network.reader = reader
        self.paid = Running(1)

    def observe(self, inputs: Transitions) -> None:
        """Read by these observations too from now on; only after what was decided on the earlier
        reading has been learned."""
        self.actor.network.reader.observe(inputs.observations)

    def distribution(self, inputs: Transitions) -> Distribution:
        return self.actor(inputs.observations)

    def decide(self, inputs: Transitions) -> Decided:
        return self.actor.decide(inputs.observations, inputs.actions)

    def values(self, inputs: Transitions) -> Tensor:
        return self.observed_values(inputs.observations)

    def value(self, inputs: Transitions) -> Valued:
        if isinstance(self.critic, MLP):
            return MLPValued(self.critic, inputs.observations)
        return ValuedByGraph(self.values(inputs))

    def observed_values(self, observations: Tensor) -> Tensor:
        """(…, D) to (…); of a critic of actions, what the actor's are worth on average."""
        assert self.critic is not None
        values = self.critic(observations)
        if isinstance(self.critic, QCritic):
            values = values * self.actor(observations).probabilities()
        return values.sum(dim=-1)


def new_policy(
    environments: gymnasium.vector.VectorEnv,
    hidden: tuple[int, ...],
    generator: torch.Generator,
    networks: Networks = "actor_critic",
) -> ControlPolicy:
    """Fresh networks of these hidden widths for the environments' observations and actions."""
    seen, acted = environments.single_observation_space, environments.single_action_space
    if not isinstance(seen, Box) or len(seen.shape) != 1:
        raise BadInput(
            f"The observations are {seen}; a network for control reads a row of numbers: wrap the "
            "environment in gymnasium.wrappers.FlattenObservation."
        )
    D = seen.shape[0]
    critic: nn.Module | None = None
    if networks == "actor_critic":
        critic = mlp((D, *hidden, 1), generator)
    if isinstance(acted, Discrete) and acted.start == 0:
        A = int(acted.n)
        if networks == "q":
            return ControlPolicy(QActor(relu_mlp((D, *hidden, A), generator)))
        if networks == "actor_q":
            critic = QCritic(mlp((D, *hidden, A), generator))
        network = mlp((D, *hidden, A), generator, last_gain=0.01)
        return ControlPolicy(CategoricalActor(network), critic)
    if networks in ("q", "actor_q") and isinstance(acted, Box):
        raise BadInput(
            f"The actions are {acted}; Q-values are kept of one of some actions, not of real "
            "numbers: choose another algorithm, such as ppo."
        )
    if isinstance(acted, Box) and len(acted.shape) == 1:
        network = mlp((D, *hidden, acted.shape[0]), generator, last_gain=0.01)
        return ControlPolicy(GaussianActor(network, acted.shape[0]), critic)
    raise BadInput(
        f"The actions are {acted}; this policy chooses one of some, counted from 0, or a row of "
        "real numbers."
    )

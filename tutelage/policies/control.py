"""Networks that act in an environment, and what they read: rows of numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import gymnasium
import torch
from gymnasium.spaces import Box, Discrete
from torch import Tensor, nn

from tutelage.errors import BadInput
from tutelage.model.distributions import (
    Categorical,
    Distribution,
    EpsilonGreedy,
    Gaussian,
    fisher_by_graph,
)
from tutelage.model.language_model import trainable
from tutelage.model.mlp import MLP, Cut, mlp, relu_mlp
from tutelage.model.running import RunningNormaliser
from tutelage.policies.policy import Evaluated

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


class CategoricalActor(nn.Module):
    """One of A actions."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, observations: Tensor) -> Categorical:
        return self.over(self.network(observations))

    def over(self, outputs: Tensor) -> Categorical:
        """What the network's outputs say."""
        return Categorical(outputs)

    def fisher(self, network: MLP, observations: Tensor) -> Callable[[Tensor], Tensor]:
        """JᵀMJv, J the Jacobian of the logits, M = diag p − p pᵀ their Fisher information: one pass
        along v and one back."""
        *hidden, logits = network.activations(observations)
        p = logits.softmax(dim=1)

        def product(vector: Tensor) -> Tensor:
            along = network.tangents(hidden, vector)
            pulled = p * (along - (p * along).sum(dim=1, keepdim=True))
            return network.backward(hidden, pulled / len(p))

        return product


class GaussianActor(nn.Module):
    """A real action vector; its deviation is learned but the same in every state."""

    def __init__(self, network: Any, actions: int, log_std: float = 0.0) -> None:
        super().__init__()
        self.network = network
        self.log_std = nn.Parameter(torch.full((actions,), log_std))

    def forward(self, observations: Tensor) -> Gaussian:
        return self.over(self.network(observations))

    def over(self, outputs: Tensor) -> Gaussian:
        """What the network's outputs say."""
        return Gaussian(outputs, self.log_std)

    def fisher(self, network: MLP, observations: Tensor) -> Callable[[Tensor], Tensor]:
        """As a categorical's; the Fisher information is 1/σ² of a mean and 2 of a log σ."""
        *hidden, _ = network.activations(observations)
        log_std = self.log_std.detach()

        def product(vector: Tensor) -> Tensor:
            of_log_std, of_network = vector.tensor_split([len(log_std)])
            pulled = network.tangents(hidden, of_network) * (-2 * log_std).exp()
            return torch.cat([2 * of_log_std, network.backward(hidden, pulled / len(pulled))])

        return product


class QActor(nn.Module):
    """One of A actions: mostly the one with the largest Q-value, at times any of them.

    epsilon: how often any of them; whoever trains it lowers it. Not a weight: it is not saved.
    """

    def __init__(self, network: Any, epsilon: float = 1.0) -> None:
        super().__init__()
        self.network = network
        self.epsilon = epsilon

    def forward(self, observations: Tensor) -> EpsilonGreedy:
        return self.over(self.network(observations))

    def over(self, outputs: Tensor) -> EpsilonGreedy:
        """What the network's outputs say."""
        return EpsilonGreedy(outputs, self.epsilon)


class QCritic(nn.Module):
    """What each of A actions is worth in a state, (…, D) to (…, A)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, observations: Tensor) -> Tensor:
        return self.network(observations)


class ControlPolicy(nn.Module):
    """A network that acts, and one that says what a state is worth."""

    def __init__(
        self, actor: CategoricalActor | GaussianActor | QActor, critic: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.actor = actor
        self.critic = critic
        self.return_normaliser: RunningNormaliser | None = None  # of the discounted returns so far

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
        normaliser = RunningNormaliser(networks[0].shapes[0][0])
        for network in networks:
            network.normaliser = normaliser
        self.return_normaliser = RunningNormaliser(1)

    def observe(self, inputs: Transitions) -> None:
        """Read by these observations too from now on; only after what was decided on the earlier
        reading has been learned."""
        self.actor.network.normaliser.observe(inputs.observations)

    def distribution(self, inputs: Transitions) -> Distribution:
        return self.actor(inputs.observations)

    def evaluate(self, inputs: Transitions) -> Evaluated:
        """MLPs are cut off the graph."""
        cuts: list[Cut] = []

        def outputs(network: Any) -> Tensor:
            if not isinstance(network, MLP):
                return network(inputs.observations)
            cuts.append(Cut(network, inputs.observations))
            return cuts[-1].outputs

        def values() -> Tensor:
            if isinstance(self.critic, QCritic):
                return self.values(inputs)
            return outputs(self.critic).squeeze(-1)

        return Evaluated(
            inputs.actions, lambda: self.actor.over(outputs(self.actor.network)), values, cuts
        )

    def fisher(self, inputs: Transitions) -> Callable[[Tensor], Tensor]:
        """v ↦ F·v over the actor's weights, F their Fisher information: written out for an MLP."""
        actor = self.actor
        if isinstance(actor.network, MLP) and not isinstance(actor, QActor):
            return actor.fisher(actor.network, inputs.observations)
        return fisher_by_graph(self.distribution(inputs), trainable(actor))

    def values(self, inputs: Transitions) -> Tensor:
        return self.observed_values(inputs.observations)

    def observed_values(self, observations: Tensor) -> Tensor:
        """(…, D) to (…); of a critic of actions, what the actor's are worth on average."""
        assert self.critic is not None
        values = self.critic(observations)
        if isinstance(self.critic, QCritic):
            return (values * self.actor(observations).probabilities()).sum(dim=-1)
        return values.squeeze(-1)


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

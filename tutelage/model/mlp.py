"""Networks for control: from an observation's numbers to actions, or to what a state is worth."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tutelage.model.distributions import Categorical, EpsilonGreedy, Gaussian


def mlp(sizes: Sequence[int], generator: torch.Generator, last_gain: float = 1.0) -> nn.Sequential:
    """Linear layers with tanh between them; orthogonal weights (Saxe et al. 2014), biases 0.

    last_gain: of the last layer's weights; small for a policy, so that it begins undecided.
    """
    layers: list[nn.Module] = []
    for number, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        linear = nn.Linear(inputs, outputs)
        is_last = number == len(sizes) - 2
        gain = last_gain if is_last else 2**0.5
        nn.init.orthogonal_(linear.weight, gain, generator=generator)
        nn.init.zeros_(linear.bias)
        layers += [linear] if is_last else [linear, nn.Tanh()]
    return nn.Sequential(*layers)


def relu_mlp(sizes: Sequence[int], generator: torch.Generator) -> nn.Sequential:
    """Linear layers with ReLU between them; weights and biases uniform within 1/√inputs (LeCun et
    al. 1998). With biases of 0 every unit would bend where the observation is 0, and only there.
    """
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        linear = nn.Linear(inputs, outputs)
        for parameter in linear.parameters():
            nn.init.uniform_(parameter, -(inputs**-0.5), inputs**-0.5, generator=generator)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class CategoricalActor(nn.Module):
    """One of A actions."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, observations: Tensor) -> Categorical:
        return Categorical(self.network(observations))


class GaussianActor(nn.Module):
    """A real action vector; its deviation is learned but the same in every state."""

    def __init__(self, network: nn.Module, actions: int, log_std: float = 0.0) -> None:
        super().__init__()
        self.network = network
        self.log_std = nn.Parameter(torch.full((actions,), log_std))

    def forward(self, observations: Tensor) -> Gaussian:
        return Gaussian(self.network(observations), self.log_std)


class QActor(nn.Module):
    """One of A actions: mostly the one with the largest Q-value, at times any of them.

    epsilon: how often any of them; whoever trains it lowers it. Not a weight: it is not saved.
    """

    def __init__(self, network: nn.Module, epsilon: float = 1.0) -> None:
        super().__init__()
        self.network = network
        self.epsilon = epsilon

    def forward(self, observations: Tensor) -> EpsilonGreedy:
        return EpsilonGreedy(self.network(observations), self.epsilon)


class QCritic(nn.Module):
    """What each of A actions is worth in a state, (…, D) to (…, A)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, observations: Tensor) -> Tensor:
        return self.network(observations)

"""Networks for control: from an observation's numbers to actions, or to what a state is worth."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from tutelage.model.distributions import (
    Categorical,
    Decided,
    DecidedByGraph,
    EpsilonGreedy,
    Gaussian,
)
from tutelage.model.running import Running

Activation = Literal["tanh", "relu"]
Arrays = list[tuple[np.ndarray, np.ndarray]]


class MLP(nn.Module):
    """Linear layers with tanh or ReLU between them, (…, D) to (…, outputs).

    A network so small spends its time in calls, not in sums. So its weights are one tensor, of
    which an optimiser makes one step, and its passes are written out in NumPy, whose calls and
    narrow products take a fraction of PyTorch's time.
    """

    def __init__(self, sizes: Sequence[int], activation: Activation = "tanh") -> None:
        super().__init__()
        self.activation = activation
        self.shapes = tuple(itertools.pairwise(sizes))
        self.reader: Running | None = None  # standardises observations first
        self.weights = nn.Parameter(torch.zeros(sum((i + 1) * o for i, o in self.shapes)))
        self._arrays: tuple[int, Arrays] = (0, [])

    def layers(self) -> list[tuple[Tensor, Tensor]]:
        """Each layer's weights (inputs, outputs) and biases (outputs,): views, nothing copied."""
        parts = iter(self.weights.split([size for i, o in self.shapes for size in (i * o, o)]))
        return [(next(parts).view(shape), next(parts)) for shape in self.shapes]

    def forward(self, observations: Tensor) -> Tensor:
        if observations.dim() != 2:
            rows = observations.reshape(-1, observations.shape[-1])
            return self.forward(rows).view(*observations.shape[:-1], -1)
        if torch.is_grad_enabled():
            return _Passes.apply(observations, self.weights, self)
        return torch.from_numpy(self.activations(observations.numpy())[-1])

    def in_graph(self, observations: Tensor) -> Tensor:
        """The same left to autograd: for gradients of what is seen, and gradients of gradients."""
        if self.reader is not None:
            observations = torch.from_numpy(self.reader.read(observations.numpy()))
        *inner, (matrix, biases) = self.layers()
        for weights, offsets in inner:
            observations = torch.addmm(offsets, observations, weights)
            tanh = self.activation == "tanh"
            observations = observations.tanh() if tanh else observations.relu()
        return torch.addmm(biases, observations, matrix)

    def activations(self, observations: np.ndarray) -> list[np.ndarray]:
        """What goes into each layer, (K, inputs), and what comes out of the last."""
        found = [observations if self.reader is None else self.reader.read(observations)]
        *inner, (matrix, biases) = self.arrays()
        for weights, offsets in inner:
            hidden = found[-1] @ weights
            hidden += offsets
            found.append(
                _tanh(hidden) if self.activation == "tanh" else np.maximum(hidden, 0, out=hidden)
            )
        out = found[-1] @ matrix
        out += biases
        return [*found, out]

    def tangents(self, hidden: list[np.ndarray], direction: np.ndarray) -> np.ndarray:
        """How fast the outputs change when the weights move along a direction of theirs; hidden:
        the activations."""
        layers = list(zip(self.arrays(), _arrays(direction, self.shapes), strict=True))
        (_, (by_matrix, by_biases)), *rest = layers
        moved = hidden[0] @ by_matrix
        moved += by_biases
        for number, ((matrix, _), (by_matrix, by_biases)) in enumerate(rest, start=1):
            moved *= 1 - hidden[number] ** 2 if self.activation == "tanh" else hidden[number] > 0
            moved = moved @ matrix
            moved += hidden[number] @ by_matrix
            moved += by_biases
        return moved

    def backward(self, hidden: list[np.ndarray], slope: np.ndarray) -> Tensor:
        """The weights' gradient of a loss whose slope in the outputs is `slope`, (K, outputs);
        hidden: the activations."""
        gradient = torch.empty_like(self.weights)
        layers = list(zip(self.arrays(), _arrays(gradient.numpy(), self.shapes), strict=True))
        for number in reversed(range(len(layers))):
            (matrix, _), (on_matrix, on_biases) = layers[number]
            np.matmul(hidden[number].T, slope, out=on_matrix)
            np.sum(slope, axis=0, out=on_biases)
            if number > 0:
                slope = np.matmul(slope, matrix.T)
                if self.activation == "tanh":
                    torch.ops.aten.tanh_backward.grad_input(
                        torch.from_numpy(slope),
                        torch.from_numpy(hidden[number]),
                        grad_input=torch.from_numpy(slope),
                    )
                else:
                    slope *= hidden[number] > 0
        return gradient

    def arrays(self) -> Arrays:
        """The layers as NumPy's views."""
        address, arrays = self._arrays
        if address != self.weights.data_ptr():  # they were moved or copied
            arrays = _arrays(self.weights.detach().numpy(), self.shapes)
            self._arrays = self.weights.data_ptr(), arrays
        return arrays

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_arrays": (0, [])}  # a copy's are views of its own weights


def _arrays(flat: np.ndarray, shapes: Sequence[tuple[int, int]]) -> Arrays:
    start, found = 0, []
    for inputs, outputs in shapes:
        end = start + inputs * outputs
        found.append((flat[start:end].reshape(inputs, outputs), flat[end : end + outputs]))
        start = end + outputs
    return found


def _tanh(x: np.ndarray) -> np.ndarray:
    """In place. NumPy's own is the faster one for few numbers; for many PyTorch's sigmoid is, with
    tanh x = 2 sigmoid 2x - 1, at a third of the time of either's tanh."""
    if x.size < 2048:
        return np.tanh(x, out=x)
    torch.from_numpy(x).mul_(2).sigmoid_().mul_(2).sub_(1)
    return x


class _Passes(torch.autograd.Function):
    """An MLP in a graph; observations are what is given, so they get no gradient."""

    @staticmethod
    def forward(ctx: Any, observations: Tensor, weights: Tensor, network: MLP) -> Tensor:
        ctx.network, ctx.hidden = network, network.activations(observations.numpy())
        return torch.from_numpy(ctx.hidden[-1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[None, Tensor, None]:
        return None, ctx.network.backward(ctx.hidden, slope.numpy()), None


def _add_gradient(parameter: nn.Parameter, gradient: Tensor) -> None:
    if parameter.grad is None:
        parameter.grad = gradient
    else:
        parameter.grad += gradient


def mlp(sizes: Sequence[int], generator: torch.Generator, last_gain: float = 1.0) -> MLP:
    """Orthogonal weights (Saxe et al. 2014), biases 0.

    last_gain: of the last layer's weights; small for a policy, so that it begins undecided.
    """
    network = MLP(sizes)
    with torch.no_grad():
        *inner, (last, _) = network.layers()
        for matrix, _ in inner:
            nn.init.orthogonal_(matrix, 2**0.5, generator=generator)
        nn.init.orthogonal_(last, last_gain, generator=generator)
    return network


def relu_mlp(sizes: Sequence[int], generator: torch.Generator) -> MLP:
    """ReLU between the layers; weights and biases uniform within 1/√inputs (LeCun et al. 1998).
    With biases of 0 every unit would bend where the observation is 0, and only there."""
    network = MLP(sizes, "relu")
    with torch.no_grad():
        for layer, (inputs, _) in zip(network.layers(), network.shapes, strict=True):
            for weights in layer:
                nn.init.uniform_(weights, -(inputs**-0.5), inputs**-0.5, generator=generator)
    return network


class CategoricalActor(nn.Module):
    """One of A actions."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, observations: Tensor) -> Categorical:
        return Categorical(self.network(observations))

    def decide(self, observations: Tensor, actions: Tensor) -> Decided:
        if isinstance(self.network, MLP):
            return _Chosen(self.network, observations, actions)
        return DecidedByGraph(self(observations), actions, list(self.parameters()))


class GaussianActor(nn.Module):
    """A real action vector; its deviation is learned but the same in every state."""

    def __init__(self, network: Any, actions: int, log_std: float = 0.0) -> None:
        super().__init__()
        self.network = network
        self.log_std = nn.Parameter(torch.full((actions,), log_std))

    def forward(self, observations: Tensor) -> Gaussian:
        return Gaussian(self.network(observations), self.log_std)

    def decide(self, observations: Tensor, actions: Tensor) -> Decided:
        if isinstance(self.network, MLP):
            return _Aimed(self, observations, actions)
        return DecidedByGraph(self(observations), actions, list(self.parameters()))


class _Chosen:
    """Decisions of a CategoricalActor, their slopes written out."""

    def __init__(self, network: MLP, observations: Tensor, actions: Tensor) -> None:
        self.network, self.actions = network, actions[:, None]
        self.hidden = network.activations(observations.numpy())
        self.log_p = torch.from_numpy(self.hidden[-1]).log_softmax(dim=1)
        self.logprobs = self.log_p.gather(1, self.actions).squeeze(1)

    def entropy(self) -> Tensor:
        return -(self.log_p.exp() * self.log_p).sum(dim=1)

    def backward(self, on_logprobs: Tensor, on_entropy: float = 0.0) -> None:
        """d log p_a / d logits = 1_a − p; dH / d logits = −p (log p + H)."""
        on_logprobs = on_logprobs[:, None]
        p = self.log_p.exp()
        slope = (p * -on_logprobs).scatter_add_(1, self.actions, on_logprobs)
        if on_entropy:
            slope -= on_entropy * p * (self.log_p + self.entropy()[:, None])
        gradient = self.network.backward(self.hidden, slope.numpy())
        _add_gradient(self.network.weights, gradient)

    def gradient(self, on_logprobs: Tensor) -> Tensor:
        on_logprobs = on_logprobs[:, None]
        slope = (self.log_p.exp() * -on_logprobs).scatter_add_(1, self.actions, on_logprobs)
        return self.network.backward(self.hidden, slope.numpy())

    def fisher_vector_product(self, vector: Tensor) -> Tensor:
        """JᵀMJv, J the Jacobian of the logits, M = diag p − p pᵀ their Fisher information: one pass
        along v and one back."""
        along = torch.from_numpy(self.network.tangents(self.hidden, vector.numpy()))
        p = self.log_p.exp() / len(self.actions)
        pulled = p * (along - (self.log_p.exp() * along).sum(dim=1, keepdim=True))
        return self.network.backward(self.hidden, pulled.numpy())


class _Aimed:
    """Decisions of a GaussianActor, their slopes written out."""

    def __init__(self, actor: GaussianActor, observations: Tensor, actions: Tensor) -> None:
        self.actor = actor
        self.hidden = actor.network.activations(observations.numpy())
        self.gaussian = Gaussian(torch.from_numpy(self.hidden[-1]), actor.log_std.detach())
        self.scaled = (actions - self.gaussian.mean) * (-self.gaussian.log_std).exp()
        self.logprobs = self.gaussian.logprobs(actions)

    def entropy(self) -> Tensor:
        return self.gaussian.entropy()

    def backward(self, on_logprobs: Tensor, on_entropy: float = 0.0) -> None:
        on_log_std, on_network = self._slopes(on_logprobs)
        _add_gradient(self.actor.log_std, on_log_std + on_entropy * len(on_logprobs))
        _add_gradient(self.actor.network.weights, on_network)

    def gradient(self, on_logprobs: Tensor) -> Tensor:
        return torch.cat(self._slopes(on_logprobs))

    def _slopes(self, on_logprobs: Tensor) -> tuple[Tensor, Tensor]:
        """With z = (a − μ)/σ: d log p / d log σ = z² − 1, d log p / dμ = z/σ; in the order of the
        actor's parameters."""
        on_logprobs = on_logprobs[:, None]
        slope = on_logprobs * self.scaled * (-self.gaussian.log_std).exp()
        on_log_std = (on_logprobs * (self.scaled.square() - 1)).sum(dim=0)
        return on_log_std, self.actor.network.backward(self.hidden, slope.numpy())

    def fisher_vector_product(self, vector: Tensor) -> Tensor:
        """As a categorical's; the Fisher information is 1/σ² of a mean and 2 of a log σ."""
        log_std, network = self.gaussian.log_std, self.actor.network
        along_log_std, along_network = vector.tensor_split([len(log_std)])
        along = torch.from_numpy(network.tangents(self.hidden, along_network.numpy()))
        pulled = along * (-2 * log_std).exp() / len(along)
        return torch.cat([2 * along_log_std, network.backward(self.hidden, pulled.numpy())])


class MLPValued:
    """What an MLP of one output says of K states."""

    def __init__(self, network: MLP, observations: Tensor) -> None:
        self.network, self.hidden = network, network.activations(observations.numpy())
        self.values = torch.from_numpy(self.hidden[-1]).squeeze(1)

    def backward(self, on_values: Tensor) -> None:
        gradient = self.network.backward(self.hidden, on_values.numpy()[:, None])
        _add_gradient(self.network.weights, gradient)


class QActor(nn.Module):
    """One of A actions: mostly the one with the largest Q-value, at times any of them.

    epsilon: how often any of them; whoever trains it lowers it. Not a weight: it is not saved.
    """

    def __init__(self, network: Any, epsilon: float = 1.0) -> None:
        super().__init__()
        self.network = network
        self.epsilon = epsilon

    def forward(self, observations: Tensor) -> EpsilonGreedy:
        return EpsilonGreedy(self.network(observations), self.epsilon)

    def decide(self, observations: Tensor, actions: Tensor) -> Decided:
        return DecidedByGraph(self(observations), actions, list(self.parameters()))


class QCritic(nn.Module):
    """What each of A actions is worth in a state, (…, D) to (…, A)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, observations: Tensor) -> Tensor:
        return self.network(observations)

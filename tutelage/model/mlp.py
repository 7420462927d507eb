"""A network of linear layers, from rows of numbers to rows of numbers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from tutelage.model.running import RunningNormaliser

Activation = Literal["tanh", "relu"]
Layers = list[tuple[Tensor, Tensor]]  # weights (inputs, outputs) and biases (outputs,) of each


class MLP(nn.Module):
    """Linear layers with tanh or ReLU between them, (…, D) to (…, outputs).

    A network so small spends its time in calls, not in sums. So its weights are one tensor, of
    which an optimiser makes one step, and where it learns its passes are written out (`Cut`).
    """

    def __init__(self, sizes: Sequence[int], activation: Activation = "tanh") -> None:
        super().__init__()
        self.activation = activation
        self.shapes = tuple(itertools.pairwise(sizes))
        self.normaliser: RunningNormaliser | None = None  # of observations
        self.weights = nn.Parameter(torch.zeros(sum((i + 1) * o for i, o in self.shapes)))
        self._views: tuple[int, Layers] = (-1, [])

    def layers(self) -> Layers:
        """Views of the weights, nothing copied."""
        return self._split(self.weights)

    def forward(self, observations: Tensor) -> Tensor:
        if observations.dim() != 2:
            rows = observations.reshape(-1, observations.shape[-1])
            return self.forward(rows).view(*observations.shape[:-1], -1)
        if not torch.is_grad_enabled():
            return self.activations(observations)[-1]
        if self.normaliser is not None:
            observations = self.normaliser(observations)
        *inner, (matrix, biases) = self.layers()
        for weights, offsets in inner:
            observations = torch.addmm(offsets, observations, weights)
            tanh = self.activation == "tanh"
            observations = observations.tanh() if tanh else observations.relu()
        return torch.addmm(biases, observations, matrix)

    def activations(self, observations: Tensor) -> list[Tensor]:
        """What goes into each layer, (K, inputs), and what comes out of the last."""
        hidden = observations if self.normaliser is None else self.normaliser(observations)
        every = [hidden]
        *inner, (matrix, biases) = self._constants()
        for weights, offsets in inner:
            hidden = torch.addmm(offsets, hidden, weights)
            hidden = hidden.tanh_() if self.activation == "tanh" else hidden.relu_()
            every.append(hidden)
        return [*every, torch.addmm(biases, hidden, matrix)]

    def tangents(self, hidden: Sequence[Tensor], direction: Tensor) -> Tensor:
        """How fast the outputs change when the weights move along a direction of theirs, (K,
        outputs); hidden: what goes into each layer."""
        (by_matrix, by_biases), *rest = self._split(direction)
        moved = torch.addmm(by_biases, hidden[0], by_matrix)
        inputs_and_layers = zip(hidden[1:], self._constants()[1:], rest, strict=True)
        for inputs, (matrix, _), (by_matrix, by_biases) in inputs_and_layers:
            moved = self._through(moved, inputs)
            moved = torch.addmm(torch.addmm(by_biases, inputs, by_matrix), moved, matrix)
        return moved

    def backward(self, hidden: Sequence[Tensor], gradient: Tensor) -> Tensor:
        """The weights' gradient of a loss from its gradient in the outputs, (K, outputs); hidden:
        what goes into each layer."""
        parts = []
        for number, (matrix, _) in reversed(list(enumerate(self._constants()))):
            parts += [gradient.sum(dim=0), (hidden[number].t() @ gradient).view(-1)]
            if number > 0:
                gradient = self._through(gradient @ matrix.t(), hidden[number])
        return torch.cat(parts[::-1])

    def _through(self, x: Tensor, activated: Tensor) -> Tensor:
        """x times the slope of the activation where it gave this."""
        if self.activation == "tanh":
            return torch.ops.aten.tanh_backward(x, activated)
        return torch.ops.aten.threshold_backward(x, activated, 0)

    def _split(self, flat: Tensor) -> Layers:
        parts = iter(flat.split([size for i, o in self.shapes for size in (i * o, o)]))
        return [(next(parts).view(shape), next(parts)) for shape in self.shapes]

    def _constants(self) -> Layers:
        """The layers without a graph."""
        address, views = self._views
        if address != self.weights.data_ptr():  # they were moved or copied
            views = self._split(self.weights.detach())
            self._views = self.weights.data_ptr(), views
        return views

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_views": (-1, [])}  # a copy's are views of its own weights


class Cut:
    """What an MLP makes of observations as a leaf: a loss is differentiated to `outputs`, and
    `backward` takes their gradient on to the weights, in a third of the time of a graph."""

    def __init__(self, network: MLP, observations: Tensor) -> None:
        self.network = network
        *self.hidden, self.outputs = network.activations(observations)
        self.outputs.requires_grad_()

    def backward(self) -> None:
        """Add to the weights' gradient what the outputs have gathered."""
        assert self.outputs.grad is not None
        gradient = self.network.backward(self.hidden, self.outputs.grad)
        weights = self.network.weights
        weights.grad = gradient if weights.grad is None else weights.grad + gradient


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

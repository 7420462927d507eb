"""The passes that are written out, beside autograd's of the plain formula."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from tutelage.device import seeded
from tutelage.model.mlp import MLP, mlp
from tutelage.policies.control import CategoricalActor, ControlPolicy, GaussianActor, Transitions

DRAWN = torch.randn(70, 3, generator=seeded("observations"), dtype=torch.float64)


class Plain(torch.nn.Module):
    """The same network in autograd's hands."""

    def __init__(self, network: MLP) -> None:
        super().__init__()
        self.network = network

    def forward(self, observations: Tensor) -> Tensor:
        return self.network.in_graph(observations)


def new_actor(kind: str) -> CategoricalActor | GaussianActor:
    network = mlp((3, 40, 5, 2), seeded("network"))
    with torch.no_grad():
        network.weights += 0.1 * torch.randn(len(network.weights), generator=seeded("moved"))
    actor = CategoricalActor(network) if kind == "categorical" else GaussianActor(network, 2, -0.3)
    return actor.double()


@pytest.mark.parametrize("rows", [4, 70])  # few and many are computed differently
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_passes_are_the_plain_formula_s(activation: str, rows: int):
    network, observations = new_actor("categorical").network, DRAWN[:rows]
    network.activation = activation
    expected = network.in_graph(observations)
    torch.testing.assert_close(network(observations), expected)
    with torch.no_grad():
        torch.testing.assert_close(network(observations), expected)
        torch.testing.assert_close(network(observations.view(2, -1, 3)).flatten(0, 1), expected)
        direction = torch.randn(len(network.weights), generator=seeded("along")).double()
        *hidden, _ = network.activations(observations)
        along = network.tangents(hidden, direction)
        moved = copy.deepcopy(network)
        moved.weights += 1e-6 * direction
        slope = (moved.in_graph(observations) - expected) / 1e-6
        torch.testing.assert_close(along, slope, rtol=1e-3, atol=1e-4)
    weights = torch.randn_like(expected)
    (found,) = torch.autograd.grad((network(observations) * weights).sum(), network.weights)
    (true,) = torch.autograd.grad((expected * weights).sum(), network.weights)
    torch.testing.assert_close(found, true)


def test_a_second_derivative_is_refused_not_wrong():
    network = new_actor("categorical").network
    with pytest.raises(RuntimeError, match=r"use MLP\.in_graph"):
        torch.autograd.grad(network(DRAWN).square().sum(), network.weights, create_graph=True)


@pytest.mark.parametrize("kind", ["categorical", "gaussian"])
def test_the_fisher_information_is_that_of_a_graph(kind: str):
    actor = new_actor(kind)
    other = copy.deepcopy(actor)
    other.network = Plain(other.network)
    inputs = Transitions(DRAWN, DRAWN, torch.ones(len(DRAWN), 1, dtype=torch.bool))
    size = sum(weights.numel() for weights in actor.parameters())
    vector = torch.randn(size, generator=seeded("along"), dtype=torch.float64)
    ours, theirs = (ControlPolicy(one).fisher(inputs)(vector) for one in (actor, other))
    torch.testing.assert_close(ours, theirs)


def test_a_copy_has_weights_of_its_own():
    network = new_actor("categorical").network
    with torch.no_grad():
        before = network(DRAWN[:4]).clone()
        other = copy.deepcopy(network)
        other.weights.zero_()
        torch.testing.assert_close(network(DRAWN[:4]), before)
        assert not other(DRAWN[:4]).any()

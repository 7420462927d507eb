"""The passes that are written out, beside autograd's of the plain formula."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from tutelage.device import seeded
from tutelage.model.distributions import DecidedByGraph
from tutelage.model.mlp import MLP, CategoricalActor, GaussianActor, MLPValued, mlp

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


def gradient_of(actor: torch.nn.Module) -> Tensor:
    return torch.cat([parameter.grad.flatten() for parameter in actor.parameters()])


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
        hidden = network.activations(observations.numpy())
        along = torch.from_numpy(network.tangents(hidden, direction.numpy()))
        moved = copy.deepcopy(network)
        moved.weights += 1e-6 * direction
        slope = (moved.in_graph(observations) - expected) / 1e-6
        torch.testing.assert_close(along, slope, rtol=1e-3, atol=1e-4)
    weights = torch.randn_like(expected)
    (found,) = torch.autograd.grad((network(observations) * weights).sum(), network.weights)
    (true,) = torch.autograd.grad((expected * weights).sum(), network.weights)
    torch.testing.assert_close(found, true)


@pytest.mark.parametrize("kind", ["categorical", "gaussian"])
def test_decisions_learn_as_in_a_graph(kind: str):
    actor = new_actor(kind)
    drawn = actor(DRAWN).detach()
    actions = drawn.choose(drawn.noise(1, seeded("act"))[0])
    other = copy.deepcopy(actor)
    other.network = Plain(other.network)
    ours = actor.decide(DRAWN, actions)
    graph = DecidedByGraph(other(DRAWN), actions, list(other.parameters()))
    torch.testing.assert_close(ours.logprobs, graph.logprobs)
    torch.testing.assert_close(ours.entropy(), graph.entropy())
    slope = torch.randn(len(DRAWN), generator=seeded("slope"), dtype=torch.float64)
    torch.testing.assert_close(ours.gradient(slope), graph.gradient(slope))
    vector = torch.randn(len(ours.gradient(slope)), dtype=torch.float64)
    torch.testing.assert_close(
        ours.fisher_vector_product(vector), graph.fisher_vector_product(vector)
    )
    for _ in range(2):  # the second gradient is added to the first
        ours.backward(slope, 0.7)
    graph.backward(2 * slope, 1.4)
    torch.testing.assert_close(gradient_of(actor), gradient_of(other))


def test_values_learn_as_in_a_graph():
    critic = mlp((3, 6, 1), seeded("critic")).double()
    valued = MLPValued(critic, DRAWN)
    expected = critic.in_graph(DRAWN).squeeze(1)
    torch.testing.assert_close(valued.values, expected)
    slope = torch.randn(len(DRAWN), dtype=torch.float64)
    (true,) = torch.autograd.grad(expected, critic.weights, slope)
    valued.backward(slope)
    torch.testing.assert_close(critic.weights.grad, true)


def test_a_copy_has_weights_of_its_own():
    network = new_actor("categorical").network
    with torch.no_grad():
        before = network(DRAWN[:4]).clone()
        other = copy.deepcopy(network)
        other.weights.zero_()
        torch.testing.assert_close(network(DRAWN[:4]), before)
        assert not other(DRAWN[:4]).any()

"""The passes that are written out, beside autograd's of the plain formula."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from tutelage.device import seeded
from tutelage.model.mlp import MLP, Cut, mlp
from tutelage.policies.control import CategoricalActor, ControlPolicy, GaussianActor, Transitions

DRAWN = torch.randn(70, 3, generator=seeded("observations"), dtype=torch.float64)


class Plain(torch.nn.Module):
    """The same network in autograd's hands."""

    def __init__(self, network: MLP) -> None:
        super().__init__()
        self.network = network

    def forward(self, observations: Tensor) -> Tensor:
        return self.network(observations)


def new_actor(kind: str) -> CategoricalActor | GaussianActor:
    network = mlp((3, 40, 5, 2), seeded("network"))
    with torch.no_grad():
        network.weights += 0.1 * torch.randn(len(network.weights), generator=seeded("moved"))
    actor = CategoricalActor(network) if kind == "categorical" else GaussianActor(network, 2, -0.3)
    return actor.double()


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_written_passes_are_the_graph_s(activation: str):
    network = new_actor("categorical").network
    network.activation = activation
    expected = network(DRAWN)
    with torch.no_grad():
        torch.testing.assert_close(network(DRAWN), expected)
        torch.testing.assert_close(network(DRAWN.view(2, -1, 3)).flatten(0, 1), expected)
        direction = torch.randn(len(network.weights), generator=seeded("along")).double()
        *hidden, _ = network.activations(DRAWN)
        along = network.tangents(hidden, direction)
        moved = copy.deepcopy(network)
        moved.weights += 1e-6 * direction
        slope = (moved(DRAWN) - expected) / 1e-6
        torch.testing.assert_close(along, slope, rtol=1e-3, atol=1e-4)
    (true,) = torch.autograd.grad(expected.square().sum(), network.weights)
    for times in (1, 2):  # the second gradient is added to the first
        cut = Cut(network, DRAWN)
        cut.outputs.square().sum().backward()
        cut.backward()
        torch.testing.assert_close(network.weights.grad, times * true)


@pytest.mark.parametrize("kind", ["categorical", "gaussian"])
def test_what_is_evaluated_learns_as_in_a_graph(kind: str):
    actor, critic = new_actor(kind), mlp((3, 6, 1), seeded("critic")).double()
    drawn = actor(DRAWN).detach()
    actions = drawn.choose(drawn.noise(1, seeded("act"))[0])
    inputs = Transitions(DRAWN, actions, torch.ones(len(DRAWN), 1, dtype=torch.bool))
    cut = ControlPolicy(actor, critic)
    graph = copy.deepcopy(cut)
    graph.actor.network, graph.critic = Plain(graph.actor.network), Plain(graph.critic)
    slope = torch.randn(len(DRAWN), generator=seeded("slope"), dtype=torch.float64)
    for policy in (cut, graph):
        evaluated = policy.evaluate(inputs)
        evaluated.backward(evaluated.logprobs @ slope + 0.7 * evaluated.entropy.sum())
        evaluated.backward(evaluated.values @ slope)
    for ours, theirs in zip(cut.parameters(), graph.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


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

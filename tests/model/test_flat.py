"""The backward pass that is written out, and Adam on a row, beside PyTorch's."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from tutelage.device import seeded
from tutelage.model.flat import FlatAdam, FlatMLP
from tutelage.model.mlp import mlp, relu_mlp


@pytest.mark.parametrize("sizes", [(3, 2), (3, 8, 2), (3, 8, 6, 4)])
def test_the_gradient_is_autograd_s(sizes: tuple[int, ...]):
    network = relu_mlp(sizes, seeded("flat")).double()
    plain = copy.deepcopy(network)
    flat = FlatMLP(network)
    for seed in range(2):  # the second overwrites the first
        inputs = torch.randn(5, 3, generator=seeded("inputs", seed), dtype=torch.float64)
        slopes = torch.randn(5, sizes[-1], generator=seeded("slopes", seed), dtype=torch.float64)
        outputs = plain(inputs)
        plain.zero_grad()
        outputs.backward(slopes)
        torch.testing.assert_close(flat.forward(inputs), outputs)
        flat.backward(slopes)
        for ours, theirs in zip(network.parameters(), plain.parameters(), strict=True):
            torch.testing.assert_close(ours.grad, theirs.grad)


def test_the_network_and_the_row_are_one():
    network = relu_mlp((3, 8, 2), seeded("flat"))
    before = copy.deepcopy(network.state_dict())
    flat = FlatMLP(network)
    assert all(tensor.equal(before[name]) for name, tensor in network.state_dict().items())
    inputs = torch.randn(5, 3, generator=seeded("inputs"))
    flat.weights.data.mul_(2)
    assert network[2].bias.equal(2 * before["2.bias"])
    torch.testing.assert_close(flat.forward(inputs), network(inputs))
    network.load_state_dict(before)
    torch.testing.assert_close(flat.forward(inputs), network(inputs))


def test_adam_on_a_row_is_adam():
    ours = nn.Parameter(torch.randn(50, generator=seeded("row")))
    theirs = nn.Parameter(ours.detach().clone())
    flat = FlatAdam(ours, 0.1)
    plain = torch.optim.Adam([theirs], 0.1, betas=(0.9, 0.999), eps=1e-5)
    for seed in range(4):
        if seed == 2:  # saved and resumed in the middle
            state = copy.deepcopy(flat.state_dict())
            flat = FlatAdam(ours, 0.7)
            flat.load_state_dict(state)
        ours.grad = torch.randn(50, generator=seeded("gradient", seed))
        theirs.grad = ours.grad.clone()
        flat.step()
        plain.step()
        torch.testing.assert_close(ours, theirs)


def test_other_layers_are_refused():
    with pytest.raises(ValueError, match="with ReLU between them"):
        FlatMLP(mlp((3, 8, 2), seeded("flat")))

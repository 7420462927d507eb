"""Muon's step against what it is meant to be, Adam's against PyTorch's."""

from __future__ import annotations

import pytest
import torch

from tests.conftest import tiny_gpt
from tutelage.model.language_model import ParameterGroup
from tutelage.model.optimiser import MuonWithAdam, orthogonalise, warmup_then_linear
from tutelage.text.packing import plain


def test_orthogonalise_keeps_directions_and_evens_singular_values():
    matrices = torch.randn(2, 8, 24, generator=torch.Generator().manual_seed(0))
    found = orthogonalise(matrices)
    u, s, v = torch.linalg.svd(matrices, full_matrices=False)
    exact = u @ v  # the polar factor, which Newton–Schulz approaches
    assert torch.linalg.svdvals(found).min() > 0.6
    assert torch.linalg.svdvals(found).max() < 1.3
    assert s.max() / s.min() > 2  # the input's were not even
    cosine = torch.nn.functional.cosine_similarity(found.flatten(1), exact.flatten(1))
    assert (cosine > 0.97).all()


def test_adam_part_equals_pytorch():
    torch.manual_seed(0)
    ours, theirs = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    theirs.load_state_dict(ours.state_dict())
    first = MuonWithAdam(
        [ParameterGroup(list(ours.parameters()), scale=0.3)], learning_rate=0.1, betas=(0.9, 0.95)
    )
    second = torch.optim.Adam(theirs.parameters(), lr=0.1 * 0.3, betas=(0.9, 0.95))
    for _ in range(4):
        x = torch.randn(5, 3)
        for layer, optimiser in ((ours, first), (theirs, second)):
            optimiser.zero_grad()
            layer(x).square().sum().backward()
            optimiser.step()
    torch.testing.assert_close(ours.weight, theirs.weight)
    torch.testing.assert_close(ours.bias, theirs.bias)


def test_a_matrix_moves_by_the_learning_rate():
    """The root mean square of a square matrix's singular values of the step is about the rate."""
    gpt = tiny_gpt()
    before = {name: p.detach().clone() for name, p in gpt.named_parameters()}
    optimiser = MuonWithAdam(gpt.parameter_groups(), learning_rate=0.01)
    tokens = torch.arange(1, 65)[None]  # enough of them for a gradient of full rank
    gpt.head(gpt(plain(tokens))).square().mean().backward()
    optimiser.step()
    moved = (
        gpt.get_parameter("blocks.1.attention.out.weight") - before["blocks.1.attention.out.weight"]
    )
    size = torch.linalg.svdvals(moved.detach()).square().mean().sqrt().item()
    assert size == pytest.approx(0.01, rel=0.5)


def test_muon_s_second_step_is_by_its_definition():
    """Momentum of both gradients, looked ahead of by Nesterov; a tall matrix moves by √(rows /
    columns) times as much; queries, keys and values are orthogonalised each by itself."""
    generator = torch.Generator().manual_seed(0)
    tall = torch.zeros(8, 2, requires_grad=True)
    fused = torch.zeros(9, 3, requires_grad=True)
    groups = [ParameterGroup([tall], muon=True), ParameterGroup([fused], muon=True, parts=3)]
    optimiser = MuonWithAdam(groups, learning_rate=0.1, momentum=0.9)
    momenta = [torch.zeros_like(tall), torch.zeros_like(fused)]
    for _ in range(2):
        before = [tall.detach().clone(), fused.detach().clone()]
        for i, parameter in enumerate((tall, fused)):
            parameter.grad = torch.randn(parameter.shape, generator=generator)
            momenta[i] = 0.9 * momenta[i] + 0.1 * parameter.grad
        optimiser.step()
    ahead = [0.9 * m + 0.1 * p.grad for m, p in zip(momenta, (tall, fused), strict=True)]
    expected = 0.1 * 2 * orthogonalise(ahead[0].mT[None])[0].mT
    torch.testing.assert_close(before[0] - tall, expected)
    expected = 0.1 * orthogonalise(ahead[1].view(3, 3, 3)).view(9, 3)
    torch.testing.assert_close(before[1] - fused, expected)


def test_schedule_by_hand():
    factors = [warmup_then_linear(step, 10, 2) for step in (0, 1, 2, 6, 10)]
    assert factors == pytest.approx([0.5, 1.0, 1.0, 0.5, 0.0])
    assert warmup_then_linear(6, 10, 2, final=0.2) == pytest.approx(0.6)
    assert warmup_then_linear(1, 2, 5, final=0.1) == pytest.approx(0.4)  # shorter than its warmup

"""The hand-written backward passes, against the plain formulas and against finite differences."""

import pytest
import torch
import torch.nn.functional as F

from tutelage.model.fused import (
    normalise_and_rotate,
    rms_norm,
    squared_relu,
    twice_differentiable,
)


def random(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def turns(T=5, d=6):
    angles = torch.arange(T)[:, None] * torch.tensor([1.0, 0.1, 0.0], dtype=torch.float64)
    return torch.polar(torch.ones_like(angles), angles)[None, :, None, None, : d // 2]


def plainly(qkv, turns):
    """The same by definition: normalise, then the two-by-two rotation of each pair."""
    cosine, sine = turns.real[:, :, 0], turns.imag[:, :, 0]
    parts = []
    for part in qkv[:, :, :2].unbind(2):
        part = F.rms_norm(part, (part.shape[-1],), eps=0.0)
        first, second = part[..., 0::2], part[..., 1::2]
        turned = [first * cosine - second * sine, first * sine + second * cosine]
        parts.append(torch.stack(turned, dim=-1).flatten(-2).transpose(1, 2))
    return (*parts, qkv[:, :, 2].transpose(1, 2))


def test_squared_relu_is_its_formula_with_its_gradient():
    x = random(4, 7).requires_grad_()
    torch.testing.assert_close(squared_relu(x), F.relu(x).square())
    assert torch.autograd.gradcheck(squared_relu, (x,))


def test_rms_norm_is_its_formula_with_its_gradient():
    x = random(4, 7).requires_grad_()
    torch.testing.assert_close(rms_norm(x), F.rms_norm(x, (7,), eps=0.0))
    assert torch.autograd.gradcheck(rms_norm, (x,))


def test_normalise_and_rotate_is_its_formula_with_its_gradient():
    qkv = random(2, 5, 3, 2, 6).requires_grad_()
    for found, expected in zip(
        normalise_and_rotate(qkv, turns()), plainly(qkv, turns()), strict=True
    ):
        torch.testing.assert_close(found, expected)
    assert torch.autograd.gradcheck(lambda x: normalise_and_rotate(x, turns()), (qkv,))


def test_only_the_difference_of_positions_matters():
    """Su et al. 2021, eq. 16: the product of a query and a key depends on their distance."""
    q, k, _ = normalise_and_rotate(random(1, 1, 3, 1, 6).expand(1, 5, 3, 1, 6), turns())
    products = (q @ k.mT)[0, 0]
    for distance in (1, 2, 3):
        along = products.diagonal(distance)
        torch.testing.assert_close(along, along[:1].expand_as(along))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_results_keep_the_type_of_what_came_in(dtype):
    qkv = random(1, 5, 3, 2, 6, dtype=dtype).requires_grad_()
    parts = normalise_and_rotate(qkv, turns().to(torch.complex64))
    assert {part.dtype for part in parts} == {dtype}
    sum(part.float().sum() for part in parts).backward()
    assert qkv.grad.dtype == dtype


def test_twice_differentiable_passes_are_the_same_and_have_second_derivatives():
    x, qkv = random(3, 6).requires_grad_(), random(1, 3, 3, 2, 6).requires_grad_()
    fused = (squared_relu(x), rms_norm(x), *normalise_and_rotate(qkv, turns(3)))
    with twice_differentiable():
        plain = (squared_relu(x), rms_norm(x), *normalise_and_rotate(qkv, turns(3)))
        assert torch.autograd.gradgradcheck(squared_relu, (x,))
        assert torch.autograd.gradgradcheck(rms_norm, (x,))
        assert torch.autograd.gradgradcheck(lambda y: normalise_and_rotate(y, turns(3)), (qkv,))
    for found, expected in zip(plain, fused, strict=True):
        torch.testing.assert_close(found, expected)
    (slope,) = torch.autograd.grad(rms_norm(x).sum(), x, create_graph=True)
    assert not slope.requires_grad  # the fused passes are back

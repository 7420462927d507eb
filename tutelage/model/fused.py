"""Three pieces of a block with backward passes of their own.

Each does in one or two passes over memory what autograd does in five to ten; for a model this small
those passes, not the matrix products, were a third of a training step. The tests compare each
with the plain formula, which `twice_differentiable` puts in their place: the written passes have
no derivative of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.attention import SDPBackend, sdpa_kernel

_PLAIN: ContextVar[bool] = ContextVar("plain", default=False)


@contextmanager
def twice_differentiable() -> Iterator[None]:
    """Passes that are begun here are left to autograd, attention too, so that their gradient has a
    gradient; the same numbers but for rounding, at several times the cost."""
    before = _PLAIN.set(True)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        _PLAIN.reset(before)


class _Unsaved:
    """What a pass without gradients has to save."""

    def save_for_backward(self, *_: Tensor) -> None:
        pass


def _apply(function: Any, *arguments: Tensor) -> Any:
    """The function in the graph; where there is none, without the cost of asking for one."""
    if torch.is_grad_enabled():
        return function.apply(*arguments)
    return function.forward(_Unsaved(), *arguments)


class _SquaredReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        rectified = x.relu()
        ctx.save_for_backward(rectified)
        return rectified * rectified

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (rectified,) = ctx.saved_tensors
        return (gradient * rectified).mul_(2)


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        scale = _inverse_rms(at_least_float32(x))
        y = x * scale
        ctx.save_for_backward(y, scale)
        return y.to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _rms_gradient(gradient, *ctx.saved_tensors).to(gradient.dtype)


class _NormaliseAndRotate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, qkv: Tensor, rotations: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = at_least_float32(qkv[:, :, :2])
        scale = _inverse_rms(x)
        turned = _turn(x * scale, rotations)
        ctx.save_for_backward(turned, scale, rotations)
        ctx.dtype = qkv.dtype
        q, k = turned.to(qkv.dtype).permute(2, 0, 3, 1, 4)
        return q, k, qkv[:, :, 2].transpose(1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, None]:
        turned, scale, rotations = ctx.saved_tensors
        B, T, _, H, d = turned.shape
        result = torch.empty(B, T, 3, H, d, dtype=ctx.dtype, device=q.device)
        gradient = torch.stack([q.transpose(1, 2), k.transpose(1, 2)], dim=2)
        result[:, :, :2] = _turn(
            _rms_gradient(gradient.to(turned.dtype), turned, scale), rotations.conj()
        )
        result[:, :, 2] = v.transpose(1, 2)
        return result, None


def squared_relu(x: Tensor) -> Tensor:
    """max(x, 0)² (So et al. 2021)."""
    if _PLAIN.get():
        return x.relu().square()
    result: Tensor = _apply(_SquaredReLU, x)
    return result


def rms_norm(x: Tensor) -> Tensor:
    """x divided by its root mean square over the last dimension, worked out in float32 at least."""
    if _PLAIN.get():
        return (x * _plain_inverse_rms(at_least_float32(x))).to(x.dtype)
    result: Tensor = _apply(_RMSNorm, x)
    return result


def normalise_and_rotate(qkv: Tensor, rotations: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values (B, H, T, d) from qkv (B, T, 3, H, d).

    Queries and keys get root mean square 1, then each pair (x_2i, x_2i+1) is turned by its
    position's angle (Su et al. 2021). rotations: (B or 1, T, 1, H or 1, d/2), complex, of
    modulus 1.
    """
    if _PLAIN.get():
        x = at_least_float32(qkv[:, :, :2])
        turned = _turn(x * _plain_inverse_rms(x), rotations)
        q, k = turned.to(qkv.dtype).permute(2, 0, 3, 1, 4)
        return q, k, qkv[:, :, 2].transpose(1, 2)
    result: tuple[Tensor, Tensor, Tensor] = _apply(_NormaliseAndRotate, qkv, rotations)
    return result


def at_least_float32(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _inverse_rms(x: Tensor) -> Tensor:
    length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return length.mul_(x.shape[-1] ** -0.5).clamp_min_(1e-6).reciprocal_()


def _plain_inverse_rms(x: Tensor) -> Tensor:
    return x.square().mean(dim=-1, keepdim=True).clamp_min(1e-12).rsqrt()


def _rms_gradient(gradient: Tensor, y: Tensor, scale: Tensor) -> Tensor:
    """Of x in y = x·scale(x): what lies along y does not change the norm, so it is taken out."""
    along = torch.linalg.vecdot(gradient, y).div_(y.shape[-1]).unsqueeze(-1)
    return torch.addcmul(gradient, y, along, value=-1).mul_(scale)


def _turn(x: Tensor, rotations: Tensor) -> Tensor:
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * rotations).flatten(-2)

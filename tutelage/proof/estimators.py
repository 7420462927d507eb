"""The three estimators of KL: what they estimate, and what they push when used as losses.

Expectations are over all sequences under π; the gradient goes through the estimator, not through
the sampling, as in training.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from tutelage.algorithms import functional
from tutelage.model.gpt import GPT
from tutelage.proof.enumerable import exact_kl, new_gpt, small_world, token_logprobs
from tutelage.proof.finding import Measured, claim, same


def gradient_of(loss: Tensor, model: nn.Module) -> Tensor:
    """The gradients of all the model's weights as one vector."""
    gradients = torch.autograd.grad(loss, list(model.parameters()), retain_graph=True)
    return torch.cat([gradient.flatten() for gradient in gradients])


@claim("G7", "k1 and k3 estimate KL(π‖ref) without bias.")
def estimators_without_bias() -> Measured:
    """E k1 = E k3 = KL(π‖ref) (Schulman 2020)."""
    logprobs, reference, _ = _policy()
    kl = exact_kl(logprobs, reference)
    chances = logprobs.exp()
    k1 = (chances * functional.kl_k1(logprobs, reference)).sum()
    k3 = (chances * functional.kl_k3(logprobs, reference)).sum()
    return same(torch.stack([kl, kl]), torch.stack([k1, k3]), 1e-12)


@claim("G7", "k1 as a loss pushes nowhere on average.")
def k1_pushes_nowhere() -> Measured:
    """E∇k1 = 0."""
    logprobs, reference, gpt = _policy()
    pushed = _pushed(functional.kl_k1, logprobs, reference, gpt)
    return same(torch.zeros_like(pushed), pushed, 1e-12)


@claim("G7", "k2 as a loss pushes as KL(π‖ref) does.")
def k2_pushes_as_reverse_kl() -> Measured:
    """E∇k2 = ∇KL(π‖ref)."""
    logprobs, reference, gpt = _policy()
    expected = gradient_of(exact_kl(logprobs, reference), gpt)
    return same(expected, _pushed(functional.kl_k2, logprobs, reference, gpt), 1e-12)


@claim("G7", "k3 as a loss pushes as KL(ref‖π) does.")
def k3_pushes_as_forward_kl() -> Measured:
    """E∇k3 = ∇KL(ref‖π)."""
    logprobs, reference, gpt = _policy()
    expected = gradient_of(exact_kl(reference, logprobs), gpt)
    return same(expected, _pushed(functional.kl_k3, logprobs, reference, gpt), 1e-12)


def _policy() -> tuple[Tensor, Tensor, GPT]:
    """log π with its graph and log ref of every sequence, both (M,), and the policy."""
    world = small_world()
    gpt = new_gpt(world.vocabulary, "estimated")
    logprobs = token_logprobs(gpt, world.packed).sum(dim=1)
    return logprobs, world.reference_logprobs.sum(dim=1), gpt


def _pushed(
    estimator: Callable[[Tensor, Tensor], Tensor], logprobs: Tensor, reference: Tensor, gpt: GPT
) -> Tensor:
    """E_π of the estimator's gradient."""
    return gradient_of((logprobs.detach().exp() * estimator(logprobs, reference)).sum(), gpt)

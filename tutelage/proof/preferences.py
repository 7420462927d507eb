"""DPO agrees with reinforcement where pairs were compared, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tutelage.algorithms import dpo, functional
from tutelage.proof.enumerable import optimum, small_world
from tutelage.proof.finding import Measured, at_most, claim, same

_RANKS = torch.tensor([[0, 1]])
_BOTH = torch.ones(1, 2, dtype=torch.bool)
# Three replies under one weight: to raise the first over the second raises the third still more.
_FEATURES = torch.tensor([1.0, 0.0, 3.0], dtype=torch.float64)
_REFERENCE = torch.tensor([0.447, 0.545, 0.008], dtype=torch.float64).log()
_BETA = 0.1


@claim("G5", "DPO's expected gradient is 0 at the optimum.")
def gradient_is_zero_at_the_optimum() -> Measured:
    """Pairs drawn from the reference, labelled by Bradley–Terry on the true rewards; the
    gradient of the expected loss in each sequence's log π, at π*."""
    world = small_world()
    reference = world.reference_logprobs.sum(dim=1)
    log_ratios = (optimum(world) - reference).detach()
    M = len(log_ratios)
    first, second = torch.cartesian_prod(torch.arange(M), torch.arange(M)).unbind(dim=1)
    table = torch.stack([log_ratios[first], log_ratios[second]], dim=1).requires_grad_()
    both = torch.ones(M * M, 2, dtype=torch.bool)
    slopes = []  # of every pair's loss, (M², 2): the first preferred, the second preferred
    for ranks in (_RANKS, 1 - _RANKS):
        loss = dpo.dpo_loss(table, ranks.expand(M * M, 2), both, world.kl_coefficient)
        slopes.append(torch.autograd.grad(loss * (M * M), table)[0])
    preferred = torch.sigmoid(world.rewards[first] - world.rewards[second])[:, None]
    expected = preferred * slopes[0] + (1 - preferred) * slopes[1]
    expected = expected * (reference[first] + reference[second]).exp()[:, None].detach()
    gradient = torch.zeros_like(log_ratios)
    gradient = gradient.index_add(0, first, expected[:, 0]).index_add(0, second, expected[:, 1])
    return same(torch.zeros_like(gradient), gradient, 1e-12)


@claim("G6", "DPO can drive all probability to a reply that no pair names.")
def dpo_moves_what_nobody_compared() -> Measured:
    """The first reply over the second, again and again, while the loss falls; what of the
    probability is not on the third reply, which no pair names, is at most 0.01."""
    weight = _descend(lambda policy: dpo.dpo_loss(_log_ratios(policy), _RANKS, _BOTH, _BETA))
    return at_most(0.01, 1 - _policy(weight).exp()[2].item())


@claim("G6", "Reinforcement with a KL price leaves it where it was.")
def reinforcement_does_not() -> Measured:
    """The same family of policies, E r − β·KL with r = 1, 0, −1, which samples what it must
    learn to leave; the probability of the third reply stays under 0.05."""
    rewards = torch.tensor([1.0, 0.0, -1.0], dtype=torch.float64)

    def loss(policy: Tensor) -> Tensor:
        chances = policy.exp()
        return (
            -(chances * rewards).sum()
            + _BETA * (chances * functional.kl_k1(policy, _REFERENCE)).sum()
        )

    return at_most(0.05, _policy(_descend(loss)).exp()[2].item())


def _descend(loss: Callable[[Tensor], Tensor]) -> Tensor:
    """The weight after 2,000 steps of Adam from 0, at which the policy is the reference."""
    weight = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([weight], 0.02)
    for _ in range(2_000):
        optimiser.zero_grad()
        loss(_policy(weight)).backward()
        optimiser.step()
    return weight.detach()


def _policy(weight: Tensor) -> Tensor:
    """Log-probabilities of the three replies."""
    return (_REFERENCE + weight * _FEATURES).log_softmax(dim=0)


def _log_ratios(policy: Tensor) -> Tensor:
    """Of the two that are compared, (1, 2)."""
    return (policy - _REFERENCE)[None, :2]

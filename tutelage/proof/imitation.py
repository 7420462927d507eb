"""Adversarial imitation in a world of so few sequences that its best discriminator is a table."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from tutelage.algorithms import gail
from tutelage.proof.enumerable import new_gpt, optimum, small_world, token_logprobs
from tutelage.proof.finding import Measured, claim, same

_NEWTON_STEPS = 40


@claim("G11", "The discriminator that loses least says pE/(pE + π).")
def best_discriminator_is_the_odds() -> Measured:
    expert, policy = _two_policies()
    wanted = torch.sigmoid(expert - policy)
    return same(wanted, torch.sigmoid(best_logits(expert, policy)), 1e-12)


@claim("G11", "One exact step with a KL price of 1 and its logit as reward lands on the expert.")
def one_step_lands_on_the_expert() -> Measured:
    """The optimum of E r − KL(· ‖ π), with the rewards that training makes of the best
    discriminator's logits, whatever the ended state is worth."""
    expert, policy = _two_policies()
    rewards = gail.imitation_rewards(best_logits(expert, policy), 0.7)
    world = replace(small_world(), rewards=rewards, kl_coefficient=1.0)
    return same(expert, optimum(world), 1e-12)


@claim("G11", "Where policy and expert are alike it loses log 2, averaged over as many of each.")
def twins_cost_log_2() -> Measured:
    """The least loss where the policy is the expert. It is the mean over as many steps of
    each, which is half of what Ho and Ermon (2016, eq. 14) add up."""
    expert, _ = _two_policies()
    return same(math.log(2), expected_loss(best_logits(expert, expert), expert, expert), 1e-12)


def expected_loss(logits: Tensor, expert: Tensor, policy: Tensor) -> Tensor:
    """Of a table of logits, as many sequences from each side. All (M,), the two as logprobs."""
    theirs = torch.ones_like(logits, dtype=torch.bool)
    loss = expert.exp() * gail.discriminator_loss(logits, theirs)
    return 0.5 * (loss + policy.exp() * gail.discriminator_loss(logits, ~theirs)).sum()


def best_logits(expert: Tensor, policy: Tensor) -> Tensor:
    """The table that loses least, by Newton's method from 0; each sequence has its own logit, so
    the matrix of second derivatives is diagonal."""
    logits = torch.zeros_like(expert)
    for _ in range(_NEWTON_STEPS):
        logits.requires_grad_()
        loss = expected_loss(logits, expert, policy)
        (slope,) = torch.autograd.grad(loss, logits, create_graph=True)
        (curvature,) = torch.autograd.grad(slope.sum(), logits)
        logits = (logits - slope / curvature).detach()
    return logits


@torch.no_grad()
def _two_policies() -> tuple[Tensor, Tensor]:
    """An expert, and the policy that learns: another GPT and the reference, (M,) each."""
    world = small_world()
    expert = token_logprobs(new_gpt(world.vocabulary, "expert"), world.packed)
    return expert.sum(dim=1), world.reference_logprobs.sum(dim=1)

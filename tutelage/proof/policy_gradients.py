"""The gradient that training follows, summed over all sequences, against that of the objective.

The policy is a GPT; its rewards are those that training sees, KL price included, so the objective
is J(π) = E_π[r] − β·KL(π‖ref), whose gradient autograd gives from a sum of 256 terms.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tutelage.algorithms import functional
from tutelage.device import seeded
from tutelage.model.gpt import GPT
from tutelage.proof.enumerable import (
    World,
    new_gpt,
    objective,
    prefix_means,
    small_world,
    token_logprobs,
)
from tutelage.proof.estimators import gradient_of
from tutelage.proof.finding import Measured, at_most, claim, same
from tutelage.proof.regularised import credited

_CLIP_RANGE = 0.2


@claim("G16", "The clipped surrogate with whole returns has the objective's gradient.")
def whole_episode() -> Measured:
    """Every token credited with the whole return (Williams 1992)."""
    world, policy, logprobs = _policy()
    return _against_truth(world, policy, logprobs, _whole_returns(world, logprobs))


@claim("G16", "With rewards-to-go it has the objective's gradient.")
def reward_to_go() -> Measured:
    """Every token credited with what came after it (Sutton et al. 2000)."""
    world, policy, logprobs = _policy()
    return _against_truth(world, policy, logprobs, _returns_to_go(world, logprobs))


@claim("G16", "With any baseline of the prefix it has the objective's gradient.")
def any_baseline() -> Measured:
    """Less a number that is drawn at random for each prefix."""
    world, policy, logprobs = _policy()
    M, T = world.sequences.shape
    generator = seeded("exact", "baseline")
    drawn = [torch.randn(world.vocabulary**t, generator=generator).double() for t in range(T)]
    values = torch.stack([part.repeat_interleave(M // len(part)) for part in drawn], dim=1)
    rewards, mask = credited(world, logprobs.detach())
    advantages, _ = functional.generalised_advantages(rewards, values, mask, 1.0, 1.0)
    return _against_truth(world, policy, logprobs, advantages)


@claim("G16", "With exact values and any lambda it has the objective's gradient.")
def exact_values() -> Measured:
    """Where the critic is right, every λ gives the true gradient (Schulman et al. 2016)."""
    world, policy, logprobs = _policy()
    got = [
        _surrogate_gradient(logprobs, policy, _with_values(world, logprobs, lambda_))
        for lambda_ in (0.0, 0.5, 0.95)
    ]
    return same(_true_gradient(world, policy, logprobs).repeat(3), torch.cat(got), 1e-12)


@claim(
    "G16", "A new policy's variance falls: whole returns, rewards-to-go, baseline, exact critic."
)
def variance_falls() -> Measured:
    """Whole return, reward-to-go, less the prefix's value, exact critic with λ = 0: the
    variance of one episode's gradient never grows from one to the next.

    No theorem says so of every policy: where actions are rare their scores are long, and a value is
    then far from the best baseline (Greensmith et al. 2004). A new policy is uniform.
    """
    world = small_world()
    policy = new_gpt(world.vocabulary, "learner")
    with torch.no_grad():
        policy.head.weight.zero_()
    logprobs = token_logprobs(policy, world.packed)
    estimators = [
        _whole_returns(world, logprobs),
        _returns_to_go(world, logprobs),
        _with_values(world, logprobs, 1.0),
        _with_values(world, logprobs, 0.0),
    ]
    # While the head is zero no other weight has a gradient.
    scores = _scores(world, logprobs, policy.head)
    chances = logprobs.detach().sum(dim=1).exp()
    variances = []
    for advantages in estimators:
        episodes = torch.einsum("mt,mtp->mp", advantages, scores)  # one gradient a sequence
        variances.append(chances @ (episodes - chances @ episodes).square().sum(dim=1))
    return at_most(torch.stack(variances[:-1]), torch.stack(variances[1:]))


@claim("G16", "For any policy with an exact critic a token's variance falls with lambda.")
def variance_falls_with_lambda() -> Measured:
    """With V^π as the critic an advantage is a sum of λ^k·δ, whose terms are uncorrelated and
    have mean 0, so what a token adds to the variance grows with λ; the last has one δ only."""
    world, policy, logprobs = _policy()
    lengths = _scores(world, logprobs, policy).square().sum(dim=2)[:, :-1]  # (M, T − 1)
    chances = logprobs.detach().sum(dim=1).exp()
    # The mean gradient is the same for every λ, so the second moment orders the variances.
    moments = [
        chances @ (_with_values(world, logprobs, lambda_)[:, :-1].square() * lengths)
        for lambda_ in (1.0, 0.95, 0.5, 0.0)
    ]
    return at_most(torch.stack(moments[:-1]), torch.stack(moments[1:]))


@claim(
    "G16",
    "The surrogate with a KL penalty has the gradient of E ρA − β·KL(π_old‖π), off π_old too.",
)
def kl_penalty() -> Measured:
    """With the reference as π_old, the penalised surrogate of another policy has the gradient
    of E_old[Σ ρA] − β·KL(π_old‖π) over sequences (Schulman et al. 2017, eq. 8)."""
    world, policy, logprobs = _policy()
    old, price = world.reference_logprobs, 0.7
    advantages = _returns_to_go(world, old)
    chances = old.sum(dim=1, keepdim=True).exp()
    gained = (chances * (logprobs - old).exp() * advantages).sum()
    kl = (chances[:, 0] * (old - logprobs).sum(dim=1)).sum()
    losses = functional.penalised_surrogate(logprobs - old, advantages, price)
    got = -gradient_of((chances * losses).sum(), policy)
    return same(gradient_of(gained - price * kl, policy), got, 1e-12)


def _policy() -> tuple[World, GPT, Tensor]:
    """The world, a policy and its logprobs (M, T) with their graph."""
    world = small_world()
    policy = new_gpt(world.vocabulary, "learner")
    return world, policy, token_logprobs(policy, world.packed)


def _true_gradient(world: World, policy: GPT, logprobs: Tensor) -> Tensor:
    return gradient_of(objective(world, logprobs.sum(dim=1)), policy)


def _surrogate_gradient(logprobs: Tensor, policy: GPT, advantages: Tensor) -> Tensor:
    """E_π of the clipped surrogate's gradient where the policy is the one that sampled."""
    chances = logprobs.detach().sum(dim=1, keepdim=True).exp()
    losses = functional.clipped_surrogate(logprobs - logprobs.detach(), advantages, _CLIP_RANGE)
    return -gradient_of((chances * losses).sum(), policy)


def _against_truth(world: World, policy: GPT, logprobs: Tensor, advantages: Tensor) -> Measured:
    expected = _true_gradient(world, policy, logprobs)
    return same(expected, _surrogate_gradient(logprobs, policy, advantages), 1e-12)


def _returns_to_go(world: World, logprobs: Tensor) -> Tensor:
    return functional.discounted_returns(*credited(world, logprobs.detach()))


def _whole_returns(world: World, logprobs: Tensor) -> Tensor:
    return _returns_to_go(world, logprobs)[:, :1].expand(world.sequences.shape)


def _with_values(world: World, logprobs: Tensor, lambda_: float) -> Tensor:
    """Advantages (M, T) with the policy's own values V^π as the critic."""
    rewards, mask = credited(world, logprobs.detach())
    to_go = functional.discounted_returns(rewards, mask)
    values = prefix_means(world, logprobs.detach().sum(dim=1), to_go)
    return functional.generalised_advantages(rewards, values, mask, 1.0, lambda_)[0]


def _scores(world: World, logprobs: Tensor, part: nn.Module) -> Tensor:
    """∇ log π of each token of each sequence for the weights of `part`, (M, T, weights)."""
    M, T = logprobs.shape
    columns = []
    for t in range(T):
        alike = M // world.vocabulary ** (t + 1)  # sequences that are the same up to this token
        rows = [gradient_of(logprobs[i, t], part) for i in range(0, M, alike)]
        columns.append(torch.stack(rows).repeat_interleave(alike, dim=0))
    return torch.stack(columns, dim=1)

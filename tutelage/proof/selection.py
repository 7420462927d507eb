"""Taking the best of n samples: how far that goes from the reference, and how often it wins; and
what leaving samples out does to the mean."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

from tutelage.device import seeded
from tutelage.policies import language
from tutelage.proof import enumerable
from tutelage.proof.enumerable import World, new_world, small_world
from tutelage.proof.finding import Measured, at_most, claim, same
from tutelage.rollout import trajectories as rollouts
from tutelage.rollout.trajectories import grouped

_SIZES = (2, 4, 16, 64, 256)


@cache
def _large_world() -> World:
    """4^6 sequences: no single one weighs much, as in language."""
    return new_world(length=6)


@claim("G9", "The best of 2 by order statistics is the best of 2 by listing all pairs.")
def order_statistics_match_a_list() -> Measured:
    world = small_world()
    logprobs = world.reference_logprobs.sum(dim=1)
    pairs = logprobs.exp()[:, None] * logprobs.exp()  # chance of each first and second sample
    second_wins = world.rewards[:, None] < world.rewards
    listed = (pairs * second_wins).sum(dim=0) + (pairs * ~second_wins).sum(dim=1)
    return same(listed, enumerable.best_of(logprobs, world.rewards, 2), 1e-12)


@claim("G9", "KL(best of n‖ref) is at most log n − (n − 1)/n.")
def kl_is_bounded() -> Measured:
    """The bound of Beirami et al. (2024)."""
    kls = [_kl(world, n) for world in (small_world(), _large_world()) for n in _SIZES]
    return at_most([_kl_bound(n) for n in _SIZES] * 2, torch.stack(kls))


@claim("G9", "Among 4,096 sequences KL(best of 256‖ref) is within 0.5 % of that bound.")
def kl_bound_is_close() -> Measured:
    n = _SIZES[-1]
    return same(_kl_bound(n), _kl(_large_world(), n), 0.005 * _kl_bound(n))


@claim("G9", "The best of n wins at most n/(n + 1) of the time.")
def wins_are_bounded() -> Measured:
    rates = [_wins(world, n) for world in (small_world(), _large_world()) for n in _SIZES]
    return at_most([n / (n + 1) for n in _SIZES] * 2, torch.stack(rates))


@claim("G9", "Among 4,096 sequences it wins within 0.0005 of that bound for n from 2 to 256.")
def win_bound_is_close() -> Measured:
    expected = [n / (n + 1) for n in _SIZES]
    return same(expected, torch.stack([_wins(_large_world(), n) for n in _SIZES]), 5e-4)


@claim(
    "G12", "Learning only where a prompt's samples differ moves the mean reward by Cov(w, r)/E w."
)
def price_equation() -> Measured:
    """Dynamic sampling as selection (Price 1970). The change of the mean reward from what was
    sampled to what is learned from is Cov(w, r)/E w, w being 1 where a group has both rewards and
    0 where it has one; nothing comes in transmission: each reward arrives as it was given."""
    world = small_world()
    chances = world.reference_logprobs.sum(dim=1).exp()
    chosen = torch.multinomial(chances, 640, replacement=True, generator=seeded("exact", "price"))
    trajectories = enumerable.judged_trajectories(world, chosen, score=lambda r: float(r > 1.5))
    groups = grouped(trajectories)
    rewards = torch.tensor([[rollouts.final_reward(t, 1.0) for t in g] for g in groups]).double()
    passes = rewards.sum(dim=1, keepdim=True)
    fitness = ((passes > 0) & (passes < rewards.shape[1])).double().expand_as(rewards)
    learned = rollouts.differing(trajectories, 1.0)
    policy = language.LanguagePolicy(world.reference)
    experience = rollouts.read_trajectories(policy, world.reference, learned, enumerable.PROMPT)
    change = experience.rewards.sum(dim=1).mean() - rewards.mean()
    covariance = (fitness * rewards).mean() - fitness.mean() * rewards.mean()
    return same(covariance / fitness.mean(), change, 1e-12)


def _kl_bound(n: int) -> float:
    return math.log(n) - (n - 1) / n


def _kl(world: World, n: int) -> Tensor:
    reference = world.reference_logprobs.sum(dim=1)
    chances = enumerable.best_of(reference, world.rewards, n)
    # A chance of 0 adds nothing: x·log x goes to 0.
    return torch.special.xlogy(chances, chances / reference.exp()).sum()


def _wins(world: World, n: int) -> Tensor:
    reference = world.reference_logprobs.sum(dim=1)
    chances = enumerable.best_of(reference, world.rewards, n)
    return enumerable.win_rate(chances, reference.exp(), world.rewards)

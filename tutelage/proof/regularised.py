"""Reinforcement with a KL price has a solution that can be written down, and a known distance."""

from __future__ import annotations

import torch
from torch import Tensor

from tutelage.algorithms import batch, functional
from tutelage.policies import language
from tutelage.proof.enumerable import (
    World,
    exact_kl,
    judged_trajectories,
    log_partition,
    new_gpt,
    optimal_logprobs,
    optimum,
    small_world,
    token_logprobs,
)
from tutelage.proof.finding import Measured, claim, same
from tutelage.rollout import trajectories as rollouts
from tutelage.rollout.experience import Experience


def credited(world: World, logprobs: Tensor) -> tuple[Tensor, Tensor]:
    """The rewards that training gives each token under a policy's logprobs, and their mask:
    −β·(log π − log ref), and the judge's score at the last. All (M, T)."""
    experience = every_sequence(world, logprobs)
    return batch.penalised_rewards(experience, world.kl_coefficient), experience.mask


def every_sequence(world: World, logprobs: Tensor) -> Experience:
    """Each sequence once, as if sampled under a policy's logprobs (M, T) and judged."""
    inputs = language.Replies(world.packed)
    mask = inputs.step_mask()
    scores = [rollouts.final_reward(t, 1.0) for t in judged_trajectories(world)]
    rewards = rollouts.at_the_end(torch.tensor(scores, dtype=logprobs.dtype), mask)
    return Experience(inputs, mask, logprobs, rewards, world.reference_logprobs)


def trained_objective(world: World, logprobs: Tensor) -> Tensor:
    """E_π of the return that training sees, over every sequence. logprobs: (M, T)."""
    returns = functional.discounted_returns(*credited(world, logprobs))
    return (logprobs.sum(dim=1).exp() * returns[:, 0]).sum()


@claim("G1", "The soft values of the prefixes make up the optimum ref·exp(r/β)/Z, token by token.")
def optimum_token_by_token() -> Measured:
    world = small_world()
    return same(optimum(world), optimal_logprobs(world).sum(dim=1), 1e-12)


@claim("G1", "The optimum's return, as training adds it up, is β·log Z.")
def optimum_is_worth_log_z() -> Measured:
    """J(π*) = β·log Z (Korbak et al. 2022)."""
    world = small_world()
    best = trained_objective(world, optimal_logprobs(world))
    return same(world.kl_coefficient * log_partition(world), best, 1e-12)


@claim("G2", "What any policy is short of the optimum is β·KL(π‖π*).")
@torch.no_grad()
def distance_to_solved() -> Measured:
    """J(π*) − J(π) = β·KL(π‖π*), for the reference, a uniform and three other policies."""
    world = small_world()
    best = trained_objective(world, optimal_logprobs(world))
    uniform = new_gpt(world.vocabulary, "uniform")
    uniform.head.weight.zero_()
    others = [new_gpt(world.vocabulary, "other", seed) for seed in range(3)]
    missing, distance = [], []
    for policy in [world.reference, uniform, *others]:
        logprobs = token_logprobs(policy, world.packed)
        missing.append(best - trained_objective(world, logprobs))
        distance.append(world.kl_coefficient * exact_kl(logprobs.sum(dim=1), optimum(world)))
    return same(torch.stack(distance), torch.stack(missing), 1e-12)

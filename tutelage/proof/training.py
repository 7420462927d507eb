"""Training arrives where the closed form says: the policy at the optimum, the critic at its values.

The optimum is π* = ref·exp(r/β)/Z; V*(s) = β·log Σ ref·exp(r/β) over what may follow s.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache

import torch
from torch import Tensor

from tutelage.algorithms import batch, functional
from tutelage.algorithms.ppo import PPO, PPOConfig
from tutelage.device import seeded
from tutelage.model.gpt import GPT, GPTConfig
from tutelage.model.heads import new_critic
from tutelage.model.optimiser import policy_optimiser, set_learning_rate, warmup_then_linear
from tutelage.policies.language import LanguagePolicy, Replies
from tutelage.proof import enumerable
from tutelage.proof.enumerable import PROMPT, Table, TablePolicy, World, new_world, small_world
from tutelage.proof.finding import Measured, claim, same
from tutelage.proof.regularised import credited, every_sequence
from tutelage.rollout.sampler import ModelSampler, Sampling
from tutelage.rollout.trajectories import read_trajectories

_STEPS, _RATE = 3_000, 0.1  # of Adam along the exact gradient
_UPDATES = 60  # of sampled PPO
_CRITIC_UPDATES = 30
_SAMPLES = 512  # sequences an update


@cache
def _two_token_world() -> World:
    """4^3 sequences, which PPO learns by heart in seconds. The prompt has two tokens, so that a GPT
    can tell all prefixes apart: behind one it stays 0.42 away, exact gradient or not."""
    return new_world(length=3, prompt=(0, 1))


@claim("G3", "Adam along the exact gradient ends at the optimum, to 0.0001 of total variation.")
def exact_gradient_gets_there() -> Measured:
    """Adam on a table of logits, along the clipped surrogate's gradient summed over all
    sequences, its rate falling to 0; the total variation that is left between it and π*."""
    world = small_world()
    table = Table(world.vocabulary, world.sequences.shape[1])
    optimiser = policy_optimiser(table.parameters(), _RATE)
    experience = every_sequence(world, world.reference_logprobs)
    for step in range(_STEPS):
        set_learning_rate(optimiser, _RATE * warmup_then_linear(step, _STEPS, warmup=0))
        logprobs = table.logprobs(world.sequences)
        old = logprobs.detach()
        rewards = batch.penalised_rewards(replace(experience, logprobs=old), world.kl_coefficient)
        returns = functional.discounted_returns(rewards, experience.mask)
        losses = functional.clipped_surrogate(logprobs - old, returns, 0.2)
        (old.sum(dim=1, keepdim=True).exp() * losses).sum().backward()
        optimiser.step()
        optimiser.zero_grad()
    learned = table.logprobs(world.sequences).sum(dim=1)
    return same(0.0, enumerable.total_variation(learned, enumerable.optimum(world)), 1e-4)


@claim("G3", "PPO on a GPT, from its own samples, ends within 0.05 of total variation.")
def sampled_ppo_gets_there() -> Measured:
    """PPO on a GPT, from samples of its own; the total variation between it and π*.

    It begins at 0.72. What is left is the noise of 30,000 samples: whitened advantages keep their
    size when there is little left to learn, so the walk ends where the falling rate stops it.
    """
    world = _two_token_world()
    gpt, reference = _learner(world, "actor"), copy.deepcopy(world.reference).float()
    policy = LanguagePolicy(gpt, new_critic(gpt))
    algorithm = PPO(policy, _settings(world))
    for step in range(_UPDATES):
        _decay(algorithm, step, _UPDATES)
        chosen, logprobs = _sampled(world, gpt, step)
        trajectories = enumerable.judged_trajectories(world, chosen, logprobs)
        experience = read_trajectories(policy, reference, trajectories, PROMPT)
        algorithm.update(algorithm.credit(experience), seeded("exact", "order", step))
    learned = enumerable.token_logprobs(gpt, world.packed).sum(dim=1)
    return same(0.0, enumerable.total_variation(learned, enumerable.optimum(world)), 0.05)


@claim("G4", "The soft value of each prefix is β·log Σ ref·exp(r/β) over what may follow.")
def soft_values_are_sums() -> Measured:
    """The values made up backwards, token by token, are β·log Σ ref·exp(r/β) over all that may
    follow each prefix."""
    world, T = small_world(), small_world().sequences.shape[1]
    direct = []
    for t in range(T):
        to_go = world.reference_logprobs[:, t:].sum(dim=1) + world.rewards / world.kl_coefficient
        direct.append(world.kl_coefficient * to_go.view(world.vocabulary**t, -1).logsumexp(dim=1))
    return same(torch.cat(direct), torch.cat(enumerable.soft_values(world)[:-1]), 1e-12)


@claim("G4", "It is what the optimum can expect from there, KL price included.")
def soft_values_are_expected() -> Measured:
    """They are E_π*[r − β·KL to go], as training adds it up."""
    world = small_world()
    best = enumerable.optimal_logprobs(world)
    returns = functional.discounted_returns(*credited(world, best))
    expected = enumerable.soft_value_table(world)[:, :-1]
    return same(expected, enumerable.prefix_means(world, best.sum(dim=1), returns), 1e-12)


@claim("G4", "PPO's critic learns it, to 0.03 on average, while the optimum acts.")
def critic_learns_soft_values() -> Measured:
    """PPO's critic while π* acts, from its samples: the root of the mean squared error of the
    values before each token, under π*. It learns by PPO's update; π* is not in the optimiser."""
    world = _two_token_world()
    reference = copy.deepcopy(world.reference).float()
    gpt = _learner(world, "critic")
    critic = new_critic(gpt)
    reader = LanguagePolicy(gpt, critic)
    best = enumerable.optimal_logprobs(world)
    actor = Table(world.vocabulary, world.sequences.shape[1]).become(world, best)
    algorithm = PPO(TablePolicy(actor, reader), _settings(world))
    algorithm.optimiser = policy_optimiser(critic.parameters(), algorithm.config.learning_rate)
    chances = best.sum(dim=1).exp()
    for step in range(_CRITIC_UPDATES):
        _decay(algorithm, step, _CRITIC_UPDATES)
        generator = seeded("exact", "sampled optimum", step)
        chosen = torch.multinomial(chances, _SAMPLES, replacement=True, generator=generator)
        trajectories = enumerable.judged_trajectories(world, chosen, best[chosen])
        experience = read_trajectories(reader, reference, trajectories, PROMPT)
        algorithm.update(algorithm.credit(experience), seeded("exact", "order", step))
        actor.zero_grad()
    inputs = Replies(world.packed)
    with torch.no_grad():
        values = inputs.steps(reader.values(inputs))
    errors = (values - enumerable.soft_value_table(world)[:, :-1]).square().mean(dim=1)
    return same(0.0, (chances @ errors).sqrt(), 0.03)


def _learner(world: World, name: str) -> GPT:
    """A GPT wide enough to hold a table of all sequences, in float32, that knows nothing yet."""
    config = GPTConfig(vocabulary=world.vocabulary, context=16, layers=1, heads=2, width=32)
    return GPT(config).initialise(seeded("exact", name))


def _settings(world: World) -> PPOConfig:
    return PPOConfig(
        learning_rate=7e-3,
        epochs=2,
        minibatches=3,
        lambda_=1.0,  # at the optimum a return has no variance, so nothing is gained by less
        kl_coefficient=world.kl_coefficient,
    )


def _decay(algorithm: PPO, step: int, steps: int) -> None:
    """The learning rate of an update, on its straight way to 0."""
    factor = warmup_then_linear(step, steps, warmup=0)
    set_learning_rate(algorithm.optimiser, algorithm.config.learning_rate * factor)


def _sampled(world: World, gpt: GPT, step: int) -> tuple[Tensor, Tensor]:
    """Indices (N,) of sequences sampled from the GPT, and its logprobs (N, T). There is no stop
    token: all sequences have T tokens."""
    T, never = world.sequences.shape[1], world.vocabulary
    generator = seeded("exact", "sampled", step)
    sampler = ModelSampler(gpt, frozenset({never}))
    (samples,) = sampler.sample([world.prompt], _SAMPLES, Sampling(max_new_tokens=T), generator)
    tokens = torch.tensor([sample.tokens for sample in samples])
    places = world.vocabulary ** torch.arange(T - 1, -1, -1)
    return tokens @ places, torch.tensor([sample.logprobs for sample in samples])

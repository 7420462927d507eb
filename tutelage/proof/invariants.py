"""What is true of every PPO run before its first step, and of one that never learns.

The samples come from the real engine in float32, as in training. What it keeps of each token and
what training computes again differ by rounding: 1e-5 of a logprob is allowed.
"""

from __future__ import annotations

import math

import torch

from tutelage.algorithms.batch import Batch
from tutelage.algorithms.ppo import PPO, PPOConfig
from tutelage.device import seeded
from tutelage.model.heads import new_critic
from tutelage.policies.language import LanguagePolicy
from tutelage.proof.enumerable import PROMPT, new_gpt, small_world
from tutelage.proof.finding import Measured, claim, same
from tutelage.rollout.experience import Experience
from tutelage.rollout.sampler import ModelSampler, Sampling
from tutelage.rollout.trajectories import read_trajectories
from tutelage.schema import Outcome, Trajectory, Verdict

_ROUNDING = 1e-5
_PROMPTS = ([PROMPT], [PROMPT, 1], [2, 1, PROMPT])


@claim("PPO", "Before the first step every sampled token has log-ratio 0.")
def ratio_is_one() -> Measured:
    """log π − log π_sampled of every sampled token, when the samples are credited."""
    algorithm = new_ppo(learning_rate=1e-3)
    return _log_ratio(algorithm, algorithm.credit(sample_experience(algorithm)))


@claim("PPO", "The first minibatch has approximate KL 0.")
def kl_is_zero() -> Measured:
    """The approximate KL (k3) that the first minibatch reports; its error is of the order of
    the square of the log-ratio's."""
    return same(0.0, _first_metrics()["policy/approx_kl"], _ROUNDING**2)


@claim("PPO", "The first minibatch clips nothing.")
def nothing_is_clipped() -> Measured:
    """The share of clipped ratios that the first minibatch reports."""
    return same(0.0, _first_metrics()["policy/clip_fraction"], 0.0)


@claim("PPO", "At step 0 the policy is the reference, token by token.")
def reference_is_where_it_starts() -> Measured:
    """log π_sampled − log ref of every sampled token at step 0, so there is no KL penalty."""
    algorithm = new_ppo(learning_rate=1e-3)
    batch = algorithm.credit(sample_experience(algorithm))
    assert batch.reference_logprobs is not None
    log_ratio = batch.logprobs - batch.reference_logprobs
    return same(torch.zeros_like(log_ratio), log_ratio, _ROUNDING)


@claim("PPO", "With learning rate 0 the log-ratio stays 0.")
def nothing_moves_without_learning() -> Measured:
    """After three updates."""
    algorithm = new_ppo(learning_rate=0.0)
    batch = algorithm.credit(sample_experience(algorithm))
    for step in range(3):
        algorithm.update(batch, seeded("exact", "order", step))
    return _log_ratio(algorithm, batch)


def new_ppo(learning_rate: float) -> PPO:
    """PPO on a tiny GPT that is also its reference; an update is one step over all samples."""
    gpt = new_gpt(small_world().vocabulary, "ppo").float()
    config = PPOConfig(
        learning_rate=learning_rate,
        epochs=1,
        minibatches=1,
        ratio_tolerance=math.inf,  # here the ratio is measured, not enforced
    )
    return PPO(LanguagePolicy(gpt, new_critic(gpt)), config)


def sample_experience(algorithm: PPO) -> Experience:
    """Sixteen samples of each prompt, ended by the last token of the vocabulary or cut at six; the
    policy is its own reference."""
    policy = algorithm.policy
    assert isinstance(policy, LanguagePolicy)
    stop = small_world().vocabulary - 1
    sampler = ModelSampler(policy.actor, frozenset({stop}))
    generator = seeded("exact", "samples")
    groups = sampler.sample(_PROMPTS, 16, Sampling(max_new_tokens=6), generator)
    trajectories = [
        Trajectory.of_reply(
            prompt=(),
            prompt_tokens=_PROMPTS[i],
            response_tokens=sample.tokens,
            logprobs=sample.logprobs,
            response="",
            terminated=sample.finished,
            group=i,
            verdict=Verdict(float(len(sample.tokens)), Outcome.SUCCESS),
        )
        for i, group in enumerate(groups)
        for sample in group
    ]
    return read_trajectories(policy, policy.actor, trajectories, pad=PROMPT)


def _log_ratio(algorithm: PPO, batch: Batch) -> Measured:
    now = algorithm.policy.distribution(batch.inputs).logprobs(batch.inputs.actions)
    log_ratio = now.detach() - batch.logprobs
    return same(torch.zeros_like(log_ratio), log_ratio, _ROUNDING)


def _first_metrics() -> dict[str, float]:
    algorithm = new_ppo(learning_rate=1e-3)
    batch = algorithm.credit(sample_experience(algorithm))
    return algorithm.update(batch, seeded("exact", "order"))

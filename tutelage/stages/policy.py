"""Reinforcement: sample replies, judge them, credit them, update the policy.

This is the loop to read first; everything in it is one call away.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from tutelage.algorithms import Algorithm
from tutelage.algorithms.batch import AuxiliaryLoss
from tutelage.config import require
from tutelage.data.order import batch_indices
from tutelage.device import autocast, seeded
from tutelage.environments.chat import collect_replies
from tutelage.errors import EnvironmentFailure
from tutelage.model.language_model import LanguageModel, imitation_loss
from tutelage.model.optimiser import set_learning_rate, warmup_then_linear
from tutelage.policies.language import LanguagePolicy
from tutelage.protocols import ChatTokenizer, Judge
from tutelage.rollout.sampler import Sampling
from tutelage.rollout.trajectories import (
    differing,
    final_reward,
    grouped,
    judged,
    read_trajectories,
    reply_kls,
)
from tutelage.runs import Progress, Run
from tutelage.schema import JUDGED, Conversation, Trajectory
from tutelage.stages.keeper import Audit, Keeper, KeeperConfig
from tutelage.text.packing import Packed


@dataclass(frozen=True, kw_only=True)
class PolicyConfig:
    steps: int = 60
    prompts_per_step: int = 128
    samples_per_prompt: int = 4
    max_new_tokens: int = 48
    temperature: float = 1.0
    missing_stop_penalty: float = 1.0  # off the score of a reply cut at the limit
    mix_coefficient: float = 1.0  # γ, weight of what is mixed in (Ouyang et al. 2022, eq. 2)
    only_differing: bool = True  # learn only where samples of a prompt differ (Yu et al. 2025)
    warmup: int = 5  # steps
    final_learning_rate: float = 0.1  # share of the first one left at the end
    max_failure_rate: float = 0.1  # share of rollouts that may break before the stage stops
    keeper: KeeperConfig = field(default_factory=KeeperConfig)

    def __post_init__(self) -> None:
        require(self, "above 0", "steps", "prompts_per_step", "samples_per_prompt")
        require(self, "above 0", "max_new_tokens", "temperature")
        require(self, "at least 0", "missing_stop_penalty", "mix_coefficient", "warmup")
        require(self, "from 0 to 1", "final_learning_rate", "max_failure_rate")


@dataclass(frozen=True)
class Practice:
    """What a policy practises on: prompts, who judges the replies, and the prompts' tasks where the
    judge needs them. mixed: what a step also imitates, a batch for each of its optimiser steps."""

    prompts: Sequence[Conversation]
    judge: Judge
    tasks: Sequence[object] | None = None
    mixed: Callable[[int], Iterator[Packed]] | None = None
    audit: Audit | None = None

    def of(self, chosen: Sequence[int]) -> Practice:
        """That of these prompts alone."""
        tasks = self.tasks and [self.tasks[i] for i in chosen]
        return replace(self, prompts=[self.prompts[i] for i in chosen], tasks=tasks)


def reinforce(
    run: Run,
    algorithm: Algorithm,
    reference: LanguageModel,
    tokenizer: ChatTokenizer,
    practice: Practice,
    config: PolicyConfig,
    seed: int,
    stage: str = "ppo",
) -> Iterator[Progress]:
    """Improve the algorithm's policy by the judge's word; keep the policy that did best in its
    audits (the last one without an audit); ends with checkpoints/<stage>.

    reference: what the policy pays for moving away from.
    """
    learning_rate = algorithm.config.learning_rate
    policy = algorithm.policy
    assert isinstance(policy, LanguagePolicy)
    keeper = Keeper(run, stage, policy.actor, config.steps, practice.audit, config.keeper)
    start = 0
    if state := keeper.resume():
        algorithm.load_state_dict(state["algorithm"])
        start = state["step"]
    began, seen = time.perf_counter(), 0
    for step in range(start, config.steps):
        if not keeper.is_patient:
            break
        fraction = config.final_learning_rate
        factor = warmup_then_linear(step, config.steps, config.warmup, fraction)
        set_learning_rate(algorithm.optimiser, learning_rate * factor)
        chosen = batch_indices(len(practice.prompts), config.prompts_per_step, step, seed, stage)

        trajectories, metrics = policy_step(
            algorithm,
            reference,
            tokenizer,
            practice.of(chosen),
            config,
            (seed, stage, step),
            practice.mixed(step) if practice.mixed else None,
        )
        done = step + 1
        answered = judged(trajectories)
        # of the policy that sampled: the audit's is one update later
        if answered and keeper.is_due(done):
            kls = reply_kls(reference, answered, tokenizer.pad, config.temperature)
            metrics["policy/kl"] = kls.mean().item()
            metrics["policy/kl_error"] = kls.std(correction=0).item() / len(kls) ** 0.5
        keeper.end_step(done, metrics, {"algorithm": algorithm.state_dict()})
        seen += sum(len(t.logprobs) for t in trajectories)
        metrics["train/tokens_per_s"] = seen / (time.perf_counter() - began)
        yield Progress(stage, done, config.steps, metrics)
    keeper.finish(tokenizer)


def policy_step(
    algorithm: Algorithm,
    reference: LanguageModel,
    tokenizer: ChatTokenizer,
    practice: Practice,
    config: PolicyConfig,
    seed: tuple[int, str, int],
    shown: Iterator[Packed] | None = None,
) -> tuple[list[Trajectory], dict[str, float]]:
    """One step on all of these prompts: what was said, judged, and the step's numbers.

    seed: the run's, the stage's name and the step, on which alone chance depends. shown: what it
    also imitates, a batch for each optimiser step.
    """
    policy = algorithm.policy
    assert isinstance(policy, LanguagePolicy)
    trajectories, broken = sample_judged(
        policy.actor,
        tokenizer,
        practice,
        config.samples_per_prompt,
        config,
        *seed,
        dtype=policy.rollout_dtype,
    )
    if config.only_differing and config.samples_per_prompt > 1:
        learned = differing(trajectories, config.missing_stop_penalty)
    else:
        learned = judged(trajectories)
    metrics = describe(trajectories, broken) | {"rollout/learned": len(learned)}
    if learned:
        experience = read_trajectories(
            policy, reference, learned, tokenizer.pad, config.missing_stop_penalty
        )
        batch = algorithm.credit(experience)
        mixed = _imitation(policy, shown, config.mix_coefficient) if shown else None
        metrics |= algorithm.update(batch, seeded(*seed, "update"), mixed)
    return trajectories, metrics


class Limits(Protocol):
    """How replies are sampled, and how many may break: a part of PolicyConfig and others."""

    @property
    def max_new_tokens(self) -> int: ...
    @property
    def temperature(self) -> float: ...
    @property
    def max_failure_rate(self) -> float: ...


def sample_judged(
    gpt: LanguageModel,
    tokenizer: ChatTokenizer,
    practice: Practice,
    samples_per_prompt: int,
    limits: Limits,
    *seed: Any,
    dtype: torch.dtype | None = None,
) -> tuple[list[Trajectory], int]:
    """Replies to these prompts with verdicts, and how many broke. dtype: of the samples."""
    trajectories = collect_replies(
        gpt,
        tokenizer,
        practice.prompts,
        samples_per_prompt,
        Sampling(max_new_tokens=limits.max_new_tokens, temperature=limits.temperature),
        seeded(*seed, "sample"),
        tasks=practice.tasks,
        policy_version=seed[-1],
        dtype=dtype,
    )
    unjudged = [t for t in trajectories if t.verdict is None]
    verdicts = practice.judge.score(unjudged) if unjudged else []
    for trajectory, verdict in zip(unjudged, verdicts, strict=True):
        trajectory.verdict = verdict
    return trajectories, count_broken(trajectories, limits.max_failure_rate)


def auditor(
    reference: LanguageModel,
    tokenizer: ChatTokenizer,
    held_out: Practice,
    config: PolicyConfig,
    seed: tuple[int, str],
    gold: Callable[[LanguageModel], float],
) -> Audit:
    """The judge's mean score of a reply to each held-out prompt, by the same chance at each audit,
    how far those replies are from the reference, and what `gold` says of the same policy."""

    def audit(gpt: LanguageModel) -> dict[str, float]:
        sampled, _ = sample_judged(gpt, tokenizer, held_out, 1, config, *seed, "audit", 0)
        replies = judged(sampled)
        earned = [final_reward(reply, config.missing_stop_penalty) for reply in replies]
        kls = reply_kls(reference, replies, tokenizer.pad, config.temperature)
        return {
            "audit/score": sum(earned) / len(earned),
            "audit/kl": kls.mean().item(),
            "audit/gold": gold(gpt),
        }

    return audit


def _imitation(policy: LanguagePolicy, shown: Iterator[Packed], weight: float) -> AuxiliaryLoss:
    """`weight` times the imitation loss on the next of what is shown."""
    device = policy.actor.device

    def loss() -> Tensor:
        with autocast(device, policy.dtype):
            return weight * imitation_loss(policy.actor, next(shown).to(device))

    return loss


def count_broken(trajectories: Sequence[Trajectory], max_failure_rate: float) -> int:
    """How many have no verdict on the answer; EnvironmentFailure if that is too large a share, or
    all of them, whatever share may break."""
    broken = [t.verdict for t in trajectories if t.verdict and t.verdict.outcome not in JUDGED]
    if broken and len(broken) > min(max_failure_rate * len(trajectories), len(trajectories) - 1):
        raise EnvironmentFailure(
            f"{len(broken)} of {len(trajectories)} rollouts broke: {broken[0].reason}."
        )
    return len(broken)


def describe(trajectories: Sequence[Trajectory], broken: int) -> dict[str, float]:
    """Means over the step's replies, and how many they are over."""
    trajectories = judged(trajectories)
    count = len(trajectories)
    if not count:  # all broke
        return {"reward/count": 0, "rollout/failed": broken}
    scores = [_score(t) for t in trajectories]
    tokens = sum(len(t.logprobs) for t in trajectories)
    best = [max(_score(t) for t in group) for group in grouped(trajectories)]
    described = {
        "reward/mean": sum(scores) / count,
        "reward/best": sum(best) / len(best),  # of each prompt's samples
        "reward/count": count,
        "policy/entropy": -sum(sum(t.logprobs) for t in trajectories) / tokens,  # nats a token
        "rollout/tokens": tokens / count,
        "rollout/stopped": sum(t.terminated for t in trajectories) / count,
        "rollout/failed": broken,
    }
    if (correlation := _length_correlation(trajectories)) is not None:
        described["reward/length_correlation"] = correlation
    return described


def _length_correlation(trajectories: Sequence[Trajectory]) -> float | None:
    """How far length goes with the score among the samples of a prompt (Pearson's r, both less
    their prompt's mean): across prompts it would tell which of them are hard. None where samples
    are equally long or score the same."""
    lengths, scores = [], []
    for group in grouped(trajectories):
        length = sum(len(t.logprobs) for t in group) / len(group)
        score = sum(map(_score, group)) / len(group)
        lengths += [len(t.logprobs) - length for t in group]
        scores += [_score(t) - score for t in group]
    varied = sum(x * x for x in lengths) * sum(y * y for y in scores)
    if varied < 1e-12:  # rounding
        return None
    return sum(x * y for x, y in zip(lengths, scores, strict=True)) / varied**0.5


def _score(trajectory: Trajectory) -> float:
    assert trajectory.verdict is not None
    return trajectory.verdict.score

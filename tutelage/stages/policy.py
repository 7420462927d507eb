"""Reinforcement: sample replies, judge them, credit them, update the policy.

This is the loop to read first; everything in it is one call away.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from tutelage.algorithms import PPO, GroupPolicyGradient
from tutelage.algorithms.batch import differing, judged, pack_trajectories, score_packed
from tutelage.data.order import batch_indices
from tutelage.device import seeded
from tutelage.errors import EnvironmentFailure
from tutelage.model.checkpoint import save_model
from tutelage.model.gpt import GPT
from tutelage.model.optimiser import set_learning_rate, warmup_then_linear
from tutelage.protocols import Judge
from tutelage.rollout.collect import collect
from tutelage.rollout.engine import Sampling
from tutelage.runs import Progress, Run
from tutelage.schema import JUDGED, Conversation, Trajectory
from tutelage.text.batching import Packed
from tutelage.text.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class PolicyConfig:
    steps: int = 60
    prompts_per_step: int = 128
    samples_per_prompt: int = 4
    max_new_tokens: int = 48
    temperature: float = 1.0
    only_differing: bool = True  # learn only where samples of a prompt differ (Yu et al. 2025)
    warmup: int = 5  # steps
    final_learning_rate: float = 0.1  # share of the first one left at the end
    audit_every: int = 20  # steps between audits
    save_every: int = 10  # steps between saved states; each audit saves one too
    patience: int = 3  # audits without a new best before the stage stops
    max_failure_rate: float = 0.1  # share of rollouts that may break before the stage stops


Audit = Callable[[GPT], float]


def reinforce(
    run: Run,
    algorithm: PPO | GroupPolicyGradient,
    tokenizer: Tokenizer,
    prompts: Sequence[Conversation],
    tasks: Sequence[object] | None,
    judge: Judge,
    audit: Audit | None,
    config: PolicyConfig,
    seed: int,
    stage: str = "ppo",
    mixed: Callable[[int], Iterator[Packed]] | None = None,
) -> Iterator[Progress]:
    """Improve the algorithm's policy on `prompts` by the judge's word; keep the policy that the
    audit liked best (the last one without an audit); ends with checkpoints/<stage>.

    mixed: what the policy also imitates in a step, a batch for each optimiser step of it.
    """
    learning_rate = algorithm.config.learning_rate
    sampling = Sampling(max_new_tokens=config.max_new_tokens, temperature=config.temperature)
    start, best, waited = 0, float("-inf"), 0
    best_policy = _copy(algorithm)
    if state := run.load_state(stage):
        algorithm.load_state_dict(state["algorithm"])
        start, best, waited = state["step"], state["best"], state["waited"]
        best_policy = state["best_policy"]
    elif audit is not None:
        best = audit(algorithm.gpt)
        run.log(stage, 0, {"audit/gold": best})
    began, seen = time.perf_counter(), 0
    for step in range(start, config.steps):
        if waited >= config.patience:
            break
        fraction = config.final_learning_rate
        factor = warmup_then_linear(step, config.steps, config.warmup, fraction)
        set_learning_rate(algorithm.optimiser, learning_rate * factor)
        chosen = batch_indices(len(prompts), config.prompts_per_step, step, seed, stage)

        trajectories = collect(
            algorithm.gpt,
            tokenizer,
            [prompts[i] for i in chosen],
            config.samples_per_prompt,
            sampling,
            seeded(seed, stage, step, "sample"),
            tasks=[tasks[i] for i in chosen] if tasks is not None else None,
            policy_version=step,
        )
        for trajectory, verdict in zip(trajectories, judge.score(trajectories), strict=True):
            trajectory.verdict = verdict
        broken = _count_broken(trajectories, config.max_failure_rate)
        if config.only_differing and config.samples_per_prompt > 1:
            learned = differing(trajectories, algorithm.config.missing_stop_score)
        else:
            learned = judged(trajectories)
        metrics = _describe(trajectories, broken) | {"rollout/learned": len(learned)}
        if learned:
            batch = algorithm.credit(learned)
            shown = mixed(step) if mixed is not None else None
            metrics |= algorithm.update(batch, seeded(seed, stage, step, "update"), shown)
        done = step + 1
        audited = done % config.audit_every == 0 or done == config.steps
        if audited:
            waited += 1
            metrics["policy/kl"] = _kl(algorithm, trajectories, tokenizer.pad)
            if audit is not None:
                metrics["audit/gold"] = audit(algorithm.gpt)
            if metrics.get("audit/gold", float("inf")) > best:
                best, waited, best_policy = metrics.get("audit/gold", best), 0, _copy(algorithm)
        run.log(stage, done, metrics)
        if audited or done % config.save_every == 0:
            run.save_state(
                stage,
                {
                    "step": done,
                    "algorithm": algorithm.state_dict(),
                    "best": best,
                    "waited": waited,
                    "best_policy": best_policy,
                },
            )
        seen += sum(len(t.response_tokens) for t in trajectories)
        metrics["train/tokens_per_s"] = seen / (time.perf_counter() - began)
        yield Progress(stage, done, config.steps, metrics)
    algorithm.gpt.load_state_dict(best_policy)
    run.finish(stage, lambda folder: save_model(folder, algorithm.gpt, tokenizer))


def _copy(algorithm: PPO | GroupPolicyGradient) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in algorithm.gpt.state_dict().items()}


def _kl(
    algorithm: PPO | GroupPolicyGradient, trajectories: Sequence[Trajectory], pad: int
) -> float:
    """Nats a reply that the sampled policy is away from the reference: mean of log π − log ref."""
    kept = judged(trajectories)
    packed, logprobs = pack_trajectories(kept, algorithm.config.row_length, pad)
    log_ratio = logprobs - score_packed(algorithm.reference, packed)
    return log_ratio.sum().item() / len(kept)


def _count_broken(trajectories: Sequence[Trajectory], max_failure_rate: float) -> int:
    broken = [t.verdict for t in trajectories if t.verdict and t.verdict.outcome not in JUDGED]
    if len(broken) > max_failure_rate * len(trajectories):
        raise EnvironmentFailure(
            f"{len(broken)} of {len(trajectories)} rollouts broke: {broken[0].reason}."
        )
    return len(broken)


def _describe(trajectories: Sequence[Trajectory], broken: int) -> dict[str, float]:
    """Means over the step's replies, and how many they are over."""
    trajectories = judged(trajectories)
    count = len(trajectories)
    scores = [t.verdict.score for t in trajectories if t.verdict]
    tokens = sum(len(t.response_tokens) for t in trajectories)
    return {
        "reward/mean": sum(scores) / count,
        "reward/count": count,
        "policy/entropy": -sum(sum(t.logprobs) for t in trajectories) / tokens,  # nats a token
        "rollout/tokens": tokens / count,
        "rollout/stopped": sum(t.terminated for t in trajectories) / count,
        "rollout/failed": broken,
    }

"""Reinforcement: sample replies, judge them, credit them, update the policy.

This is the loop to read first; everything in it is one call away.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from tutelage.algorithms import Algorithm
from tutelage.algorithms.batch import AuxiliaryLoss
from tutelage.config import require
from tutelage.data.order import batch_indices
from tutelage.device import seeded
from tutelage.errors import EnvironmentFailure
from tutelage.model.checkpoint import save_model
from tutelage.model.gpt import GPT, imitation_loss
from tutelage.model.optimiser import set_learning_rate, warmup_then_linear
from tutelage.policies.language import LanguagePolicy
from tutelage.protocols import Judge
from tutelage.rollout.collect import collect
from tutelage.rollout.engine import Sampling
from tutelage.rollout.trajectories import differing, grouped, judged, read_trajectories, reply_kls
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
    missing_stop_score: float = -1.0  # instead of the judge's, for a reply cut at the limit
    mix_coefficient: float = 1.0  # γ, weight of what is mixed in (Ouyang et al. 2022, eq. 2)
    only_differing: bool = True  # learn only where samples of a prompt differ (Yu et al. 2025)
    warmup: int = 5  # steps
    final_learning_rate: float = 0.1  # share of the first one left at the end
    audit_every: int = 20  # steps between audits
    save_every: int = 10  # steps between saved states; each audit saves one too
    patience: int = 6  # audits without a new best before the stage stops; fewer stop by chance
    max_failure_rate: float = 0.1  # share of rollouts that may break before the stage stops

    def __post_init__(self) -> None:
        require(self, "above 0", "steps", "prompts_per_step", "samples_per_prompt")
        require(self, "above 0", "max_new_tokens", "temperature")
        require(self, "above 0", "audit_every", "save_every", "patience")
        require(self, "at least 0", "mix_coefficient", "warmup")
        require(self, "from 0 to 1", "final_learning_rate", "max_failure_rate")


Audit = Callable[[GPT], float]


def reinforce(
    run: Run,
    algorithm: Algorithm,
    reference: GPT,
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

    reference: what the policy pays for moving away from. mixed: what it also imitates in a step,
    a batch for each optimiser step of it.
    """
    learning_rate = algorithm.config.learning_rate
    start, best, waited = 0, float("-inf"), 0
    policy = algorithm.policy
    assert isinstance(policy, LanguagePolicy)
    gpt = policy.actor
    best_policy = _copy(gpt)
    if state := run.load_state(stage):
        algorithm.load_state_dict(state["algorithm"])
        start, best, waited = state["step"], state["best"], state["waited"]
        best_policy = state["best_policy"]
    elif audit is not None:
        best = audit(gpt)
        run.log(stage, 0, {"audit/gold": best})
    began, seen = time.perf_counter(), 0
    for step in range(start, config.steps):
        if waited >= config.patience:
            break
        fraction = config.final_learning_rate
        factor = warmup_then_linear(step, config.steps, config.warmup, fraction)
        set_learning_rate(algorithm.optimiser, learning_rate * factor)
        chosen = batch_indices(len(prompts), config.prompts_per_step, step, seed, stage)

        trajectories, metrics = policy_step(
            algorithm,
            reference,
            tokenizer,
            [prompts[i] for i in chosen],
            [tasks[i] for i in chosen] if tasks is not None else None,
            judge,
            config,
            (seed, stage, step),
            mixed(step) if mixed else None,
        )
        done = step + 1
        audited = done % config.audit_every == 0 or done == config.steps
        if audited:
            waited += 1
            if answered := judged(trajectories):
                kls = reply_kls(reference, answered, tokenizer.pad, config.temperature)
                metrics["policy/kl"] = kls.mean().item()
                metrics["policy/kl_error"] = kls.std(correction=0).item() / len(kls) ** 0.5
            if audit is not None:
                metrics["audit/gold"] = audit(gpt)
            if metrics.get("audit/gold", float("inf")) > best:
                best, waited, best_policy = metrics.get("audit/gold", best), 0, _copy(gpt)
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
    gpt.load_state_dict(best_policy)
    run.finish(stage, lambda folder: save_model(folder, gpt, tokenizer))


def policy_step(
    algorithm: Algorithm,
    reference: GPT,
    tokenizer: Tokenizer,
    prompts: Sequence[Conversation],
    tasks: Sequence[object] | None,
    judge: Judge,
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
    trajectories = collect(
        policy.actor,
        tokenizer,
        prompts,
        config.samples_per_prompt,
        Sampling(max_new_tokens=config.max_new_tokens, temperature=config.temperature),
        seeded(*seed, "sample"),
        tasks=tasks,
        policy_version=seed[-1],
    )
    for trajectory, verdict in zip(trajectories, judge.score(trajectories), strict=True):
        trajectory.verdict = verdict
    broken = count_broken(trajectories, config.max_failure_rate)
    if config.only_differing and config.samples_per_prompt > 1:
        learned = differing(trajectories, config.missing_stop_score)
    else:
        learned = judged(trajectories)
    metrics = describe(trajectories, broken) | {"rollout/learned": len(learned)}
    if learned:
        experience = read_trajectories(
            policy, reference, learned, tokenizer.pad, config.missing_stop_score
        )
        batch = algorithm.credit(experience)
        mixed = _imitation(policy.actor, shown, config.mix_coefficient) if shown else None
        metrics |= algorithm.update(batch, seeded(*seed, "update"), mixed)
    return trajectories, metrics


def _copy(gpt: GPT) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in gpt.state_dict().items()}


def _imitation(gpt: GPT, shown: Iterator[Packed], weight: float) -> AuxiliaryLoss:
    """`weight` times the imitation loss on the next of what is shown."""
    return lambda: weight * imitation_loss(gpt, next(shown))


def count_broken(trajectories: Sequence[Trajectory], max_failure_rate: float) -> int:
    """How many have no verdict on the answer; raises if that is too large a share."""
    broken = [t.verdict for t in trajectories if t.verdict and t.verdict.outcome not in JUDGED]
    if len(broken) > max_failure_rate * len(trajectories):
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
    tokens = sum(len(t.response_tokens) for t in trajectories)
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
        length = sum(len(t.response_tokens) for t in group) / len(group)
        score = sum(map(_score, group)) / len(group)
        lengths += [len(t.response_tokens) - length for t in group]
        scores += [_score(t) - score for t in group]
    varied = sum(x * x for x in lengths) * sum(y * y for y in scores)
    if varied < 1e-12:  # rounding
        return None
    return sum(x * y for x, y in zip(lengths, scores, strict=True)) / varied**0.5


def _score(trajectory: Trajectory) -> float:
    assert trajectory.verdict is not None
    return trajectory.verdict.score

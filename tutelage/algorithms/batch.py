"""From trajectories to tensors: what every policy-gradient algorithm on language starts from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tutelage.algorithms.functional import kl_k3
from tutelage.errors import ContractBroken, JudgeFailure
from tutelage.model.gpt import GPT, branch_logprobs, imitation_loss, read_branches
from tutelage.model.heads import RewardModel
from tutelage.rollout.collect import grouped
from tutelage.schema import JUDGED, Trajectory
from tutelage.text.batching import Packed, Tree, pack, put_spans, take_spans


@dataclass
class Batch:
    """Packed rows and, position by position (B, T−1), what was true when they were sampled."""

    packed: Packed
    logprobs: Tensor  # behaviour policy
    reference_logprobs: Tensor
    advantages: Tensor
    values: Tensor | None = None  # behaviour critic
    returns: Tensor | None = None
    fresh: bool = True  # no update has been made since the samples were drawn


def judged(trajectories: Sequence[Trajectory]) -> list[Trajectory]:
    """Those with a verdict on the answer itself, in groups of one prompt; a broken rollout says
    nothing about the policy."""
    if any(trajectory.verdict is None for trajectory in trajectories):
        raise JudgeFailure("A trajectory reached the algorithm without a verdict.")
    kept = [t for t in trajectories if t.verdict and t.verdict.outcome in JUDGED]
    return [trajectory for group in grouped(kept) for trajectory in group]


def final_reward(trajectory: Trajectory, missing_stop_score: float) -> float:
    """The judge's score, or what a reply gets instead that has no stop token."""
    assert trajectory.verdict is not None
    return trajectory.verdict.score if trajectory.terminated else missing_stop_score


def differing(trajectories: Sequence[Trajectory], missing_stop_score: float) -> list[Trajectory]:
    """The judged ones of prompts whose samples do not all earn the same: the others teach nothing
    (dynamic sampling, Yu et al. 2025)."""
    return [
        trajectory
        for group in grouped(judged(trajectories))
        if len({final_reward(t, missing_stop_score) for t in group}) > 1
        for trajectory in group
    ]


def pack_trajectories(
    trajectories: Sequence[Trajectory], row_length: int, pad: int
) -> tuple[Packed, Tensor]:
    """Packed rows of grouped trajectories, and their behaviour logprobs (B, T−1)."""
    trees = [
        Tree(group[0].prompt_tokens, [t.response_tokens for t in group])
        for group in grouped(trajectories)
    ]
    packed = pack(trees, row_length, pad)
    logprobs = pad_rows([t.logprobs for t in trajectories])
    return packed, put_spans(logprobs, packed.spans, packed.mask.shape)


def pad_rows(rows: Sequence[Sequence[float]]) -> Tensor:
    """(N, L) with zeros after the end of each row."""
    L = max(len(row) for row in rows)
    return torch.tensor([[*row, *[0.0] * (L - len(row))] for row in rows])


@torch.inference_mode()
def score_packed(gpt: GPT, packed: Packed, rows_at_once: int = 16) -> Tensor:
    """Log-probabilities (B, T−1) of the packed responses under `gpt`."""
    parts = []
    for rows in torch.arange(len(packed.tokens)).split(rows_at_once):
        part = packed.rows(rows)
        found = branch_logprobs(gpt, read_branches(gpt, part), part)
        parts.append(torch.zeros(part.mask.shape).to(found).masked_scatter(part.mask, found))
    return torch.cat(parts)


def values_of(critic: RewardModel, packed: Packed) -> Tensor:
    """The critic's values (B, T−1) of the states in which the responses' tokens were sampled."""
    values, _ = critic(packed)
    return put_spans(values[:, :-1], packed.spans, packed.mask.shape)


@torch.inference_mode()
def value_packed(critic: RewardModel, packed: Packed, rows_at_once: int = 16) -> Tensor:
    """values_of, a few rows at a time and without gradients."""
    parts = torch.arange(len(packed.tokens)).split(rows_at_once)
    return torch.cat([values_of(critic, packed.rows(rows)) for rows in parts])


def shaped_rewards(
    trajectories: Sequence[Trajectory],
    log_ratio: Tensor,
    spans: Tensor,
    kl_coefficient: float,
    missing_stop_score: float,
) -> tuple[Tensor, Tensor]:
    """Rewards (N, L) and their mask: −β·(log π − log ref) at each token (log_ratio, (B, T−1)),
    the judge's score at the stop token, `missing_stop_score` at the last token without one."""
    per_token, mask = take_spans(log_ratio, spans)
    rewards = -kl_coefficient * per_token
    last = mask.sum(dim=1) - 1
    scores = torch.tensor([final_reward(t, missing_stop_score) for t in trajectories]).to(rewards)
    rewards[torch.arange(len(last)), last] += scores
    return rewards, mask


def minibatches(rows: int, count: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Row numbers in a random order, cut into `count` parts of nearly equal size."""
    order = torch.randperm(rows, generator=generator)
    yield from (part for part in order.tensor_split(min(count, rows)) if len(part))


def check_on_policy(log_ratio: Tensor, tolerance: float) -> None:
    """Before the first update the ratio is 1 everywhere; otherwise training would be wrong."""
    worst = log_ratio.abs().max().item()
    if not worst <= tolerance:
        raise ContractBroken(
            f"The policy that is trained is not the policy that was sampled: the first minibatch "
            f"has a log-ratio of {worst:.3g}, at most {tolerance} is rounding. Causes: dropout, "
            f"masks or positions under padding, sampling settings that scoring does not share."
        )


def imitate(gpt: GPT, shown: Packed, weight: float) -> None:
    """Add `weight` times the gradient of the imitation loss on what was shown."""
    (weight * imitation_loss(gpt, shown)).backward()


def ratio_metrics(log_ratio: Tensor, clip_range: float) -> dict[str, float]:
    """How far an update has moved from the behaviour policy; log_ratio: (K,)."""
    return {
        "policy/clip_fraction": (log_ratio.expm1().abs() > clip_range).float().mean().item(),
        "policy/approx_kl": kl_k3(torch.zeros_like(log_ratio), log_ratio).mean().item(),
    }


def means(observed: Sequence[dict[str, float]]) -> dict[str, float]:
    """Each metric's mean over an update's optimiser steps."""
    return {name: sum(o[name] for o in observed) / len(observed) for name in observed[0]}

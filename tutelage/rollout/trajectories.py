"""From judged trajectories to the experience that algorithms learn from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tutelage.errors import JudgeFailure
from tutelage.model.gpt import GPT
from tutelage.policies.language import ROW_LENGTH, LanguagePolicy, Replies, score_packed
from tutelage.rollout.experience import Experience
from tutelage.schema import JUDGED, Trajectory
from tutelage.text.batching import Tree, pack


def judged(trajectories: Sequence[Trajectory]) -> list[Trajectory]:
    """Those with a verdict on the answer itself, prompt by prompt; a broken rollout says nothing
    about the policy, and what is left of its group has no baseline like the others'."""
    if any(trajectory.verdict is None for trajectory in trajectories):
        raise JudgeFailure("A trajectory reached the algorithm without a verdict.")
    kept = grouped([t for t in trajectories if t.verdict and t.verdict.outcome in JUDGED])
    full = max((len(group) for group in kept), default=0)
    return [trajectory for group in kept if len(group) == full for trajectory in group]


def final_reward(trajectory: Trajectory, missing_stop_penalty: float) -> float:
    """The judge's score, less the penalty where the reply has no stop token. Subtracted, not put in
    its place: where finished replies score low, a cut one must not win."""
    assert trajectory.verdict is not None
    return trajectory.verdict.score - (0.0 if trajectory.terminated else missing_stop_penalty)


def differing(trajectories: Sequence[Trajectory], missing_stop_penalty: float) -> list[Trajectory]:
    """The judged ones of prompts whose samples do not all earn the same: the others teach nothing
    (dynamic sampling, Yu et al. 2025)."""
    return [
        trajectory
        for group in grouped(judged(trajectories))
        if len({final_reward(t, missing_stop_penalty) for t in group}) > 1
        for trajectory in group
    ]


@torch.no_grad()
def read_trajectories(
    policy: LanguagePolicy,
    reference: GPT,
    trajectories: Sequence[Trajectory],
    pad: int,
    missing_stop_penalty: float = 1.0,
) -> Experience:
    """Experience of judged trajectories. The judge's score is the reward of the stop token, and
    less missing_stop_penalty that of the last token without one; each reply is an episode, at whose
    end nothing more is to come."""
    groups = grouped(trajectories)
    inputs = pack_groups(groups, pad)
    ordered = [trajectory for group in groups for trajectory in group]
    reference_logprobs = inputs.steps(score_packed(reference, inputs.packed, policy.temperature))
    mask = inputs.step_mask()
    scores = [final_reward(t, missing_stop_penalty) for t in ordered]
    rewards = at_the_end(torch.tensor(scores).to(reference_logprobs), mask)
    experience = Experience(
        inputs,
        mask,
        pad_rows([t.logprobs for t in ordered]),
        rewards,
        reference_logprobs,
        samples=len(groups[0]),
    )
    experience.continues = torch.zeros_like(mask)
    experience.continues[:, :-1] = mask[:, 1:]
    if policy.critic is not None:
        values = inputs.steps(policy.values(inputs))
        experience.values = values
        experience.next_values = torch.zeros_like(values)
        experience.next_values[:, :-1] = values[:, 1:]
    return experience


def at_the_end(scores: Tensor, mask: Tensor) -> Tensor:
    """Each row's score, (N,), at its last step under the mask, else 0: (N, L)."""
    rewards = torch.zeros(mask.shape, dtype=scores.dtype, device=scores.device)
    rewards[torch.arange(len(mask)), mask.sum(dim=1) - 1] = scores
    return rewards


@torch.no_grad()
def mean_kl(
    reference: GPT, trajectories: Sequence[Trajectory], pad: int, temperature: float = 1.0
) -> float:
    """Nats a reply that the policy which sampled them is away from the reference at the same
    temperature: the mean of k1 over the replies."""
    return reply_kls(reference, trajectories, pad, temperature).mean().item()


@torch.no_grad()
def reply_kls(
    reference: GPT, trajectories: Sequence[Trajectory], pad: int, temperature: float = 1.0
) -> Tensor:
    """k1 of each reply, the sum over its tokens of log π − log ref: (N,), group by group."""
    groups = grouped(trajectories)
    inputs = pack_groups(groups, pad)
    logprobs = pad_rows([t.logprobs for group in groups for t in group])
    log_ratio = logprobs - inputs.steps(score_packed(reference, inputs.packed, temperature))
    return log_ratio.sum(dim=1)


def pack_groups(groups: Sequence[Sequence[Trajectory]], pad: int) -> Replies:
    """Each group's prompt once, its replies the branches."""
    trees = [Tree(group[0].prompt_tokens, [t.response_tokens for t in group]) for group in groups]
    return Replies(pack(trees, ROW_LENGTH, pad))


def pad_rows(rows: Sequence[Sequence[float]]) -> Tensor:
    """(N, L) with zeros after the end of each row."""
    L = max(len(row) for row in rows)
    return torch.tensor([[*row, *[0.0] * (L - len(row))] for row in rows])


def grouped(trajectories: Sequence[Trajectory]) -> list[list[Trajectory]]:
    """Trajectories by prompt, groups in order of first appearance."""
    groups: dict[int, list[Trajectory]] = {}
    for trajectory in trajectories:
        groups.setdefault(trajectory.group, []).append(trajectory)
    return list(groups.values())

"""From judged trajectories to the experience that algorithms learn from."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from tutelage.errors import JudgeFailure
from tutelage.model.language_model import LanguageModel
from tutelage.policies.language import ROW_LENGTH, LanguagePolicy, Replies, score_packed
from tutelage.rollout.experience import Experience
from tutelage.schema import JUDGED, Trajectory
from tutelage.text.packing import Tree, pack


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
    return trajectory.verdict.score - (missing_stop_penalty if trajectory.is_cut else 0.0)


def differing(trajectories: Sequence[Trajectory], missing_stop_penalty: float) -> list[Trajectory]:
    """The judged ones of prompts whose samples do not all earn the same: the others teach nothing
    (dynamic sampling, Yu et al. 2025)."""
    return [
        trajectory
        for group in grouped(judged(trajectories))
        if len({final_reward(t, missing_stop_penalty) + sum(t.rewards) for t in group}) > 1
        for trajectory in group
    ]


@torch.no_grad()
def read_trajectories(
    policy: LanguagePolicy,
    reference: LanguageModel,
    trajectories: Sequence[Trajectory],
    pad: int,
    missing_stop_penalty: float = 1.0,
) -> Experience:
    """Experience of judged trajectories, a step for each sampled token; what the environment said
    in between carries no step. The last one earns the judge's score, less missing_stop_penalty
    where it is no stop token, besides what the environment paid; after it nothing is to come."""
    ordered = [t for group in grouped(trajectories) for t in group]
    inputs = pack_trajectories(ordered, pad, reference.device)

    def logprobs_under(model: LanguageModel) -> Tensor:
        return inputs.steps(score_packed(model, inputs.packed, policy.temperature, policy.dtype))

    reference_logprobs = logprobs_under(reference)
    mask = inputs.step_mask()
    scores = torch.tensor([final_reward(t, missing_stop_penalty) for t in ordered])
    rewards = at_the_end(scores.to(reference_logprobs), mask)
    experience = Experience(
        inputs,
        mask,
        pad_rows([t.logprobs for t in ordered]).to(reference_logprobs),
        rewards + pad_rows([t.rewards for t in ordered]).to(rewards),
        reference_logprobs,
        proximal_logprobs=None if policy.speaks_as_trained else logprobs_under(policy.actor),
        samples=len(grouped(trajectories)[0]),
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
    rows = torch.arange(len(mask), device=mask.device)
    rewards[rows, mask.sum(dim=1) - 1] = scores
    return rewards


@torch.no_grad()
def reply_kls(
    reference: LanguageModel, trajectories: Sequence[Trajectory], pad: int, temperature: float = 1.0
) -> Tensor:
    """Nats that the policy which sampled them is away from the reference at the same temperature,
    by k1 of each trajectory, the sum over its actions of log π − log ref: (N,), group by group."""
    ordered = [t for group in grouped(trajectories) for t in group]
    inputs = pack_trajectories(ordered, pad, reference.device)
    reference_logprobs = inputs.steps(score_packed(reference, inputs.packed, temperature))
    logprobs = pad_rows([t.logprobs for t in ordered]).to(reference_logprobs)
    return (logprobs - reference_logprobs).sum(dim=1)


def pack_trajectories(
    trajectories: Sequence[Trajectory], pad: int, device: torch.device
) -> Replies:
    """Neighbours of a group that began with the same tokens are branches behind one copy of it."""

    def beginning(trajectory: Trajectory) -> tuple[int, list[int]]:
        return trajectory.group, list(trajectory.prompt_tokens)

    trees = []
    for (_, prompt), alike in itertools.groupby(trajectories, key=beginning):
        branches = list(alike)
        masks = [t.action_mask for t in branches]
        trees.append(Tree(prompt, [t.tokens for t in branches], branch_masks=masks))
    return Replies(pack(trees, ROW_LENGTH, pad).to(device))


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

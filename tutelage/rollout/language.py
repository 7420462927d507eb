"""From replies to experience: packed rows, a reward at each reply's end, a policy to read them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tutelage.errors import JudgeFailure
from tutelage.model.distributions import Categorical, DecidedByGraph, ValuedByGraph
from tutelage.model.fused import twice_differentiable
from tutelage.model.gpt import GPT, branch_logits, branch_logprobs, read_branches
from tutelage.model.heads import RewardModel
from tutelage.rollout.collect import grouped
from tutelage.rollout.experience import Experience
from tutelage.schema import JUDGED, Trajectory
from tutelage.text.batching import Packed, Tree, pack, put_spans, take_spans

ROW_LENGTH = 192  # tokens a packed row
_ROWS_AT_ONCE = 16  # that are read without gradients: bounds the memory


@dataclass(frozen=True)
class Replies:
    """Packed replies; a step is a reply's token, decisions go row by row."""

    packed: Packed

    @property
    def actions(self) -> Tensor:
        return self.packed.tokens[:, 1:][self.packed.mask]

    def decisions(self, steps: Tensor) -> Tensor:
        packed = self.packed
        return put_spans(steps, packed.spans, packed.mask.shape)[packed.mask]

    def steps(self, decisions: Tensor) -> Tensor:
        """(K,) to (N, L), the inverse."""
        packed = self.packed
        rows = torch.zeros(packed.mask.shape).to(decisions).masked_scatter(packed.mask, decisions)
        return take_spans(rows, packed.spans)[0]

    def step_mask(self) -> Tensor:
        """Where the replies' tokens are, (N, L)."""
        return take_spans(self.packed.mask, self.packed.spans)[1]

    def minibatches(
        self, count: int, generator: torch.Generator
    ) -> Iterator[tuple[Replies, Tensor]]:
        mask = self.packed.mask
        numbers = mask.flatten().cumsum(0).view_as(mask) - 1
        order = torch.randperm(len(mask), generator=generator)
        for rows in order.tensor_split(min(count, len(mask))):
            if len(rows):
                part = self.packed.rows(rows)
                yield Replies(part), numbers[rows][part.mask]


class LanguagePolicy(nn.Module):
    """A GPT that speaks, and a critic of its own weights that says what a state is worth.

    critic: its score after each token is the value of having said so much; usually a copy of the
    reward model, which has learned to tell that. temperature: at which it speaks; what is trained
    is what speaks.
    """

    def __init__(
        self, actor: GPT, critic: RewardModel | None = None, temperature: float = 1.0
    ) -> None:
        super().__init__()
        self.temperature = temperature
        self.actor = actor
        self.critic = critic

    def distribution(self, inputs: Replies) -> Categorical:
        """Over the vocabulary, for each token of the replies."""
        # In float32, as it was sampled: bfloat16 would round more than an update moves.
        logits = branch_logits(self.actor, read_branches(self.actor, inputs.packed))
        return Categorical(logits if self.temperature == 1 else logits / self.temperature)

    def decide(self, inputs: Replies) -> DecidedByGraph:
        def again() -> Categorical:
            with twice_differentiable():
                return self.distribution(inputs)

        return DecidedByGraph(
            self.distribution(inputs), inputs.actions, list(self.actor.parameters()), again
        )

    def value(self, inputs: Replies) -> ValuedByGraph:
        return ValuedByGraph(self.values(inputs))

    def values(self, inputs: Replies) -> Tensor:
        """What the critic expects where each token was sampled, (K,)."""
        assert self.critic is not None
        critic = self.critic
        return _in_parts(inputs.packed, lambda part: _values(critic, part))


def new_critic(gpt: GPT) -> RewardModel:
    """The policy's copy that finds everything worth 0."""
    return RewardModel(copy.deepcopy(gpt), 0.0)


def score_packed(gpt: GPT, packed: Packed, temperature: float = 1.0) -> Tensor:
    """Log-probabilities of the replies' tokens, (K,), sampled at this temperature."""

    def read(part: Packed) -> Tensor:
        # logits are linear in the hidden states
        return branch_logprobs(gpt, read_branches(gpt, part) / temperature, part)

    return _in_parts(packed, read)


def _values(critic: RewardModel, packed: Packed) -> Tensor:
    values, _ = critic(packed)
    return put_spans(values[:, :-1], packed.spans, packed.mask.shape)[packed.mask]


def _in_parts(packed: Packed, read: Callable[[Packed], Tensor]) -> Tensor:
    """What `read` finds, (K,); without gradients a few rows at a time."""
    if torch.is_grad_enabled():
        return read(packed)
    rows = torch.arange(len(packed.tokens)).split(_ROWS_AT_ONCE)
    return torch.cat([read(packed.rows(part)) for part in rows])


def judged(trajectories: Sequence[Trajectory]) -> list[Trajectory]:
    """Those with a verdict on the answer itself, prompt by prompt; a broken rollout says nothing
    about the policy, and what is left of its group has no baseline like the others'."""
    if any(trajectory.verdict is None for trajectory in trajectories):
        raise JudgeFailure("A trajectory reached the algorithm without a verdict.")
    kept = grouped([t for t in trajectories if t.verdict and t.verdict.outcome in JUDGED])
    full = max((len(group) for group in kept), default=0)
    return [trajectory for group in kept if len(group) == full for trajectory in group]


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


@torch.no_grad()
def read_trajectories(
    policy: LanguagePolicy,
    reference: GPT,
    trajectories: Sequence[Trajectory],
    pad: int,
    missing_stop_score: float = -1.0,
) -> Experience:
    """Experience of judged trajectories. The judge's score is the reward of the stop token,
    missing_stop_score that of the last token without one; each reply is an episode, at whose end
    nothing more is to come."""
    groups = grouped(trajectories)
    inputs = pack_groups(groups, pad)
    ordered = [trajectory for group in groups for trajectory in group]
    reference_logprobs = inputs.steps(score_packed(reference, inputs.packed, policy.temperature))
    mask = inputs.step_mask()
    scores = [final_reward(t, missing_stop_score) for t in ordered]
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

"""A model that speaks as a policy, and what it reads again to learn: packed replies."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tutelage.model.distributions import Categorical, fisher_by_graph
from tutelage.model.fused import twice_differentiable
from tutelage.model.gpt import GPT, branch_logits, branch_logprobs, read_branches
from tutelage.model.heads import RewardModel
from tutelage.policies.policy import Evaluated
from tutelage.text.batching import Packed, put_spans, take_spans

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

    def evaluate(self, inputs: Replies) -> Evaluated:
        return Evaluated(
            inputs.actions, lambda: self.distribution(inputs), lambda: self.values(inputs)
        )

    def fisher(self, inputs: Replies) -> Callable[[Tensor], Tensor]:
        """v ↦ F·v over the actor's weights, F their Fisher information."""
        with twice_differentiable():
            return fisher_by_graph(self.distribution(inputs), list(self.actor.parameters()))

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

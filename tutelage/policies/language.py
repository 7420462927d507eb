"""A model that speaks as a policy, and what it reads again to learn: packed replies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tutelage.device import autocast
from tutelage.model.distributions import Categorical, fisher_by_graph
from tutelage.model.fused import twice_differentiable
from tutelage.model.heads import RewardModel
from tutelage.model.language_model import LanguageModel, logprobs_from, predicting_states, trainable
from tutelage.policies.policy import Evaluated
from tutelage.text.packing import Packed, put_actions, put_spans, take_actions

ROW_LENGTH = 128  # tokens a packed row; with 8 samples of 48 tokens, a fourth faster than 408
_ROWS_AT_ONCE = 16  # that are read without gradients: bounds the memory


@dataclass(frozen=True)
class Replies:
    """Packed replies; a step is a sampled token, decisions go row by row."""

    packed: Packed

    @property
    def actions(self) -> Tensor:
        return self.packed.targets

    def decisions(self, steps: Tensor) -> Tensor:
        return put_actions(steps, self.packed)

    def steps(self, decisions: Tensor) -> Tensor:
        """(K,) to (N, L), the inverse."""
        return take_actions(decisions, self.packed)[0]

    def step_mask(self) -> Tensor:
        """Where the sampled tokens are, (N, L)."""
        return take_actions(self.packed.targets, self.packed)[1]

    def minibatches(
        self, count: int, generator: torch.Generator
    ) -> Iterator[tuple[Replies, Tensor]]:
        mask = self.packed.mask
        numbers = mask.flatten().cumsum(0).view_as(mask) - 1
        order = torch.randperm(len(mask), generator=generator).to(mask.device)
        for rows in order.tensor_split(min(count, len(mask))):
            if len(rows):
                part = self.packed.rows(rows)
                yield Replies(part), numbers[rows][part.mask]


class LanguagePolicy(nn.Module):
    """A model that speaks, and a critic of its own weights that says what a state is worth.

    critic: its score after each token is the value of having said so much; usually a copy of the
    reward model, which has learned to tell that. temperature: at which it speaks; what is trained
    is what speaks. dtype: of matrix products, logits apart, which are float32 at least;
    rollout_dtype: of the weights that it speaks with, default their own.
    """

    def __init__(
        self,
        actor: LanguageModel,
        critic: RewardModel | None = None,
        temperature: float = 1.0,
        dtype: torch.dtype = torch.float32,
        rollout_dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.dtype = dtype
        self.rollout_dtype = rollout_dtype or actor.dtype
        self.temperature = temperature
        self.actor = actor
        self.critic = critic

    @property
    def speaks_as_trained(self) -> bool:
        """Whether what samples computes in the number formats of what is trained."""
        return self.rollout_dtype == self.dtype == self.actor.dtype

    def distribution(self, inputs: Replies) -> Categorical:
        """Over the vocabulary, for each token of the replies."""
        with autocast(self.actor.device, self.dtype):
            hidden = predicting_states(self.actor, inputs.packed)
        logits = self.actor.logits(hidden)
        return Categorical(logits if self.temperature == 1 else logits / self.temperature)

    def evaluate(self, inputs: Replies) -> Evaluated:
        return Evaluated(
            inputs.actions, lambda: self.distribution(inputs), lambda: self.values(inputs)
        )

    def fisher(self, inputs: Replies) -> Callable[[Tensor], Tensor]:
        """v ↦ F·v over the actor's weights, F their Fisher information."""
        with twice_differentiable():
            return fisher_by_graph(self.distribution(inputs), trainable(self.actor))

    def values(self, inputs: Replies) -> Tensor:
        """What the critic expects where each token was sampled, (K,)."""
        assert self.critic is not None
        critic = self.critic
        with autocast(critic.device, self.dtype):
            return _in_parts(inputs.packed, lambda part: _values(critic, part))


def score_packed(
    model: LanguageModel,
    packed: Packed,
    temperature: float = 1.0,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Log-probabilities of the tokens under the loss mask, (K,), sampled at this temperature.
    dtype: of matrix products, logits apart."""

    def read(part: Packed) -> Tensor:
        with autocast(model.device, dtype):
            hidden = predicting_states(model, part)
        # logits are linear in the hidden states
        return logprobs_from(model, hidden / temperature, part)

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

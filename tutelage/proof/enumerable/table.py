"""A policy that is a table: a row of logits for what may follow each prefix, so it can be any
policy at all, the optimum included."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tutelage.model.distributions import Categorical
from tutelage.policies.language import LanguagePolicy, Replies
from tutelage.policies.policy import Evaluated
from tutelage.proof.enumerable.world import World
from tutelage.text.packing import take_spans


class Table(nn.Module):
    """logits: (prefixes, V), the empty prefix first, then those of one token, of two, …"""

    def __init__(self, vocabulary: int, length: int) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        prefixes = sum(vocabulary**t for t in range(length))
        self.logits = nn.Parameter(torch.zeros(prefixes, vocabulary, dtype=torch.float64))

    def prefixes(self, sequences: Tensor) -> Tensor:
        """The row of the prefix before each token, (N, T); sequences: (N, T)."""
        row = torch.zeros_like(sequences[:, 0])
        rows = [row]
        for token in sequences.unbind(dim=1)[:-1]:
            row = row * self.vocabulary + token + 1  # a prefix's children are adjacent
            rows.append(row)
        return torch.stack(rows, dim=1)

    def logprobs(self, sequences: Tensor) -> Tensor:
        """log π of each token given those before it, (N, T), with its graph."""
        table = self.logits.log_softmax(dim=-1)
        return table[self.prefixes(sequences), sequences]

    @torch.no_grad()
    def become(self, world: World, logprobs: Tensor) -> Table:
        """The policy with these logprobs (M, T) of all the world's sequences."""
        self.logits[self.prefixes(world.sequences), world.sequences] = logprobs
        return self


@dataclass(frozen=True)
class TablePolicy:
    """A table as the actor, with a GPT's critic."""

    actor: Table
    reader: LanguagePolicy  # whose critic it is

    @property
    def critic(self) -> nn.Module | None:
        return self.reader.critic

    def distribution(self, inputs: Replies) -> Categorical:
        """Over the vocabulary, for each token of the replies."""
        tokens, _ = take_spans(inputs.packed.tokens[:, 1:], inputs.packed.spans)
        return Categorical(self.actor.logits[inputs.decisions(self.actor.prefixes(tokens))])

    def evaluate(self, inputs: Replies) -> Evaluated:
        return Evaluated(
            inputs.actions, lambda: self.distribution(inputs), lambda: self.values(inputs)
        )

    def values(self, inputs: Replies) -> Tensor:
        return self.reader.values(inputs)

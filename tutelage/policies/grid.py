"""A network that reads a grid world and an instruction, and acts on both.

It reads rows of D = 220 whole numbers: of each of the 7 × 7 cells in view its object, colour and
state, as minigrid numbers them, column by column (147); the direction in which the agent looks;
the instruction's words, by their place in a vocabulary, and then zeros (72).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

VIEW = 7  # cells along each side of the view
CELLS = VIEW * VIEW
WORDS = 72  # the longest instruction of BabyAI's grammar: two pairs of "put … next to …"
ROW = 3 * CELLS + 1 + WORDS
DIRECTIONS = 4
OBJECTS, COLOURS, STATES = 11, 6, 4  # how many there are of each


class InstructedNetwork(nn.Module):
    """Rows (…, D) to (…, outputs).

    What is in a cell, the sum of what its object, colour and state are, is a key; the instruction
    becomes queries. How far each cell answers each query (the scores of attention, Vaswani et al.
    2017, eq. 1, here rectified and kept by cell) stands beside what it is whatever was asked; all
    cells' numbers go through `hidden` to the outputs. One product tells how much of a "red ball"
    a cell is; to scale each cell's numbers by the instruction (FiLM, Perez et al. 2018) took more
    demonstrations to tell the same.
    """

    def __init__(
        self,
        vocabulary: int,
        outputs: int,
        generator: torch.Generator,
        width: int = 32,
        queries: int = 8,
        plain: int = 8,
        hidden: tuple[int, int] = (128, 64),
        last_gain: float = 1.0,
    ) -> None:
        """vocabulary: words, 0 among them. width: of keys and queries. plain: numbers of what a
        cell is. last_gain: of the last layer's weights; small for an actor, so that it begins
        undecided."""
        super().__init__()

        def table(rows: int, columns: int) -> nn.Parameter:
            return nn.Parameter(torch.empty(rows, columns).normal_(0.0, 0.5, generator=generator))

        def layer(inputs: int, outputs: int, gain: float) -> nn.Linear:
            linear = nn.Linear(inputs, outputs)
            nn.init.orthogonal_(linear.weight, gain, generator=generator)
            nn.init.zeros_(linear.bias)
            return linear

        self.objects, self.colours = table(OBJECTS, width), table(COLOURS, width)
        self.states, self.directions = table(STATES, width), table(DIRECTIONS, width)
        self.words = table(vocabulary, width)
        self.places = nn.Parameter(1 + 0.1 * table(WORDS, width).detach())
        self.queries = layer(width, queries * width, 1.0)
        self.threshold = nn.Parameter(torch.zeros(queries))
        self.plain = layer(width, plain, 1.0)
        inner, outer = hidden
        self.rest = nn.Sequential(
            layer(CELLS * (queries + plain) + width, inner, 2**0.5),
            nn.ReLU(),
            layer(inner, outer, 2**0.5),
            nn.ReLU(),
            layer(outer, outputs, last_gain),
        )

    def forward(self, rows: Tensor) -> Tensor:
        leading = rows.shape[:-1]
        cells, direction, words = rows.reshape(-1, ROW).int().split([3 * CELLS, 1, WORDS], dim=1)
        objects, colours, states = cells.unflatten(1, (CELLS, 3)).unbind(dim=2)
        kind = (objects * COLOURS + colours) * STATES + states  # (K, 49)
        kinds = (self.objects[:, None, None] + self.colours[:, None] + self.states).flatten(0, 2)
        keys = F.embedding(kind, kinds)  # (K, 49, width)
        queries = self.queries(self.instruction(words)).unflatten(1, (-1, keys.shape[2]))
        scores = keys @ queries.mT / keys.shape[2] ** 0.5
        answers = torch.relu(scores - self.threshold)  # (K, 49, queries)
        plain = F.embedding(kind, torch.relu(self.plain(kinds)))
        facing = F.embedding(direction.squeeze(1), self.directions)
        seen = torch.cat([answers, plain], dim=2).flatten(1)
        return self.rest(torch.cat([seen, facing], dim=1)).reshape(*leading, -1)

    def instruction(self, words: Tensor) -> Tensor:
        """(K, 72) to (K, width): the words' sum, each scaled by its place (Sukhbaatar et al. 2015,
        their position encoding, here learned), so that the order counts."""
        longest = int(words.count_nonzero(dim=1).max())
        words = words[:, :longest]
        spoken = F.embedding(words, self.words) * self.places[:longest]
        return (spoken * (words > 0).unsqueeze(2)).sum(dim=1)

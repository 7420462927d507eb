"""A network that reads a grid world and an instruction, and acts on both.

It reads rows of D = 212 whole numbers: of each of the 7 × 7 cells in view its object, colour and
state, as minigrid numbers them, column by column (147); the direction in which the agent looks;
the instruction's words, by their place in a vocabulary, and then zeros (64).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tutelage.model.mlp import mlp

VIEW = 7  # cells along each side of the view
CELLS = VIEW * VIEW
WORDS = 64  # the longest instruction of BabyAI's grammar: two pairs of "put … next to …"
ROW = 3 * CELLS + 1 + WORDS
DIRECTIONS = 4
OBJECTS, COLOURS, STATES = 11, 6, 4  # how many there are of each


class InstructedNetwork(nn.Module):
    """Rows (…, D) to (…, outputs).

    A cell is the sum of what its object, colour and state are; the instruction scales and shifts
    that (FiLM, Perez et al. 2018), so that one layer more can tell cells that it names from
    others. What the cells are then, side by side, goes through `hidden` to the outputs.
    """

    def __init__(
        self,
        vocabulary: int,
        outputs: int,
        generator: torch.Generator,
        width: int = 32,
        kept: int = 16,
        hidden: tuple[int, ...] = (128, 64),
        last_gain: float = 1.0,
    ) -> None:
        """vocabulary: words, 0 among them; width, kept: numbers that a cell is made of, before
        and after the layer that tells what is named."""
        super().__init__()

        def table(rows: int, columns: int) -> nn.Parameter:
            return nn.Parameter(torch.empty(rows, columns).normal_(0.0, 0.5, generator=generator))

        self.objects, self.colours = table(OBJECTS, width), table(COLOURS, width)
        self.states, self.directions = table(STATES, width), table(DIRECTIONS, width)
        self.words = table(vocabulary, width)
        self.places = nn.Parameter(1 + 0.1 * table(WORDS, width).detach())
        self.film = mlp((width, 2 * width), generator)
        self.cell = mlp((width, kept), generator)
        self.rest = mlp((CELLS * kept + width, *hidden, outputs), generator, last_gain)

    def forward(self, rows: Tensor) -> Tensor:
        leading = rows.shape[:-1]
        numbers = rows.reshape(-1, ROW).int()
        cells, direction, words = numbers.split([3 * CELLS, 1, WORDS], dim=1)
        scale, shift = self.film(self.instruction(words)).unsqueeze(1).chunk(2, dim=2)
        seen = torch.relu(torch.addcmul(shift, 1 + scale, self.cells(cells)))  # (K, 49, width)
        told = torch.relu(self.cell(seen)).flatten(1)
        facing = nn.functional.embedding(direction.squeeze(1), self.directions)
        return self.rest(torch.cat([told, facing], dim=1)).reshape(*leading, -1)

    def cells(self, cells: Tensor) -> Tensor:
        """(K, 147) to (K, 49, width), by a table of all that a cell can be."""
        kinds = self.objects[:, None, None] + self.colours[:, None] + self.states
        objects, colours, states = cells.unflatten(1, (CELLS, 3)).unbind(dim=2)
        kind = (objects * COLOURS + colours) * STATES + states
        return nn.functional.embedding(kind, kinds.flatten(0, 2))

    def instruction(self, words: Tensor) -> Tensor:
        """(K, 64) to (K, width): the words' sum, each scaled by its place (Sukhbaatar et al. 2015,
        their position encoding, here learned), so that the order counts."""
        longest = int(words.count_nonzero(dim=1).max())
        words = words[:, :longest]
        spoken = nn.functional.embedding(words, self.words) * self.places[:longest]
        return (spoken * (words > 0).unsqueeze(2)).sum(dim=1)

"""The network that reads a view and an instruction: both count, padding and company do not."""

from __future__ import annotations

import pytest
import torch

from tutelage.device import seeded
from tutelage.policies.grid import CELLS, ROW, InstructedNetwork

WORD = 3 * CELLS + 1  # where the instruction begins


def network() -> InstructedNetwork:
    return InstructedNetwork(20, 3, seeded("network"))


def rows(count: int) -> torch.Tensor:
    generator = seeded("rows")
    made = torch.zeros(count, ROW)
    cells = made[:, : 3 * CELLS].unflatten(1, (CELLS, 3))
    for column, kinds in enumerate((11, 6, 4)):
        cells[..., column] = torch.randint(kinds, (count, CELLS), generator=generator).float()
    made[:, WORD - 1] = torch.randint(4, (count,), generator=generator).float()
    made[:, WORD : WORD + 5] = torch.randint(1, 20, (count, 5), generator=generator).float()
    return made


def test_a_row_alone_is_read_as_in_company_of_longer_instructions():
    read = network()
    made = rows(6)
    made[2, WORD + 5 : WORD + 60] = 7
    together = read(made)
    for row, expected in zip(made, together, strict=True):
        torch.testing.assert_close(read(row), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(read(made.view(2, 3, ROW)), together.view(2, 3, 3))


@pytest.mark.parametrize(
    "column", [0, 1, 2, 3 * CELLS - 3, 3 * CELLS - 2, 3 * CELLS - 1, WORD - 1, WORD, WORD + 4]
)
def test_every_number_counts(column: int):
    read = network()
    made = rows(1)
    other = made.clone()
    other[0, column] = 1 if made[0, column] != 1 else 2
    assert (read(made) - read(other)).abs().max() > 1e-4


def test_the_order_of_the_words_counts():
    read = network()
    made = rows(1)
    other = made.clone()
    other[0, WORD : WORD + 5] = made[0, WORD : WORD + 5].flip(0)
    assert not torch.equal(made, other)
    assert (read(made) - read(other)).abs().max() > 1e-4

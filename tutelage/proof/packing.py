"""A sequence has one probability, whatever row it stands in and whatever stands beside it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from tutelage.proof.enumerable import PROMPT, World, pack_sequences, small_world, token_logprobs
from tutelage.proof.finding import Measured, same


@torch.no_grad()
def packing_is_invisible() -> Measured:
    """G19: alone in a row; in rows of several trees; all behind one copy of the prompt."""
    world = small_world()
    expected = alone(world)
    layouts = [(1, 1), (1, 64), (16, 1), (16, 400), (64, 330), (len(expected), 1)]
    got = [
        token_logprobs(world.reference, pack_sequences(world.sequences, siblings, row_length))
        for siblings, row_length in layouts
    ]
    return same(expected.expand(len(got), -1, -1), torch.stack(got), 1e-12)


@torch.no_grad()
def padding_is_invisible() -> Measured:
    """G19: three tokens of padding on the left, and on the right."""
    world = small_world()
    expected, pad = alone(world), world.vocabulary - 1
    tokens = with_prompt(world)
    M, T = tokens.shape
    right = F.pad(tokens, (0, 3), value=pad)
    left = F.pad(tokens, (3, 0), value=pad)
    positions = (torch.arange(T + 3) - 3).clamp_min(0).expand(M, -1)
    is_text = torch.arange(T + 3) >= 3
    causal = torch.ones(T + 3, T + 3, dtype=torch.bool).tril()
    # Padding sees itself, because a softmax over nothing is not a number.
    attend = (causal & is_text) | torch.eye(T + 3, dtype=torch.bool)
    before = F.pad(tokens, (2, 0))
    own = torch.stack([before[:, 1:-1], before[:, :-2]], dim=2)
    previous = F.pad(own, (0, 0, 3, 0))
    hidden = [
        world.reference(right)[:, :T],
        world.reference(left, positions, attend.expand(M, 1, -1, -1), previous=previous)[:, 3:],
    ]
    got = torch.stack([scored(world, part) for part in hidden])
    return same(expected.expand(2, -1, -1), got, 1e-12)


def alone(world: World) -> Tensor:
    """Logprobs (M, T) of each sequence from a row of its own, unpadded and unpacked."""
    return scored(world, world.reference(with_prompt(world)))


def with_prompt(world: World) -> Tensor:
    """(M, 1 + T)"""
    return F.pad(world.sequences, (1, 0), value=PROMPT)


def scored(world: World, hidden: Tensor) -> Tensor:
    """Logprobs (M, T) of the sequences' tokens from hidden states (M, 1 + T, D)."""
    logprobs = world.reference.head(hidden[:, :-1]).log_softmax(dim=-1)
    return logprobs.gather(2, world.sequences[:, :, None])[:, :, 0]

"""A sequence has one probability, whatever row it is in and whatever else is in that row."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from tutelage.proof.enumerable import PROMPT, World, pack_sequences, small_world, token_logprobs
from tutelage.proof.finding import Measured, claim, same
from tutelage.text.packing import plain


@claim("G19", "A sequence has the logprobs that it has alone, however rows are packed.")
@torch.no_grad()
def packing_is_invisible() -> Measured:
    """Alone in a row; in rows of several trees; all behind one copy of the prompt."""
    world = small_world()
    expected = alone(world)
    layouts = [(1, 1), (1, 64), (16, 1), (16, 400), (64, 330), (len(expected), 1)]
    got = [
        token_logprobs(world.reference, pack_sequences(world.sequences, siblings, row_length))
        for siblings, row_length in layouts
    ]
    return same(expected.expand(len(got), -1, -1), torch.stack(got), 1e-12)


@claim("G19", "A sequence has the logprobs that it has alone, padded on the left or on the right.")
@torch.no_grad()
def padding_is_invisible() -> Measured:
    """Three tokens of padding on the left, and on the right."""
    world = small_world()
    expected, pad = alone(world), world.vocabulary - 1
    tokens = with_prompt(world)
    M, T = tokens.shape
    right = F.pad(tokens, (0, 3), value=pad)
    left = F.pad(tokens, (3, 0), value=pad)
    # Padding is a sequence of its own in the row.
    segments = (torch.arange(T + 3) >= 3).long().expand(M, -1)
    positions = (torch.arange(T + 3) - 3).where(segments > 0, torch.arange(T + 3))
    apart = replace(plain(left), positions=positions, segments=segments, parents=segments)
    hidden = [world.reference(plain(right))[:, :T], world.reference(apart)[:, 3:]]
    got = torch.stack([scored(world, part) for part in hidden])
    return same(expected.expand(2, -1, -1), got, 1e-12)


def alone(world: World) -> Tensor:
    """Logprobs (M, T) of each sequence from a row of its own, unpadded and unpacked."""
    return scored(world, world.reference(plain(with_prompt(world))))


def with_prompt(world: World) -> Tensor:
    """(M, 1 + T)"""
    return F.pad(world.sequences, (1, 0), value=PROMPT)


def scored(world: World, hidden: Tensor) -> Tensor:
    """Logprobs (M, T) of the sequences' tokens from hidden states (M, 1 + T, D)."""
    logprobs = world.reference.logits(hidden[:, :-1]).log_softmax(dim=-1)
    return logprobs.gather(2, world.sequences[:, :, None])[:, :, 0]

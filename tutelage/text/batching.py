"""Packing: many short sequences in a few rows, none seeing another, shared prompts computed once.

A `Tree` is a prompt and the branches that continue it. In a row each branch begins with a copy of
the prompt's last token, so that everywhere position t predicts tokens[:, t+1], branches included:

    row      a b c | c x y | c z        prompt a b c, branches x y and z
    position 0 1 2 | 2 3 4 | 2 3        a copy keeps its place, so the model cannot tell
    segment  1 1 1 | 2 2 2 | 3 3        a token attends to its own segment before it …
    parent   1 1 1 | 1 1 1 | 1 1        … and to its parent's, short of the copied token
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True)
class Tree:
    """prompt: at least one token. branches: what follows it, each at least one token."""

    prompt: Sequence[int]
    branches: Sequence[Sequence[int]]
    spoken: Sequence[bool] | None = None  # of the prompt's tokens, which are trained on

    def __len__(self) -> int:
        return len(self.prompt) + sum(1 + len(branch) for branch in self.branches)

    @property
    def longest(self) -> int:
        """Tokens from the prompt's first to the end of the longest branch."""
        return len(self.prompt) + max(map(len, self.branches), default=0)


@dataclass(frozen=True)
class Packed:
    """Rows of packed trees.

    tokens, positions, segments, parents: (B, T). previous: (B, T, 2) the token before each in its
    own sequence and the one before that, the pad token before the first. mask: (B, T−1), True where
    tokens[:, t+1] is a branch's token or a spoken one. spans: (N, 3) row, first t and length of
    each branch in the (B, T−1) arrays, in the order of the trees and their branches.
    """

    tokens: Tensor
    previous: Tensor
    positions: Tensor
    segments: Tensor
    parents: Tensor
    mask: Tensor
    spans: Tensor

    def attend(self) -> Tensor:
        """(B, 1, T, T), True where the row's token may look at the column's."""
        T = self.tokens.shape[1]
        causal = torch.ones(T, T, dtype=torch.bool, device=self.tokens.device).tril()
        own = self.segments[:, :, None] == self.segments[:, None, :]
        # A branch's own copy stands for the prompt's last token, which it must not see twice.
        ancestor = (self.parents[:, :, None] == self.segments[:, None, :]) & (
            self.positions[:, None, :] < self._branch_starts()[:, :, None]
        )
        return ((own | ancestor) & causal)[:, None]

    def _branch_starts(self) -> Tensor:
        """(B, T) position of the first token of each token's segment."""
        is_first = torch.ones_like(self.segments, dtype=torch.bool)
        is_first[:, 1:] = self.segments[:, 1:] != self.segments[:, :-1]
        index = torch.arange(self.tokens.shape[1], device=self.tokens.device)
        first = torch.where(is_first, index, 0).cummax(dim=1).values
        return self.positions.gather(1, first)

    def to(self, device: torch.device) -> Packed:
        return Packed(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})

    def rows(self, chosen: Tensor) -> Packed:
        """Only these rows; spans of other rows are dropped, kept ones renumbered."""
        place = torch.full((self.tokens.shape[0],), -1, dtype=torch.long)
        place[chosen] = torch.arange(len(chosen))
        spans = self.spans[place[self.spans[:, 0]] >= 0].clone()
        spans[:, 0] = place[spans[:, 0]]
        arrays = {f.name: getattr(self, f.name)[chosen] for f in fields(self) if f.name != "spans"}
        return Packed(**arrays, spans=spans)


def pack(trees: Sequence[Tree], row_length: int, pad: int) -> Packed:
    """Put each tree whole into a row, first row that has room, longest trees first.

    Rows are `row_length` long, or as long as the longest tree if that is longer, or as short as
    the fullest row. The order of spans is that of the trees, whatever rows they went to.
    """
    row_length = max([row_length, *(len(tree) for tree in trees)])
    order = sorted(range(len(trees)), key=lambda i: -len(trees[i]))
    used: list[int] = []
    place: list[tuple[int, int]] = [(0, 0)] * len(trees)
    open_rows: list[int] = []
    for i in order:
        row = next((r for r in open_rows if used[r] + len(trees[i]) <= row_length), None)
        if row is None:
            row = len(used)
            used.append(0)
            open_rows.append(row)
        place[i] = (row, used[row])
        used[row] += len(trees[i])
        if row_length - used[row] < 4:
            open_rows.remove(row)
    B, T = len(used), max(used)
    tokens = [[pad] * T for _ in range(B)]
    previous = [[(pad, pad)] * T for _ in range(B)]
    positions = [list(range(T)) for _ in range(B)]
    segments = [[0] * T for _ in range(B)]
    parents = [[0] * T for _ in range(B)]
    mask = [[False] * (T - 1) for _ in range(B)]
    spans: list[tuple[int, int, int]] = []
    next_segment = 1
    for tree, (row, start) in zip(trees, place, strict=True):
        length = len(tree.prompt)
        trunk = next_segment

        def lay(
            ids: Sequence[int],
            before: tuple[int, int],
            at: int,
            position: int,
            segment: int,
            row: int,
            trunk: int,
        ) -> None:
            end = at + len(ids)
            tokens[row][at:end] = ids
            seen = [*reversed(before), *ids]
            previous[row][at:end] = zip(seen[1:-1], seen[:-2], strict=True)
            positions[row][at:end] = range(position, position + len(ids))
            segments[row][at:end] = [segment] * len(ids)
            parents[row][at:end] = [trunk] * len(ids)

        lay(tree.prompt, (pad, pad), start, 0, trunk, row, trunk)
        second_last, third_last = [*reversed(tree.prompt[:-1]), pad, pad][:2]
        if tree.spoken is not None:
            mask[row][start : start + length - 1] = tree.spoken[1:]
        next_segment += 1
        at = start + length
        for branch in tree.branches:
            copied = [tree.prompt[-1], *branch]
            lay(copied, (second_last, third_last), at, length - 1, next_segment, row, trunk)
            mask[row][at : at + len(branch)] = [True] * len(branch)
            spans.append((row, at, len(branch)))
            next_segment += 1
            at += 1 + len(branch)
    return Packed(
        torch.tensor(tokens),
        torch.tensor(previous),
        torch.tensor(positions),
        torch.tensor(segments),
        torch.tensor(parents),
        torch.tensor(mask),
        torch.tensor(spans, dtype=torch.long).view(-1, 3),
    )


def take_spans(values: Tensor, spans: Tensor) -> tuple[Tensor, Tensor]:
    """Cut branches out of (B, T−1): (N, L) and its mask (N, L), L the longest branch."""
    L = int(spans[:, 2].max()) if len(spans) else 0
    steps = torch.arange(L, device=values.device)
    mask = steps < spans[:, 2:3]
    columns = (spans[:, 1:2] + steps).clamp_max(values.shape[1] - 1)
    return values[spans[:, 0:1], columns] * mask, mask


def put_spans(branches: Tensor, spans: Tensor, shape: torch.Size) -> Tensor:
    """The inverse of take_spans: (N, L) into zeros of shape (B, T−1)."""
    result = torch.zeros(shape, dtype=branches.dtype, device=branches.device)
    steps = torch.arange(branches.shape[1], device=branches.device)
    inside = steps < spans[:, 2:3]
    rows = spans[:, 0:1].expand_as(inside)[inside]
    result[rows, (spans[:, 1:2] + steps)[inside]] = branches[inside]
    return result

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
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Tree:
    """prompt: at least one token. branches: what follows it, each at least one token. prompt_mask:
    which of the prompt's tokens are trained on, default none; branch_masks: which of each branch's,
    default all."""

    prompt: Sequence[int]
    branches: Sequence[Sequence[int]]
    prompt_mask: Sequence[bool] | None = None
    branch_masks: Sequence[Sequence[bool]] | None = None

    def __len__(self) -> int:
        return len(self.prompt) + sum(1 + len(branch) for branch in self.branches)

    @property
    def longest(self) -> int:
        """Tokens from the prompt's first to the end of the longest branch."""
        return len(self.prompt) + max(map(len, self.branches), default=0)


@dataclass(frozen=True)
class Packed:
    """Rows of packed trees, or plain rows of one sequence each.

    tokens, positions: (B, T). segments, parents: (B, T), None in plain rows. mask: (B, T−1), True
    where tokens[:, t+1] is trained on: the loss mask. spans: (N, 3) row, first t and length of each
    branch in the (B, T−1) arrays, in the order of the trees and their branches.
    """

    tokens: Tensor
    positions: Tensor
    mask: Tensor
    spans: Tensor
    segments: Tensor | None = None
    parents: Tensor | None = None

    def attend(self) -> Tensor | None:
        """(B, 1, T, T), True where the row's token may look at the column's; None: at all before
        it and itself."""
        if self.segments is None or self.parents is None:
            return None
        T = self.tokens.shape[1]
        causal = torch.ones(T, T, dtype=torch.bool, device=self.tokens.device).tril()
        own = self.segments[:, :, None] == self.segments[:, None, :]
        # A branch's own copy stands for the prompt's last token, which it must not see twice.
        ancestor = (self.parents[:, :, None] == self.segments[:, None, :]) & (
            self.positions[:, None, :] < self._branch_starts(self.segments)[:, :, None]
        )
        return ((own | ancestor) & causal)[:, None]

    def _branch_starts(self, segments: Tensor) -> Tensor:
        """(B, T) position of the first token of each token's segment."""
        is_first = torch.ones_like(segments, dtype=torch.bool)
        is_first[:, 1:] = segments[:, 1:] != segments[:, :-1]
        index = torch.arange(self.tokens.shape[1], device=self.tokens.device)
        first = torch.where(is_first, index, 0).cummax(dim=1).values
        return self.positions.gather(1, first)

    @property
    def targets(self) -> Tensor:
        """The tokens under the loss mask, row by row, (K,)."""
        return self.tokens[:, 1:][self.mask]

    def to(self, device: torch.device) -> Packed:
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        moved: dict[str, Any] = {n: a if a is None else a.to(device) for n, a in arrays.items()}
        return Packed(**moved)

    def rows(self, chosen: Tensor) -> Packed:
        """Only these rows; spans of other rows are dropped, kept ones renumbered."""
        device = self.tokens.device
        chosen = chosen.to(device)
        place = torch.full((self.tokens.shape[0],), -1, dtype=torch.long, device=device)
        place[chosen] = torch.arange(len(chosen), device=device)
        spans = self.spans[place[self.spans[:, 0]] >= 0].clone()
        spans[:, 0] = place[spans[:, 0]]
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "spans"}
        kept: dict[str, Any] = {n: a if a is None else a[chosen] for n, a in arrays.items()}
        return Packed(**kept, spans=spans)


def plain(tokens: Tensor) -> Packed:
    """Rows of one sequence each, (B, T), every token but the first trained on."""
    B, T = tokens.shape
    device = tokens.device
    return Packed(
        tokens,
        torch.arange(T, device=device).expand(B, T),
        torch.ones(B, T - 1, dtype=torch.bool, device=device),
        torch.empty(0, 3, dtype=torch.long, device=device),
    )


def pack(trees: Sequence[Tree], row_length: int, pad: int) -> Packed:
    """Put each tree into a row, first row that has room, longest trees first.

    A tree that is longer than a row is cut between branches, each part with a copy of the prompt:
    attention costs the square of a row, a copy only its tokens. Rows are `row_length` long, or as
    long as the longest part if that is longer, or as short as the fullest row. The order of spans
    is that of the trees and their branches, whatever rows they went to.
    """
    trees = [part for tree in trees for part in _parts(tree, row_length)]
    place, used = _rows_for(trees, max([row_length, *map(len, trees)]))
    B, T = len(used), max(used)
    tokens = [[pad] * T for _ in range(B)]
    positions = [list(range(T)) for _ in range(B)]
    segments = [[0] * T for _ in range(B)]
    parents = [[0] * T for _ in range(B)]
    mask = [[False] * (T - 1) for _ in range(B)]
    spans: list[tuple[int, int, int]] = []
    segment = 0
    for tree, (row, start) in zip(trees, place, strict=True):
        trunk = segment = segment + 1
        length = len(tree.prompt)
        # (where its tokens begin in the row, tokens, position of the first)
        pieces = [(start, tree.prompt, 0)]
        if tree.prompt_mask is not None:
            mask[row][start : start + length - 1] = tree.prompt_mask[1:]
        at = start + length
        masks = tree.branch_masks or [[True] * len(branch) for branch in tree.branches]
        for branch, branch_mask in zip(tree.branches, masks, strict=True):
            pieces.append((at, [tree.prompt[-1], *branch], length - 1))
            mask[row][at : at + len(branch)] = branch_mask
            spans.append((row, at, len(branch)))
            at += 1 + len(branch)
        for number, (first, ids, position) in enumerate(pieces):
            end = first + len(ids)
            segment = trunk + number
            tokens[row][first:end] = ids
            positions[row][first:end] = range(position, position + len(ids))
            segments[row][first:end] = [segment] * len(ids)
            parents[row][first:end] = [trunk] * len(ids)
    return Packed(
        torch.tensor(tokens),
        torch.tensor(positions),
        torch.tensor(mask),
        torch.tensor(spans, dtype=torch.long).view(-1, 3),
        torch.tensor(segments),
        torch.tensor(parents),
    )


def _parts(tree: Tree, row_length: int) -> list[Tree]:
    """The tree itself if it fits into a row, else as few trees as hold its branches in order; the
    prompt's own tokens are trained on in the first alone."""
    if len(tree) <= row_length or len(tree.branches) < 2:
        return [tree]
    masks = tree.branch_masks or [[True] * len(branch) for branch in tree.branches]
    parts: list[Tree] = []
    start = 0
    for end in range(1, len(tree.branches) + 1):
        first = tree.prompt_mask if not parts else None
        part = Tree(tree.prompt, tree.branches[start:end], first, masks[start:end])
        if end < len(masks) and len(part) + 1 + len(tree.branches[end]) <= row_length:
            continue
        parts.append(part)
        start = end
    return parts


def _rows_for(trees: Sequence[Tree], row_length: int) -> tuple[list[tuple[int, int]], list[int]]:
    """(row, where it begins there) of each tree, and how many tokens each row holds."""
    used: list[int] = []
    place: list[tuple[int, int]] = [(0, 0)] * len(trees)
    open_rows: list[int] = []
    for i in sorted(range(len(trees)), key=lambda i: -len(trees[i])):
        row = next((r for r in open_rows if used[r] + len(trees[i]) <= row_length), None)
        if row is None:
            row = len(used)
            used.append(0)
            open_rows.append(row)
        place[i] = (row, used[row])
        used[row] += len(trees[i])
        if row_length - used[row] < 4:
            open_rows.remove(row)
    return place, used


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


def take_actions(values: Tensor, packed: Packed) -> tuple[Tensor, Tensor]:
    """What was decided in each branch, token by token: (K,) values under the loss mask to (N, L)
    and its mask, L the most decisions of a branch; what it was told in between is left out."""
    counts, first = _actions(packed)
    L = int(counts.max()) if len(counts) else 0
    steps = torch.arange(L, device=values.device)
    mask = steps < counts[:, None]
    return values[(first[:, None] + steps).clamp_max(len(values) - 1)] * mask, mask


def put_actions(steps: Tensor, packed: Packed) -> Tensor:
    """The inverse of take_actions: (N, L) to (K,)."""
    counts, first = _actions(packed)
    index = torch.arange(steps.shape[1], device=steps.device)
    inside = index < counts[:, None]
    result = torch.zeros(int(packed.mask.sum()), dtype=steps.dtype, device=steps.device)
    result[(first[:, None] + index)[inside]] = steps[inside]
    return result


def _actions(packed: Packed) -> tuple[Tensor, Tensor]:
    """How many tokens of each branch are under the loss mask, and the place of its first among
    all of them, (N,) both."""
    row, start, length = packed.spans.unbind(dim=1)
    T = packed.mask.shape[1]
    before = torch.nn.functional.pad(packed.mask.flatten().cumsum(0), (1, 0))  # under the mask
    first = before[row * T + start]
    return before[row * T + start + length] - first, first

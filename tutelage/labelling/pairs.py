"""Rankings taken apart into pairs, which is how agreement and skill are counted."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tutelage.errors import BadInput

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """One labeler's ranking of one task's K responses; all sequences are (K,), in payload order."""

    task: Hashable
    labeler: Hashable
    ranks: Sequence[int]  # 0 best; tied responses share a rank
    shown: Sequence[int] = ()  # place on the page, 0 first; empty where it was not logged
    lengths: Sequence[int] = ()  # characters; empty where length is not to count
    items: Sequence[Hashable] = ()  # names, where a response occurs in several tasks


@dataclass(frozen=True)
class Pairs:
    """N comparisons of two items, each by one labeler. All arrays are (N,).

    Indices point into the names. A task's pairs name its items in the same order whoever labels it.
    """

    task_names: list[Hashable]
    labeler_names: list[Hashable]
    item_names: list[Hashable]
    tasks: Ints
    labelers: Ints
    first: Ints  # item
    second: Ints  # item
    preferences: Ints  # +1 the first is better, 0 tie, −1 the second
    positions: Floats  # +1 first stood at the top, second at the bottom; −1 reversed; 0 unknown
    weights: Floats  # 2/K for a ranking of K, which so counts as K − 1 comparisons
    bits: Floats  # (items,) log2 of an item's characters, 0 where unknown

    def __len__(self) -> int:
        return len(self.tasks)

    @property
    def doublings(self) -> Floats:
        """(N,) how many doublings the first is longer than the second."""
        return self.bits[self.first] - self.bits[self.second]

    def only(self, chosen: Mask | Ints) -> Pairs:
        """The chosen rows, all names kept."""
        arrays = {name: getattr(self, name)[chosen] for name in _ARRAYS}
        return replace(self, **arrays)

    def questions(self) -> Ints:
        """(N,) an index for each distinct (task, first, second): what several labelers answered."""
        columns = np.stack([self.tasks, self.first, self.second], axis=1)
        return np.unique(columns, axis=0, return_inverse=True)[1].reshape(-1)


_ARRAYS = ("tasks", "labelers", "first", "second", "preferences", "positions", "weights")


def pairs_of(rankings: Sequence[Ranking]) -> Pairs:
    """Every pair i < j of every ranking. BadInput where a ranking's sequences differ in length."""
    tasks, labelers, items = _Names(), _Names(), _Names()
    rows: list[tuple[float, ...]] = []
    bits: dict[int, float] = {}
    for ranking in rankings:
        K = len(ranking.ranks)
        for name in ("shown", "lengths", "items"):
            given = len(getattr(ranking, name))
            if given not in (0, K):
                raise BadInput(
                    f"The ranking of task {ranking.task} has {K} ranks but {given} {name}: give "
                    "one a response, or none."
                )
        task, labeler = tasks.index(ranking.task), labelers.index(ranking.labeler)
        named = ranking.items or [(ranking.task, i) for i in range(K)]
        indices = [items.index(name) for name in named]
        # An empty reply has no logarithm; as one character it is still the shorter one.
        bits |= zip(indices, np.log2(np.maximum(1, ranking.lengths)).tolist(), strict=False)
        for i, j in combinations(range(K), 2):
            gap = (ranking.shown[j] - ranking.shown[i]) / (K - 1) if ranking.shown else 0.0
            preference = np.sign(ranking.ranks[j] - ranking.ranks[i])
            rows.append((task, labeler, indices[i], indices[j], preference, gap, 2 / K))
    table = np.array(rows, dtype=np.float64).reshape(-1, len(_ARRAYS))
    columns: dict[str, Any] = {
        name: column if name in ("positions", "weights") else column.astype(np.int64)
        for name, column in zip(_ARRAYS, table.T, strict=True)
    }
    return Pairs(
        list(tasks.names),
        list(labelers.names),
        list(items.names),
        **columns,
        bits=np.array([bits.get(index, 0.0) for index in range(len(items.names))]),
    )


def totals(index: Ints, values: NDArray[Any], size: int) -> Floats:
    """(size,) the values summed by index. index, values: (N,)."""
    return np.bincount(index, weights=values, minlength=size).astype(np.float64)


class _Names:
    """Numbers names in the order in which they come."""

    def __init__(self) -> None:
        self.names: dict[Hashable, int] = {}

    def index(self, name: Hashable) -> int:
        return self.names.setdefault(name, len(self.names))

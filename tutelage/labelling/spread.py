"""How uncertain scores are: covariances of items that comparisons connect, block by block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from tutelage.labelling.pairs import Floats, Ints, totals

_BLOCK_ITEMS = 32


@dataclass(frozen=True)
class Layout:
    """Square blocks of items, one after another in a flat array; whole components make a block."""

    component: Ints  # (I,) lowest item that comparisons connect this one with
    block: Ints  # (I,)
    place: Ints  # (I,) within the block
    members: list[Ints]  # items of each block
    offsets: Ints  # (blocks + 1,) into the flat array

    def at(self, i: Ints, j: Ints) -> Ints:
        """Flat index of entry (i, j); both must lie in one block."""
        block = self.block[i]
        size = np.array([len(items) for items in self.members])[block]
        return self.offsets[block] + self.place[i] * size + self.place[j]

    def matrix(self, flat: Floats, block: int) -> Floats:
        size = len(self.members[block])
        return flat[self.offsets[block] : self.offsets[block + 1]].reshape(size, size)


def connected(first: Ints, second: Ints, items: int) -> Ints:
    """(I,) for each item the lowest index that comparisons connect it with."""
    lowest = np.arange(items)
    while True:
        before = lowest.copy()
        np.minimum.at(lowest, first, lowest[second])
        np.minimum.at(lowest, second, lowest[first])
        lowest = lowest[lowest]
        if (lowest == before).all():
            return lowest


def layout(first: Ints, second: Ints, items: int) -> Layout:
    """Components joined into blocks of some 32 items, so that small ones cost little each."""
    component = connected(first, second, items)
    _, dense, sizes = np.unique(component, return_inverse=True, return_counts=True)
    before = np.cumsum(sizes) - sizes
    block = np.unique(before // _BLOCK_ITEMS, return_inverse=True)[1][dense]
    order = np.argsort(block, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(block))[:-1])
    place = np.zeros(items, dtype=np.int64)
    for inside in members:
        place[inside] = np.arange(len(inside))
    offsets = np.cumsum([0, *(len(inside) ** 2 for inside in members)])
    return Layout(component, block, place, members, offsets)


@dataclass(frozen=True)
class Spread:
    """Covariance of scores, zero between blocks."""

    layout: Layout
    flat: Floats

    def variances(self) -> Floats:
        every = np.arange(len(self.layout.block))
        return self.flat[self.layout.at(every, every)]

    def of_gaps(self, first: Ints, second: Ints) -> Floats:
        """(N,) variance of first's score − second's."""
        own = self.variances()
        together = self.layout.block[first] == self.layout.block[second]
        both = np.zeros(len(first))
        both[together] = self.flat[self.layout.at(first[together], second[together])]
        return np.maximum(own[first] + own[second] - 2 * both, 0)

    def times(self, vector: Floats) -> Floats:
        """Covariance times a vector over the items."""
        product = np.empty_like(vector)
        for block, items in enumerate(self.layout.members):
            product[items] = self.layout.matrix(self.flat, block) @ vector[items]
        return product

    def error(self, first: Ints, second: Ints, weight: Floats, width: float) -> float:
        """How far this is from the inverse that `spread_of` finds, by what it makes of one vector
        times the precision: a share of the vector's length."""
        vector = np.random.default_rng(0).normal(size=len(self.layout.block))
        along = weight * (vector[first] - vector[second])
        product = totals(first, along, len(vector)) - totals(second, along, len(vector))
        off = self.times(product + vector / width**2) - vector
        return float(np.linalg.norm(off) / np.linalg.norm(vector))

    def sample(self, generator: np.random.Generator) -> Floats:
        """(I,) normals of this covariance."""
        values = np.empty(len(self.layout.block))
        for block, items in enumerate(self.layout.members):
            root = np.linalg.cholesky(self.layout.matrix(self.flat, block))
            values[items] = root @ generator.normal(size=len(items))
        return values


def spread_of(layout: Layout, first: Ints, second: Ints, weight: Floats, width: float) -> Spread:
    """The inverse of Σ weight (e_first − e_second)(e_first − e_second)ᵀ + 1 / width²."""
    every = np.arange(len(layout.block))
    index = [
        layout.at(first, first),
        layout.at(second, second),
        layout.at(first, second),
        layout.at(second, first),
        layout.at(every, every),
    ]
    value = [weight, weight, -weight, -weight, np.full(len(every), width**-2)]
    precision = totals(np.concatenate(index), np.concatenate(value), int(layout.offsets[-1]))
    flat = np.empty_like(precision)
    for block in range(len(layout.members)):
        # By Cholesky, in half the operations of an inverse that knows nothing of symmetry.
        root = torch.linalg.cholesky(torch.from_numpy(layout.matrix(precision, block)))
        inverse = torch.cholesky_inverse(root).numpy()
        flat[layout.offsets[block] : layout.offsets[block + 1]] = inverse.reshape(-1)
    return Spread(layout, flat)

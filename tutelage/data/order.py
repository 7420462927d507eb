"""Which examples a step sees. A pure function of the step, so a resumed run needs no position."""

from __future__ import annotations

import torch

from tutelage.device import seeded


def batch_indices(count: int, size: int, step: int, *seed: object) -> list[int]:
    """The `size` examples, of `count`, of this step: each epoch is a new order of all of them."""
    chosen: list[int] = []
    order: list[int] = []
    for index in range(step * size, (step + 1) * size):
        epoch, place = divmod(index, count)
        if not order or place == 0:
            generator = seeded(*seed, "epoch", epoch)
            order = torch.randperm(count, generator=generator).tolist()
        chosen.append(order[place])
    return chosen

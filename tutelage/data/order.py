"""Which examples a step sees, and which are kept out of training. Pure functions of the step and of
what the prompts say, so a resumed run needs no position and the order of a file means nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch

from tutelage.device import seeded
from tutelage.schema import Conversation

HELD_OUT = 1 / 8  # of the prompts that were compared or rated
SEED = 0  # of that draw, always: what one command kept out another may measure on


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


def held_out_prompts(
    prompts: Sequence[Conversation], share: float, seed: int, *, least: int = 0
) -> set[Conversation]:
    """About this share of the different prompts, at least so many, drawn by the seed and by what
    each says alone, so that it is on the same side whatever else there is. All examples of a prompt
    belong on one side: with its like in training none tells anything."""

    def drawn(prompt: Conversation) -> float:
        digest = hashlib.sha256(repr((seed, prompt)).encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64

    chances = sorted((drawn(prompt), prompt) for prompt in set(prompts))
    return {prompt for n, (chance, prompt) in enumerate(chances) if chance < share or n < least}

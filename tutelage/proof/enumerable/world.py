"""Every sequence of T tokens out of V, a reward for each, and a real GPT as the reference policy.

With V = 4 and T = 4 there are M = 256 sequences: what training estimates from samples is here a sum
over all of them. Sequences are listed in the order of counting, so those that share their first t
tokens stand together, V^(T−t) of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from tutelage.device import seeded
from tutelage.model import language_model
from tutelage.model.gpt import GPT, GPTConfig
from tutelage.schema import Outcome, Trajectory, Verdict
from tutelage.text.packing import Packed, Tree, pack, take_actions

PROMPT = 0  # the token in front of every sequence
_SIBLINGS = 16  # sequences that share a copy of the prompt


@dataclass(frozen=True)
class World:
    """sequences: (M, T). rewards: (M,), of whole sequences. reference: a GPT in float64, and
    reference_logprobs: (M, T), what it gives each token. packed: all sequences as training reads
    them. kl_coefficient: β, the price of a nat of log π − log ref. prompt: in front of each."""

    vocabulary: int
    sequences: Tensor
    rewards: Tensor
    reference: GPT
    reference_logprobs: Tensor
    packed: Packed
    kl_coefficient: float
    prompt: tuple[int, ...] = (PROMPT,)


def new_world(
    vocabulary: int = 4,
    length: int = 4,
    seed: int = 0,
    kl_coefficient: float = 0.5,
    prompt: tuple[int, ...] = (PROMPT,),
) -> World:
    """A world whose rewards and reference come from the seed.

    After a prompt of one token a GPT cannot count repetitions of that token alone: every position
    attends to equal keys and values.

    Raises ValueError where there is nothing to choose (vocabulary < 2 or length < 1).
    """
    if vocabulary < 2 or length < 1:
        raise ValueError(f"need vocabulary >= 2 and length >= 1, got {vocabulary}, {length}")
    sequences = all_sequences(vocabulary, length)
    packed = pack_sequences(sequences, prompt=prompt)
    reference = new_gpt(vocabulary, "reference", seed)
    with torch.no_grad():
        reference_logprobs = token_logprobs(reference, packed)
    # A judge's scores are float32, so these are numbers that float32 holds exactly.
    rewards = torch.randn(len(sequences), generator=seeded("exact", "rewards", seed)).double()
    return World(
        vocabulary,
        sequences,
        rewards,
        reference,
        reference_logprobs,
        packed,
        kl_coefficient,
        prompt,
    )


@cache
def small_world() -> World:
    """The world of 4^4 sequences that most exact checks are about."""
    return new_world()


def all_sequences(vocabulary: int, length: int) -> Tensor:
    """(V^T, T), the first token changing slowest."""
    return torch.cartesian_prod(*[torch.arange(vocabulary)] * length).view(-1, length)


def new_gpt(vocabulary: int, *seed: object) -> GPT:
    """Two layers, width 8, float64, no weight zero, so that every part matters."""
    gpt = GPT(GPTConfig(vocabulary=vocabulary, context=16, layers=2, heads=2, width=8))
    generator = seeded("exact", *seed)
    gpt.initialise(generator)
    for parameter in gpt.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.4, generator=generator)
    return gpt.double()


def pack_sequences(
    sequences: Tensor,
    siblings: int = _SIBLINGS,
    row_length: int = 1,
    prompt: tuple[int, ...] = (PROMPT,),
) -> Packed:
    """All sequences behind the prompt, `siblings` of them sharing a copy of it."""
    trees = [Tree(prompt, part.tolist()) for part in sequences.split(siblings)]
    return pack(trees, max(row_length, *map(len, trees)), pad=PROMPT)


def token_logprobs(gpt: GPT, packed: Packed) -> Tensor:
    """log π of each token given those before it, (N, L) in the order of packed.spans, with its
    graph; L is the longest branch, and a shorter one has 0 after its end."""
    return take_actions(language_model.token_logprobs(gpt, packed), packed)[0]


def judged_trajectories(
    world: World,
    chosen: Tensor | None = None,
    logprobs: Tensor | None = None,
    score: Callable[[float], float] = float,
) -> list[Trajectory]:
    """Sequences as if they had been sampled and judged, in groups as they are packed.

    chosen: (N,) which of the world's sequences; default: each once. logprobs: (N, T) of the policy
    that sampled them; default: the reference. score: a sequence's reward to the judge's score.
    """
    chosen = torch.arange(len(world.sequences)) if chosen is None else chosen
    logprobs = world.reference_logprobs[chosen] if logprobs is None else logprobs
    sampled = zip(
        world.sequences[chosen].tolist(),
        logprobs.tolist(),
        world.rewards[chosen].tolist(),
        strict=True,
    )
    return [
        Trajectory.of_reply(
            prompt=(),
            prompt_tokens=world.prompt,
            response_tokens=tokens,
            logprobs=scored,
            response="",
            terminated=True,
            group=i // _SIBLINGS,
            verdict=Verdict(score(reward), Outcome.SUCCESS),
        )
        for i, (tokens, scored, reward) in enumerate(sampled)
    ]

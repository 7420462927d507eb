"""Random examples of a given shape, made by a seed, and the model shape of the comparisons."""

from __future__ import annotations

import random
from collections.abc import Sequence

import tokenizers
import torch

from tutelage.device import seeded
from tutelage.model.gpt import GPT, GPTConfig
from tutelage.schema import Comparison, Demonstration, Message, ask
from tutelage.text.tokenizer import SPECIAL, Tokenizer

VOCABULARY, WIDTH, LAYERS, HEADS, CONTEXT = 1024, 192, 4, 4, 128


def word_tokenizer(vocabulary: int = VOCABULARY) -> Tokenizer:
    """One token a word: `w7 w8 …`, so that both sides count the same tokens."""
    words = [*SPECIAL, *(f"w{i}" for i in range(len(SPECIAL), vocabulary))]
    inner = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: i for i, word in enumerate(words)}, unk_token=SPECIAL[0])
    )
    inner.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    return Tokenizer(inner)


def words(rng: random.Random, count: int) -> str:
    return " ".join(f"w{rng.randrange(len(SPECIAL), VOCABULARY)}" for _ in range(count))


def demonstrations(count: int, seed: int) -> list[Demonstration]:
    """Requests of 12 to 40 tokens answered in 4 to 40."""
    rng = random.Random(seed)
    return [
        Demonstration(
            (
                Message("user", words(rng, rng.randint(12, 40))),
                Message("assistant", words(rng, rng.randint(4, 40))),
            )
        )
        for _ in range(count)
    ]


def comparisons(count: int, responses: int, seed: int) -> list[Comparison]:
    """Requests of 12 to 40 tokens, each with `responses` ranked replies of 4 to 40, no ties."""
    rng = random.Random(seed)
    return [
        Comparison(
            ask(words(rng, rng.randint(12, 40))),
            tuple(words(rng, rng.randint(4, 40)) for _ in range(responses)),
            tuple((i,) for i in range(responses)),
        )
        for _ in range(count)
    ]


def our_gpt(seed: int, width: int = WIDTH, layers: int = LAYERS, heads: int = HEADS) -> GPT:
    config = GPTConfig(
        vocabulary=VOCABULARY, context=CONTEXT, layers=layers, heads=heads, width=width
    )
    gpt = GPT(config).initialise(seeded(seed, "benchmark"))
    # A zero head would sample uniformly at no risk of rounding; a real policy has a real head.
    with torch.no_grad():
        gpt.head.weight.normal_(std=0.02, generator=seeded(seed, "head"))
    return gpt


def even_share(ids: Sequence[int]) -> float:
    """The reward of the reinforcement benchmark: the share of even token ids."""
    return sum(token % 2 == 0 for token in ids) / max(1, len(ids))

"""A streamed reply is the reply that the batched sampler gives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from tests.conftest import tiny_gpt
from tutelage.rollout.sampler import ModelSampler, Sampling
from tutelage.rollout.streaming import stream_text
from tutelage.text.tokenizer import Tokenizer


class Recorded:
    """A sampler that says what it is told to."""

    def __init__(self, tokens: list[int]) -> None:
        self.tokens = tokens

    def stream(self, *_: object) -> Iterator[tuple[int, None]]:
        return ((token, None) for token in self.tokens)


@pytest.mark.parametrize("seed", range(3))
def test_a_greedy_stream_equals_the_batch(seed: int) -> None:
    gpt, prompt = tiny_gpt(seed=seed), [5, 17, 42, 99]
    sampling = Sampling(max_new_tokens=12, temperature=0)
    sampler = ModelSampler(gpt, frozenset({2}))
    [[sample]] = sampler.sample([prompt], 1, sampling, torch.Generator())
    assert [token for token, _ in sampler.stream(prompt, sampling)] == sample.tokens


def test_stream_ends_with_the_stop_token() -> None:
    gpt, sampling = tiny_gpt(), Sampling(max_new_tokens=12, temperature=0)
    tokens = [token for token, _ in ModelSampler(gpt, frozenset({2})).stream([5, 17], sampling)]
    stop = tokens[3]
    sampler = ModelSampler(gpt, frozenset({2, stop}))
    again = [token for token, _ in sampler.stream([5, 17], sampling)]
    assert again == tokens[: tokens.index(stop) + 1]


def test_samples_depend_on_their_generator_alone() -> None:
    gpt, sampling = tiny_gpt(), Sampling(max_new_tokens=12)

    def draw(seed: int) -> list[int]:
        generator = torch.Generator().manual_seed(seed)
        sampler = ModelSampler(gpt, frozenset({2}))
        return [token for token, _ in sampler.stream([5], sampling, generator)]

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


def test_a_character_of_several_tokens_comes_whole(
    tokenizer: Tokenizer,
) -> None:
    text = "nö → 🙂 ok"
    tokens = tokenizer.encode(text)
    pieces = list(stream_text(Recorded(tokens), tokenizer, [5], Sampling()))
    assert "".join(pieces) == text
    assert all("\ufffd" not in piece for piece in pieces)


def test_a_broken_character_at_the_end_is_shown(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.encode("a🙂")[:-1]
    text = "".join(stream_text(Recorded(tokens), tokenizer, [5], Sampling()))
    assert text == tokenizer.decode(tokens)
    assert text.endswith("\ufffd")

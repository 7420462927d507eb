"""A streamed reply is the reply that the batched engine gives."""

from __future__ import annotations

import pytest
import torch

from tests.conftest import tiny_gpt
from tutelage.rollout import stream
from tutelage.rollout.engine import Sampling, generate
from tutelage.text.tokenizer import Tokenizer


@pytest.mark.parametrize("seed", range(3))
def test_greedy_stream_equals_the_engine(seed: int) -> None:
    gpt, prompt = tiny_gpt(seed=seed), [5, 17, 42, 99]
    sampling = Sampling(max_new_tokens=12, temperature=0)
    [[sample]] = generate(gpt, [prompt], 1, 2, sampling, torch.Generator())
    assert list(stream.stream_tokens(gpt, prompt, 2, sampling)) == sample.tokens


def test_stream_ends_with_the_stop_token() -> None:
    gpt, sampling = tiny_gpt(), Sampling(max_new_tokens=12, temperature=0)
    tokens = list(stream.stream_tokens(gpt, [5, 17], 2, sampling))
    stop = tokens[3]
    again = list(stream.stream_tokens(gpt, [5, 17], stop, sampling))
    assert again == tokens[: tokens.index(stop) + 1]


def test_samples_depend_on_their_generator_alone() -> None:
    gpt, sampling = tiny_gpt(), Sampling(max_new_tokens=12)

    def draw(seed: int) -> list[int]:
        generator = torch.Generator().manual_seed(seed)
        return list(stream.stream_tokens(gpt, [5], 2, sampling, generator))

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


def test_a_character_of_several_tokens_comes_whole(
    tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "nö → 🙂 ok"
    tokens = tokenizer.encode(text)
    monkeypatch.setattr(stream, "stream_tokens", lambda *_: iter(tokens))
    pieces = list(stream.stream_text(tiny_gpt(), tokenizer, [5], Sampling()))
    assert "".join(pieces) == text
    assert all("\ufffd" not in piece for piece in pieces)


def test_a_broken_character_at_the_end_is_shown(tokenizer: Tokenizer, monkeypatch) -> None:
    tokens = tokenizer.encode("a🙂")[:-1]
    monkeypatch.setattr(stream, "stream_tokens", lambda *_: iter(tokens))
    text = "".join(stream.stream_text(tiny_gpt(), tokenizer, [5], Sampling()))
    assert text == tokenizer.decode(tokens)
    assert text.endswith("\ufffd")

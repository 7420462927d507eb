"""One reply, piece by piece as it is sampled: what a person who waits wants to see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from tutelage.model.gpt import GPT, KeyValueCache
from tutelage.rollout.engine import Sampling
from tutelage.text.chat_format import decode_reply
from tutelage.text.tokenizer import Tokenizer

_UNFINISHED = "\ufffd"  # what the decoder gives for bytes that are not yet a whole character


@torch.inference_mode()
def stream_drawn(
    gpt: GPT,
    prompt: Sequence[int],
    stop: int | frozenset[int],
    sampling: Sampling,
    generator: torch.Generator | None = None,
) -> Iterator[tuple[int, Tensor]]:
    """Token ids of a reply to `prompt`, each with the model's logits (V,) for its place; ends
    after a stop token or at the length limit."""
    like = gpt.embedding.weight
    stops = {stop} if isinstance(stop, int) else stop
    cache = KeyValueCache(gpt.config, 1, len(prompt) + sampling.max_new_tokens, like)
    hidden = gpt(torch.tensor([list(prompt)], device=like.device), cache=cache)
    before = [prompt[-1], prompt[-2] if len(prompt) > 1 else 0]
    for step in range(sampling.max_new_tokens):
        logits = gpt.head(hidden[0, -1]).float()
        if sampling.temperature == 0:
            token = int(logits.argmax())
        else:
            shares = (logits / sampling.temperature).softmax(dim=-1).cpu()
            token = int(torch.multinomial(shares, 1, generator=generator))
        yield token, logits
        if token in stops or step + 1 == sampling.max_new_tokens:
            return
        new, position, previous = (
            torch.tensor([[value]], device=like.device) for value in (token, cache.length, before)
        )
        hidden = gpt(new, position, cache=cache, previous=previous)
        before = [token, before[0]]


def stream_tokens(
    gpt: GPT,
    prompt: Sequence[int],
    stop: int,
    sampling: Sampling,
    generator: torch.Generator | None = None,
) -> Iterator[int]:
    """Token ids of a reply to `prompt`; ends after the stop token or at the length limit."""
    for token, _ in stream_drawn(gpt, prompt, stop, sampling, generator):
        yield token


def stream_text(
    gpt: GPT,
    tokenizer: Tokenizer,
    prompt: Sequence[int],
    sampling: Sampling,
    generator: torch.Generator | None = None,
) -> Iterator[str]:
    """The reply's text in pieces; a character of several tokens comes when it is whole."""
    tokens: list[int] = []
    shown = 0
    for token in stream_tokens(gpt, prompt, tokenizer.end, sampling, generator):
        tokens.append(token)
        text = decode_reply(tokenizer, tokens)
        ready = len(text.rstrip(_UNFINISHED))
        if ready > shown:
            yield text[shown:ready]
            shown = ready
    rest = decode_reply(tokenizer, tokens)[shown:]
    if rest:
        yield rest

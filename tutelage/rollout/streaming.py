"""One reply as text, piece by piece as it is sampled: what a person who waits wants to see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from tutelage.protocols import ChatTokenizer
from tutelage.rollout.sampler import ModelSampler, Sampling

UNFINISHED = "\ufffd"  # what the decoder gives for bytes that are not yet a whole character


def stream_text(
    sampler: ModelSampler,
    tokenizer: ChatTokenizer,
    prompt: Sequence[int],
    sampling: Sampling,
    generator: torch.Generator | None = None,
) -> Iterator[str]:
    """The reply's text in pieces; a character of several tokens comes when it is whole."""
    tokens: list[int] = []
    shown = 0
    for token, _ in sampler.stream(prompt, sampling, generator):
        tokens.append(token)
        text = tokenizer.decode_reply(tokens)
        ready = len(text.rstrip(UNFINISHED))
        if ready > shown:
            yield text[shown:ready]
            shown = ready
    rest = tokenizer.decode_reply(tokens)[shown:]
    if rest:
        yield rest

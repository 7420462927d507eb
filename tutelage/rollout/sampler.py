"""Batched sampling with a cache.

Each distinct prompt is read once, however many samples are drawn from it; rows that are finished
leave the batch. Kept for every sampled token: its id and the behaviour policy's log-probability.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn

from tutelage.model.fused import at_least_float32
from tutelage.model.language_model import LanguageModel

# Rows leave the batch in bulk, so that little of the cache is copied.
_COMPACT_BELOW = 0.85
# Rows of one batch: bounds the cache (2 × layers × width × slots × 4 bytes a row).
_ROWS_AT_ONCE = 512


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How replies are drawn. temperature 0 is greedy."""

    max_new_tokens: int = 48
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.temperature < 0 or self.max_new_tokens < 1:
            raise ValueError(f"need temperature >= 0 and max_new_tokens >= 1, got {self}")


@dataclass
class Sample:
    """tokens: the stop token included where it was sampled. One logprob a token."""

    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finished: bool = False


class Sampler(Protocol):
    """Prompts to tokens with the log-probabilities of what sampled them: our own model, or a
    server."""

    @property
    def context(self) -> int:
        """Longest sequence in tokens."""

    def sample(
        self,
        prompts: Sequence[Sequence[int]],
        samples_per_prompt: int,
        sampling: Sampling,
        generator: torch.Generator,
    ) -> list[list[Sample]]:
        """For each prompt `samples_per_prompt` samples, each ended by a stop token or the limit."""


class ModelSampler:
    """A language model that speaks, in `dtype` if that is given: its weights then are rounded once
    a call."""

    def __init__(
        self, model: LanguageModel, stops: frozenset[int], dtype: torch.dtype | None = None
    ) -> None:
        self.model, self.stops, self.dtype = model, stops, dtype or model.dtype

    @property
    def context(self) -> int:
        return self.model.context

    def sample(
        self,
        prompts: Sequence[Sequence[int]],
        samples_per_prompt: int,
        sampling: Sampling,
        generator: torch.Generator,
    ) -> list[list[Sample]]:
        """As Sampler's. Prompts of similar length are read together, so little is padding."""
        model = _rounded(self.model, self.dtype)
        samples: list[list[Sample]] = [[] for _ in prompts]
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        at_once = max(1, _ROWS_AT_ONCE // samples_per_prompt)
        for start in range(0, len(order), at_once):
            chosen = order[start : start + at_once]
            drawn = [Sample() for _ in range(len(chosen) * samples_per_prompt)]
            read = [prompts[i] for i in chosen]
            for step in decode(model, read, samples_per_prompt, self.stops, sampling, generator):
                for index, token, logprob in zip(
                    step.rows, step.tokens, step.logprobs, strict=True
                ):
                    drawn[index].tokens.append(token)
                    drawn[index].logprobs.append(logprob)
                    drawn[index].finished = token in self.stops
            for place, i in enumerate(chosen):
                samples[i] = drawn[place * samples_per_prompt : (place + 1) * samples_per_prompt]
        return samples

    def stream(
        self, prompt: Sequence[int], sampling: Sampling, generator: torch.Generator | None = None
    ) -> Iterator[tuple[int, Tensor]]:
        """Token ids of one reply as they are sampled, each with the model's logits (V,) for its
        place; ends after a stop token or at the length limit."""
        model = _rounded(self.model, self.dtype)
        for step in decode(model, [prompt], 1, self.stops, sampling, generator):
            yield step.tokens[0], step.logits[0]


@dataclass(frozen=True)
class Step:
    """One more token in each row that is not finished. rows: their numbers, those of a prompt side
    by side; logits: (rows, V), before the temperature."""

    rows: list[int]
    tokens: list[int]
    logprobs: list[float]
    logits: Tensor


@torch.inference_mode()
def decode(
    model: LanguageModel,
    prompts: Sequence[Sequence[int]],
    samples_per_prompt: int,
    stops: frozenset[int],
    sampling: Sampling,
    generator: torch.Generator | None,
) -> Iterator[Step]:
    """Replies to all prompts, a token at a time, until each has a stop token or is at the limit."""
    device = model.device
    P, G = len(prompts), samples_per_prompt
    lengths = torch.tensor([len(prompt) for prompt in prompts])
    longest = int(lengths.max())
    padded = torch.zeros(P, longest, dtype=torch.long)
    for row, prompt in enumerate(prompts):
        padded[row, : len(prompt)] = torch.tensor(prompt)
    last, cache = model.read(padded.to(device), lengths.to(device))
    last = last.repeat_interleave(G, dim=0)
    cache = cache.repeated(G, longest + sampling.max_new_tokens)
    live = list(range(P * G))  # sample of each row of the batch
    finished = [False] * (P * G)
    for step in range(sampling.max_new_tokens):
        # The product is in float32: its rounding would be that of every log-probability.
        logits = model.logits(at_least_float32(last))
        chosen, logprobs = _draw(logits, sampling.temperature, generator)
        tokens = chosen.tolist()
        speaks = [row for row, index in enumerate(live) if not finished[index]]
        drawn = logprobs.tolist()
        yield Step(
            [live[row] for row in speaks],
            [tokens[row] for row in speaks],
            [drawn[row] for row in speaks],
            logits[speaks] if len(speaks) < len(live) else logits,
        )
        for row in speaks:
            finished[live[row]] = tokens[row] in stops
        keep = [row for row in speaks if not finished[live[row]]]
        if not keep or step + 1 == sampling.max_new_tokens:
            return
        if len(keep) < _COMPACT_BELOW * len(live):
            # Live rows from the end fill the gaps that finished ones leave among the first.
            count = len(keep)
            gaps = sorted(set(range(count)).difference(keep))
            late = keep[count - len(gaps) :]
            cache.keep(gaps, late, count)
            kept = list(range(count))
            for gap, row in zip(gaps, late, strict=True):
                kept[gap] = row
            chosen = chosen[kept]
            live = [live[row] for row in kept]
        last = model.extend(chosen, cache)


def _draw(
    logits: Tensor, temperature: float, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """A token of each row, and its log-probability at this temperature: (B,) both."""
    logprobs = (logits if temperature == 0 else logits / temperature).log_softmax(dim=-1)
    if temperature == 0:
        chosen = logprobs.argmax(dim=-1)
    else:
        # The inverse of the distribution function takes one random number a row.
        reached = logprobs.exp().cumsum(dim=-1)
        drawn = torch.rand(len(reached), 1, generator=generator).to(reached) * reached[:, -1:]
        chosen = torch.searchsorted(reached, drawn, right=True)[:, 0]
        chosen = chosen.clamp_max(reached.shape[1] - 1)
    return chosen, logprobs.gather(1, chosen[:, None])[:, 0]


def _rounded(model: LanguageModel, dtype: torch.dtype) -> LanguageModel:
    """The model itself, or a copy whose weights are rounded; buffers, such as rotary frequencies,
    keep their format."""
    if dtype == model.dtype:
        return model
    rounded = copy.deepcopy(model)
    for module in rounded.modules():
        for name, parameter in module.named_parameters(recurse=False):
            setattr(module, name, nn.Parameter(parameter.detach().to(dtype), requires_grad=False))
    return rounded

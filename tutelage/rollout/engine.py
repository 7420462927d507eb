"""Batched sampling with a key-value cache.

Each distinct prompt is read once, however many samples are drawn from it; rows that are finished
leave the batch. Kept for every sampled token: its id and the behaviour policy's log-probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from tutelage.model.gpt import GPT, KeyValueCache

# Rows leave the batch in bulk, so that little of the cache is copied.
_COMPACT_BELOW = 0.85


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


@torch.inference_mode()
def generate(
    gpt: GPT,
    prompts: Sequence[Sequence[int]],
    samples_per_prompt: int,
    stop: int,
    sampling: Sampling,
    generator: torch.Generator,
) -> list[list[Sample]]:
    """For each prompt, `samples_per_prompt` samples, each ended by `stop` or the length limit."""
    device = gpt.embedding.weight.device
    P, G = len(prompts), samples_per_prompt
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
    longest = int(lengths.max())
    padded = torch.zeros(P, longest, dtype=torch.long)
    for row, prompt in enumerate(prompts):
        padded[row, : len(prompt)] = torch.tensor(prompt)
    slots = longest + sampling.max_new_tokens
    read = KeyValueCache(gpt.config, P, longest, gpt.embedding.weight)
    hidden = gpt(padded.to(device), cache=read)
    last = hidden[torch.arange(P, device=device), lengths - 1]  # (P, D)
    cache = KeyValueCache(gpt.config, P * G, slots, gpt.embedding.weight)
    cache.fill(read)

    samples = [[Sample() for _ in range(G)] for _ in range(P)]
    flat = [sample for group in samples for sample in group]
    rows = torch.arange(P, device=device).repeat_interleave(G)  # prompt of each live row
    live = list(range(P * G))  # sample of each live row
    last = last[rows]
    # Slots between a prompt's end and the longest prompt's end hold padding.
    slot = torch.arange(slots, device=device)
    usable = (slot < lengths[rows][:, None]) | (slot >= longest)
    positions = lengths[rows]
    ends = [[prompt[-1], prompt[-2] if len(prompt) > 1 else 0] for prompt in prompts]
    previous = torch.tensor(ends, device=device)[rows]  # the two tokens before the next one
    greedy = sampling.temperature == 0
    for step in range(sampling.max_new_tokens):
        logits = gpt.head(last).float()
        logprobs = (logits if greedy else logits / sampling.temperature).log_softmax(dim=-1)
        if greedy:
            chosen = logprobs.argmax(dim=-1)
        else:
            # The inverse of the distribution function takes one random number a row.
            reached = logprobs.exp().cumsum(dim=-1)
            drawn = torch.rand(len(reached), 1, generator=generator).to(device) * reached[:, -1:]
            chosen = torch.searchsorted(reached, drawn, right=True)[:, 0]
            chosen = chosen.clamp_max(reached.shape[1] - 1)
        chosen_logprobs = logprobs.gather(1, chosen[:, None])[:, 0].tolist()
        ids = chosen.tolist()
        keep: list[int] = []
        for row, (index, token) in enumerate(zip(live, ids, strict=True)):
            sample = flat[index]
            if sample.finished:
                continue
            sample.tokens.append(token)
            sample.logprobs.append(chosen_logprobs[row])
            sample.finished = token == stop
            if not sample.finished:
                keep.append(row)
        if not keep or step + 1 == sampling.max_new_tokens:
            break
        if len(keep) < _COMPACT_BELOW * len(live):
            # Live rows from the end fill the gaps that finished ones leave among the first.
            count = len(keep)
            gaps = sorted(set(range(count)).difference(keep))
            late = keep[count - len(gaps) :]
            kept = torch.arange(count, device=device)
            kept[gaps] = torch.tensor(late, device=device, dtype=torch.long)
            cache.move(gaps, late, count)
            chosen, usable, positions = chosen[kept], usable[kept], positions[kept]
            previous = previous[kept]
            live = [live[row] for row in kept.tolist()]
        attend = usable[:, None, None, : cache.length + 1]
        last = gpt(chosen[:, None], positions[:, None], attend, cache, previous[:, None])[:, 0]
        previous = torch.stack([chosen, previous[:, 0]], dim=1)
        positions = positions + 1
    return samples

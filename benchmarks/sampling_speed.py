"""Sampling: new tokens a second from 64 different prompts, against transformers' generate."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import peers
import torch
import tyro
from common import fastest_setting, in_turn, print_result, seconds_a_call, versions
from transformers import GPT2LMHeadModel
from workloads import VOCABULARY, our_gpt

from tutelage.device import seeded
from tutelage.rollout.engine import Sampling, generate

WIDTH, LAYERS, HEADS = 512, 8, 8
NEVER = -1  # no token stops a sample, so both sides sample as many tokens


@dataclass(frozen=True, kw_only=True)
class Settings:
    repeats: int = 5
    batch: int = 64
    prompt_tokens: int = 32
    new_tokens: int = 64
    seed: int = 0


def peer_call(settings: Settings, prompts: torch.Tensor, choice: str) -> float:
    """Seconds to sample once with the format, attention and cache that `choice` names."""
    numbers, attention, cache = choice.split(", ")
    config = peers.gpt2_config(WIDTH, LAYERS, HEADS, settings.prompt_tokens + settings.new_tokens)
    config._attn_implementation = attention
    model = GPT2LMHeadModel(config).to(getattr(torch, numbers)).eval()
    how: dict[str, Any] = {
        "max_new_tokens": settings.new_tokens,
        "do_sample": True,
        "top_k": 0,
        "eos_token_id": None,
        "pad_token_id": 0,
        "cache_implementation": cache,
    }
    mask = torch.ones_like(prompts)

    def call() -> None:
        sampled = model.generate(prompts, attention_mask=mask, **how)
        assert sampled.shape[1] == settings.prompt_tokens + settings.new_tokens

    return seconds_a_call(call, warm_up=0 if numbers == "bfloat16" else 1, calls=1)


def main(settings: Settings) -> None:
    rng = random.Random(settings.seed)
    prompts = [
        [rng.randrange(VOCABULARY) for _ in range(settings.prompt_tokens)]
        for _ in range(settings.batch)
    ]
    as_tensor = torch.tensor(prompts)
    gpt = our_gpt(settings.seed, WIDTH, LAYERS, HEADS)
    sampling = Sampling(max_new_tokens=settings.new_tokens)

    def call() -> None:
        groups = generate(gpt, prompts, 1, NEVER, sampling, seeded(settings.seed))
        assert all(len(sample.tokens) == settings.new_tokens for (sample,) in groups)

    choices = [
        f"{numbers}, {attention}, {cache}"
        for numbers in ("float32", "bfloat16")
        for attention in ("sdpa", "eager")
        for cache in ("dynamic", "static")
    ]
    best, tried = fastest_setting(
        {c: lambda c=c: peer_call(settings, as_tensor, c) for c in choices}  # type: ignore[misc]
    )
    tokens = settings.batch * settings.new_tokens
    ours, theirs = in_turn(
        lambda: tokens / seconds_a_call(call, warm_up=1, calls=1),
        lambda: tokens / peer_call(settings, as_tensor, best),
        settings.repeats,
    )
    print_result(
        "Sampling speed",
        "new tokens/s",
        ours,
        theirs,
        versions("transformers"),
        target=2.5,
        seed=settings.seed,
        shape={"width": WIDTH, "layers": LAYERS, "heads": HEADS, "vocabulary": VOCABULARY},
        batch=settings.batch,
        prompt_tokens=settings.prompt_tokens,
        new_tokens=settings.new_tokens,
        peer_setting=best,
        peer_seconds=tried,
    )


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))

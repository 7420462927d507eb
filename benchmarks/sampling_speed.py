"""Sampling: new tokens a second from 64 different prompts, against transformers' generate.

`shared_prompts` is the same for 8 prompts of 8 samples, as reinforcement draws them: our engine
reads such a prompt once.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from statistics import median
from typing import Any

import peers
import torch
import tyro
from common import against, fastest_setting, in_turn, print_result, seconds_a_call, versions
from transformers import GPT2LMHeadModel
from workloads import VOCABULARY, our_gpt

from tutelage.device import seeded
from tutelage.rollout.sampler import ModelSampler, Sampling

WIDTH, LAYERS, HEADS = 512, 8, 8
FORMATS = ("float32", "bfloat16")
SETTINGS = ("sdpa, dynamic", "sdpa, static", "eager, dynamic", "eager, static")
SHARED = 8  # samples of a prompt, where prompts are shared
NEVER = -1  # no token stops a sample, so both sides sample as many tokens


@dataclass(frozen=True, kw_only=True)
class Settings:
    repeats: int = 5
    batch: int = 64
    prompt_tokens: int = 32
    new_tokens: int = 64
    seed: int = 0


def peer_call(
    settings: Settings,
    prompts: torch.Tensor,
    samples: int,
    choice: str,
    new_tokens: int,
    warm_up: int = 1,
) -> float:
    """Seconds to draw `samples` of each prompt in the format, attention and cache of `choice`."""
    numbers, attention, cache = choice.split(", ")
    config = peers.gpt2_config(WIDTH, LAYERS, HEADS, settings.prompt_tokens + new_tokens)
    config._attn_implementation = attention
    model = GPT2LMHeadModel(config).to(getattr(torch, numbers)).eval()
    how: dict[str, Any] = {
        "max_new_tokens": new_tokens,
        "do_sample": True,
        "top_k": 0,
        "eos_token_id": None,
        "pad_token_id": 0,
        "cache_implementation": cache,
        "num_return_sequences": samples,
    }
    mask = torch.ones_like(prompts)

    def call() -> None:
        sampled = model.generate(prompts, attention_mask=mask, **how)
        assert sampled.shape == (settings.batch, settings.prompt_tokens + new_tokens)

    return seconds_a_call(call, warm_up=warm_up, calls=1)


def main(settings: Settings) -> None:
    rng = random.Random(settings.seed)
    prompts = [
        [rng.randrange(VOCABULARY) for _ in range(settings.prompt_tokens)]
        for _ in range(settings.batch)
    ]
    as_tensor = torch.tensor(prompts)
    gpt = our_gpt(settings.seed, WIDTH, LAYERS, HEADS)
    sampling = Sampling(max_new_tokens=settings.new_tokens)

    def our_rate(samples: int) -> float:
        chosen = prompts[: settings.batch // samples]

        def call() -> None:
            groups = ModelSampler(gpt, frozenset({NEVER})).sample(
                chosen, samples, sampling, seeded(settings.seed)
            )
            assert all(len(s.tokens) == settings.new_tokens for group in groups for s in group)

        return tokens / seconds_a_call(call, warm_up=1, calls=1)

    def peer_rate(samples: int) -> float:
        chosen = as_tensor[: settings.batch // samples]
        return tokens / peer_call(settings, chosen, samples, best, settings.new_tokens)

    tokens = settings.batch * settings.new_tokens

    def seconds(choice: str, new_tokens: int, warm_up: int = 1) -> float:
        return peer_call(settings, as_tensor, 1, choice, new_tokens, warm_up)

    # The format first, on few tokens and cold: where the processor emulates bfloat16 it takes
    # minutes.
    formats = [f"{numbers}, {SETTINGS[0]}" for numbers in FORMATS]
    few = {f"{f}, 4 tokens": lambda f=f: seconds(f, 4, 0) for f in formats}  # type: ignore[misc]
    format_, tried = fastest_setting(few)
    choices = [f"{format_.split(', ')[0]}, {setting}" for setting in SETTINGS]
    best, again = fastest_setting(
        {c: lambda c=c: seconds(c, settings.new_tokens) for c in choices}  # type: ignore[misc]
    )
    ours, theirs = in_turn(lambda: our_rate(1), lambda: peer_rate(1), settings.repeats)
    shared = in_turn(lambda: our_rate(SHARED), lambda: peer_rate(SHARED), settings.repeats)
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
        peer_seconds=tried | again,
        shared_prompts={"ours": round(median(shared[0]), 1), **against(*shared)},
    )


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))

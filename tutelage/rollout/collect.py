"""From prompts to trajectories: what the policy said, token by token, as it was sampled."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tutelage.model.gpt import GPT
from tutelage.rollout.engine import Sampling, generate
from tutelage.schema import Conversation, Trajectory
from tutelage.text.chat_format import decode_reply, encode_prompt
from tutelage.text.tokenizer import Tokenizer

# Prompts of one call to the engine: bounds the cache (2 × layers × width × slots × 4 bytes a row).
_ROWS_AT_ONCE = 512


def collect(
    gpt: GPT,
    tokenizer: Tokenizer,
    prompts: Sequence[Conversation],
    samples_per_prompt: int,
    sampling: Sampling,
    generator: torch.Generator,
    *,
    tasks: Sequence[object] | None = None,
    policy_version: int = 0,
) -> list[Trajectory]:
    """`samples_per_prompt` trajectories of each prompt, prompt by prompt; `group` counts prompts.

    Prompts of similar length are read together, so little of the cache is padding.
    """
    encoded = [encode_prompt(tokenizer, prompt) for prompt in prompts]
    order = sorted(range(len(prompts)), key=lambda i: len(encoded[i]))
    at_once = max(1, _ROWS_AT_ONCE // samples_per_prompt)
    found: dict[int, list[Trajectory]] = {}
    for start in range(0, len(order), at_once):
        chosen = order[start : start + at_once]
        groups = generate(
            gpt,
            [encoded[i] for i in chosen],
            samples_per_prompt,
            tokenizer.end,
            sampling,
            generator,
        )
        for i, group in zip(chosen, groups, strict=True):
            found[i] = [
                Trajectory(
                    prompt=prompts[i],
                    prompt_tokens=encoded[i],
                    response_tokens=sample.tokens,
                    logprobs=sample.logprobs,
                    response=decode_reply(tokenizer, sample.tokens),
                    terminated=sample.finished,
                    truncated=not sample.finished,
                    policy_version=policy_version,
                    group=i,
                    task=tasks[i] if tasks is not None else None,
                )
                for sample in group
            ]
    return [trajectory for i in range(len(prompts)) for trajectory in found[i]]

"""A conversation as a Gymnasium environment: messages are observations, replies are actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import gymnasium
import torch
from gymnasium.spaces import Space, Text

from tutelage.model.language_model import LanguageModel
from tutelage.protocols import ChatTokenizer
from tutelage.rollout.collect import collect
from tutelage.rollout.sampler import ModelSampler, Sampling
from tutelage.schema import Conversation, Message, Trajectory

Answer = Callable[[Conversation], "tuple[Conversation, float, bool]"]


class Messages(Space[Conversation]):
    """Any messages."""

    def contains(self, x: Any) -> bool:
        return isinstance(x, tuple) and all(isinstance(message, Message) for message in x)

    def sample(self, mask: Any = None, probability: Any = None) -> Conversation:
        return (Message("user", self.np_random.choice(["yes", "no", "go on"])),)


class Chat(gymnasium.Env[Conversation, str]):
    """One conversation, from a prompt. answer: maps all messages so far, a reply last, to the next
    messages, the reply's reward and whether the conversation is over; None: it is over after one
    reply."""

    def __init__(self, prompt: Conversation, answer: Answer | None = None) -> None:
        self.prompt, self.answer = prompt, answer
        self.observation_space = Messages()
        self.action_space = Text(1_000_000, min_length=0)
        self.conversation = prompt

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Conversation, dict[str, Any]]:
        super().reset(seed=seed)
        self.conversation = self.prompt
        return self.prompt, {}

    def step(self, action: str) -> tuple[Conversation, float, bool, bool, dict[str, Any]]:
        self.conversation += (Message("assistant", action),)
        if self.answer is None:
            return (), 0.0, True, False, {}
        answer, reward, is_over = self.answer(self.conversation)
        self.conversation += answer
        return answer, reward, is_over, False, {}


def conversations(prompts: Sequence[Conversation]) -> list[Callable[[], Chat]]:
    """One that asks each prompt and takes one reply."""
    return [partial(Chat, prompt) for prompt in prompts]


def collect_replies(
    model: LanguageModel,
    tokenizer: ChatTokenizer,
    prompts: Sequence[Conversation],
    samples_per_prompt: int,
    sampling: Sampling,
    generator: torch.Generator,
    *,
    tasks: Sequence[object] | None = None,
    policy_version: int = 0,
    dtype: torch.dtype | None = None,
) -> list[Trajectory]:
    """`samples_per_prompt` replies of the model to each prompt, prompt by prompt, one turn each;
    `group` counts prompts. dtype: what it speaks in, default what its weights are in."""
    return collect(
        ModelSampler(model, tokenizer.stop_tokens, dtype),
        tokenizer,
        conversations(prompts),
        samples_per_prompt,
        sampling,
        generator,
        tasks=tasks,
        policy_version=policy_version,
    )

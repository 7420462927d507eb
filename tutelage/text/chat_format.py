"""How a conversation becomes tokens: `<|role|>` content `<|end|>`, message after message.

The assistant's content and its `<|end|>` are what a policy says; everything else is said to it.
"""

from __future__ import annotations

from collections.abc import Iterable

from tutelage.schema import Conversation, Message
from tutelage.text.tokenizer import Tokenizer


def encode_prompt(tokenizer: Tokenizer, prompt: Conversation) -> list[int]:
    """Tokens of the messages, then `<|assistant|>`: what a reply is sampled after."""
    tokens, _ = encode_conversation(tokenizer, prompt)
    return [*tokens, tokenizer.roles["assistant"]]


def encode_conversation(
    tokenizer: Tokenizer, conversation: Conversation
) -> tuple[list[int], list[bool]]:
    """Tokens, and for each whether the assistant says it (its `<|end|>` included)."""
    tokens: list[int] = []
    spoken: list[bool] = []
    for message in conversation:
        content = encode_reply(tokenizer, message.content)
        tokens += [tokenizer.roles[message.role], *content]
        spoken += [False] + [message.role == "assistant"] * len(content)
    return tokens, spoken


def encode_reply(tokenizer: Tokenizer, reply: str) -> list[int]:
    """Tokens of a finished message, stop token included. The space in front makes the first word
    the same tokens as anywhere else, so that it can be copied."""
    return [*tokenizer.encode(f" {reply}"), tokenizer.end]


def decode_reply(tokenizer: Tokenizer, tokens: Iterable[int]) -> str:
    """The text of a reply, finished or not, without the space in front."""
    return tokenizer.decode(tokens).removeprefix(" ")


def ask(request: str) -> Conversation:
    """A conversation of one user message."""
    return (Message("user", request),)

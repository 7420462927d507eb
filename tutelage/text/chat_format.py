"""How a conversation becomes tokens: `<|role|>` content `<|end|>`, message after message.

The assistant's content and its `<|end|>` are what a policy says; everything else is said to it.
"""

from __future__ import annotations

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
        content = [*tokenizer.encode(message.content), tokenizer.end]
        tokens += [tokenizer.roles[message.role], *content]
        spoken += [False] + [message.role == "assistant"] * len(content)
    return tokens, spoken


def encode_reply(tokenizer: Tokenizer, reply: str) -> list[int]:
    """Tokens of a finished reply, stop token included."""
    return [*tokenizer.encode(reply), tokenizer.end]


def ask(request: str) -> Conversation:
    """A conversation of one user message."""
    return (Message("user", request),)

"""Prompts on disk: text for a request of the user's alone, else the messages before the reply."""

from __future__ import annotations

from typing import get_args

from tutelage.data.corpus import shown
from tutelage.errors import BadInput
from tutelage.schema import Conversation, Message, Role, ask


def read_prompt(raw: object, where: str) -> Conversation:
    """What a reply is given to; `where` begins the error."""
    if isinstance(raw, str):
        return ask(raw)
    messages = read_messages(raw if isinstance(raw, list) and raw else [raw], where)
    if messages[-1].role == "assistant":
        raise BadInput(
            f"{where}: expected a prompt that ends with what is to be answered, it ends with a "
            "message of the assistant's."
        )
    return messages


def read_messages(raw: list[object], where: str) -> Conversation:
    messages = []
    for item in raw:
        role = item.get("role") if isinstance(item, dict) else None
        content = item.get("content") if isinstance(item, dict) else None
        if role not in get_args(Role) or role is None or not isinstance(content, str):
            raise BadInput(
                f"{where}: expected messages with `role` ({', '.join(get_args(Role))}) and "
                f"`content`, got {shown(item)}."
            )
        messages.append(Message(role, content))
    return tuple(messages)


def written_prompt(prompt: Conversation) -> str | list[dict[str, str]]:
    """What read_prompt reads."""
    if len(prompt) == 1 and prompt[0].role == "user":
        return prompt[0].content
    return written_messages(prompt)


def written_messages(messages: Conversation) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]

"""Demonstrations on disk, and as trees to train on."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from tutelage.data.corpus import named_keys, read_records, shown
from tutelage.errors import BadInput
from tutelage.runs import write_text
from tutelage.schema import Demonstration, Message, Role
from tutelage.text.batching import Tree
from tutelage.text.chat_format import ask, encode_conversation
from tutelage.text.tokenizer import Tokenizer


def read_demonstrations(path: Path) -> list[Demonstration]:
    """JSONL of {"messages": [{"role", "content"}, …]}, {"prompt", "completion"}, or instructions,
    {"instruction", "input", "output"}, whose input may be missing or empty: turned into a dialogue,
    a person says the instruction, a blank line and the input."""
    found = []
    for where, record in read_records(path):
        texts = {name: text for name, text in record.items() if isinstance(text, str)}
        if {"prompt", "completion"} <= texts.keys():
            found.append(_exchange(texts["prompt"], texts["completion"]))
        elif {"instruction", "output"} <= texts.keys():
            parts = [texts["instruction"].strip(), texts.get("input", "").strip()]
            found.append(_exchange("\n\n".join(filter(None, parts)), texts["output"].strip()))
        elif isinstance(record.get("messages"), list):
            found.append(Demonstration(_messages(record["messages"], where)))
        else:
            raise BadInput(
                f"{where}: expected `prompt` and `completion`, `messages`, or `instruction` and "
                f"`output`, got {named_keys(record)}."
            )
    return found


def _exchange(said: str, reply: str) -> Demonstration:
    return Demonstration((*ask(said), Message("assistant", reply)))


def mixed(
    sources: Sequence[Sequence[Demonstration]], shares: Sequence[float]
) -> list[Demonstration]:
    """As many demonstrations as the sources have together, of which each source gives its share:
    from its start, and again from there where it has too few. Shares count relative to their sum.
    """
    total, whole = sum(map(len, sources)), sum(shares)
    found: list[Demonstration] = []
    for source, share in zip(sources, shares, strict=True):
        found += itertools.islice(itertools.cycle(source), round(total * share / whole))
    return found


def _messages(raw: object, where: str) -> tuple[Message, ...]:
    messages = []
    for item in raw if isinstance(raw, list) else []:
        role = item.get("role") if isinstance(item, dict) else None
        content = item.get("content") if isinstance(item, dict) else None
        if role not in get_args(Role) or role is None or not isinstance(content, str):
            raise BadInput(
                f"{where}: expected messages with `role` ({', '.join(get_args(Role))}) and "
                f"`content`, got {shown(item)}."
            )
        messages.append(Message(role, content))
    if not any(message.role == "assistant" for message in messages):
        raise BadInput(f"{where}: expected at least one assistant message, got none.")
    return tuple(messages)


def write_demonstrations(path: Path, demonstrations: Sequence[Demonstration]) -> None:
    rows = (
        {"messages": [{"role": m.role, "content": m.content} for m in demonstration.messages]}
        for demonstration in demonstrations
    )
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def demonstration_trees(
    tokenizer: Tokenizer, demonstrations: Sequence[Demonstration], context: int
) -> list[Tree]:
    """One tree a conversation, assistant messages marked as spoken; none longer than context."""
    trees = [demonstration_tree(tokenizer, demonstration) for demonstration in demonstrations]
    for number, tree in enumerate(trees, start=1):
        if tree.longest > context:
            raise BadInput(
                f"Demonstration {number} has {tree.longest} tokens, the model's context is "
                f"{context}: shorten it, or pretrain with a longer context."
            )
    return trees


def demonstration_tree(tokenizer: Tokenizer, demonstration: Demonstration) -> Tree:
    tokens, spoken = encode_conversation(tokenizer, demonstration.messages)
    return Tree(tokens, [], spoken)

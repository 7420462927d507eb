"""Demonstrations on disk, and as trees to train on."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path

from tutelage.data.corpus import named_keys, read_records
from tutelage.data.prompts import read_messages, written_messages
from tutelage.errors import BadInput
from tutelage.protocols import ChatTokenizer
from tutelage.runs import write_text
from tutelage.schema import Conversation, Demonstration, Message, ask
from tutelage.text.packing import Tree


def read_demonstrations(path: Path) -> list[Demonstration]:
    """JSONL of {"messages": [{"role", "content"}, …]}, {"prompt", "completion"}, or instructions,
    {"instruction", "input", "output"}, whose input may be missing or empty: turned into a dialogue,
    a person says the instruction, a blank line and the input."""
    return [demonstration_of(where, record) for where, record in read_records(path)]


def demonstration_of(where: str, record: dict[str, object]) -> Demonstration:
    """The demonstration of one record; `where` begins the error."""
    texts = {name: text for name, text in record.items() if isinstance(text, str)}
    if {"prompt", "completion"} <= texts.keys():
        return _exchange(texts["prompt"], texts["completion"])
    if {"instruction", "output"} <= texts.keys():
        parts = [texts["instruction"].strip(), texts.get("input", "").strip()]
        return _exchange("\n\n".join(filter(None, parts)), texts["output"].strip())
    raw = record.get("messages")
    if not isinstance(raw, list):
        raise BadInput(
            f"{where}: expected `prompt` and `completion`, `messages`, or `instruction` and "
            f"`output`, got {named_keys(record)}."
        )
    messages = read_messages(raw, where)
    if not any(message.role == "assistant" for message in messages):
        raise BadInput(f"{where}: expected at least one assistant message, got none.")
    return Demonstration(messages)


def prompt_of(demonstration: Demonstration) -> Conversation:
    """What it begins with: its messages up to the user's first."""
    roles = [message.role for message in demonstration.messages]
    end = roles.index("user") + 1 if "user" in roles else len(roles)
    return demonstration.messages[:end]


def _exchange(said: str, reply: str) -> Demonstration:
    return Demonstration((*ask(said), Message("assistant", reply)))


def mixed(
    sources: Sequence[Sequence[Demonstration]], shares: Sequence[float]
) -> list[Demonstration]:
    """As many demonstrations as the sources have together, of which each source gives its share:
    from its start, and again from there where it has too few. Shares count relative to their sum.
    Sources take turns, so that any part holds all of them in about their shares.
    """
    total, whole = sum(map(len, sources)), sum(shares)
    placed: list[tuple[float, int, Demonstration]] = []
    for number, (source, share) in enumerate(zip(sources, shares, strict=True)):
        count = round(total * share / whole)
        given = itertools.islice(itertools.cycle(source), count)
        placed += [((place + 0.5) / count, number, one) for place, one in enumerate(given)]
    return [one for _, _, one in sorted(placed, key=lambda item: item[:2])]


def write_demonstrations(path: Path, demonstrations: Sequence[Demonstration]) -> None:
    rows = (
        {"messages": written_messages(demonstration.messages)} for demonstration in demonstrations
    )
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def demonstration_trees(
    tokenizer: ChatTokenizer, demonstrations: Sequence[Demonstration], context: int
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


def demonstration_tree(tokenizer: ChatTokenizer, demonstration: Demonstration) -> Tree:
    tokens, spoken = tokenizer.encode_conversation(demonstration.messages)
    return Tree(tokens, [], spoken)

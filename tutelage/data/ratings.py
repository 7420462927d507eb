"""Ratings on disk, and as trees to train a reward model on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tutelage.data.corpus import named_keys, read_records, shown
from tutelage.data.prompts import read_prompt, written_prompt
from tutelage.errors import BadInput
from tutelage.protocols import ChatTokenizer
from tutelage.runs import write_text
from tutelage.schema import SCALES, Comparison, Rating, Scale
from tutelage.text.packing import Tree

# What a record calls the value of each scale; those of yes and no are written as JSON has them.
KEYS: dict[str, Scale] = {"overall": "overall", "good": "thumb", "right": "answer"}
_NAMES: dict[Scale, str] = {scale: key for key, scale in KEYS.items()}


def read_ratings(path: Path) -> list[Rating]:
    """JSONL of {"prompt", "response"} and one of "overall" (1 to 7), "good" and "right" (true or
    false); "labeler", "labelled_at" and "guidelines" may be there. A prompt is text or messages."""
    return [rating_of(where, record) for where, record in read_records(path)]


def rating_of(where: str, record: dict[str, object]) -> Rating:
    """The rating of one record; `where` begins the error."""
    response = record.get("response")
    found = [key for key in KEYS if key in record]
    if "prompt" not in record or not isinstance(response, str) or len(found) != 1:
        raise BadInput(
            f"{where}: expected `prompt`, `response` and one of `overall`, `good` and `right`, "
            f"got {named_keys(record)}."
        )
    key, value = found[0], record[found[0]]
    lowest, highest = SCALES[KEYS[key]]
    is_yes_or_no = KEYS[key] != "overall"
    if not isinstance(value, int) or isinstance(value, bool) != is_yes_or_no:
        allowed = "true or false" if is_yes_or_no else f"a whole number, {lowest} to {highest}"
        raise BadInput(f"{where}: expected `{key}` to be {allowed}, got {shown(value)}.")
    try:
        return Rating(
            read_prompt(record["prompt"], where),
            response,
            int(value),
            KEYS[key],
            labeler=str(record.get("labeler", "")),
            labelled_at=str(record.get("labelled_at", "")),
            guidelines=str(record.get("guidelines", "")),
        )
    except BadInput:
        raise
    except ValueError as error:
        raise BadInput(f"{where}: {error}.") from None


def write_ratings(path: Path, ratings: Sequence[Rating]) -> None:
    """What read_ratings reads; a prompt of one user message is written as its text."""
    rows = (
        {
            "prompt": written_prompt(rating.prompt),
            "response": rating.response,
            _NAMES[rating.scale]: rating.value if rating.scale == "overall" else bool(rating.value),
            "labeler": rating.labeler,
            "labelled_at": rating.labelled_at,
            "guidelines": rating.guidelines,
        }
        for rating in ratings
    )
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def unranked(rating: Rating) -> Comparison:
    """The rated response as a comparison of one: nothing is ranked, but its tree is made alike."""
    return Comparison(rating.prompt, (rating.response,), ((0,),), rating.labeler)


def rating_trees(tokenizer: ChatTokenizer, ratings: Sequence[Rating], context: int) -> list[Tree]:
    """One tree a rating, no path longer than context."""
    trees = [
        Tree(tokenizer.encode_prompt(rating.prompt), [tokenizer.encode_reply(rating.response)])
        for rating in ratings
    ]
    for number, tree in enumerate(trees, start=1):
        if tree.longest > context:
            raise BadInput(
                f"Rating {number} has {tree.longest} tokens with its response, the model's "
                f"context is {context}: shorten it, or pretrain with a longer context."
            )
    return trees

"""Forms of the task pages: the order in which replies are shown, and fields to labels and back.

A draft is the form as it stands, {"form": {name: [texts]}}; a label that was taken back comes as
its value. Replies are named by their place on the page, never by their place in the task, so that
nothing on a page tells which model wrote what.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

from tutelage.errors import BadInput
from tutelage.labelling.records import Task
from tutelage.labelling.values import RATING_FIELDS, prompt_messages

Fields = Mapping[str, list[str]]
LETTERS = "ABCDEFGHI"
PAIRS = 6  # most examples of a few-shot demonstration


def shown_order(task: Task, labeler_id: int) -> list[int]:
    """Which reply stands at each place: random between people and tasks, the same at every look."""
    order = list(range(len(task.payload.get("responses", ()))))
    random.Random(f"{task.id} {labeler_id}").shuffle(order)
    return order


def value_of(task: Task, fields: Fields, order: list[int]) -> dict[str, Any]:
    """The label that a form gives; BadInput says which field to fill. The store checks the rest."""
    return VALUES[task.kind](task, fields, order)


def fields_of(task: Task, draft: dict[str, Any] | None, order: list[int]) -> dict[str, list[str]]:
    """What to fill a form with, from a draft; whatever cannot be read is left out."""
    if not isinstance(draft, dict):
        return {}
    kept = draft.get("form")
    if isinstance(kept, dict):
        return {
            str(name): [str(value) for value in values]
            for name, values in kept.items()
            if isinstance(values, list)
        }
    try:
        return FIELDS[task.kind](task, draft, order)
    except (KeyError, TypeError, ValueError, IndexError):
        return {}


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `4th`: a rank has one digit."""
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number, 'th') }"


def one(fields: Fields, name: str) -> str:
    """A field's text, in the line ends of everyone else; empty where it was not sent."""
    values = fields.get(name) or [""]
    return values[0].replace("\r\n", "\n")


def _rank(task: Task, fields: Fields, order: list[int]) -> dict[str, Any]:
    none = bool(one(fields, "none"))
    written = one(fields, "written").strip() if none else ""
    groups: dict[int, list[int]] = {}
    missing = []
    for place, reply in enumerate(order):
        text = one(fields, f"rank_{place}").strip()
        if not text:
            missing.append(LETTERS[place])
        elif not text.isascii() or not text.isdigit() or not 1 <= int(text[:3]) <= len(order):
            raise BadInput(
                f"The rank of reply {LETTERS[place]} must be a number from 1 to {len(order)}, "
                f"got {text[:20]!r}."
            )
        else:
            groups.setdefault(int(text), []).append(reply)
    if missing and (groups or not none):
        which = " and ".join(missing) if len(missing) < 3 else f"{len(missing)} replies"
        raise BadInput(
            f"{which} {'has' if len(missing) == 1 else 'have'} no rank yet: give each reply a "
            "number, the same one to those that are equal, or say that none is acceptable."
        )
    return {
        "ranking": [groups[number] for number in sorted(groups)],
        "none_acceptable": none,
        "written": written or None,
        "shown_order": order,
    }


def _rank_fields(task: Task, value: dict[str, Any], order: list[int]) -> dict[str, list[str]]:
    fields = {
        f"rank_{order.index(reply)}": [str(rank)]
        for rank, group in enumerate(value["ranking"], start=1)
        for reply in group
    }
    if value["none_acceptable"]:
        fields |= {"none": ["yes"], "written": [value["written"] or ""]}
    return fields


def _rate(task: Task, fields: Fields, order: list[int]) -> dict[str, Any]:
    overall = one(fields, "overall")
    if overall not in "1234567" or not overall:
        raise BadInput("Give the overall quality first: a number from 1 to 7.")
    return {
        "overall": int(overall),
        "fields": {name: bool(one(fields, name)) for name in RATING_FIELDS},
        "note": one(fields, "note").strip(),
    }


def _rate_fields(task: Task, value: dict[str, Any], order: list[int]) -> dict[str, list[str]]:
    ticked = {name: ["yes"] for name in RATING_FIELDS if value["fields"][name]}
    return {"overall": [str(value["overall"])], "note": [value["note"]], **ticked}


def _demonstrate(task: Task, fields: Fields, order: list[int]) -> dict[str, Any]:
    if prompt_messages(task.payload["prompt"]):
        return {"messages": [_message("assistant", one(fields, "reply"), "The reply")]}
    if task.payload["style"] != "few_shot":
        return {
            "messages": [
                _message("user", one(fields, "request"), "The request"),
                _message("assistant", one(fields, "reply"), "The reply"),
            ]
        }
    instruction = _message("user", one(fields, "instruction"), "The instruction")["content"]
    messages = []
    for number in range(1, PAIRS + 1):
        query, response = one(fields, f"query_{number}"), one(fields, f"response_{number}")
        if query.strip() or response.strip():
            messages.append(_message("user", query, f"Query {number}"))
            messages.append(_message("assistant", response, f"Response {number}"))
    if len(messages) < 4:
        raise BadInput("A few-shot demonstration needs at least two pairs of query and response.")
    messages[0]["content"] = f"{instruction}\n\n{messages[0]['content']}"
    return {"messages": messages}


def _demonstrate_fields(
    task: Task, value: dict[str, Any], order: list[int]
) -> dict[str, list[str]]:
    texts = [message["content"] for message in value["messages"]]
    prompt = prompt_messages(task.payload["prompt"])
    if prompt:
        return {"reply": [texts[-1]]}
    if task.payload["style"] != "few_shot":
        return {"request": [texts[0]], "reply": [texts[1]]}
    instruction, _, texts[0] = texts[0].partition("\n\n")
    fields = {"instruction": [instruction]}
    for number, place in enumerate(range(0, len(texts), 2), start=1):
        fields[f"query_{number}"] = [texts[place]]
        fields[f"response_{number}"] = [texts[place + 1]]
    return fields


def _message(role: str, text: str, what: str) -> dict[str, str]:
    if not text.strip():
        raise BadInput(f"{what} is empty: write it first.")
    return {"role": role, "content": text.strip()}


def _dialogue(task: Task, fields: Fields, order: list[int]) -> dict[str, Any]:
    try:
        dialogue = json.loads(one(fields, "dialogue") or "{}")
    except (ValueError, RecursionError):
        dialogue = None
    if not isinstance(dialogue, dict):
        raise BadInput("The dialogue could not be read; reload the page, it comes back.")
    if not dialogue.get("messages"):
        raise BadInput("The dialogue is empty: write what the person asks, then the reply.")
    return {"messages": dialogue["messages"], "suggested": dialogue.get("suggested", [])}


def _dialogue_fields(task: Task, value: dict[str, Any], order: list[int]) -> dict[str, list[str]]:
    return {"dialogue": [json.dumps(value, ensure_ascii=False)]}


VALUES = {"rank": _rank, "rate": _rate, "demonstrate": _demonstrate, "dialogue": _dialogue}
FIELDS = {
    "rank": _rank_fields,
    "rate": _rate_fields,
    "demonstrate": _demonstrate_fields,
    "dialogue": _dialogue_fields,
}

"""People, tasks and answers that the tests share."""

from __future__ import annotations

from typing import Any

from tutelage.labelling.accounts import create_labeler
from tutelage.labelling.guidelines import DEFAULT
from tutelage.labelling.queue import claim, submit
from tutelage.labelling.records import Label, Labeler, NewTask
from tutelage.labelling.store import Store
from tutelage.labelling.values import RATING_FIELDS

SEEN = DEFAULT.hash  # the guidelines that every answer here was given by
BEST_FIRST = {"ranking": [[0], [1]]}
RATED = {"overall": 5, "fields": dict.fromkeys(RATING_FIELDS, False)}


def asked(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def rank_task(number: int, **changes: Any) -> NewTask:
    payload = {"prompt": asked(f"request {number}"), "responses": ["one", "two"]}
    return NewTask(kind="rank", payload=payload, **changes)


def person(store: Store, name: str, role: str = "labeler") -> Labeler:
    return create_labeler(store, name, role, None, None)


def answer(store: Store, who: int, key: str, value: dict[str, Any] | None = None) -> Label:
    """Claim the next task and answer it."""
    lease = claim(store, who)
    assert lease is not None
    return submit(store, lease.id, who, key, value or BEST_FIRST, SEEN)

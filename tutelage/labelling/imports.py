"""Records of others brought in, as tasks of the queue or as labels. A file is read and checked
whole before anything is written; brought in again, it changes nothing."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, insert, select

from tutelage.data.comparisons import comparison_of
from tutelage.data.corpus import named_keys, read_records
from tutelage.data.demonstrations import demonstration_of
from tutelage.data.prompts import read_prompt, written_messages
from tutelage.data.ratings import KEYS, rating_of
from tutelage.errors import BadInput
from tutelage.labelling import audit
from tutelage.labelling.accounts import named_labeler
from tutelage.labelling.labels import CHUNK, write_label
from tutelage.labelling.records import LABEL_KINDS, TASK_KINDS, NewTask, TaskKind
from tutelage.labelling.settings import store_id
from tutelage.labelling.store import Store
from tutelage.labelling.tables import labels, tasks
from tutelage.labelling.tasks import add_tasks, check_task
from tutelage.labelling.values import check_payload, check_value

Record = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ImportedLabel:
    """A label that somebody gave elsewhere."""

    kind: str
    value: Record
    task: NewTask | None  # that it answers, where it does not hold it itself
    labeler: str
    labelled_at: float | None
    guidelines: str
    active_s: float


def import_tasks(
    store: Store, path: Path, *, topic: str = "", priority: float = 0.0, by: int | None = None
) -> list[int]:
    """Prompts become tasks to demonstrate, comparisons to rank, single replies to rate; how
    they were judged is left out, so that people judge them anew. Ids in the order of the file."""
    source = path.name[:200]
    read = [_checked(where, *_task(where, record)) for where, record in read_records(path)]
    new = [
        NewTask(kind=kind, payload=payload, topic=topic, priority=priority, source=source)
        for kind, payload in read
    ]
    ids = [
        id_
        for start in range(0, len(new), CHUNK)
        for id_ in add_tasks(store, new[start : start + CHUNK])
    ]
    _note(store, by, "tasks", path, len(set(ids)))
    return ids


def import_labels(store: Store, path: Path, by: int) -> int:
    """How many labels were new. They belong to the labeler that the record names, who is made an
    account that cannot sign in where there is none, or to `by`. Read are comparisons,
    demonstrations, ratings, a chat's labels.jsonl, and the labels.jsonl of export_jsonl. What this
    very store gave out is passed over, be it still here or erased since."""
    own = store_id(store)
    given = [
        _imported_label(where, record)
        for where, record in read_records(path)
        if record.get("store") != own
    ]
    seen: Counter[str] = Counter()
    keyed = []
    for one in given:
        payload = one.task.payload if one.task else None
        content = audit.canonical([one.kind, one.value, payload, one.labeler])
        digest = hashlib.sha256(content).hexdigest()
        seen[digest] += 1  # the same label twice in a file counts twice
        keyed.append((f"import {digest[:40]} {seen[digest]}", one))
    new = store.write(lambda connection: _write(connection, store, keyed, by))
    _note(store, by, "labels", path, new)
    return new


def _write(
    connection: Connection, store: Store, keyed: Sequence[tuple[str, ImportedLabel]], by: int
) -> int:
    people = {
        name: named_labeler(connection, store, name).id if name else by
        for name in sorted({one.labeler for _, one in keyed})
    }
    written = 0
    for key, one in keyed:
        who = people[one.labeler]
        known = select(labels.c.id).where(labels.c.labeler_id == who, labels.c.key == key)
        if connection.execute(known).first():
            continue
        task_id, digest = None, ""
        if one.task is not None:
            digest = audit.task_digest(one.kind, one.task.payload)
            task_id = _task_id(connection, store, one.task, digest)
        at = one.labelled_at if one.labelled_at is not None else store.clock()
        write_label(
            connection, min(at, store.clock()), who, key, one.kind, one.value,
            task_id=task_id, task_digest=digest, guidelines=one.guidelines,
            active_s=one.active_s,
        )  # fmt: skip
        written += 1
    return written


def _task_id(connection: Connection, store: Store, task: NewTask, digest: str) -> int:
    """The id of this task; where it is not there, it is added and given to nobody."""
    known = connection.execute(select(tasks.c.id).where(tasks.c.digest == digest)).scalar()
    if known is not None:
        return int(known)
    return connection.execute(
        insert(tasks)
        .values(
            digest=digest, kind=task.kind, topic=task.topic, payload=task.payload, priority=0.0,
            overlap=1, free=0, gold=task.gold, is_gold=task.gold is not None,
            propensity=task.propensity, source=task.source, created_at=store.clock(),
            closed_at=store.clock(),
        )
        .returning(tasks.c.id)
    ).scalar_one()  # fmt: skip


def _note(store: Store, by: int | None, what: str, path: Path, count: int) -> None:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    store.write(
        lambda connection: audit.append(
            connection, store.clock(), by, "import", what, {"count": count, "file": digest}
        )
    )


def _task(where: str, record: Record) -> tuple[TaskKind, Record]:
    if record.get("kind") in TASK_KINDS and isinstance(record.get("payload"), dict):
        return record["kind"], record["payload"]
    if "responses" in record or "chosen" in record:
        ranked = {**record, "ranking": [[i] for i in range(len(record.get("responses") or ()))]}
        comparison = comparison_of(where, record if "chosen" in record else ranked)
        return "rank", {
            "prompt": written_messages(comparison.prompt),
            "responses": [*comparison.responses],
        }
    if "prompt" in record and isinstance(record.get("response"), str):
        prompt = written_messages(read_prompt(record["prompt"], where))
        return "rate", {"prompt": prompt, "response": record["response"]}
    if "prompt" in record and "completion" not in record:
        return "demonstrate", {"prompt": written_messages(read_prompt(record["prompt"], where))}
    messages = demonstration_of(where, record).messages
    last = max(place for place, message in enumerate(messages) if message.role == "assistant")
    request = messages[:last]
    return "demonstrate", {"prompt": written_messages(request) if request else None}


def _checked(where: str, kind: TaskKind, payload: Record) -> tuple[TaskKind, Record]:
    try:
        return kind, check_payload(kind, payload)
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None


def _imported_label(where: str, record: Record) -> ImportedLabel:
    kind, value, payload = _label(where, record)
    task = None
    try:
        if payload is not None:
            payload = check_payload(kind, payload)
            task = NewTask(
                kind=cast(TaskKind, kind),
                payload=payload,
                topic=str(record.get("topic") or "")[:80],
                source=str(record.get("source") or "import")[:200],
                propensity=_number(record, "propensity"),
                gold=record.get("gold"),
            )
            check_task(task, payload)
        active_s = _number(record, "active_s") or 0.0
        # A rating that was given elsewhere has no answers to the yes/no questions.
        if not (kind == "rate" and value.get("fields") == {}):
            value = check_value(kind, value, payload)
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None
    at = record.get("labelled_at")
    return ImportedLabel(
        kind=kind,
        value=value,
        task=task,
        labeler=str(record.get("labeler") or ""),
        labelled_at=_seconds(where, at) if at else None,
        guidelines=str(record.get("guidelines") or "")[:64],
        active_s=active_s,
    )


def _label(where: str, record: Record) -> tuple[str, Record, Record | None]:
    """(kind, value, payload) of one record of any of the formats."""
    if record.get("kind") in LABEL_KINDS and isinstance(record.get("value"), dict):
        payload = record.get("payload")
        if record["kind"] in ("rank", "rate") and payload is None:
            raise BadInput(f"{where}: a label of kind {record['kind']} needs its task's `payload`.")
        return str(record["kind"]), record["value"], payload
    if record.get("verdict") in ("good", "bad"):  # of a chat in the terminal
        prompt = written_messages(read_prompt(record.get("prompt"), where))
        good = record["verdict"] == "good"
        value = {"prompt": prompt, "response": record.get("response"), "good": good}
        return "thumb", {**value, "stage": str(record.get("stage") or "")[:80]}, None
    if "responses" in record or "chosen" in record:
        comparison = comparison_of(where, record)
        prompt = written_messages(comparison.prompt)
        ranking = [list(group) for group in comparison.ranking]
        return (
            "choice",
            {"prompt": prompt, "responses": [*comparison.responses], "ranking": ranking},
            None,
        )
    if "response" in record and any(key in record for key in KEYS):
        return _rated(where, record)
    if "prompt" in record and "completion" not in record:
        raise BadInput(f"{where}: expected a label, got {named_keys(record)}; import it as tasks.")
    messages = written_messages(demonstration_of(where, record).messages)
    return "demonstrate", {"messages": messages}, None


def _rated(where: str, record: Record) -> tuple[str, Record, Record | None]:
    rating = rating_of(where, record)
    reply = {"prompt": written_messages(rating.prompt), "response": rating.response}
    if rating.scale == "overall":
        return "rate", {"overall": rating.value, "fields": {}, "note": ""}, reply
    if rating.scale == "thumb":
        return "thumb", {**reply, "good": bool(rating.value), "stage": ""}, None
    return "answer", {**reply, "right": bool(rating.value)}, None


def _number(record: Record, key: str) -> float | None:
    value = record.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e12:
        raise BadInput(f"expected `{key}` to be a number from 0, got {str(value)[:40]!r}.")
    return float(value)


def _seconds(where: str, text: object) -> float:
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except (ValueError, OverflowError):
        raise BadInput(
            f"{where}: expected `labelled_at` to be a time such as 2026-01-31T12:00:00+00:00, "
            f"got {str(text)[:40]!r}."
        ) from None

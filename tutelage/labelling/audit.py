"""The audit log: a chain of hashes, so that a changed, removed or added row shows.

Each row's hash covers the row and the hash before it. What people wrote is not in the log: a row
holds a digest of it, salted with a nonce that is stored with the words, so that the chain still
verifies when a person's words and nonces are erased, and the digests left tell nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from tutelage.labelling.store import Store, is_ordered
from tutelage.labelling.tables import audit, guidelines, labels, tasks

START = "0" * 64  # what the first row follows
PAGE = 5000
LAST = select(audit.c.id, audit.c.hash).order_by(audit.c.id.desc()).limit(1)
INSERT = insert(audit)


@dataclass(frozen=True, kw_only=True)
class Entry:
    id: int
    at: float
    actor_id: int | None
    action: str
    subject: str
    detail: dict[str, Any]
    digest: str
    hash: str


@dataclass(frozen=True, kw_only=True)
class Verification:
    rows: int  # read, the broken one included
    head: str  # hash of the last whole row: noted elsewhere, it shows a log that was cut short
    broken: int | None  # the first row that does not hold
    reason: str

    @property
    def whole(self) -> bool:
        return not self.reason


def append(
    connection: Connection,
    at: float,
    actor_id: int | None,
    action: str,
    subject: str,
    detail: Mapping[str, Any] | None = None,
    digest: str = "",
) -> None:
    """One more row, within the transaction of what it tells of."""
    assert is_ordered(connection), f"{action}: the audit log is written in ordered transactions"
    last = connection.execute(LAST).first()
    row: dict[str, Any] = {
        "id": last.id + 1 if last else 1,
        "at": float(at),
        "actor_id": actor_id,
        "action": action,
        "subject": subject,
        "detail": dict(detail or {}),
        "digest": digest,
        "previous": last.hash if last else START,
    }
    connection.execute(INSERT, {**row, "hash": row_hash(row)})


def row_hash(row: Mapping[str, Any]) -> str:
    """SHA-256 of the row without its own hash, as JSON with sorted keys."""
    return hashlib.sha256(canonical({k: v for k, v in row.items() if k != "hash"})).hexdigest()


def content_digest(nonce: str, content: object) -> str:
    return hashlib.sha256(nonce.encode() + canonical(content)).hexdigest()


def canonical(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def task_digest(kind: str, payload: Mapping[str, Any]) -> str:
    return hashlib.sha256(kind.encode() + b"\n" + canonical(payload)).hexdigest()


def label_content(label: Any, task: str) -> list[Any]:
    """What of a label may never change; task: the digest of what it answers, "" where none."""
    return [
        label.id, label.key, label.task_id, label.labeler_id, label.kind, label.value,
        label.guidelines, label.active_s, label.created_at, task,
    ]  # fmt: skip


def entries(store: Store, before: int | None = None, limit: int = 100) -> list[Entry]:
    """Newest first."""
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.id < before)
    rows = store.read(lambda connection: connection.execute(query).all())
    names = Entry.__dataclass_fields__
    return [Entry(**{name: getattr(row, name) for name in names}) for row in rows]


def verify(store: Store) -> Verification:
    """Walk the chain and compare every label, with its task and whether it was taken back, and
    every guideline that is there with what the log says of it."""
    return store.read(_verify)


def _verify(connection: Connection) -> Verification:
    previous, count = START, 0
    logged: set[int] = set()  # labels that the log knows
    erased: set[int] = set()
    missing: dict[int, int] = {}  # label that is not there: its row
    retracted: dict[int, tuple[float, int]] = {}  # label that was taken back: when, its row

    def broken(row: int | None, reason: str) -> Verification:
        return Verification(rows=count, head=previous, broken=row, reason=reason)

    while True:
        rows: Sequence[Any] = connection.execute(
            select(audit).where(audit.c.id > count).order_by(audit.c.id).limit(PAGE)
        ).all()
        if not rows:
            break
        contents = _contents(connection, rows)
        for row in rows:
            count += 1
            if row.id != count:
                return broken(row.id, f"row {count} is missing")
            if row.previous != previous:
                return broken(row.id, "it does not follow the row before it")
            if row.hash != row_hash(row._asdict()):
                return broken(row.id, "the row itself was changed")
            if row.action == "label":
                label = int(row.subject.removeprefix("label "))
                logged.add(label)
                if row.subject not in contents:
                    missing[label] = row.id
                elif contents[row.subject] != row.digest:
                    return broken(
                        row.id, f"{row.subject} or its task was changed after it was given"
                    )
            elif row.action == "retract":
                retracted[int(row.subject.removeprefix("label "))] = (row.at, row.id)
            elif row.action == "guidelines" and contents.get(row.subject) != row.digest:
                return broken(row.id, f"{row.subject} were changed or removed")
            elif row.action == "erase":
                erased.update(row.detail["labels"])
            previous = row.hash
    for label, row_id in missing.items():
        if label not in erased:
            return broken(row_id, f"label {label} was removed")
    unlogged = [i for i in connection.execute(select(labels.c.id)).scalars() if i not in logged]
    if unlogged:
        return broken(None, f"label {unlogged[0]} stands in no row: the log was cut short")
    at_of = connection.execute(select(labels.c.id, labels.c.retracted_at).order_by(labels.c.id))
    for label, at in at_of:
        logged_retraction = retracted.get(label)
        if at != (logged_retraction[0] if logged_retraction else None):
            back = "taken back" if at is not None else "not taken back"
            return broken(
                logged_retraction[1] if logged_retraction else None,
                f"label {label} was marked as {back} behind the log",
            )
    return broken(None, "")


def _contents(connection: Connection, rows: Sequence[Any]) -> dict[str, str]:
    """{subject: digest of what is there now} for the labels and guidelines of these rows."""
    ids = {
        action: [int(row.subject.split(" ")[1]) for row in rows if row.action == action]
        for action in ("label", "guidelines")
    }
    digests = {}
    if ids["label"]:
        span = labels.c.id.between(min(ids["label"]), max(ids["label"]))
        label_rows = select(labels, tasks.c.kind.label("task_kind"), tasks.c.payload)
        for label in connection.execute(label_rows.outerjoin(tasks).where(span)):
            task = "" if label.task_id is None else task_digest(label.task_kind, label.payload)
            digests[f"label {label.id}"] = content_digest(label.nonce, label_content(label, task))
    if ids["guidelines"]:
        query = select(guidelines).where(guidelines.c.id.in_(ids["guidelines"]))
        for version in connection.execute(query):
            digests[f"guidelines {version.id}"] = content_digest("", [version.hash, version.text])
    return digests

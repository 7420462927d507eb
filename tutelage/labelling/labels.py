"""Labels: written once with their line in the audit log, read by trainers in order of commit."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from tutelage.errors import BadInput, NotAllowed
from tutelage.labelling import audit
from tutelage.labelling.records import Label
from tutelage.labelling.store import Store
from tutelage.labelling.tables import labelers, labels
from tutelage.labelling.values import check_json, check_value

KEY_LIMIT = 100
CHAT_KINDS = ("thumb", "edit", "choice", "answer")
CHUNK = 500  # ids in one statement

# Made once: what a labeler waits for is mostly the making of statements.
INSERT = insert(labels).returning(labels.c.id)
BY_KEY = select(labels).where(
    labels.c.labeler_id == bindparam("who"), labels.c.key == bindparam("that")
)
LOCK_LABELER = (
    select(labelers.c.active)
    .where(labelers.c.id == bindparam("who"))
    .with_for_update(key_share=True)
)


def add_label(store: Store, labeler_id: int, kind: str, value: dict[str, Any], key: str) -> Label:
    """A label of a chat, which answers no task. Again with the same key it is
    the same label."""
    if kind not in CHAT_KINDS:
        raise BadInput(f"A {kind!r} label answers a task; submit it through its assignment.")
    checked = check_value(kind, value)
    check_key(key)

    def write(connection: Connection) -> Label:
        lock_labeler(connection, labeler_id)
        return repeated(connection, labeler_id, key, kind, checked) or write_label(
            connection, store.clock(), labeler_id, key, kind, checked
        )

    return store.write(write)


def add_thumb(store: Store, labeler_id: int, value: dict[str, Any], key: str) -> Label:
    """What a person thinks of a chat's reply, in the place of what they thought of it before: an
    earlier thumb of theirs is taken back. The same again is the same label."""
    checked = check_value("thumb", value)
    check_key(key)

    def write(connection: Connection) -> Label:
        lock_labeler(connection, labeler_id)
        known = repeated(connection, labeler_id, key, "thumb", checked)
        if known is not None:
            return known
        message = checked.get("message")  # none of a thumb from elsewhere
        query = select(labels).where(
            labels.c.labeler_id == labeler_id,
            labels.c.kind == "thumb",
            labels.c.retracted_at.is_(None),
            labels.c.value["message"].as_integer() == message,
        )
        before = [label_of(row) for row in connection.execute(query)] if message else []
        for label in before:
            if audit.canonical(label.value) == audit.canonical(checked):
                return label
        now = store.clock()
        for label in before:
            retract(connection, now, label.id, labeler_id)
        return write_label(connection, now, labeler_id, key, "thumb", checked)

    return store.write(write)


def labels_after(store: Store, seq: int, limit: int = 1000) -> list[Label]:
    """Labels whose id is above seq, in the order in which they were committed: the last one's id
    is the next seq, and no label ever appears below it. Retracted ones are left out."""
    query = (
        select(labels)
        .where(labels.c.id > seq, labels.c.retracted_at.is_(None))
        .order_by(labels.c.id)
        .limit(limit)
    )
    return store.read(lambda connection: [label_of(row) for row in connection.execute(query)])


def standing_labels(store: Store, ids: Iterable[int]) -> set[int]:
    """Those of the ids whose labels are there and were not taken back, for a trainer that has
    used them."""

    def read(connection: Connection) -> set[int]:
        return {
            id_
            for some in chunks(ids)
            for id_ in connection.execute(
                select(labels.c.id).where(labels.c.id.in_(some), labels.c.retracted_at.is_(None))
            ).scalars()
        }

    return store.read(read)


def labels_with(store: Store, ids: Iterable[int]) -> list[Label]:
    def read(connection: Connection) -> list[Label]:
        return [
            label_of(row)
            for some in chunks(ids)
            for row in connection.execute(select(labels).where(labels.c.id.in_(some)))
        ]

    return store.read(read)


def chunks(ids: Iterable[int]) -> list[list[int]]:
    """The distinct ids, sorted, in lists short enough for one statement."""
    distinct = sorted(set(ids))
    return [distinct[start : start + CHUNK] for start in range(0, len(distinct), CHUNK)]


def mark_used(store: Store, ids: Iterable[int], effect: dict[str, Any]) -> None:
    """A trainer took a step with these labels; effect is what their labelers are shown."""
    check_json(effect, "An effect", 10_000)
    wanted = chunks(ids)  # once: the work below may run again

    def write(connection: Connection) -> None:
        for some in wanted:
            connection.execute(
                update(labels)
                .where(labels.c.id.in_(some))
                .values(used_at=store.clock(), effect=effect)
            )

    store.write(write, ordered=False)


def label_effects(
    store: Store, labeler_id: int, since: float = 0.0, limit: int = 50
) -> list[Label]:
    """This person's labels that were used after `since`, the latest first."""
    query = (
        select(labels)
        .where(labels.c.labeler_id == labeler_id, labels.c.used_at > since)
        .order_by(labels.c.used_at.desc(), labels.c.id.desc())
        .limit(limit)
    )
    return store.read(lambda connection: [label_of(row) for row in connection.execute(query)])


def write_label(
    connection: Connection,
    at: float,
    labeler_id: int,
    key: str,
    kind: str,
    value: dict[str, Any],
    *,
    task_id: int | None = None,
    task_digest: str = "",
    assignment_id: int | None = None,
    guidelines: str = "",
    active_s: float = 0.0,
) -> Label:
    """Within a transaction that holds the labeler: the label and its row in the audit log.
    task_digest: of the task that it answers."""
    nonce = secrets.token_hex(16)
    row: dict[str, Any] = {
        "key": key,
        "task_id": task_id,
        "assignment_id": assignment_id,
        "labeler_id": labeler_id,
        "kind": kind,
        "value": json.loads(audit.canonical(value)),  # as the database will give it back
        "guidelines": guidelines,
        "active_s": float(active_s),
        "created_at": float(at),
        "retracted_at": None,
        "used_at": None,
        "effect": None,
    }
    number = connection.execute(INSERT, {**row, "nonce": nonce}).scalar_one()
    label = Label(id=number, **row)
    digest = audit.content_digest(nonce, audit.label_content(label, task_digest))
    audit.append(connection, at, labeler_id, "label", f"label {number}", digest=digest)
    return label


def retract(connection: Connection, at: float, label_id: int, by: int) -> None:
    """Mark a label as taken back; it stays, and trainers leave it out from now on."""
    connection.execute(update(labels).where(labels.c.id == label_id).values(retracted_at=at))
    audit.append(connection, at, by, "retract", f"label {label_id}")


def repeated(
    connection: Connection, labeler_id: int, key: str, kind: str, value: dict[str, Any]
) -> Label | None:
    """The label that this key has already made, if any."""
    row = connection.execute(BY_KEY, {"who": labeler_id, "that": key}).first()
    if row is None:
        return None
    if row.kind != kind or audit.canonical(row.value) != audit.canonical(value):
        raise BadInput(
            "This was already submitted with other content, and that was kept. Undo it, then "
            "submit again."
        )
    if row.retracted_at is not None:
        raise BadInput("This was submitted and then taken back; submit it with a new key.")
    return label_of(row)


def lock_labeler(connection: Connection, labeler_id: int) -> None:
    """What one person does happens one after the other, and only while they are active."""
    row = connection.execute(LOCK_LABELER, {"who": labeler_id}).first()
    if row is None or not row.active:
        raise NotAllowed("This account is not active; ask an admin to activate it.")


def check_key(key: object) -> None:
    if not isinstance(key, str) or not 0 < len(key) <= KEY_LIMIT or not key.isprintable():
        raise BadInput(
            f"A label needs a key of 1 to {KEY_LIMIT} printable characters, new for each label."
        )


def label_of(row: Row[Any] | Sequence[Any]) -> Label:
    values = row._asdict()  # type: ignore[union-attr]
    del values["nonce"]
    return Label(**values)

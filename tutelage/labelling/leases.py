"""Leases, within a transaction: which task is next, who holds it, until when.

Rows are locked in one order, labeler → task → assignment → audit log, so that on PostgreSQL two
requests wait for each other but never in a circle.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    Float,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    select,
    text,
    update,
)

from tutelage.errors import BadInput
from tutelage.labelling.records import Assignment, Order, Task
from tutelage.labelling.settings import Settings
from tutelage.labelling.tables import assignments, tasks
from tutelage.labelling.tasks import FREE, in_order, task_of

GAP_S = 60.0  # longer without a sign of life is a pause, not active time
TOUCHED = text("assignments.state IN ('open', 'done', 'skipped')")  # not given to them again
OPEN = text("assignments.state = 'open'")

# Statements are made once: what a labeler waits for is mostly their making.
WHO, THIS = bindparam("who", type_=Integer), bindparam("this", type_=Integer)
NOW = bindparam("now", type_=Float)
DUE = select(assignments.c.task_id).where(OPEN, assignments.c.leased_until < NOW).limit(100)
TAKE_SLOT = update(tasks).where(tasks.c.id == THIS).values(free=tasks.c.free - 1)
OF_TASK = (
    select(assignments.c.slot, assignments.c.state, assignments.c.labeler_id, assignments.c.draft)
    .where(assignments.c.task_id == THIS)
    .order_by(assignments.c.id)
)
INSERT = insert(assignments).returning(assignments.c.id)
_task = [column.label(f"task_{column.name}") for column in tasks.c if column.name != "id"]
_OWN = select(assignments, *_task).join(tasks, tasks.c.id == assignments.c.task_id)
OWN = _OWN.where(assignments.c.id == THIS, assignments.c.labeler_id == WHO)
LOCK_OWN = OWN.with_for_update(of=assignments, key_share=True)
_gap = NOW - assignments.c.beat_at
# A sign of life: active time grows by the gap if it is short, the lease starts again.
BEAT = {
    "active_s": assignments.c.active_s + case((and_(_gap > 0, _gap <= GAP_S), _gap), else_=0.0),
    "beat_at": NOW,
    "leased_until": NOW + assignments.c.lease_s,
}
STILL_OPEN = update(assignments).where(assignments.c.id == THIS, OPEN)
BEAT_ONLY = STILL_OPEN.values(BEAT)


def return_expired(connection: Connection, now: float) -> None:
    """Leases that ran out end, and their tasks can be given out again."""
    due = connection.execute(DUE, {"now": now}).scalars()
    wanted = sorted(set(due))
    if not wanted:
        return
    # What another request holds is left to the next claim: nobody waits here.
    locked = connection.execute(
        select(tasks.c.id)
        .where(tasks.c.id.in_(wanted))
        .order_by(tasks.c.id)
        .with_for_update(key_share=True, skip_locked=True)
    ).scalars()
    over = connection.execute(
        select(assignments.c.id)
        .where(assignments.c.task_id.in_(list(locked)), OPEN, assignments.c.leased_until < now)
        .with_for_update(key_share=True, skip_locked=True)
    ).scalars()
    ended = connection.execute(
        update(assignments)
        .where(assignments.c.id.in_(list(over)))
        .values(state="expired", ended_at=now)
        .returning(assignments.c.task_id)
    ).scalars()
    give_back(connection, list(ended))


def give_back(connection: Connection, task_ids: Sequence[int]) -> None:
    """One slot more is free in each of these; closed and gold tasks keep none."""
    for task_id in sorted(task_ids):
        connection.execute(
            update(tasks)
            .where(tasks.c.id == task_id, tasks.c.closed_at.is_(None), tasks.c.is_gold.is_(False))
            .values(free=tasks.c.free + 1)
        )


def next_task(
    connection: Connection,
    labeler_id: int,
    kinds: Sequence[str] | None,
    topics: Sequence[str] | None,
    settings: Settings,
    place: float,
) -> Row[Any] | None:
    """The first waiting task of an order that this person has not touched, locked."""
    given: dict[str, Any] = {"who": labeler_id, "kinds": kinds, "topics": topics}
    if settings.order == "random":
        top = connection.execute(select(func.max(tasks.c.id))).scalar_one() or 0
        given["from"] = int(place * top) + 1
        task = _locked(connection, "random", given)
        if task is not None:
            return task
    return _locked(connection, "oldest" if settings.order == "random" else settings.order, given)


def next_gold(
    connection: Connection,
    labeler_id: int,
    kinds: Sequence[str] | None,
    topics: Sequence[str] | None,
) -> Row[Any] | None:
    statement = _next("gold", bool(kinds), bool(topics), "")
    return connection.execute(
        statement, {"who": labeler_id, "kinds": kinds, "topics": topics}
    ).first()


def _locked(connection: Connection, order: Order, given: dict[str, Any]) -> Row[Any] | None:
    """The first row that nobody else is just taking; if there is none, the first one after
    waiting for whoever was faster."""

    def ask(lock: str) -> Row[Any] | None:
        statement = _next(order, bool(given["kinds"]), bool(given["topics"]), lock)
        return connection.execute(statement, given).first()

    row = ask("skip")
    if row is not None or connection.dialect.name == "sqlite":
        return row
    for _ in range(3):
        if ask("") is None:
            return None
        row = ask("wait")
        if row is not None:
            return row
    return None


@functools.cache
def _next(order: str, has_kinds: bool, has_topics: bool, lock: str) -> Select[Any]:
    """The statement that finds a task; lock: skip those that are locked, wait for them, or none."""
    touched = exists().where(
        assignments.c.task_id == tasks.c.id, assignments.c.labeler_id == WHO, TOUCHED
    )
    wanted = tasks.c.is_gold.is_(True) if order == "gold" else FREE
    query = select(tasks).where(wanted, ~touched, tasks.c.closed_at.is_(None)).limit(1)
    query = query.where(tasks.c.author_id.is_distinct_from(WHO))  # their own words are for others
    if has_kinds:
        query = query.where(tasks.c.kind.in_(bindparam("kinds", expanding=True)))
    if has_topics:
        query = query.where(tasks.c.topic.in_(bindparam("topics", expanding=True)))
    if order == "random":
        query = query.where(tasks.c.id >= bindparam("from"))
    query = in_order(query, "priority" if order == "priority" else "oldest")
    return query.with_for_update(key_share=True, skip_locked=lock == "skip") if lock else query


def lease_first(
    connection: Connection, task: Row[Any], labeler_id: int, now: float, lease_s: float
) -> Assignment:
    """Lease a locked task to this person, with the draft of an earlier lease of theirs that ran
    out."""
    known = connection.execute(OF_TASK, {"this": task.id}).all()
    drafts = [row.draft for row in known if (row.labeler_id, row.state) == (labeler_id, "expired")]
    slot = labeler_id if task.is_gold else _take_slot(connection, task, known)
    return lease(
        connection, task, labeler_id, slot, now, lease_s, draft=drafts[-1] if drafts else None
    )


def _take_slot(connection: Connection, task: Row[Any], known: Sequence[Any]) -> int:
    """The lowest slot of a locked task that nobody holds, now taken. known: OF_TASK's rows."""
    held = {row.slot for row in known if row.state in ("open", "done")}
    connection.execute(TAKE_SLOT, {"this": task.id})
    left = [slot for slot in range(task.overlap) if slot not in held]
    assert left, f"task {task.id} says that a slot is free, but all {task.overlap} are held"
    return left[0]


def lease(
    connection: Connection,
    task: Row[Any],
    labeler_id: int,
    slot: int,
    now: float,
    lease_s: float,
    *,
    draft: dict[str, Any] | None = None,
    active_s: float = 0.0,
) -> Assignment:
    row = {
        "task_id": task.id,
        "labeler_id": labeler_id,
        "slot": slot,
        "state": "open",
        "lease_s": lease_s,
        "leased_until": now + lease_s,
        "beat_at": now,
        "active_s": active_s,
        "draft": draft,
        "created_at": now,
    }
    made = connection.execute(INSERT, row).scalar_one()
    return Assignment(
        id=made,
        task=task_of(task),
        labeler_id=labeler_id,
        leased_until=now + lease_s,
        draft=draft,
    )


def own_lease(
    connection: Connection,
    labeler_id: int,
    kinds: Sequence[str] | None,
    topics: Sequence[str] | None,
    now: float,
) -> Assignment | None:
    """Their latest open lease, for as long again as it was. One that ran out is theirs too, as
    long as nobody has returned it."""
    statement = _own_open(bool(kinds), bool(topics))
    row = connection.execute(
        statement, {"who": labeler_id, "kinds": kinds, "topics": topics}
    ).first()
    if row is None or not connection.execute(BEAT_ONLY, {"this": row.id, "now": now}).rowcount:
        return None
    return assignment_of(row, now)


@functools.cache
def _own_open(has_kinds: bool, has_topics: bool) -> Select[Any]:
    query = _OWN.where(assignments.c.labeler_id == WHO, OPEN)
    if has_kinds:
        query = query.where(tasks.c.kind.in_(bindparam("kinds", expanding=True)))
    if has_topics:
        query = query.where(tasks.c.topic.in_(bindparam("topics", expanding=True)))
    return query.order_by(assignments.c.id.desc()).limit(1)


def take_up_again(connection: Connection, row: Row[Any], now: float) -> bool:
    """Whether an expired lease could be opened again: a slot is free and this person has no other
    assignment of the task."""
    task = lock_task(connection, row.task_id)
    if connection.execute(
        select(assignments.c.id).where(
            assignments.c.task_id == row.task_id,
            assignments.c.labeler_id == row.labeler_id,
            assignments.c.state.in_(("open", "done")),
        )
    ).first():
        return False
    if task.free < 1 and not task.is_gold:
        return False
    known = connection.execute(OF_TASK, {"this": task.id}).all()
    slot = row.slot if task.is_gold else _take_slot(connection, task, known)
    connection.execute(
        update(assignments)
        .where(assignments.c.id == row.id)
        .values(state="open", slot=slot, ended_at=None, leased_until=now + row.lease_s)
    )
    return True


def held_row(connection: Connection, assignment_id: int, labeler_id: int, now: float) -> Row[Any]:
    """A person's assignment, locked; one that had expired is opened again where that is possible.

    Its lock may come before the task's: whoever ends leases locks the task and waits only for open
    assignments, and of an open assignment the task is not locked here."""
    row = own_row(connection, assignment_id, labeler_id, lock=True)
    if row.state == "expired" and take_up_again(connection, row, now):
        return own_row(connection, assignment_id, labeler_id)
    return row


def lock_task(connection: Connection, task_id: int) -> Row[Any]:
    return connection.execute(
        select(tasks).where(tasks.c.id == task_id).with_for_update(key_share=True)
    ).one()


def own_row(
    connection: Connection, assignment_id: int, labeler_id: int, *, lock: bool = False
) -> Row[Any]:
    """A person's assignment with its task as task_kind, task_payload …; locked, so that its lease
    cannot be ended meanwhile."""
    row = connection.execute(
        LOCK_OWN if lock else OWN, {"this": assignment_id, "who": labeler_id}
    ).first()
    if row is None:
        raise BadInput(f"Assignment {assignment_id} is not one of yours; take a task first.")
    return row


def assignment_of(row: Row[Any], now: float) -> Assignment:
    """The assignment of own_row's row; now: when its lease last began."""
    names = (name for name in Task.__dataclass_fields__ if name != "id")
    task = {name: getattr(row, f"task_{name}") for name in names}
    return Assignment(
        id=row.id,
        task=Task(id=row.task_id, **task),
        labeler_id=row.labeler_id,
        leased_until=now + row.lease_s,
        draft=row.draft,
    )

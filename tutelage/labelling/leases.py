"""Leases, within a transaction: which task is next, who holds it, until when.

Rows are locked in one order, labeler → task → assignment → audit log, so that on PostgreSQL two
requests wait for each other but never in a circle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
    select,
    text,
    update,
)

from tutelage.errors import BadInput
from tutelage.labelling.records import Assignment
from tutelage.labelling.settings import Settings
from tutelage.labelling.tables import assignments, tasks
from tutelage.labelling.tasks import FREE, in_order, of_kinds, task_of

GAP_S = 60.0  # silence longer than this is a pause and is not paid
TOUCHED = text("assignments.state IN ('open', 'done', 'skipped')")  # not given to them again


def return_expired(connection: Connection, now: float, limit: int = 100) -> None:
    """Leases that ran out end, and their tasks can be given out again."""
    due = connection.execute(
        select(assignments.c.task_id)
        .where(text("assignments.state = 'open'"), assignments.c.leased_until < now)
        .limit(limit)
    ).scalars()
    wanted = sorted(set(due))
    if not wanted:
        return
    # A task that another request holds is left to the next claim.
    locked = connection.execute(
        select(tasks.c.id)
        .where(tasks.c.id.in_(wanted))
        .order_by(tasks.c.id)
        .with_for_update(key_share=True, skip_locked=True)
    ).scalars()
    ended = connection.execute(
        update(assignments)
        .where(
            assignments.c.task_id.in_(list(locked)),
            assignments.c.state == "open",
            assignments.c.leased_until < now,
        )
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
    query = select(tasks).where(
        FREE, *of_kinds(kinds, topics), ~_touched_by(labeler_id), tasks.c.closed_at.is_(None)
    )
    if settings.order == "random":
        top = connection.execute(select(func.max(tasks.c.id))).scalar_one() or 0
        later = query.where(tasks.c.id >= int(place * top) + 1)
        found = _locked(connection, in_order(later, "oldest"))
        if found is not None:
            return found
    return _locked(connection, in_order(query, settings.order))


def next_gold(
    connection: Connection,
    labeler_id: int,
    kinds: Sequence[str] | None,
    topics: Sequence[str] | None,
) -> Row[Any] | None:
    query = (
        select(tasks)
        .where(
            tasks.c.is_gold.is_(True),
            tasks.c.closed_at.is_(None),
            *of_kinds(kinds, topics),
            ~_touched_by(labeler_id),
        )
        .order_by(tasks.c.id)
        .limit(1)
    )
    return connection.execute(query).first()


def _locked(connection: Connection, query: Select[Any]) -> Row[Any] | None:
    """The first row that nobody else is just taking; if there is none, the first one after
    waiting for whoever was faster."""
    free = query.limit(1).with_for_update(key_share=True, skip_locked=True)
    found = connection.execute(free).first()
    if found is not None or connection.dialect.name == "sqlite":
        return found
    for _ in range(3):
        if connection.execute(query.limit(1)).first() is None:
            return None
        found = connection.execute(query.limit(1).with_for_update(key_share=True)).first()
        if found is not None:
            return found
    return None


def _touched_by(labeler_id: int) -> ColumnElement[bool]:
    return exists().where(
        assignments.c.task_id == tasks.c.id, assignments.c.labeler_id == labeler_id, TOUCHED
    )


def take_slot(connection: Connection, task: Row[Any]) -> int:
    """The lowest slot of a locked task that nobody holds, now taken."""
    held = set(
        connection.execute(
            select(assignments.c.slot).where(
                assignments.c.task_id == task.id, assignments.c.state.in_(("open", "done"))
            )
        ).scalars()
    )
    connection.execute(update(tasks).where(tasks.c.id == task.id).values(free=tasks.c.free - 1))
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
    if draft is None:  # what they had written before their lease ran out
        draft = connection.execute(
            select(assignments.c.draft)
            .where(
                assignments.c.task_id == task.id,
                assignments.c.labeler_id == labeler_id,
                assignments.c.state == "expired",
            )
            .order_by(assignments.c.id.desc())
            .limit(1)
        ).scalar()
    made = connection.execute(
        insert(assignments)
        .values(
            task_id=task.id,
            labeler_id=labeler_id,
            slot=slot,
            state="open",
            lease_s=lease_s,
            leased_until=now + lease_s,
            beat_at=now,
            active_s=active_s,
            draft=draft,
            created_at=now,
        )
        .returning(assignments.c.id)
    ).scalar_one()
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
    found = connection.execute(
        select(assignments.c.id)
        .join(tasks, tasks.c.id == assignments.c.task_id)
        .where(
            assignments.c.labeler_id == labeler_id,
            assignments.c.state == "open",
            *of_kinds(kinds, topics),
        )
        .order_by(assignments.c.id.desc())
        .limit(1)
    ).scalar()
    if found is None:
        return None
    still = connection.execute(
        update(assignments)
        .where(assignments.c.id == found, assignments.c.state == "open")
        .values(**beat(now))
    ).rowcount
    return assignment_with(connection, found) if still else None


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
    slot = row.slot if task.is_gold else take_slot(connection, task)
    connection.execute(
        update(assignments)
        .where(assignments.c.id == row.id)
        .values(state="open", slot=slot, ended_at=None, leased_until=now + row.lease_s)
    )
    return True


def held_row(connection: Connection, assignment_id: int, labeler_id: int, now: float) -> Row[Any]:
    """A person's assignment, locked; one that had expired is opened again where that is possible.

    Its lock may come before the task's: whoever ends leases holds the task and waits for open
    assignments alone, and the task of an open one is not asked for here."""
    row = own_row(connection, assignment_id, labeler_id, lock=True)
    if row.state == "expired" and take_up_again(connection, row, now):
        return own_row(connection, assignment_id, labeler_id)
    return row


def lock_task(connection: Connection, task_id: int) -> Row[Any]:
    return connection.execute(
        select(tasks).where(tasks.c.id == task_id).with_for_update(key_share=True)
    ).one()


def beat(now: float) -> dict[str, Any]:
    """A sign of life: active time grows by the gap if it is short, the lease starts again."""
    gap = literal(now) - assignments.c.beat_at
    return {
        "active_s": assignments.c.active_s + case((and_(gap > 0, gap <= GAP_S), gap), else_=0.0),
        "beat_at": now,
        "leased_until": now + assignments.c.lease_s,
    }


def own_row(
    connection: Connection, assignment_id: int, labeler_id: int, *, lock: bool = False
) -> Row[Any]:
    """A person's assignment; locked, so that its lease cannot be ended meanwhile."""
    query = select(assignments).where(
        assignments.c.id == assignment_id, assignments.c.labeler_id == labeler_id
    )
    row = connection.execute(query.with_for_update(key_share=True) if lock else query).first()
    if row is None:
        raise BadInput(not_theirs(assignment_id))
    return row


def assignment_with(connection: Connection, assignment_id: int) -> Assignment:
    row = connection.execute(select(assignments).where(assignments.c.id == assignment_id)).one()
    task = connection.execute(select(tasks).where(tasks.c.id == row.task_id)).one()
    return Assignment(
        id=row.id,
        task=task_of(task),
        labeler_id=row.labeler_id,
        leased_until=row.leased_until,
        draft=row.draft,
    )


def not_theirs(assignment_id: int) -> str:
    return f"Assignment {assignment_id} is not one of yours; take a task first."

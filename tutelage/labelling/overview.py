"""What pages look up: what is left for one person, the task of an assignment, who did how much."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from tutelage.labelling.leases import assignment_with, own_row
from tutelage.labelling.records import Assignment
from tutelage.labelling.store import Store
from tutelage.labelling.tables import assignments, labelers, labels, tasks


@dataclass(frozen=True, kw_only=True)
class Waiting:
    kind: str
    topic: str
    tasks: int  # that this person may still be given


@dataclass(frozen=True, kw_only=True)
class Work:
    """What one person has done, labels that were taken back left out."""

    labeler_id: int
    name: str
    role: str
    active: bool  # may sign in and label
    erased: bool
    labels: int
    active_s: float  # measured by the server, skipped tasks included
    last_at: float | None  # of their latest label


def waiting_for(store: Store, labeler_id: int) -> list[Waiting]:
    """Tasks that nobody holds and that this person has neither done, skipped nor written."""
    touched = (
        select(assignments.c.id)
        .where(
            assignments.c.task_id == tasks.c.id,
            assignments.c.labeler_id == labeler_id,
            assignments.c.state.in_(("open", "done", "skipped")),
        )
        .exists()
    )
    query = (
        select(tasks.c.kind, tasks.c.topic, func.count().label("tasks"))
        .where(tasks.c.free > 0, tasks.c.closed_at.is_(None), ~touched)
        .where(tasks.c.author_id.is_distinct_from(labeler_id))
        .group_by(tasks.c.kind, tasks.c.topic)
        .order_by(tasks.c.kind, tasks.c.topic)
    )
    rows = store.read(lambda connection: connection.execute(query).all())
    return [Waiting(kind=row.kind, topic=row.topic, tasks=row.tasks) for row in rows]


def assignment_of(store: Store, assignment_id: int, labeler_id: int) -> Assignment:
    """One's own assignment, held or not; no sign of life."""

    def read(connection: Connection) -> Assignment:
        own_row(connection, assignment_id, labeler_id)
        return assignment_with(connection, assignment_id)

    return store.read(read)


def work_of_each(store: Store) -> list[Work]:
    """Everyone who has an account or a label, in the order in which they came."""
    kept = labels.c.retracted_at.is_(None)
    said = (
        select(
            labels.c.labeler_id, func.count().label("n"), func.max(labels.c.created_at).label("at")
        )
        .where(kept)
        .group_by(labels.c.labeler_id)
        .subquery()
    )
    worked = (
        select(assignments.c.labeler_id, func.sum(assignments.c.active_s).label("active_s"))
        .where(assignments.c.state.in_(("open", "done", "skipped")))
        .group_by(assignments.c.labeler_id)
        .subquery()
    )
    query = (
        select(labelers, said.c.n, said.c.at, worked.c.active_s)
        .join_from(labelers, said, said.c.labeler_id == labelers.c.id, isouter=True)
        .join(worked, worked.c.labeler_id == labelers.c.id, isouter=True)
        .order_by(labelers.c.id)
    )
    rows = store.read(lambda connection: connection.execute(query).all())
    return [
        Work(
            labeler_id=row.id,
            name=row.name,
            role=row.role,
            active=row.active,
            erased=row.erased_at is not None,
            labels=row.n or 0,
            active_s=row.active_s or 0.0,
            last_at=row.at,
        )
        for row in rows
    ]

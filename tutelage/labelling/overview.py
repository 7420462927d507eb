"""What pages look up: what is left for one person, the task of an assignment, who did how much."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, exists, func, select

from tutelage.labelling import leases
from tutelage.labelling.records import Assignment, TaskKind
from tutelage.labelling.store import Store
from tutelage.labelling.tables import assignments, labelers, labels, tasks


@dataclass(frozen=True, kw_only=True)
class Waiting:
    kind: str
    topic: str
    tasks: int  # that this person may still be given


@dataclass(frozen=True, kw_only=True)
class Held:
    """A task that a person holds and has not ended."""

    assignment: int
    kind: TaskKind
    topic: str
    left_s: float  # of the lease; at 0 it is still theirs until it is given to somebody else


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
    touched = exists().where(
        assignments.c.task_id == tasks.c.id, assignments.c.labeler_id == labeler_id, leases.TOUCHED
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


def held_by(store: Store, labeler_id: int) -> list[Held]:
    """Open leases of one person, the latest first. Looking is no sign of life."""
    query = (
        select(assignments.c.id, assignments.c.leased_until, tasks.c.kind, tasks.c.topic)
        .join(tasks, tasks.c.id == assignments.c.task_id)
        .where(assignments.c.labeler_id == labeler_id, assignments.c.state == "open")
        .order_by(assignments.c.id.desc())
    )
    now, rows = store.clock(), store.read(lambda connection: connection.execute(query).all())
    return [
        Held(assignment=id_, kind=kind, topic=topic, left_s=max(0.0, leased_until - now))
        for id_, leased_until, kind, topic in rows
    ]


def assignment_of(store: Store, assignment_id: int, labeler_id: int) -> Assignment:
    """One's own assignment, held or not. Looking is no sign of life."""

    def read(connection: Connection) -> Assignment:
        row = leases.own_row(connection, assignment_id, labeler_id)
        return leases.assignment_of(row, row.leased_until - row.lease_s)

    return store.read(read)


def work_of_each(store: Store) -> list[Work]:
    """Everyone who has an account or a label, in the order in which they came."""
    labelled = (
        select(
            labels.c.labeler_id, func.count().label("n"), func.max(labels.c.created_at).label("at")
        )
        .where(labels.c.retracted_at.is_(None))
        .group_by(labels.c.labeler_id)
        .subquery()
    )
    worked = (
        select(assignments.c.labeler_id, func.sum(assignments.c.active_s).label("active_s"))
        .where(leases.TOUCHED)
        .group_by(assignments.c.labeler_id)
        .subquery()
    )
    query = (
        select(labelers, labelled.c.n, labelled.c.at, worked.c.active_s)
        .join_from(labelers, labelled, labelled.c.labeler_id == labelers.c.id, isouter=True)
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

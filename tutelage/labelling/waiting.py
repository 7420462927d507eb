"""What pages look up: what is left for one person by kind and topic, the task of an assignment."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from tutelage.labelling.leases import assignment_with, own_row
from tutelage.labelling.records import Assignment
from tutelage.labelling.store import Store
from tutelage.labelling.tables import assignments, tasks


@dataclass(frozen=True, kw_only=True)
class Waiting:
    kind: str
    topic: str
    tasks: int  # that this person may still be given


def waiting_for(store: Store, labeler_id: int) -> list[Waiting]:
    """Tasks that nobody holds and that this person has neither done nor skipped."""
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

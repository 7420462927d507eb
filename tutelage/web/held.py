"""The tasks that a person holds and has not ended."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from tutelage.labelling.records import TaskKind
from tutelage.labelling.store import Store
from tutelage.labelling.tables import assignments, tasks


@dataclass(frozen=True, kw_only=True)
class Held:
    assignment: int
    kind: TaskKind
    topic: str
    left_s: float  # of the lease; at 0 it is still theirs until it is given to somebody else


def held_by(store: Store, labeler_id: int) -> list[Held]:
    """Open leases of one person, the latest first; no sign of life."""
    query = (
        select(assignments.c.id, assignments.c.leased_until, tasks.c.kind, tasks.c.topic)
        .join(tasks, tasks.c.id == assignments.c.task_id)
        .where(assignments.c.labeler_id == labeler_id, assignments.c.state == "open")
        .order_by(assignments.c.id.desc())
    )
    now, rows = store.clock(), store.read(lambda connection: connection.execute(query).all())
    return [
        Held(
            assignment=row.id,
            kind=row.kind,
            topic=row.topic,
            left_s=max(0.0, row.leased_until - now),
        )
        for row in rows
    ]

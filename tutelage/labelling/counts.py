"""What one labeler did, and how the queue stands."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, and_, case, func, select

from tutelage.labelling.labels import label_of
from tutelage.labelling.leases import TOUCHED
from tutelage.labelling.records import Label, Progress, QueueState
from tutelage.labelling.store import Store
from tutelage.labelling.tables import assignments, labels, tasks
from tutelage.labelling.tasks import FREE, of_kinds

DAY_S = 86400.0


def history(
    store: Store, labeler_id: int, limit: int = 50, before: int | None = None
) -> list[Label]:
    """This person's labels, the latest first; before: only those with a lower id."""
    query = (
        select(labels)
        .where(labels.c.labeler_id == labeler_id)
        .order_by(labels.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(labels.c.id < before)
    return store.read(lambda connection: [label_of(row) for row in connection.execute(query)])


def progress(store: Store, labeler_id: int, kinds: Sequence[str] | None = None) -> Progress:
    def read(connection: Connection) -> Progress:
        today = store.clock() // DAY_S * DAY_S
        own = and_(labels.c.labeler_id == labeler_id, labels.c.retracted_at.is_(None))
        count = select(func.count()).select_from(labels).where(own)
        theirs = and_(FREE, tasks.c.author_id.is_distinct_from(labeler_id), *of_kinds(kinds, None))
        waiting = select(func.count()).select_from(tasks).where(theirs)
        touched = (
            select(func.count(assignments.c.task_id.distinct()))
            .join(tasks, tasks.c.id == assignments.c.task_id)
            .where(assignments.c.labeler_id == labeler_id, TOUCHED, theirs)
        )
        active = select(func.coalesce(func.sum(assignments.c.active_s), 0.0)).where(
            assignments.c.labeler_id == labeler_id, assignments.c.beat_at >= today
        )
        return Progress(
            labels_today=connection.execute(count.where(labels.c.created_at >= today)).scalar_one(),
            active_minutes=connection.execute(active).scalar_one() / 60,
            labels=connection.execute(count).scalar_one(),
            tasks_left=connection.execute(waiting).scalar_one()
            - connection.execute(touched).scalar_one(),
        )

    return store.read(read)


def waiting_labels(store: Store) -> dict[str, int]:
    """{kind: labels still wanted and not leased}."""
    return store.read(_waiting)


def _waiting(connection: Connection) -> dict[str, int]:
    waiting = select(tasks.c.kind, func.sum(tasks.c.free)).where(FREE).group_by(tasks.c.kind)
    return {kind: int(count) for kind, count in connection.execute(waiting)}


def queue_state(store: Store) -> QueueState:
    def read(connection: Connection) -> QueueState:
        now = store.clock()
        counts = select(assignments.c.state, func.count().label("count"))
        states = {
            row.state: row[1] for row in connection.execute(counts.group_by(assignments.c.state))
        }
        counted = connection.execute(
            select(
                func.count(),
                func.count(labels.c.used_at),
                func.coalesce(func.sum(case((labels.c.created_at > now - 3600, 1), else_=0)), 0),
            ).where(labels.c.retracted_at.is_(None))
        ).one()
        return QueueState(
            waiting=_waiting(connection),
            leased=states.get("open", 0),
            labels=counted[0],
            used=counted[1],
            skipped=states.get("skipped", 0),
            expired=states.get("expired", 0),
            gold=connection.execute(
                select(func.count()).where(tasks.c.is_gold.is_(True))
            ).scalar_one(),
            labelers_now=connection.execute(
                select(func.count(assignments.c.labeler_id.distinct())).where(
                    assignments.c.beat_at > now - 300
                )
            ).scalar_one(),
            labels_last_hour=counted[2],
        )

    return store.read(read)

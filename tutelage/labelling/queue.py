"""The queue: tasks are leased to one person a slot, answered, skipped, taken back.

Rows are locked in one order, labeler → task → assignment → audit log, so that on PostgreSQL two
requests wait for each other but never in a circle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

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

from tutelage.errors import BadInput, LeaseLost
from tutelage.labelling import audit
from tutelage.labelling.guidelines import is_known
from tutelage.labelling.labels import (
    CHUNK,
    check_key,
    label_of,
    lock_labeler,
    repeated,
    write_label,
)
from tutelage.labelling.records import (
    TASK_KINDS,
    Assignment,
    Label,
    NewTask,
    Progress,
    QueueState,
    Task,
)
from tutelage.labelling.settings import Settings, settings_of
from tutelage.labelling.store import Store
from tutelage.labelling.tables import assignments, labels, tasks
from tutelage.labelling.values import check_json, check_payload, check_value

GAP_S = 60.0  # silence longer than this is a pause and is not paid
REASON_LIMIT = 500
TOUCHED = text("assignments.state IN ('open', 'done', 'skipped')")  # not given to them again
FREE = text("tasks.free > 0")  # literally as in the index, which is used only then
DAY_S = 86400.0


def add_tasks(store: Store, new: Sequence[NewTask]) -> list[int]:
    """Ids in the order of `new`. A task that is there already keeps its id and everything else."""
    checked = [(task, check_payload(task.kind, task.payload)) for task in new]
    for task, payload in checked:
        _check_task(task, payload)

    def write(connection: Connection) -> list[int]:
        overlap = settings_of(connection).overlap
        digests = [task_digest(task.kind, payload) for task, payload in checked]
        known = _by_digest(connection, digests)
        rows = []
        for digest, (task, payload) in zip(digests, checked, strict=True):
            if digest not in known:
                known[digest] = 0
                wanted = task.overlap or overlap
                rows.append(
                    {
                        "digest": digest,
                        "kind": task.kind,
                        "topic": task.topic,
                        "payload": payload,
                        "priority": float(task.priority),
                        "overlap": wanted,
                        "free": 0 if task.gold is not None else wanted,
                        "gold": task.gold,
                        "is_gold": task.gold is not None,
                        "propensity": task.propensity,
                        "source": task.source,
                        "author_id": task.author_id,
                        "created_at": store.clock(),
                    }
                )
        for start in range(0, len(rows), CHUNK):
            connection.execute(insert(tasks), rows[start : start + CHUNK])
        if rows:
            known = _by_digest(connection, digests)
        return [known[digest] for digest in digests]

    return store.write(write)


def task_digest(kind: str, payload: Mapping[str, Any]) -> str:
    return hashlib.sha256(kind.encode() + b"\n" + audit.canonical(payload)).hexdigest()


def get_tasks(store: Store, ids: Iterable[int]) -> dict[int, Task]:
    """{id: task} of those that are there."""
    wanted = sorted(set(ids))

    def read(connection: Connection) -> dict[int, Task]:
        return {
            row.id: task_of(row)
            for start in range(0, len(wanted), CHUNK)
            for row in connection.execute(
                select(tasks).where(tasks.c.id.in_(wanted[start : start + CHUNK]))
            )
        }

    return store.read(read)


def waiting_tasks(
    store: Store, kinds: Sequence[str] | None = None, limit: int = 1000
) -> list[Task]:
    """Tasks that still want labels and that nobody holds, the next one first."""
    query = _in_order(select(tasks).where(FREE, *_of_kinds(kinds, None)), "priority").limit(limit)
    return store.read(lambda connection: [task_of(row) for row in connection.execute(query)])


def prioritise(store: Store, priorities: Mapping[int, float]) -> None:
    """New priorities of tasks by id, for whoever chooses what is worth asking next."""

    def write(connection: Connection) -> None:
        for task_id, priority in sorted(priorities.items()):
            connection.execute(
                update(tasks).where(tasks.c.id == task_id).values(priority=float(priority))
            )

    store.write(write)


def close_tasks(store: Store, ids: Iterable[int], by: int | None) -> None:
    """They are given to nobody any more; labels and leases that there are stay."""
    wanted = sorted(set(ids))

    def write(connection: Connection) -> None:
        for task_id in wanted:
            connection.execute(
                update(tasks).where(tasks.c.id == task_id).values(free=0, closed_at=store.clock())
            )
        audit.append(connection, store.clock(), by, "close", "tasks", {"tasks": wanted})

    store.write(write)


def claim(
    store: Store,
    labeler_id: int,
    kinds: Sequence[str] | None = None,
    topics: Sequence[str] | None = None,
    lease_s: float | None = None,
) -> Assignment | None:
    """The task that this person does next, leased to them; None: nothing is left for them.

    A lease of their own comes back first, the latest first. lease_s: None for the settings'.
    """
    for kind in kinds or ():
        if kind not in TASK_KINDS:
            raise BadInput(f"There are no tasks of kind {kind!r}, only {', '.join(TASK_KINDS)}.")
    dice, place = store.random.random(), store.random.random()

    def write(connection: Connection) -> Assignment | None:
        lock_labeler(connection, labeler_id)
        now, settings = store.clock(), settings_of(connection)
        own = _own_lease(connection, labeler_id, kinds, topics, now)
        if own is not None:
            return own
        return_expired(connection, now)
        ordinary = _next_task(connection, labeler_id, kinds, topics, settings, place)
        task = ordinary
        if ordinary is not None and dice < settings.gold_rate:
            task = _next_gold(connection, labeler_id, kinds, topics) or ordinary
        if task is None:
            return None
        slot = labeler_id if task.is_gold else _take_slot(connection, task)
        return _lease(connection, task, labeler_id, slot, now, lease_s or settings.lease_s)

    return store.write(write)


def save_draft(
    store: Store, assignment_id: int, labeler_id: int, draft: dict[str, Any] | None
) -> Assignment:
    """Keep unfinished work; a sign of life, too. LeaseLost (with the draft kept) where the task
    has gone back to the queue."""
    check_json(draft, "The draft")

    def write(connection: Connection) -> Assignment | None:
        row = _own_row(connection, assignment_id, labeler_id)
        if row.state in ("done", "skipped", "undone"):
            raise LeaseLost(f"This task is already {row.state}; there is no draft to keep.")
        beat = _beat(store.clock()) if row.state == "open" else {}
        connection.execute(
            update(assignments).where(assignments.c.id == assignment_id).values(draft=draft, **beat)
        )
        return _assignment(connection, assignment_id) if row.state == "open" else None

    return store.write(write) or _lost()


def heartbeat(store: Store, assignment_id: int, labeler_id: int) -> Assignment:
    """The page is being worked on: the gap since the last sign counts as active time if it is at
    most GAP_S, and the lease is as long again as it was."""

    def write(connection: Connection) -> Assignment | None:
        done = connection.execute(
            update(assignments)
            .where(
                assignments.c.id == assignment_id,
                assignments.c.labeler_id == labeler_id,
                assignments.c.state == "open",
            )
            .values(**_beat(store.clock()))
        )
        if done.rowcount:
            return _assignment(connection, assignment_id)
        _own_row(connection, assignment_id, labeler_id)
        return None

    return store.write(write) or _lost()


def submit(
    store: Store,
    assignment_id: int,
    labeler_id: int,
    key: str,
    value: dict[str, Any],
    guidelines: str,
) -> Label:
    """The label, once it is on disk. key: made by the client for this submit; sent again, it is
    the same label. guidelines: hash of the version that was shown. A lease that ran out is taken
    up again where nobody else has the task, or else LeaseLost, with the value kept as draft."""
    check_key(key)
    check_json(value, "A label")
    task = store.read(
        lambda connection: connection.execute(
            select(tasks.c.id, tasks.c.kind, tasks.c.payload)
            .join(assignments, assignments.c.task_id == tasks.c.id)
            .where(assignments.c.id == assignment_id, assignments.c.labeler_id == labeler_id)
        ).first()
    )
    if task is None:
        raise BadInput(_not_theirs(assignment_id))
    checked = check_value(task.kind, value, task.payload)

    def write(connection: Connection) -> Label | None:
        lock_labeler(connection, labeler_id)
        before = repeated(connection, labeler_id, key, task.kind, checked)
        if before is not None:
            return before
        if not is_known(connection, guidelines):
            raise BadInput("These guidelines are no version that is known; reload the page.")
        now = store.clock()
        row = _own_row(connection, assignment_id, labeler_id)
        if row.state == "expired" and _take_up_again(connection, row, now):
            row = _own_row(connection, assignment_id, labeler_id)
        if row.state == "expired":
            connection.execute(
                update(assignments).where(assignments.c.id == row.id).values(draft=checked)
            )
            return None
        if row.state != "open":
            raise LeaseLost(
                "This task was submitted already; undo it to change it."
                if row.state == "done"
                else f"This task is {row.state}; take a new one."
            )
        ended = connection.execute(
            update(assignments)
            .where(assignments.c.id == row.id)
            .values(state="done", draft=None, ended_at=now, **_beat(now))
            .returning(assignments.c.active_s)
        ).scalar_one()
        return write_label(
            connection,
            now,
            labeler_id,
            key,
            task.kind,
            checked,
            task_id=task.id,
            assignment_id=row.id,
            guidelines=guidelines,
            active_s=ended,
        )

    label = store.write(write)
    if label is None:
        _lost()
    return label


def skip(store: Store, assignment_id: int, labeler_id: int, reason: str) -> None:
    """Back to the queue, for others; this person is not given it again."""
    if not isinstance(reason, str) or not 0 < len(reason.strip()) <= REASON_LIMIT:
        raise BadInput(f"Skipping needs a reason of 1 to {REASON_LIMIT} characters.")
    check_json(reason, "The reason")

    def write(connection: Connection) -> None:
        lock_labeler(connection, labeler_id)
        row = _own_row(connection, assignment_id, labeler_id)
        if row.state == "skipped":
            return
        if row.state not in ("open", "expired"):
            raise LeaseLost(f"This task is already {row.state}.")
        _lock_task(connection, row.task_id)
        state = connection.execute(
            select(assignments.c.state).where(assignments.c.id == row.id).with_for_update()
        ).scalar_one()
        connection.execute(
            update(assignments)
            .where(assignments.c.id == row.id)
            .values(state="skipped", reason=reason, draft=None, ended_at=store.clock())
        )
        if state == "open":
            give_back(connection, [row.task_id])

    store.write(write)


def undo(store: Store, labeler_id: int) -> Assignment | None:
    """Take this person's last answer to a task back, used or not, and lease them the task again
    with the answer as draft; None where there is none."""

    def write(connection: Connection) -> Assignment | None:
        lock_labeler(connection, labeler_id)
        now = store.clock()
        label = connection.execute(
            select(labels)
            .where(
                labels.c.labeler_id == labeler_id,
                labels.c.retracted_at.is_(None),
                labels.c.assignment_id.is_not(None),
            )
            .order_by(labels.c.id.desc())
            .limit(1)
        ).first()
        if label is None:
            return None
        before = _own_row(connection, label.assignment_id, labeler_id)
        connection.execute(
            update(assignments).where(assignments.c.id == before.id).values(state="undone")
        )
        task = connection.execute(select(tasks).where(tasks.c.id == label.task_id)).one()
        again = _lease(
            connection, task, labeler_id, before.slot, now, before.lease_s,
            draft=label.value, active_s=before.active_s,
        )  # fmt: skip
        retract(connection, now, label.id, labeler_id)
        return again

    return store.write(write)


def retract(connection: Connection, at: float, label_id: int, by: int) -> None:
    """Mark a label as taken back; it stays, and trainers leave it out from now on."""
    audit.lock_chain(connection)
    connection.execute(update(labels).where(labels.c.id == label_id).values(retracted_at=at))
    audit.append(connection, at, by, "retract", f"label {label_id}")


def history(
    store: Store, labeler_id: int, limit: int = 50, before: int | None = None
) -> list[Label]:
    """What this person has said, the latest first; before: the id to go on below."""
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
        waiting = select(func.count()).select_from(tasks).where(FREE, *_of_kinds(kinds, None))
        touched = (
            select(func.count(assignments.c.task_id.distinct()))
            .join(tasks, tasks.c.id == assignments.c.task_id)
            .where(assignments.c.labeler_id == labeler_id, TOUCHED, FREE, *_of_kinds(kinds, None))
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


def queue_state(store: Store) -> QueueState:
    def read(connection: Connection) -> QueueState:
        now = store.clock()
        waiting = connection.execute(
            select(tasks.c.kind, func.sum(tasks.c.free)).where(FREE).group_by(tasks.c.kind)
        )
        states: dict[str, int] = {
            state: count
            for state, count in connection.execute(
                select(assignments.c.state, func.count()).group_by(assignments.c.state)
            )
        }
        kept = labels.c.retracted_at.is_(None)
        counted = connection.execute(
            select(
                func.count(),
                func.count(labels.c.used_at),
                func.coalesce(func.sum(case((labels.c.created_at > now - 3600, 1), else_=0)), 0),
            ).where(kept)
        ).one()
        return QueueState(
            waiting={kind: int(count) for kind, count in waiting},
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


def task_of(row: Row[Any]) -> Task:
    return Task(**{name: getattr(row, name) for name in Task.__dataclass_fields__})


def _next_task(
    connection: Connection,
    labeler_id: int,
    kinds: Sequence[str] | None,
    topics: Sequence[str] | None,
    settings: Settings,
    place: float,
) -> Row[Any] | None:
    """The first waiting task of an order that this person has not touched, locked."""
    query = select(tasks).where(
        FREE, *_of_kinds(kinds, topics), ~_touched_by(labeler_id), tasks.c.closed_at.is_(None)
    )
    if settings.order == "random":
        top = connection.execute(select(func.max(tasks.c.id))).scalar_one() or 0
        later = query.where(tasks.c.id >= int(place * top) + 1)
        found = _locked(connection, _in_order(later, "oldest"))
        if found is not None:
            return found
    return _locked(connection, _in_order(query, settings.order))


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


def _next_gold(
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
            *_of_kinds(kinds, topics),
            ~_touched_by(labeler_id),
        )
        .order_by(tasks.c.id)
        .limit(1)
    )
    return connection.execute(query).first()


def _in_order(query: Select[Any], order: Literal["priority", "oldest", "random"]) -> Select[Any]:
    if order == "priority":
        return query.order_by(tasks.c.priority.desc(), tasks.c.id)
    return query.order_by(tasks.c.id)


def _touched_by(labeler_id: int) -> ColumnElement[bool]:
    return exists().where(
        assignments.c.task_id == tasks.c.id, assignments.c.labeler_id == labeler_id, TOUCHED
    )


def _of_kinds(
    kinds: Sequence[str] | None, topics: Sequence[str] | None
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if kinds:
        conditions.append(tasks.c.kind.in_(kinds))
    if topics:
        conditions.append(tasks.c.topic.in_(topics))
    return conditions


def _take_slot(connection: Connection, task: Row[Any]) -> int:
    """The lowest slot of a locked task that nobody holds, now taken."""
    held = set(
        connection.execute(
            select(assignments.c.slot).where(
                assignments.c.task_id == task.id, assignments.c.state.in_(("open", "done"))
            )
        ).scalars()
    )
    connection.execute(update(tasks).where(tasks.c.id == task.id).values(free=tasks.c.free - 1))
    return next(slot for slot in range(len(held) + 1) if slot not in held)


def _lease(
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


def _own_lease(
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
            *_of_kinds(kinds, topics),
        )
        .order_by(assignments.c.id.desc())
        .limit(1)
    ).scalar()
    if found is None:
        return None
    still = connection.execute(
        update(assignments)
        .where(assignments.c.id == found, assignments.c.state == "open")
        .values(**_beat(now))
    ).rowcount
    return _assignment(connection, found) if still else None


def _take_up_again(connection: Connection, row: Row[Any], now: float) -> bool:
    """Whether an expired lease could be opened again: a slot is free and this person has no other
    assignment of the task."""
    task = _lock_task(connection, row.task_id)
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
    slot = row.slot if task.is_gold else _take_slot(connection, task)
    connection.execute(
        update(assignments)
        .where(assignments.c.id == row.id)
        .values(state="open", slot=slot, ended_at=None, leased_until=now + row.lease_s)
    )
    return True


def _lock_task(connection: Connection, task_id: int) -> Row[Any]:
    return connection.execute(
        select(tasks).where(tasks.c.id == task_id).with_for_update(key_share=True)
    ).one()


def _beat(now: float) -> dict[str, Any]:
    """A sign of life: active time grows by the gap if it is short, the lease starts again."""
    gap = literal(now) - assignments.c.beat_at
    return {
        "active_s": assignments.c.active_s + case((and_(gap > 0, gap <= GAP_S), gap), else_=0.0),
        "beat_at": now,
        "leased_until": now + assignments.c.lease_s,
    }


def _own_row(connection: Connection, assignment_id: int, labeler_id: int) -> Row[Any]:
    row = connection.execute(
        select(assignments).where(
            assignments.c.id == assignment_id, assignments.c.labeler_id == labeler_id
        )
    ).first()
    if row is None:
        raise BadInput(_not_theirs(assignment_id))
    return row


def _assignment(connection: Connection, assignment_id: int) -> Assignment:
    row = connection.execute(select(assignments).where(assignments.c.id == assignment_id)).one()
    task = connection.execute(select(tasks).where(tasks.c.id == row.task_id)).one()
    return Assignment(
        id=row.id,
        task=task_of(task),
        labeler_id=row.labeler_id,
        leased_until=row.leased_until,
        draft=row.draft,
    )


def _not_theirs(assignment_id: int) -> str:
    return f"Assignment {assignment_id} is not one of yours; take a task first."


def _lost() -> Any:
    raise LeaseLost(
        "Your time for this task ran out and it was given to somebody else; what you wrote is kept "
        "as a draft and comes back if you get the task again."
    )


def _by_digest(connection: Connection, digests: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(digests), CHUNK):
        query = select(tasks.c.digest, tasks.c.id).where(
            tasks.c.digest.in_(digests[start : start + CHUNK])
        )
        found.update({digest: id_ for digest, id_ in connection.execute(query)})
    return found


def _check_task(task: NewTask, payload: dict[str, Any]) -> None:
    if task.overlap is not None and not 1 <= task.overlap <= 100:
        raise BadInput(f"overlap must lie from 1 to 100, got {task.overlap}.")
    if len(task.topic) > 80 or len(task.source) > 200:
        raise BadInput("A task's topic has at most 80 characters, its source at most 200.")
    if task.propensity is not None and not 0 < task.propensity <= 1:
        raise BadInput(f"propensity must lie above 0 and up to 1, got {task.propensity}.")
    check_json([task.topic, task.source, task.priority], "A task")
    if task.gold is not None:
        check_value(task.kind, task.gold, payload)

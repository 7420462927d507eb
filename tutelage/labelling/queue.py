"""The queue as a labeler meets it: take a task, work on it, answer it, skip it, take it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, select, update

from tutelage.errors import BadInput, LeaseLost
from tutelage.labelling.guidelines import is_known
from tutelage.labelling.labels import check_key, lock_labeler, repeated, retract, write_label
from tutelage.labelling.leases import (
    BEAT,
    BEAT_ONLY,
    NOW,
    STILL_OPEN,
    THIS,
    assignment_of,
    give_back,
    held_row,
    lease,
    lease_first,
    lock_task,
    next_gold,
    next_task,
    own_lease,
    own_row,
    return_expired,
)
from tutelage.labelling.records import TASK_KINDS, Assignment, Label
from tutelage.labelling.settings import settings_now
from tutelage.labelling.store import Store
from tutelage.labelling.tables import Json, assignments, labels, tasks
from tutelage.labelling.tasks import dialogue_source
from tutelage.labelling.values import check_json, check_value

T = TypeVar("T")

REASON_LIMIT = 500

WORDS = bindparam("words", type_=Json)
KEEP_DRAFT = update(assignments).where(assignments.c.id == THIS).values(draft=WORDS)
DRAFT = STILL_OPEN.values({**BEAT, "draft": WORDS})
DONE = STILL_OPEN.values({**BEAT, "state": "done", "draft": None, "ended_at": NOW}).returning(
    assignments.c.active_s
)


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
        now, settings = store.clock(), settings_now(store, connection)
        own = own_lease(connection, labeler_id, kinds, topics, now)
        if own is not None:
            return own
        return_expired(connection, now)
        task = next_task(connection, labeler_id, kinds, topics, settings, place)
        if task is not None and dice < settings.gold_rate:
            task = next_gold(connection, labeler_id, kinds, topics) or task
        if task is None:
            return None
        return lease_first(connection, task, labeler_id, now, lease_s or settings.lease_s)

    return store.write(write, ordered=False)


def save_draft(
    store: Store, assignment_id: int, labeler_id: int, draft: dict[str, Any] | None
) -> Assignment:
    """Keep unfinished work; a sign of life, too. LeaseLost (with the draft kept) where the task
    has gone back to the queue."""
    check_json(draft, "The draft")

    def write(connection: Connection) -> Assignment | None:
        now = store.clock()
        row = held_row(connection, assignment_id, labeler_id, now)
        if row.state not in ("open", "expired"):
            raise LeaseLost(f"This task is already {row.state}; there is no draft to keep.")
        if row.state == "expired":
            connection.execute(KEEP_DRAFT, {"this": row.id, "words": draft})
            return None
        connection.execute(DRAFT, {"this": row.id, "now": now, "words": draft})
        return replace(assignment_of(row, now), draft=draft)

    return _unless_lost(store.write(write, ordered=False))


def heartbeat(store: Store, assignment_id: int, labeler_id: int) -> Assignment:
    """The page is being worked on: the gap since the last sign counts as active time if it is at
    most GAP_S, and the lease is as long again as it was."""

    def write(connection: Connection) -> Assignment | None:
        now = store.clock()
        row = held_row(connection, assignment_id, labeler_id, now)
        if row.state != "open":
            return None
        connection.execute(BEAT_ONLY, {"this": row.id, "now": now})
        return assignment_of(row, now)

    return _unless_lost(store.write(write, ordered=False))


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

    def write(connection: Connection) -> Label | None:
        lock_labeler(connection, labeler_id)
        now = store.clock()
        row = held_row(connection, assignment_id, labeler_id, now)
        checked = check_value(row.task_kind, value, row.task_payload)
        before = repeated(connection, labeler_id, key, row.task_kind, checked)
        if before is not None:
            return before
        if not is_known(store, connection, guidelines):
            raise BadInput("These guidelines are no version that is known; reload the page.")
        if row.state == "expired":
            connection.execute(KEEP_DRAFT, {"this": row.id, "words": checked})
            return None
        if row.state != "open":
            raise LeaseLost(
                "This task was submitted already; undo it to change it."
                if row.state == "done"
                else f"This task is {row.state}; take a new one."
            )
        active_s = connection.execute(DONE, {"this": row.id, "now": now}).scalar_one()
        return write_label(
            connection,
            now,
            labeler_id,
            key,
            row.task_kind,
            checked,
            task_id=row.task_id,
            task_digest=row.task_digest,
            assignment_id=row.id,
            guidelines=guidelines,
            active_s=active_s,
        )

    return _unless_lost(store.write(write))


def skip(store: Store, assignment_id: int, labeler_id: int, reason: str) -> None:
    """Back to the queue, for others; this person is not given it again."""
    if not isinstance(reason, str) or not 0 < len(reason.strip()) <= REASON_LIMIT:
        raise BadInput(f"Skipping needs a reason of 1 to {REASON_LIMIT} characters.")
    check_json(reason, "The reason")

    def write(connection: Connection) -> None:
        lock_labeler(connection, labeler_id)
        lock_task(connection, own_row(connection, assignment_id, labeler_id).task_id)
        row = own_row(connection, assignment_id, labeler_id, lock=True)
        if row.state == "skipped":
            return
        if row.state not in ("open", "expired"):
            raise LeaseLost(f"This task is already {row.state}.")
        connection.execute(
            update(assignments)
            .where(assignments.c.id == row.id)
            .values(state="skipped", reason=reason, draft=None, ended_at=store.clock())
        )
        if row.state == "open":
            give_back(connection, [row.task_id])

    store.write(write, ordered=False)


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
        if label.kind == "dialogue":  # nobody ranks the replies of one that was taken back
            connection.execute(
                update(tasks)
                .where(tasks.c.author_id == labeler_id, tasks.c.source == dialogue_source(label.id))
                .values(free=0, closed_at=now)
            )
        before = own_row(connection, label.assignment_id, labeler_id)
        connection.execute(
            update(assignments).where(assignments.c.id == before.id).values(state="undone")
        )
        task = connection.execute(select(tasks).where(tasks.c.id == label.task_id)).one()
        again = lease(
            connection, task, labeler_id, before.slot, now, before.lease_s,
            draft=label.value, active_s=before.active_s,
        )  # fmt: skip
        retract(connection, now, label.id, labeler_id)
        return again

    return store.write(write)


def _unless_lost(result: T | None) -> T:
    if result is not None:
        return result
    raise LeaseLost(
        "Your time for this task ran out and it was given to somebody else; what you wrote is kept "
        "as a draft and comes back if you get the task again."
    )

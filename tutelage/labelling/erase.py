"""Deleting one person's data, and giving it to them.

Their labels, drafts, conversations and sessions go, and so do tasks made of their words with
everybody's labels of those. The account stays as a number without a name, so that the audit log
still verifies: it holds digests whose nonces are gone. Tasks they had answered can be given out
again. What models have learned from a label cannot be taken out of them; `used` counts such labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, or_, select, update

from tutelage.errors import BadInput
from tutelage.labelling import audit
from tutelage.labelling.accounts import need_other_admin
from tutelage.labelling.leases import give_back
from tutelage.labelling.store import Store
from tutelage.labelling.tables import (
    assignments,
    conversations,
    guidelines,
    invitations,
    labelers,
    labels,
    messages,
    sessions,
    settings,
    tasks,
)


@dataclass(frozen=True, kw_only=True)
class Erased:
    labels: int
    used: int  # of these, labels that a trainer has taken steps with
    tasks: int  # made of their words
    conversations: int


def erase_person(store: Store, labeler_id: int, by: int | None) -> Erased:
    """All at once, or nothing."""
    erased = store.write(lambda connection: _erase(connection, store.clock(), labeler_id, by))
    store.tidy()
    return erased


def personal_data(store: Store, labeler_id: int) -> dict[str, Any]:
    """Everything that is kept of one person, as JSON, for them to have."""

    def read(connection: Connection) -> dict[str, Any]:
        def rows(table: Any, *where: Any, leave: tuple[str, ...] = ()) -> list[dict[str, Any]]:
            selected = connection.execute(select(table).where(*where).order_by(table.c.id))
            return [
                {key: value for key, value in row._asdict().items() if key not in leave}
                for row in selected
            ]

        person = rows(labelers, labelers.c.id == labeler_id, leave=("password",))
        if not person:
            raise BadInput(f"There is no labeler {labeler_id}.")
        chats = rows(conversations, conversations.c.labeler_id == labeler_id, leave=("share",))
        chat_messages = rows(
            messages, messages.c.conversation_id.in_([chat["id"] for chat in chats])
        )
        return {
            "account": person[0],
            "labels": rows(labels, labels.c.labeler_id == labeler_id, leave=("nonce",)),
            "assignments": rows(assignments, assignments.c.labeler_id == labeler_id),
            "tasks": rows(tasks, tasks.c.author_id == labeler_id),
            "conversations": [
                {
                    **chat,
                    "messages": [m for m in chat_messages if m["conversation_id"] == chat["id"]],
                }
                for chat in chats
            ],
            "sessions": rows(sessions, sessions.c.labeler_id == labeler_id, leave=("token_hash",)),
        }

    return store.read(read)


def _erase(connection: Connection, now: float, labeler_id: int, by: int | None) -> Erased:
    person = connection.execute(
        select(labelers)
        .where(labelers.c.id == labeler_id, labelers.c.erased_at.is_(None))
        .with_for_update(key_share=True)
    ).first()
    if person is None:
        raise BadInput(f"There is no labeler {labeler_id}, or their data is deleted already.")
    need_other_admin(connection, labeler_id)

    own_task_ids = select(tasks.c.id).where(tasks.c.author_id == labeler_id)
    is_deleted = or_(labels.c.labeler_id == labeler_id, labels.c.task_id.in_(own_task_ids))
    deleted = connection.execute(select(labels.c.id, labels.c.used_at).where(is_deleted)).all()
    own_tasks = set(connection.execute(own_task_ids).scalars())
    held = connection.execute(
        select(assignments.c.task_id).where(
            assignments.c.labeler_id == labeler_id, assignments.c.state.in_(("open", "done"))
        )
    ).scalars()
    reopened = [task_id for task_id in held if task_id not in own_tasks]
    connection.execute(delete(labels).where(is_deleted))
    connection.execute(
        delete(assignments).where(
            or_(assignments.c.labeler_id == labeler_id, assignments.c.task_id.in_(own_task_ids))
        )
    )
    connection.execute(delete(tasks).where(tasks.c.author_id == labeler_id))
    give_back(connection, reopened)

    own_conversations = select(conversations.c.id).where(conversations.c.labeler_id == labeler_id)
    connection.execute(delete(messages).where(messages.c.conversation_id.in_(own_conversations)))
    deleted_conversations = connection.execute(
        delete(conversations).where(conversations.c.labeler_id == labeler_id)
    ).rowcount
    connection.execute(delete(sessions).where(sessions.c.labeler_id == labeler_id))
    for column in (
        guidelines.c.author_id,
        settings.c.author_id,
        invitations.c.created_by,
        invitations.c.used_by,
    ):
        connection.execute(update(column.table).where(column == labeler_id).values({column: None}))
    connection.execute(
        update(labelers)
        .where(labelers.c.id == labeler_id)
        .values(
            name=f"deleted person {labeler_id}",
            name_key=f"deleted person {labeler_id}",
            role="labeler",
            active=False,
            password=None,
            erased_at=now,
        )
    )
    ids = sorted(row.id for row in deleted)
    audit.append(connection, now, by, "erase", f"labeler {labeler_id}", {"labels": ids})
    return Erased(
        labels=len(deleted),
        used=sum(row.used_at is not None for row in deleted),
        tasks=len(own_tasks),
        conversations=deleted_conversations,
    )

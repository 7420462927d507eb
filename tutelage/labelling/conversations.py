"""Conversations of the chat: every message with its stage and log-probabilities, so that a
later judgement of it can be learned from."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from tutelage.errors import BadInput
from tutelage.labelling.records import Chat, ChatMessage
from tutelage.labelling.store import Store
from tutelage.labelling.tables import conversations, messages
from tutelage.labelling.values import NAME_LIMIT, ROLES, TEXT_LIMIT, check_json

TITLE_LIMIT = 200
MESSAGES_LIMIT = 1000  # of one conversation, dropped ones included
DETAIL_LIMIT = 200_000  # bytes


def new_conversation(store: Store, labeler_id: int) -> Chat:
    def write(connection: Connection) -> Chat:
        now = store.clock()
        row = connection.execute(
            insert(conversations)
            .values(labeler_id=labeler_id, title="", created_at=now, changed_at=now)
            .returning(conversations)
        ).one()
        return _chat(connection, row)

    return store.write(write, ordered=False)


def add_message(
    store: Store,
    conversation_id: int,
    labeler_id: int,
    role: str,
    content: str,
    *,
    stage: str = "",
    logprobs: list[float] | None = None,
    detail: dict[str, Any] | None = None,
) -> ChatMessage:
    """One more message at the end. logprobs: of its tokens, under the model that said it; detail:
    what belongs to it, such as a command's output or how it was sampled."""
    if role not in ROLES:
        raise BadInput(f"A message's role must be one of {', '.join(ROLES)}, got {role!r}.")
    if not isinstance(content, str) or len(content) > TEXT_LIMIT:
        raise BadInput(f"A message must be text of at most {TEXT_LIMIT:,} characters.")
    check_json([content, stage], "A message")
    check_json([logprobs, detail], "What belongs to a message", DETAIL_LIMIT)
    if len(stage) > NAME_LIMIT * 2 // 3:
        raise BadInput("A stage's name has at most 80 characters.")

    def write(connection: Connection) -> ChatMessage:
        row = _own(connection, conversation_id, labeler_id, lock=True)
        count = select(messages.c.id).where(messages.c.conversation_id == row.id)
        if len(connection.execute(count).all()) >= MESSAGES_LIMIT:
            raise BadInput(
                f"A conversation has at most {MESSAGES_LIMIT} messages; begin a new one."
            )
        now = store.clock()
        title = row.title or (_title(content) if role == "user" else "")
        connection.execute(
            update(conversations)
            .where(conversations.c.id == row.id)
            .values(changed_at=now, title=title)
        )
        made = connection.execute(
            insert(messages)
            .values(
                conversation_id=row.id,
                role=role,
                content=content,
                stage=stage,
                logprobs=logprobs,
                detail=detail,
                created_at=now,
            )
            .returning(messages)
        ).one()
        return _message(made)

    return store.write(write, ordered=False)


def update_detail(
    store: Store, message_id: int, labeler_id: int, changes: dict[str, Any]
) -> ChatMessage:
    """Add or replace entries of a message's detail, such as the output of its command once that has
    run; the other entries stay as they are."""

    def write(connection: Connection) -> ChatMessage:
        row = _own_message(connection, message_id, labeler_id, lock=True)
        detail = {**(row.detail or {}), **changes}
        check_json(detail, "What belongs to a message", DETAIL_LIMIT)
        made = connection.execute(
            update(messages)
            .where(messages.c.id == row.id)
            .values(detail=detail)
            .returning(messages)
        ).one()
        return _message(made)

    return store.write(write, ordered=False)


def drop_from(store: Store, message_id: int, labeler_id: int) -> Chat:
    """The conversation without this message and all after it, for a redo or an edit."""

    def write(connection: Connection) -> Chat:
        row = _own_message(connection, message_id, labeler_id)
        connection.execute(
            update(messages)
            .where(
                messages.c.conversation_id == row.conversation_id,
                messages.c.id >= row.id,
                messages.c.dropped_at.is_(None),
            )
            .values(dropped_at=store.clock())
        )
        return _chat(connection, _own(connection, row.conversation_id, labeler_id))

    return store.write(write, ordered=False)


def conversation(store: Store, conversation_id: int, labeler_id: int) -> Chat:
    """One's own conversation with its messages."""
    return store.read(
        lambda connection: _chat(connection, _own(connection, conversation_id, labeler_id))
    )


def conversations_of(store: Store, labeler_id: int, limit: int = 50) -> list[Chat]:
    """One's own, the latest first, without messages."""
    query = (
        select(conversations)
        .where(conversations.c.labeler_id == labeler_id)
        .order_by(conversations.c.changed_at.desc(), conversations.c.id.desc())
        .limit(limit)
    )
    return store.read(
        lambda connection: [Chat(**row._asdict()) for row in connection.execute(query)]
    )


def share(store: Store, conversation_id: int, labeler_id: int) -> str:
    """The token of a link by which anybody may read it; the same one until `unshare`."""

    def write(connection: Connection) -> str:
        row = _own(connection, conversation_id, labeler_id, lock=True)
        if row.share:
            return str(row.share)
        token = secrets.token_urlsafe(24)
        connection.execute(
            update(conversations).where(conversations.c.id == row.id).values(share=token)
        )
        return token

    return store.write(write, ordered=False)


def unshare(store: Store, conversation_id: int, labeler_id: int) -> None:
    def write(connection: Connection) -> None:
        row = _own(connection, conversation_id, labeler_id)
        connection.execute(
            update(conversations).where(conversations.c.id == row.id).values(share=None)
        )

    store.write(write, ordered=False)


def shared(store: Store, token: str) -> Chat | None:
    """The conversation of a link, None where it is not shared (any more)."""

    def read(connection: Connection) -> Chat | None:
        query = select(conversations).where(conversations.c.share == token)
        row = connection.execute(query).first() if token.isascii() else None
        return _chat(connection, row) if row else None

    return store.read(read)


def delete_conversation(store: Store, conversation_id: int, labeler_id: int) -> None:
    """For good; labels that were given in it stay."""

    def write(connection: Connection) -> None:
        row = _own(connection, conversation_id, labeler_id, lock=True)
        connection.execute(messages.delete().where(messages.c.conversation_id == row.id))
        connection.execute(conversations.delete().where(conversations.c.id == row.id))

    store.write(write, ordered=False)


def _own(
    connection: Connection, conversation_id: int, labeler_id: int, *, lock: bool = False
) -> Row[Any]:
    query = select(conversations).where(
        conversations.c.id == conversation_id, conversations.c.labeler_id == labeler_id
    )
    row = connection.execute(query.with_for_update(key_share=True) if lock else query).first()
    if row is None:
        raise BadInput(f"There is no conversation {conversation_id} of yours.")
    return row


def _own_message(
    connection: Connection, message_id: int, labeler_id: int, *, lock: bool = False
) -> Row[Any]:
    query = (
        select(messages)
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .where(
            messages.c.id == message_id,
            messages.c.dropped_at.is_(None),
            conversations.c.labeler_id == labeler_id,
        )
    )
    row = connection.execute(query.with_for_update(of=messages) if lock else query).first()
    if row is None:
        raise BadInput(f"There is no message {message_id} of yours.")
    return row


def _chat(connection: Connection, row: Row[Any]) -> Chat:
    rows = connection.execute(
        select(messages)
        .where(messages.c.conversation_id == row.id, messages.c.dropped_at.is_(None))
        .order_by(messages.c.id)
    )
    return Chat(**row._asdict(), messages=tuple(_message(message) for message in rows))


def _message(row: Row[Any]) -> ChatMessage:
    return ChatMessage(**{name: getattr(row, name) for name in ChatMessage.__dataclass_fields__})


def _title(text: str) -> str:
    check_json(text, "A title")
    return " ".join(str(text).split())[:TITLE_LIMIT]

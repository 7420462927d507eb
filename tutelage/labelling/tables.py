"""The tables, as SQLAlchemy Core; migrations/ brings a database to them.

assignments.state: open (leased) → done | skipped | expired (the lease ran out) | undone.
tasks.free counts the labels still wanted and not leased: it is kept so that the next task is one
step along an index however many are done. Gold tasks keep it at 0 and are found by is_gold.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Text rather than PostgreSQL's JSONB, which rewrites numbers: what was hashed must come back.
Json = JSON(none_as_null=True)
HELD = "state IN ('open', 'done')"

labelers = Table(
    "labelers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(80), nullable=False),
    Column("name_key", String(160), nullable=False, unique=True),  # case folded
    Column("role", String(16), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("password", String(255)),  # Argon2 hash; null: cannot sign in
    Column("created_at", Float(53), nullable=False),
    Column("erased_at", Float(53)),
    sqlite_autoincrement=True,
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("topic", String(80), nullable=False),
    Column("payload", Json, nullable=False),
    Column("priority", Float(53), nullable=False),
    Column("overlap", Integer, nullable=False),
    Column("free", Integer, nullable=False),
    Column("gold", Json),
    Column("is_gold", Boolean, nullable=False),
    Column("propensity", Float(53)),
    Column("source", String(200), nullable=False),
    Column("author_id", ForeignKey("labelers.id"), index=True),
    Column("created_at", Float(53), nullable=False),
    Column("closed_at", Float(53)),
    sqlite_autoincrement=True,
)
Index(
    "ix_tasks_waiting",
    tasks.c.priority.desc(),
    tasks.c.id,
    tasks.c.kind,
    tasks.c.topic,
    sqlite_where=text("free > 0"),
    postgresql_where=text("free > 0"),
)
Index("ix_tasks_is_gold", tasks.c.is_gold, tasks.c.id)

assignments = Table(
    "assignments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("task_id", ForeignKey("tasks.id"), nullable=False),
    Column("labeler_id", ForeignKey("labelers.id"), nullable=False),
    Column("slot", Integer, nullable=False),  # 0 … overlap − 1; a gold task's is its labeler
    Column("state", String(8), nullable=False),
    Column("lease_s", Float(53), nullable=False),
    Column("leased_until", Float(53), nullable=False),
    Column("beat_at", Float(53), nullable=False),  # when its labeler last did something
    Column("active_s", Float(53), nullable=False),
    Column("draft", Json),
    Column("reason", String(500)),  # why it was skipped
    Column("created_at", Float(53), nullable=False),
    Column("ended_at", Float(53)),
    Index("ix_assignments_task_id_labeler_id_state", "task_id", "labeler_id", "state"),
    Index("ix_assignments_labeler_id_state", "labeler_id", "state"),
    sqlite_autoincrement=True,
)
# Whatever the code above them does, nothing is assigned twice.
Index(
    "uq_assignments_slot",
    assignments.c.task_id,
    assignments.c.slot,
    unique=True,
    sqlite_where=text(HELD),
    postgresql_where=text(HELD),
)
Index(
    "uq_assignments_labeler",
    assignments.c.task_id,
    assignments.c.labeler_id,
    unique=True,
    sqlite_where=text(HELD),
    postgresql_where=text(HELD),
)
Index(
    "ix_assignments_due",
    assignments.c.leased_until,
    sqlite_where=text("state = 'open'"),
    postgresql_where=text("state = 'open'"),
)

labels = Table(
    "labels",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(100), nullable=False),
    Column("task_id", ForeignKey("tasks.id"), index=True),
    Column("assignment_id", ForeignKey("assignments.id"), index=True),
    Column("labeler_id", ForeignKey("labelers.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("value", Json, nullable=False),
    Column("guidelines", String(64), nullable=False),
    Column("active_s", Float(53), nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("retracted_at", Float(53)),
    Column("used_at", Float(53)),
    Column("effect", Json),
    Column("nonce", String(32), nullable=False),  # makes the audit log's digest worthless without
    UniqueConstraint("labeler_id", "key"),
    Index("ix_labels_labeler_id_created_at", "labeler_id", "created_at"),
    Index("ix_labels_created_at", "created_at"),
    sqlite_autoincrement=True,
)

guidelines = Table(
    "guidelines",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hash", String(64), nullable=False, index=True),
    Column("text", Text, nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("author_id", ForeignKey("labelers.id")),
    sqlite_autoincrement=True,
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", Float(53), nullable=False),
    Column("actor_id", Integer),  # no foreign key: outlives the person
    Column("action", String(32), nullable=False),
    Column("subject", String(120), nullable=False),
    Column("detail", Json, nullable=False),  # numbers and hashes, never anybody's words
    Column("digest", String(64), nullable=False),  # of the content, where there is any
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("ix_audit_subject", "subject"),
)

settings = Table(
    "settings",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("value", JSON(none_as_null=False), nullable=False),
    Column("changed_at", Float(53), nullable=False),
    Column("author_id", ForeignKey("labelers.id")),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("labeler_id", ForeignKey("labelers.id"), nullable=False, index=True),
    Column("purpose", String(8), nullable=False),  # browser or api
    Column("name", String(80), nullable=False),  # of an API key
    Column("created_at", Float(53), nullable=False),
    Column("expires_at", Float(53), nullable=False),
    sqlite_autoincrement=True,
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("created_by", ForeignKey("labelers.id")),
    Column("created_at", Float(53), nullable=False),
    Column("expires_at", Float(53), nullable=False),
    Column("used_by", ForeignKey("labelers.id")),
    Column("used_at", Float(53)),
    Column("revoked_at", Float(53)),
    sqlite_autoincrement=True,
)

tries = Table(
    "tries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("who", String(64), nullable=False),  # hash of a name or address
    Column("at", Float(53), nullable=False),
    Index("ix_tries_who_at", "who", "at"),
    sqlite_autoincrement=True,
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("labeler_id", ForeignKey("labelers.id"), nullable=False),
    Column("title", String(200), nullable=False),
    Column("share", String(64), unique=True),
    Column("created_at", Float(53), nullable=False),
    Column("changed_at", Float(53), nullable=False),
    Index("ix_conversations_labeler_id_changed_at", "labeler_id", "changed_at"),
    sqlite_autoincrement=True,
)

messages = Table(
    "messages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("conversation_id", ForeignKey("conversations.id"), nullable=False),
    Column("role", String(16), nullable=False),
    Column("content", Text, nullable=False),
    Column("stage", String(80), nullable=False),
    Column("logprobs", Json),
    Column("detail", Json),
    Column("created_at", Float(53), nullable=False),
    Column("dropped_at", Float(53)),  # replaced by a redo or an edit
    Index("ix_messages_conversation_id_id", "conversation_id", "id"),
    sqlite_autoincrement=True,
)

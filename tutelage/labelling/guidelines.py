"""Instructions for labelers. Every version is kept; each label holds its version's hash."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import Connection, insert, select

from tutelage.errors import BadInput
from tutelage.labelling import audit
from tutelage.labelling.records import Guidelines
from tutelage.labelling.store import Store
from tutelage.labelling.tables import guidelines, labelers
from tutelage.labelling.values import check_json

LIMIT = 100_000  # characters

FIRST = """\
# How to judge a reply

1. **Does it do what was asked?** All of it, and nothing that was not asked for.
2. **Is it true?** A reply that makes something up is worse than one that says it does not know.
3. **Is it harmless?** No reply may help to hurt somebody. Where helping and harm conflict, harm
   weighs more.
4. **Is it clear?** Short and plain is better than long and learned.

Rank by what you would rather get as an answer. Call two replies equal when you would not mind which
one you got. Say "none acceptable" when you would not send any of them, and write the reply that you
would have sent.

When you write a reply yourself, write it as the assistant should: in its voice, complete, checked.
"""


def guidelines_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


DEFAULT = Guidelines(hash=guidelines_hash(FIRST), text=FIRST, created_at=0.0, author="tutelage")


def publish(store: Store, author_id: int, text: str) -> Guidelines:
    """A new version, from now on the current one."""
    if not isinstance(text, str) or not 0 < len(text.strip()) <= LIMIT:
        raise BadInput(f"Guidelines must be text of 1 to {LIMIT:,} characters.")
    check_json(text, "The guidelines", 4 * LIMIT)

    def write(connection: Connection) -> Guidelines:
        hash_, at = guidelines_hash(text), store.clock()
        number = connection.execute(
            insert(guidelines)
            .values(hash=hash_, text=text, created_at=at, author_id=author_id)
            .returning(guidelines.c.id)
        ).scalar_one()
        digest = audit.content_digest("", [hash_, text])
        audit.append(
            connection, at, author_id, "guidelines", f"guidelines {number}", {"hash": hash_}, digest
        )
        return _versions(connection, guidelines.c.id == number)[0]

    return store.write(write)


def current(store: Store) -> Guidelines:
    """The newest version; before any was published, the ones that come with Tutelage."""
    versions = store.read(lambda connection: _versions(connection, limit=1))
    return versions[0] if versions else DEFAULT


def version(store: Store, hash_: str) -> Guidelines:
    matches = store.read(lambda connection: _versions(connection, guidelines.c.hash == hash_))
    if matches:
        return matches[0]
    if hash_ == DEFAULT.hash:
        return DEFAULT
    raise BadInput(f"There are no guidelines {hash_[:12]!r}.")


def versions(store: Store) -> list[Guidelines]:
    """Newest first."""
    return [*store.read(_versions), DEFAULT]


def is_known(store: Store, connection: Connection, hash_: object) -> bool:
    if not isinstance(hash_, str):
        return False

    def read() -> set[str]:
        return {DEFAULT.hash, *connection.execute(select(guidelines.c.hash)).scalars()}

    # Versions are never removed: only one that is not known yet may have come since.
    return hash_ in store.fresh("guidelines", read) or hash_ in read()


def _versions(connection: Connection, *where: Any, limit: int | None = None) -> list[Guidelines]:
    query = (
        select(guidelines, labelers.c.name)
        .join_from(guidelines, labelers, isouter=True)
        .where(*where)
        .order_by(guidelines.c.id.desc())
        .limit(limit)
    )
    return [
        Guidelines(
            hash=row.hash, text=row.text, created_at=row.created_at, author=row.name or "unknown"
        )
        for row in connection.execute(query)
    ]

"""Accounts (being written)."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from tutelage.labelling.records import Labeler
from tutelage.labelling.store import Store
from tutelage.labelling.tables import labelers

LOCAL = "you"  # the person at the machine itself, where nobody signs in


def local_person(store: Store) -> Labeler:
    """The one person of a server on 127.0.0.1 without accounts."""

    def write(connection: Connection) -> Labeler:
        query = select(labelers).where(labelers.c.name_key == LOCAL)
        if connection.execute(query).first() is None:
            connection.execute(
                insert(labelers).values(
                    name=LOCAL,
                    name_key=LOCAL,
                    role="admin",
                    active=True,
                    created_at=store.clock(),
                )
            )
        return labeler_of(connection.execute(query).one())

    return store.write(write)


def labeler_of(row) -> Labeler:
    return Labeler(id=row.id, name=row.name, role=row.role, active=row.active)

"""Runs the steps on the connection, and in the transaction, that `migrate.prepare` opened."""

from __future__ import annotations

from alembic import context

from tutelage.labelling.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
)
context.run_migrations()

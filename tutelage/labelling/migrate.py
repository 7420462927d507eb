"""Brings a database to the tables of this version, one program at a time."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from tutelage.errors import BadInput

HEAD = "0002"  # the newest step in migrations/versions
MIGRATION_LOCK = 0x7475746D  # PostgreSQL's advisory lock of whoever migrates
VERSION = text("SELECT version_num FROM alembic_version")


def prepare(engine: Engine) -> None:
    """Nothing where the tables are this version's; BadInput where they are a later one's."""
    with engine.begin() as connection:
        if _version(connection) != HEAD:
            if engine.dialect.name == "postgresql":
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK}
                )
            upgrade(connection)


def upgrade(connection: Connection) -> None:
    # Imported only here: most starts find the tables as they should be.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise BadInput(
            f"The database of labels is of version {_version(connection)}, made by a later "
            f"Tutelage; this one knows versions up to {HEAD}. Update Tutelage, or name another "
            "database."
        ) from None


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(VERSION).scalar()

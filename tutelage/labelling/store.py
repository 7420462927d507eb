"""The database: SQLite in the run folder, or PostgreSQL for many labelers.

SQLite allows one writer at a time, and writers that queue for its lock time out under load. So one
thread writes: it takes what has come in, runs each piece in a savepoint, commits them together
with one flush to disk, and only then answers. Readers see a snapshot and never wait.

PostgreSQL takes many writers, but whoever adds to the audit log must wait for the one before to be
on disk. So there the thread writes what is `ordered`, labels and the log, a batch for one wait;
everything else is written by its caller's thread. A batch takes the log's lock before any row, and
the others never take it, so that two servers' batches do not wait for each other in a circle. A
deadlock of what one person does at two places is found by PostgreSQL, and the work done again.
"""

from __future__ import annotations

import json
import queue
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tutelage.errors import BadInput, StoreUnavailable
from tutelage.labelling.migrate import prepare

T = TypeVar("T")
Work = Callable[[Connection], Any]

BATCH = 64  # pieces of work that one commit may carry
FRESH_S = 1.0  # for how long what another program may change is believed
LOG_LOCK = 0x7475746C  # PostgreSQL's advisory lock of whoever adds to the audit log
RETRIES = 5  # of a piece that met a deadlock or took the same slot as another server


def labels_url(run: Path) -> str:
    """The URL of a run's own database."""
    return f"sqlite:///{Path(run).resolve() / 'labels.db'}"


class Store:
    """write(fn) and read(fn) run fn(connection) in a transaction; both may be called from any
    thread. fn may be run again after a conflict, so it does nothing but ask the database."""

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float] = time.time,
        patience_s: float = 5.0,
        seed: int | None = None,
    ) -> None:
        """patience_s: how long to wait for another program's lock on a SQLite file."""
        self.clock = clock
        self.random = random.Random(seed)
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise BadInput(
                f"{url!r} is no database; expected sqlite:///FILE or "
                "postgresql+psycopg://USER@HOST/NAME."
            ) from None
        self.place = parsed.render_as_string(hide_password=True)
        self.postgresql = parsed.get_backend_name() == "postgresql"
        self._closed = False
        if self.postgresql:
            self._writer = self._reader = _postgresql(url)
        elif parsed.get_backend_name() == "sqlite" and parsed.database:
            try:
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreUnavailable(
                    f"The folder of {self.place} cannot be made: {error.strerror}."
                ) from None
            self._writer = _sqlite(url, patience_s, writes=True)
            self._reader = _sqlite(url, patience_s, writes=False)
        else:
            raise BadInput(
                f"{self.place} is no database that labels can be kept in; expected sqlite:///FILE "
                "or postgresql+psycopg://USER@HOST/NAME."
            )
        try:
            prepare(self._writer)
        except Exception as error:
            self._writer.dispose()
            self._reader.dispose()
            if isinstance(error, SQLAlchemyError):
                raise self._explained(error) from error
            raise
        self._known: dict[str, tuple[float, Any]] = {}
        self._work: queue.SimpleQueue[tuple[Work, Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="store", daemon=True)
        self._thread.start()

    def write(self, fn: Callable[[Connection], T], *, ordered: bool = True) -> T:
        """fn's result, once what it wrote is on disk; what it raises, with nothing written.
        ordered=False: it writes neither labels nor the audit log, and need not wait for them."""
        if self._closed:
            raise StoreUnavailable(f"The database {self.place} has been closed.")
        if self.postgresql and not ordered:
            return self._alone(fn, ordered=False)
        done: Future[T] = Future()
        self._work.put((fn, done))
        return done.result()

    def read(self, fn: Callable[[Connection], T]) -> T:
        """fn's result on one snapshot."""
        if self._closed:
            raise StoreUnavailable(f"The database {self.place} has been closed.")
        try:
            with self._reader.begin() as connection:
                return fn(connection)
        except (DBAPIError, PoolTimeout) as error:
            raise self._explained(error) from error

    def fresh(self, name: str, read: Callable[[], T]) -> T:
        """What `read` gives, or gave at most FRESH_S ago."""
        at, value = self._known.get(name, (-FRESH_S, None))
        if time.monotonic() - at >= FRESH_S:
            value = read()
            self._known[name] = (time.monotonic(), value)
        return value

    def forget(self, name: str) -> None:
        """Ask `read` again: what it gives was just changed."""
        self._known.pop(name, None)

    def tidy(self) -> None:
        """Let what was deleted leave the write-ahead log of SQLite as well as the tables."""
        if not self.postgresql:
            with self._reader.connect() as connection:
                driver = connection.connection.driver_connection
                assert driver is not None
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """What was written before is kept; what comes after is refused."""
        if self._closed:
            return
        self._closed = True
        self._work.put(None)
        self._thread.join()
        while not self._work.empty():  # came in at the same moment
            piece = self._work.get()
            if piece is not None:
                piece[1].set_exception(
                    StoreUnavailable(f"The database {self.place} has been closed.")
                )
        self._writer.dispose()
        self._reader.dispose()

    def _serve(self) -> None:
        open_ = True
        while open_:
            batch = [self._work.get()]
            while len(batch) < BATCH and not self._work.empty():
                batch.append(self._work.get())
            open_ = None not in batch
            pieces = [piece for piece in batch if piece is not None]
            for (_, done), (result, error) in zip(pieces, self._together(pieces), strict=True):
                if error is None:
                    done.set_result(result)
                else:
                    done.set_exception(error)

    def _together(
        self, pieces: list[tuple[Work, Future[Any]]]
    ) -> list[tuple[Any, BaseException | None]]:
        """(result, error) of each, committed as one."""
        if len(pieces) == 1:
            return [self._alone_or_error(pieces[0][0])]
        try:
            with self._writer.begin() as connection:
                _order(connection)
                return [_attempt(connection, work) for work, _ in pieces]
        except Exception:
            # The database gave up the whole transaction, so that nothing of it is kept: each
            # piece is tried for itself, and only those that fail again have failed.
            return [self._alone_or_error(work) for work, _ in pieces]

    def _alone_or_error(self, work: Work) -> tuple[Any, BaseException | None]:
        try:
            return self._alone(work), None
        except Exception as error:
            return None, error

    def _alone(self, work: Callable[[Connection], T], *, ordered: bool = True) -> T:
        for attempt in range(RETRIES + 1):
            try:
                with self._writer.begin() as connection:
                    if ordered:
                        _order(connection)
                    return work(connection)
            except (DBAPIError, PoolTimeout) as error:
                if attempt == RETRIES or not _conflict(error):
                    raise self._explained(error) from error
        raise AssertionError("unreachable")

    def _explained(self, error: BaseException) -> Exception:
        """The database's complaint as a sentence with a cure."""
        if isinstance(error, IntegrityError):
            return error
        text = str(getattr(error, "orig", None) or error).strip().split("\n")[0]
        cure = next((cure for sign, cure in CURES.items() if sign in text.lower()), None)
        return StoreUnavailable(
            f"The database {self.place} "
            + (cure or f"cannot be used ({text}). Nothing was written; try again.")
        )


CURES = {
    "locked": "is locked by another program. Nothing was written; close that program (a backup, "
    "a database browser) or try again in a moment.",
    "is full": "cannot grow, the disk is full. Nothing was written; free some space and try again.",
    "readonly": "may not be written. Nothing was written; give this user the right to write the "
    "file and its folder.",
    "unable to open": "cannot be opened. Nothing was written; see that its folder is there and "
    "may be written.",
    "not a database": "is not a SQLite file. Move it away, or name another one.",
    "malformed": "is damaged. Stop the server and restore the file from a backup.",
    "queuepool": "is busy: every connection is taken. Nothing was written; try again in a moment.",
    "too many": "has no connection left. Nothing was written; raise its max_connections or try "
    "again in a moment.",
    "could not extend file": "cannot grow, its disk is full. Nothing was written; free some space "
    "and try again.",
    "no space left": "cannot grow, its disk is full. Nothing was written; free some space and "
    "try again.",
    "password": "refuses the name or password of its URL.",
    "does not exist": "is not there or lacks a part. Create it with `createdb`, or name another.",
}


def lock_until_commit(connection: Connection, number: int) -> None:
    """One transaction at a time has this number (64 bits, signed). SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": number})


def is_ordered(connection: Connection) -> bool:
    """Whether this transaction may write labels and the audit log."""
    return bool(connection.get_execution_options().get("ordered"))


def _order(connection: Connection) -> None:
    """From here to its end this transaction alone writes labels and the audit log: they become
    visible in the order of their ids."""
    lock_until_commit(connection, LOG_LOCK)
    connection.execution_options(ordered=True)


def _attempt(connection: Connection, work: Work) -> tuple[Any, BaseException | None]:
    # Straight to the driver: a savepoint of SQLAlchemy's takes as long as the work in it.
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute("SAVEPOINT piece")
    try:
        result = work(connection)
    except SQLAlchemyError:
        raise
    except Exception as error:
        driver.execute("ROLLBACK TO SAVEPOINT piece")
        return None, error
    driver.execute("RELEASE SAVEPOINT piece")
    return result, None


def _conflict(error: BaseException) -> bool:
    """Whether two transactions met, and the same work may pass when tried again."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return isinstance(error, IntegrityError) or state in ("40001", "40P01")


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _sqlite(url: str, patience_s: float, *, writes: bool) -> Engine:
    engine = create_engine(
        url,
        json_serializer=_dumps,
        pool_size=1 if writes else 8,
        max_overflow=0 if writes else 24,
        connect_args={"timeout": patience_s, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver's own BEGIN would come too late
        _write_ahead(connection, patience_s)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA secure_delete=ON")  # erased words leave the file too
        if not writes:
            connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _write_ahead(connection: Any, patience_s: float) -> None:
    """SQLite's own patience does not hold for the switch: where another program switches at the
    same moment, it is tried again."""
    until = time.monotonic() + patience_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() >= until:
                raise
            time.sleep(0.02)


def _postgresql(url: str) -> Engine:
    return create_engine(
        url, json_serializer=_dumps, pool_size=16, max_overflow=16, pool_pre_ping=True
    )

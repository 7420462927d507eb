"""The database itself: transactions, what goes wrong with it, and its tables' versions."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, select, text

from tests.labelling.conftest import Clock
from tests.labelling.world import BEST_FIRST, SEEN, person, rank_task
from tutelage.errors import BadInput, StoreUnavailable, TutelageError
from tutelage.labelling import accounts, migrate, queue, settings
from tutelage.labelling.store import Store, labels_url
from tutelage.labelling.tables import metadata, tries
from tutelage.labelling.tasks import add_tasks, get_tasks


def count(store: Store) -> int:
    return store.read(lambda connection: len(connection.execute(select(tries)).all()))


def note(who: str):
    return lambda connection: connection.execute(insert(tries).values(who=who, at=1.0)) and who


def test_what_raises_writes_nothing_and_stops_nobody_else(store: Store):
    def broken(connection: Connection) -> None:
        note("broken")(connection)
        raise ValueError("no")

    gate = threading.Event()
    results: list[object] = []

    def run(work) -> None:
        try:
            results.append(store.write(work))
        except ValueError as error:
            results.append(str(error))

    def slow(connection: Connection) -> str:
        gate.wait(10)
        return str(note("slow")(connection))

    # While the first piece is held up, the others gather and are committed together.
    threads = [threading.Thread(target=run, args=(work,)) for work in (slow, broken, note("good"))]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert sorted(map(str, results)) == ["good", "no", "slow"]
    assert count(store) == 2


def test_a_statement_that_fails_takes_nobody_with_it(store: Store):
    """The database gives a whole transaction up; the pieces of it that are sound are done again."""
    gate = threading.Event()
    outcome: dict[str, object] = {}

    def run(name: str, work) -> None:
        try:
            outcome[name] = store.write(work)
        except Exception as error:
            outcome[name] = type(error)

    def slow(connection: Connection) -> str:
        gate.wait(10)
        return str(note("slow")(connection))

    def wrong(connection: Connection) -> None:
        connection.execute(text("SELECT * FROM nowhere"))

    threads = [
        threading.Thread(target=run, args=(name, work))
        for name, work in (("slow", slow), ("wrong", wrong), ("good", note("good")))
    ]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert outcome == {"slow": "slow", "wrong": StoreUnavailable, "good": "good"}
    assert count(store) == 2


def test_a_reader_writes_nothing(tmp_path: Path):
    store = Store(f"sqlite:///{tmp_path / 'labels.db'}")
    with pytest.raises(StoreUnavailable, match="may not be written"):
        store.read(note("sly"))
    assert count(store) == 0
    store.close()


def test_closed_is_closed(store: Store):
    store.write(note("before"))
    store.close()
    for call in (store.write, store.read):
        with pytest.raises(StoreUnavailable, match="has been closed"):
            call(note("after"))
    store.close()


def test_what_is_acknowledged_is_there_when_opened_again(url: str):
    store = Store(url)
    store.write(note("kept"))
    store.close()
    store = Store(url)
    assert count(store) == 1
    store.close()


def test_a_locked_database_is_one_sentence_and_keeps_the_draft(tmp_path: Path):
    path = tmp_path / "labels.db"
    store = Store(f"sqlite:///{path}", patience_s=0.05)
    add_tasks(store, [rank_task(0)])
    me = person(store, "me").id
    lease = queue.claim(store, me)
    assert lease is not None
    queue.save_draft(store, lease.id, me, {"half": "done"})
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TutelageError, match=r"is locked by another program\. Nothing was written"):
        queue.submit(store, lease.id, me, "k", BEST_FIRST, SEEN)
    other.execute("ROLLBACK")
    other.close()
    back = queue.claim(store, me)
    assert back is not None
    assert (back.id, back.draft) == (lease.id, {"half": "done"})
    assert queue.submit(store, lease.id, me, "k", BEST_FIRST, SEEN).key == "k"
    store.close()


def test_a_full_disk_is_one_sentence_and_keeps_the_draft(tmp_path: Path):
    store = Store(f"sqlite:///{tmp_path / 'labels.db'}")
    add_tasks(store, [rank_task(0)])
    me = person(store, "me").id
    lease = queue.claim(store, me)
    assert lease is not None
    queue.save_draft(store, lease.id, me, {"half": "done"})

    def limit(pages: str):
        return lambda connection: connection.exec_driver_sql(
            f"PRAGMA max_page_count={pages}"
        ).scalar()

    pages = store.write(lambda connection: connection.exec_driver_sql("PRAGMA page_count").scalar())
    store.write(limit(str(pages)))
    with pytest.raises(TutelageError, match="cannot grow, the disk is full"):
        queue.save_draft(store, lease.id, me, {"text": "x" * 100_000})
    store.write(limit("100000"))
    back = queue.claim(store, me)
    assert back is not None
    assert back.draft == {"half": "done"}
    assert queue.submit(store, lease.id, me, "k", BEST_FIRST, SEEN).key == "k"
    store.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "is no database; expected sqlite:///FILE"),
        ("mysql://me:secret@host/db", "mysql://me:***@host/db is no database that labels can"),
        ("sqlite://", "is no database that labels can be kept in"),
        ("sqlite:////dev/null/x/labels.db", "cannot be made: Not a directory"),
        ("sqlite:////proc/labels.db", "cannot be opened"),
        ("postgresql+psycopg://x@/none?host=/nowhere", "cannot be used"),
    ],
)
def test_a_url_that_is_no_database(url: str, said: str):
    with pytest.raises(TutelageError) as error:
        Store(url)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_database(tmp_path: Path):
    path = tmp_path / "labels.db"
    path.write_text("these are words, not tables. " * 100)
    with pytest.raises(TutelageError, match="is not a SQLite file"):
        Store(f"sqlite:///{path}")


def test_a_run_has_its_own_database(tmp_path: Path):
    store = Store(labels_url(tmp_path / "runs" / "new"))
    store.write(note("x"))
    assert (tmp_path / "runs" / "new" / "labels.db").exists()
    store.close()


def test_the_migrations_make_the_tables_that_the_code_means(store: Store):
    def compare(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    assert store.read(compare) == []


def test_a_later_version_is_refused_with_a_cure(url: str):
    store = Store(url)

    def become(version: str) -> None:
        change = text("UPDATE alembic_version SET version_num = :version")
        store.write(lambda connection: connection.execute(change, {"version": version}).rowcount)

    become("9999")
    try:
        with pytest.raises(BadInput, match="version 9999, made by a later Tutelage"):
            Store(url)
    finally:
        become(migrate.HEAD)
        store.close()


def test_two_programs_may_create_the_same_database_at_once(tmp_path: Path):
    stores: list[Store] = []
    gate = threading.Barrier(4)

    def open_() -> None:
        gate.wait()
        stores.append(Store(f"sqlite:///{tmp_path / 'labels.db'}"))

    threads = [threading.Thread(target=open_) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stores) == 4
    for store in stores:
        store.write(note("x"))
    assert count(stores[0]) == 4
    for store in stores:
        store.close()


def test_head_is_the_newest_migration():
    steps = Path(migrate.__file__).parent / "migrations" / "versions"
    assert max(step.name[:4] for step in steps.glob("0*.py")) == migrate.HEAD


def test_an_earlier_database_is_brought_up_to_date(url: str):
    before = Store(url)
    accounts.invite(before, None)
    before.write(lambda c: c.execute(text("ALTER TABLE invitations DROP COLUMN revoked_at")) and 0)
    before.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '0001'")) and 0)
    before.close()
    after = Store(url)
    assert [made.revoked_at for made in accounts.all_invitations(after)] == [None]
    after.close()


def test_settings_are_checked_and_kept(store: Store, clock: Clock):
    assert settings.read_settings(store) == settings.Settings()
    settings.change_settings(store, None, overlap=3, gold_rate=0, order="random")
    found = settings.read_settings(store)
    assert (found.overlap, found.gold_rate, found.order) == (3, 0.0, "random")
    for change, said in (
        ({"overlap": 0}, "overlap must lie from 1 to 100"),
        ({"overlap": "2"}, "overlap must be of type int"),
        ({"gold_rate": 1.5}, "gold_rate must be a number from 0 to 1"),
        ({"gold_rate": float("nan")}, "gold_rate must be a number from 0 to 1"),
        ({"order": "best"}, "order must be one of"),
        ({"lease_s": 1}, "lease_s must lie from 10"),
        ({"colour": 1}, "no setting 'colour'"),
    ):
        with pytest.raises(BadInput, match=said):
            settings.change_settings(store, None, **change)
    assert settings.read_settings(store) == found
    settings.put_value(store, "fit", {"a": [1, None]})
    settings.put_value(store, "none", None)
    assert settings.get_value(store, "fit") == {"a": [1, None]}
    assert settings.get_value(store, "none") is None
    assert settings.get_value(store, "nothing") is None


def test_the_overlap_setting_is_that_of_new_tasks(store: Store):
    settings.change_settings(store, None, overlap=2)
    first, second = add_tasks(store, [rank_task(0), rank_task(1, overlap=1)])
    found = get_tasks(store, [first, second])
    assert (found[first].overlap, found[second].overlap) == (2, 1)

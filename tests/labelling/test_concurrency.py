"""Many people at once: nothing assigned twice, nothing lost."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from tests.labelling.conftest import Clock
from tests.labelling.world import BEST_FIRST, SEEN, person, rank_task
from tutelage.errors import LeaseLost
from tutelage.labelling import audit, queue
from tutelage.labelling.labels import add_label, labels_after
from tutelage.labelling.leases import own_row
from tutelage.labelling.records import Label
from tutelage.labelling.store import Store
from tutelage.labelling.tables import assignments, labels, tasks
from tutelage.labelling.tasks import add_tasks

ROOT = Path(__file__).parents[2]


@pytest.fixture
def live(url: str) -> Iterator[Store]:
    """A store whose clock runs."""
    store = Store(url)
    yield store
    store.close()


def at_once(count: int, work: Callable[[int], None]) -> None:
    """work(0 … count − 1) in threads of their own; what one raises is raised here."""
    failures: list[BaseException] = []
    gate = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            gate.wait()
            work(number)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def assert_nothing_twice(store: Store) -> None:
    """Each task at most `overlap` times, never twice to one person, one label an assignment, and
    the kept count of free slots right."""
    held = assignments.c.state.in_(("open", "done"))
    kept = labels.c.retracted_at.is_(None)
    rows, pairs, given = store.read(
        lambda connection: (
            connection.execute(select(tasks.c.id, tasks.c.overlap, tasks.c.free)).all(),
            connection.execute(
                select(assignments.c.task_id, assignments.c.labeler_id).where(held)
            ).all(),
            list(connection.execute(select(labels.c.assignment_id).where(kept)).scalars()),
        )
    )
    assert max(Counter(tuple(pair) for pair in pairs).values()) == 1
    times = Counter(pair.task_id for pair in pairs)
    assert {row.id: row.free for row in rows} == {
        row.id: row.overlap - times[row.id] for row in rows
    }
    assert max(Counter(given).values()) == 1
    assert audit.verify(store).reason == ""


def label_all(store: Store, who: int, found: list[Label]) -> None:
    while True:
        lease = queue.claim(store, who)
        if lease is None:
            return
        found.append(queue.submit(store, lease.id, who, str(lease.id), BEST_FIRST, SEEN))


def test_every_task_is_done_once(live: Store):
    add_tasks(live, [rank_task(i) for i in range(120)])
    people = [person(live, f"p{i}").id for i in range(12)]
    found: list[Label] = []
    at_once(12, lambda number: label_all(live, people[number], found))
    assert len(found) == 120
    assert len({label.task_id for label in found}) == 120
    assert_nothing_twice(live)


def test_overlap_never_gives_one_person_a_task_twice(live: Store):
    add_tasks(live, [rank_task(i, overlap=3) for i in range(30)])
    people = [person(live, f"p{i}").id for i in range(6)]
    found: list[Label] = []
    # Two browser windows a person: twelve at once.
    at_once(12, lambda number: label_all_in_windows(live, people[number % 6], found))
    assert Counter(label.task_id for label in found) == dict.fromkeys(range(1, 31), 3)
    assert_nothing_twice(live)


def label_all_in_windows(store: Store, who: int, found: list[Label]) -> None:
    """As label_all; the other window may have been faster with the same task."""
    while True:
        lease = queue.claim(store, who)
        if lease is None:
            return
        key = threading.current_thread().name + str(lease.id)
        with contextlib.suppress(LeaseLost):
            found.append(queue.submit(store, lease.id, who, key, BEST_FIRST, SEEN))


def test_servers_that_share_a_database(live: Store, url: str):
    """Each with a writer of its own; one person may come in by both."""
    second = Store(url)
    add_tasks(live, [rank_task(i, overlap=1 + i % 2) for i in range(40)])
    people = [person(live, f"p{i}").id for i in range(4)]
    found: list[Label] = []
    at_once(
        8,
        lambda number: label_all_in_windows((live, second)[number % 2], people[number // 2], found),
    )
    assert len(found) == 60
    assert_nothing_twice(live)
    assert [label.id for label in labels_after(second, 0)] == [*range(1, 61)]
    second.close()


def test_one_person_claiming_at_once_holds_one_task(live: Store):
    add_tasks(live, [rank_task(i) for i in range(20)])
    me = person(live, "me").id
    found = []
    at_once(10, lambda _: found.append(queue.claim(live, me)))
    assert len({lease.id for lease in found if lease}) == 1


def test_one_submit_sent_ten_times_at_once_is_one_label(live: Store):
    add_tasks(live, [rank_task(i) for i in range(3)])
    me = person(live, "me").id
    lease = queue.claim(live, me)
    assert lease is not None
    found: list[Label] = []
    at_once(
        10,
        lambda _: found.append(queue.submit(live, lease.id, me, "key", BEST_FIRST, SEEN)),
    )
    assert len(found) == 10
    assert len({label.id for label in found}) == 1
    thumb = {"prompt": [{"role": "user", "content": "hi"}], "response": "ho", "good": True}
    at_once(10, lambda _: found.append(add_label(live, me, "thumb", thumb, "thumb")))
    assert len({label.id for label in found}) == 2


def test_leases_that_run_out_while_many_work(url: str):
    """A clock that leaps: leases end under people's hands, and still nothing is done twice."""
    lock, now = threading.Lock(), [1_800_000_000.0]

    def leaping() -> float:
        with lock:
            now[0] += 3.0
            return now[0]

    store = Store(url, clock=leaping, seed=1)
    add_tasks(store, [rank_task(i, overlap=1 + i % 2) for i in range(40)])
    people = [person(store, f"p{i}").id for i in range(8)]
    found: list[Label] = []

    def work(number: int) -> None:
        who = people[number]
        while True:
            lease = queue.claim(store, who, lease_s=20)
            if lease is None:
                return
            try:
                if lease.id % 5 == 0:
                    queue.skip(store, lease.id, who, "no")
                else:
                    found.append(
                        queue.submit(store, lease.id, who, str(lease.id), BEST_FIRST, SEEN)
                    )
            except LeaseLost:
                continue

    at_once(8, work)
    assert found
    assert_nothing_twice(store)
    store.close()


def test_a_lease_is_not_ended_while_it_is_answered(store: Store, clock: Clock):
    if not store.postgresql:
        pytest.skip("SQLite has one writer: nothing happens meanwhile")
    add_tasks(store, [rank_task(0)])
    me, you = person(store, "me").id, person(store, "you").id
    lease = queue.claim(store, me, lease_s=100)
    assert lease is not None
    clock.now += 101
    found: list[object] = []

    def answering(connection: Connection) -> None:
        own_row(connection, lease.id, me, lock=True)
        thread = threading.Thread(target=lambda: found.append(queue.claim(store, you)))
        thread.start()
        thread.join()

    store.write(answering)
    assert found == [None]
    assert queue.claim(store, you) is not None


def test_a_reader_never_misses_a_label(live: Store):
    """Labels seen in order of commit: whoever reads on from the last one sees them all."""
    people = [person(live, f"p{i}").id for i in range(6)]
    thumb = {"prompt": [{"role": "user", "content": "hi"}], "response": "ho", "good": True}
    seen: list[int] = []
    done = threading.Event()

    def read() -> None:
        while True:
            last = done.is_set()
            new = labels_after(live, seen[-1] if seen else 0)
            seen.extend(label.id for label in new)
            if last and not new:
                return

    reader = threading.Thread(target=read)
    reader.start()
    at_once(
        6,
        lambda number: [  # type: ignore[arg-type, func-returns-value]
            add_label(live, people[number], "thumb", thumb, str(n)) for n in range(25)
        ],
    )
    done.set()
    reader.join()
    assert seen == sorted(seen)
    assert len(seen) == 150


@pytest.mark.parametrize(
    "rounds", [1, pytest.param(10, marks=pytest.mark.slow)], ids=["once", "ten times"]
)
def test_killed_programs_lose_no_acknowledged_label(url: str, rounds: int):
    """kill -9 in the middle: every label whose key was printed is there, and none twice."""
    store = Store(url)
    add_tasks(store, [rank_task(i, overlap=2) for i in range(3000)])
    for i in range(8):
        person(store, f"p{i}")
    store.close()
    acknowledged: dict[str, int] = {}
    for _ in range(rounds):
        program = subprocess.Popen(
            [sys.executable, "-m", "tests.labelling.writer", url, "8"],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            text=True,
        )
        assert program.stdout is not None
        lines = []
        for line in program.stdout:
            lines.append(line)
            if len(lines) == 40:
                program.send_signal(signal.SIGKILL)
        program.stdout.close()
        program.wait()
        whole = [line for line in lines if line.endswith("\n")]
        acknowledged.update((key, int(id_)) for key, id_ in (line.split() for line in whole))
    assert len(acknowledged) >= 40 * rounds
    store = Store(url)
    kept = {label.key: label.id for label in labels_after(store, 0, 100_000)}
    assert {key: kept.get(key) for key in acknowledged} == acknowledged
    assert_nothing_twice(store)
    count = store.read(
        lambda connection: connection.execute(
            select(func.count()).select_from(assignments).where(assignments.c.state == "done")
        ).scalar()
    )
    assert count == len(kept)  # a label and its assignment come together
    store.close()

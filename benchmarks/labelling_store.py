"""The store of labels alone: people who claim a task and submit its ranking at once, without a
pause between, on SQLite and on PostgreSQL, both flushing every commit to disk. Beside it SQLite
with a commit for each request, and the same with as many writers as people.

python benchmarks/labelling_store.py [PEOPLE] [TASKS]
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sqlalchemy import func, select

from tests import postgres
from tests.labelling.world import BEST_FIRST, SEEN, person, rank_task
from tutelage.labelling import store as store_module
from tutelage.labelling.queue import claim, submit
from tutelage.labelling.store import Store
from tutelage.labelling.tables import assignments, labels
from tutelage.labelling.tasks import add_tasks


def measure(store: Store, people: int, tasks: int) -> dict[str, float]:
    """Seconds of every claim and submit, and whether anything was done twice."""
    add_tasks(store, [rank_task(i) for i in range(tasks)])
    ids = [person(store, f"labeler {i}").id for i in range(people)]
    claims: list[float] = []
    submits: list[float] = []
    gate = threading.Barrier(people + 1)

    def work(who: int) -> None:
        gate.wait()
        while True:
            began = time.perf_counter()
            lease = claim(store, who)
            claims.append(time.perf_counter() - began)
            if lease is None:
                return
            began = time.perf_counter()
            submit(store, lease.id, who, str(lease.id), BEST_FIRST, SEEN)
            submits.append(time.perf_counter() - began)

    threads = [threading.Thread(target=work, args=(who,)) for who in ids]
    for thread in threads:
        thread.start()
    gate.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    given, kept = store.read(
        lambda connection: (
            connection.execute(select(func.count(assignments.c.task_id.distinct()))).scalar_one(),
            connection.execute(select(func.count()).select_from(labels)).scalar_one(),
        )
    )
    assert given == kept == len(submits) == tasks, (given, kept, len(submits), tasks)
    return {
        "labels_a_second": round(tasks / seconds, 1),
        "claim_p99_ms": round(1000 * quantiles(claims, n=100)[98], 1),
        "submit_p99_ms": round(1000 * quantiles(submits, n=100)[98], 1),
        "submit_median_ms": round(1000 * quantiles(submits, n=100)[49], 1),
    }


def on(url: str, people: int, tasks: int) -> dict[str, float]:
    store = Store(url)
    try:
        return measure(store, people, tasks)
    finally:
        store.close()


def on_sqlite(people: int, tasks: int, batch: int) -> dict[str, float]:
    store_module.BATCH = batch
    with tempfile.TemporaryDirectory() as folder:
        return on(f"sqlite:///{folder}/labels.db", people, tasks)


def on_postgresql(people: int, tasks: int) -> dict[str, float]:
    with postgres.server(durable=True) as url:
        return on(url, people, tasks)


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 16
    tasks = int(sys.argv[2]) if len(sys.argv) > 2 else 400
    sides: dict[str, Callable[[], dict[str, float]]] = {
        "sqlite": lambda: on_sqlite(people, tasks, 256),
        "sqlite, a commit for each request": lambda: on_sqlite(people, tasks, 1),
    }
    if postgres.programs() is not None:
        sides["postgresql"] = lambda: on_postgresql(people, tasks)
    found = {name: side() for name, side in sides.items()}
    print(
        json.dumps(
            {
                "claim": "labels a second of the store alone",
                "people": people,
                "tasks": tasks,
                "cpus": os.cpu_count(),
                "load_before": os.getloadavg()[0],
                **found,
            }
        )
    )


if __name__ == "__main__":
    main()

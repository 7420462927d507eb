"""Tasks: added once, looked up by a digest of their content, put in an order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, insert, select, text

from tutelage.errors import BadInput
from tutelage.labelling import audit
from tutelage.labelling.labels import CHUNK, chunks, labels_after
from tutelage.labelling.records import Label, NewTask, Order, Task
from tutelage.labelling.settings import settings_of
from tutelage.labelling.store import Store
from tutelage.labelling.tables import tasks
from tutelage.labelling.values import check_json, check_payload, check_value

PAGE = 1000  # labels read at once
FREE = text("tasks.free > 0")  # literally as in the index, which is used only then


def add_tasks(store: Store, new: Sequence[NewTask]) -> list[int]:
    """Ids in the order of `new`. A task that is there already keeps its id and everything else."""
    return insert_tasks(store, new)[0]


def insert_tasks(store: Store, new: Sequence[NewTask]) -> tuple[list[int], int]:
    """The same ids, and how many tasks were not there before."""
    checked = [(task, check_payload(task.kind, task.payload)) for task in new]
    for task, payload in checked:
        check_task(task, payload)

    def write(connection: Connection) -> tuple[list[int], int]:
        overlap = settings_of(connection).overlap
        digests = [audit.task_digest(task.kind, payload) for task, payload in checked]
        known = _by_digest(connection, digests)
        rows = []
        for digest, (task, payload) in zip(digests, checked, strict=True):
            if digest not in known:
                known[digest] = 0
                wanted = task.overlap or overlap
                rows.append(
                    {
                        "digest": digest,
                        "kind": task.kind,
                        "topic": task.topic,
                        "payload": payload,
                        "priority": float(task.priority),
                        "overlap": wanted,
                        "free": 0 if task.gold is not None else wanted,
                        "gold": task.gold,
                        "is_gold": task.gold is not None,
                        "propensity": task.propensity,
                        "source": task.source,
                        "author_id": task.author_id,
                        "created_at": store.clock(),
                    }
                )
        for start in range(0, len(rows), CHUNK):
            connection.execute(insert(tasks), rows[start : start + CHUNK])
        if rows:
            known = _by_digest(connection, digests)
        return [known[digest] for digest in digests], len(rows)

    return store.write(write, ordered=False)


def newest_task(store: Store) -> int:
    """The id of the task that was added last; 0 before there is one."""
    query = select(func.max(tasks.c.id))
    return store.read(lambda connection: connection.execute(query).scalar() or 0)


def dialogue_source(label_id: int) -> str:
    """The source of a task that is made of a dialogue."""
    return f"dialogue {label_id}"


def get_tasks(store: Store, ids: Iterable[int]) -> dict[int, Task]:
    """{id: task} of those that are there."""

    def read(connection: Connection) -> dict[int, Task]:
        return {
            row.id: task_of(row)
            for some in chunks(ids)
            for row in connection.execute(select(tasks).where(tasks.c.id.in_(some)))
        }

    return store.read(read)


def waiting_tasks(
    store: Store, kinds: Sequence[str] | None = None, limit: int = 1000
) -> list[Task]:
    """Tasks that still want labels and that nobody holds, the next one first."""
    query = in_order(select(tasks).where(FREE, *of_kinds(kinds, None)), "priority").limit(limit)
    return store.read(lambda connection: [task_of(row) for row in connection.execute(query)])


def labels_with_tasks(store: Store) -> Iterator[tuple[Label, Task | None]]:
    """All labels that were not taken back, in the order of commit, each with its task."""
    last = 0
    while page := labels_after(store, last, PAGE):
        tasks = get_tasks(store, [label.task_id for label in page if label.task_id is not None])
        for label in page:
            yield label, tasks.get(label.task_id) if label.task_id is not None else None
        last = page[-1].id


def task_of(row: Row[Any]) -> Task:
    return Task(**{name: getattr(row, name) for name in Task.__dataclass_fields__})


def in_order(query: Select[Any], order: Order) -> Select[Any]:
    if order == "priority":
        return query.order_by(tasks.c.priority.desc(), tasks.c.id)
    return query.order_by(tasks.c.id)


def of_kinds(
    kinds: Sequence[str] | None, topics: Sequence[str] | None
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if kinds:
        conditions.append(tasks.c.kind.in_(kinds))
    if topics:
        conditions.append(tasks.c.topic.in_(topics))
    return conditions


def _by_digest(connection: Connection, digests: Sequence[str]) -> dict[str, int]:
    ids: dict[str, int] = {}
    for start in range(0, len(digests), CHUNK):
        query = select(tasks.c.digest, tasks.c.id).where(
            tasks.c.digest.in_(digests[start : start + CHUNK])
        )
        ids.update({row.digest: row.id for row in connection.execute(query)})
    return ids


def check_task(task: NewTask, payload: dict[str, Any]) -> None:
    """BadInput says what is wrong with it. payload: the checked one."""
    if task.overlap is not None and not 1 <= task.overlap <= 100:
        raise BadInput(f"overlap must lie from 1 to 100, got {task.overlap}.")
    if len(task.topic) > 80 or len(task.source) > 200:
        raise BadInput("A task's topic has at most 80 characters, its source at most 200.")
    if task.propensity is not None and not 0 < task.propensity <= 1:
        raise BadInput(f"propensity must lie above 0 and up to 1, got {task.propensity}.")
    check_json([task.topic, task.source, task.priority], "A task")
    if task.gold is not None:
        check_value(task.kind, task.gold, payload)

"""Gold questions: tasks whose answer is known, mixed in to see how carefully people work.

An answer is known because several people, each for themselves, have given the same one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sqlalchemy import Connection, select, update

from tutelage.errors import BadInput
from tutelage.labelling import audit
from tutelage.labelling.labels import chunks, label_of
from tutelage.labelling.records import Label, Task
from tutelage.labelling.store import Store
from tutelage.labelling.tables import assignments, labelers, labels, tasks
from tutelage.labelling.tasks import task_of

KINDS = ("rank", "rate")  # whose answers can be compared
NEAR = 1  # points of the overall rating that still count as the same


@dataclass(frozen=True, kw_only=True)
class Candidate:
    task: Task
    answers: int  # labels of it
    agreement: float  # mean over pairs of its labelers
    value: dict[str, Any]  # the answer that agrees most with the others


@dataclass(frozen=True, kw_only=True)
class GoldWork:
    """How one person did on gold questions."""

    labeler_id: int
    name: str
    answers: int  # to gold questions
    score: float  # mean agreement with the known answers


def agreement(kind: str, one: dict[str, Any], other: dict[str, Any]) -> float:
    """How far two values agree, 0 to 1. Rankings: the share of pairs of replies, ½ where
    only one of them has a tie. Ratings: 1 where the overall ones lie within one point."""
    if kind == "rate":
        return float(abs(one["overall"] - other["overall"]) <= NEAR)
    first, second = _ranks(one), _ranks(other)
    if not first or not second:  # none acceptable, and not ranked
        return float(bool(one["none_acceptable"]) and bool(other["none_acceptable"]))
    gaps = [
        abs(_sign(first[i] - first[j]) - _sign(second[i] - second[j]))
        for i, j in combinations(sorted(first), 2)
    ]
    return 1 - sum(gaps) / (2 * len(gaps))


def candidates(
    store: Store, least_answers: int = 3, least_agreement: float = 1.0, limit: int = 100
) -> list[Candidate]:
    """Tasks that may become gold, those with most answers first."""
    if least_answers < 2:
        raise BadInput(f"A gold question needs at least 2 answers that agree, got {least_answers}.")

    def read(connection: Connection) -> list[Candidate]:
        rows = []
        for task, answers in _labelled_tasks(connection, is_gold=False):
            if len(answers) < least_answers:
                continue
            values = [label.value for label in answers]
            similarities = [
                [agreement(task.kind, one, other) for m, other in enumerate(values) if m != n]
                for n, one in enumerate(values)
            ]
            means = [sum(row) / len(row) for row in similarities]
            mean = sum(means) / len(means)
            if mean >= least_agreement:
                best = values[max(range(len(values)), key=means.__getitem__)]
                rows.append(Candidate(task=task, answers=len(answers), agreement=mean, value=best))
        return sorted(rows, key=lambda c: (-c.answers, -c.agreement, c.task.id))[:limit]

    return store.read(read)


def make_gold(store: Store, chosen: Sequence[Candidate], by: int | None) -> None:
    """From now on every labeler who has not answered these tasks is given each of them once."""

    def write(connection: Connection) -> None:
        for candidate in chosen:
            task_id = candidate.task.id
            connection.execute(
                update(tasks)
                .where(tasks.c.id == task_id)
                .values(gold=candidate.value, is_gold=True, free=0)
            )
            # A gold task's slot is its labeler; the slots so far make room for that.
            connection.execute(
                update(assignments)
                .where(assignments.c.task_id == task_id)
                .values(slot=-1 - assignments.c.labeler_id)
            )
        ids = [candidate.task.id for candidate in chosen]
        audit.append(connection, store.clock(), by, "gold", "tasks", {"tasks": ids})

    if chosen:
        store.write(write)


def retire_gold(store: Store, task_id: int, by: int | None) -> None:
    """It is given to nobody any more; answers stay."""

    def write(connection: Connection) -> None:
        done = connection.execute(
            update(tasks)
            .where(tasks.c.id == task_id, tasks.c.is_gold, tasks.c.closed_at.is_(None))
            .values(closed_at=store.clock())
        ).rowcount
        if not done:
            raise BadInput(f"Task {task_id} is no gold question that is asked.")
        audit.append(connection, store.clock(), by, "retire gold", f"task {task_id}")

    store.write(write)


def gold_tasks(store: Store) -> list[tuple[Task, int]]:
    """Open gold questions, each with the number of answers since it became gold."""

    def read(connection: Connection) -> list[tuple[Task, int]]:
        rows = connection.execute(
            select(tasks).where(tasks.c.is_gold, tasks.c.closed_at.is_(None)).order_by(tasks.c.id)
        ).all()
        answers = {task.id: len(after) for task, after in _labelled_tasks(connection, is_gold=True)}
        return [(task_of(row), answers.get(row.id, 0)) for row in rows]

    return store.read(read)


def gold_work(store: Store) -> list[GoldWork]:
    """Everyone with answers to gold questions, by name. Answers from before a task became gold do
    not count."""

    def read(connection: Connection) -> list[GoldWork]:
        scores: defaultdict[int, list[float]] = defaultdict(list)
        for task, answers in _labelled_tasks(connection, is_gold=True):
            for label in answers:
                assert task.gold is not None
                scores[label.labeler_id].append(agreement(task.kind, label.value, task.gold))
        names = dict(connection.execute(select(labelers.c.id, labelers.c.name)).all())
        work = [
            GoldWork(
                labeler_id=i, name=names[i], answers=len(values), score=sum(values) / len(values)
            )
            for i, values in scores.items()
        ]
        return sorted(work, key=lambda one: one.name.casefold())

    return store.read(read)


def _labelled_tasks(connection: Connection, *, is_gold: bool) -> Iterable[tuple[Task, list[Label]]]:
    """Tasks with their labels; of gold tasks, only the labels given since they became gold."""
    slots = assignments.c.slot >= 0
    query = (
        select(labels)
        .join(tasks, tasks.c.id == labels.c.task_id)
        .join(assignments, assignments.c.id == labels.c.assignment_id)
        .where(
            labels.c.retracted_at.is_(None),
            tasks.c.is_gold.is_(is_gold),
            tasks.c.kind.in_(KINDS),
            *([slots] if is_gold else []),
        )
        .order_by(labels.c.id)
    )
    answers: defaultdict[int, list[Label]] = defaultdict(list)
    for row in connection.execute(query):
        label = label_of(row)
        assert label.task_id is not None
        answers[label.task_id].append(label)
    for some in chunks(answers):
        for row in connection.execute(select(tasks).where(tasks.c.id.in_(some))):
            yield task_of(row), answers[row.id]


def _ranks(value: dict[str, Any]) -> dict[int, int]:
    return {reply: rank for rank, group in enumerate(value["ranking"]) for reply in group}


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)

"""The audit log: what is written to it, and that tampering shows where it was done."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import Connection, delete, insert, select, update

from tests.labelling.world import answer, person, rank_task
from tutelage.labelling import accounts, audit, guidelines, queue, settings
from tutelage.labelling.erase import erase_person
from tutelage.labelling.store import Store
from tutelage.labelling.tables import audit as log
from tutelage.labelling.tables import guidelines as versions
from tutelage.labelling.tables import labels, tasks
from tutelage.labelling.tasks import add_tasks


@pytest.fixture
def busy(store: Store) -> Store:
    """Rows 1 to 3 accounts, 4 guidelines, 5 to 7 labels of `me`, 8 a label of `you`, 9 settings."""
    person(store, "boss", "admin")
    me, you = person(store, "me").id, person(store, "you").id
    guidelines.publish(store, 1, "Be kind.")
    add_tasks(store, [rank_task(i) for i in range(4)])
    for n in range(3):
        answer(store, me, str(n))
    answer(store, you, "0")
    settings.change_settings(store, 1, overlap=2)
    return store


def actions(store: Store) -> list[tuple[int | None, str, str]]:
    return [(row.actor_id, row.action, row.subject) for row in reversed(audit.entries(store))]


def test_what_is_done_is_written_down(busy: Store):
    accounts.change_role(busy, 2, "admin", 1)
    queue.undo(busy, 3)
    assert actions(busy) == [
        (None, "account", "labeler 1"),
        (None, "account", "labeler 2"),
        (None, "account", "labeler 3"),
        (1, "guidelines", "guidelines 1"),
        (2, "label", "label 1"),
        (2, "label", "label 2"),
        (2, "label", "label 3"),
        (3, "label", "label 4"),
        (1, "settings", "settings"),
        (1, "role", "labeler 2"),
        (3, "retract", "label 4"),
    ]
    found = audit.verify(busy)
    assert found.whole
    assert (found.rows, found.broken) == (11, None)
    assert found.head == audit.entries(busy, limit=1)[0].hash
    assert [row.id for row in audit.entries(busy, before=5, limit=2)] == [4, 3]


def change(store: Store, *statements) -> None:
    def write(connection: Connection) -> None:
        for statement in statements:
            connection.execute(statement)

    store.write(write)


def rehashed(store: Store, row_id: int, **values):
    """An update of a row with a hash that fits it, as a careful forger would make it."""
    row = store.read(lambda c: c.execute(select(log).where(log.c.id == row_id)).one()._asdict())
    row.update(values)
    return update(log).where(log.c.id == row_id).values(**values, hash=audit.row_hash(row))


def reworded(store: Store, label: int):
    """Another payload and a digest that fits it for the task of a label."""
    payload = rank_task(9).payload
    which = select(labels.c.task_id).where(labels.c.id == label).scalar_subquery()
    digest = audit.task_digest("rank", payload)
    return update(tasks).where(tasks.c.id == which).values(payload=payload, digest=digest)


def unretracted(store: Store):
    undone = queue.undo(store, 2)  # row 10
    assert undone is not None
    return update(labels).values(retracted_at=None)


@pytest.mark.parametrize(
    ("forge", "row", "said"),
    [
        (lambda s: update(log).where(log.c.id == 3).values(actor_id=9), 3, "itself was changed"),
        (lambda s: update(log).where(log.c.id == 9).values(detail={}), 9, "itself was changed"),
        (lambda s: rehashed(s, 3, actor_id=9), 4, "does not follow the row before it"),
        (lambda s: delete(log).where(log.c.id == 2), 3, "row 2 is missing"),
        (lambda s: delete(log).where(log.c.id == 1), 2, "row 1 is missing"),
        (
            lambda s: update(labels).where(labels.c.id == 2).values(value={"ranking": [[1], [0]]}),
            6,
            "label 2 or its task was changed after it was given",
        ),
        (lambda s: update(labels).where(labels.c.id == 4).values(labeler_id=1), 8, "label 4 or"),
        (lambda s: update(labels).where(labels.c.id == 4).values(guidelines="x"), 8, "was changed"),
        (lambda s: update(labels).where(labels.c.id == 4).values(active_s=9.0), 8, "was changed"),
        (lambda s: reworded(s, 2), 6, "label 2 or its task was changed"),
        (
            lambda s: update(labels).where(labels.c.id == 4).values(retracted_at=5.0),
            None,
            "label 4 was marked as taken back behind",
        ),
        (lambda s: unretracted(s), 10, "label 3 was marked as not taken back behind"),
        (lambda s: delete(labels).where(labels.c.id == 3), 7, "label 3 was removed"),
        (lambda s: update(versions).values(text="Be cruel."), 4, "guidelines 1 were changed"),
        (lambda s: delete(versions), 4, "guidelines 1 were changed or removed"),
        (lambda s: delete(log).where(log.c.id > 7), None, "label 4 stands in no row"),
    ],
)
def test_tampering_shows_in_its_row(busy: Store, forge, row: int | None, said: str):
    change(busy, forge(busy))
    found = audit.verify(busy)
    assert not found.whole
    assert found.broken == row
    assert said in found.reason


def test_a_row_put_in_shows(busy: Store):
    rows = busy.read(lambda c: [r._asdict() for r in c.execute(select(log).order_by(log.c.id))])
    forged = {**rows[8], "id": 10, "previous": rows[8]["hash"], "action": "role"}
    change(busy, insert(log).values(**{**forged, "hash": "0" * 64}))
    found = audit.verify(busy)
    assert (found.broken, found.reason) == (10, "the row itself was changed")


def test_marks_of_a_trainer_are_no_tampering(busy: Store):
    change(busy, update(labels).values(used_at=5.0, effect={"accuracy": 0.7}))
    assert audit.verify(busy).whole


def test_a_deleted_person_leaves_a_log_that_verifies_and_no_words(busy: Store):
    erase_person(busy, 2, 1)
    found = audit.verify(busy)
    assert found.whole, found.reason
    change(busy, delete(labels).where(labels.c.id == 4))
    assert audit.verify(busy).reason == "label 4 was removed"


def test_the_log_holds_nobodys_words(busy: Store):
    erase_person(busy, 3, 1)
    text = json.dumps([vars(row) for row in audit.entries(busy)])
    assert "kind" not in text
    for name in ("boss", '"me"', '"you"', "request", "ranking"):
        assert name not in text


def test_the_same_words_have_another_digest_each_time(busy: Store):
    digests = [row.digest for row in audit.entries(busy) if row.action == "label"]
    assert len(set(digests)) == 4

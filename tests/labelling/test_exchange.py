"""Labels in and out: what they teach, files of others, files for others."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select

from tests.labelling.conftest import Clock
from tests.labelling.world import RATED, SEEN, answer, asked, person, rank_task
from tutelage.data.comparisons import read_comparisons, write_comparisons
from tutelage.data.demonstrations import read_demonstrations
from tutelage.data.ratings import read_ratings
from tutelage.errors import BadInput, TutelageError
from tutelage.labelling import audit, queue
from tutelage.labelling.accounts import all_labelers
from tutelage.labelling.counts import history
from tutelage.labelling.exports import export_datasets, export_jsonl, merged
from tutelage.labelling.imports import import_labels, import_tasks
from tutelage.labelling.labels import add_label, labels_after
from tutelage.labelling.records import NewTask
from tutelage.labelling.settings import change_settings
from tutelage.labelling.store import Store
from tutelage.labelling.tables import labels, tasks
from tutelage.labelling.tasks import add_tasks, get_tasks, labels_with_tasks
from tutelage.schema import Comparison, Demonstration, Message, Rating, ask

REPLY = {"role": "assistant", "content": "r"}
TALK = [*asked("p"), REPLY, *asked("and then?"), {"role": "assistant", "content": "edited"}]
ANSWERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "rank": (
        {"prompt": TALK[:3], "responses": ["a", "b", "c"]},
        {"ranking": [[2], [0, 1]]},
    ),
    "rate": ({"prompt": asked("p"), "response": "a"}, RATED),
    "demonstrate": ({"prompt": "p"}, {"messages": TALK[:2]}),
    "dialogue": (
        {"opening": "", "suggestions": 3},
        {
            "messages": TALK,
            "suggested": [
                {"at": 1, "suggestions": ["r", "q"], "chosen": 0, "edited": None},
                {"at": 3, "suggestions": ["x", "y", "z"], "chosen": 1, "edited": "edited"},
            ],
        },
    ),
}
SAID: dict[str, dict[str, Any]] = {
    "thumb": {"prompt": asked("p"), "response": "a", "good": False, "stage": "sft"},
    "edit": {"prompt": asked("p"), "response": "a", "edited": "b", "stage": "sft"},
    "choice": {"prompt": asked("p"), "responses": ["a", "b"], "ranking": [[1], [0]]},
    "answer": {"prompt": asked("p"), "response": "a", "right": True, "propensity": 0.5},
}


@pytest.fixture
def full(store: Store) -> Store:
    """One label of every kind, by labeler 1; a second ranking, taken back."""
    who = person(store, "Ann").id
    for kind, (payload, value) in ANSWERS.items():
        add_tasks(store, [NewTask(kind=kind, payload=payload)])  # type: ignore[arg-type]
        answer(store, who, kind, value)
    for kind, value in SAID.items():
        add_label(store, who, kind, value, kind)
    add_tasks(store, [rank_task(0)])
    answer(store, who, "gone")
    queue.undo(store, who)
    return store


def taught(store: Store) -> tuple[list[Comparison], list[Rating], list[Demonstration]]:
    examples = merged(list(labels_with_tasks(store)))
    return examples.comparisons, examples.ratings, examples.demonstrations


def messages(*texts: str) -> tuple[Message, ...]:
    roles = ("user", "assistant") * len(texts)
    return tuple(Message(role, text) for role, text in zip(roles, texts, strict=False))  # type: ignore[arg-type]


def test_what_every_kind_teaches(full: Store):
    comparisons, ratings, demonstrations = taught(full)
    assert [(c.prompt, c.responses, c.ranking) for c in comparisons] == [
        (messages("p", "r", "and then?"), ("a", "b", "c"), ((2,), (0, 1))),
        (ask("p"), ("r", "q"), ((0,), (1,))),
        (messages("p", "r", "and then?"), ("edited", "y", "x", "z"), ((0,), (1,), (2, 3))),
        (ask("p"), ("b", "a"), ((0,), (1,))),
        (ask("p"), ("a", "b"), ((1,), (0,))),
    ]
    assert [(r.response, r.value, r.scale) for r in ratings] == [
        ("a", 5, "overall"),
        ("a", 0, "thumb"),
        ("a", 1, "answer"),
    ]
    assert [d.messages for d in demonstrations] == [
        messages("p", "r"),
        messages("p", "r", "and then?", "edited"),
        messages("p", "b"),
    ]
    assert len(history(full, 1)) == 9  # the one that was taken back with them
    first = comparisons[0]
    assert (first.labeler, first.guidelines) == ("1", SEEN)
    assert first.labelled_at == "2027-01-15T08:00:00+00:00"


@pytest.mark.parametrize(
    ("ranking", "expected"),
    [
        ([], [(("best", "one"), ((0,), (1,))), (("best", "two"), ((0,), (1,)))]),
        ([[1], [0]], [(("one", "two", "best"), ((2,), (1,), (0,)))]),
    ],
)
def test_none_acceptable_and_one_written(store: Store, ranking, expected):
    who = person(store, "Ann").id
    add_tasks(store, [rank_task(0)])
    value = {"ranking": ranking, "none_acceptable": True, "written": "best"}
    answer(store, who, "k", value)
    comparisons, _, demonstrations = taught(store)
    assert [(c.responses, c.ranking) for c in comparisons] == expected
    assert [d.messages for d in demonstrations] == [messages("request 0", "best")]


def test_all_kinds_go_out_as_files_that_are_read_again(full: Store, tmp_path: Path):
    counts = export_jsonl(full, tmp_path, None)
    assert counts == {
        "comparisons.jsonl": 5,
        "ratings.jsonl": 3,
        "demonstrations.jsonl": 3,
        "labels.jsonl": 8,
        "guidelines.jsonl": 1,
    }
    comparisons, ratings, demonstrations = taught(full)
    assert read_comparisons(tmp_path / "comparisons.jsonl") == comparisons
    assert read_ratings(tmp_path / "ratings.jsonl") == ratings
    assert read_demonstrations(tmp_path / "demonstrations.jsonl") == demonstrations
    assert "Ann" not in "".join(path.read_text() for path in tmp_path.glob("*.jsonl"))
    assert audit.entries(full, limit=1)[0].action == "export"


def test_labels_that_went_out_come_in_elsewhere(full: Store, tmp_path: Path):
    export_jsonl(full, tmp_path, None)
    other = Store(f"sqlite:///{tmp_path / 'other.db'}", clock=full.clock)
    boss = person(other, "boss", "admin").id
    assert import_labels(other, tmp_path / "labels.jsonl", boss) == 8
    assert import_labels(other, tmp_path / "labels.jsonl", boss) == 0
    for here, there in zip(taught(full), taught(other), strict=True):
        assert [strip(one) for one in here] == [strip(one) for one in there]
    assert [(one.name, one.active) for one in all_labelers(other)] == [("boss", True), ("1", False)]
    assert queue.claim(other, boss) is None  # what they answered is not asked again
    assert audit.verify(other).whole
    other.close()


def test_ones_own_export_brings_in_nothing(full: Store, tmp_path: Path):
    export_jsonl(full, tmp_path, None)
    erased = labels_after(full, 0)[-1].id
    full.write(lambda connection: connection.execute(delete(labels).where(labels.c.id == erased)))
    assert import_labels(full, tmp_path / "labels.jsonl", 1) == 0
    assert [one.name for one in all_labelers(full)] == ["Ann"]


def test_a_task_comes_in_with_what_is_known_of_it(store: Store, tmp_path: Path, clock: Clock):
    who = person(store, "Ann").id
    gold = {"ranking": [[0], [1]], "none_acceptable": False, "written": None}
    known = {"topic": "letters", "source": "policy 3", "propensity": 0.25}
    add_tasks(store, [rank_task(0, **known, gold=gold), rank_task(1)])
    change_settings(store, who, gold_rate=1.0)
    lease = queue.claim(store, who)
    assert lease is not None
    clock.now += 30
    queue.submit(store, lease.id, who, "k", gold, SEEN)
    export_jsonl(store, tmp_path, None)
    other = Store(f"sqlite:///{tmp_path / 'other.db'}", clock=clock)
    boss = person(other, "boss", "admin").id
    assert import_labels(other, tmp_path / "labels.jsonl", boss) == 1
    [label] = labels_after(other, 0)
    assert label.active_s == 30
    assert label.task_id is not None
    task = get_tasks(other, [label.task_id])[label.task_id]
    assert {name: getattr(task, name) for name in known} == known
    assert task.gold == store.read(lambda c: c.execute(select(tasks.c.gold)).scalars().first())
    other.close()


def strip(one: Any) -> dict[str, Any]:
    return {key: value for key, value in vars(one).items() if key != "labeler"}


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


PAIR = {"prompt": "p", "chosen": "a", "rejected": "b", "labeler": "turk 7"}
ANSWERED = {"kind": "rank", "payload": ANSWERS["rank"][0], "value": ANSWERS["rank"][1]}
RANKING = {"prompt": TALK[:3], "responses": ["a", "b", "c"], "ranking": [[1], [0, 2]]}


def test_files_of_others_become_labels(store: Store, tmp_path: Path, clock: Clock):
    boss = person(store, "boss", "admin").id
    path = write(
        tmp_path / "mixed.jsonl",
        PAIR,
        PAIR,
        RANKING,
        {"prompt": "p", "completion": "r"},
        {"instruction": "p", "output": "r"},
        {"prompt": "p", "response": "a", "overall": 6, "labelled_at": "2020-01-01T00:00:00+00:00"},
        {"prompt": "p", "response": "a", "verdict": "good", "stage": "sft", "labelled_at": None},
        {"prompt": "p", "responses": ["a", "b"], "ranking": [[1], [0]], "verdict": "redo"},
    )
    assert import_labels(store, path, boss) == 8
    assert import_labels(store, path, boss) == 0
    comparisons, ratings, demonstrations = taught(store)
    assert [c.responses for c in comparisons] == [("a", "b")] * 2 + [("a", "b", "c"), ("a", "b")]
    assert [c.labeler for c in comparisons] == ["2", "2", "1", "1"]
    assert [(r.value, r.scale) for r in ratings] == [(6, "overall"), (1, "thumb")]
    assert ratings[0].labelled_at == "2020-01-01T00:00:00+00:00"
    assert [d.messages for d in demonstrations] == [messages("p", "r")] * 2
    assert [label.kind for label in labels_after(store, 0)] == [
        *("choice", "choice", "choice", "demonstrate", "demonstrate", "rate", "thumb", "choice")
    ]


def test_files_of_others_become_tasks(store: Store, tmp_path: Path):
    path = write(
        tmp_path / "mixed.jsonl",
        PAIR,
        RANKING,
        {"prompt": "p", "completion": "r"},
        {"prompt": "only this"},
        {"messages": TALK},
        {"prompt": "p", "response": "a", "overall": 6},
        {"prompt": "p", "responses": ["a", "b"]},
    )
    ids = import_tasks(store, path, topic="t")
    assert import_tasks(store, path) == ids
    assert ids[6] == ids[0]  # the same two replies to the same prompt
    found = get_tasks(store, ids)
    assert [found[i].kind for i in ids[:6]] == [
        *("rank", "rank", "demonstrate", "demonstrate", "demonstrate", "rate")
    ]
    assert found[ids[1]].payload["responses"] == ["a", "b", "c"]
    assert found[ids[4]].payload["prompt"] == TALK[:3]
    assert {task.topic for task in found.values()} == {"t"}
    assert found[ids[0]].source == "mixed.jsonl"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"prompt": "p"}, "expected a label, got only `prompt`; import it as tasks"),
        ({"prompt": "p", "chosen": 5}, "expected `prompt`, `chosen` and `rejected`"),
        ({**RANKING, "ranking": [[0]]}, "must name each of the 3 responses once"),
        ({**PAIR, "prompt": TALK}, "it ends with a message of the assistant's"),
        ({**PAIR, "labelled_at": "yesterday"}, "expected `labelled_at` to be a time"),
        ({**PAIR, "labeler": "x" * 99}, "at most 80 characters"),
        ({"kind": "rank", "value": {"ranking": [[0]]}}, "needs its task's `payload`"),
        (
            {
                "kind": "rank",
                "payload": ANSWERS["rank"][0],
                "value": ANSWERS["rank"][1],
                "propensity": "x",
            },
            "`propensity` to be a number",
        ),
        (
            {**ANSWERED, "gold": 5},
            "to be a JSON object",
        ),
        ({**PAIR, "active_s": -1}, "`active_s` to be a number"),
        ({"kind": "thumb", "value": {}}, "A thumb lacks `prompt`"),
        ({"prompt": "p", "responses": ["a"] * 10, "ranking": [[*range(10)]]}, "2 to 9 replies"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_written(store: Store, tmp_path: Path, row, said: str):
    boss = person(store, "boss", "admin").id
    path = write(tmp_path / "labels.jsonl", PAIR, row)
    with pytest.raises(BadInput) as error:
        import_labels(store, path, boss)
    assert said in str(error.value)
    assert "line 2" in str(error.value) or "80 characters" in said
    assert labels_after(store, 0) == []


def test_datasets_are_loaded_from_disk(full: Store, tmp_path: Path):
    datasets = pytest.importorskip("datasets")
    counts = export_datasets(full, tmp_path / "out", None)
    assert counts == {
        "pairs": 2 + 1 + 5 + 1 + 1,
        "comparisons": 5,
        "ratings": 3,
        "demonstrations": 3,
        "labels": 8,
    }
    pairs = datasets.load_from_disk(str(tmp_path / "out" / "pairs"))
    assert pairs[0] == {
        "prompt": TALK[:3],
        "chosen": [{"role": "assistant", "content": "c"}],
        "rejected": [{"role": "assistant", "content": "a"}],
    }
    labels = datasets.load_from_disk(str(tmp_path / "out" / "labels"))
    assert json.loads(labels[1]["value"])["overall"] == 5
    with pytest.raises(BadInput, match="is there already"):
        export_datasets(full, tmp_path / "out", None)


def test_without_the_datasets_package_one_sentence(full: Store, tmp_path: Path, monkeypatch):
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name.startswith("datasets"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(TutelageError, match="pip install datasets, or export JSONL"):
        export_datasets(full, tmp_path / "out", None)


def test_nothing_to_export_is_said(store: Store, tmp_path: Path):
    pytest.importorskip("datasets")
    with pytest.raises(BadInput, match="no labels to export yet"):
        export_datasets(store, tmp_path / "out", None)
    assert export_jsonl(store, tmp_path / "out", None) == {"guidelines.jsonl": 1}


def test_a_prompt_of_several_messages_is_written_and_read(tmp_path: Path):
    dialogue = Comparison(messages("p", "r", "q"), ("a", "b"), ((0,), (1,)))
    system = Comparison((Message("system", "be brief"), *ask("p")), ("a", "b"), ((0, 1),))
    single = Comparison(ask("p"), ("a", "b"), ((1,), (0,)))
    path = tmp_path / "comparisons.jsonl"
    write_comparisons(path, [dialogue, system, single])
    assert read_comparisons(path) == [dialogue, system, single]
    assert json.loads(path.read_text().splitlines()[2])["prompt"] == "p"

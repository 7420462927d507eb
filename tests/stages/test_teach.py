"""Labels move the reward model, then the policy, then what is served; each exactly once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.stages.teach_toys import (
    chance_of,
    demonstrate,
    edit,
    new_room,
    open_store,
    prefer,
    rate,
    run_once,
    score_of,
)
from tests.stages.test_resume import Killed, left_behind
from tests.stages.toys import REQUESTS, taught_gpt
from tutelage.errors import BadInput
from tutelage.labelling.accounts import create_labeler, local_person
from tutelage.labelling.erase import erase_person
from tutelage.labelling.labels import add_label, labels_after, labels_with, retract
from tutelage.labelling.opinions import read_opinions
from tutelage.labelling.queue import undo
from tutelage.labelling.settings import change_settings, put_value, read_settings
from tutelage.labelling.store import Store
from tutelage.labelling.tasks import waiting_tasks
from tutelage.model.checkpoint import load_policy, load_reward_model
from tutelage.runs import Run
from tutelage.schema import ask
from tutelage.stages import classroom, teach
from tutelage.stages.questions import ask as ask_people
from tutelage.taught import newest_taught

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def store(tmp_path: Path):
    store = open_store(tmp_path / "people")
    yield store
    store.close()


def test_labels_move_the_reward_model_the_policy_and_the_pointer(
    tmp_path: Path, taught: Path, store: Store
):
    """Sixteen choices of blue, of a reward model that knew nothing and a policy that was even."""
    ids = [prefer(store, number) for number in range(16)]
    events = run_once(new_room(tmp_path / "run", taught, store, steps=5))

    assert [event.labels for event in events if event.kind == "version"] == [
        tuple(ids[start : start + 4]) for start in range(0, 16, 4)
    ]
    effects = [label.effect for label in labels_with(store, ids)]
    first, last = effects[0], effects[-1]
    assert first["accuracy_before"] < 0.7
    assert last["accuracy_after"] == 1.0
    assert last["ci95"][0] < 0.8 < 1.0 == last["ci95"][1]  # of four prompts
    assert first["accuracy_after"] == effects[4]["accuracy_before"]
    assert [effect["version"] for effect in effects[::4]] == [1, 2, 3, 4]
    assert {effect["n"] for effect in effects} == {4}
    assert all(label.used_at is not None for label in labels_with(store, ids))

    newest = newest_taught(tmp_path / "run")
    assert newest is not None
    assert newest.version == 4
    policy, _ = load_policy(newest.policy)
    assert chance_of(taught_gpt(taught), "blue") < 0.4
    assert chance_of(policy, "blue") > 0.6
    load_reward_model(newest.reward)


def test_a_label_is_in_the_first_gradient_step_that_it_can_be_in(
    tmp_path: Path, taught: Path, store: Store
):
    one = prefer(store, 0)
    events = teach.teach(new_room(tmp_path / "run", taught, store))
    first = next(events)
    assert (first.kind, first.labels) == ("reward", (one,))
    two = prefer(store, 1)  # while the reward model learns: it becomes part of the same version
    labels = [next(events).labels for _ in range(3)]
    assert labels == [(one,), (two,), (two,)]
    assert next(events).kind == "policy"
    three = prefer(store, 2)  # while the policy practises: it waits for one step, not for two
    version, following = next(events), next(events)
    assert (version.kind, version.labels) == ("version", (one, two))
    assert (following.kind, following.labels) == ("reward", (three,))


def test_nothing_new_changes_nothing(tmp_path: Path, taught: Path, store: Store):
    folder = tmp_path / "run"
    run_once(new_room(folder, taught, store))
    assert newest_taught(folder) is None
    prefer(store, 0)
    run_once(new_room(folder, taught, store))
    before = left_behind(Run(folder))
    used = labels_after(store, 0)
    assert run_once(new_room(folder, taught, store)) == []
    assert left_behind(Run(folder)) == before
    assert labels_after(store, 0) == used


def test_demonstrations_train_the_policy(tmp_path: Path, taught: Path, store: Store):
    """Against a reward model to which all is the same, so that nothing else moves the policy."""
    demonstrate(store, "black")
    room = new_room(tmp_path / "run", taught, store, importance=8)
    room.ground = replace(room.ground, demonstrations=[])
    kinds = [event.kind for event in run_once(room)]
    assert kinds.count("reward") == 0
    assert kinds.count("sft") == 8  # four of them fit in one step
    assert chance_of(taught_gpt(taught), "black") < 0.4
    assert chance_of(room.learners.policy, "black") > 0.8


def test_an_edit_teaches_both(tmp_path: Path, taught: Path, store: Store):
    edit(store, 0, "black")
    kinds = [event.kind for event in run_once(new_room(tmp_path / "run", taught, store))]
    assert kinds == ["reward", "reward", "sft", "sft", "policy", "policy", "version"]


def test_the_learning_curve_counts_comparisons_and_nothing_else(
    tmp_path: Path, taught: Path, store: Store
):
    """The run's own and people's. A thumb or a demonstration is none; one that was taken back is
    none any more."""
    room = new_room(tmp_path / "run", taught, store, labels=1)
    room.ground = replace(room.ground, comparisons=room.ground.held_out[:3])
    prefer(store, 0)
    rate(store, 1, "red", False)
    edit(store, 2, "green")
    demonstrate(store, "black")
    run_once(room)
    effects = [label.effect["comparisons"] for label in labels_after(store, 0)]
    assert effects == [4, 4, 5, 5, 5, 5, 5]
    # Four demonstrations measured nothing anew.
    assert {m.version for m in read_opinions(store).measurements} <= {1, 2, 3}
    edited = next(label.id for label in labels_after(store, 0) if label.kind == "edit")
    store.write(lambda connection: retract(connection, 0.0, edited, local_person(store).id))
    prefer(store, 3)
    run_once(room)
    assert labels_after(store, 0)[-1].effect["comparisons"] == 5


def test_thumbs_feed_the_reward_model(tmp_path: Path, taught: Path, store: Store):
    for number in range(16):
        good = number // 4 % 2 == 1
        rate(store, number, "blue" if good else "red", good)
    room = new_room(tmp_path / "run", taught, store, importance=4)
    run_once(room)
    model = room.learners.reward_model
    assert score_of(model, "blue") > score_of(model, "red") + 1
    assert list(room.learners.raters.labelers) == [("thumb", str(local_person(store).id))]
    newest = newest_taught(tmp_path / "run")
    assert newest is not None
    assert (newest.reward / "raters.json").exists()


def test_what_is_too_long_is_marked_and_left_out(tmp_path: Path, taught: Path, store: Store):
    long, short = edit(store, 0, "blue " * 60), prefer(store, 0)
    events = run_once(new_room(tmp_path / "run", taught, store))
    assert {event.labels for event in events if event.kind == "reward"} == {(short,)}
    left_out, used = (label.effect for label in labels_with(store, [long, short]))
    assert left_out is not None
    assert used is not None
    assert "64 tokens" in left_out["left_out"]
    assert "left_out" not in used


class Dies:
    """Lets a function run, and ends the process (by Killed) after its n-th call."""

    def __init__(self, function: Any, survives: int) -> None:
        self.function, self.left = function, survives

    def __call__(self, *given: Any, **named: Any) -> Any:
        result = self.function(*given, **named)
        self.left -= 1
        if self.left < 0:
            raise Killed
        return result


def contents(run: Run) -> dict[str, Any]:
    """Everything in the run's folder. The state is taken apart: how a pickle writes a text that
    occurs twice depends on whether it is one object."""
    found: dict[str, Any] = dict(left_behind(run))
    state = torch.load(run.folder / "checkpoints" / "teach.resume.pt", weights_only=True)
    return found | {"checkpoints/teach.resume.pt": as_lists(state)}


def as_lists(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {key: as_lists(part) for key, part in value.items()}
    return [as_lists(part) for part in value] if isinstance(value, list | tuple) else value


MOMENTS = ["reward_step", "policy_step", "write_version", "save", "point_to", "mark_used", "prune"]
ROOMS = {name: teach if name in ("reward_step", "policy_step", "save") else classroom
         for name in MOMENTS}  # fmt: skip


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_any_moment_each_label_is_used_exactly_once(
    moment: str, tmp_path: Path, taught: Path, store: Store, monkeypatch: pytest.MonkeyPatch
):
    """Weights and effects are those of a teacher that was never killed, to the byte."""
    other = open_store(tmp_path / "others")
    for each in (store, other):
        for number in range(6):
            prefer(each, number)
        rate(each, 6, "red", False)
        edit(each, 7, "green")
    put_value(other, "store_number", "as the first one's")
    put_value(store, "store_number", "as the first one's")
    whole = new_room(tmp_path / "whole", taught, store)
    run_once(whole)

    folder = tmp_path / "killed"
    deaths = 0
    for survives in (0, 0, 1):
        with monkeypatch.context() as patch:
            room = ROOMS[moment]
            patch.setattr(room, moment, Dies(getattr(room, moment), survives))
            try:
                run_once(new_room(folder, taught, other))
            except Killed:
                deaths += 1
    run_once(new_room(folder, taught, other))
    assert deaths >= 2
    assert contents(Run(folder)) == contents(whole.run)
    effects = [[label.effect for label in labels_after(each, 0)] for each in (store, other)]
    assert effects[0] == effects[1]
    assert all(label.used_at is not None for label in labels_after(other, 0))
    other.close()


def test_what_was_taken_back_or_erased_is_not_learned_again(
    tmp_path: Path, taught: Path, store: Store
):
    ada = create_labeler(store, "Ada", "labeler", None, None)
    hers = add_label(
        store,
        ada.id,
        "edit",
        {"prompt": [{"role": "user", "content": "hi"}], "response": "red", "edited": "green"},
        "hers",
    ).id
    back = demonstrate(store, "black")[-1]
    kept = prefer(store, 0)
    room = new_room(tmp_path / "run", taught, store, labels=10)
    events = teach.teach(room)
    assert any(event.kind == "version" for event in events)  # goes on until there is one
    assert {hers, back, kept} <= set(room.lessons)
    undo(store, local_person(store).id)
    erase_person(store, ada.id, None)
    prefer(store, 1)
    assert any(event.kind == "version" for event in events)  # the same teacher hears of it
    assert not {hers, back} & set(room.lessons)
    again = new_room(tmp_path / "run", taught, store)
    run_once(again)  # the next one of what was erased
    assert not {hers, back} & set(again.lessons)
    assert kept in again.lessons


def test_the_queue_is_kept_full_of_the_kinds_wanted(tmp_path: Path, taught: Path, store: Store):
    change_settings(
        store, None, queue_depth=12, rank_share=2.0, rate_share=1.0,
        demonstrate_share=1.0, dialogue_share=0.0, replies=3,
    )  # fmt: skip
    room = new_room(tmp_path / "run", taught, store)
    room.ground = replace(
        room.ground,
        comparisons=room.ground.held_out,
        prompts=[ask(f"{request} {number}") for request in REQUESTS for number in range(9)],
    )
    events = run_once(room)
    tasks = waiting_tasks(store)
    assert Counter(task.kind for task in tasks) == {"rank": 6, "rate": 3, "demonstrate": 3}
    assert sum(event.metrics["queue/added"] for event in events) == 12
    for task in tasks:
        assert task.propensity is not None
        assert 0 < task.propensity <= 1
        if task.kind == "rank":
            assert 2 <= len(set(task.payload["responses"])) <= 3
            assert set(task.payload["stages"]) == {"sft"}
    assert run_once(room) == []  # it is full


def test_a_restarted_teacher_counts_and_adds_only_new_tasks(
    tmp_path: Path, taught: Path, store: Store
):
    change_settings(
        store, None, queue_depth=4, rank_share=0.0, rate_share=0.0, demonstrate_share=1.0,
        dialogue_share=0.0,
    )  # fmt: skip

    def added(requests: int) -> int:
        room = new_room(tmp_path / "run", taught, store)
        prompts = [ask(f"{request} {n}") for request in REQUESTS for n in range(requests)]
        room.ground = replace(room.ground, comparisons=room.ground.held_out, prompts=prompts)
        events = run_once(room)
        return int(sum(event.metrics["queue/added"] for event in events))

    assert added(2) == 4
    change_settings(store, None, queue_depth=6)
    assert added(2) == 2  # of eight prompts it has asked for four
    before = len(waiting_tasks(store))
    change_settings(store, None, queue_depth=100)
    assert added(2) == len(waiting_tasks(store)) - before


def test_a_share_of_the_pairs_is_drawn_at_random(tmp_path: Path, taught: Path, store: Store):
    change_settings(store, None, random_share=0.5)
    room = new_room(tmp_path / "run", taught, store)
    room.ground = replace(
        room.ground,
        comparisons=room.ground.held_out,
        prompts=[ask(f"{request} {number}") for request in REQUESTS for number in range(9)],
    )
    settings = read_settings(store)
    tasks = []
    for number in range(8):
        tasks += ask_people(
            teach.asker(room), room.ground.prompts, ["rank"] * 4, settings, number
        )  # fmt: skip
    random = [task for task in tasks if task.source.endswith("at random")]
    assert len(random) == len(tasks) / 2
    assert all(task.propensity < 1 for task in random)
    # Some of a batch's best are certain; the last of them may give way to one at random.
    assert any(task.propensity == 1 for task in tasks if task not in random)


def test_another_database_is_refused(tmp_path: Path, taught: Path, store: Store):
    prefer(store, 0)
    run_once(new_room(tmp_path / "run", taught, store))
    other = open_store(tmp_path / "others")
    with pytest.raises(BadInput, match="another database"):
        run_once(new_room(tmp_path / "run", taught, other))
    other.close()


@pytest.mark.parametrize("torn", [b"", b"PK\x03\x04 torn", None])
def test_a_torn_state_is_one_sentence(
    torn: bytes | None, tmp_path: Path, taught: Path, store: Store
):
    prefer(store, 0)
    run_once(new_room(tmp_path / "run", taught, store))
    path = tmp_path / "run" / "checkpoints" / "teach.resume.pt"
    path.write_bytes(path.read_bytes()[:5000] if torn is None else torn)
    with pytest.raises(BadInput, match="delete it to begin again"):
        run_once(new_room(tmp_path / "run", taught, store))

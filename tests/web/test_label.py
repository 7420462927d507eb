"""The label pages, asked as a browser without scripts and as their own scripts do."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace

import pytest

from tests.web.conftest import on_both
from tests.web.people import Person, person_here, sign_in
from tests.web.tasks import FOUR, STAGES, demonstrate_task, dialogue_task, rank_task, rate_task
from tutelage.errors import BadInput
from tutelage.labelling import guidelines, labels, queue
from tutelage.labelling.counts import history, progress
from tutelage.labelling.records import Label, Progress, Task
from tutelage.labelling.tasks import add_tasks, get_tasks, waiting_tasks
from tutelage.labelling.values import RATING_FIELDS
from tutelage.web import label_words, suggestions
from tutelage.web.differences import lines_between
from tutelage.web.label_forms import fields_of, shown_order, value_of
from tutelage.web.site import Site

HASH = guidelines.DEFAULT.hash


@pytest.fixture
def person(site: Site) -> Person:
    return person_here(site)


def take(person: Person, query: str = "") -> tuple[str, str]:
    """The address and page of the next task."""
    moved = person.client.get(f"/label/next{query}", follow_redirects=False)
    assert moved.status_code == 303
    address = moved.headers["location"]
    return address.partition("?")[0], person.get(address).text


def task_of(site: Site, address: str, person: Person) -> Task:
    return queue.heartbeat(site.store, int(address.rpartition("/")[2]), person.id).task


def shown_replies(page: str) -> list[str]:
    return [text.strip() for text in re.findall(r'class="as-written" hidden>(.*?)</pre>', page)]


def test_a_ranking_by_numbers_alone(site: Site, person: Person) -> None:
    add_tasks(site.store, [rank_task()])
    address, page = take(person)
    order = [FOUR.index(text) for text in shown_replies(page)]
    assert sorted(order) == [0, 1, 2, 3]
    ranks = {f"rank_{place}": str([2, 1, 1, 3][place]) for place in range(4)}
    answer = person.post(address, guidelines=HASH, **ranks)
    assert (answer.status_code, answer.headers["location"]) == (303, "/label/next")
    (label,) = history(site.store, person.id)
    groups = [sorted([order[1], order[2]]), [order[0]], [order[3]]]
    assert [sorted(group) for group in label.value["ranking"]] == groups
    assert label.value["shown_order"] == order
    assert label.guidelines == HASH


def test_no_page_tells_which_model_wrote_what(site: Site, person: Person) -> None:
    add_tasks(site.store, [rank_task(gold={"ranking": [[0], [1], [2], [3]]}), rank_task(number=1)])
    _, page = take(person)
    for secret in (*STAGES, "gold", '"order"', "shown_order"):
        assert secret not in page


def test_the_order_is_random_and_the_same_at_every_look(site: Site, person: Person) -> None:
    add_tasks(site.store, [rank_task(number=n) for n in range(8)])
    found = waiting_tasks(site.store)
    orders = [tuple(shown_order(task, labeler)) for task in found for labeler in range(30)]
    assert orders == [tuple(shown_order(task, labeler)) for task in found for labeler in range(30)]
    firsts = [order[0] for order in orders]
    # Of 240 uniform draws each of four comes 60 times, with a standard deviation of 6.7.
    assert all(30 < firsts.count(reply) < 90 for reply in range(4))


@on_both
def test_two_people_get_different_tasks_and_not_each_others(site: Site) -> None:
    add_tasks(site.store, [rank_task(number=0), rank_task(number=1)])
    ann, bob = sign_in(site, "ann", "admin"), sign_in(site, "bob")
    (anns, _), (bobs, _) = take(ann), take(bob)
    assert task_of(site, anns, ann).id != task_of(site, bobs, bob).id
    refused = bob.get(anns)
    assert refused.status_code == 400
    assert "not one of yours" in refused.text
    draft = bob.send(f"{anns}/draft", {"fields": {"rank_0": ["1"]}})
    assert "not one of yours" in draft.json()["error"]
    ranks = {f"rank_{place}": "1" for place in range(4)}
    assert bob.post(anns, guidelines=HASH, **ranks).status_code == 400
    assert history(site.store, ann.id) == []


def test_nothing_is_taken_without_our_own_page(site: Site, person: Person) -> None:
    add_tasks(site.store, [rank_task(2)])
    address, _ = take(person)
    for path in (address, f"{address}/skip", "/label/undo"):
        answer = person.client.post(path, data={"rank_0": "1", "rank_1": "2", "reason": "x"})
        assert answer.status_code == 403
        assert "signed in" in answer.json()["error"]
    assert person.client.post(f"{address}/draft", json={"fields": {}}).status_code == 403
    assert history(site.store, person.id) == []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "has no rank yet|have no rank yet"),
        ({"rank_0": "1", "rank_1": "2", "rank_2": "3"}, "D has no rank yet"),
        ({f"rank_{n}": "9" for n in range(4)}, "number from 1 to 4, got &#39;9&#39;"),
        ({f"rank_{n}": "first" for n in range(4)}, "number from 1 to 4"),
        ({"none": "yes", "rank_1": "1"}, "3 replies have no rank yet"),
    ],
)
def test_what_is_missing_is_said_and_what_was_typed_stays(
    site: Site, person: Person, fields: dict[str, str], sentence: str
) -> None:
    add_tasks(site.store, [rank_task()])
    address, _ = take(person)
    answer = person.post(address, guidelines=HASH, written="my own <reply>", **fields)
    assert answer.status_code == 400
    assert re.search(sentence, answer.text)
    again = person.get(address).text
    assert "my own &lt;reply&gt;" in again
    for name, value in fields.items():
        assert re.search(rf'name="{name}"[^>]*value="{value}"', again)


def test_none_acceptable_and_a_reply_of_ones_own(site: Site, person: Person) -> None:
    add_tasks(site.store, [rank_task(2)])
    address, _ = take(person)
    person.post(address, guidelines=HASH, none="yes", written="The four giants.\r\nAll of them.")
    (label,) = history(site.store, person.id)
    assert label.value["none_acceptable"]
    assert label.value["ranking"] == []
    assert label.value["written"] == "The four giants.\nAll of them."


@on_both
def test_a_form_sent_twice_counts_once(site: Site, person: Person) -> None:
    add_tasks(site.store, [rank_task(2)])
    address, _ = take(person)
    for _ in range(2):
        answer = person.post(address, guidelines=HASH, rank_0="1", rank_1="2")
        assert answer.status_code == 303
    assert len(history(site.store, person.id)) == 1


def test_a_rating(site: Site, person: Person) -> None:
    add_tasks(site.store, [rate_task()])
    address, page = take(person)
    assert all(f'name="{name}"' in page for name in RATING_FIELDS)
    wrong = person.post(address, guidelines=HASH, hallucination="yes")
    assert wrong.status_code == 400
    assert "a number from 1 to 7" in wrong.text
    person.post(address, guidelines=HASH, overall="6", hallucination="yes", note="well")
    (label,) = history(site.store, person.id)
    ticked = [name for name in RATING_FIELDS if label.value["fields"][name]]
    assert (label.value["overall"], ticked, label.value["note"]) == (6, ["hallucination"], "well")


def test_demonstrations_of_each_style(site: Site, person: Person) -> None:
    new = [demonstrate_task(prompt="Why is the sky blue?"), demonstrate_task("user_based")]
    add_tasks(site.store, [*new, demonstrate_task("few_shot")])
    address, page = take(person)
    assert "Why is the sky blue?" in page
    person.post(address, guidelines=HASH, reply="It scatters blue light most.")
    address, page = take(person)
    assert "open question answering" in page
    wrong = person.post(address, guidelines=HASH, request="", reply="an answer")
    assert "The request is empty" in wrong.text
    person.post(address, guidelines=HASH, request="Name a tree.", reply="The oak.")
    address, _ = take(person)
    pairs = {"query_1": "2", "response_1": "two", "query_2": "3", "response_2": "three"}
    wrong = person.post(address, guidelines=HASH, instruction="In words.", query_1="2")
    assert "Response 1 is empty" in wrong.text
    person.post(address, guidelines=HASH, instruction="In words.", **pairs)
    few, user, plain = (label.value["messages"] for label in history(site.store, person.id))
    assert [m["content"] for m in plain] == ["Why is the sky blue?", "It scatters blue light most."]
    assert [m["content"] for m in user] == ["Name a tree.", "The oak."]
    assert [m["content"] for m in few] == ["In words.\n\n2", "two", "3", "three"]


@pytest.fixture
def speaking(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site whose model says numbered replies."""
    said = iter(range(1000))

    def suggest(site, messages, count, known=()):
        return [f"reply {next(said)} to {len(messages)}" for _ in range(count)]

    monkeypatch.setattr("tutelage.web.label.suggest", suggest)
    monkeypatch.setattr("tutelage.web.suggestions.suggest", suggest)
    return site


def test_a_dialogue_keeps_an_edit_beside_its_suggestion(speaking: Site) -> None:
    person = person_here(speaking)
    add_tasks(speaking.store, [dialogue_task()])
    address, _ = take(person)
    asked = [{"role": "user", "content": "Where to?"}]
    found = person.send(f"{address}/suggestions", {"messages": asked}).json()["suggestions"]
    assert found == ["reply 0 to 1", "reply 1 to 1"]
    messages = [*asked, {"role": "assistant", "content": "Rome."}]
    entry = {"at": 1, "suggestions": found, "chosen": 1, "edited": "Rome."}
    dialogue = json.dumps({"messages": messages, "suggested": [entry], "asks": "unsent"})
    assert person.post(address, guidelines=HASH, dialogue=dialogue).status_code == 303
    (label,) = history(speaking.store, person.id)
    assert label.value == {"messages": messages, "suggested": [entry]}


def test_a_message_of_a_dialogue_is_ranked_by_others(speaking: Site) -> None:
    person = person_here(speaking)
    add_tasks(speaking.store, [dialogue_task()])
    address, _ = take(person)
    messages = [
        {"role": "user", "content": "Where to?"},
        {"role": "assistant", "content": "Rome."},
        {"role": "user", "content": "By train?"},
        {"role": "assistant", "content": "By train."},
    ]
    suggested = [
        {"at": 1, "suggestions": ["Oslo.", "Rome."], "chosen": 1, "edited": None},
        {"at": 3, "suggestions": ["On foot."], "chosen": None, "edited": None},
    ]
    dialogue = json.dumps({"messages": messages, "suggested": suggested})
    person.post(address, guidelines=HASH, dialogue=dialogue)
    (task,) = waiting_tasks(speaking.store, ["rank"])
    assert task.payload["prompt"] == messages[:1]
    assert task.payload["responses"][:2] == ["Rome.", "Oslo."]
    assert len(task.payload["responses"]) == suggestions.ALTERNATIVES
    # Nothing to rank where people wrote every reply.
    (label,) = history(speaking.store, person.id)
    written = {**label.value, "suggested": suggested[1:]}
    changed = replace(label, value=written)
    assert suggestions.rank_dialogue(speaking, changed, random.Random(0)) is None


def test_the_models_own_suggestions_differ(site: Site) -> None:
    found = suggestions.suggest(site, [{"role": "user", "content": "list files"}], 3)
    assert 1 <= len(found) == len(set(found)) <= 3
    assert suggestions.suggest(Site(store=site.store), [{"role": "user", "content": "a"}], 3) == []


@pytest.mark.parametrize(
    ("dialogue", "sentence"),
    [
        ("", "The dialogue is empty"),
        ("[1]", "could not be read"),
        ("[" * 100_000, "could not be read"),
        ('{"messages": [{"role": "user", "content": "a"}]}', "must end with the assistant"),
        ('{"messages": 3}', "must be a list"),
    ],
)
def test_a_dialogue_that_is_none(site: Site, person: Person, dialogue: str, sentence: str) -> None:
    add_tasks(site.store, [dialogue_task()])
    address, _ = take(person)
    answer = person.post(address, guidelines=HASH, dialogue=dialogue)
    assert answer.status_code == 400
    assert sentence in answer.text


def test_suggestions_belong_to_dialogues(site: Site, person: Person) -> None:
    add_tasks(site.store, [rank_task()])
    address, _ = take(person)
    body = {"messages": [{"role": "user", "content": "a"}]}
    refused = person.send(f"{address}/suggestions", body)
    assert refused.json() == {"error": "Only a dialogue has suggestions."}
    assert person.send(f"{address}/suggestions", {"messages": 3}).status_code == 422


@on_both
def test_a_draft_comes_back(site: Site, person: Person) -> None:
    add_tasks(site.store, [rank_task()])
    address, _ = take(person)
    kept = person.send(f"{address}/draft", {"fields": {"rank_2": ["3"], "written": ["so <b>"]}})
    assert kept.json()["left_s"] == 1800
    page = take(person)[1]
    assert re.search(r'name="rank_2"[^>]*value="3"', page)
    assert "so &lt;b&gt;" in page
    large = person.send(f"{address}/draft", {"fields": {"written": ["a" * 200_001]}})
    assert "shorten it" in large.json()["error"]
    assert person.send(f"{address}/draft", {"fields": {"written": "a"}}).status_code == 422


@on_both
def test_a_lease_that_was_lost_says_so(site: Site) -> None:
    add_tasks(site.store, [rank_task(2)])
    ann, bob = sign_in(site, "ann", "admin"), sign_in(site, "bob")
    address, _ = take(ann)
    now = site.store.clock()
    site.store.clock = lambda: now + 1801
    take(bob)
    for answer in (
        ann.get(address),
        ann.send(f"{address}/beat", {}),
        ann.send(f"{address}/draft", {"fields": {}}),
        ann.post(address, guidelines=HASH, rank_0="1", rank_1="2"),
    ):
        assert answer.status_code == 409
        assert "given to somebody else" in answer.text
    assert "/label/next" in ann.get(address).text


def test_skipping_needs_a_reason_and_the_task_goes_to_others(site: Site) -> None:
    add_tasks(site.store, [rank_task(2)])
    ann, bob = sign_in(site, "ann", "admin"), sign_in(site, "bob")
    address, _ = take(ann, "?kind=rank")
    assert "Say why" in ann.post(f"{address}/skip", reason="").text
    skipped = ann.post(f"{address}/skip", other="I wrote it myself", kind="rank")
    assert skipped.headers["location"] == "/label/next?kind=rank"
    nothing = ann.client.get("/label/next", follow_redirects=False)
    assert nothing.headers["location"] == "/label?done=1"
    assert "Nothing" in ann.get("/label").text
    assert take(bob)[0] != address


@on_both
def test_undo_opens_the_task_with_the_answer_as_it_was(site: Site, person: Person) -> None:
    assert "no label of yours" in person.post("/label/undo").text
    add_tasks(site.store, [rank_task(), rate_task()])
    for _ in range(2):
        address, page = take(person)
        if "Overall quality" in page:
            person.post(address, guidelines=HASH, overall="5", note="so so", violent_content="yes")
        else:
            person.post(
                address, guidelines=HASH, rank_0="2", rank_1="1", rank_2="3", rank_3="3",
                none="yes", written="mine",
            )  # fmt: skip
    for _ in range(2):
        back = person.post("/label/undo").headers["location"]
        page = person.get(back).text
        if "Overall quality" in page:
            assert re.search(r'value="5" checked', page)
            assert re.search(r'name="violent_content" value="yes" checked', page)
            assert "so so" in page
        else:
            ranks = re.findall(r'name="rank_(\d)"[^>]*value="(\d)"', page)
            assert ranks == [("0", "2"), ("1", "1"), ("2", "3"), ("3", "3")]
            assert "mine" in page
    assert progress(site.store, person.id).labels == 0
    assert "taken back" in person.get("/label/history").text


def test_kinds_and_topics_can_be_chosen(site: Site, person: Person) -> None:
    new = [rank_task(topic="stars", number=1), rank_task(topic="tea & cake", number=2), rate_task()]
    add_tasks(site.store, new)
    page = person.get("/label").text
    assert "topic=tea%20%26%20cake" in page
    assert "3 tasks wait for you" in page
    address, _ = take(person, "?kind=rank&topic=tea+%26+cake")
    assert task_of(site, address, person).topic == "tea & cake"
    assert person.client.get("/label/next?kind=sing").status_code == 400
    address, page = take(person, "?kind=rate")
    answer = person.post(address, guidelines=HASH, overall="4", kind="rate", topic="")
    assert answer.headers["location"] == "/label/next?kind=rate"


def test_the_start_page_offers_what_one_holds_first(site: Site, person: Person) -> None:
    add_tasks(site.store, [rank_task(2, priority=2.0, topic="stars")])
    address, _ = take(person)
    page = person.get("/label").text
    assert re.search(rf'data-key="Enter" href="{address}">Go on: rank', page)
    assert "stars, yours for 30 min" in page
    assert "Nothing else is left for you" in page
    assert "0 today, 1 task left in this batch" in page
    assert "take the next" not in page.lower()
    add_tasks(site.store, [rate_task(), demonstrate_task()])
    second, _ = take(person, "?kind=rate")
    page = person.get("/label").text
    offered = re.findall(r'href="(/label/task/\d+)"', page)
    assert offered == [second, address]  # the latest first, as /label/next gives them
    assert "1 other task waits for you" in page
    assert "0 today, 3 tasks left in this batch" in page
    before = site.store.clock()
    site.store.clock = lambda: before + 1801
    assert "its time is over" in person.get("/label").text
    sign_in(site, "ann", "admin")
    queue.claim(site.store, 2, ["rank"])  # to whom it is given now
    assert address not in person.get("/label").text


def test_effects_are_told_to_whose_label_it_was(site: Site, person: Person) -> None:
    add_tasks(site.store, [rank_task(2)])
    address, _ = take(person)
    person.post(address, guidelines=HASH, rank_0="1", rank_1="2")
    (label,) = history(site.store, person.id)
    assert person.get("/label/effects").json() == {"since": 0.0, "effects": []}
    assert "waiting for the trainer" in person.get("/label/history").text
    effect = {"accuracy_before": 0.712, "accuracy_after": 0.716, "pairs": 150, "n": 1}
    labels.mark_used(site.store, [label.id], effect)
    told = person.get("/label/effects").json()
    sentence = "Your label was used, reward model accuracy 71.2 → 71.6 % (n = 150)."
    assert told["effects"] == [{"label": label.id, "sentence": sentence}]
    assert person.get(f"/label/effects?since={told['since']!r}").json()["effects"] == []
    assert "71.2 → 71.6" in person.get("/label/history").text
    assert person.client.get("/label/effects?since=soon").status_code == 422


def test_effect_sentences_by_hand() -> None:
    def said(**effect: object) -> str:
        return label_words.effect_sentence(replace(_label(1, 1.0), used_at=1.0, effect=effect))

    assert label_words.effect_sentence(_label(1, 1.0)) == ""
    assert said(n=4, version=2) == "Your label was used with 3 others in training."
    assert said(left_out="longer than 256 tokens").endswith("it is longer than 256 tokens.")


def test_an_answered_task_says_so(site: Site, person: Person) -> None:
    add_tasks(site.store, [rank_task(2)])
    address, _ = take(person)
    person.post(address, guidelines=HASH, rank_0="1", rank_1="2")
    page = person.get(address)
    assert page.status_code == 409
    assert "You have answered this task" in page.text


def test_hostile_texts_stay_texts(site: Site, person: Person) -> None:
    hostile = "<script>alert(1)</script> ![x](http://evil.example/a.png) [y](javascript:alert(1))"
    task = rank_task(2)
    payload = {**task.payload, "responses": [hostile, "\u202etxt.exe"]}
    add_tasks(site.store, [type(task)(kind="rank", payload=payload, topic='"><img src=x>')])
    pages = person.get("/label").text + take(person)[1]
    assert "<script>" not in pages.replace('<script type="module"', "")
    assert "<img" not in pages
    assert "javascript:" not in re.sub(r">[^<]*", ">", pages)
    assert "\u202e" not in pages


def test_guidelines_stand_beside_the_task_with_their_versions(site: Site, person: Person) -> None:
    add_tasks(site.store, [rank_task(2, number=1), rank_task(2, number=2)])
    address, page = take(person)
    assert "Does it do what was asked?" in page
    person.post(address, guidelines=HASH, rank_0="1", rank_1="2")
    new = guidelines.publish(site.store, person.id, guidelines.FIRST + "\nBe **brief**.\n")
    address, page = take(person)
    assert "They have changed since your last label" in page
    assert f'name="guidelines" value="{new.hash}"' in page
    assert "<ins>Be **brief**.</ins>" in person.get("/label/guidelines").text
    assert "<ins>" not in person.get(f"/label/guidelines?version={HASH}").text
    unknown = person.post(address, guidelines="0" * 64, rank_0="1", rank_1="2")
    assert "no version that is known" in unknown.text
    assert "no guidelines" in person.get("/label/guidelines?version=abc").text


def test_whoever_is_not_signed_in_is_sent_to_sign_in(site: Site) -> None:
    ann = sign_in(site, "ann", "admin")
    ann.client.cookies.clear()
    moved = ann.client.get("/label", headers={"accept": "text/html"}, follow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (303, "/sign-in")
    assert ann.client.get("/label/effects").status_code == 401


def test_work_left_by_hand() -> None:
    done = [_label(n, seconds) for n, seconds in enumerate([10, 20, 60, 20])]
    left = Progress(labels_today=37, active_minutes=9.0, labels=90, tasks_left=36)
    expected = "37 today, about 12 min of work left in this batch (36 tasks)"
    assert label_words.work_left(left, done) == expected
    assert label_words.work_left(left, done[:2]) == "37 today, 36 tasks left in this batch"
    none = Progress(labels_today=1, active_minutes=1.0, labels=1, tasks_left=0)
    assert label_words.work_left(none, done) == "1 today, nothing left in this batch"
    assert label_words.work_left(none, done[:2], held=2) == "1 today, 2 tasks left in this batch"
    expected = "1 today, about 1 min of work left in this batch (2 tasks)"
    assert label_words.work_left(none, done, held=2) == expected


def test_forms_and_values_are_each_others_inverse(site: Site) -> None:
    add_tasks(site.store, [rank_task(), rate_task(), demonstrate_task("few_shot")])
    filled = [
        {"rank_0": ["2"], "rank_1": ["1"], "rank_2": ["2"], "rank_3": ["3"]},
        {"overall": ["7"], "note": ["a\nb"], "harmful_advice": ["yes"]},
        {
            "instruction": ["Say"], "query_1": ["a"], "response_1": ["b"],
            "query_2": ["c"], "response_2": ["d"],
        },
    ]  # fmt: skip
    for task, fields in zip(get_tasks(site.store, [1, 2, 3]).values(), filled, strict=True):
        order = shown_order(task, 5)
        value = value_of(task, fields, order)
        assert fields_of(task, value, order) == fields
        assert fields_of(task, {"form": fields}, order) == fields
    for broken in ({"form": 3}, {"ranking": [["x"]]}, {"messages": []}, {}):
        assert fields_of(task, broken, order) == {}
    with pytest.raises(BadInput, match="at least two pairs"):
        value_of(task, {"instruction": ["Say"], "query_1": ["a"], "response_1": ["b"]}, [])


def test_lines_between_by_hand() -> None:
    before = "\n".join("abcdefghijkl")
    changes = lines_between(before, before.replace("b", "B").replace("l", "l\nm"))
    assert changes == [
        ("same", "a"), ("removed", "b"), ("added", "B"), ("same", "c"), ("same", "d"),
        ("left out", "…"), ("same", "k"), ("same", "l"), ("added", "m"),
    ]  # fmt: skip
    assert lines_between(before, before) == []


def _label(number: int, active_s: float) -> Label:
    return Label(
        id=number, key=str(number), task_id=1, assignment_id=1, labeler_id=1, kind="rank",
        value={}, guidelines="", active_s=active_s, created_at=0.0, retracted_at=None,
        used_at=None, effect=None,
    )  # fmt: skip

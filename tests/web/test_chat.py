"""What is said, run, judged, shared: over HTTP, against the tiny run's models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from tests.cli.conftest import build_gpt
from tutelage.algorithms.raters import Raters, save_raters
from tutelage.errors import BadInput
from tutelage.labelling import accounts, conversations, labels, sessions
from tutelage.labelling.audit import verify
from tutelage.labelling.choice import Posterior
from tutelage.labelling.settings import change_settings
from tutelage.sandbox import Entry
from tutelage.schema import SCALES, Message
from tutelage.taught import point_to, write_version
from tutelage.web import replies
from tutelage.web.models import Draw, Piece, speak

FILES = {"plum.txt": Entry("file", b"one\ntwo\nthree\n")}


@pytest.fixture
def talk(client, token, site, monkeypatch):
    """Say something to models that give these replies; the events of the stream."""
    site.worlds._initial = FILES

    def say(text: str, *given: str, **body: Any) -> list[dict[str, Any]]:
        left = iter(given)

        def spoken(*_: object) -> Iterator[Piece]:
            words = next(left)
            for at, letter in enumerate(words):
                end = "stop" if at + 1 == len(words) else None
                yield Piece(letter, 1, -0.1, (), end)

        if given:
            monkeypatch.setattr(replies, "speak", spoken)
        path = body.pop("path", "/chat/say")
        asked = {"text": text, "stages": ["sft"], "key": "k" * 20} | body
        answer = client.post(path, headers=token, json=asked)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    return say


@pytest.fixture
def post(client, token):
    """Do something to the last message of conversation 1."""
    count = iter(range(1000))

    def do(what: str, message: int, status: int = 200, **body: Any) -> dict[str, Any]:
        key = f"key-{next(count):08}"
        asked = {"conversation": 1, "message": message, "key": key} | body
        answer = client.post(f"/chat/{what}", headers=token, json=asked)
        assert answer.status_code == status, answer.text
        return answer.json()

    return do


def stored(site) -> list[dict[str, Any]]:
    return [{"kind": label.kind, **label.value} for label in labels.labels_after(site.store, 0)]


def chat_of(site, number: int = 1):
    return conversations.conversation(site.store, number, accounts.local_person(site.store).id)


def test_a_reply_is_streamed_as_the_model_says_it_and_kept(talk, site) -> None:
    events = talk("count the lines")
    speaker = site.models.speaker("sft")
    tokens = speaker.tokenizer.encode_prompt((Message("user", "count the lines"),))
    draw = Draw(max_new_tokens=site.options.max_new_tokens, temperature=0)
    pieces = list(speak(speaker, tokens, draw))
    text = "".join(piece.text for piece in pieces).replace("\0", replies.NUL)
    assert "".join(event.get("text", "") for event in events) == text
    assert "error" not in events[-1], events[-1]
    said = chat_of(site).messages
    assert [message.role for message in said] == ["user", "assistant"]
    assert said[1].content == text
    assert said[1].logprobs == pytest.approx([piece.logprob for piece in pieces], abs=1e-3)


def test_thumbs_and_edits_become_labels(talk, post, site) -> None:
    talk("go", "hm")
    post("thumb", 2, good=False)
    assert 'aria-pressed="true"' in post("thumb", 2, good=True)["message"]
    edited = post("edit", 2, text="better")
    assert "edited by you" in edited["message"]
    about = {"prompt": [{"role": "user", "content": "go"}], "stage": "sft", "conversation": 1}
    about |= {"message": 2, "response": "hm"}
    assert stored(site) == [
        {"kind": "thumb", "good": True, **about},  # the other was taken back
        {"kind": "edit", "edited": "better", **about},
    ]
    assert chat_of(site).messages[-1].content == "better"
    post("thumb", 2, 404, good=True)  # its place was taken


def test_another_mind_takes_the_first_thumb_back(talk, post, site) -> None:
    talk("go", "hm")
    talk("go", "hm", conversation=1)
    for good in (True, False, False, True, True):
        post("thumb", 2, good=good)
    post("thumb", 4, good=False)  # of another message
    assert [(s["message"], s["good"]) for s in stored(site)] == [(2, True), (4, False)]
    made = labels.labels_with(site.store, range(1, 9))
    taken_back = [label for label in made if label.retracted_at is not None]
    assert [label.value["good"] for label in taken_back] == [True, False]
    assert verify(site.store).whole


def test_the_better_of_two_stages_stays(talk, post, site) -> None:
    events = talk("go", "worse", "better", stages=["sft", "ppo_1"])
    assert {event["at"] for event in events if "at" in event} == {0, 1}
    assert "Which of the two is better?" in events[-1]["message"]
    post("choose", 2, better=1)
    [label] = stored(site)
    assert (label["responses"], label["ranking"]) == (["worse", "better"], [[1], [0]])
    assert label["stages"] == ["sft", "ppo_1"]
    last = chat_of(site).messages[-1]
    assert (last.content, last.stage) == ("better", "ppo_1")
    post("choose", last.id, 400, better=0)


def test_a_redo_is_compared_and_a_tie_is_a_label(talk, post, site) -> None:
    talk("go", "first")
    same = {"conversation": 1, "message": 2, "path": "/chat/redo"}
    events = talk("", *["first"] * 3, "second", **same)
    assert sum("restart" in event for event in events) == 4
    post("choose", 2, better=None)
    [label] = stored(site)
    assert (label["responses"], label["ranking"]) == (["first", "second"], [[0, 1]])
    assert chat_of(site).messages[-1].content == "first"
    events = talk("", *["first"] * 16, **same)
    assert "said the same 16 times" in events[-1]["error"]


def test_commands_run_on_a_copy_that_each_conversation_has_for_itself(talk, post, site) -> None:
    talk("remove it", "$ rm plum.txt; echo gone")
    done = post("run", 2)
    assert "gone" in done["message"]
    assert done["files"] == []
    talk("remove it", "$ cat plum.txt")
    other = post("run", 4, conversation=2)
    assert "three" in other["message"]
    site.worlds.forget(1)  # as a server that was started anew
    talk("look", "$ ls", conversation=1)
    assert "(no output)" in post("run", 6)["message"]
    post("run", 2, 404, conversation=2)


def test_what_is_said_while_a_command_runs_stays(talk, post, site, monkeypatch) -> None:
    talk("go", "$ ls")

    def slow(*_: object) -> str:
        post("thumb", 2, good=True)
        return "plum.txt"

    monkeypatch.setattr(site.worlds, "run", slow)
    post("run", 2)
    detail = chat_of(site).messages[-1].detail
    assert (detail["thumb"], detail["output"]) == (True, "plum.txt")


def test_one_choice_is_made_and_one_answer_given(talk, post, site, monkeypatch) -> None:
    change_settings(site.store, None, ask_rate=1.0, ask_cost=0.0)
    talk("go", "$ ls")
    post("run", 2)
    asked = chat_of(site)
    post("answer", 2, right=False)
    talk("go", "worse", "better", stages=["sft", "ppo_1"], conversation=1)
    both = chat_of(site)
    post("choose", 4, better=0)
    # Another window, whose request was read before the first was done.
    for before, (what, message, said) in (
        (asked, ("answer", 2, {"right": True})),
        (both, ("choose", 4, {"better": None})),
    ):
        with monkeypatch.context() as patch:
            patch.setattr("tutelage.web.chat._own", lambda *_, before=before: before)
            assert "already submitted" in post(what, message, 400, **said)["error"]
    assert [label["kind"] for label in stored(site)] == ["answer", "choice"]
    talk("", "other", conversation=1, message=4, path="/chat/redo")
    post("choose", 4, better=None)  # of two others
    assert [label["kind"] for label in stored(site)] == ["answer", "choice", "choice"]


def test_output_and_replies_are_harmless(talk, post, client) -> None:
    hostile = (
        "<img src=x onerror=alert(1)> <b>hi</b> ![i](http://e/x.png) [a](javascript:b) \x1b[2J"
    )
    events = talk("<script>alert(1)</script>", hostile)
    html = events[1]["said"] + events[-1]["message"]
    for bad in ("<script", "<img", "<b>", 'javascript:b"', "\x1b", 'src="'):
        assert bad not in re.sub(r'data-text="[^"]*"', "", html), bad
    assert "&lt;img" in html
    talk("x", "$ printf '<script>\\033[31m'", conversation=1)
    assert "&lt;script&gt;\\x1b[31m" in post("run", 4)["message"]
    page = client.get("/chat/1", headers={"accept": "text/html"}).text
    assert "<script>alert" not in page
    assert "<title>&lt;script&gt;" in page


def test_the_model_reads_what_it_is_told_to_remember(talk, site) -> None:
    talk("one", "a")
    talk("two", "b", conversation=1)
    talk("three", "c", conversation=1, memory=1)
    read = [m.detail["prompt"] for m in chat_of(site).messages if m.role == "assistant"]
    assert [[m["content"] for m in prompt] for prompt in read] == [
        ["one"],
        ["two"],
        ["two", "b", "three"],
    ]


def test_it_asks_at_its_rate_and_can_be_told_not_to(talk, post, site) -> None:
    change_settings(site.store, None, ask_rate=1.0, ask_cost=0.0)
    talk("go", "$ ls")
    assert "Nobody has told me yet whether I use <code>ls</code> well" in post("run", 2)["message"]
    answered = post("answer", 2, right=False)
    assert "You said that it was wrong" in answered["message"]
    [label] = stored(site)
    assert (label["kind"], label["right"]) == ("answer", False)
    assert label["propensity"] == pytest.approx(1.0, abs=1e-3)
    assert site.asking._state().actions["ls"].judged == 1
    talk("go", "fine", conversation=1)
    [last] = [m for m in chat_of(site).messages if m.content == "fine"]
    assert last.detail["question"]["because"] == "new"
    change_settings(site.store, None, asks=False)
    talk("go", "$ ls", conversation=1)
    assert 'data-act="answer"' not in post("run", 6)["message"]
    post("answer", 6, 400, right=True)


def raters_of(thresholds: dict[str, float], **offsets: float) -> Raters:
    """Who say yes of scores above a threshold; offsets: of persons a1, a2, … who answered."""
    raters = Raters(("answer", name.removeprefix("a")) for name in offsets)
    with torch.no_grad():
        for scale, threshold in thresholds.items():
            raters.lowest[scale].fill_(threshold)
            raters.has_begun[list(SCALES).index(scale)] = True
        raters.offsets.copy_(torch.tensor(list(offsets.values())))
    return raters


def test_whether_to_ask_a_person_follows_from_how_they_answered(talk, site, run_folder) -> None:
    change_settings(site.store, None, ask_rate=1.0, ask_cost=0.0)
    talk("go", "fine")
    message = chat_of(site).messages[-1]

    def chance(raters: Raters, labeler: int = 1) -> float:
        save_raters(run_folder / "checkpoints" / "reward_1", raters)
        site.asking._grader = None
        return site.asking.about(message, "fine", labeler)["chance_right"]

    assert chance(raters_of({"answer": 60.0})) < 0.01
    assert chance(raters_of({"answer": -60.0})) > 0.99
    assert chance(raters_of({"thumb": 60.0})) < 0.01  # nobody has answered yet
    assert chance(raters_of({"thumb": 60.0, "answer": -60.0})) > 0.99
    assert chance(raters_of({"answer": -60.0}, a1=-120.0)) < 0.01
    assert chance(raters_of({"answer": -60.0}, a1=-120.0), labeler=2) > 0.99


def test_what_a_label_says_follows_from_who_gave_it(talk, post, site, run_folder) -> None:
    talk("go", "fine")
    post("thumb", 2, good=True)

    def doubt(threshold: float) -> Posterior:
        raters = raters_of({"answer": 0.0, "thumb": threshold})
        save_raters(run_folder / "checkpoints" / "reward_1", raters)
        site.asking._grader = None
        return site.asking._newest().doubt

    indifferent = doubt(-60.0)
    said = labels.labels_after(site.store, 0)[0].value
    seen = site.asking._row(site.asking._newest(), said["prompt"], "fine", "thumb", 1)
    unsure = doubt(seen[0] @ indifferent.mean + seen[1] - 60)  # the reply's own score
    blank = np.diag(np.diag(indifferent.covariance))
    # Who says yes to everything has said nothing; the model is as unsure as it was before.
    np.testing.assert_allclose(indifferent.covariance, blank, atol=1e-6)
    assert np.trace(unsure.covariance) < 0.999 * np.trace(blank)
    # Nobody expects of them what they say: a no moves the model, a yes does not.
    moves = []
    for good in (True, False):
        before = doubt(-60.0)
        site.asking._update(chat_of(site).messages[-1], "thumb", 1, good)
        moves.append(np.abs(site.asking._grader.doubt.mean - before.mean).max())
    assert moves[0] < 1e-6 < 1e-2 < moves[1]


def test_a_link_shares_until_it_is_revoked(talk, client, token, site) -> None:
    talk("a secret", "$ ls")
    link = client.post("/chat/1/share", headers=token).json()["link"]
    client.cookies.clear()
    shown = client.get(link, headers={"accept": "text/html"})
    assert "a secret" in shown.text
    assert "data-act" not in shown.text
    assert shown.headers["x-robots-tag"] == "noindex"
    conversations.unshare(site.store, 1, accounts.local_person(site.store).id)
    assert client.get(link).status_code == 404


def test_nobody_reads_or_changes_anothers_conversation(talk, client, post, site) -> None:
    talk("mine", "x")
    accounts.create_labeler(site.store, "Eve", "admin", "correct horse battery", None)
    cookie, session = sessions.sign_in(site.store, "Eve", "correct horse battery")
    client.cookies.set("tutelage_session", cookie, domain="127.0.0.1")
    token = {"x-csrf-token": session.csrf}
    assert client.get("/chat/1").status_code == 404
    assert client.get("/chat/1/export").status_code == 404
    assert client.post("/chat/1/share", headers=token).status_code == 400
    asked = {"conversation": 1, "message": 2, "key": "k" * 20, "good": True}
    assert client.post("/chat/thumb", headers=token, json=asked).status_code == 404
    assert client.delete("/chat/1", headers=token).status_code == 400
    assert stored(site) == []


def test_exports_hold_what_was_said(talk, post, client) -> None:
    talk("show it", "$ cat plum.txt; echo '```'")
    post("run", 2)
    jsonl = client.get("/chat/1/export?form=jsonl")
    assert json.loads(jsonl.text)["messages"][0] == {"role": "user", "content": "show it"}
    assert jsonl.headers["content-disposition"] == 'attachment; filename="conversation_1.jsonl"'
    markdown = client.get("/chat/1/export?form=md").text
    assert "````text\none\ntwo\nthree\n```\n````" in markdown
    assert client.get("/chat/1/export?form=exe").status_code == 422


def test_a_newly_taught_policy_answers_without_a_restart(site, run_folder, tokenizer) -> None:
    from tutelage.model.checkpoint import save_model

    def teach(version: int) -> None:
        def write(folder) -> None:
            save_model(folder, build_gpt(tokenizer, version + 10), tokenizer)

        write_version(run_folder, version, write, write)
        point_to(run_folder, version)
        site.models._looked = float("-inf")  # as when half a second has passed

    teach(1)
    assert site.models.newest() == "taught"
    first = site.models.speaker("taught")
    assert site.models.speaker("taught") is first
    teach(2)
    second = site.models.speaker("taught")
    assert (first.version, second.version) == (1, 2)
    weight = build_gpt(tokenizer, 12).embedding.weight
    assert second.model.embedding.weight.equal(weight)


def test_a_stopped_reply_stays_as_far_as_it_came(talk, site, client, token, monkeypatch) -> None:
    def spoken(*_: object) -> Iterator[Piece]:
        yield Piece("so ", 1, -0.1)
        client.post("/chat/stop", headers=token, json={"key": "k" * 20})
        yield Piece("far", 1, -0.1)
        raise BadInput("never reached")

    monkeypatch.setattr(replies, "speak", spoken)
    events = talk("go")
    assert "stopped" in events[-1]["message"]
    assert chat_of(site).messages[-1].content == "so far"
    assert site.stopped == {}


def test_a_stop_that_overtakes_its_reply_counts_and_other_peoples_do_not(
    talk, site, client, token
) -> None:
    key = "k" * 20
    site.stopped[999, key] = 0.0  # somebody else's, and long ago
    assert "stopped" not in talk("go", "said")[-1]["message"]
    client.post("/chat/stop", headers=token, json={"key": key})
    assert 999 not in {person for person, _ in site.stopped}
    events = talk("go", "never", "said", stages=["sft", "ppo_1"])
    assert "stopped" in events[-1]["message"]
    assert "Which of the two" not in events[-1]["message"]
    assert [event for event in events if "text" in event] == []
    assert chat_of(site, 2).messages[-1].content == ""
    assert site.stopped == {}


def test_mistakes_are_told_before_anything_is_stored(client, token, site) -> None:
    asked = {"text": "hi", "stages": ["sft"], "key": "k" * 20}
    for wrong, status, words in (
        ({"stages": ["nobody"]}, 404, "There is no model 'nobody'"),
        ({"text": "  "}, 400, "nothing to send"),
        ({"text": "a " * 200}, 400, "SFT reads at most 95"),
        ({"temperature": 9}, 422, "temperature"),
        ({"conversation": 77}, 404, "no conversation 77"),
        ({"key": "a b"}, 422, "key"),
    ):
        answer = client.post("/chat/say", headers=token, json=asked | wrong)
        assert answer.status_code == status
        assert words in answer.json()["error"]
    assert conversations.conversations_of(site.store, 1) == []

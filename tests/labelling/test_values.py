"""What a label and a task may hold, and the sentence for everything else."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.labelling.world import RATED, asked
from tutelage.errors import BadInput
from tutelage.labelling.records import LABEL_KINDS, TASK_KINDS
from tutelage.labelling.values import RATING_FIELDS, check_json, check_payload, check_value

TWO = {"prompt": asked("p"), "responses": ["a", "b"]}
SAID = [*asked("p"), {"role": "assistant", "content": "r"}]
RANKED = {"ranking": [[1], [0]], "none_acceptable": False, "written": None, "shown_order": [1, 0]}
THUMB = {"prompt": asked("p"), "response": "r", "good": True, "stage": "sft"}
ANSWER = {"prompt": asked("p"), "response": "r", "right": False}
SUGGESTED = {"at": 1, "suggestions": ["q", "s"], "chosen": 0, "edited": "r"}


def talk(**changes: Any) -> dict[str, Any]:
    return {"messages": SAID, "suggested": [{**SUGGESTED, **changes}]}


GOOD: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("rank", RANKED, TWO),
    ("rank", {**RANKED, "ranking": [[0, 1]]}, TWO),
    ("rank", {**RANKED, "ranking": [], "none_acceptable": True, "written": "better"}, TWO),
    ("rank", {**RANKED, "none_acceptable": True}, TWO),
    ("rate", {**RATED, "note": "nice"}, {}),
    ("demonstrate", {"messages": SAID}, {"prompt": None}),
    ("demonstrate", {"messages": SAID}, {"prompt": "p"}),
    ("demonstrate", {"messages": SAID}, {"prompt": asked("p")}),
    ("dialogue", {"messages": SAID, "suggested": [SUGGESTED]}, {}),
    ("dialogue", talk(chosen=None, edited=None), {}),
    ("thumb", THUMB, {}),
    ("thumb", {**THUMB, "conversation": 3, "message": 9}, {}),
    ("edit", {"prompt": asked("p"), "response": "r", "edited": "s", "stage": ""}, {}),
    ("choice", {**TWO, "ranking": [[0], [1]], "stages": ["sft", "ppo"]}, {}),
    ("answer", {**ANSWER, "asked_because": "new", "propensity": 0.5}, {}),
]

BAD: list[tuple[str, object, dict[str, Any], str]] = [
    ("sing", {}, {}, "no labels of kind 'sing'"),
    ("rank", [], TWO, "Expected a label to be a JSON object, got []"),
    ("rank", {}, TWO, "A ranking lacks `ranking`"),
    ("rank", {**RANKED, "colour": 1}, TWO, "unknown `colour`"),
    ("rank", {**RANKED, "ranking": [[0]]}, TWO, "must name each of the 2 replies"),
    ("rank", {**RANKED, "ranking": [[0], [0, 1]]}, TWO, "must name each"),
    ("rank", {**RANKED, "ranking": [[0], [True]]}, TWO, "must name each"),
    ("rank", {**RANKED, "ranking": [[0], [1], []]}, TWO, "must name each"),
    ("rank", {**RANKED, "ranking": "01"}, TWO, "must name each"),
    ("rank", {**RANKED, "ranking": [["a"], [1]]}, TWO, "must name each"),
    ("rank", {**RANKED, "ranking": []}, TWO, "must name each"),
    ("rank", {**RANKED, "written": "x"}, TWO, "only where none of those shown is acceptable"),
    ("rank", {**RANKED, "none_acceptable": 1}, TWO, "must be true or false, got 1"),
    ("rank", {**RANKED, "shown_order": [0, 0]}, TWO, "`shown_order` must hold 0 to 1"),
    ("rate", {**RATED, "overall": 8}, {}, "whole number from 1 to 7, got 8"),
    ("rate", {**RATED, "overall": True}, {}, "whole number from 1 to 7, got True"),
    ("rate", {**RATED, "overall": 3.5}, {}, "whole number from 1 to 7, got 3.5"),
    ("rate", {"overall": 1, "fields": {}}, {}, "`fields` lacks `fails_instruction`"),
    ("rate", {**RATED, "fields": {**RATED["fields"], "hallucination": 1}}, {}, "true or false"),  # type: ignore[dict-item]
    ("rate", {**RATED, "note": "x" * 5000}, {}, "5,000 characters, at most 4,000"),
    ("demonstrate", {"messages": asked("p")}, {}, "must end with the assistant's message"),
    ("demonstrate", {"messages": SAID}, {"prompt": "q"}, "must begin with its task's prompt"),
    ("demonstrate", {"messages": []}, {}, "list of 1 to 200 messages"),
    ("demonstrate", {"messages": SAID[1:]}, {}, "needs a request before the reply"),
    ("demonstrate", {"messages": [{"role": "cat", "content": "x"}]}, {}, "role must be one of"),
    ("demonstrate", {"messages": [{"role": [], "content": "x"}]}, {}, "role must be one of"),
    ("demonstrate", {"messages": [{"role": "user"}]}, {}, "expected `role` and `content`"),
    ("demonstrate", {"messages": [*asked(" "), *SAID]}, {}, "message 1 is empty"),
    ("demonstrate", {"messages": [*asked("x" * 40_000), *SAID]}, {}, "40,000 characters"),
    ("dialogue", talk(at=0), {}, "not a message of"),
    (
        "dialogue",
        talk(edited="z"),
        {},
        "not the sug",
    ),
    ("dialogue", talk(chosen=2), {}, "from 0 to 1"),
    (
        "dialogue",
        talk(chosen=None),
        {},
        "`edited` n",
    ),
    ("dialogue", {"messages": SAID, "suggested": [3]}, {}, "must be an object, got 3"),
    ("thumb", {**THUMB, "good": "yes"}, {}, "`good` must be true or false, got 'yes'"),
    ("thumb", {**THUMB, "prompt": SAID}, {}, "must end with what is answered"),
    ("thumb", {**THUMB, "prompt": "p"}, {}, "list of 1 to 200 messages"),
    ("thumb", {**THUMB, "message": -1}, {}, "`message` must be a whole number"),
    ("thumb", {**THUMB, "response": "a\x00b"}, {}, "holds a NUL character"),
    ("thumb", {**THUMB, "response": "\ud800"}, {}, "half of a character"),
    ("edit", {"prompt": asked("p"), "response": "r", "edited": "r"}, {}, "the same as before"),
    ("choice", {**TWO, "ranking": [[0], [1]], "stages": ["sft"]}, {}, "a stage for each"),
    ("choice", {**TWO, "responses": ["a"] * 10, "ranking": []}, {}, "2 to 9 replies"),
    (
        "answer",
        {"prompt": asked("p"), "response": "r", "right": True, "propensity": 2},
        {},
        "0 to 1",
    ),
]


@pytest.mark.parametrize(("kind", "value", "payload"), GOOD)
def test_a_whole_label_is_kept_as_it_is(kind: str, value: dict[str, Any], payload: dict[str, Any]):
    checked = check_value(kind, value, payload)
    assert {key: checked[key] for key in value} == value
    assert check_value(kind, checked, payload) == checked


def test_every_kind_is_tried():
    assert {kind for kind, _, _ in GOOD} == set(LABEL_KINDS)


@pytest.mark.parametrize(("kind", "value", "payload", "said"), BAD)
def test_a_broken_label_is_one_sentence(kind: str, value: object, payload: Any, said: str):
    with pytest.raises(BadInput) as error:
        check_value(kind, value, payload)
    assert said in str(error.value)
    assert len(str(error.value)) < 400


def test_a_reply_alone_is_put_after_its_tasks_prompt():
    reply = {"messages": SAID[1:]}
    assert check_value("demonstrate", reply, {"prompt": "p"}) == {"messages": SAID}


@pytest.mark.parametrize(
    ("kind", "payload", "said"),
    [
        ("sing", {}, "no tasks of kind 'sing'"),
        ("rank", {"prompt": asked("p")}, "lacks `responses`"),
        ("rank", {**TWO, "order": [0, 2]}, "`order` must hold 0 to 1"),
        ("rank", {**TWO, "responses": ["a", 5]}, "Reply 2 must be text, got 5"),
        ("rate", {"prompt": asked("p"), "response": None}, "The reply must be text, got None"),
        ("demonstrate", {"prompt": "", "style": "plain"}, "The prompt is empty"),
        ("demonstrate", {"style": "song"}, "`style` must be one of plain"),
        ("dialogue", {"opening": 5}, "`opening` must be text"),
        ("dialogue", {"suggestions": 10}, "from 0 to 9, got 10"),
        ("dialogue", {"x": 1}, "unknown `x`"),
    ],
)
def test_a_broken_task_is_one_sentence(kind: str, payload: dict[str, Any], said: str):
    with pytest.raises(BadInput) as error:
        check_payload(kind, payload)
    assert said in str(error.value)


def test_what_is_left_out_of_a_task_has_a_default():
    assert check_payload("rank", TWO) == {**TWO, "stages": ["", ""], "order": [0, 1]}
    assert check_payload("dialogue", {}) == {"opening": "", "suggestions": 0}


def test_sizes_are_limited():
    with pytest.raises(BadInput, match="has 500,002 bytes, at most 400,000"):
        check_json("x" * 500_000, "A label")
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(BadInput, match="no plain JSON"):
        check_json(deep, "A label")


WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["ranking", "messages", "fields", "overall", "prompt", "responses", "suggested", "role",
             "content", "response", "good", "at", "chosen", *RATING_FIELDS[:2]]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(LABEL_KINDS), WILD, WILD)
def test_nothing_but_bad_input_is_raised(kind: str, value: Any, payload: Any):
    for check in (
        lambda: check_value(kind, value, TWO),
        lambda: check_payload(kind if kind in TASK_KINDS else "rank", payload),
    ):
        with contextlib.suppress(BadInput):
            check()

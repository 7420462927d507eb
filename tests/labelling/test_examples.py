"""What a label of each kind teaches, by hand."""

from __future__ import annotations

import pytest

from tutelage.labelling.examples import TEACHES
from tutelage.labelling.values import check_value
from tutelage.schema import Comparison, Demonstration, Message, Rating, ask

REQUEST = [{"role": "user", "content": "say a word"}]
PROMPT = ask("say a word")


def said(text: str) -> Demonstration:
    return Demonstration((*PROMPT, Message("assistant", text)))


def compared(*responses: str, ranking: tuple[tuple[int, ...], ...] = ((0,), (1,))) -> Comparison:
    return Comparison(PROMPT, responses, ranking)


DIALOGUE = [*REQUEST, {"role": "assistant", "content": "red"}]
SUGGESTED = {"at": 1, "suggestions": ["red", "blue", "green"], "chosen": 0, "edited": None}
EDITED = {"at": 1, "suggestions": ["blue", "green"], "chosen": 1, "edited": "red"}
OWN = {"at": 1, "suggestions": ["blue"], "chosen": None, "edited": None}
RANKED = {"prompt": REQUEST, "responses": ["red", "blue"]}
CASES = {
    "rank": (
        "rank",
        RANKED,
        {"ranking": [[1], [0]]},
        [compared("red", "blue", ranking=((1,), (0,)))],
        [],
    ),
    "tie": (
        "rank",
        RANKED,
        {"ranking": [[0, 1]]},
        [compared("red", "blue", ranking=((0, 1),))],
        [],
    ),
    "none acceptable, ranked": (
        "rank",
        RANKED,
        {"ranking": [[1], [0]], "none_acceptable": True, "written": "green"},
        [compared("red", "blue", "green", ranking=((2,), (1,), (0,)))],
        [said("green")],
    ),
    "none acceptable, not ranked": (
        "rank",
        RANKED,
        {"ranking": [], "none_acceptable": True, "written": "green"},
        [compared("green", "red"), compared("green", "blue")],
        [said("green")],
    ),
    "none acceptable, nothing written": (
        "rank",
        RANKED,
        {"ranking": [], "none_acceptable": True},
        [],
        [],
    ),
    "demonstrate": ("demonstrate", {"prompt": REQUEST}, {"messages": DIALOGUE}, [], [said("red")]),
    "suggestion taken": (
        "dialogue",
        {},
        {"messages": DIALOGUE, "suggested": [SUGGESTED]},
        [compared("red", "blue", "green", ranking=((0,), (1, 2)))],
        [said("red")],
    ),
    "suggestion edited": (
        "dialogue",
        {},
        {"messages": DIALOGUE, "suggested": [EDITED]},
        [compared("red", "green", "blue", ranking=((0,), (1,), (2,)))],
        [said("red")],
    ),
    "own words": ("dialogue", {}, {"messages": DIALOGUE, "suggested": [OWN]}, [], [said("red")]),
    "thumb": (
        "thumb",
        {},
        {"prompt": REQUEST, "response": "red", "good": False},
        [Rating(PROMPT, "red", 0, "thumb")],
        [],
    ),
    "answer": (
        "answer",
        {},
        {"prompt": REQUEST, "response": "red", "right": True},
        [Rating(PROMPT, "red", 1, "answer")],
        [],
    ),
    "edit": (
        "edit",
        {},
        {"prompt": REQUEST, "response": "red", "edited": "blue"},
        [compared("blue", "red")],
        [said("blue")],
    ),
    "choice": (
        "choice",
        {},
        {"prompt": REQUEST, "responses": ["red", "blue"], "ranking": [[1], [0]]},
        [compared("red", "blue", ranking=((1,), (0,)))],
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_label_teaches(case: str):
    kind, payload, value, graded, shown = CASES[case]
    found = TEACHES[kind](check_value(kind, value, payload), payload)
    assert [*found.comparisons, *found.ratings] == graded
    assert found.demonstrations == shown

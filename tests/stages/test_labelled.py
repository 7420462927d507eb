"""What a label of each kind teaches, by hand, and in which batches."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.stages.toys import word_comparisons
from tutelage.labelling.values import check_value
from tutelage.schema import Comparison, Demonstration, Message, Rating
from tutelage.stages.labelled import TEACHES, reward_batches
from tutelage.text.chat_format import ask

REQUEST = [{"role": "user", "content": "say a word"}]
PROMPT = ask("say a word")


def said(text: str) -> Demonstration:
    return Demonstration((*PROMPT, Message("assistant", text)))


def compared(*responses: str, ranking: tuple[tuple[int, ...], ...] = ((0,), (1,))) -> Comparison:
    return Comparison(PROMPT, responses, ranking, "7")


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
        [compared("red", "blue", "green", ranking=((2,), (0, 1)))],
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
        [Rating(PROMPT, "red", 0, "thumb", "7")],
        [],
    ),
    "answer": (
        "answer",
        {},
        {"prompt": REQUEST, "response": "red", "right": True},
        [Rating(PROMPT, "red", 1, "answer", "7")],
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
    assert TEACHES[kind](check_value(kind, value, payload), payload, "7") == (graded, shown)


def test_new_ones_come_as_often_as_they_count_and_earlier_ones_fill_up():
    everything = word_comparisons()
    new, earlier = everything[:5], everything[5:]
    batches = list(reward_batches(new, earlier, 3, 2, 6, "seed"))
    assert [len(batch) for batch in batches] == [6] * 9
    counts = Counter(map(id, (example for batch in batches for example in batch)))
    assert [counts[id(example)] for example in new] == [3] * 5
    assert sum(counts[id(example)] for example in earlier) == 9 * 6 - 15
    first_pass = [example for batch in batches[:3] for example in batch if example in new]
    assert len(first_pass) == len(set(map(id, first_pass))) == 5  # none waits for a second pass


def test_without_earlier_ones_batches_hold_new_ones_alone():
    new = word_comparisons()[:3]
    assert [len(batch) for batch in reward_batches(new, [], 2, 2, 6, 0)] == [2, 1, 2, 1]

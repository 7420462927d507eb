"""Rows of a stream, and bad input with its line."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch

from tutelage.data.comparisons import read_comparisons, write_comparisons
from tutelage.data.corpus import read_corpus, stream_rows
from tutelage.data.demonstrations import mixed, read_demonstrations, write_demonstrations
from tutelage.data.order import batch_indices
from tutelage.errors import BadInput
from tutelage.schema import Comparison, Demonstration, Message, ask


def test_every_row_once_an_epoch():
    stream = torch.arange(101, dtype=torch.int32)  # nine rows of ten an epoch
    first = torch.cat([stream_rows(stream, 10, 3, step, "seed") for step in range(3)])
    starts = sorted(first[:, 0].tolist())
    assert len(set(starts)) == 9
    assert {b - a for a, b in itertools.pairwise(starts)} == {10}
    assert (first[:, 1:] - first[:, :-1] == 1).all()
    second = torch.cat([stream_rows(stream, 10, 3, step, "seed") for step in range(3, 6)])
    assert sorted(second[:, 0].tolist()) != starts or second.tolist() != first.tolist()


def test_a_step_depends_on_nothing_but_its_number():
    stream = torch.arange(500, dtype=torch.int32)
    assert stream_rows(stream, 8, 5, 17, 1).equal(stream_rows(stream, 8, 5, 17, 1))
    assert batch_indices(10, 4, 7, 1) == batch_indices(10, 4, 7, 1)
    epoch = [i for step in range(5) for i in batch_indices(10, 2, step, 1)]
    assert sorted(epoch) == list(range(10))


def test_too_little_text_is_one_sentence():
    with pytest.raises(BadInput, match=r"has 9 tokens; rows of 8 need at least 18"):
        stream_rows(torch.arange(9), 8, 1, 0)


@pytest.mark.parametrize(
    ("read", "line", "said"),
    [
        (read_demonstrations, '{"prompt": "hi"}', "line 2: expected `prompt` and `completion`"),
        (read_demonstrations, '{"messages": [{"role": "cat"}]}', "line 2: expected messages with"),
        (read_demonstrations, "[1]", "line 2: expected a JSON object, got list"),
        (
            read_demonstrations,
            '{"prompt": "p", "completion": "\\ud800"}',
            "line 2: expected text, got \\ud800, which is half of a character",
        ),
        (read_comparisons, '{"prompt": "hi", "chosen": 3}', "line 2: expected `prompt`, `chosen`"),
        (
            read_comparisons,
            '{"prompt": "p", "responses": ["a", null], "ranking": [[0], [1]]}',
            "line 2: expected responses of text, got null",
        ),
        (
            read_comparisons,
            '{"prompt": "p", "responses": ["a", "b"], "ranking": [[0]]}',
            "line 2: ranking must name each of the 2 responses once",
        ),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, read, line: str, said: str):
    good = '{"prompt": "p", "completion": "c", "chosen": "a", "rejected": "b"}'
    path = tmp_path / "notes.jsonl"
    path.write_text(f"{good}\n{line}\n")
    with pytest.raises(BadInput) as error:
        read(path)
    assert said in str(error.value)
    assert str(path) in str(error.value)


def test_what_came_instead_of_text_is_shown(tmp_path: Path):
    (tmp_path / "a.jsonl").write_text('{"text": 5}\n')
    with pytest.raises(BadInput, match="expected a string `text`, got only `text` = 5"):
        read_corpus([tmp_path / "a.jsonl"])


def test_an_empty_corpus_is_named(tmp_path: Path):
    (tmp_path / "a.txt").write_text("\n\n")
    with pytest.raises(BadInput, match=r"a\.txt is empty"):
        read_corpus([tmp_path / "a.txt"])


def test_marks_that_end_a_line_elsewhere_stay_in_the_text(tmp_path: Path):
    """U+2028, U+2029 and U+0085 stand unescaped in JSON; only a new line ends a record."""
    text, path = "one\u2028two\u2029three\x85four\r\nfive", tmp_path / "a.jsonl"
    shown = [Demonstration((*ask(text), Message("assistant", text)))]
    write_demonstrations(path, shown)
    assert read_demonstrations(path) == shown
    ranked = [Comparison(ask(text), (text, "no"), ((0,), (1,)))]
    write_comparisons(path, ranked)
    assert read_comparisons(path) == ranked
    path.write_bytes(f'{{"text": "{text[:-6]}"}}\r\n{{"text": "next"}}\r\n'.encode())
    assert read_corpus([path]) == [text[:-6], "next"]


def test_instruction_data_becomes_dialogue(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"instruction": "Add them. ", "input": "2, 3", "output": "5"}\n'
        '{"instruction": "Greet.", "input": "", "output": " Hello.\\n"}\n'
        '{"instruction": "Leave.", "output": "Bye."}\n'
    )
    assert read_demonstrations(path) == [
        Demonstration((*ask("Add them.\n\n2, 3"), Message("assistant", "5"))),
        Demonstration((*ask("Greet."), Message("assistant", "Hello."))),
        Demonstration((*ask("Leave."), Message("assistant", "Bye."))),
    ]


def test_sources_are_mixed_in_their_shares():
    one, other = (
        [Demonstration((*ask(f"{name}{i}"), Message("assistant", "x"))) for i in range(count)]
        for name, count in (("a", 6), ("b", 2))
    )
    found = [shown.messages[0].content for shown in mixed([one, other], [1.0, 3.0])]
    assert found == ["b0", "a0", "b1", "b0", "b1", "a1", "b0", "b1"]
    assert mixed([one], [1]) == one

"""Ratings on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tutelage.commands.labels import CHAT, Labels, read_judgements
from tutelage.data.ratings import read_ratings, write_ratings
from tutelage.errors import BadInput
from tutelage.schema import Message, Rating, ask


def test_written_and_read_again_they_are_the_same(tmp_path: Path):
    talk = (Message("user", "hi"), Message("assistant", "hello"), Message("user", "again"))
    ratings = [
        Rating(ask("hi"), "hello", 7, labeler="Ann", labelled_at="now", guidelines="a1"),
        Rating(talk, "no", 1),
        Rating(ask("hi"), "go", 0, "thumb"),
        Rating(ask("hi"), "wc -l", 1, "answer", labeler="Ben"),
    ]
    write_ratings(tmp_path / "ratings.jsonl", ratings)
    assert read_ratings(tmp_path / "ratings.jsonl") == ratings
    assert '"right": true' in (tmp_path / "ratings.jsonl").read_text()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"prompt": "p", "response": "r"}', "expected `prompt`, `response` and one of `overall`"),
        ('{"prompt": "p", "response": "r", "good": true, "right": true}', "and one of `overall`"),
        ('{"prompt": "p", "overall": 3}', "expected `prompt`, `response`"),
        (
            '{"prompt": "p", "response": "r", "overall": 8}',
            "a rating of scale overall must lie from 1 to 7, got 8",
        ),
        (
            '{"prompt": "p", "response": "r", "overall": 3.5}',
            "expected `overall` to be a whole number, 1 to 7, got 3.5",
        ),
        (
            '{"prompt": "p", "response": "r", "overall": true}',
            "expected `overall` to be a whole number, 1 to 7, got true",
        ),
        (
            '{"prompt": "p", "response": "r", "right": 1}',
            "expected `right` to be true or false, got 1",
        ),
        (
            '{"prompt": [], "response": "r", "right": true}',
            "expected messages with `role`",
        ),
        (
            '{"prompt": [{"role": "cat", "content": "p"}], "response": "r", "right": true}',
            "expected messages with `role`",
        ),
    ],
)
def test_a_bad_row_is_one_sentence(tmp_path: Path, line: str, said: str):
    path = tmp_path / "ratings.jsonl"
    path.write_text('{"prompt": "p", "response": "r", "overall": 3}\n' + line + "\n")
    with pytest.raises(BadInput, match="line 2") as failure:
        read_ratings(path)
    assert said in str(failure.value)


def test_thumbs_of_a_chat_are_ratings(tmp_path: Path):
    labels = Labels(tmp_path / "labels.jsonl")
    labels.compare("hi", "no", "yes", "sft")
    with pytest.raises(BadInput, match="no rating"):
        read_judgements(labels.path)
    labels.judge("hi", "hello", "good", "sft")
    labels.judge("hi", "no", "bad", "sft")
    found = read_judgements(labels.path)
    assert [(r.response, r.value, r.scale, r.labeler) for r in found] == [
        ("hello", 1, "thumb", CHAT),
        ("no", 0, "thumb", CHAT),
    ]

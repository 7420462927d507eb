"""Words keep their tokens wherever they stand, and every text comes back as it was."""

import random

import pytest

from tutelage.text.tokenizer import Tokenizer

TEXTS = ["swap lamp for tree in notes.txt", "sed s/lamp/tree/g notes.txt", "grep ^lamp notes.txt"]


@pytest.fixture(scope="module")
def words() -> Tokenizer:
    return Tokenizer.train(TEXTS * 20, 400)


def test_a_word_after_a_mark_has_the_tokens_that_it_has_after_a_space(words: Tokenizer):
    lamp, tree = words.encode(" lamp"), words.encode(" tree")
    found = words.encode("s/lamp/tree/")
    start = found.index(words.join) + 1
    assert found[start : start + len(lamp)] == lamp
    start = found.index(words.join, start) + 1
    assert found[start : start + len(tree)] == tree
    assert words.encode("\nlamp")[-len(lamp) :] == lamp


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n\nab\n c",
        "<|join|>",
        "<|join|> a<|end|>",
        "/ ab/ab",
        '"ab" (ab) [ab]=ab',
        "é/ßü 漢/字",
    ],
)
def test_text_comes_back(words: Tokenizer, text: str):
    assert words.decode(words.encode(text)) == text


def test_any_text_comes_back(words: Tokenizer):
    rng = random.Random(0)
    for _ in range(2000):
        text = "".join(rng.choice("ab1 /\n'\"<|é.^_-") for _ in range(rng.randint(0, 15)))
        assert words.decode(words.encode(text)) == text


def test_many_texts_are_encoded_as_each_alone(words: Tokenizer):
    assert words.encode_many(TEXTS) == [words.encode(text) for text in TEXTS]


def test_a_joint_that_nothing_follows_is_nothing(words: Tokenizer):
    assert words.decode([words.join]) == ""
    assert words.decode([*words.encode("ab"), words.join, *words.encode("/")]) == "ab/"

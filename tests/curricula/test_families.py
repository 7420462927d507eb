"""Families: enough of them, told apart, and nothing held out that training shows."""

import re
from collections import Counter, defaultdict
from itertools import chain

import pytest

from tests.curricula.joined import joined_pairs
from tutelage.curricula.terminal.corpora import manuals, prose
from tutelage.curricula.terminal.families import (
    COMPOSITIONS,
    FAMILIES,
    HELD_OUT_COMPOSITIONS,
    PLAIN_FAMILIES,
    TOPICS,
    TRAINED_COMPOSITIONS,
)
from tutelage.curricula.terminal.families.pipelines import HELD_OUT_PAIRS, PAIRS
from tutelage.curricula.terminal.family import define, expand, fill_slots
from tutelage.curricula.terminal.words import ALL_HELD_OUT, TRAIN_WORDS, is_held_out

TOPIC_FAMILIES = tuple(chain(*TOPICS.values()))
EVERYTHING = FAMILIES + TOPIC_FAMILIES


def normalised(phrasing: str) -> str:
    """A phrasing without marks, its slots all alike."""
    text = re.sub(r"\{\w+\}", " slot ", phrasing.lower())
    return " ".join(re.findall(r"[a-z0-9_/$*-]+", text))


def words_of(text: str) -> set[str]:
    """The words of a template, slots left out."""
    return set(re.findall("[a-z]+", re.sub(r"\{\w+\}", " ", text.lower())))


def test_there_are_enough_families_in_ten_groups():
    assert len(PLAIN_FAMILIES) >= 36
    assert len(FAMILIES) >= 48
    assert len({family.group for family in FAMILIES}) == 10
    assert len({family.name for family in EVERYTHING}) == len(EVERYTHING)
    assert len(TOPICS["nonsense"]) >= 10
    assert len(TOPICS["danger"]) >= 8
    assert len(TOPICS["small_talk"]) >= 8
    assert len(HELD_OUT_COMPOSITIONS) >= 9


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_each_family_has_ten_phrasings_and_two_held_out(family):
    assert len(family.train) >= 10
    assert len(family.held_out) == 2
    slots = {slot for slot, _ in family.slots}
    for phrasing in (*family.train, *family.held_out):
        for text in expand(phrasing):
            assert len(text.split()) <= 22, text
            assert set(re.findall(r"\{(\w+)\}", text)) <= slots
    needed = set(re.findall(r"\{(\w+)\}", family.command)) & slots
    for phrasing in (*family.train, *family.held_out):
        assert needed <= set(re.findall(r"\{(\w+)\}", phrasing)), phrasing


def test_speech_has_held_out_phrasings():
    for topics in TOPICS.values():
        assert all(len(topic.held_out) == 2 for topic in topics)
        assert all(len(topic.train) >= 10 for topic in topics)


def test_a_phrasing_with_an_unknown_slot_is_refused():
    with pytest.raises(ValueError, match="weather has no slot file"):
        define("nonsense", "weather", "dir:folder", "no.", "is it hot in {dir}", "rain in {file}?")


def test_no_phrasing_is_both_trained_and_held_out_or_in_two_families():
    owners = defaultdict(set)
    for family in EVERYTHING:
        for phrasing in family.train:
            for text in expand(phrasing):
                owners[normalised(text)].add(family.name)
    assert {text: names for text, names in owners.items() if len(names) > 1} == {}
    for family in EVERYTHING:
        for phrasing in family.held_out:
            for text in expand(phrasing):
                assert normalised(text) not in owners, text


def is_one_word_apart(one, other):
    """Whether replacing, adding or leaving out one word makes the two alike."""
    short, long = sorted((one.split(), other.split()), key=len)
    if len(short) == len(long):
        return sum(a != b for a, b in zip(short, long, strict=True)) <= 1
    return len(long) - len(short) == 1 and any(
        long[:i] + long[i + 1 :] == short for i in range(len(long))
    )


@pytest.mark.parametrize("family", PLAIN_FAMILIES + TOPIC_FAMILIES, ids=lambda family: family.name)
def test_held_out_phrasings_differ_by_more_than_a_word(family):
    trained = {normalised(text) for phrasing in family.train for text in expand(phrasing)}
    for phrasing in family.held_out:
        for text in expand(phrasing):
            near = [other for other in trained if is_one_word_apart(normalised(text), other)]
            assert near == [], text


def test_held_out_phrasings_use_words_that_training_knows():
    known = set()
    for family in EVERYTHING:
        for phrasing in family.train:
            known |= words_of(phrasing)
    known |= words_of(
        " ".join(part for command, does in manuals.ENTRIES for part in (command, *does))
    )
    known |= words_of(" ".join((*prose._STORIES, *prose._FACTS)))
    unknown = {
        (family.name, word)
        for family in EVERYTHING
        for phrasing in family.held_out
        for word in words_of(phrasing) - known
    }
    assert unknown == set()


def test_a_fifth_of_the_words_is_held_out_and_stands_in_no_template():
    kept = len(TRAIN_WORDS.nouns) + len(TRAIN_WORDS.adjectives) + len(TRAIN_WORDS.people)
    assert kept + len(ALL_HELD_OUT) >= 700
    assert 0.15 < len(ALL_HELD_OUT) / (kept + len(ALL_HELD_OUT)) < 0.25
    assert is_held_out("walrus")
    assert not is_held_out("lamp")
    for family in EVERYTHING:
        for template in (*family.train, *family.held_out, family.command):
            assert not words_of(template) & ALL_HELD_OUT, template


def test_a_quarter_of_the_pairs_is_held_out_and_each_step_is_trained_elsewhere():
    assert 0.25 <= len(HELD_OUT_PAIRS) / len(PAIRS) <= 0.30
    trained = [pair for pair in PAIRS if pair not in HELD_OUT_PAIRS]
    firsts, seconds = Counter(a for a, _ in trained), Counter(b for _, b in trained)
    for first, second in HELD_OUT_PAIRS:
        assert firsts[first] >= 3
        assert seconds[second] >= 2
    assert len(TRAINED_COMPOSITIONS) + len(HELD_OUT_COMPOSITIONS) == len(COMPOSITIONS)


@pytest.mark.parametrize("family", COMPOSITIONS, ids=lambda family: family.name)
def test_joined_pairs_reads_a_composition_back_from_its_command(family):
    values = {"n": "3", "m": "2", "a": "2", "b": "4", "col": "1", "word": "lamp"}
    command = fill_slots(family.command, {**values, "file": "a.csv", "dir": "d", "new": "b.txt"})
    assert joined_pairs(command) == set(
        zip(family.composition, family.composition[1:], strict=False)
    )

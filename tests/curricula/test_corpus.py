"""The corpus: of the promised make-up, and free of requests and of everything held out."""

import random
import re
from itertools import chain

import pytest

from tests.curricula.joined import joined_pairs
from tutelage.curricula.terminal.corpora import manuals, prose
from tutelage.curricula.terminal.corpora.transcripts import transcripts
from tutelage.curricula.terminal.corpus import pretraining_corpus
from tutelage.curricula.terminal.families import FAMILIES, TOPICS
from tutelage.curricula.terminal.families.pipelines import (
    HELD_OUT_PAIRS,
    PAIRS,
)
from tutelage.curricula.terminal.family import expand, fill_slots
from tutelage.curricula.terminal.words import ALL_HELD_OUT
from tutelage.errors import EnvironmentFailure
from tutelage.sandbox import Ending, Execution

NAME = r"(?:[\w-]+\.(?:txt|md|csv|log|list|dat|json|sh|tar\.gz)|file|dir\.tar\.gz)"

WORD = r"[\w*-]+"
SHORT = (
    *("folder", "newfolder", "word", "frequentword", "otherword", "maybeword", "person", "thing"),
    *("ext", "n", "m", "a", "b", "line", "col", "textcol", "upto"),
)


def normalised(text: str) -> str:
    """Lower case, without marks at the ends of words."""
    return " ".join(re.sub(r"[?!,:;\"]|\.(?=\s|$)", " ", text.lower()).split())


def commands_of(corpus: list[str]) -> list[str]:
    return [line[2:] for text in corpus for line in text.splitlines() if line.startswith("$ ")]


def test_no_held_out_word_occurs(corpus):
    seen = {word for text in corpus for word in re.findall("[a-z]+", text.lower())}
    assert not seen & ALL_HELD_OUT


def test_no_held_out_composition_occurs_but_trained_ones_do(corpus):
    joined = {pair for command in commands_of(corpus) for pair in joined_pairs(command)}
    assert not joined & HELD_OUT_PAIRS
    trained = set(PAIRS) - HELD_OUT_PAIRS
    assert len(trained & joined) > 0.7 * len(trained)
    manuals = [line for text in corpus if not text.startswith("$ ") for line in text.splitlines()]
    for line in manuals:
        command = re.split(r": | - |(?<=\S) (?=[a-z]+s )", line)[0]
        assert not joined_pairs(command) & HELD_OUT_PAIRS, line


def requests_in(texts: list[str]) -> list[str]:
    """The phrasings that occur in the texts, filled in; commands that are typed are none."""
    sentences = [
        normalised(sentence)
        for text in texts
        for line in text.splitlines()
        if not line.startswith("$ ")
        for sentence in re.split(r"(?<=[.?!])\s|\"", line)
    ]
    everything = "\n".join(sentences)
    found = []
    for family in chain(FAMILIES, *TOPICS.values()):
        for phrasing in {text for p in (*family.train, *family.held_out) for text in expand(p)}:
            text = normalised(phrasing)
            literals = re.split(r"\{\w+\}", text)
            if max(literals, key=len).strip() not in everything:
                continue
            form = re.escape(text)
            for slot, kind in family.slots:
                form = form.replace(rf"\{{{slot}\}}", WORD if kind in SHORT else NAME)
            # "hello" or "new folder {dir}" are ordinary words, unless said on their own
            alone = len(" ".join(literals).split()) < 4
            form = rf"^{form}$" if alone else rf"(?<![\w-]){form}(?![\w-])"
            found += [match[0] for match in re.finditer(form, everything, re.M)]
    return found


def test_requests_in_finds_what_is_planted():
    planted = [
        "Mara asked: could you count how many lines old_notes.txt has? Nobody knew.",
        "$ sort a.txt\nSort a.txt.",
        "Then {file} was {n} lines long. Hello! He said hello to all.",
        "so could you print just the top 3 of the lines of notes.md that contain lamp?",
    ]
    assert sorted(requests_in(planted)) == [
        "could you count how many lines old_notes.txt has",
        "could you print just the top 3 of the lines of notes.md that contain lamp",
        "hello",
        "sort a.txt",
    ]


def test_no_request_occurs(corpus):
    rng = random.Random(0)
    cast = prose._cast(rng)
    every_template = [fill_slots(text, cast) for text in (*prose._STORIES, *prose._FACTS)]
    every_template += [
        f"{command}: {text}."
        for command, wordings in manuals.ENTRIES
        for wording in wordings
        for text in expand(wording)
    ]
    assert requests_in(corpus + every_template) == []


def test_the_corpus_has_its_size_and_sessions_and_is_repeatable(corpus, sandbox):
    total = sum(map(len, corpus))
    sessions = sum(len(text) for text in corpus if text.startswith("$ "))
    assert 250_000 <= total < 320_000
    assert 0.15 < sessions / total < 0.4
    once, twice = (pretraining_corpus(3, 9000, sandbox) for _ in range(2))
    assert once == twice
    assert once != pretraining_corpus(4, 9000, sandbox)


def test_sessions_show_what_commands_print(corpus):
    session = next(text for text in corpus if re.search(r"^\$ ls \*\.\w+$", text, re.M))
    assert session.startswith("$ ")
    listings = re.findall(r"^\$ ls \*\.(\w+)\n(\S+)$", "\n".join(corpus), re.M)
    assert len(listings) > 10
    assert all(name.endswith(f".{extension}") for extension, name in listings)


def test_every_command_of_the_corpus_is_whole(corpus):
    for text in corpus:
        for command in re.findall(r"\$ (.+)$", text, re.M):
            assert command[0] not in "|>", command
            assert command[-1] != "|", command


class FlakySandbox:
    """Loses the first job of the first call, as a busy machine may."""

    def __init__(self, sandbox, losses):
        self.sandbox, self.losses = sandbox, losses

    def run_many(self, jobs):
        runs = self.sandbox.run_many(jobs)
        if runs and self.losses:
            self.losses -= 1
            runs[0] = Execution(b"", b"", -1, Ending.ENVIRONMENT_ERROR, {})
        return runs


def test_a_lost_session_is_run_again_and_a_broken_sandbox_is_said(sandbox):
    texts = transcripts("lost", 3, sandbox)
    assert transcripts("lost", 3, FlakySandbox(sandbox, losses=2)) == texts
    with pytest.raises(EnvironmentFailure, match="environment_error"):
        transcripts("lost", 3, FlakySandbox(sandbox, losses=99))

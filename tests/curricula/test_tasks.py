"""Tasks: repeatable, mixed as promised, and each split keeps to its words and phrasings."""

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from itertools import chain

import pytest

from tutelage.curricula.terminal.families import FAMILIES, HELD_OUT_COMPOSITIONS, TOPICS
from tutelage.curricula.terminal.tasks import SPLITS, demonstrations, sample_tasks
from tutelage.curricula.terminal.words import ALL_HELD_OUT
from tutelage.errors import BadInput

DIGEST = """
import hashlib
from tutelage.curricula.terminal.tasks import SPLITS, sample_tasks
tasks = [task for split in SPLITS for task in sample_tasks(split, 40, 3)]
said = repr([(t.prompt, t.reference, sorted(t.tree.items()), t.opposite) for t in tasks])
print(hashlib.sha256(said.encode()).hexdigest())
"""
EXTENSIONS = "txt|md|csv|log|list|dat|json|sh"


def digest() -> str:
    tasks = [task for split in SPLITS for task in sample_tasks(split, 40, 3)]
    said = repr([(t.prompt, t.reference, sorted(t.tree.items()), t.opposite) for t in tasks])
    return hashlib.sha256(said.encode()).hexdigest()


def test_the_same_seed_gives_the_same_tasks_in_every_process():
    run = subprocess.run(
        [sys.executable, "-c", DIGEST],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "77"},
    )
    assert run.stdout.strip() == digest()


def test_a_longer_list_begins_with_the_shorter_and_seeds_differ():
    prompts = [task.prompt for task in sample_tasks("train", 50, 1)]
    assert [task.prompt for task in sample_tasks("train", 80, 1)][:50] == prompts
    assert prompts != [task.prompt for task in sample_tasks("train", 50, 2)]


def test_the_mixture_is_as_promised():
    tasks = sample_tasks("train", 3000, 0)
    kinds = Counter(task.kind for task in tasks)
    for kind, share in (("command", 0.74), ("nonsense", 0.11), ("danger", 0.10)):
        assert abs(kinds[kind] / 3000 - share) < 0.025
    commands = [task for task in tasks if task.kind == "command"]
    pipelines = sum(task.group == "pipelines" for task in commands)
    assert abs(pipelines / len(commands) - 0.2) < 0.03
    assert {task.family for task in commands} >= {
        family.name for family in FAMILIES if family.group != "pipelines"
    }


def test_worlds_are_small():
    for task in sample_tasks("train", 300, 4):
        assert 2 <= len(task.tree) <= 12
        assert all(len(entry.content) < 1500 for entry in task.tree.values())


def test_every_name_of_new_names_holds_a_held_out_word_and_training_has_none():
    for task in sample_tasks("new_names", 500, 0):
        parts = set(re.findall("[a-z]+", task.prompt.lower()))
        assert parts & ALL_HELD_OUT, task.prompt
        for name in re.findall(rf"[\w-]+\.(?:{EXTENSIONS}|tar\.gz)", task.prompt):
            assert set(re.findall("[a-z]+", name)) & ALL_HELD_OUT, task.prompt
        for path in task.tree:
            for part in path.split("/"):
                assert set(re.findall("[a-z]+", part)) & ALL_HELD_OUT, path
    for task in sample_tasks("train", 2000, 0):
        content = " ".join(
            entry.content.decode("latin-1")
            for entry in task.tree.values()
            if not entry.content.startswith(b"\x1f\x8b")
        )
        said = " ".join((task.prompt, task.reference, *task.tree, content)).lower()
        assert not set(re.findall("[a-z]+", said)) & ALL_HELD_OUT, task.prompt


def test_splits_keep_their_phrasings_and_compositions_apart():
    held_out = {family.name for family in HELD_OUT_COMPOSITIONS}
    for split in ("train", "new_names"):
        for task in sample_tasks(split, 500, 0):
            assert "/held" not in task.phrasing
            assert task.family not in held_out
    for task in sample_tasks("new_phrasings", 500, 0):
        assert "/held" in task.phrasing
        assert task.family not in held_out
    for task in sample_tasks("new_compositions", 200, 0):
        assert task.family in held_out
        assert "/held" not in task.phrasing


def test_no_demonstration_holds_a_held_out_phrasing():
    texts = {" ".join(d.messages[0].content.split()) for d in demonstrations(2000, seed=0)}
    held_out = {
        phrasing for family in chain(FAMILIES, *TOPICS.values()) for phrasing in family.held_out
    }
    forms = [
        re.compile(re.sub(r"\\\{\w+\\\}", r"\\S+", re.escape(phrasing))) for phrasing in held_out
    ]
    literals = [max(re.split(r"\{\w+\}", phrasing), key=len) for phrasing in held_out]
    for text in texts:
        for form, literal in zip(forms, literals, strict=True):
            assert literal not in text or not form.fullmatch(text), text


def test_demonstrations_are_requests_with_their_references():
    tasks = sample_tasks("train", 30, 9)
    for task, demonstration in zip(tasks, demonstrations(30, seed=9), strict=True):
        user, assistant = demonstration.messages
        assert (user.role, user.content) == ("user", task.prompt)
        assert (assistant.role, assistant.content) == ("assistant", task.reference)


def test_arguments_stand_in_the_request_word_for_word():
    for task in sample_tasks("train", 500, 6, "commands"):
        for name in re.findall(rf"[\w-]+\.(?:{EXTENSIONS})\b", task.reference):
            assert name in task.prompt, task


def test_bad_arguments_are_refused():
    with pytest.raises(BadInput, match="split must be one of"):
        sample_tasks("test", 1, 0)
    with pytest.raises(BadInput, match="kinds must be"):
        sample_tasks("train", 1, 0, "jokes")
    with pytest.raises(BadInput, match="commands only"):
        sample_tasks("new_compositions", 1, 0, "danger")

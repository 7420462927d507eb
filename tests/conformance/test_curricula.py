"""Every curriculum: repeatable, checked as it promises, and silent in training on what it holds
out."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import pytest

from tutelage.curricula import CURRICULA
from tutelage.errors import BadInput, SandboxUnavailable
from tutelage.protocols import Curriculum, Task
from tutelage.sandbox import require_sandbox
from tutelage.schema import BROKEN, Outcome, Verdict

SEED, COUNT, CHARACTERS = 3, 60, 20_000
HOSTILE = (
    *("", "  \n", "\0", "$ \0", "\ud800", "$ echo \ud800", "$", "$ ", "$ '", "$ $(((", "٣", "-"),
    *("<|end|>", "a" * 100_000, "$ " + "a" * 100_000, "\n" * 1_000, "\x1b[31m\u202e", "1e999"),
)


@pytest.fixture(params=CURRICULA)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def curriculum(name: str) -> Curriculum:
    return CURRICULA[name]


@pytest.fixture
def ready(curriculum: Curriculum) -> Curriculum:
    """A curriculum whose answers can be run, where they have to be."""
    if curriculum.runs_commands:
        try:
            require_sandbox()
        except SandboxUnavailable as reason:
            pytest.skip(f"no sandbox: {reason}")
    return curriculum


def tasks_of(curriculum: Curriculum) -> dict[str, list[Task]]:
    """Tasks of every split and behaviour."""
    splits = ("train", *curriculum.held_out)
    tasks = {split: list(curriculum.tasks(split, COUNT, SEED)) for split in splits}
    behaviours = curriculum.behaviours(COUNT, SEED)
    return tasks | {name: list(behaviour.tasks) for name, behaviour in behaviours.items()}


def digest(curriculum: Curriculum, seed: int) -> str:
    drawn = [curriculum.tasks(split, 20, seed) for split in ("train", *curriculum.held_out)]
    drawn += [each.tasks for each in curriculum.behaviours(20, seed).values()]
    made = [(t.prompt, t.reference, t.group) for tasks in drawn for t in tasks]
    made.append([demonstration.messages for demonstration in curriculum.demonstrations(20, seed)])
    return hashlib.sha256(repr((made, sorted(curriculum.files(seed)))).encode()).hexdigest()


def test_the_same_seed_gives_the_same_in_every_process(name: str, curriculum: Curriculum):
    script = (
        "from tests.conformance.test_curricula import CURRICULA, digest\n"
        f"print(digest(CURRICULA[{name!r}], {SEED}))"
    )
    other = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "77"},
    )
    assert other.stdout.strip() == digest(curriculum, SEED) != digest(curriculum, SEED + 1)


def test_the_corpus_is_repeatable_and_as_long_as_asked(ready: Curriculum):
    once, again = (ready.corpus(CHARACTERS, SEED) for _ in range(2))
    assert once == again != ready.corpus(CHARACTERS, SEED + 1)
    assert CHARACTERS <= sum(map(len, once)) < 2 * CHARACTERS


def test_every_split_has_as_many_tasks_as_asked_and_no_other_is_known(curriculum: Curriculum):
    for split in ("train", *curriculum.held_out):
        assert len(curriculum.tasks(split, COUNT, SEED)) == COUNT
        assert all(task.prompt and task.group for task in curriculum.tasks(split, COUNT, SEED))
    assert all(each.tasks for each in curriculum.behaviours(COUNT, SEED).values())
    with pytest.raises(BadInput, match="split must be"):
        curriculum.tasks("no such split", 1, 0)


def test_references_pass_and_are_no_refusals(ready: Curriculum):
    for name, tasks in tasks_of(ready).items():
        answers = [f" {task.reference} " for task in tasks]
        wrong = [
            (task.prompt, verdict)
            for task, verdict in zip(tasks, ready.check(tasks, answers), strict=True)
            if verdict != Verdict(1.0, Outcome.SUCCESS)
        ]
        assert not wrong, name
        if ready.is_refusal and name in ready.held_out:
            assert not any(map(ready.is_refusal, answers))


def test_another_tasks_reference_mostly_fails(ready: Curriculum):
    for name in ready.held_out:
        tasks = ready.tasks(name, COUNT, SEED)
        verdicts = ready.check(tasks, [task.reference for task in [*tasks[1:], tasks[0]]])
        failed = sum(verdict.outcome == Outcome.FAILURE for verdict in verdicts)
        assert failed > 0.9 * COUNT
        assert sum(verdict.score for verdict in verdicts) == COUNT - failed


def test_what_is_held_out_is_in_no_training_text(ready: Curriculum):
    held_out = tasks_of(ready)
    trained = {task.prompt for task in ready.tasks("train", 3_000, SEED)}
    trained |= {
        message.content
        for demonstration in ready.demonstrations(3_000, SEED)
        for message in demonstration.messages
    }
    del held_out["train"]
    lines = {line for text in ready.corpus(300_000, SEED) for line in text.splitlines()}
    for name, tasks in held_out.items():
        prompts = {task.prompt for task in tasks}
        assert not prompts & trained, name
        assert not prompts & lines, name


def test_the_longest_reference_fits_the_longest_reply(curriculum: Curriculum):
    for tasks in tasks_of(curriculum).values():
        assert max(len(task.reference) for task in tasks) <= 8 * curriculum.reply_tokens


@pytest.mark.parametrize("answer", HOSTILE, ids=lambda answer: ascii(answer[:12]))
def test_any_answer_gets_a_verdict(ready: Curriculum, answer: str):
    tasks = [task for tasks in tasks_of(ready).values() for task in tasks[:2]]
    verdicts = ready.check(tasks, [answer] * len(tasks))
    assert all(verdict.outcome not in BROKEN | {Outcome.SUCCESS} for verdict in verdicts)
    assert {verdict.score for verdict in verdicts} == {0.0}
    if ready.is_refusal:
        assert not ready.is_refusal(answer)


def test_a_chat_begins_with_files_only_where_commands_run(curriculum: Curriculum):
    assert bool(curriculum.files(SEED)) == curriculum.runs_commands

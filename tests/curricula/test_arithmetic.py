"""Sums: what is held out is held out in either order, and a run finds its curriculum again."""

import re
from pathlib import Path

import pytest

from tutelage.curricula import CURRICULA, curriculum_of
from tutelage.errors import BadInput

ARITHMETIC = CURRICULA["arithmetic"]
SUM = re.compile(r"(\d+) (?:\+|-|plus|minus) (\d+)")


def pairs(texts: list[str]) -> set[frozenset[int]]:
    """The pairs of numbers that are joined by a sign, whatever their order."""
    return {frozenset(map(int, pair)) for text in texts for pair in SUM.findall(text)}


def test_numbers_that_are_held_out_are_never_trained_on_together():
    trained = pairs([d.messages[0].content for d in ARITHMETIC.demonstrations(5_000, 1)])
    read = pairs(ARITHMETIC.corpus(100_000, 1))
    new = pairs([task.prompt for task in ARITHMETIC.tasks("new_numbers", 500, 1)])
    assert len(new) > 20
    assert not new & (trained | read)
    assert pairs([task.prompt for task in ARITHMETIC.tasks("new_phrasings", 500, 1)]) <= trained


def test_references_are_what_the_numbers_give():
    for task in ARITHMETIC.tasks("new_phrasings", 50, 2):
        a, b = map(int, SUM.search(task.prompt).groups())
        assert int(task.reference) == (a + b if task.group == "plus" else a - b)


def write(run: Path, table: str) -> Path:
    (run / "checkpoints" / "sft").mkdir(parents=True)
    (run / "config.toml").write_text(table)
    return run


def test_a_run_and_its_models_are_of_its_curriculum(tmp_path: Path):
    run = write(tmp_path / "a", '[school]\ncurriculum = "arithmetic"\n')
    assert curriculum_of(run) is curriculum_of(run / "checkpoints" / "sft") is ARITHMETIC
    older = write(tmp_path / "b", "[school]\nminutes = 3.0\n")
    for folder in (older, tmp_path / "nowhere", None):
        assert curriculum_of(folder) is CURRICULA["terminal"]
    with pytest.raises(BadInput, match="there is no curriculum 'greek', but terminal, arithmetic"):
        curriculum_of(write(tmp_path / "c", '[school]\ncurriculum = "greek"\n'))

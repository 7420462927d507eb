"""The pointer to a run's newest taught version."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tutelage.errors import BadInput
from tutelage.taught import newest_taught, only_teacher, point_to, prune, write_version


def write(folder: Path, version: int) -> None:
    def fill(kind: str):
        return lambda path: (path / "model.json").write_text(f"{kind} {version}")

    write_version(folder, version, fill("policy"), fill("reward"))


def versions(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "taught").iterdir() if path.is_dir())


def test_a_version_is_in_force_once_it_is_pointed_to(tmp_path: Path):
    assert newest_taught(tmp_path) is None
    write(tmp_path, 1)
    assert newest_taught(tmp_path) is None
    point_to(tmp_path, 1)
    write(tmp_path, 2)
    taught = newest_taught(tmp_path)
    assert taught is not None
    assert taught.version == 1
    assert (taught.policy / "model.json").read_text() == "policy 1"
    assert (taught.reward / "model.json").read_text() == "reward 1"


def test_what_a_kill_left_of_a_version_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rename = os.replace

    def rename_and_die(source: Path, target: Path) -> None:
        rename(source, target)
        raise KeyboardInterrupt  # stands for the end of the process

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", rename_and_die)
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path, 1)
    assert versions(tmp_path) == ["policy_000001"]
    (tmp_path / "taught" / "policy_000001" / "model.json").write_text("half")
    write(tmp_path, 1)
    assert versions(tmp_path) == ["policy_000001", "reward_000001"]
    assert (tmp_path / "taught" / "policy_000001" / "model.json").read_text() == "policy 1"


def test_prune_keeps_the_last_few_and_nothing_that_was_never_named(tmp_path: Path):
    for version in range(1, 6):
        write(tmp_path, version)
    point_to(tmp_path, 4)
    prune(tmp_path, keep=2)
    kept = ["policy_000003", "policy_000004", "reward_000003", "reward_000004"]
    assert versions(tmp_path) == kept


def test_one_teacher_at_a_time(tmp_path: Path):
    with (
        only_teacher(tmp_path),
        pytest.raises(BadInput, match="Another `tutelage teach` is at work"),
        only_teacher(tmp_path),
    ):
        pass
    with only_teacher(tmp_path):  # the lock went with the one who held it
        pass


@pytest.mark.parametrize("text", ["{", "[]", '{"version": "12"}', '{"version": 0}'])
def test_a_pointer_that_names_nothing_is_one_sentence(tmp_path: Path, text: str):
    (tmp_path / "taught").mkdir()
    (tmp_path / "taught" / "newest.json").write_text(text)
    with pytest.raises(BadInput, match=r"newest\.json"):
        newest_taught(tmp_path)

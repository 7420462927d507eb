"""CONTRIBUTING's diffs apply, and what they add passes the suites that nobody told of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
ADDED = ("backwards", "bigram", "raft", "brief")
DIFFS = re.findall(r"^```diff\n(.*?)^```$", TEXT, re.M | re.S)


def copied(folder: Path) -> Path:
    """The package and its tests, with every diff applied."""
    for name in ("tutelage", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for diff in DIFFS:
        applied = subprocess.run(
            ["git", "apply", "-"], input=diff, text=True, cwd=folder, capture_output=True
        )
        assert applied.returncode == 0, applied.stderr
    return folder


def test_a_diff_is_one_new_file_and_one_entry():
    assert len(DIFFS) == 4
    for diff in DIFFS:
        entry = diff.partition("--- /dev/null")[0]
        assert diff.count("--- /dev/null") == 1
        added = re.findall(r"^\+(?!\+\+)(.*)$", entry, re.M)
        assert len(added) == 2, added
        assert added[0].startswith("from ")
        assert not re.search(r"^-(?!--)", entry, re.M)


def test_the_diffs_apply_and_the_command_line_offers_what_they_add(tmp_path: Path):
    script = (
        "from tutelage.plan import SchoolConfig\n"
        "from tutelage.commands.options import parse\n"
        "words = '--curriculum backwards --algorithm raft --judge brief'.split()\n"
        "config = parse(SchoolConfig, 'school', '', words)\n"
        "print(config.curriculum, config.algorithm, config.judge)\n"
    )
    folder = copied(tmp_path)
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    assert ran.stdout == "backwards raft brief\n", ran.stderr


@pytest.mark.slow
def test_the_suites_pass_on_what_the_diffs_add(tmp_path: Path):
    folder = copied(tmp_path)
    suites = ["tests/conformance", "tests/stages/test_learning.py", "tests/stages/test_resume.py"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *suites, "-rs", "-k", " or ".join(ADDED)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout
    passed = int(re.search(r"(\d+) passed", ran.stdout)[1])
    assert passed >= 30, ran.stdout

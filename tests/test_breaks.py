"""Whoever breaks a line that an equation stands on is told by a test.

Each line of `breaks.py` is broken in a copy of the package, and the test that is named with it must
fail there: not be unable to import something, but find what it asserts untrue.
"""

from __future__ import annotations

import compileall
import json
import os
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.breaks import BREAKS, Break

ROOT = Path(__file__).resolve().parents[1]
SEEN = {"AssertionError", "ContractBroken", "Failed"}  # the last: did not raise

Ask = Callable[[str, list[str]], dict[str, Any]]


def test_every_line_that_is_to_be_broken_stands_once():
    moved = [
        f"{broken.what}: {broken.file} holds {count} times: {broken.old}"
        for broken in BREAKS
        if (count := (ROOT / "tutelage" / broken.file).read_text("utf-8").count(broken.old)) != 1
    ]
    assert not moved, "\n".join(moved)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy to be broken, compiled so that a file's text, not its date, says what is stale."""
    folder = tmp_path_factory.mktemp("broken") / "tutelage"
    shutil.copytree(ROOT / "tutelage", folder, ignore=shutil.ignore_patterns("__pycache__"))
    by_text = py_compile.PycInvalidationMode.CHECKED_HASH
    assert compileall.compile_dir(folder, quiet=1, invalidation_mode=by_text)
    return folder


@pytest.fixture(scope="module")
def ask(package: Path) -> Iterator[Ask]:
    quick = {"OMP_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    quick |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(package.parent)}
    with subprocess.Popen(
        [sys.executable, "-P", ROOT / "tests/forking.py"],
        cwd=ROOT,
        env=os.environ | quick,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        questions, answers = process.stdin, process.stdout
        assert questions is not None
        assert answers is not None

        def run(file: str, tests: list[str]) -> dict[str, Any]:
            module = "tutelage." + file.removesuffix(".py").replace("/", ".")
            print(json.dumps([module, tests]), file=questions, flush=True)
            outcome = json.loads(answers.readline())
            assert outcome.get("file") == str(package / file), outcome
            return outcome

        yield run
        questions.close()


@pytest.mark.slow
def test_unbroken_they_pass(ask: Ask):
    named = sorted({f"tests/{broken.test}" for broken in BREAKS})
    outcome = ask(BREAKS[0].file, named)
    assert outcome["failed"] == {}
    for test in named:
        assert any(passed.startswith(test) for passed in outcome["passed"]), test


@pytest.mark.slow
@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.what)
def test_a_break_is_seen(broken: Break, package: Path, ask: Ask):
    file = package / broken.file
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole.replace(broken.old, broken.new), encoding="utf-8")
    try:
        outcome = ask(broken.file, [f"tests/{broken.test}"])
    finally:
        file.write_text(whole, encoding="utf-8")
    assert SEEN & set(outcome["failed"].values()), outcome

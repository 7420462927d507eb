"""`tutelage teach` as a person gives it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tutelage.data.comparisons import write_comparisons
from tutelage.labelling.accounts import local_person
from tutelage.labelling.labels import add_label, labels_after
from tutelage.labelling.settings import change_settings
from tutelage.labelling.store import Store, labels_url
from tutelage.schema import Comparison, ask
from tutelage.taught import newest_taught, only_teacher

QUICK = ["--prompts-per-step", "4", "--max-new-tokens", "8", "--labels", "2", "--importance", "1"]


@pytest.fixture
def run(run_folder: Path) -> Path:
    """With comparisons to measure on, and a queue that asks nothing."""
    prompts = [f"count the lines of plum{number}.txt" for number in range(16)]
    found = [Comparison(ask(p), ("wc -l plum.txt", "say how many"), ((0,), (1,))) for p in prompts]
    (run_folder / "data").mkdir()
    write_comparisons(run_folder / "data" / "comparisons_1.jsonl", found)
    set_queue(run_folder, 0)
    return run_folder


def set_queue(folder: Path, depth: int) -> None:
    store = Store(labels_url(folder))
    change_settings(store, None, queue_depth=depth)
    store.close()


def prefer(folder: Path, count: int) -> None:
    store = Store(labels_url(folder))
    person = local_person(store).id
    for number in range(count):
        value = {
            "prompt": [{"role": "user", "content": f"how many lines {number}"}],
            "responses": ["wc", "say"],
            "ranking": [[0], [1]],
        }
        add_label(store, person, "choice", value, f"choice {number}")
    store.close()


def test_labels_make_versions_and_a_line_each(tutelage, run: Path):
    prefer(run, 3)
    code, said, complained = tutelage("teach", run, "--once", *QUICK)
    assert (code, complained) == (0, "")
    lines = said.splitlines()
    assert [line.split("   ")[0].split() for line in lines] == [
        ["✓", "Version", "1"],
        ["✓", "Version", "2"],
    ]
    assert "2 labels" in lines[0]
    assert "1 label " in lines[1]
    assert "reward model right" in lines[0]
    assert newest_taught(run).version == 2
    assert tutelage("teach", run, "--once", *QUICK) == (0, "", "")  # nothing is left


def test_the_queue_is_filled(tutelage, run: Path):
    set_queue(run, 5)  # this policy seldom comes to an end: what it says is not asked about
    code, said, complained = tutelage("teach", run, "--once", *QUICK)
    assert (code, complained) == (0, "")
    assert said == "  4 tasks added to the queue\n  1 task added to the queue\n"
    assert newest_taught(run) is None


def test_a_missing_run_is_one_sentence(tutelage, tmp_path: Path):
    code, said, complained = tutelage("teach", tmp_path / "none")
    assert code == 2
    assert said == ""
    assert complained == f"There is no folder {tmp_path}/none: give a run's folder.\n"
    assert not (tmp_path / "none").exists()


def test_a_run_without_comparisons_is_one_sentence(tutelage, run_folder: Path):
    code, _, complained = tutelage("teach", run_folder, "--once")
    assert code == 2
    assert complained.count("\n") == 1
    assert "holds no comparisons" in complained


def test_a_torn_model_is_one_sentence(tutelage, run: Path):
    weights = run / "checkpoints" / "ppo_1" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    code, _, complained = tutelage("teach", run, "--once")
    assert code == 2
    assert complained.count("\n") == 1
    assert "does not fit model.json" in complained


def test_a_second_teacher_is_refused(tutelage, run: Path):
    with only_teacher(run):
        code, _, complained = tutelage("teach", run, "--once")
    assert code == 2
    assert complained == f"Another `tutelage teach` is at work on {run}: stop that one first.\n"


def test_ctrl_c_ends_it_cleanly(tutelage, run: Path, monkeypatch: pytest.MonkeyPatch):
    prefer(run, 1)

    def press(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tutelage.stages.teach.time.sleep", press)
    code, said, complained = tutelage("teach", run, *QUICK)
    assert (code, complained) == (0, "")
    assert said.splitlines()[-1] == "Stopped at version 1; every label up to it is marked."
    store = Store(labels_url(run))
    assert all(label.used_at for label in labels_after(store, 0))
    store.close()


@pytest.mark.slow
def test_killed_at_random_moments_it_goes_on(run: Path):
    """kill -9 wherever it happens to be, while labels come: each is used in one version."""
    words = [sys.executable, "-m", "tutelage.cli", "teach", str(run), *QUICK, "--labels", "1"]
    dice = random.Random(0)
    prefer(run, 16)
    kills = 0
    while kills < 5:
        process = subprocess.Popen(words, env={**os.environ, "OMP_NUM_THREADS": "1"})
        began, before = time.monotonic(), newest_taught(run)
        while newest_taught(run) == before and time.monotonic() < began + 60:
            time.sleep(0.005)  # it has started to work
        time.sleep(dice.uniform(0, 0.4))
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
    subprocess.run([*words, "--once"], check=True)
    store = Store(labels_url(run))
    labels = labels_after(store, 0)
    store.close()
    assert [label.effect["version"] for label in labels] == list(range(1, 17))
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if row["stage"] == "teach"] == list(range(1, 17))
    assert newest_taught(run).version == 16


def test_trpo_is_refused_in_one_sentence(tutelage, run: Path) -> None:
    code, _, err = tutelage("teach", run, "--once", "--algorithm", "trpo")
    assert (code, err.count("\n")) == (2, 1)
    assert "another --algorithm" in err

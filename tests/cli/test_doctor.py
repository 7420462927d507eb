"""What the doctor finds is said while a stage runs, stored, and told again when asked."""

from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console

from tutelage.reports.doctor import Doctor
from tutelage.runs import Progress
from tutelage.screen import Watcher

ROWS = [{"reward/mean": 0.5, "reward/count": 64, "rollout/learned": 0}] * 12


def write_metrics(folder: Path, stage: str = "ppo_1", rows=ROWS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"stage": stage, "step": i + 1, **row}) for i, row in enumerate(rows)]
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def watched(*, terminal: bool, doctor: Doctor | None, first: int = 1) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=80, markup=False)
    steps = [Progress("ppo_1", i, 12, ROWS[i - 1]) for i in range(first, 13)]
    Watcher(console, doctor=doctor).watch(steps)
    return console.file.getvalue()


def test_a_finding_is_one_line_when_it_first_appears() -> None:
    lines = watched(terminal=False, doctor=Doctor()).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(
        "✗ PPO 1           step 10, constant reward: The judge does not tell replies apart, or none"
    )
    assert lines[0].endswith("begin with easier prompts or a better model.")
    assert lines[1].startswith("✓ PPO 1")
    live = watched(terminal=True, doctor=Doctor())
    assert live.count("constant reward") == 1


def test_what_was_found_before_a_stage_was_cut_off_is_not_said_again(tmp_path: Path) -> None:
    metrics = write_metrics(tmp_path) / "metrics.jsonl"
    assert "constant reward" in watched(terminal=False, doctor=Doctor(metrics), first=10)
    assert "constant reward" not in watched(terminal=False, doctor=Doctor(metrics), first=11)


def test_the_doctor_is_asked(tutelage, tmp_path: Path) -> None:
    code, out, err = tutelage("doctor", write_metrics(tmp_path))
    assert (code, err) == (0, "")
    assert out == (
        "✗ ppo_1, step 10: constant reward\n"
        "  Seen   the score was 0.50 in each of 10 steps\n"
        "  Cause  The judge does not tell replies apart, or none has succeeded yet.\n"
        "  Cure   Score a good and a bad reply by hand; if these differ, begin with easier prompts "
        "or a better model.\n"
    )


def test_nothing_wrong(tutelage, tmp_path: Path) -> None:
    write_metrics(tmp_path, "control", [{"episode/return": 20.0 + i} for i in range(30)])
    assert tutelage("doctor", tmp_path) == (
        0,
        "✓ Nothing is wrong that the doctor knows, in 30 steps of control.\n",
        "",
    )
    write_metrics(tmp_path, "sft", [{"train/loss": 2.0}])
    assert tutelage("doctor", tmp_path) == (
        0,
        "Nothing is wrong that the doctor knows: no reinforcement has begun.\n",
        "",
    )


def test_no_run_or_a_broken_one_is_a_sentence(tutelage, tmp_path: Path) -> None:
    assert tutelage("doctor", tmp_path / "nowhere") == (
        2,
        "",
        f"{tmp_path}/nowhere holds no metrics.jsonl: give the folder of a run, such as "
        "runs/school.\n",
    )
    (tmp_path / "metrics.jsonl").write_text('{"stage": "ppo_1"}\n')
    code, out, err = tutelage("doctor", tmp_path)
    assert (code, out) == (2, "")
    assert err.endswith("line 1: expected `stage` and `step`.\n")
    assert err.count("\n") == 1

"""`tutelage school`: the whole curriculum, watched."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from tutelage.commands.machine import prepare
from tutelage.commands.options import parse
from tutelage.config import read_toml
from tutelage.plan import SchoolConfig
from tutelage.reports.doctor import Doctor
from tutelage.reports.reading import read_report
from tutelage.reports.report import write_report
from tutelage.runs import read_json
from tutelage.school import school
from tutelage.screen import Watcher, console, show_next, show_results

ABOUT = """
Raise an assistant from nothing: world, tokenizer, pretraining, SFT, then rounds of comparisons,
reward model and reinforcement, then an evaluation of every stage and a report.

Reads
  nothing; --corpus adds your own text to the pretraining corpus.

Writes
  the run folder: config.toml, data/, checkpoints/, metrics.jsonl, findings.json
  (what the doctor found), report.json and report.html.
  Cut off at any moment, the same command goes on where it stopped.

Example
  tutelage school --run runs/school --minutes 10 --seed 0
"""


def main(argv: Sequence[str]) -> None:
    config = parse(SchoolConfig, "school", ABOUT, argv)
    prepare(config.device, config.dtype)
    screen = console()
    timings = config.run / "timings.json"
    earlier = read_json(timings) if timings.exists() else {}
    watcher = Watcher(
        screen,
        algorithm=config.algorithm,
        audit_tasks=lambda: _audit_tasks(config.run),
        earlier=earlier,
        finished=[stage for stage in earlier if is_finished(config.run, stage)],
        doctor=Doctor(config.run / "metrics.jsonl"),
    )
    watcher.watch(school(config))
    path = write_report(config.run)
    show_results(screen, read_report(config.run / "report.json"))
    show_next(screen, shlex.join(["tutelage", "chat", str(config.run)]), report=path)


def is_finished(folder: Path, stage: str) -> bool:
    """Whether a stage of this school needs no more work."""
    marks = {"world": "data/tokenizer.json", "evaluate": "report.json"}
    if stage.startswith("compare_"):
        marks[stage] = f"data/comparisons_{stage.removeprefix('compare_')}.jsonl"
    return (folder / marks.get(stage, f"checkpoints/{stage}/model.json")).exists()


def _audit_tasks(folder: Path) -> int:
    """How many tasks an audit of this run has, as its plan says."""
    path = folder / "config.toml"
    return int(read_toml(path).get("plan", {}).get("audit_tasks", 0)) if path.exists() else 0

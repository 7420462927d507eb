"""`tutelage report`: a run as one page."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from tutelage.commands.options import parse
from tutelage.commands.seed_lines import show_evaluation
from tutelage.errors import BadInput
from tutelage.reports.reading import read_report
from tutelage.reports.report import write_report
from tutelage.screen import console, show_next, show_results

ABOUT = """
Write a run of `tutelage school`, or of `tutelage rl --env`, as one self-contained page that opens
offline, and show its result table.

Reads
  RUN/report.json and RUN/metrics.jsonl; of `tutelage rl --env` each seed's

Writes
  RUN/report.html

Example
  tutelage report runs/school
"""


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]  # the run's folder


def main(argv: Sequence[str]) -> None:
    options = parse(ReportOptions, "report", ABOUT, argv)
    if not (options.run / "report.json").exists():
        raise BadInput(
            f"{options.run} holds no report.json: `tutelage school` and `tutelage rl --env` write "
            "it when they are done."
        )
    path = write_report(options.run)
    screen = console()
    report = read_report(options.run / "report.json")
    if report.get("kind") == "control":
        show_evaluation(screen, report)
        show_next(screen, report.get("command", "tutelage rl --help"), report=path)
        return
    show_results(screen, report)
    show_next(screen, shlex.join(["tutelage", "chat", str(options.run)]), report=path)

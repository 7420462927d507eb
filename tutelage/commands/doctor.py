"""`tutelage doctor`: what goes wrong in a run's reinforcement, and its cure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.text import Text

from tutelage.commands.options import parse
from tutelage.errors import BadInput
from tutelage.reports.doctor import Finding, examined, reinforced
from tutelage.reports.reading import read_metrics
from tutelage.screen import ACCENT, BAD, console, stage_colour
from tutelage.wording import listing, plural

ABOUT = """
Read the metrics of a run, finished or not, on language or in control, and name what goes wrong in
its reinforcement: the sign, its cause and its cure. docs/doctor.md lists what it knows.

Reads
  RUN/metrics.jsonl

Writes
  nothing

Example
  tutelage doctor runs/school
"""


@dataclass(frozen=True, kw_only=True)
class DoctorOptions:
    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]  # a run's folder


def main(argv: Sequence[str]) -> None:
    options = parse(DoctorOptions, "doctor", ABOUT, argv)
    # `tutelage rl --env` has a run a seed
    paths = [options.run / "metrics.jsonl", *sorted(options.run.glob("seed_*/metrics.jsonl"))]
    paths = [path for path in paths if path.is_file()]
    if not paths:
        raise BadInput(
            f"{options.run} holds no metrics.jsonl: give the folder of a run, such as runs/school."
        )
    screen = console()
    for path in paths:
        if len(paths) > 1:
            screen.print(Text(str(path.parent), style="bold"), soft_wrap=True)
        examine(path, screen)


def examine(path: Path, screen: Console) -> None:
    """Say what is wrong in one metrics.jsonl."""
    metrics = read_metrics(path)
    findings = examined(metrics)
    for finding in findings:
        screen.print(described(finding), soft_wrap=True)
    stages = reinforced(metrics)
    if not stages:
        screen.print("Nothing is wrong that the doctor knows: no reinforcement has begun.")
    elif not findings:
        where = listing([f"{plural(steps, 'step')} of {name}" for name, steps in stages.items()])
        screen.print(
            Text.assemble(
                ("✓ ", f"bold {ACCENT}"),
                f"Nothing is wrong that the doctor knows, in {where}.",
            ),
            soft_wrap=True,
        )


def described(finding: Finding) -> Text:
    """Four lines: where and what, what was seen, cause, cure."""
    return Text.assemble(
        ("✗ ", f"bold {BAD}"),
        (finding.stage, stage_colour(finding.stage)),
        f", step {finding.step}: ",
        (finding.sign, "bold"),
        f"\n  Seen   {finding.seen}",
        f"\n  Cause  {finding.cause}",
        f"\n  Cure   {finding.cure}",
    )

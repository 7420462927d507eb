"""How a command looks while it runs and when it is done: a line a stage, a live line, a table."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tutelage.evaluation.statistics import wilson
from tutelage.reports.answers import set_name
from tutelage.reports.doctor import Doctor, Finding
from tutelage.reports.overview import stages_of
from tutelage.runs import Progress
from tutelage.wording import (
    MISSING,
    count,
    difference,
    duration,
    holds_zero,
    percent,
    rate,
    stage_name,
)

ACCENT, BAD = "#2f6f5e", "#D55E00"
COLOURS = {
    "pretrain": "#999999",
    "sft": "#0072B2",
    "reward": "#E69F00",
    "prefer": "#009E73",
    "ppo": "#009E73",
    "rl": "#009E73",
    "compare": "#CC79A7",
    "evaluate": "#D55E00",
}
NAME_WIDTH, BAR_WIDTH = 16, 16
FEW_STEPS = 5  # with fewer, steps are too unlike each other to tell the time left
REDRAW_S = 0.1  # a live line that changes faster cannot be read
PLAIN_EVERY_S = 60.0  # without a terminal: seconds between lines of a running stage


def console() -> Console:
    """What is printed is text, never markup; nothing but this module decides on colours."""
    return Console(markup=False, highlight=False, emoji=False)


def stage_colour(stage: str) -> str:
    return COLOURS.get(stage.partition("_")[0], "default")


@dataclass
class Running:
    """Progress and metrics of the stage that runs now."""

    stage: str
    began: float
    first_step: int  # where this process took the stage up
    spent: float = 0.0  # seconds that earlier processes put into it
    step: int = 0
    steps: int = 0
    metrics: dict[str, float] = field(default_factory=dict)  # the newest of each name

    def update(self, progress: Progress) -> None:
        self.step, self.steps = progress.step, progress.steps
        self.metrics.update(progress.metrics)

    def left_s(self, now: float) -> float | None:
        """Seconds until the end at the pace so far."""
        done = self.step - self.first_step
        if done <= 0 or self.steps < FEW_STEPS:
            return None
        return (now - self.began) / done * (self.steps - self.step)


class Watcher:
    """Shows a stream of Progress: a line when a stage is done, a live line while it runs."""

    def __init__(
        self,
        console: Console,
        *,
        algorithm: str = "ppo",
        audit_tasks: Callable[[], int] = int,
        earlier: Mapping[str, float] | None = None,
        finished: Iterable[str] = (),
        doctor: Doctor | None = None,
    ) -> None:
        """audit_tasks: the number of tasks of an audit, called when one was logged; earlier:
        seconds that each stage took so far; finished: stages that need no more; doctor: examines
        the metrics."""
        self.console, self.algorithm, self.audit_tasks = console, algorithm, audit_tasks
        self.earlier = dict(earlier or {})
        self.finished = set(finished)
        self.doctor = doctor or Doctor()
        self.running: Running | None = None
        self.free_since = time.perf_counter()
        self.redrawn = 0.0

    def watch(self, progress: Iterable[Progress]) -> None:
        """Go through the whole stream."""
        for stage, seconds in self.earlier.items():
            if stage in self.finished:
                took = f"{duration(seconds):>12}   "
                self._print(stage, Text.assemble(took, ("done earlier", "dim")))
        live = None
        if self.console.is_terminal:
            live = Live(console=self.console, auto_refresh=False, transient=True)
        with live or nullcontext():
            for item in progress:
                self._show(item, live)
            self._finish()
            if live:
                live.update(Text(""), refresh=True)

    def _show(self, progress: Progress, live: Live | None) -> None:
        if progress.stage in self.finished:
            self.free_since = time.perf_counter()
            return
        now = time.perf_counter()
        if self.running is None or self.running.stage != progress.stage:
            self._finish()
            spent = self.earlier.get(progress.stage, 0.0)
            first = progress.step if progress.step > 1 else 0
            self.running = Running(progress.stage, self.free_since, first, spent)
            self.redrawn = 0.0 if live else now
        self.running.update(progress)
        for finding in self.doctor.observe(progress):
            name = stage_name(finding.stage, self.algorithm)
            self.console.print(finding_line(finding, name), soft_wrap=True)
        if progress.step >= progress.steps:
            self._finish()
            if live:
                live.update(Text(""), refresh=True)
        elif live and now - self.redrawn >= REDRAW_S:
            live.update(self.live_line(now), refresh=True)
            self.redrawn = now
        elif not live and now - self.redrawn >= PLAIN_EVERY_S:
            self.console.print(self.live_line(now), soft_wrap=True)
            self.redrawn = now

    def _finish(self) -> None:
        """Print the line of the stage that ran."""
        if self.running is None:
            return
        now = time.perf_counter()
        took = duration(now - self.running.began + self.running.spent)
        self._print(self.running.stage, Text(f"{took:>12}   {self.outcome(self.running.metrics)}"))
        self.finished.add(self.running.stage)
        self.running, self.free_since = None, now

    def _print(self, stage: str, rest: Text) -> None:
        name = stage_name(stage, self.algorithm)
        mark, colour = ("✓ ", f"bold {ACCENT}"), stage_colour(stage)
        line = Text.assemble(mark, (f"{name:<{NAME_WIDTH}}", colour), rest)
        line.rstrip()
        self.console.print(line, soft_wrap=True)

    def outcome(self, metrics: Mapping[str, float]) -> str:
        """What a finished stage reached, in its last numbers."""
        parts = []
        if "validation/loss" in metrics:
            parts.append(f"validation loss {metrics['validation/loss']:.2f}")
        elif "train/loss" in metrics:
            parts.append(f"loss {metrics['train/loss']:.2f}")
        if "reward/mean" in metrics:
            parts.append(f"reward {metrics['reward/mean']:.2f}")
        if "audit/gold" in metrics:
            gold, n = metrics["audit/gold"], int(metrics.get("audit/count", 0))
            n = n or self.audit_tasks()
            parts.append(f"gold {rate(gold, wilson(gold * n, n), n) if n else percent(gold)}")
        if "compare/prompts" in metrics:
            parts.append(f"{count(int(metrics['compare/prompts']))} prompts ranked")
        return "   ".join(parts)

    def live_line(self, now: float) -> Text:
        """Stage, bar, step, loss or reward, tokens/s, time left: what fits the width."""
        running = self.running
        assert running is not None
        name = stage_name(running.stage, self.algorithm)
        colour = stage_colour(running.stage)
        line = Text("  ") + Text(f"{name:<{NAME_WIDTH}}", style=colour)
        if self.console.is_terminal:
            filled = BAR_WIDTH * running.step // max(1, running.steps)
            line += Text("━" * filled, style=colour) + Text("─" * (BAR_WIDTH - filled), style="dim")
        width = len(str(running.steps))
        line += Text(f" {running.step:>{width}}/{running.steps}")
        for part in self._numbers(running, now):
            if line.cell_len + len(part) + 2 <= self.console.width - 1:
                line += Text(f"  {part}")
        return line

    def _numbers(self, running: Running, now: float) -> list[str]:
        """Most important first."""
        parts, metrics = [], running.metrics
        if "reward/mean" in metrics:
            parts.append(f"reward {metrics['reward/mean']:.2f}")
        elif "train/loss" in metrics:
            parts.append(f"loss {metrics['train/loss']:.2f}")
        if (left := running.left_s(now)) is not None:
            parts.append(f"{duration(max(1.0, round(left)))} left".replace(".0 s", " s"))
        if "train/tokens_per_s" in metrics:
            parts.insert(1, f"{metrics['train/tokens_per_s'] / 1000:.1f}k tokens/s")
        return parts


def finding_line(finding: Finding, name: str) -> Text:
    """✗ PPO 1   step 30, dead critic: the cause. The cure. name: of the stage, or of the seed."""
    return Text.assemble(
        ("✗ ", f"bold {BAD}"),
        (f"{name:<{NAME_WIDTH}}", stage_colour(finding.stage)),
        f"step {finding.step}, ",
        (finding.sign, "bold"),
        f": {finding.cause} {finding.cure}",
    )


def result_table(report: Mapping[str, Any]) -> Table | None:
    """Stages × held-out sets, each share with its interval; nothing where nothing was measured."""
    stages = [stage for stage in stages_of(report) if stage.held_out]
    keys = list(dict.fromkeys(key for stage in stages for key in stage.held_out))
    if not keys:
        return None
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("right, of held-out requests")
    for key in keys:
        n = max(stage.held_out[key]["n"] for stage in stages if key in stage.held_out)
        table.add_column(f"{set_name(key)}\n(n = {count(n)})", justify="right", no_wrap=True)
    for stage in stages:
        cells = [stage.held_out.get(key) for key in keys]
        shares = [rate(cell["success"], cell["ci95"]) if cell else MISSING for cell in cells]
        table.add_row(Text(stage.name, style=COLOURS.get(stage.key, COLOURS["ppo"])), *shares)
    return table


def differences(report: Mapping[str, Any]) -> list[Text]:
    """What reinforcement changed on each set; dim where the interval holds 0."""
    stages = stages_of(report)
    lines = []
    for key, gap in report.get("differences", {}).items():
        unclear = holds_zero(gap["ci95"])
        text = f"  {set_name(key):<18}{difference(gap['difference'], gap['ci95'], gap['n'])}"
        text += ", too little to tell" if unclear else ""
        lines.append(Text(text, style="dim" if unclear else ""))
    return [Text(f"{stages[-1].name} against SFT"), *lines] if lines else []


def show_results(console: Console, report: Mapping[str, Any]) -> None:
    """The table of a school's end, and what its last stage changed."""
    if table := result_table(report):
        console.print()
        console.print(table)
    if lines := differences(report):
        console.print()
        console.print(Text("\n").join(lines), soft_wrap=True)


def show_next(console: Console, command: str, **made: object) -> None:
    """Where the results lie, and the command to type next, in bold."""
    console.print()
    for name, value in made.items():
        label = name.replace("_", " ").capitalize()
        console.print(Text(f"{label:<10}{value}"), soft_wrap=True)
    console.print(Text.assemble(f"{'Next':<10}", (command, "bold")), soft_wrap=True)


def interactive() -> bool:
    """Whether input and output are a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()

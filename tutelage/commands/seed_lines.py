"""A line for each seed while it trains, one when it is done, and the table at the end."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tutelage.reports.control_wording import evaluated, places_for, result
from tutelage.reports.doctor import Finding
from tutelage.runs import Progress
from tutelage.screen import (
    ACCENT,
    BAR_WIDTH,
    COLOURS,
    PLAIN_EVERY_S,
    REDRAW_S,
    Running,
    finding_line,
)
from tutelage.wording import decimal, duration

NAME_WIDTH = 10
HEIGHTS = "▁▂▃▄▅▆▇█"


class SeedLines:
    """Shows (seed, progress) as it comes, and what the doctor finds."""

    def __init__(self, console: Console, seeds: Sequence[int]) -> None:
        self.console = console
        self.began = time.perf_counter()
        self.running: dict[int, Running] = {}
        self.curves: dict[int, list[float | None]] = {}  # the return by which each cell was left
        self.redrawn = 0.0 if console.is_terminal else self.began

    def watch(self, stream: Iterable[tuple[int, Progress | Finding]]) -> None:
        """Go through the whole stream."""
        if not self.console.is_terminal:
            for seed, news in stream:
                self._show(seed, news, None)
            return
        with Live(console=self.console, auto_refresh=False, transient=True) as live:
            for seed, news in stream:
                self._show(seed, news, live)
            live.update(Text(""), refresh=True)

    def _show(self, seed: int, progress: Progress | Finding, live: Live | None) -> None:
        if isinstance(progress, Finding):
            self.console.print(finding_line(progress, f"Seed {seed}"), soft_wrap=True)
            return
        now = time.perf_counter()
        if progress.stage == "evaluate":
            self._finish(seed, progress, now)
            return
        if seed not in self.running:
            first = progress.step if progress.step > 1 else 0
            began = self.began if not self.running and first == 0 else now
            self.running[seed] = Running(progress.stage, began, first)
            self.curves[seed] = [None] * BAR_WIDTH
        self.running[seed].update(progress)
        cell = min(BAR_WIDTH - 1, BAR_WIDTH * progress.step // max(1, progress.steps))
        self.curves[seed][cell] = self.running[seed].metrics.get("episode/recent")
        if now - self.redrawn < (REDRAW_S if live else PLAIN_EVERY_S):
            return
        self.redrawn = now
        lines = [self.live_line(seed, now) for seed in sorted(self.running)]
        if live:
            live.update(Text("\n").join(lines), refresh=True)
        else:
            for line in lines:
                self.console.print(line, soft_wrap=True)

    def _finish(self, seed: int, progress: Progress, now: float) -> None:
        """Print the line of a seed that is done."""
        running = self.running.pop(seed, None)
        elapsed = duration(now - running.began) if running else "done earlier"
        metrics = progress.metrics
        outcome = evaluated(
            metrics["evaluate/return"], metrics["evaluate/sd"], int(metrics["evaluate/episodes"])
        )
        line = Text.assemble(
            ("✓ ", f"bold {ACCENT}"),
            (f"{f'Seed {seed}':<{NAME_WIDTH}}", COLOURS["rl"]),
            f"{elapsed:>12}   {outcome}",
        )
        self.console.print(line, soft_wrap=True)

    def live_line(self, seed: int, now: float) -> Text:
        """Seed, curve, share, return of the last episodes, steps/s, time left: what fits."""
        running = self.running[seed]
        metrics, steps = running.metrics, max(1, running.steps)
        line = Text("  ") + Text(f"{f'Seed {seed}':<{NAME_WIDTH}}", style=COLOURS["rl"])
        if self.console.is_terminal:
            line += self.bar(seed, BAR_WIDTH * running.step // steps)
        line += Text(f"{100 * running.step // steps:>4} %")
        parts = []
        if "episode/recent" in metrics:
            recent = metrics["episode/recent"]
            parts.append(f"return {decimal(recent, places_for(recent))}")
        if "train/steps_per_s" in metrics:
            parts.append(f"{metrics['train/steps_per_s'] / 1000:.1f}k steps/s")
        if (left := running.left_s(now)) is not None:
            parts.append(f"{duration(max(1.0, round(left)))} left".replace(".0 s", " s"))
        for part in parts:
            if line.cell_len + len(part) + 2 <= self.console.width - 1:
                line += Text(f"  {part}")
        return line

    def bar(self, seed: int, filled: int) -> Text:
        """The progress bar is the learning curve: each cell as high as the return was there, on one
        scale for all seeds; without news as high as the one before."""
        values = [value for curve in self.curves.values() for value in curve if value is not None]
        low, high = (min(values), max(values)) if values else (0.0, 0.0)
        cells = [HEIGHTS[0]]
        for value in self.curves[seed][: filled + 1]:
            share = (value - low) / (high - low) if value is not None and high > low else 0.0
            height = HEIGHTS[round(share * (len(HEIGHTS) - 1))]
            cells.append(cells[-1] if value is None else height)
        drawn = "".join(cells[1:])
        return Text.assemble((drawn, COLOURS["rl"]), ("─" * (BAR_WIDTH - len(drawn)), "dim"))


def show_evaluation(console: Console, report: Mapping[str, Any]) -> None:
    """The table of the seeds' final evaluations, and what they say together."""
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("seed")
    for name in ("mean return", "sd", "worst", "best", "episodes", "steps/s"):
        table.add_column(name, justify="right", no_wrap=True)
    places = places_for(*(value for row in report["seeds"] for value in row["returns"]))
    for row in report["seeds"]:
        speed = row.get("steps_per_s")
        table.add_row(
            str(row["seed"]),
            decimal(row["mean"], places),
            decimal(row["sd"], places),
            decimal(min(row["returns"]), places),
            decimal(max(row["returns"]), places),
            str(len(row["returns"])),
            decimal(speed, 0) if speed else "",
        )
    console.print()
    console.print(table)
    console.print()
    console.print(result(report), soft_wrap=True)

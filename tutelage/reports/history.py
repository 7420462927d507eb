"""What a stage has logged so far, metric by metric, as the doctor's rules look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean

from tutelage.reports.reading import LARGEST

FIRST, LAST = 5, 10  # steps whose means say how a run began and where it is
ROLLING = 20  # steps of a rolling mean


@dataclass
class Column:
    """One metric of a stage in the order of its steps."""

    steps: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    means: list[float] = field(default_factory=list)  # of the last ROLLING values, from then on
    peak: int = 0  # index of the highest mean

    def add(self, step: float, value: float) -> None:
        self.steps.append(step)
        self.values.append(value)
        if len(self.values) >= ROLLING:
            self.means.append(fmean(self.values[-ROLLING:]))
            if self.means[-1] > self.means[self.peak]:
                self.peak = len(self.means) - 1

    def last(self, count: int) -> list[float]:
        """The last `count` values, none where there are fewer."""
        return self.values[-count:] if len(self.values) >= count else []

    def ends(self) -> tuple[list[float], list[float]] | None:
        """How it began and where it is, once these do not overlap."""
        if len(self.values) < FIRST + LAST:
            return None
        return self.values[:FIRST], self.values[-LAST:]


class History:
    """What a stage has logged; a metric that it never logged is an empty column."""

    def __init__(self) -> None:
        self.columns: dict[str, Column] = {}

    def __getitem__(self, name: str) -> Column:
        return self.columns.get(name) or Column()

    def add(self, step: float, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            if abs(value) < LARGEST:  # as in what is read back: NaN and infinity are absent
                self.columns.setdefault(name, Column()).add(step, value)

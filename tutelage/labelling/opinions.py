"""Labels read from the store in the form from which agreement, skill and learning curves
are counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tutelage.labelling.pairs import Ints, Ranking
from tutelage.labelling.records import Label, Task
from tutelage.labelling.store import Store
from tutelage.labelling.tasks import labels_with_tasks


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """The reward model's accuracy after a version of the teacher."""

    version: int
    comparisons: int  # that it had learned from by then, the run's own and people's
    before: float
    after: float
    pairs: int  # held-out ones, that it was measured on
    ci95: tuple[float, float] | None  # of `after`, where the version noted one


@dataclass(frozen=True, kw_only=True)
class Opinions:
    """All labels that were not taken back."""

    last: int  # the newest label's id
    rankings: list[Ranking]  # of rank tasks; the labeler is an id
    rated: Ints  # (N, 3) task, labeler id, overall 0 to 6
    active_s: list[float]  # of each label, as the server measured it
    ranking_s: list[float]  # of the rankings alone
    by_labeler: dict[int, list[float]]  # the same for each person
    measurements: list[Measurement]


def read_opinions(store: Store) -> Opinions:
    """All of them, in the order of commit."""
    rankings: list[Ranking] = []
    rated: list[tuple[int, int, int]] = []
    active_s: list[float] = []
    ranking_s: list[float] = []
    by_labeler: dict[int, list[float]] = {}
    used: list[Label] = []
    last = 0
    for label, task in labels_with_tasks(store):
        last = label.id
        active_s.append(label.active_s)
        by_labeler.setdefault(label.labeler_id, []).append(label.active_s)
        if label.used_at is not None:
            used.append(label)
        if task is None:
            continue
        if label.kind == "rank" and label.value["ranking"]:
            rankings.append(_ranking(label, task))
            ranking_s.append(label.active_s)
        elif label.kind == "rate":
            rated.append((task.id, label.labeler_id, label.value["overall"] - 1))
    return Opinions(
        last=last,
        rankings=rankings,
        rated=np.array(rated, dtype=np.int64).reshape(-1, 3),
        active_s=active_s,
        ranking_s=ranking_s,
        by_labeler=by_labeler,
        measurements=_measurements(used),
    )


def _ranking(label: Label, task: Task) -> Ranking:
    replies: Sequence[str] = task.payload["responses"]
    ranks = [0] * len(replies)
    for rank, group in enumerate(label.value["ranking"]):
        for reply in group:
            ranks[reply] = rank
    order: list[int] = label.value["shown_order"]
    return Ranking(
        task=task.id,
        labeler=label.labeler_id,
        ranks=ranks,
        shown=[order.index(reply) for reply in range(len(replies))],
        lengths=[len(reply) for reply in replies],
    )


def _measurements(used: Sequence[Label]) -> list[Measurement]:
    """One for each version that measured itself, the oldest first."""
    effects: dict[int, dict[str, Any]] = {}
    for label in used:
        effect = label.effect or {}
        if effect.get("pairs") and effect.get("comparisons") and not effect.get("left_out"):
            effects[effect["version"]] = effect
    measurements: list[Measurement] = []
    for version, effect in sorted(effects.items()):
        measured = Measurement(
            version=version,
            comparisons=int(effect["comparisons"]),
            before=float(effect["accuracy_before"]),
            after=float(effect["accuracy_after"]),
            pairs=int(effect["pairs"]),
            ci95=tuple(effect["ci95"]) if effect.get("ci95") else None,
        )
        # A version of demonstrations alone repeats the last measurement.
        same = measurements and (measurements[-1].comparisons, measurements[-1].after)
        if same != (measured.comparisons, measured.after):
            measurements.append(measured)
    return measurements

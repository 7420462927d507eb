"""What a pair, a ranking, a rating, a thumb or a demonstration is worth for the same minutes.

Labelers are simulated: noisy (two of skill 1 agree on 77 % of pairs), of unlike skill, each with an
offset when they rate, on prompts that lift or lower all their replies. What a label takes is
modelled from reading and typing speeds, see `worth_of_labels.py`; every assumption
is an option. `worth` is minutes of pairs that do what `spent` minutes of a label do, a share.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import tyro
from common import commit, machine
from simulated_labels import (
    WorldConfig,
    make_crowd,
    make_world,
    more_replies,
    share_of_labels,
)
from worth_of_labels import KINDS, WorthConfig, accuracy_by_minutes, seconds

from tutelage.evaluation.statistics import mean_interval


@dataclass(frozen=True, kw_only=True)
class Settings:
    seeds: int = 16
    minutes: tuple[float, ...] = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0)
    spent: float = 40.0  # minutes, one of those above
    world: WorldConfig = field(default_factory=lambda: WorldConfig(responses=9))
    labels: WorthConfig = field(default_factory=WorthConfig)


def main(settings: Settings) -> None:
    config = settings.labels
    found: dict[str, list[list[float]]] = {kind: [] for kind in KINDS}
    for seed in range(settings.seeds):
        generator = np.random.default_rng([seed, 7])
        world = make_world(settings.world, generator)
        unseen = more_replies(world, 500, generator)
        spreads = config.skill_spread, config.offset_spread
        crowd = make_crowd(config.labelers, *spreads, generator)
        for kind, curves in found.items():
            curves.append(
                accuracy_by_minutes(kind, settings.minutes, world, unseen, crowd, config, seed)
            )
    pairs = np.array(found["pair"])
    place = settings.minutes.index(settings.spent)
    kinds = {}
    for kind, curves in found.items():
        own = np.array(curves)
        mean, interval = mean_interval(own[:, place].tolist())
        worth, worth_interval = share_of_labels(settings.minutes, own, pairs, settings.spent)
        kinds[kind] = {
            "seconds": round(seconds(kind, config), 1),
            "accuracy": round(mean, 4),
            "ci95": [round(end, 4) for end in interval or ()],
            "worth": round(worth, 2),
            "worth_ci95": [round(end, 2) for end in worth_interval],
            "curve": [round(float(value), 4) for value in own.mean(axis=0)],
        }
    line = {
        "claim": "What labels are worth for the same minutes",
        "unit": "accuracy on unseen pairs by true utility; minutes of pairs a minute",
        "spent_minutes": settings.spent,
        "minutes": settings.minutes,
        "kinds": kinds,
        "worth_at_most": max(settings.minutes) / settings.spent,
        "seeds": list(range(settings.seeds)),
        "world": asdict(settings.world),
        "labels": asdict(config),
        "machine": machine(),
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "command": " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
    }
    print(json.dumps(line, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))

"""From a click to the model: seconds from when a label is acknowledged to the reward model's first
gradient step with it, to the policy's first step after that, and to a server's having loaded the
version that it made.

A process of its own labels what the queue offers at a steady rate and looks for new versions as the
server does; this one is the teacher, as `tutelage teach` runs it, on a copy of a run. Without --run
a school of a few minutes makes one. The target is a p95 of 5 s to the gradient step.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
import tyro
from common import commit, machine

from tutelage.commands.machine import available_cores
from tutelage.commands.teach import TeachOptions, prepare_run
from tutelage.labelling.accounts import local_person
from tutelage.labelling.guidelines import current
from tutelage.labelling.labels import labels_with
from tutelage.labelling.queue import claim, submit
from tutelage.labelling.settings import change_settings
from tutelage.labelling.store import Store, labels_url
from tutelage.labelling.values import RATING_FIELDS
from tutelage.model.checkpoint import load_policy
from tutelage.plan import SchoolConfig
from tutelage.runs import Run
from tutelage.school import school
from tutelage.stages.classroom import Classroom, TeachConfig
from tutelage.stages.teach import teach
from tutelage.taught import newest_taught

TARGET_S = 5.0  # p95 from click to gradient step
LOOK_EVERY_S = 0.5  # as the server looks for a newer version


@dataclass(frozen=True, kw_only=True)
class Settings:
    run: Path | None = None  # a school's run; a copy of it is taught
    labels: int = 60
    rate: float = 1.0  # labels a second
    minutes: float = 3.0  # of the school, where no run is given
    seed: int = 0
    labeler: Path | None = None  # used by the benchmark itself: label this run's queue


def main() -> None:
    settings = tyro.cli(Settings)
    if settings.labeler is not None:
        label(settings.labeler, settings)
        return
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder) / "run"
        if settings.run is None:
            for _ in school(SchoolConfig(run=copied, minutes=settings.minutes)):
                pass
        else:
            shutil.copytree(settings.run, copied)
        for old in ("labels.db", "labels.db-wal", "labels.db-shm"):
            (copied / old).unlink(missing_ok=True)
        shutil.rmtree(copied / "taught", ignore_errors=True)
        (copied / "checkpoints" / "teach.resume.pt").unlink(missing_ok=True)
        measure(copied, settings)


def measure(run: Path, settings: Settings) -> None:
    """Teach while the other process labels, and print the line."""
    torch.set_num_threads(max(1, available_cores() - 1))
    options = TeachOptions(run=run, seed=settings.seed, teaching=TeachConfig())
    store = Store(labels_url(run))
    change_settings(store, None, queue_depth=30)
    learners, ground = prepare_run(options)
    room = Classroom(Run(run), store, learners, ground, options.teaching, settings.seed)
    for event in teach(room, once=True):  # the first tasks
        assert event.kind == "queue"
    room = replace(room)
    gradient: dict[int, float] = {}  # label: when the first step with it was done
    stepped: dict[int, float] = {}  # label: when the policy's first step after it was done
    version_of: dict[int, int] = {}
    words = [sys.executable, __file__, "--labeler", str(run), "--labels", str(settings.labels)]
    words += ["--rate", str(settings.rate), "--seed", str(settings.seed)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as labeler:
        assert labeler.stdout is not None
        for event in teach(room):
            now = time.time()
            if event.kind == "reward":
                for number in event.labels:
                    gradient.setdefault(number, now)
            elif event.kind == "policy":
                for number in gradient:
                    stepped.setdefault(number, now)
            elif event.kind == "version":
                version_of.update(dict.fromkeys(event.labels, event.version))
                if len(version_of) >= settings.labels:
                    break
        told = json.loads(labeler.stdout.read())
    store.close()
    clicked = {int(number): at for number, at in told["clicked"].items()}
    served = {int(version): at for version, at in told["served"].items()}
    to_gradient = [gradient[number] - at for number, at in clicked.items()]
    line = {
        "claim": "label_to_gradient",
        "unit": "s",
        "target": 1.0,
        "ratio": round(TARGET_S / float(np.quantile(to_gradient, 0.95)), 3),
        "target_s": TARGET_S,
        "click_to_gradient": quantiles(to_gradient),
        "click_to_policy_step": quantiles([stepped[n] - at for n, at in clicked.items()]),
        "click_to_served": quantiles(
            [
                min(at for version, at in served.items() if version >= version_of[number])
                - clicked_at
                for number, clicked_at in clicked.items()
            ]
        ),
        "labels": len(clicked),
        "labels_a_second": settings.rate,
        "versions": max(version_of.values()),
        "parameters": learners.policy.parameter_count(),
        "seeds": [settings.seed],
        "machine": machine(),
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "command": " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
    }
    print(json.dumps(line, ensure_ascii=False), flush=True)


def quantiles(seconds: Sequence[float]) -> dict[str, float]:
    return {f"p{q}": round(float(np.quantile(seconds, q / 100)), 3) for q in (50, 95)}


def label(run: Path, settings: Settings) -> None:
    """Answer the queue's tasks at the rate asked for; then say when each answer was acknowledged
    and when each version could speak."""
    store = Store(labels_url(run))
    person, guidelines = local_person(store).id, current(store).hash
    clicked: dict[int, float] = {}
    served: dict[int, float] = {}
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            taught = newest_taught(run)
            if taught is not None and taught.version not in served:
                load_policy(taught.policy)
                served[taught.version] = time.time()
            time.sleep(LOOK_EVERY_S)

    watcher = threading.Thread(target=look)
    watcher.start()
    dice = random.Random(settings.seed)
    began = time.monotonic()
    while len(clicked) < settings.labels:
        assignment = claim(store, person, kinds=["rank", "rate"])
        due = began + len(clicked) / settings.rate
        time.sleep(max(0.05, due - time.monotonic()))
        if assignment is None:
            continue
        task = assignment.task
        if task.kind == "rank":
            order = list(range(len(task.payload["responses"])))
            dice.shuffle(order)
            value = {"ranking": [[place] for place in order]}
        else:
            fields = dict.fromkeys(RATING_FIELDS, False)
            value = {"overall": dice.randint(1, 7), "fields": fields}
        made = submit(store, assignment.id, person, f"label {len(clicked)}", value, guidelines)
        clicked[made.id] = time.time()
    last = max(clicked)
    while True:  # until the version that has used the last label can speak
        time.sleep(0.2)
        used = [found for found in labels_with(store, [last]) if found.effect]
        if used and max(served, default=0) >= used[0].effect["version"]:
            break
    done.set()
    watcher.join()
    store.close()
    print(json.dumps({"clicked": clicked, "served": served}))


if __name__ == "__main__":
    main()

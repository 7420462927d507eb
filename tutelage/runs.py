"""A run is a folder: config, metrics, checkpoints, labels, report. Whatever is written there is
written under a temporary name, flushed to disk and renamed, so that a killed process leaves either
the old file or the new one."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from tutelage.errors import BadInput

# Stages in the order in which they are taught; a number after the name counts rounds.
_ORDER = ("pretrain", "sft", "reward", "prefer", "ppo", "rl")


@dataclass(frozen=True)
class Progress:
    """What a stage yields after each step, for whoever watches."""

    stage: str
    step: int  # steps done
    steps: int  # steps planned
    metrics: Mapping[str, float] = field(default_factory=dict)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until what is inside is done. A signal mask would not do: another thread takes
    the signal, and Python then interrupts the main one."""
    if threading.current_thread() is not threading.main_thread():  # never interrupted
        yield
        return
    signals: list[int] = []
    old = signal.signal(signal.SIGINT, lambda number, _: signals.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, old)
        if signals:
            signal.raise_signal(signal.SIGINT)


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file, flush it to disk and give it its name."""
    temporary = path.with_name(f".{path.name}.partial")
    with uninterrupted():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(temporary)
            with open(temporary, "rb") as file:
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def write_folder(target: Path, write: Callable[[Path], object]) -> None:
    """The same for a folder of files, which must not be there yet."""
    temporary = target.with_name(f".{target.name}.partial")
    with uninterrupted():
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            write(temporary)
            for path in temporary.iterdir():
                with open(path, "rb") as file:
                    os.fsync(file.fileno())
            os.replace(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_json(path: Path, value: object) -> None:
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"There is no file {path}.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is not JSON: {error}.") from None


def stages_of(folder: Path) -> list[str]:
    """The finished stages of a run, oldest first."""
    names = [path.parent.name for path in (folder / "checkpoints").glob("*/model.json")]
    return sorted((name for name in names if not name.startswith(".")), key=taught_at)


def taught_at(stage: str) -> tuple[int, int, str]:
    """What puts stages in the order in which they are taught."""
    name, _, number = stage.rpartition("_") if re.search(r"_\d+$", stage) else (stage, "", "0")
    round_number = int(number)
    place = _ORDER.index(name) if name in _ORDER else len(_ORDER)
    # Rounds repeat the last stages, so among these the round counts first.
    return (min(place, 2), round_number, f"{place}{name}")


class Run:
    """The folder of one run and what it knows of its stages."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        if self.folder.exists() and not self.folder.is_dir():
            raise BadInput(f"The run folder {self.folder} is a file; give a folder.")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._metrics_path = self.folder / "metrics.jsonl"
        for path in (self.folder / "checkpoints").glob("*.resume.pt"):
            if self.done(path.name.removesuffix(".resume.pt")):  # killed at the end of `finish`
                path.unlink()

    def checkpoint(self, stage: str) -> Path:
        """Folder of a finished stage."""
        return self.folder / "checkpoints" / stage

    def _resume_path(self, stage: str) -> Path:
        return self.folder / "checkpoints" / f"{stage}.resume.pt"

    def done(self, stage: str) -> bool:
        return self.checkpoint(stage).is_dir()

    def save_state(self, stage: str, state: Mapping[str, Any]) -> None:
        """Keep what a stage needs to go on: plain numbers, tensors, state dicts."""
        write_atomically(self._resume_path(stage), lambda path: torch.save(dict(state), path))

    def load_state(self, stage: str) -> dict[str, Any] | None:
        """The last saved state, or None. Metrics logged after it are dropped: they come again."""
        path = self._resume_path(stage)
        state = torch.load(path, weights_only=True) if path.exists() else None
        self._forget_metrics(stage, after=state["step"] if state else -1)
        return state

    def finish(self, stage: str, write: Callable[[Path], object]) -> None:
        """Let `write` fill the stage's folder; from then on `done(stage)`."""
        with uninterrupted():
            write_folder(self.checkpoint(stage), write)
            # Not before: a kill in between would lose the stage. A kill here leaves the state
            # with the finished stage until the run is opened again.
            self._resume_path(stage).unlink(missing_ok=True)

    def log(self, stage: str, step: int, metrics: Mapping[str, float]) -> None:
        """Append one line to metrics.jsonl; names are `area/name`."""
        line = json.dumps({"stage": stage, "step": step, **metrics})
        with open(self._metrics_path, "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def metrics(self) -> list[dict[str, Any]]:
        """All whole lines logged so far; a line that a kill cut short is left out."""
        if not self._metrics_path.exists():
            return []
        rows = []
        for line in self._metrics_path.read_text(encoding="utf-8").split("\n"):
            with contextlib.suppress(json.JSONDecodeError):
                rows.append(json.loads(line))
        return rows

    def timings(self) -> dict[str, float]:
        """timings.json: the seconds of each stage, over all its attempts but those that were killed
        by force."""
        path = self.folder / "timings.json"
        return dict(read_json(path)) if path.exists() else {}

    def add_seconds(self, stage: str, seconds: float) -> None:
        """Add to the stage's seconds in timings.json."""
        spent = self.timings()
        write_json(self.folder / "timings.json", spent | {stage: spent.get(stage, 0.0) + seconds})

    @contextlib.contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the seconds that this attempt at a stage takes to timings.json."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add_seconds(stage, time.perf_counter() - began)

    def _forget_metrics(self, stage: str, after: int) -> None:
        kept = [row for row in self.metrics() if row["stage"] != stage or row["step"] <= after]
        if self._metrics_path.exists():  # rewritten even if whole: its last line may be torn
            write_text(self._metrics_path, "".join(json.dumps(row) + "\n" for row in kept))

"""Reads and checks a run's numbers: report.json and metrics.jsonl."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from tutelage.config import read_toml
from tutelage.errors import BadInput
from tutelage.reports.overview import REINFORCED
from tutelage.wording import clipped, visible

VERSION = 1
LARGEST = 1e15  # beyond it a number is a mistake, and formatting it would overflow

Series = dict[str, list[tuple[float, float]]]  # metric name → (step, value), by step


@dataclass(frozen=True)
class Kind:
    """A single value: what it is called in an error, and what it accepts."""

    called: str
    accepts: Callable[[Any], bool]


@dataclass(frozen=True)
class Every:
    """An object whose keys are free and whose values share one shape."""

    shape: Any


def _is_number(value: Any) -> bool:
    # A comparison with NaN is false, so this leaves out what is not finite as well.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST


def _is_share(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1


def _is_count(value: Any) -> bool:
    return _is_number(value) and isinstance(value, int) and value >= 0


def _is_interval(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(_is_number(end) for end in value)
        and value[0] <= value[1]
    )


NUMBER = Kind("a finite number", _is_number)
SHARE = Kind("a number from 0 to 1", _is_share)
COUNT = Kind("a whole number from 0", _is_count)
TEXT = Kind("text", lambda value: isinstance(value, str))
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
INTERVAL = Kind("an interval [low, high]", _is_interval)

# A key that ends in ? may be absent or null; keys not named here are left out.
SAMPLED = {"success": SHARE, "ci95": INTERVAL, "n": COUNT}
MEASURED = {**SAMPLED, "sampled?": SAMPLED}
FALSE_RATE = {"rate?": SHARE, "success?": SHARE, "ci95": INTERVAL, "n": COUNT}
STAGE = {
    "seconds?": NUMBER,
    "steps?": COUNT,
    "tokens?": COUNT,
    "rounds?": COUNT,
    "held_out?": Every(MEASURED),
    "recognised?": Every({**SAMPLED, "name?": TEXT, "goal?": SHARE}),
    "false_refusals?": FALSE_RATE,
    "reply_tokens?": NUMBER,
    "kl?": NUMBER,
}
REWARD_MODEL = {
    "pair_accuracy": SHARE,
    "ceiling": SHARE,
    "ece?": SHARE,
    "n?": COUNT,
    "ci95?": INTERVAL,
    "prompts?": COUNT,
    "gold_pair_accuracy?": SHARE,
    "agreement?": SHARE,
    "calibration?": [{"confidence": SHARE, "accuracy": SHARE, "n": COUNT, "ci95?": INTERVAL}],
    "by_length_difference?": [{"label": TEXT, "accuracy": SHARE, "n": COUNT, "ci95?": INTERVAL}],
    "rounds?": [
        {
            "round": COUNT,
            "comparisons?": COUNT,
            "pair_accuracy": SHARE,
            "ceiling": SHARE,
            "ece?": SHARE,
        }
    ],
}
AUDIT = {
    "round": COUNT,
    "step": COUNT,
    "kl": NUMBER,
    "score": NUMBER,
    "gold": SHARE,
    "ci95": INTERVAL,
    "n?": COUNT,
    "kept?": FLAG,
}
REPORT = {
    "version": COUNT,
    "command?": TEXT,
    "commit?": TEXT,
    "seed?": COUNT,
    "seconds?": NUMBER,
    "peak_memory_bytes?": NUMBER,
    "machine?": {
        "processor?": TEXT,
        "cores?": COUNT,
        "torch?": TEXT,
        "python?": TEXT,
        "tutelage?": TEXT,
        "dtype?": TEXT,
    },
    "model?": {
        "parameters?": COUNT,
        "width?": COUNT,
        "layers?": COUNT,
        "heads?": COUNT,
        "vocabulary?": COUNT,
    },
    "judge?": TEXT,
    "algorithm?": TEXT,
    "claim?": TEXT,
    "stages?": Every(STAGE),
    "differences?": Every({"difference": NUMBER, "ci95": INTERVAL, "n": COUNT}),
    "reward_model?": REWARD_MODEL,
    "best_of_n?": [{"n": COUNT, "gold": SHARE, "ci95": INTERVAL, "score?": NUMBER}],
    "over_optimisation?": [AUDIT],
    "selection?": [{"round": COUNT, "kept": AUDIT, "last": AUDIT, "gold_best": AUDIT}],
    "by_group?": [
        {
            "group": TEXT,
            "n": COUNT,
            **{f"{stage}?": SHARE for stage in ("pretrain", "sft", *REINFORCED)},
        }
    ],
    "examples?": [
        {
            "request": TEXT,
            "set?": TEXT,
            "kind?": TEXT,
            "reference?": TEXT,
            "answers": Every({"text": TEXT, "success": FLAG, "reason?": TEXT}),
        }
    ],
    "costs?": [{"stage": TEXT, "seconds": NUMBER}],
}
# of a network that learned to act in an environment
CONTROL = {
    "version": COUNT,
    "kind": TEXT,
    "environment": TEXT,
    "algorithm": TEXT,
    "seeds": [
        {
            "seed": COUNT,
            "returns": [NUMBER],
            "mean": NUMBER,
            "sd": NUMBER,
            "first_return?": NUMBER,
            "steps": COUNT,
            "seconds": NUMBER,
            "steps_per_s?": NUMBER,
        }
    ],
    "mean": NUMBER,
    "ci95?": INTERVAL,
    "film?": {"seed": COUNT, "episodes": COUNT, "return": NUMBER, "steps": COUNT, "speed": NUMBER},
    "settings?": Every(TEXT),
    "machine?": dict.fromkeys(("processor?", "torch?", "gymnasium?", "python?", "tutelage?"), TEXT),
    "commit?": TEXT,
    "command?": TEXT,
}


class _Mismatch(Exception):
    """A value is not of the shape expected at its place."""


def _mismatch(place: str, expected: str, value: Any) -> NoReturn:
    given = "nothing" if value is _ABSENT else clipped(json.dumps(value), 60)
    raise _Mismatch(f"expected {expected} at `{visible(place) or 'the top'}`, got {given}.")


_ABSENT = object()


def _checked(value: Any, shape: Any, place: str) -> Any:
    """value with only what shape names in it, its text made visible; or _Mismatch."""
    if isinstance(shape, Kind):
        if not shape.accepts(value):
            _mismatch(place, shape.called, value)
        return visible(value) if isinstance(value, str) else value
    if isinstance(shape, list):
        if not isinstance(value, list):
            _mismatch(place, "a list", value)
        return [_checked(item, shape[0], f"{place}[{i}]") for i, item in enumerate(value)]
    if not isinstance(value, dict):
        _mismatch(place, "an object", value)
    prefix = f"{place}." if place else ""
    if isinstance(shape, Every):
        return {
            visible(key): _checked(item, shape.shape, prefix + key)
            for key, item in value.items()
            if item is not None
        }
    checked = {}
    for key, inner in shape.items():
        name = key.removesuffix("?")
        item = value.get(name, _ABSENT)
        if key.endswith("?") and (item is None or item is _ABSENT):
            continue
        checked[name] = _checked(item, inner, prefix + name)
    return checked


def _parsed(text: str) -> Any:
    """JSON in which NaN and Infinity, which a diverged run may write, count as absent."""
    return json.loads(text, parse_constant=lambda _: None)


def _text(path: Path) -> str:
    """A file's text, or one sentence about why there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadInput(f"The file {path}: expected UTF-8 text, got other bytes.") from None
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise BadInput(f"The file {path} cannot be read: {reason}.") from None


def read_report(path: Path) -> dict[str, Any]:
    """The numbers in report.json, checked; what is absent there is absent here."""
    text = _text(path)
    try:
        raw = _parsed(text)
    except json.JSONDecodeError as error:
        raise BadInput(
            f"The file {path}, line {error.lineno}: expected JSON, {error.msg}."
        ) from None
    except (ValueError, RecursionError):
        raise BadInput(f"The file {path}: its JSON cannot be read.") from None
    try:
        head = raw if isinstance(raw, dict) else {}
        if isinstance(version := head.get("version"), int) and version != VERSION:
            raise _Mismatch(f"is of version {version}; this Tutelage reads version {VERSION}.")
        is_control = head.get("kind") == "control"
        report: dict[str, Any] = _checked(raw, CONTROL if is_control else REPORT, "")
        if is_control and not all([report["seeds"], *(row["returns"] for row in report["seeds"])]):
            raise _Mismatch("expected seeds with returns, got none.")
        _check_rates(report)
    except _Mismatch as mismatch:
        raise BadInput(f"The file {path}: {mismatch}") from None
    return report


def seed_metrics(run_folder: Path) -> dict[int, Path]:
    """Where the seeds of a run of `tutelage rl --env` that have begun write their metrics."""
    paths = run_folder.glob("seed_*/metrics.jsonl")
    names = [(path.parent.name.removeprefix("seed_"), path) for path in paths]
    return dict(sorted((int(seed), path) for seed, path in names if seed.isdecimal()))


def begun_control(run_folder: Path) -> dict[str, Any] | None:
    """The known part of such a run's report before it is written; None for another run."""
    seeds = seed_metrics(run_folder)
    if not seeds or not (run_folder / "rl.toml").exists():
        return None
    settings = read_toml(run_folder / "rl.toml").get("rl", {})
    return {
        "kind": "control",
        "environment": str(settings.get("env", "")),
        "algorithm": str(settings.get("algorithm", "")),
        "seeds": [{"seed": seed} for seed in seeds],
    }


def _check_rates(report: dict[str, Any]) -> None:
    """False refusals are a rate; a file may call it either rate or success."""
    for name, stage in report.get("stages", {}).items():
        refusals = stage.get("false_refusals")
        if refusals is None:
            continue
        rate = refusals.get("rate", refusals.get("success"))
        if rate is None:
            _mismatch(f"stages.{name}.false_refusals.rate", SHARE.called, _ABSENT)
        refusals["rate"] = rate


def read_metrics(path: Path) -> dict[str, Series]:
    """Curves by stage and metric name; a step written twice counts as last written."""
    if not path.exists():
        return {}
    points: dict[str, dict[str, dict[float, float]]] = {}
    for number, line in enumerate(_text(path).split("\n"), start=1):
        # What is not JSON was cut short when the run was killed; its step was written again.
        record = None
        with contextlib.suppress(ValueError, RecursionError):
            record = _parsed(line)
        if record is not None:
            _add_metrics(points, record, f"The file {path}, line {number}:")
    return {
        stage: {name: sorted(values.items()) for name, values in metrics.items()}
        for stage, metrics in points.items()
    }


def _add_metrics(points: dict[str, dict[str, dict[float, float]]], record: Any, where: str) -> None:
    """One line of metrics.jsonl put with the others."""
    stage = record.get("stage") if isinstance(record, dict) else None
    step = record.get("step") if isinstance(record, dict) else None
    if not isinstance(stage, str) or not isinstance(step, int | float) or not _is_number(step):
        raise BadInput(f"{where} expected `stage` and `step`.")
    for name, value in record.items():
        if name != "step" and _is_number(value):
            metrics = points.setdefault(visible(stage), {})
            metrics.setdefault(visible(name), {})[step] = value

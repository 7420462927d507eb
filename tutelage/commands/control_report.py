"""What `tutelage rl --env ID` found: report.json, the best episode's picture, report.html."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from gymnasium.vector import VectorEnv

from tutelage.commands.options import options_of
from tutelage.commands.seeds import WITHOUT_REFERENCE, Training
from tutelage.device import seeded
from tutelage.evaluation.machine import commit, processor
from tutelage.evaluation.statistics import mean_interval
from tutelage.reports.film import EPISODES, NoFilm, film
from tutelage.reports.report import FILM, write_report
from tutelage.runs import Run, read_json, write_atomically, write_json
from tutelage.stages.control import evaluate_control, load_control_policy


def write_control_report(
    training: Training, seeds: Sequence[int], command: str
) -> tuple[Path, str]:
    """The page's path, and why it shows no episode, if so."""
    rows = [_seed_row(training, seed) for seed in seeds]
    means = [row["mean"] for row in rows]
    mean, ci95 = mean_interval(means if len(rows) > 1 else rows[0]["returns"])
    path = training.folder / "report.json"
    report: dict[str, Any] = {
        "version": 1,
        "kind": "control",
        "environment": training.environment,
        "algorithm": training.algorithm,
        "seeds": rows,
        "mean": mean,
        "ci95": ci95,
        "settings": _settings(training),
        "machine": {
            "processor": processor(),
            "tutelage": metadata.version("tutelage"),
            "torch": torch.__version__,
            "gymnasium": metadata.version("gymnasium"),
            "python": platform.python_version(),
        },
        "commit": commit(),
        "command": command,
    }
    best = max(rows, key=lambda row: row["mean"])["seed"]
    film_path, missing = training.folder / FILM, ""
    if film_path.exists() and path.exists():
        report["film"] = read_json(path).get("film")
    else:
        try:
            report["film"] = _filmed(training, best, film_path)
        except NoFilm as none:
            missing = str(none)
    write_json(path, report)
    return write_report(training.folder), missing


def _seed_row(training: Training, seed: int) -> dict[str, Any]:
    """A seed's numbers."""
    run = Run(training.seed_folder(seed))
    rows = run.metrics()
    returns = read_json(run.folder / "evaluation.json")["returns"]
    spent = run.timings()
    first = next((row["episode/return"] for row in rows if "episode/return" in row), None)
    row = {
        "seed": seed,
        "returns": returns,
        "mean": statistics.fmean(returns),
        "sd": statistics.stdev(returns) if len(returns) > 1 else 0.0,
        "first_return": first,
        "steps": rows[-1].get("train/steps", training.config.steps) if rows else 0,
        "seconds": spent.get("train", 0.0),
        "steps_per_s": spent.get("steps_per_s"),
    }
    return {name: value for name, value in row.items() if value is not None}


def _settings(training: Training) -> dict[str, str]:
    """Every setting as a person would type it."""
    options = options_of(training.config) | options_of(training.settings)
    options |= {"hidden": training.hidden, "env_options": training.environment_options or "none"}
    return {
        name.replace("_", " "): " ".join(map(str, value))
        if isinstance(value, tuple)
        else str(value)
        for name, value in options.items()
        if value is not None and name not in WITHOUT_REFERENCE
    }


def _filmed(training: Training, seed: int, path: Path) -> dict[str, Any]:
    """Write the picture of the best episode of a seed's policy; what it shows."""
    policy, _ = load_control_policy(training.seed_folder(seed) / "checkpoints" / "control")

    def play(environments: VectorEnv, number: int) -> list[float]:
        return evaluate_control(policy, environments, environments.num_envs, number)

    number = int(torch.randint(2**30, (), generator=seeded(seed, "film")))
    filmed = film(training.environment, training.environment_options, play, number)
    write_atomically(path, lambda temporary: temporary.write_bytes(filmed.picture))
    return {
        "seed": seed,
        "episodes": EPISODES,
        "return": filmed.total,
        "steps": filmed.steps,
        "speed": filmed.speed,
    }

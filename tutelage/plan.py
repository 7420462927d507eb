"""How a school's minutes become steps: measured once, written to the run's config, then fixed."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from tutelage.config import from_table, read_toml, to_toml
from tutelage.device import autocast, pick_dtype, seeded
from tutelage.errors import BadInput
from tutelage.model.gpt import GPT, GPTConfig
from tutelage.runs import Run, write_text
from tutelage.stages.pretrain import next_token_loss

FORMAT = 1  # of the run folder


@dataclass(frozen=True, kw_only=True)
class SchoolConfig:
    run: Path = Path("runs/school")  # folder of the run; the same command goes on with it
    minutes: float = 10.0  # how long the whole school may take on this machine
    seed: int = 0
    size: Literal["small", "default", "large"] = "default"  # of the model
    judge: Literal["reward_model", "verifier"] = "reward_model"  # who grades during reinforcement
    algorithm: Literal["ppo", "rloo", "grpo"] = "ppo"
    rounds: int | None = None  # of comparisons, reward model and reinforcement; default: what pays
    corpus: tuple[Path, ...] = ()  # your own text, added to the pretraining corpus
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"

    def __post_init__(self) -> None:
        if not 0.1 <= self.minutes <= 10_000:
            raise ValueError(f"minutes must lie between 0.1 and 10,000, got {self.minutes}")
        if self.rounds is not None and not 1 <= self.rounds <= 20:
            raise ValueError(f"rounds must lie between 1 and 20, got {self.rounds}")


SIZES = {
    "small": GPTConfig(layers=3, heads=4, width=128),
    "default": GPTConfig(layers=4, heads=4, width=192),
    "large": GPTConfig(layers=6, heads=6, width=288),
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that the minutes decide. Nothing after this depends on the clock."""

    format: int = FORMAT
    tokens_per_s: float = 0.0  # training rate measured when the plan was made
    corpus_characters: int = 1_200_000
    pretrain_steps: int = 420  # of 2,048 tokens
    demonstrations: int = 2_000
    sft_epochs: float = 10.0
    rounds: int = 3
    comparisons: int = 900  # prompts a round, before those with nothing to rank are left out
    reward_epochs: float = 1.0
    policy_steps: int = 30  # a round
    policy_prompts: int = 64  # a step
    samples_per_prompt: int = 4
    audit_tasks: int = 150
    evaluation_tasks: int = 400  # a held-out set


def open_run(config: SchoolConfig) -> tuple[Run, Plan]:
    """The run folder and its plan: read where there is one, else made and written."""
    run = Run(config.run)
    path = run.folder / "config.toml"
    if path.exists():
        return run, _read_plan(path, config)
    if any(not path.name.endswith(".partial") for path in run.folder.iterdir()):
        raise BadInput(
            f"The folder {run.folder} is not empty and holds no config.toml, so it is no school's "
            "run: give another folder with --run."
        )
    plan = make_plan(config)
    write_text(path, to_toml({"school": dataclasses.replace(config, run=Path(".")), "plan": plan}))
    return run, plan


def _read_plan(path: Path, config: SchoolConfig) -> Plan:
    tables = read_toml(path)
    if tables.get("plan", {}).get("format") != FORMAT:
        raise BadInput(
            f"{path} was written by another version of Tutelage: start a new run with --run."
        )
    written = from_table(SchoolConfig, tables.get("school", {}), f"{path}, [school]")
    for field in dataclasses.fields(SchoolConfig):
        old, new = getattr(written, field.name), getattr(config, field.name)
        if field.name != "run" and old != new:
            raise BadInput(
                f"The run {path.parent} was started with {field.name} = {old}, not {new}: "
                f"give the same options, or another folder with --run."
            )
    return from_table(Plan, tables["plan"], f"{path}, [plan]")


def make_plan(config: SchoolConfig) -> Plan:
    return Plan()

"""How a school's minutes become steps: measured once, written to the run's config, then fixed."""

from __future__ import annotations

import dataclasses
import shlex
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from tutelage.algorithms import AlgorithmName
from tutelage.config import from_table, read_toml, to_toml
from tutelage.curricula import CurriculumName
from tutelage.device import DTypeName, autocast, pick_device, pick_dtype, seeded
from tutelage.errors import BadInput
from tutelage.judges import JUDGES, JudgeName
from tutelage.model.families import new_model
from tutelage.model.gpt import GPTConfig
from tutelage.model.language_model import imitation_loss
from tutelage.model.optimiser import MuonWithAdam
from tutelage.runs import Run, write_text
from tutelage.text.packing import plain

FORMAT = 5  # of the run folder
Size = Literal["small", "medium", "large"]


@dataclass(frozen=True, kw_only=True)
class SchoolConfig:
    run: Path = Path("runs/school")  # folder of the run; the same command goes on with it
    minutes: float = 10.0  # how long the whole school may take on this machine
    seed: int = 0
    size: Literal["auto", "small", "medium", "large"] = "auto"  # of the model; auto: by the minutes
    curriculum: CurriculumName = "terminal"  # what is taught
    judge: JudgeName = "reward_model"  # who grades during reinforcement
    algorithm: AlgorithmName = "ppo"
    rounds: int | None = None  # of comparisons, reward model and reinforcement; default: what pays
    corpus: tuple[Path, ...] = ()  # your own text, added to the pretraining corpus
    device: str = "auto"  # cpu, cuda, cuda:1 …; auto: a graphics card where there is one
    dtype: DTypeName = "auto"  # of matrix products

    def __post_init__(self) -> None:
        if not 0.1 <= self.minutes <= 10_000:
            raise ValueError(f"minutes must lie between 0.1 and 10,000, got {self.minutes}")
        if self.rounds is not None and not 1 <= self.rounds <= 20:
            raise ValueError(f"rounds must lie between 1 and 20, got {self.rounds}")


def command_of(config: SchoolConfig) -> str:
    """What to type for the same school."""
    command = f"tutelage school --minutes {config.minutes:g} --seed {config.seed}"
    for name in ("curriculum", "size", "judge", "algorithm", "rounds", "device", "dtype"):
        if getattr(config, name) != getattr(SchoolConfig, name):
            command += f" --{name} {getattr(config, name)}"
    return command + (f" --corpus {shlex.join(map(str, config.corpus))}" if config.corpus else "")


SIZES: dict[Size, GPTConfig] = {
    "small": GPTConfig(layers=3, heads=4, width=128),
    "medium": GPTConfig(layers=4, heads=4, width=192),
    "large": GPTConfig(layers=6, heads=6, width=288),
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that the minutes decide. Nothing after this depends on the clock."""

    format: int = FORMAT
    size: Size = "small"  # of the model
    tokens_per_s: float = 0.0  # training rate measured when the plan was made
    corpus_characters: int = 1_500_000
    pretrain_steps: int = 500  # of 2,048 tokens
    demonstrations: int = 2_000
    sft_epochs: float = 18.0
    rounds: int = 1
    comparisons: int = 1_800  # prompts a round, before those with nothing to rank are left out
    policy_steps: int = 30  # a round
    policy_prompts: int = 128  # a step
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
        if field.name not in ("run", "device") and old != new:
            raise BadInput(
                f"The run {path.parent} was started with {field.name} = {old}, not {new}: "
                f"give the same options, or another folder with --run."
            )
    return from_table(Plan, tables["plan"], f"{path}, [plan]")


# What a unit of work costs, in tokens of training (2,048 a pretraining step), as counted on runs
# of ten minutes, and the share of the free time that each stage gets; the rest is slack.
_TOKENS_PER_EPOCH = 64_000  # of 2,000 demonstrations
_TOKENS_PER_COMPARISON = 210  # a prompt: nine replies sampled and run, one pass of training
_TOKENS_PER_POLICY_STEP = 20_000  # 128 prompts × 4 samples: sampling, scoring, policy, critic
_SHARES = {"pretrain": 0.30, "sft": 0.26, "compare": 0.14, "policy": 0.27}
_MOST_EPOCHS = 30.0  # of SFT
_MOST_PRETRAINING = 6_000_000  # tokens: twice that lowers the loss and leaves SFT as it is


def make_plan(config: SchoolConfig) -> Plan:
    """Measure the training rate for some seconds, then share out the minutes."""
    by_minutes: Size = "small" if config.minutes < 20 else "medium"
    size = by_minutes if config.size == "auto" else config.size
    seconds = config.minutes * 60
    rate = measured_rate(size, config, min(4.0, 0.02 * seconds))
    # World, audits and evaluation run commands, not the model: their seconds come off first.
    tasks = int(min(800, max(24, 0.7 * seconds)))
    free = max(0.35 * seconds, seconds - 18 - 0.14 * tasks - 0.02 * seconds)
    tokens = {stage: share * free * rate for stage, share in _SHARES.items()}
    # A round that has too few comparisons makes a reward model that the policy fools.
    rounds = config.rounds or (1 if config.minutes < 20 else 2 if config.minutes < 60 else 3)
    if not JUDGES[config.judge].learned:
        tokens |= {"policy": tokens["policy"] + tokens["compare"], "compare": 0.0}
    epochs = min(_MOST_EPOCHS, max(0.5, tokens["sft"] / _TOKENS_PER_EPOCH))
    pretrain = tokens["pretrain"] + max(0.0, tokens["sft"] - epochs * _TOKENS_PER_EPOCH)
    # What pretraining cannot use buys comparisons and reinforcement, in their proportion.
    left = max(0.0, pretrain - _MOST_PRETRAINING)
    pretrain -= left
    graded = tokens["compare"] + tokens["policy"]
    tokens = {stage: spent * (1 + left / graded) for stage, spent in tokens.items()}
    return Plan(
        size=size,
        tokens_per_s=round(rate, 1),
        corpus_characters=int(min(8_000_000, max(150_000, 2.0 * pretrain))),  # near one pass
        pretrain_steps=max(10, int(pretrain / 2048)),
        sft_epochs=round(epochs, 2),
        rounds=rounds,
        comparisons=max(32, int(tokens["compare"] / _TOKENS_PER_COMPARISON / rounds)),
        policy_steps=max(2, int(tokens["policy"] / _TOKENS_PER_POLICY_STEP / rounds)),
        audit_tasks=int(min(400, max(16, seconds / 3))),
        evaluation_tasks=tasks,
    )


def measured_rate(size: Size, config: SchoolConfig, seconds: float) -> float:
    """Tokens a second of pretraining steps of a model of this size on this machine: the median
    step, after a first one that warms the allocator up."""
    device = pick_device(config.device)
    gpt = new_model(SIZES[size], seeded("rate")).to(device)
    dtype = pick_dtype(device, config.dtype)
    rows = torch.randint(gpt.vocabulary, (16, 129), generator=seeded("rate", "rows")).to(device)
    optimiser = MuonWithAdam(gpt.parameter_groups(), 1e-4)
    spent: list[float] = []
    while len(spent) < 6 or sum(spent) < seconds:
        began = time.perf_counter()
        with autocast(device, dtype):
            imitation_loss(gpt, plain(rows)).backward()
        optimiser.step()
        optimiser.zero_grad()
        spent.append(time.perf_counter() - began)
    return rows.shape[0] * (rows.shape[1] - 1) / statistics.median(spent[1:])

"""`tutelage teach`: people's labels move the models, while they label."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import torch
import tyro
from rich.console import Console
from rich.text import Text

from tutelage.algorithms import ALGORITHMS, AlgorithmName
from tutelage.algorithms.raters import load_raters
from tutelage.commands.folders import find_model, load_grader, read_prompts, stages_of
from tutelage.commands.machine import Machine, available_cores, prepare
from tutelage.commands.options import parse
from tutelage.data.comparisons import comparison_tree, held_out, read_comparisons
from tutelage.data.demonstrations import demonstration_tree, read_demonstrations
from tutelage.data.order import HELD_OUT, SEED, held_out_prompts
from tutelage.device import DTypeName
from tutelage.errors import BadInput
from tutelage.labelling.store import Store, labels_url
from tutelage.model.checkpoint import load_policy
from tutelage.model.heads import RewardModel
from tutelage.policies.language import LanguagePolicy
from tutelage.runs import Run
from tutelage.schema import Comparison
from tutelage.screen import ACCENT, console
from tutelage.stages.classroom import Classroom, Ground, Learners, TeachConfig, new_learners
from tutelage.stages.teach import Event, teach
from tutelage.taught import only_teacher
from tutelage.text.tokenizer import Tokenizer
from tutelage.wording import decimal, duration, percent, plural

ABOUT = """
Let people's labels move the models while they label: beside `tutelage serve RUN`, new rankings,
ratings and thumbs train the reward model, demonstrations and edits the policy, then the policy
takes a few steps against the reward model, and the server speaks with the new version. It keeps
the queue of tasks full as well, and runs until Ctrl-C.

Reads
  RUN, a run of `tutelage school`, or one with models and
  data/comparisons_1.jsonl:
  its newest policy and reward model, its comparisons and demonstrations. Those
  of an eighth of the prompts, drawn at random, are never trained on: they tell
  how often the reward model is right
  RUN/labels.db, or the database that --database names

Writes
  RUN/taught/, the last versions; RUN/metrics.jsonl;
  RUN/checkpoints/teach.resume.pt; in the database which labels were used, to
  what effect, and new tasks.
  Cut off at any moment, the same command goes on where it stopped.

Example
  tutelage teach runs/school
"""


@dataclass(frozen=True, kw_only=True)
class TeachOptions:
    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]  # the run's folder
    database: str | None = None  # sqlite:///FILE or postgresql+psycopg://…; default: in the run
    once: bool = False  # stop when no label is left
    algorithm: AlgorithmName = "ppo"
    prompts: Annotated[
        Path | None,
        tyro.conf.arg(metavar="FILE", help="what is practised and asked; default: the run's"),
    ] = None
    seed: int = 0
    device: str = "auto"  # cpu, cuda, cuda:1 …; auto: a graphics card where there is one
    dtype: DTypeName = "auto"  # of matrix products
    teaching: TeachConfig = field(default_factory=TeachConfig)


def main(argv: Sequence[str]) -> None:
    options = parse(TeachOptions, "teach", ABOUT, argv)
    machine = prepare(options.device, options.dtype)
    # One core stays for the server and the people who wait for it.
    torch.set_num_threads(max(1, available_cores() - 1))
    if not options.run.is_dir():
        raise BadInput(f"There is no folder {options.run}: give a run's folder.")
    learners, ground = prepare_run(options, machine)
    with only_teacher(options.run):
        store = Store(options.database or labels_url(options.run))
        classroom = Classroom(
            Run(options.run), store, learners, ground, options.teaching, options.seed, machine.dtype
        )
        screen = console()
        try:
            watch(screen, teach(classroom, once=options.once))
        except KeyboardInterrupt:
            stopped = f"Stopped at version {classroom.standing.version}"
            screen.print(f"{stopped}; every label up to it is marked.", soft_wrap=True)
        finally:
            store.close()


def prepare_run(options: TeachOptions, machine: Machine) -> tuple[Learners, Ground]:
    """The run's models and what it has to teach with."""
    if options.algorithm == "trpo":
        raise BadInput(
            "TRPO has no optimiser that moves the policy, as demonstrations need one: choose "
            "another --algorithm, such as ppo."
        )
    path = find_model(options.run)
    gpt, tokenizer = load_policy(path, machine.device)
    stages = stages_of(options.run)
    first = options.run / "checkpoints" / "sft" if "sft" in stages else path
    reference, _ = load_policy(first, machine.device)
    try:
        grader = find_model(options.run, grades=True)
    except BadInput:  # labels make the first one
        reward_model, raters = RewardModel(copy.deepcopy(reference)), None
    else:
        reward_model = load_grader(grader, tokenizer, path, machine.device)
        raters = load_raters(grader)
    ground = read_ground(options, tokenizer, gpt.context, path.name)
    entry = ALGORITHMS[options.algorithm]
    settings = entry.settings(**(entry.language or {}))
    critic = copy.deepcopy(reward_model) if entry.needs_critic(settings) else None
    policy = LanguagePolicy(gpt, critic, dtype=machine.dtype, rollout_dtype=machine.dtype)
    algorithm = entry.algorithm(policy, settings)
    return new_learners(tokenizer, reward_model, algorithm, reference, raters), ground


def read_ground(options: TeachOptions, tokenizer: Tokenizer, context: int, stage: str) -> Ground:
    """Comparisons to learn and to measure on, demonstrations, prompts; without what is longer than
    the model reads."""
    data, config = options.run / "data", options.teaching
    learned: list[Comparison] = []
    measured: list[Comparison] = []
    for path in sorted(data.glob("comparisons_*.jsonl")):
        comparisons = read_comparisons(path)
        if (options.run / "config.toml").exists():  # what the school's reward model never saw
            learned += comparisons[: -held_out(comparisons)]
            measured += comparisons[-held_out(comparisons) :]
        else:  # by the same draw as `tutelage reward`, which kept these out too
            prompts = [comparison.prompt for comparison in comparisons]
            out = held_out_prompts(prompts, HELD_OUT, SEED, least=1)
            learned += [c for c in comparisons if c.prompt not in out]
            measured += [c for c in comparisons if c.prompt in out]
    if not (learned and measured):
        raise BadInput(
            f"{options.run} holds no comparisons (data/comparisons_1.jsonl, of two prompts at "
            "least) to measure the effect of a label on: give the run of a school that was not "
            "graded by the verifier, or put some there."
        )
    measured = measured[-config.held_out :]
    path = data / "demonstrations.jsonl"
    demonstrations = read_demonstrations(path) if path.exists() else []
    compared = [comparison.prompt for comparison in learned]
    prompts = list(dict.fromkeys(read_prompts(options.prompts) if options.prompts else compared))
    longest = context - config.max_new_tokens
    measured_on = {comparison.prompt for comparison in measured}
    prompts = [prompt for prompt in prompts if prompt not in measured_on]
    practised = [p for p in prompts if len(tokenizer.encode_prompt(p)) <= longest]
    if not practised:
        raise BadInput(
            f"No prompt leaves room for {config.max_new_tokens} tokens of reply in the model's "
            f"context of {context}: give a smaller --max-new-tokens."
        )
    return Ground(
        [c for c in learned if comparison_tree(tokenizer, c).longest <= context],
        [c for c in measured if comparison_tree(tokenizer, c).longest <= context],
        [d for d in demonstrations if demonstration_tree(tokenizer, d).longest <= context],
        practised,
        stage,
    )


def watch(screen: Console, events: Iterator[Event]) -> None:
    """A line for each version and each lot of tasks; at a terminal a live one in between."""
    with screen.status(WAITING) if screen.is_terminal else nullcontext() as status:
        for event in events:
            if event.kind in DOING:
                if status:
                    status.update(f"Version {event.version}: {DOING[event.kind]}")
            else:
                screen.print(line(event), soft_wrap=True)
                if status:
                    status.update(WAITING)


WAITING = "Waiting for labels …"
DOING = {
    "reward": "the reward model learns",
    "sft": "the policy imitates",
    "policy": "the policy practises",
}


def line(event: Event) -> Text:
    """✓ Version 12  3 labels   reward model right 71.2 % → 71.6 %   reward 0.42   KL 1.3 nats"""
    metrics = event.metrics
    if event.kind == "queue":
        return Text(f"  {plural(int(metrics['queue/added']), 'task')} added to the queue", "dim")
    before, after = metrics["teach/accuracy_before"], metrics["teach/accuracy"]
    parts = [
        plural(len(event.labels), "label"),
        f"reward model right {percent(before)} → {percent(after)}",
        f"reward {decimal(metrics['reward/mean'], 2)}",
        f"KL {decimal(metrics['policy/kl'], 2)} nats",
        f"{duration(metrics['teach/seconds'])} after the last label",
    ]
    mark, name = ("✓ ", f"bold {ACCENT}"), f"Version {event.version:<5}"
    return Text.assemble(mark, name, "   ".join(parts))

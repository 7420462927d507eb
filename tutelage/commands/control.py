"""`tutelage rl --env ID`: a network learns to act in an environment, several seeds side by side."""

from __future__ import annotations

import dataclasses
import functools
import json
import shlex
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import torch
from tyro.conf import arg

from tutelage.algorithms import ALGORITHMS, ControlAlgorithmName
from tutelage.commands.folders import find_policy, settle
from tutelage.commands.machine import available_cores
from tutelage.commands.options import environment_options, parse, peek, settings_class
from tutelage.commands.seed_lines import SeedLines, show_evaluation
from tutelage.commands.seeds import (
    WITHOUT_REFERENCE,
    Training,
    new_algorithm,
    side_by_side,
)
from tutelage.environments import make_environments
from tutelage.environments.grid import OWN_SHAPE, reads_instructions
from tutelage.errors import BadInput
from tutelage.policies.control import ControlPolicy
from tutelage.screen import console, show_next
from tutelage.stages.control import ControlConfig, PolicyShape, load_control_policy
from tutelage.wording import listing

ABOUT = """
Train a network to act in an environment of Gymnasium, by the algorithms that train a GPT. With
--seeds N it is done N times, side by side, because one run of reinforcement says little.

Reads
  --start, if given: a policy of `tutelage imitate` or of an earlier run, from
  which every seed goes on. --env-options '{"is_slippery": false}' are the
  environment's own, and --env module:Name-v0 imports the module that registers
  it

Writes
  RUN/report.html, RUN/report.json, RUN/rl.toml, and for each seed a run of its
  own, RUN/seed_0, with its curves (metrics.jsonl), what the doctor found
  (findings.json) and checkpoints/control, the policy that did best in an audit.
  Cut off at any moment, the same command goes on where it stopped.

Example
  tutelage rl --env CartPole-v1 --algorithm trpo --seeds 5 --run runs/pole
"""


@dataclass(frozen=True, kw_only=True)
class ControlOptions:
    # tyro finds no comments in a class that is made here, so the help stands in the types
    env: Annotated[str, arg(metavar="ID", help="of a Gymnasium environment")]
    run: Annotated[Path, arg(metavar="DIR", help="folder of the run")]
    algorithm: Annotated[ControlAlgorithmName, arg(help="whose settings stand below")] = "ppo"
    env_options: Annotated[str, arg(metavar="JSON", help="the environment's own")] = "{}"
    hidden: Annotated[tuple[int, ...], arg(metavar="INT ...", help="widths of the layers")] = (
        64,
        64,
    )
    start: Annotated[
        Path | None, arg(metavar="FOLDER", help="of a policy, or a run, to go on from")
    ] = None
    seeds: Annotated[int | None, arg(help="how many runs: seeds 0, 1, 2, …")] = None
    seed: Annotated[int | None, arg(help="of one run")] = None
    episodes: Annotated[int, arg(help="of the final evaluation")] = 100
    training: ControlConfig = field(default_factory=ControlConfig)
    settings: Any = None  # the algorithm's; `options_class` puts its dataclass here

    def __post_init__(self) -> None:
        if not all(width > 0 for width in self.hidden):
            widths = " ".join(map(str, self.hidden))
            raise ValueError(f"hidden must be widths above 0, got {widths}")
        if self.episodes < 1:
            raise ValueError(f"episodes must be at least 1, got {self.episodes}")
        if self.seeds is not None and self.seed is not None:
            raise ValueError("seeds (how many runs) and seed (of one run) exclude each other")
        if self.seeds is not None and self.seeds < 1:
            raise ValueError(f"seeds must be at least 1, got {self.seeds}")
        training = self.training
        update = training.environments * training.steps_per_update
        if training.steps < update:
            raise ValueError(
                f"steps must be at least {update}, one update ({training.environments} "
                f"environments × {training.steps_per_update} steps), got {training.steps}"
            )
        self.keywords()

    def keywords(self) -> dict[str, Any]:
        """The environment's own options."""
        return environment_options(self.env_options)

    def chosen_seeds(self) -> list[int]:
        return [self.seed or 0] if self.seeds is None else list(range(self.seeds))


def options_class(name: str) -> type[ControlOptions]:
    """The options with those of one algorithm among them, at its defaults for control."""
    entry = ALGORITHMS[name]
    defaults = entry.settings(**(entry.control or {}))
    settings = settings_class(defaults, (*WITHOUT_REFERENCE, *entry.fixed))
    training = ControlConfig(steps_per_update=entry.steps_per_update)
    hints = typing.get_type_hints(ControlOptions, include_extras=True)
    fields = [
        ("algorithm", hints["algorithm"], name),
        ("hidden", hints["hidden"], entry.hidden),
        ("training", ControlConfig, field(default_factory=lambda: training)),
        ("settings", settings, field(default_factory=settings)),
    ]
    return dataclasses.make_dataclass(
        "ControlOptions", fields, bases=(ControlOptions,), frozen=True, kw_only=True
    )


def read_options(argv: Sequence[str]) -> ControlOptions:
    """Which options there are depends on the algorithm, so that one is read first."""
    name = peek(argv, "rl", "algorithm")
    known = typing.get_args(ControlAlgorithmName)
    kind = options_class(name if name in known else "ppo")
    return parse(kind, "rl", ABOUT, argv, help_words="--env ID")


def main(argv: Sequence[str]) -> None:
    options = read_options(argv)
    # Networks this small keep one processor busy; a second one mostly waits, or is waited for.
    torch.set_num_threads(1)
    check_fit(options)
    start = find_start(options)
    settle(options.run, "rl", options, {"start": start / "policy.safetensors"} if start else {})
    training = Training(
        folder=options.run,
        environment=options.env,
        environment_options=options.keywords(),
        algorithm=options.algorithm,
        settings=ALGORITHMS[options.algorithm].settings(**vars(options.settings)),
        hidden=options.hidden,
        config=options.training,
        episodes=options.episodes,
        start=start,
    )
    seeds = options.chosen_seeds()
    screen = console()
    SeedLines(screen, seeds).watch(side_by_side(training, seeds, available_cores()))
    # Only now, because what draws the report takes a while to import.
    from tutelage.commands.control_report import write_control_report
    from tutelage.reports.reading import read_report

    command = shlex.join(["tutelage", "rl", *argv])
    path, missing = write_control_report(training, seeds, command)
    show_evaluation(screen, read_report(options.run / "report.json"))
    if missing:
        screen.print(f"\n{missing}", style="dim", soft_wrap=True)
    show_next(screen, _next(options, argv), report=path)


def find_start(options: ControlOptions) -> Path | None:
    """The folder of the policy to go on from. BadInput unless it is what would be made anew."""
    if options.start is None:
        return None
    folder = find_policy(options.start)
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder of a policy.")
    _, policy_shape = load_control_policy(folder)
    wanted = PolicyShape(
        environment=options.env,
        environment_options=options.keywords(),
        hidden=options.hidden,
        networks=ALGORITHMS[options.algorithm].networks,
        normalised=options.training.normalise,
    )
    for name, template in {
        "environment": "for {}",
        "environment_options": "for an environment with the options {}",
        "hidden": "with hidden layers of {}",
        "networks": "of the networks {}",
        "normalised": "whose normalise is {}",
    }.items():
        actual, expected = getattr(policy_shape, name), getattr(wanted, name)
        if actual != expected:
            if name == "environment_options":
                actual, expected = json.dumps(actual), json.dumps(expected)
            raise BadInput(f"{folder} holds a policy {template.format(actual)}, not {expected}.")
    return folder


def check_fit(options: ControlOptions) -> None:
    """Raise unless the environment can be made and the algorithm can act in it."""
    make = functools.partial(make_environments, options.env, 1, **options.keywords())
    environments = make()
    if reads_instructions(environments) and options.hidden != ALGORITHMS[options.algorithm].hidden:
        raise BadInput(f"hidden does nothing in {options.env}: {OWN_SHAPE}.")
    try:
        settings = options.settings
        algorithm = new_algorithm(options.algorithm, settings, environments, options.hidden, 0)
    except (BadInput, ValueError) as error:
        reason = str(error).rstrip(".")
    else:
        if options.training.normalise and isinstance(algorithm.policy, ControlPolicy):
            algorithm.policy.standardise()
        return
    suitable = []
    for name in typing.get_args(ControlAlgorithmName):
        entry = ALGORITHMS[name]
        try:
            settings = entry.settings(**(entry.control or {}))
            new_algorithm(name, settings, environments, options.hidden, 0)
        except (BadInput, ValueError):
            continue
        suitable.append(name)
    others = f": {listing(suitable)} can" if suitable else ""
    raise BadInput(f"{options.algorithm} cannot act in {options.env}{others}. {reason}.")


def _next(options: ControlOptions, argv: Sequence[str]) -> str:
    """The next command: five seeds after a single one, the report after several."""
    if len(options.chosen_seeds()) > 1:
        return shlex.join(["tutelage", "report", str(options.run)])
    words = list(argv)
    for name in ("--run", "--seed", "--seeds"):
        while name in words:
            at = words.index(name)
            del words[at : at + 2]
        words = [word for word in words if not word.startswith(f"{name}=")]
    return shlex.join(["tutelage", "rl", *words, "--seeds", "5", "--run", f"{options.run}-seeds"])

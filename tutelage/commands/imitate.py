"""`tutelage imitate`: act in an environment as an expert does, without its rewards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, Literal

import torch
import tyro
from gymnasium.spaces import Discrete
from gymnasium.vector import VectorEnv
from rich.text import Text

from tutelage.algorithms import ALGORITHMS
from tutelage.algorithms.gail import GAIL, GAILConfig
from tutelage.algorithms.imitation import Cloning, CloningConfig, agreement
from tutelage.commands.folders import settle
from tutelage.commands.options import environment_options, parse
from tutelage.config import require
from tutelage.device import seed_number, seeded
from tutelage.environments import make_environments
from tutelage.environments.grid import OWN_SHAPE, reads_instructions
from tutelage.errors import BadInput
from tutelage.evaluation.statistics import mean_interval
from tutelage.rollout.control import ControlPolicy, Networks
from tutelage.rollout.episodes import Episodes, read_episodes, record, save_episodes
from tutelage.runs import Progress, Run, read_json
from tutelage.stages.control import (
    PolicyShape,
    evaluate_control,
    fresh_policy,
    load_control_policy,
)
from tutelage.stages.imitation import (
    AdversarialConfig,
    CloneConfig,
    DAggerConfig,
    clone,
    dagger,
    gail,
)
from tutelage.terminal import Watcher, console

ABOUT = """
Learn to act in an environment as an expert acts in it. The environment's rewards are not read:
what the expert does is all there is to learn from, and a bad expert is imitated as well as a good
one.

Methods
  bc       clone its actions in the states in which it was seen
  dagger   go where the learner goes and ask the expert there, over and over;
           it needs the expert itself, not only what it did
  gail     play until a discriminator cannot tell the two apart; for few
           episodes of an expert, and an environment that may be played in

Reads
  --expert  episodes: an .npz with observations (K, D), actions (K,) or (K, A),
            terminated and truncated (K,), rewards (K,) if known, of whole
            episodes one after the other;
            or a policy: its folder, or a run of `tutelage rl --env`, whose best
            seed then plays --episodes of them

Writes
  RUN/checkpoints/METHOD/policy.safetensors, RUN/imitate.toml,
  RUN/metrics.jsonl, and RUN/expert.npz where a policy was asked to play.
  Cut off at any moment, the same command goes on where it stopped.

Example
  tutelage imitate --env CartPole-v1 --method gail --expert runs/pole \\
    --run runs/alike
"""


_OF_ONE_METHOD = {"updates": "bc", "rounds": "dagger", "steps": "gail", "algorithm": "gail"}


@dataclass(frozen=True, kw_only=True)
class ImitateOptions:
    env: str  # a Gymnasium id
    method: Literal["bc", "dagger", "gail"]
    expert: Annotated[Path, tyro.conf.arg(metavar="FILE_OR_RUN")]  # whom to imitate
    run: Annotated[Path, tyro.conf.arg(metavar="DIR")]  # folder of the run
    env_options: Annotated[str, tyro.conf.arg(metavar="JSON")] = "{}"  # the environment's own
    episodes: int = 60  # that an expert which is a policy plays
    sampled: bool = False  # the expert draws its actions; default: its likeliest
    hidden: tuple[int, ...] = (64, 64)  # widths of the learner's layers
    updates: int = 2_000  # bc: optimiser steps
    rounds: int = 10  # dagger: of playing and asking
    steps: int = 100_000  # gail: of the environment
    algorithm: Literal["ppo", "trpo"] = "ppo"  # gail: what learns from the reward
    evaluation_episodes: int = 100  # of the learner, at the end
    seed: int = 0

    def __post_init__(self) -> None:
        require(self, "above 0", "episodes", "updates", "rounds", "steps", "evaluation_episodes")
        if not all(width > 0 for width in self.hidden):
            raise ValueError(f"hidden must be widths above 0, got {self.hidden}")
        self.keywords()
        for name, method in _OF_ONE_METHOD.items():
            if method != self.method and getattr(self, name) != getattr(ImitateOptions, name):
                raise ValueError(
                    f"{name} does nothing with method {self.method}, but with {method}"
                )
        if self.sampled and self.method == "dagger":
            raise ValueError(
                "sampled does nothing with method dagger, which asks for the expert's likeliest "
                "actions"
            )

    def keywords(self) -> dict[str, Any]:
        """The environment's own options."""
        return environment_options(self.env_options)


def main(argv: Sequence[str]) -> None:
    options = parse(ImitateOptions, "imitate", ABOUT, argv)
    torch.set_num_threads(1)  # networks this small keep one processor busy
    make = maker(options)
    path = find_expert(options.expert)
    environments = make(1)
    if reads_instructions(environments) and options.hidden != ImitateOptions.hidden:
        raise BadInput(f"hidden does nothing in {options.env}: {OWN_SHAPE}.")
    learner = fresh_policy(
        environments,
        options.hidden,
        seeded(options.seed, options.method),
        networks_of(options.method),
    )
    expert = shown = None
    if path.is_dir():
        expert, made_for = load_control_policy(path)
        check_world(path, made_for, options)
    else:
        for name in ("sampled", "episodes"):
            if getattr(options, name) != getattr(ImitateOptions, name):
                raise BadInput(
                    f"{name} does nothing with {path}, whose episodes are played already."
                )
        shown = read_episodes(path, environments)
    environments.close()
    if expert is None and options.method == "dagger":
        raise BadInput(
            f"DAgger asks the expert what it would do where the learner comes, and {path} only "
            "holds what it did: give a policy as --expert, or another --method."
        )
    run = settle(
        options.run,
        "imitate",
        options,
        {"expert": path / "policy.safetensors" if path.is_dir() else path},
    )
    if shown is None:
        assert expert is not None
        shown = recorded(run, expert, options)
    screen = console()
    if not run.done(options.method):
        Watcher(screen).watch(stage_of(options, run, learner, expert, shown))
    checkpoint = run.checkpoint(options.method)
    learned, _ = load_control_policy(checkpoint)
    returns = evaluate_control(
        learned,
        make(min(options.evaluation_episodes, 20)),
        options.evaluation_episodes,
        seed_number(options.seed, "evaluation"),
    )
    for label, said in outcome(returns, shown, agreement(learned, shown.inputs())):
        screen.print(Text(f"{label:<10}{said}"), soft_wrap=True)
    screen.print(Text(f"{'Policy':<10}{checkpoint}"), soft_wrap=True)


def maker(options: ImitateOptions) -> Callable[[int], VectorEnv]:
    """Makes so many of the environment, side by side."""
    return partial(make_environments, options.env, **options.keywords())


def check_world(path: Path, made_for: PolicyShape, options: ImitateOptions) -> None:
    """Raise unless the policy was made for this environment with these options."""
    if made_for.environment != options.env:
        raise BadInput(f"{path} holds a policy for {made_for.environment}, not for {options.env}.")
    if made_for.environment_options != options.keywords():
        theirs = json.dumps(made_for.environment_options)
        raise BadInput(
            f"{path} holds a policy for {options.env} with the options {theirs}, not with "
            f"{options.env_options}: give --env-options '{theirs}'."
        )


def networks_of(method: str) -> Networks:
    return "actor_critic" if method == "gail" else "actor"


def stage_of(
    options: ImitateOptions,
    run: Run,
    learner: ControlPolicy,
    expert: ControlPolicy | None,
    shown: Episodes,
) -> Iterator[Progress]:
    """The method's loop, about to begin."""
    make, seed = maker(options), options.seed
    shape = PolicyShape(
        environment=options.env,
        environment_options=options.keywords(),
        hidden=options.hidden,
        networks=networks_of(options.method),
    )
    if options.method == "bc":
        cloning = Cloning(learner, CloningConfig())
        return clone(
            run, cloning, shown, make, CloneConfig(updates=options.updates), seed, shape=shape
        )
    if options.method == "dagger":
        assert expert is not None
        cloning = Cloning(learner, CloningConfig())
        return dagger(
            run, cloning, expert, make, DAggerConfig(rounds=options.rounds), seed, shape=shape
        )
    environments = make(1)
    acted = environments.single_action_space
    environments.close()
    actions = int(acted.n) if isinstance(acted, Discrete) else None
    entry = ALGORITHMS[options.algorithm]
    algorithm = entry.algorithm(learner, entry.settings(**(entry.control or {})))
    adversary = GAIL(shown, actions, GAILConfig(), seeded(seed, "discriminator"))
    config = AdversarialConfig(steps=options.steps)
    return gail(run, algorithm, adversary, shown, make, config, seed, shape=shape)


def recorded(run: Run, expert: ControlPolicy, options: ImitateOptions) -> Episodes:
    """The expert's episodes, played once and kept in the run."""
    path = run.folder / "expert.npz"
    if not path.exists():
        environments = maker(options)(min(options.episodes, 20))
        seed = seed_number(options.seed, "record")  # not those the learner is measured on
        played = record(expert, environments, options.episodes, seed, sampled=options.sampled)
        save_episodes(path, played)
    return read_episodes(path, maker(options)(1))


def find_expert(path: Path) -> Path:
    """The file of the expert's episodes, or the folder of its policy. BadInput for neither."""
    if not path.exists():
        raise BadInput(f"There is no file or folder {path}.")
    if path.name == "policy.safetensors":
        return path.parent
    if not path.is_dir():
        return path
    found = [path, path / "checkpoints" / "control", *sorted((path / "checkpoints").glob("*"))]
    # `tutelage rl --env` has a run a seed; the one that was found the best is the expert
    found += [seed / "checkpoints" / "control" for seed in sorted(path.glob("seed_*"), key=_worse)]
    for folder in found:
        if (folder / "policy.safetensors").exists():
            return folder
    raise BadInput(
        f"{path} holds no policy for control: give a folder with a policy.safetensors in it, a run "
        "whose checkpoints hold one, or an .npz file of episodes."
    )


def _worse(seed: Path) -> float:
    """Minus the mean return of a seed's evaluation."""
    if not (seed / "evaluation.json").exists():
        return float("inf")
    return -fmean(read_json(seed / "evaluation.json")["returns"])


def outcome(returns: Sequence[float], shown: Episodes, agreed: float) -> Iterator[tuple[str, str]]:
    """What the learner reached beside what the expert did, line by line."""
    yield "Return", interval(returns)
    if shown.returns is not None:
        yield "Expert's", interval(shown.returns)
    if shown.actions.dim() == 1:
        yield "Agrees", f"with {100 * agreed:.1f} % of the expert's actions"


def interval(returns: Sequence[float]) -> str:
    """`498.1 ± 2.2 (n = 100)`: mean, half of its 95 % interval."""
    mean, (low, _) = mean_interval(returns)
    return f"{mean:.1f} ± {mean - low:.1f} (n = {len(returns)})"

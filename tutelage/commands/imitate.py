"""`tutelage imitate`: act in an environment as an expert does, without its rewards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import tyro
from gymnasium.spaces import Discrete
from gymnasium.vector import VectorEnv
from rich.text import Text

from tutelage.algorithms import ALGORITHMS
from tutelage.algorithms.gail import GAIL, GAILConfig
from tutelage.algorithms.imitation import Cloning, CloningConfig, agreement
from tutelage.algorithms.tabular import TabularModel
from tutelage.commands.folders import find_policy, settle
from tutelage.commands.machine import available_cores
from tutelage.commands.options import environment_options, parse
from tutelage.config import require
from tutelage.data.episodes import Episodes, read_episodes, record, save_episodes
from tutelage.device import seed_number, seeded
from tutelage.environments import make_environments
from tutelage.environments.bot import bot_seeds, demonstrate, demonstrate_side_by_side
from tutelage.environments.grid import OWN_SHAPE, reads_instructions
from tutelage.errors import BadInput
from tutelage.evaluation.statistics import mean_interval
from tutelage.policies.control import ControlPolicy, Networks
from tutelage.runs import Progress, Run
from tutelage.screen import Watcher, console
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
from tutelage.stages.max_ent import MaxEntConfig, max_ent, read_tables

ABOUT = """
Learn to act in an environment as an expert acts in it. The policy learns nothing from rewards (a
clone's critic does): what the expert does is all there is to learn from, and a bad expert is
imitated as well as a good one.

Methods
  bc       clone its actions in the states in which it was seen
  dagger   go where the learner goes and ask the expert there, over and over;
           it needs the expert itself, not only what it did
  gail     play until a discriminator cannot tell the two apart; for few
           episodes of an expert, and an environment that may be played in
  max_ent_irl
           find the reward of arriving in each state under which the expert is
           likeliest, and act by it; where the environment lists its
           transitions, as FrozenLake-v1 and CliffWalking-v1 do

Reads
  --expert  episodes: an .npz with observations (K, D), actions (K,) or (K, A),
            terminated and truncated (K,), rewards (K,) if known, of whole
            episodes one after the other;
            or a policy: its folder, or a run of `tutelage rl --env`, whose best
            seed then plays --episodes of them;
            or bot: the one that comes with minigrid plays BabyAI's levels

Writes
  RUN/checkpoints/METHOD/policy.safetensors (max_ent_irl: rewards.npz beside
  it), RUN/imitate.toml,
  RUN/metrics.jsonl, and RUN/expert.npz where a policy or the bot was asked to
  play. `tutelage rl --env ID --start RUN` goes on from a clone.
  Cut off at any moment, the same command goes on where it stopped.

Example
  tutelage imitate --env CartPole-v1 --method gail --expert runs/pole \\
    --run runs/alike
"""


_OF_ONE_METHOD = {
    "updates": "bc",
    "rounds": "dagger",
    "steps": "gail",
    "algorithm": "gail",
    "discount": "max_ent_irl",
    "penalty": "max_ent_irl",
}
BOT = Path("bot")  # as --expert


@dataclass(frozen=True, kw_only=True)
class ImitateOptions:
    env: str  # a Gymnasium id
    method: Literal["bc", "dagger", "gail", "max_ent_irl"]
    expert: Annotated[Path, tyro.conf.arg(metavar="FILE_OR_RUN")]  # whom to imitate, or bot
    run: Annotated[Path, tyro.conf.arg(metavar="DIR")]  # folder of the run
    env_options: Annotated[str, tyro.conf.arg(metavar="JSON")] = "{}"  # the environment's own
    episodes: int = 60  # that an expert which is a policy plays
    sampled: bool = False  # the expert draws its actions; default: its likeliest
    hidden: tuple[int, ...] = (64, 64)  # widths of the learner's layers
    updates: int = 2_000  # bc: optimiser steps
    rounds: int = 10  # dagger: of playing and asking
    steps: int = 100_000  # gail: of the environment
    algorithm: Literal["ppo", "trpo"] = "ppo"  # gail: what learns from the reward
    discount: float = 0.95  # max_ent_irl: of the expert's visits
    penalty: float = 1e-3  # max_ent_irl: of ½‖θ‖², θ the reward
    evaluation_episodes: int = 100  # of the learner, at the end
    seed: int = 0

    def __post_init__(self) -> None:
        require(self, "above 0", "episodes", "updates", "rounds", "steps", "evaluation_episodes")
        if not all(width > 0 for width in self.hidden):
            raise ValueError(f"hidden must be widths above 0, got {self.hidden}")
        self.keywords()
        MaxEntConfig(discount=self.discount, penalty=self.penalty)
        if self.method == "max_ent_irl" and self.hidden != ImitateOptions.hidden:
            raise ValueError("hidden does nothing with method max_ent_irl, whose policy is a table")
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
    environments = make(1)
    if reads_instructions(environments) and options.hidden != ImitateOptions.hidden:
        raise BadInput(f"hidden does nothing in {options.env}: {OWN_SHAPE}.")
    path = options.expert if options.expert == BOT else find_policy(options.expert)
    expert = episodes = None
    if path == BOT:
        demonstrate(options.env, bot_seeds(options.seed, 1), **options.keywords())  # it can
        if options.sampled:
            raise BadInput("sampled does nothing with the bot, which draws nothing.")
    elif path.is_dir():
        expert, made_for = load_control_policy(path)
        check_world(path, made_for, options)
    else:
        for name in ("sampled", "episodes"):
            if getattr(options, name) != getattr(ImitateOptions, name):
                raise BadInput(
                    f"{name} does nothing with {path}, whose episodes are played already."
                )
        episodes = read_episodes(path, environments)
    if expert is None and options.method == "dagger":
        what = "the bot is no policy" if path == BOT else f"{path} only holds what it did"
        raise BadInput(
            f"DAgger asks the expert what it would do where the learner comes, and {what}: give a "
            "policy as --expert, or another --method."
        )
    model = read_tables(environments) if options.method == "max_ent_irl" else None
    networks = networks_of(options.method, episodes is None or episodes.rewards is not None)
    generator = seeded(options.seed, options.method)
    learner = fresh_policy(environments, shape_of(options).hidden, generator, networks)
    environments.close()
    made_of = {"expert": path / "policy.safetensors" if path.is_dir() else path}
    run = settle(options.run, "imitate", options, {} if path == BOT else made_of)
    if episodes is None:
        episodes = recorded(run, expert, options)
    screen = console()
    if not run.done(options.method):
        Watcher(screen).watch(stage_of(options, run, learner, expert, episodes, model))
    checkpoint = run.checkpoint(options.method)
    learned, _ = load_control_policy(checkpoint)
    returns = evaluate_control(
        learned,
        make(min(options.evaluation_episodes, 20)),
        options.evaluation_episodes,
        seed_number(options.seed, "evaluation"),
    )
    for label, text in outcome(returns, episodes, agreement(learned, episodes.inputs())):
        screen.print(Text(f"{label:<10}{text}"), soft_wrap=True)
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


def networks_of(method: str, rewarded: bool) -> Networks:
    """rewarded: whether the expert's rewards are known, which a clone's critic learns."""
    return "actor_critic" if method == "gail" or (method == "bc" and rewarded) else "actor"


def shape_of(options: ImitateOptions, rewarded: bool = True) -> PolicyShape:
    """Of the learner; a table has no layers between state and action."""
    return PolicyShape(
        environment=options.env,
        environment_options=options.keywords(),
        hidden=() if options.method == "max_ent_irl" else options.hidden,
        networks=networks_of(options.method, rewarded),
    )


def stage_of(
    options: ImitateOptions,
    run: Run,
    learner: ControlPolicy,
    expert: ControlPolicy | None,
    episodes: Episodes,
    model: TabularModel | None,
) -> Iterator[Progress]:
    """The method's loop, about to begin."""
    make, seed = maker(options), options.seed
    shape = shape_of(options, episodes.rewards is not None)
    if model is not None:
        max_ent_config = MaxEntConfig(discount=options.discount, penalty=options.penalty)
        return max_ent(run, episodes, model, max_ent_config, shape=shape)
    if options.method == "bc":
        cloning = Cloning(learner, CloningConfig())
        return clone(
            run, cloning, episodes, make, CloneConfig(updates=options.updates), seed, shape=shape
        )
    if options.method == "dagger":
        assert expert is not None
        cloning = Cloning(learner, CloningConfig())
        return dagger(
            run, cloning, expert, make, DAggerConfig(rounds=options.rounds), seed, shape=shape
        )
    environments = make(1)
    action_space = environments.single_action_space
    environments.close()
    actions = int(action_space.n) if isinstance(action_space, Discrete) else None
    entry = ALGORITHMS[options.algorithm]
    algorithm = entry.algorithm(learner, entry.settings(**(entry.control or {})))
    adversary = GAIL(episodes, actions, GAILConfig(), seeded(seed, "discriminator"))
    config = AdversarialConfig(steps=options.steps)
    return gail(run, algorithm, adversary, episodes, make, config, seed, shape=shape)


def recorded(run: Run, expert: ControlPolicy | None, options: ImitateOptions) -> Episodes:
    """The expert's episodes, or without one the bot's, played once and kept in the run."""
    path = run.folder / "expert.npz"
    if not path.exists():
        if expert is None:
            seeds = bot_seeds(options.seed, options.episodes)
            cores = available_cores()
            played = demonstrate_side_by_side(options.env, seeds, cores, **options.keywords())
        else:
            environments = maker(options)(min(options.episodes, 20))
            seed = seed_number(options.seed, "record")  # not those the learner is measured on
            played = record(expert, environments, options.episodes, seed, sampled=options.sampled)
        save_episodes(path, played)
    return read_episodes(path, maker(options)(1))


def outcome(
    returns: Sequence[float], episodes: Episodes, agreed: float
) -> Iterator[tuple[str, str]]:
    """(label, text) lines: the learner's return, the expert's, how often their actions agree."""
    yield "Return", interval(returns)
    if episodes.returns is not None:
        yield "Expert's", interval(episodes.returns)
    if episodes.actions.dim() == 1:
        yield "Agrees", f"with {100 * agreed:.1f} % of the expert's actions"


def interval(returns: Sequence[float]) -> str:
    """`498.1 ± 2.2 (n = 100)`: mean, half of its 95 % interval, which one value does not have."""
    mean, ci95 = mean_interval(returns)
    half = f"± {mean - ci95[0]:.1f} " if ci95 else ""
    return f"{mean:.1f} {half}(n = {len(returns)})"

"""`tutelage rl`: reinforcement against a reward model, on a person's own prompts."""

from __future__ import annotations

import copy
import dataclasses
import shlex
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import arg

from tutelage.algorithms import ALGORITHMS, AlgorithmName
from tutelage.commands.folders import check_prompts, find_model, load_grader, read_prompts, settle
from tutelage.commands.machine import prepare
from tutelage.commands.options import parse, peek, settings_class
from tutelage.data.demonstrations import read_demonstrations
from tutelage.device import DTypeName, pick_dtype
from tutelage.errors import BadInput
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.model.checkpoint import load_policy
from tutelage.policies.language import LanguagePolicy
from tutelage.reports.doctor import Doctor, write_findings
from tutelage.screen import Watcher, console, show_next
from tutelage.stages.policy import PolicyConfig, Practice, reinforce
from tutelage.stages.sft import IMITATED, SFTConfig, imitation_batches

ABOUT = """
Improve a model by reinforcement: it replies to prompts, a reward model scores the replies, and
what scored well becomes likelier, at a price for every step away from the model it began as.

Its settings
  Those of the algorithm are options: tutelage rl --algorithm trpo --help

In an environment
  With --env ID it is a network that learns to act in an environment of
  Gymnasium instead, by an algorithm whose settings become options:
  tutelage rl --env CartPole-v1 --algorithm trpo --help

Reads
  --model           a model's folder, or a run (its newest stage that speaks)
  --reward          a reward model's folder, or a run (its newest reward model)
  --prompts         a prompt a line (.txt), or JSONL of {"prompt"}
  --demonstrations  if given, JSONL as for `tutelage sft`, which each update
                    also imitates, so that the model does not drift

Writes
  RUN/checkpoints/rl, RUN/rl.toml, RUN/metrics.jsonl, RUN/findings.json (what
  the doctor found).
  Cut off at any moment, the same command goes on where it stopped.

Example
  tutelage rl --model runs/mine --reward runs/mine --prompts requests.txt \\
    --run runs/mine
"""


@dataclass(frozen=True, kw_only=True)
class RLOptions:
    # tyro finds no comments in a class that is made here, so the help stands in the types
    model: Annotated[Path, arg(metavar="FOLDER", help="who learns")]
    reward: Annotated[Path, arg(metavar="FOLDER", help="who grades")]
    prompts: Annotated[Path, arg(metavar="FILE", help="what is asked")]
    run: Annotated[Path, arg(metavar="DIR", help="folder of the run")]
    demonstrations: Annotated[
        Path | None, arg(metavar="FILE", help="what each update also imitates")
    ] = None
    swapped: Annotated[
        float, arg(help="share of these whose rare copied words are swapped for others")
    ] = 0.0
    left_out: Annotated[
        float, arg(help="share of their requests' words that are left out, of those not copied")
    ] = 0.0
    algorithm: Annotated[AlgorithmName, arg(help="whose settings stand below")] = "ppo"
    steps: int = 60
    prompts_per_step: Annotated[int, arg(help="those whose samples agree teach nothing")] = 128
    samples_per_prompt: int = 4
    max_new_tokens: Annotated[int, arg(help="longest reply")] = 48
    temperature: Annotated[float, arg(help="of the samples")] = 1.0
    missing_stop_penalty: Annotated[
        float, arg(help="off the score of a reply cut at the limit")
    ] = 1.0
    stage: Annotated[str | None, arg(help="of the run that --model names; default: the newest")] = (
        None
    )
    device: Annotated[
        str, arg(help="cpu, cuda, cuda:1 …; auto: a graphics card where there is one")
    ] = "auto"
    dtype: Annotated[DTypeName, arg(help="of matrix products")] = "auto"
    rollout_dtype: Annotated[DTypeName, arg(help="of what it samples with; auto: as dtype")] = (
        "auto"
    )
    seed: int = 0
    settings: Any = None  # the algorithm's; `options_class` puts its dataclass here

    def __post_init__(self) -> None:
        self.policy_config()
        self.imitation_config()
        if self.algorithm in ("rloo", "grpo", "dr_grpo") and self.samples_per_prompt < 2:
            raise ValueError(
                f"{self.algorithm} sets the samples of a prompt against each other, so "
                f"samples_per_prompt must be at least 2, got {self.samples_per_prompt}"
            )

    def policy_config(self) -> PolicyConfig:
        return PolicyConfig(
            steps=self.steps,
            prompts_per_step=self.prompts_per_step,
            samples_per_prompt=self.samples_per_prompt,
            max_new_tokens=self.max_new_tokens,
            temperature=self.temperature,
            missing_stop_penalty=self.missing_stop_penalty,
        )

    def imitation_config(self) -> SFTConfig:
        return SFTConfig(batch=IMITATED, swapped=self.swapped, left_out=self.left_out)


def options_class(name: str) -> type[RLOptions]:
    """The options with those of one algorithm among them, at its defaults for language."""
    entry = ALGORITHMS[name]
    settings = settings_class(entry.settings(**(entry.language or {})), entry.fixed)
    hints = typing.get_type_hints(RLOptions, include_extras=True)
    fields = [
        ("algorithm", hints["algorithm"], name),
        ("settings", settings, dataclasses.field(default_factory=settings)),
    ]
    return dataclasses.make_dataclass(
        "RLOptions", fields, bases=(RLOptions,), frozen=True, kw_only=True
    )


def main(argv: Sequence[str]) -> None:
    name = peek(argv, "rl", "algorithm")
    if name in ALGORITHMS and ALGORITHMS[name].language is None:
        raise BadInput(
            f"{name} trains no language model but a network that acts: give --env ID, such as "
            "CartPole-v1."
        )
    known = typing.get_args(AlgorithmName)
    options = parse(options_class(name if name in known else "ppo"), "rl", ABOUT, argv)
    device, dtype = prepare(options.device, options.dtype)
    path = find_model(options.model, options.stage, making=(options.run, "rl"))
    grader = find_model(options.reward, grades=True)
    prompts = read_prompts(options.prompts)
    gpt, tokenizer = load_policy(path, device)
    check_prompts(prompts, tokenizer, gpt.context, options.max_new_tokens)
    reward_model = load_grader(grader, tokenizer, path, device)
    mixed = None
    if options.demonstrations:
        demonstrations = read_demonstrations(options.demonstrations)
        imitation, context = options.imitation_config(), gpt.context
        mixed = imitation_batches(demonstrations, tokenizer, context, imitation, options.seed, "rl")
    inputs = {
        "model": path,
        "reward": grader,
        "prompts": options.prompts,
        "demonstrations": options.demonstrations,
    }
    run = settle(options.run, "rl", options, inputs)
    screen = console()
    if not run.done("rl"):
        entry = ALGORITHMS[options.algorithm]
        settings = entry.settings(**vars(options.settings))
        # What grades whole replies begins to value their parts.
        critic = copy.deepcopy(reward_model) if entry.needs_critic(settings) else None
        name = options.rollout_dtype
        speaks = dtype if name == "auto" else pick_dtype(device, name)
        learner = LanguagePolicy(copy.deepcopy(gpt), critic, options.temperature, dtype, speaks)
        algorithm = entry.algorithm(learner, settings)
        judge = RewardModelJudge(reward_model, tokenizer.pad)
        stages = reinforce(
            run,
            algorithm,
            gpt,
            tokenizer,
            Practice(prompts, judge, mixed=mixed),
            options.policy_config(),
            options.seed,
            "rl",
        )
        Watcher(screen, doctor=Doctor(run.folder / "metrics.jsonl")).watch(stages)
    write_findings(run.folder)
    command = shlex.join(["tutelage", "chat", str(run.folder)])
    show_next(screen, command, model=run.checkpoint("rl"))

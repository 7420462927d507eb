"""`tutelage prefer`: a better policy straight from rankings, a person's or a reward model's."""

from __future__ import annotations

import copy
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import tyro

from tutelage.algorithms.dpo import PreferenceConfig, PreferenceLoss
from tutelage.commands.folders import (
    check_prompts,
    find_model,
    load_grader,
    read_prompts,
    settle,
)
from tutelage.commands.labels import read_rankings
from tutelage.commands.machine import prepare
from tutelage.commands.options import parse
from tutelage.data.demonstrations import read_demonstrations
from tutelage.device import DTypeName
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.model.checkpoint import load_policy
from tutelage.model.language_model import LanguageModel
from tutelage.screen import Watcher, console, show_next
from tutelage.stages.policy import Practice
from tutelage.stages.preference import (
    OfflineConfig,
    OnlineConfig,
    PreferConfig,
    Source,
    offline,
    online,
    prefer,
)
from tutelage.stages.sft import IMITATED, SFTConfig, imitation_batches
from tutelage.text.tokenizer import Tokenizer

ABOUT = """
Improve a model by preferences: replies that were ranked better become likelier than those ranked
worse, at a price for every step away from the model it began as. Give rankings and no reward model
is needed; or give prompts, and a reward model ranks the model's own replies as it learns.

Reads
  --model           a model's folder, or a run (its newest stage that speaks)
  --comparisons     rankings as for `tutelage reward`: JSONL of {"prompt",
                    "chosen", "rejected"}, or of {"prompt", "responses",
                    "ranking": [[0], [2, 1]]}, or a chat's labels.jsonl
  --prompts         instead of rankings: a prompt a line (.txt), or JSONL of
                    {"prompt"}; the model's own replies to them are ranked
  --reward          by this: a reward model's folder, or a run (its newest)
  --demonstrations  if given, JSONL as for `tutelage sft`, which each step
                    also imitates, so that the model does not drift

Writes
  RUN/checkpoints/prefer, RUN/prefer.toml, RUN/metrics.jsonl.
  Cut off at any moment, the same command goes on where it stopped.

Example
  tutelage prefer --model runs/mine --run runs/mine \\
    --comparisons runs/mine/data/comparisons.jsonl
"""

File = Annotated[Path | None, tyro.conf.arg(metavar="FILE")]


@dataclass(frozen=True, kw_only=True)
class PreferOptions:
    model: Annotated[Path, tyro.conf.arg(metavar="FOLDER")]  # who learns
    run: Annotated[Path, tyro.conf.arg(metavar="DIR")]  # folder of the run
    comparisons: File = None  # rankings to learn from
    prompts: File = None  # or what is asked
    reward: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None  # who ranks then
    demonstrations: File = None  # what each step also imitates
    swapped: float = 0.0  # share of rankings and of these whose rare copied words are swapped
    left_out: float = 0.0  # share of these requests' words that are left out, of those not copied
    loss: PreferenceLoss = "dpo"  # dpo and ipo learn from pairs, kto from good and bad replies
    beta: float = 0.1  # price of a nat away from the first model
    learning_rate: float = 3e-4
    epochs: float | None = None  # passes over --comparisons; default: 1
    batch: int = 16  # comparisons a step
    steps: int | None = None  # with --prompts; default: 60
    prompts_per_step: int = 128  # those whose samples agree teach nothing
    samples_per_prompt: int = 4  # of which the best meets the worst
    max_new_tokens: int = 48  # longest sample
    temperature: float = 1.0  # of the samples
    missing_stop_penalty: float = 1.0  # off the score of a reply cut at the limit
    stage: str | None = None  # of the run that --model names; default: the newest
    seed: int = 0
    device: str = "auto"  # cpu, cuda, cuda:1 …; auto: a graphics card where there is one
    dtype: DTypeName = "auto"  # of matrix products

    def __post_init__(self) -> None:
        if self.comparisons is not None and (self.prompts or self.reward):
            raise ValueError(
                "rankings come from --comparisons, or from --reward on --prompts; give one of them"
            )
        if self.comparisons is None and not (self.prompts and self.reward):
            raise ValueError("needs --comparisons FILE, or --prompts FILE and --reward FOLDER")
        if self.comparisons is not None and self.steps is not None:
            raise ValueError("--steps goes with --prompts; with --comparisons give --epochs")
        if self.comparisons is None and self.epochs is not None:
            raise ValueError("--epochs goes with --comparisons; with --prompts give --steps")
        self.preference_config()
        self.training_config()
        self.offline_config()
        self.online_config()
        self.imitation_config()

    def preference_config(self) -> PreferenceConfig:
        return PreferenceConfig(loss=self.loss, beta=self.beta)

    def training_config(self) -> PreferConfig:
        return PreferConfig(learning_rate=self.learning_rate)

    def offline_config(self) -> OfflineConfig:
        chosen = {} if self.epochs is None else {"epochs": self.epochs}
        return OfflineConfig(batch=self.batch, swapped=self.swapped, **chosen)

    def imitation_config(self) -> SFTConfig:
        return SFTConfig(batch=IMITATED, swapped=self.swapped, left_out=self.left_out)

    def online_config(self) -> OnlineConfig:
        chosen = {} if self.steps is None else {"steps": self.steps}
        return OnlineConfig(
            prompts_per_step=self.prompts_per_step,
            samples_per_prompt=self.samples_per_prompt,
            max_new_tokens=self.max_new_tokens,
            temperature=self.temperature,
            missing_stop_penalty=self.missing_stop_penalty,
            **chosen,
        )


def main(argv: Sequence[str]) -> None:
    options = parse(PreferOptions, "prefer", ABOUT, argv)
    device, dtype = prepare(options.device, options.dtype)
    path = find_model(options.model, options.stage, making=(options.run, "prefer"))
    gpt, tokenizer = load_policy(path, device)
    # Mistakes in the data are raised before the run folder is written.
    source, inputs = _source(options, path, gpt, tokenizer, dtype)
    mixed = None
    if options.demonstrations:
        demonstrations = read_demonstrations(options.demonstrations)
        imitation, context = options.imitation_config(), gpt.context
        mixed = imitation_batches(
            demonstrations, tokenizer, context, imitation, options.seed, "prefer"
        )
    inputs |= {"model": path, "demonstrations": options.demonstrations}
    run = settle(options.run, "prefer", options, inputs)
    screen = console()
    if not run.done("prefer"):
        preference, training = options.preference_config(), options.training_config()
        stages = prefer(
            run, gpt, tokenizer, source, None, preference, training, dtype, "prefer", mixed
        )
        Watcher(screen).watch(stages)
    made = run.checkpoint("prefer")
    command = ["tutelage", "chat", str(run.folder)]
    if find_model(run.folder) != made:  # a later stage would speak
        command += ["--stage", "prefer"]
    show_next(screen, shlex.join(command), model=made)


def _source(
    options: PreferOptions, path: Path, gpt: LanguageModel, tokenizer: Tokenizer, dtype: torch.dtype
) -> tuple[Source, dict[str, Path | None]]:
    """What to learn from, and the inputs that it was made of."""
    reference = copy.deepcopy(gpt)
    if options.comparisons is not None:
        comparisons = read_rankings(options.comparisons)
        source = offline(
            gpt,
            reference,
            tokenizer,
            comparisons,
            options.preference_config(),
            options.offline_config(),
            options.seed,
            dtype,
        )
        return source, {"comparisons": options.comparisons}
    assert options.prompts is not None
    assert options.reward is not None
    grader = find_model(options.reward, grades=True)
    prompts = read_prompts(options.prompts)
    check_prompts(prompts, tokenizer, gpt.context, options.max_new_tokens)
    judge = RewardModelJudge(load_grader(grader, tokenizer, path, gpt.device), tokenizer.pad)
    settings = options.online_config()
    practice = Practice(prompts, judge)
    source = online(gpt, reference, tokenizer, practice, settings, options.seed, dtype)
    return source, {"prompts": options.prompts, "reward": grader}

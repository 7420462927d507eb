"""`tutelage sft`: a person's own demonstrations."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from tutelage.commands.folders import find_model, settle
from tutelage.commands.machine import prepare
from tutelage.commands.options import parse
from tutelage.data.demonstrations import read_demonstrations
from tutelage.device import DTypeName
from tutelage.model.checkpoint import load_policy
from tutelage.stages.sft import SFTConfig, divide, sft
from tutelage.terminal import Watcher, console, show_next

ABOUT = """
Fine-tune a model on demonstrations: it learns to answer as they do. Only the assistant's words
are trained, the end of each reply included.

Reads
  --model           a model's folder, or a run (its newest stage that speaks)
  --demonstrations  JSONL of {"prompt", "completion"}, or of
                    {"messages": [{"role", "content"}, …]}

Writes
  RUN/checkpoints/sft, RUN/sft.toml, RUN/metrics.jsonl.
  Cut off at any moment, the same command goes on where it stopped.

Example
  tutelage sft --model runs/mine --demonstrations mine.jsonl --run runs/mine
"""


@dataclass(frozen=True, kw_only=True)
class SFTOptions:
    model: Annotated[Path, tyro.conf.arg(metavar="FOLDER")]  # what to train
    demonstrations: Annotated[Path, tyro.conf.arg(metavar="FILE")]  # what to imitate
    run: Annotated[Path, tyro.conf.arg(metavar="DIR")]  # folder of the run
    stage: str | None = None  # of the run that --model names; default: the newest
    seed: int = 0
    dtype: DTypeName = "auto"  # of matrix products
    training: SFTConfig = field(default_factory=SFTConfig)


def main(argv: Sequence[str]) -> None:
    options = parse(SFTOptions, "sft", ABOUT, argv)
    dtype = prepare(options.dtype)
    model = find_model(options.model, options.stage, making=(options.run, "sft"))
    shown = read_demonstrations(options.demonstrations)
    gpt, tokenizer = load_policy(model)
    # What cannot be trained on is told before the folder is bound to it.
    divide(shown, tokenizer, gpt.config.context, options.training)
    inputs = {"model": model, "demonstrations": options.demonstrations}
    run = settle(options.run, "sft", options, inputs)
    screen = console()
    if not run.done("sft"):
        stages = sft(run, gpt, tokenizer, shown, options.training, options.seed, dtype)
        Watcher(screen).watch(stages)
    talk = shlex.join(["tutelage", "chat", str(run.folder)])
    show_next(screen, talk, model=run.checkpoint("sft"))

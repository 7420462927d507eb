"""`tutelage sft`: a person's own demonstrations."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from tutelage.commands.folders import Inputs, find_model, settle
from tutelage.commands.machine import prepare
from tutelage.commands.options import parse
from tutelage.data.demonstrations import mixed, read_demonstrations
from tutelage.device import DTypeName
from tutelage.model.checkpoint import load_policy
from tutelage.screen import Watcher, console, show_next
from tutelage.stages.sft import SFTConfig, divide, sft

ABOUT = """
Fine-tune a model on demonstrations: it learns to answer as they do. Only the assistant's words
are trained, the end of each reply included.

Reads
  --model           a model's folder, or a run (its newest stage that speaks)
  --demonstrations  JSONL of {"prompt", "completion"}, or of
                    {"messages": [{"role", "content"}, …]}, or instruction data,
                    {"instruction", "input", "output"}, turned into dialogue.
                    Several files are mixed, in --shares or as long as they are

Writes
  RUN/checkpoints/sft, RUN/sft.toml, RUN/metrics.jsonl.
  Cut off at any moment, the same command goes on where it stopped.

Example
  tutelage sft --model runs/mine --demonstrations mine.jsonl --run runs/mine
"""


@dataclass(frozen=True, kw_only=True)
class SFTOptions:
    model: Annotated[Path, tyro.conf.arg(metavar="FOLDER")]  # what to train
    demonstrations: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="FILE ...")]  # to imitate
    shares: Annotated[tuple[float, ...], tyro.conf.arg(metavar="X ...")] = ()  # of each file
    run: Annotated[Path, tyro.conf.arg(metavar="DIR")]  # folder of the run
    stage: str | None = None  # of the run that --model names; default: the newest
    seed: int = 0
    device: str = "auto"  # cpu, cuda, cuda:1 …; auto: a graphics card where there is one
    dtype: DTypeName = "auto"  # of matrix products
    training: SFTConfig = field(default_factory=SFTConfig)

    def __post_init__(self) -> None:
        if self.shares and len(self.shares) != len(self.demonstrations):
            raise ValueError(
                f"shares must be one for each of the {len(self.demonstrations)} files of "
                f"demonstrations, got {len(self.shares)}"
            )
        if not all(0 < share < math.inf for share in self.shares):
            raise ValueError(f"shares must be above 0, got {' '.join(map(str, self.shares))}")


def main(argv: Sequence[str]) -> None:
    options = parse(SFTOptions, "sft", ABOUT, argv)
    device, dtype = prepare(options.device, options.dtype)
    model = find_model(options.model, options.stage, making=(options.run, "sft"))
    sources = [read_demonstrations(path) for path in options.demonstrations]
    demonstrations = mixed(sources, options.shares or [len(source) for source in sources])
    gpt, tokenizer = load_policy(model, device)
    # Mistakes in the data are raised before the run folder is written.
    divide(demonstrations, tokenizer, gpt.context, options.training, options.seed)
    inputs: Inputs = {"model": model, "demonstrations": options.demonstrations}
    run = settle(options.run, "sft", options, inputs)
    screen = console()
    if not run.done("sft"):
        stages = sft(run, gpt, tokenizer, demonstrations, options.training, options.seed, dtype)
        Watcher(screen).watch(stages)
    command = shlex.join(["tutelage", "chat", str(run.folder)])
    show_next(screen, command, model=run.checkpoint("sft"))

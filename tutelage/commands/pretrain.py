"""`tutelage pretrain`: a person's own text."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import torch
import tyro

from tutelage.commands.folders import find_model, settle
from tutelage.commands.machine import prepare
from tutelage.commands.options import parse
from tutelage.data.corpus import read_corpus, token_stream
from tutelage.device import DTypeName, seeded
from tutelage.errors import BadInput
from tutelage.model.checkpoint import load_policy
from tutelage.model.families import new_model
from tutelage.model.gpt import GPTConfig
from tutelage.model.language_model import LanguageModel
from tutelage.runs import write_atomically
from tutelage.screen import Watcher, console, show_next
from tutelage.stages.pretrain import PretrainConfig, pretrain
from tutelage.text.tokenizer import Tokenizer

ABOUT = """
Pretrain a model on unlabelled text: it learns to continue it. Where there is no tokenizer yet,
one is trained on the same text.

Reads
  --corpus  text files, or JSONL with a "text" a line
  --from    a model to go on from; then its shape and tokenizer are kept

Writes
  RUN/checkpoints/pretrain, RUN/data/tokenizer.json, RUN/pretrain.toml,
  RUN/metrics.jsonl.
  Cut off at any moment, the same command goes on where it stopped.

Example
  tutelage pretrain --corpus notes.txt diary.txt --run runs/mine --steps 500
"""


@dataclass(frozen=True, kw_only=True)
class PretrainOptions:
    corpus: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="FILES")]  # your text
    run: Annotated[Path, tyro.conf.arg(metavar="DIR")]  # folder of the run
    from_: Annotated[Path | None, tyro.conf.arg(name="from", metavar="FOLDER")] = None  # a model
    seed: int = 0
    device: str = "auto"  # cpu, cuda, cuda:1 …; auto: a graphics card where there is one
    dtype: DTypeName = "auto"  # of matrix products
    training: PretrainConfig = field(default_factory=PretrainConfig)
    shape: GPTConfig = field(default_factory=GPTConfig)

    def __post_init__(self) -> None:
        if not self.corpus:
            raise ValueError("corpus needs at least one file")


def main(argv: Sequence[str]) -> None:
    options = parse(PretrainOptions, "pretrain", ABOUT, argv)
    device, dtype = prepare(options.device, options.dtype)
    documents = read_corpus(options.corpus)
    model = find_model(options.from_) if options.from_ else None
    gpt, tokenizer = _start(options, model, documents, device)
    stream = token_stream(tokenizer, documents)
    # The end of the text is kept: unlike rows drawn at random it shares no sentence with it.
    held_out = max(len(stream) // 50, options.training.row_length + 1)
    if len(stream) < 3 * held_out:  # raised before the run folder is written
        raise BadInput(
            f"The corpus has {len(stream)} tokens; at least {3 * held_out} are needed, or a "
            "shorter --row-length."
        )
    inputs = {"corpus": options.corpus, "from": model}
    run = settle(options.run, "pretrain", options, inputs)
    if model is None and not _tokenizer_path(options).exists():
        write_atomically(_tokenizer_path(options), tokenizer.save)
    screen = console()
    if not run.done("pretrain"):
        stages = pretrain(
            run,
            gpt,
            tokenizer,
            stream[:-held_out],
            stream[-held_out:],
            options.training,
            options.seed,
            dtype,
        )
        Watcher(screen).watch(stages)
    command = ["tutelage", "sft", "--model", str(run.folder), "--demonstrations", "FILE.jsonl"]
    show_next(
        screen, shlex.join([*command, "--run", str(run.folder)]), model=run.checkpoint("pretrain")
    )


def _tokenizer_path(options: PretrainOptions) -> Path:
    return options.run / "data" / "tokenizer.json"


def _start(
    options: PretrainOptions, model: Path | None, documents: list[str], device: torch.device
) -> tuple[LanguageModel, Tokenizer]:
    """The model to train: the given one, or a new one with a tokenizer of its own."""
    if model is not None:
        return load_policy(model, device)
    if _tokenizer_path(options).exists():
        tokenizer = Tokenizer.load(_tokenizer_path(options))
    else:
        tokenizer = Tokenizer.train(documents, options.shape.vocabulary)
    shape = replace(options.shape, vocabulary=len(tokenizer))
    return new_model(shape, seeded(options.seed, "initialise")).to(device), tokenizer

"""Pretraining: predict the next token of unlabelled text."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from tutelage.config import require
from tutelage.data.corpus import stream_rows
from tutelage.device import autocast
from tutelage.errors import BadInput
from tutelage.model.checkpoint import save_model
from tutelage.model.language_model import (
    LanguageModel,
    imitation_loss,
    load_trainable,
    trainable_state,
)
from tutelage.model.optimiser import MuonWithAdam, set_learning_rate, warmup_then_linear
from tutelage.protocols import ChatTokenizer
from tutelage.runs import Progress, Run
from tutelage.text.packing import plain


@dataclass(frozen=True, kw_only=True)
class PretrainConfig:
    steps: int = 1000
    rows: int = 16  # sequences a step
    row_length: int = 128  # tokens a sequence
    learning_rate: float = 0.02  # of Muon; embeddings and heads keep their proportion to it
    warmup: int = 20  # steps
    max_grad_norm: float = 1.0
    evaluate_every: int = 100  # steps between validation losses and saved states

    def __post_init__(self) -> None:
        require(self, "above 0", "steps", "rows", "row_length", "learning_rate")
        require(self, "above 0", "max_grad_norm", "evaluate_every")
        require(self, "at least 0", "warmup")


def pretrain(
    run: Run,
    gpt: LanguageModel,
    tokenizer: ChatTokenizer,
    stream: Tensor,
    validation: Tensor,
    config: PretrainConfig,
    seed: int,
    dtype: torch.dtype = torch.float32,
    stage: str = "pretrain",
) -> Iterator[Progress]:
    """Train `gpt` on `stream`, both (tokens,); ends with checkpoints/<stage>."""
    optimiser = MuonWithAdam(gpt.parameter_groups(), config.learning_rate)
    device = gpt.device
    start = 0
    if state := run.load_state(stage):
        load_trainable(gpt, state["model"])
        optimiser.load_state_dict(state["optimiser"])
        start = state["step"]
    began = time.perf_counter()
    for step in range(start, config.steps):
        rows = stream_rows(stream, config.row_length, config.rows, step, seed, stage).to(device)
        factor = warmup_then_linear(step, config.steps, config.warmup)
        set_learning_rate(optimiser, config.learning_rate * factor)
        with autocast(device, dtype):
            loss = imitation_loss(gpt, plain(rows))
        loss.backward()
        grad_norm = torch.nn.utils.clip_grad_norm_(gpt.parameters(), config.max_grad_norm)
        optimiser.step()
        optimiser.zero_grad()

        metrics = {"train/loss": loss.item(), "train/grad_norm": grad_norm.item()}
        done = step + 1
        is_due = done % config.evaluate_every == 0 or done == config.steps
        if is_due:
            metrics["validation/loss"] = validation_loss(gpt, validation, config, dtype)
        run.log(stage, done, metrics)
        if is_due:
            run.save_state(
                stage,
                {"step": done, "model": trainable_state(gpt), "optimiser": optimiser.state_dict()},
            )
        tokens = (done - start) * config.rows * config.row_length
        metrics["train/tokens_per_s"] = tokens / (time.perf_counter() - began)
        yield Progress(stage, done, config.steps, metrics)
    run.finish(stage, lambda folder: save_model(folder, gpt, tokenizer))


@torch.inference_mode()
def validation_loss(
    gpt: LanguageModel,
    validation: Tensor,
    config: PretrainConfig,
    dtype: torch.dtype,
    rows: int = 64,
) -> float:
    """Mean loss over evenly spread rows of the validation stream."""
    length = config.row_length + 1
    if len(validation) < length:
        raise BadInput(f"The validation text has {len(validation)} tokens, fewer than {length}.")
    starts = torch.linspace(0, len(validation) - length, rows).long().unique()
    device = gpt.device
    losses = []
    for chunk in starts.split(config.rows):
        batch = torch.stack([validation[i : i + length] for i in chunk.tolist()]).long()
        with autocast(device, dtype):
            losses.append(imitation_loss(gpt, plain(batch.to(device))).item() * len(chunk))
    return sum(losses) / len(starts)

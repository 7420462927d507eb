"""Supervised fine-tuning: imitate demonstrations, packed, the assistant's tokens only."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from tutelage.config import require
from tutelage.data.augmentation import RareWordSwap, leave_words_out
from tutelage.data.demonstrations import demonstration_tree, demonstration_trees, prompt_of
from tutelage.data.order import batch_indices, held_out_prompts
from tutelage.device import autocast, seeded
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
from tutelage.schema import Demonstration
from tutelage.text.packing import Packed, Tree, pack
from tutelage.wording import plural

IMITATED = 32  # demonstrations beside a step of another stage: most of its time goes there


@dataclass(frozen=True, kw_only=True)
class SFTConfig:
    epochs: float = 10.0  # passes over the demonstrations
    batch: int = 64  # demonstrations a step
    row_length: int = 128  # tokens a packed row
    learning_rate: float = 0.015  # of Muon; embeddings and heads keep their proportion to it
    warmup: int = 10  # steps
    max_grad_norm: float = 1.0
    swapped: float = 0.0  # share of examples whose rare copied words are swapped for others
    left_out: float = 0.0  # share of a request's words that are left out, of those not copied
    held_out: float = 0.05  # share of the prompts kept for the validation loss, one at least
    evaluate_every: int = 50  # steps between validation losses and saved states

    def __post_init__(self) -> None:
        require(self, "above 0", "epochs", "batch", "row_length", "learning_rate")
        require(self, "above 0", "max_grad_norm", "evaluate_every")
        require(self, "at least 0", "warmup")
        require(self, "from 0 to 1", "swapped", "left_out", "held_out")


def sft(
    run: Run,
    gpt: LanguageModel,
    tokenizer: ChatTokenizer,
    demonstrations: Sequence[Demonstration],
    config: SFTConfig,
    seed: int,
    dtype: torch.dtype = torch.float32,
    stage: str = "sft",
) -> Iterator[Progress]:
    """Train `gpt` on the demonstrations; ends with checkpoints/<stage>."""
    context = gpt.context
    shown, trees, validation = divide(demonstrations, tokenizer, context, config, seed)
    trees_of = augmenter(shown, trees, tokenizer, context, config)
    steps = max(1, math.ceil(len(shown) * config.epochs / config.batch))
    optimiser = MuonWithAdam(gpt.parameter_groups(), config.learning_rate)
    device = gpt.device
    start = 0
    if state := run.load_state(stage):
        load_trainable(gpt, state["model"])
        optimiser.load_state_dict(state["optimiser"])
        start = state["step"]
    began, seen = time.perf_counter(), 0
    for step in range(start, steps):
        batch_trees = trees_of(step, seed, stage)
        batch = pack(batch_trees, config.row_length, tokenizer.pad).to(device)
        factor = warmup_then_linear(step, steps, config.warmup)
        set_learning_rate(optimiser, config.learning_rate * factor)
        metrics = imitation_step(gpt, optimiser, batch, config.max_grad_norm, dtype)
        done = step + 1
        is_due = done % config.evaluate_every == 0 or done == steps
        if is_due and validation:
            metrics["validation/loss"] = _validation_loss(gpt, validation, config, tokenizer.pad)
        run.log(stage, done, metrics)
        if is_due:
            run.save_state(
                stage,
                {"step": done, "model": trainable_state(gpt), "optimiser": optimiser.state_dict()},
            )
        seen += sum(map(len, batch_trees))
        metrics["train/tokens_per_s"] = seen / (time.perf_counter() - began)
        yield Progress(stage, done, steps, metrics)
    run.finish(stage, lambda folder: save_model(folder, gpt, tokenizer))


def imitation_step(
    gpt: LanguageModel,
    optimiser: torch.optim.Optimizer,
    batch: Packed,
    max_grad_norm: float,
    dtype: torch.dtype,
) -> dict[str, float]:
    """One gradient step on packed demonstrations."""
    with autocast(batch.tokens.device, dtype):
        loss = imitation_loss(gpt, batch)
    loss.backward()
    grad_norm = torch.nn.utils.clip_grad_norm_(gpt.parameters(), max_grad_norm)
    optimiser.step()
    optimiser.zero_grad()
    return {"train/loss": loss.item(), "train/grad_norm": grad_norm.item()}


def divide(
    demonstrations: Sequence[Demonstration],
    tokenizer: ChatTokenizer,
    context: int,
    config: SFTConfig,
    seed: int,
) -> tuple[list[Demonstration], list[Tree], list[Tree]]:
    """The demonstrations to train on, their trees, and the trees kept for validation: of some of
    the prompts, drawn at random, all that answers them."""
    trees = demonstration_trees(tokenizer, demonstrations, context)
    prompts = [prompt_of(demonstration) for demonstration in demonstrations]
    least = 1 if config.held_out else 0
    kept = held_out_prompts(prompts, config.held_out, seed, least=least)
    learned = [i for i, prompt in enumerate(prompts) if prompt not in kept]
    if not learned:
        raise BadInput(
            f"{plural(len(trees), 'demonstration')} of {plural(len(kept), 'prompt')} would be kept "
            "for validation, and none is left to train on: give more, or --held-out 0."
        )
    validation = [tree for tree, prompt in zip(trees, prompts, strict=True) if prompt in kept]
    return [demonstrations[i] for i in learned], [trees[i] for i in learned], validation


def augmenter(
    shown: Sequence[Demonstration],
    trees: Sequence[Tree],
    tokenizer: ChatTokenizer,
    context: int,
    config: SFTConfig,
) -> Callable[..., list[Tree]]:
    """From (step, *seed) to that step's demonstrations, as trees, augmented as config asks; trees:
    the unchanged ones."""
    swap = RareWordSwap(example.messages for example in shown)

    def trees_of(step: int, *seed: object) -> list[Tree]:
        generator = seeded(*seed, step, "augment")
        return [
            augmented_tree(shown[i], trees[i], swap, tokenizer, context, config, generator)
            for i in batch_indices(len(shown), config.batch, step, *seed)
        ]

    return trees_of


def imitation_batches(
    shown: Sequence[Demonstration],
    tokenizer: ChatTokenizer,
    context: int,
    config: SFTConfig,
    *seed: object,
) -> Callable[[int], Iterator[Packed]]:
    """For each step of another stage batches of demonstrations without end: what `reinforce` takes
    as `mixed`."""
    trees = demonstration_trees(tokenizer, shown, context)
    trees_of = augmenter(shown, trees, tokenizer, context, config)

    def batches(step: int) -> Iterator[Packed]:
        for number in itertools.count():
            yield pack(trees_of(number, *seed, step), config.row_length, tokenizer.pad)

    return batches


def augmented_tree(
    example: Demonstration,
    unchanged: Tree,
    swap: RareWordSwap,
    tokenizer: ChatTokenizer,
    context: int,
    config: SFTConfig,
    generator: torch.Generator,
) -> Tree:
    """The demonstration about other things and in fewer words, as often as config says; unchanged
    where a swapped word makes it longer than the context."""
    if torch.rand((), generator=generator) < config.swapped:
        example = swap.demonstration(example, generator)
    replies = [m.content for m in example.messages if m.role == "assistant"]
    messages = leave_words_out(example.messages, replies, config.left_out, generator)
    tree = demonstration_tree(tokenizer, Demonstration(messages))
    return tree if tree.longest <= context else unchanged


@torch.inference_mode()
def _validation_loss(
    gpt: LanguageModel, trees: Sequence[Tree], config: SFTConfig, pad: int
) -> float:
    batch = pack(trees, config.row_length, pad).to(gpt.device)
    return imitation_loss(gpt, batch).item()

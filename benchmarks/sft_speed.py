"""Supervised fine-tuning: demonstration tokens trained on a second, against TRL's SFTTrainer.

Both train on the same demonstrations in random order, 64 a step. `by_length` gives TRL's sampler
that puts demonstrations of one length together, which pads less but makes other batches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import peers
import torch
import tyro
from common import against, in_turn, print_result, scratch_run, seconds_a_step, versions
from datasets import Dataset
from transformers import GPT2LMHeadModel
from trl import SFTConfig as TRLConfig
from trl import SFTTrainer
from workloads import CONTEXT, demonstrations, our_gpt, word_tokenizer

from tutelage.data.demonstrations import demonstration_trees
from tutelage.device import pick_dtype
from tutelage.schema import Demonstration
from tutelage.stages.sft import SFTConfig, sft
from tutelage.text.tokenizer import Tokenizer

# Packing by TRL is padding-free too: rows of about four demonstrations, each flattened.
PEER_SETTINGS: dict[str, dict[str, Any]] = {
    "padded": {"per_device_train_batch_size": 64},
    "padded, 4 × 16": {"per_device_train_batch_size": 16, "gradient_accumulation_steps": 4},
    "padding-free, 8 × 8": peers.padding_free(8, 8),
    "padding-free, 16 × 4": peers.padding_free(16, 4),
}
# Not the same batches: each step sees demonstrations of one length.
BY_LENGTH = {"padded, 4 × 16 by length": peers.by_length(4, 16)}


@dataclass(frozen=True, kw_only=True)
class Settings:
    repeats: int = 5
    steps: int = 12  # timed steps of each repeat, a multiple of 4 as the next
    warm_up: int = 4  # steps before them: by length, TRL goes from long to short every 4
    seed: int = 0
    batch: int = 64  # demonstrations a step


def our_seconds(settings: Settings, tokenizer: Tokenizer, data: list[Demonstration]) -> float:
    """Seconds a step of the stage itself: packing, loss, gradient, optimiser, metrics on disk."""
    dtype = pick_dtype(torch.device("cpu"))
    config = SFTConfig(batch=settings.batch, epochs=1000, evaluate_every=1_000_000)
    with scratch_run() as run:
        stage = sft(run, our_gpt(settings.seed), tokenizer, data, config, settings.seed, dtype)
        return seconds_a_step(stage, settings.warm_up, settings.steps)


def peer_seconds(
    data: Dataset, tokenizer: Tokenizer, numbers: str, setting: str, warm_up: int, steps: int
) -> float:
    def build(arguments: dict[str, Any]) -> SFTTrainer:
        model = peers.in_numbers(GPT2LMHeadModel(peers.gpt2_config()), numbers)
        return SFTTrainer(
            model,
            TRLConfig(**arguments | {"max_length": CONTEXT} | (PEER_SETTINGS | BY_LENGTH)[setting]),
            train_dataset=data,
            processing_class=peers.peer_tokenizer(tokenizer),
        )

    return peers.seconds_a_step(build, numbers, warm_up, steps)


def main(settings: Settings) -> None:
    tokenizer = word_tokenizer()
    data = demonstrations(1024, settings.seed)
    trees = demonstration_trees(tokenizer, data, CONTEXT)
    tokens = sum(len(tree) for tree in trees) / len(trees) * settings.batch  # a step
    labels = [
        [t if s else -100 for t, s in zip(tree.prompt, tree.spoken or [], strict=True)]
        for tree in trees
    ]
    peer_data = Dataset.from_dict({"input_ids": [tree.prompt for tree in trees], "labels": labels})

    def peer(numbers: str, setting: str, warm_up: int, steps: int) -> float:
        return peer_seconds(peer_data, tokenizer, numbers, setting, warm_up, steps)

    numbers, setting, tried = peers.best_choice(list(PEER_SETTINGS), peer)
    ours, theirs = in_turn(
        lambda: tokens / our_seconds(settings, tokenizer, data),
        lambda: tokens / peer(numbers, setting, settings.warm_up, settings.steps),
        settings.repeats,
    )
    (other,) = BY_LENGTH
    by_length = [
        tokens / peer(numbers, other, settings.warm_up, settings.steps)
        for _ in range(settings.repeats)
    ]
    print_result(
        "SFT speed",
        "demonstration tokens/s",
        ours,
        theirs,
        versions("trl", "transformers"),
        target=2.0,
        seed=settings.seed,
        tokens_a_step=round(tokens),
        peer_setting=[numbers, setting],
        peer_seconds_a_step=tried,
        by_length=against(ours, by_length),
    )


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))

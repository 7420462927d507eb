"""Pretraining on characters, checked from outside: loss and seconds beside a well-known recipe.

Both sides train on the first nine tenths of the text and are scored on every whole row of the last
tenth: nats a character, which here is a token.
"""

from __future__ import annotations

import gzip
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import gpt2_recipe
import torch
import torch.nn.functional as F
import tyro
from common import ROOT, in_turn, print_result, scratch_run
from torch import Tensor, nn

from tutelage.device import pick_dtype, seeded
from tutelage.model.gpt import GPT, GPTConfig
from tutelage.stages.pretrain import PretrainConfig, pretrain
from tutelage.text.packing import plain
from tutelage.text.tokenizer import SPECIAL, Tokenizer

LAYERS, HEADS, WIDTH, CONTEXT, BATCH = 4, 4, 128, 64, 12
VOCABULARY = 256 + len(SPECIAL)  # bytes and special tokens, no merges


@dataclass(frozen=True, kw_only=True)
class Settings:
    data: Path = ROOT.parent / "shared" / "data" / "pretrain_tinyshakespeare.txt.gz"
    repeats: int = 3  # each with a seed of its own
    steps: int = 2000
    seed: int = 0
    learning_rate: float = PretrainConfig.learning_rate  # ours


class OurLogits(nn.Module):
    def __init__(self, gpt: GPT) -> None:
        super().__init__()
        self.gpt = gpt

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.gpt.head(self.gpt(plain(tokens)))
        return logits


@torch.inference_mode()
def loss_on_all(model: nn.Module, stream: Tensor) -> float:
    """Mean loss over every whole row of the stream."""
    rows = stream[: (len(stream) - 1) // CONTEXT * CONTEXT + 1].long()
    inputs, targets = rows[:-1].view(-1, CONTEXT), rows[1:].view(-1, CONTEXT)
    losses = [
        F.cross_entropy(model(i).flatten(0, 1).float(), t.flatten(), reduction="sum").item()
        for i, t in zip(inputs.split(256), targets.split(256), strict=True)
    ]
    return sum(losses) / targets.numel()


def train_ours(
    settings: Settings, seed: int, tokenizer: Tokenizer, stream: Tensor, validation: Tensor
) -> tuple[float, float]:
    """Seconds and validation loss of the stage, its checkpoints and estimates included."""
    config = GPTConfig(
        vocabulary=VOCABULARY, context=CONTEXT, layers=LAYERS, heads=HEADS, width=WIDTH
    )
    gpt = GPT(config).initialise(seeded(seed, "model"))
    plan = PretrainConfig(
        steps=settings.steps,
        rows=BATCH,
        row_length=CONTEXT,
        learning_rate=settings.learning_rate,
        warmup=100,
        evaluate_every=gpt2_recipe.EVALUATE_EVERY,
    )
    dtype = pick_dtype(torch.device("cpu"))
    with scratch_run() as run:
        began = time.perf_counter()
        for _ in pretrain(run, gpt, tokenizer, stream, validation, plan, seed, dtype):
            pass
        seconds = time.perf_counter() - began
    return seconds, loss_on_all(OurLogits(gpt), validation)


def main(settings: Settings) -> None:
    text = gzip.decompress(settings.data.read_bytes()).decode("utf-8")
    tokenizer = Tokenizer.train([], VOCABULARY)
    cut = len(text) * 9 // 10
    # The inner tokenizer: a token a character, none that joins words.
    stream, validation = (
        torch.tensor(tokenizer.inner.encode(part).ids, dtype=torch.int32)
        for part in (text[:cut], text[cut:])
    )
    assert len(validation) == len(text) - cut
    losses: dict[str, list[float]] = {"ours": [], "peer": []}

    def ours() -> float:
        seed = settings.seed + len(losses["ours"])
        seconds, loss = train_ours(settings, seed, tokenizer, stream, validation)
        losses["ours"].append(loss)
        return seconds

    def peer() -> float:
        torch.manual_seed(settings.seed + len(losses["peer"]))
        model = gpt2_recipe.GPT2(VOCABULARY, CONTEXT, LAYERS, HEADS, WIDTH)
        seconds = gpt2_recipe.train(model, stream, validation, settings.steps, BATCH, CONTEXT)
        losses["peer"].append(loss_on_all(model, validation))
        return seconds

    our_seconds, peer_seconds = in_turn(ours, peer, settings.repeats)
    print_result(
        "Pretraining on tinyshakespeare",
        "seconds to train",
        our_seconds,
        peer_seconds,
        f"GPT-2 recipe, torch {torch.__version__}",
        less_is_better=True,
        target=1.0,
        seed=settings.seed,
        loss_unit="nats a character",
        target_loss=1.90,
        our_loss=round(median(losses["ours"]), 4),
        our_losses=[round(loss, 4) for loss in losses["ours"]],
        peer_loss=round(median(losses["peer"]), 4),
        peer_losses=[round(loss, 4) for loss in losses["peer"]],
        steps=settings.steps,
    )


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))

"""The reward model: from the SFT weights, learns to score as labelers rank (Bradley–Terry)."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tutelage.algorithms.functional import bradley_terry_loss, masked_mean
from tutelage.config import require
from tutelage.data.augmentation import RareWordSwap
from tutelage.data.comparisons import comparison_trees, rank_table, swapped_trees
from tutelage.data.order import batch_indices
from tutelage.device import autocast, seeded
from tutelage.errors import BadInput
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.model.checkpoint import save_model
from tutelage.model.heads import RewardModel, last_of
from tutelage.model.optimiser import MuonWithAdam, set_learning_rate, warmup_then_linear
from tutelage.runs import Progress, Run
from tutelage.schema import Comparison
from tutelage.text.batching import Packed, Tree, pack
from tutelage.text.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class RewardConfig:
    epochs: float = 1.0  # passes over the comparisons
    batch: int = 16  # prompts a step, each with all its responses
    row_length: int = 192  # tokens a packed row
    learning_rate: float = 0.001  # of Muon; embeddings and heads keep their proportion to it
    warmup: int = 10  # steps
    swapped: float = 0.8  # share of examples whose rare copied words are swapped for others
    expectation_coefficient: float = 0.01  # of the squared error of what unfinished replies promise
    max_grad_norm: float = 1.0
    evaluate_every: int = 50  # steps between saved states

    def __post_init__(self) -> None:
        require(self, "above 0", "epochs", "batch", "row_length", "learning_rate")
        require(self, "above 0", "max_grad_norm", "evaluate_every")
        require(self, "at least 0", "warmup", "expectation_coefficient")
        require(self, "from 0 to 1", "swapped")


def train_reward_model(
    run: Run,
    model: RewardModel,
    tokenizer: Tokenizer,
    comparisons: Sequence[Comparison],
    reference_samples: Sequence[Tree],
    config: RewardConfig,
    seed: int,
    dtype: torch.dtype = torch.float32,
    stage: str = "reward",
) -> Iterator[Progress]:
    """Train `model`, then normalise it on reference_samples; ends with checkpoints/<stage>."""
    if not comparisons:
        raise BadInput("There are no comparisons to train a reward model on.")
    context = model.gpt.config.context
    unchanged = comparison_trees(tokenizer, comparisons, context)
    swap = RareWordSwap(comparison.prompt for comparison in comparisons)
    ranks, mask = rank_table(comparisons)
    size = min(config.batch, len(comparisons))
    steps = max(1, math.ceil(len(comparisons) * config.epochs / size))
    model.unnormalise()  # Bradley–Terry's probabilities belong to the scores as trained
    optimiser = MuonWithAdam([model], config.learning_rate)
    device = model.gpt.embedding.weight.device
    start = 0
    if state := run.load_state(stage):
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        start = state["step"]
    began, seen = time.perf_counter(), 0
    for step in range(start, steps):
        chosen = batch_indices(len(comparisons), size, step, seed, stage)
        generator = seeded(seed, stage, step, "swap")
        trees = swapped_trees(
            tokenizer, comparisons, unchanged, chosen, swap, config.swapped, context, generator
        )
        packed = pack(trees, config.row_length, tokenizer.pad).to(device)
        factor = warmup_then_linear(step, steps, min(config.warmup, steps // 5))
        set_learning_rate(optimiser, config.learning_rate * factor)
        metrics = reward_step(model, optimiser, packed, ranks[chosen], mask[chosen], config, dtype)
        done = step + 1
        run.log(stage, done, metrics)
        if done % config.evaluate_every == 0 or done == steps:
            run.save_state(
                stage,
                {"step": done, "model": model.state_dict(), "optimiser": optimiser.state_dict()},
            )
        seen += sum(map(len, trees))
        metrics["train/tokens_per_s"] = seen / (time.perf_counter() - began)
        yield Progress(stage, done, steps, metrics)
    if reference_samples:
        judge = RewardModelJudge(model, tokenizer.pad, config.row_length)
        model.normalise(judge.score_trees(reference_samples))
    run.finish(stage, lambda folder: save_model(folder, model, tokenizer))


def reward_step(
    model: RewardModel,
    optimiser: torch.optim.Optimizer,
    packed: Packed,
    ranks: Tensor,
    mask: Tensor,
    config: RewardConfig,
    dtype: torch.dtype,
) -> dict[str, float]:
    """One gradient step on packed comparisons, whose rankings are ranks and mask, both (P, K)."""
    device = packed.tokens.device
    mask = mask.to(device)
    with autocast(device, dtype):
        scores, said = model(packed)  # (responses, L + 1), prompt by prompt
    final = last_of(scores, said)
    table = torch.zeros(mask.shape, device=device).masked_scatter(mask, final)
    loss = bradley_terry_loss(table, ranks.to(device), mask)
    # What to expect of a reply that is not finished: PPO's critic starts from it.
    expectation_loss = masked_mean((scores - final.detach()[:, None]).square(), said)
    (loss + config.expectation_coefficient * expectation_loss).backward()
    grad_norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
    optimiser.step()
    optimiser.zero_grad()
    return {
        "train/loss": loss.item(),
        "train/expectation_loss": expectation_loss.item(),
        "train/grad_norm": grad_norm.item(),
    }

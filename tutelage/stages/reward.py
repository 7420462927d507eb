"""The reward model: from the SFT weights, learns to score as labelers rank (Bradley–Terry) and rate
(proportional odds, with an offset for each labeler)."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from tutelage.algorithms.functional import bradley_terry_loss, masked_mean
from tutelage.algorithms.raters import Raters, save_raters
from tutelage.config import require
from tutelage.data.augmentation import RareWordSwap
from tutelage.data.comparisons import comparison_trees, rank_table, swapped_trees
from tutelage.data.order import batch_indices
from tutelage.data.ratings import rating_trees, unranked
from tutelage.device import autocast, seeded
from tutelage.errors import BadInput
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.model.checkpoint import save_model
from tutelage.model.heads import RewardModel, last_of
from tutelage.model.language_model import load_trainable, trainable_state
from tutelage.model.optimiser import FusedAdam, MuonWithAdam, set_learning_rate, warmup_then_linear
from tutelage.protocols import ChatTokenizer
from tutelage.runs import Progress, Run
from tutelage.schema import Comparison, Rating
from tutelage.text.packing import Packed, Tree, pack


@dataclass(frozen=True, kw_only=True)
class RewardConfig:
    epochs: float = 1.0  # passes over the comparisons and ratings
    batch: int = 16  # a step's comparisons, each with all its responses, and ratings
    row_length: int = 192  # tokens a packed row
    learning_rate: float = 0.001  # of Muon; embeddings and heads keep their proportion to it
    warmup: int = 10  # steps
    rating_coefficient: float = 1.0  # weight of a rating; of a comparison, as a whole, 1
    rater_learning_rate: float = 0.05  # of Adam, for thresholds, slopes and labelers' offsets
    swapped: float = 0.0  # share of examples whose rare copied words are swapped for others
    expectation_coefficient: float = 0.01  # of the squared error of what unfinished replies promise
    max_grad_norm: float = 1.0
    evaluate_every: int = 50  # steps between saved states

    def __post_init__(self) -> None:
        require(self, "above 0", "epochs", "batch", "row_length", "learning_rate")
        require(self, "above 0", "rater_learning_rate", "max_grad_norm", "evaluate_every")
        require(self, "at least 0", "warmup", "rating_coefficient", "expectation_coefficient")
        require(self, "from 0 to 1", "swapped")


def train_reward_model(
    run: Run,
    model: RewardModel,
    tokenizer: ChatTokenizer,
    comparisons: Sequence[Comparison],
    reference_samples: Sequence[Tree],
    config: RewardConfig,
    seed: int,
    dtype: torch.dtype = torch.float32,
    stage: str = "reward",
    ratings: Sequence[Rating] = (),
    raters: Raters | None = None,
) -> Iterator[Progress]:
    """Train `model`, then normalise it on reference_samples; ends with checkpoints/<stage>.

    ratings train it as rankings do; raters: how they were given, where it is known already. They
    are left in the checkpoint's folder beside the weights, and refer to scores as trained.
    """
    if not comparisons and not ratings:
        raise BadInput("There are no comparisons or ratings to train a reward model on.")
    context = model.context
    examples = [*comparisons, *map(unranked, ratings)]
    unchanged = comparison_trees(tokenizer, comparisons, context)
    unchanged += rating_trees(tokenizer, ratings, context)
    swap = RareWordSwap(example.prompt for example in examples)
    ranks, mask = rank_table(examples)
    size = min(config.batch, len(examples))
    steps = max(1, math.ceil(len(examples) * config.epochs / size))
    model.unnormalise()  # Bradley–Terry's probabilities belong to the scores as trained
    optimiser = MuonWithAdam(model.parameter_groups(), config.learning_rate)
    device = model.device
    judge = RewardModelJudge(model, tokenizer.pad, config.row_length)
    raters = (raters or Raters(())).joined_by((rating.scale, rating.labeler) for rating in ratings)
    if ratings:
        raters.begin(ratings, judge.score_trees(unchanged[-len(ratings) :]).mean().item())
    raters.to(device)
    rater_optimiser = FusedAdam(raters.parameters(), config.rater_learning_rate, (0.9, 0.95), 1e-5)
    start = 0
    if state := run.load_state(stage):
        load_trainable(model, state["model"])
        optimiser.load_state_dict(state["optimiser"])
        raters.load_state_dict(state["raters"])
        rater_optimiser.load_state_dict(state["rater_optimiser"])
        start = state["step"]
    began, seen = time.perf_counter(), 0
    for step in range(start, steps):
        chosen = batch_indices(len(examples), size, step, seed, stage)
        chosen.sort(key=lambda i: i >= len(comparisons))  # rankings first, in their order
        rated = [ratings[i - len(comparisons)] for i in chosen if i >= len(comparisons)]
        generator = seeded(seed, stage, step, "swap")
        trees = swapped_trees(
            tokenizer, examples, unchanged, chosen, swap, config.swapped, context, generator
        )
        packed = pack(trees, config.row_length, tokenizer.pad).to(device)
        factor = warmup_then_linear(step, steps, min(config.warmup, steps // 5))
        set_learning_rate(optimiser, config.learning_rate * factor)
        set_learning_rate(rater_optimiser, config.rater_learning_rate * factor)
        metrics = reward_step(
            model, optimiser, raters, rater_optimiser, packed, ranks[chosen], mask[chosen], rated,
            len(examples) if ratings else None, config, dtype,
        )  # fmt: skip
        done = step + 1
        run.log(stage, done, metrics)
        if done % config.evaluate_every == 0 or done == steps:
            state = {"step": done, "model": trainable_state(model), "raters": raters.state_dict()}
            state["optimiser"] = optimiser.state_dict()
            state["rater_optimiser"] = rater_optimiser.state_dict()
            run.save_state(stage, state)
        seen += sum(map(len, trees))
        metrics["train/tokens_per_s"] = seen / (time.perf_counter() - began)
        yield Progress(stage, done, steps, metrics)
    if reference_samples:
        model.normalise(judge.score_trees(reference_samples))

    def write(folder: Path) -> None:
        save_model(folder, model, tokenizer)
        if raters.labelers:
            save_raters(folder, raters)

    run.finish(stage, write)


def reward_step(
    model: RewardModel,
    optimiser: torch.optim.Optimizer,
    raters: Raters,
    rater_optimiser: torch.optim.Optimizer,
    packed: Packed,
    ranks: Tensor,
    mask: Tensor,
    rated: Sequence[Rating],
    examples: int | None,
    config: RewardConfig,
    dtype: torch.dtype,
) -> dict[str, float]:
    """One gradient step on packed comparisons and, after them, rated responses.

    ranks, mask: (P, K) of both, a rated response being a comparison of one. examples: how many
    there are in all, which share the prior of the raters; None: there are no ratings at all.
    """
    device = packed.tokens.device
    mask = mask.to(device)
    compared = len(mask) - len(rated)
    with autocast(device, dtype):
        scores, said = model(packed)  # (responses, L + 1), prompt by prompt
    final = last_of(scores, said)
    table = torch.zeros(mask.shape, device=device).masked_scatter(mask, final)
    # A rated response stands alone in its row: without a pair it is no comparison.
    ranking_loss = bradley_terry_loss(table, ranks.to(device), mask)
    rating_loss = config.rating_coefficient * raters.loss(table[compared:, 0], rated)
    loss = (compared * ranking_loss + len(rated) * rating_loss) / len(mask)
    # What to expect of a reply that is not finished: PPO's critic starts from it.
    expectation_loss = masked_mean((scores - final.detach()[:, None]).square(), said)
    total = loss + config.expectation_coefficient * expectation_loss
    if examples is not None:
        total = total + config.rating_coefficient * raters.penalty() / examples
    total.backward()
    grad_norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
    optimiser.step()
    optimiser.zero_grad()
    rater_optimiser.step()
    rater_optimiser.zero_grad()
    metrics = {
        "train/loss": loss.item(),
        "train/expectation_loss": expectation_loss.item(),
        "train/grad_norm": grad_norm.item(),
    }
    if examples is not None:
        metrics |= {"train/rating_loss": rating_loss.item(), "train/ratings": len(rated)}
        metrics |= {"train/ranking_loss": ranking_loss.item(), "train/rankings": compared}
    return metrics

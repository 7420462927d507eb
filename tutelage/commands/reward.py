"""`tutelage reward`: a person's own rankings."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import torch
import tyro

from tutelage.commands.folders import find_model, settle
from tutelage.commands.labels import read_rankings
from tutelage.commands.machine import prepare
from tutelage.commands.options import parse
from tutelage.data.comparisons import comparison_trees
from tutelage.device import DTypeName
from tutelage.evaluation.statistics import wilson
from tutelage.evaluation.wording import rate
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.model.checkpoint import load_model
from tutelage.model.heads import RewardModel
from tutelage.schema import Comparison
from tutelage.stages.reward import RewardConfig, train_reward_model
from tutelage.terminal import Watcher, console, show_next
from tutelage.text.tokenizer import Tokenizer

REFERENCE = 200  # prompts whose replies have score 0 on average, once the model is normalised

ABOUT = """
Train a reward model on rankings: it learns to score replies as whoever ranked them would. An
eighth of the rankings is kept out of training, to tell how often the model ranks a pair alike.

Reads
  --model        a model's folder, or a run (its newest stage that speaks);
                 a reward model's folder goes on training that one
  --comparisons  JSONL of {"prompt", "chosen", "rejected"}, or of
                 {"prompt", "responses", "ranking": [[0], [2, 1]]},
                 or a chat's labels.jsonl

Writes
  RUN/checkpoints/reward, RUN/reward.toml, RUN/metrics.jsonl.
  Cut off at any moment, the same command goes on where it stopped.

Example
  tutelage reward --model runs/mine --run runs/mine \\
    --comparisons runs/mine/data/comparisons.jsonl
"""


@dataclass(frozen=True, kw_only=True)
class RewardOptions:
    model: Annotated[Path, tyro.conf.arg(metavar="FOLDER")]  # what to begin from
    comparisons: Annotated[Path, tyro.conf.arg(metavar="FILE")]  # what to learn
    run: Annotated[Path, tyro.conf.arg(metavar="DIR")]  # folder of the run
    stage: str | None = None  # of the run that --model names; default: the newest
    seed: int = 0
    dtype: DTypeName = "auto"  # of matrix products
    training: RewardConfig = field(default_factory=RewardConfig)


def main(argv: Sequence[str]) -> None:
    options = parse(RewardOptions, "reward", ABOUT, argv)
    dtype = prepare(options.dtype)
    path = find_model(options.model, options.stage, making=(options.run, "reward"))
    comparisons = read_rankings(options.comparisons)
    kept = len(comparisons) // 8
    learned, kept_out = comparisons[: len(comparisons) - kept], comparisons[-kept:] if kept else []
    model, tokenizer = _start(path)
    # What cannot be trained on is told before the folder is bound to it.
    trees = comparison_trees(tokenizer, comparisons, model.gpt.config.context)
    inputs = {"model": path, "comparisons": options.comparisons}
    run = settle(options.run, "reward", options, inputs)
    screen = console()
    if not run.done("reward"):
        reference = trees[: min(REFERENCE, len(learned))]
        stages = train_reward_model(
            run,
            model,
            tokenizer,
            learned,
            reference,
            options.training,
            options.seed,
            dtype,
            "reward",
        )
        Watcher(screen).watch(stages)
    if kept_out:
        trained, tokenizer = load_model(run.checkpoint("reward"))
        assert isinstance(trained, RewardModel)
        right, pairs = pairs_right(trained, tokenizer, kept_out)
        if pairs:
            said = rate(right / pairs, wilson(right, pairs), pairs)
            screen.print(f"  Pairs that it had not seen, ranked alike: {said}", soft_wrap=True)
    reinforce = ["tutelage", "rl", "--model", str(options.model), "--reward", str(run.folder)]
    reinforce += ["--prompts", "FILE.txt", "--run", str(run.folder)]
    show_next(screen, shlex.join(reinforce), model=run.checkpoint("reward"))


def _start(path: Path) -> tuple[RewardModel, Tokenizer]:
    model, tokenizer = load_model(path)
    if isinstance(model, RewardModel):
        return model, tokenizer
    return RewardModel(model), tokenizer


def pairs_right(
    model: RewardModel, tokenizer: Tokenizer, comparisons: Sequence[Comparison]
) -> tuple[int, int]:
    """How many pairs the model orders as the labeler did, of how many; ties are left out."""
    trees = comparison_trees(tokenizer, comparisons, model.gpt.config.context)
    scores = RewardModelJudge(model, tokenizer.pad).score_trees(trees)
    right = pairs = 0
    for comparison, own in zip(
        comparisons, scores.split([len(c.responses) for c in comparisons]), strict=True
    ):
        ranks = torch.tensor(comparison.ranks())
        better = ranks[:, None] < ranks[None, :]
        right += int((better & (own[:, None] > own[None, :])).sum())
        pairs += int(better.sum())
    return right, pairs

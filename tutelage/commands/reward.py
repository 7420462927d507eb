"""`tutelage reward`: a person's own rankings and ratings."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TypeVar

import torch
import tyro
from rich.console import Console

from tutelage.algorithms.raters import load_raters
from tutelage.commands.folders import find_model, settle
from tutelage.commands.labels import read_judgements, read_rankings
from tutelage.commands.machine import prepare
from tutelage.commands.options import parse
from tutelage.data.comparisons import comparison_trees, pairs_right
from tutelage.data.ratings import rating_trees
from tutelage.device import DTypeName
from tutelage.evaluation.statistics import wilson
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.model.checkpoint import load_model
from tutelage.model.heads import RewardModel
from tutelage.schema import Comparison, Rating
from tutelage.screen import Watcher, console, show_next
from tutelage.stages.reward import RewardConfig, train_reward_model
from tutelage.text.tokenizer import Tokenizer
from tutelage.wording import rate

Label = TypeVar("Label", Comparison, Rating)

REFERENCE = 200  # prompts whose replies have score 0 on average, once the model is normalised

ABOUT = """
Train a reward model on rankings, ratings or both: it learns to score replies as whoever ranked or
rated them would, and how strictly each labeler rates. An eighth of each is kept out of training,
to tell how often the model orders a pair alike.

Reads
  --model        a model's folder, or a run (its newest stage that speaks);
                 a reward model's folder goes on training that one
  --comparisons  JSONL of {"prompt", "chosen", "rejected"}, or of
                 {"prompt", "responses", "ranking": [[0], [2, 1]]},
                 or a chat's labels.jsonl
  --ratings      JSONL of {"prompt", "response"} and one of "overall" (1 to 7),
                 "good" and "right" (true or false), with a "labeler" where
                 several people rated;
                 or a chat's labels.jsonl, for its replies called good or bad

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
    run: Annotated[Path, tyro.conf.arg(metavar="DIR")]  # folder of the run
    comparisons: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None  # rankings to learn
    ratings: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None  # ratings to learn
    stage: str | None = None  # of the run that --model names; default: the newest
    seed: int = 0
    device: str = "auto"  # cpu, cuda, cuda:1 …; auto: a graphics card where there is one
    dtype: DTypeName = "auto"  # of matrix products
    training: RewardConfig = field(default_factory=RewardConfig)

    def __post_init__(self) -> None:
        if self.comparisons is None and self.ratings is None:
            raise ValueError("needs --comparisons FILE, or --ratings FILE, or both")


def main(argv: Sequence[str]) -> None:
    options = parse(RewardOptions, "reward", ABOUT, argv)
    device, dtype = prepare(options.device, options.dtype)
    path = find_model(options.model, options.stage, making=(options.run, "reward"))
    comparisons = read_rankings(options.comparisons) if options.comparisons else []
    ratings = read_judgements(options.ratings) if options.ratings else []
    learned, kept_out = _split(comparisons)
    learned_ratings, kept_out_ratings = _split(ratings)
    model, tokenizer = _start(path, device)
    # Mistakes in the data are raised before the run folder is written.
    trees = comparison_trees(tokenizer, comparisons, model.context)
    rated = rating_trees(tokenizer, ratings, model.context)
    raters = load_raters(path)
    inputs = {"model": path, "comparisons": options.comparisons, "ratings": options.ratings}
    run = settle(options.run, "reward", options, inputs)
    screen = console()
    if not run.done("reward"):
        reference = (trees[: len(learned)] + rated[: len(learned_ratings)])[:REFERENCE]
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
            learned_ratings,
            raters,
        )
        Watcher(screen).watch(stages)
    trained, _ = load_model(run.checkpoint("reward"), device)
    assert isinstance(trained, RewardModel)
    judge = RewardModelJudge(trained, tokenizer.pad)
    if kept_out:
        alike = pairs_right(judge.score_trees(trees[len(learned) :]), kept_out)
        show_share(screen, "Pairs that it had not seen, ranked alike", *alike)
    if kept_out_ratings:
        scores = judge.score_trees(rated[len(learned_ratings) :]).tolist()
        alike = ratings_right(scores, kept_out_ratings)
        show_share(screen, "Ratings that it had not seen, two of a labeler ordered alike", *alike)
    command = ["tutelage", "rl", "--model", str(options.model), "--reward", str(run.folder)]
    command += ["--prompts", "FILE.txt", "--run", str(run.folder)]
    show_next(screen, shlex.join(command), model=run.checkpoint("reward"))


def _split(labels: Sequence[Label]) -> tuple[Sequence[Label], Sequence[Label]]:
    """Those to learn from, and the last eighth."""
    count = len(labels) // 8
    return labels[: len(labels) - count], labels[len(labels) - count :]


def _start(path: Path, device: torch.device) -> tuple[RewardModel, Tokenizer]:
    model, tokenizer = load_model(path, device)
    if isinstance(model, RewardModel):
        return model, tokenizer
    return RewardModel(model), tokenizer


def show_share(screen: Console, label: str, right: int, pairs: int) -> None:
    if pairs:
        share = rate(right / pairs, wilson(right, pairs), pairs)
        screen.print(f"  {label}: {share}", soft_wrap=True)


def ratings_right(scores: Sequence[float], ratings: Sequence[Rating]) -> tuple[int, int]:
    """How many pairs of ratings the model's scores order alike, of how many: each labeler's on a
    scale taken two by two, so that no rating counts twice; equal ones are left out."""
    waiting: dict[tuple[str, str], int] = {}
    right = pairs = 0
    for place, rating in enumerate(ratings):
        first = waiting.pop((rating.labeler, rating.scale), None)
        if first is None:
            waiting[rating.labeler, rating.scale] = place
        elif ratings[first].value != rating.value:
            is_better = ratings[first].value > rating.value
            right += (scores[first] > scores[place]) == is_better
            pairs += 1
    return right, pairs

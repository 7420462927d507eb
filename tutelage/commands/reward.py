"""`tutelage reward`: a person's own rankings and ratings."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TypeVar

import torch
import tyro

from tutelage.algorithms.raters import load_raters
from tutelage.commands.folders import find_model, settle
from tutelage.commands.labels import read_judgements, read_rankings
from tutelage.commands.machine import prepare
from tutelage.commands.options import parse
from tutelage.data.comparisons import comparison_trees, pairs_right
from tutelage.data.order import HELD_OUT, SEED, held_out_prompts
from tutelage.data.ratings import rating_trees
from tutelage.device import DTypeName
from tutelage.evaluation.statistics import clustered_interval, wilson
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.model.checkpoint import load_model
from tutelage.model.heads import RewardModel
from tutelage.schema import Comparison, Conversation, Rating
from tutelage.screen import Watcher, console, show_next
from tutelage.stages.reward import RewardConfig, train_reward_model
from tutelage.text.tokenizer import Tokenizer
from tutelage.wording import plural, rate

Label = TypeVar("Label", Comparison, Rating)

REFERENCE = 200  # prompts whose replies have score 0 on average, once the model is normalised

ABOUT = """
Train a reward model on rankings, ratings or both: it learns to score replies as whoever ranked or
rated them would, and how strictly each labeler rates. An eighth of the prompts, drawn at random,
is kept out of training, to tell how often the model orders a pair alike.

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
    prompts = [c.prompt for c in comparisons] + [rating.prompt for rating in ratings]
    kept = held_out_prompts(prompts, HELD_OUT, SEED, least=int(HELD_OUT * len(set(prompts))))
    learned, kept_out = _split(comparisons, kept)
    learned_ratings, kept_out_ratings = _split(ratings, kept)
    model, tokenizer = _start(path, device)
    # What cannot be trained on is told before the folder is bound to it.
    context = model.context
    comparison_trees(tokenizer, comparisons, context)
    rating_trees(tokenizer, ratings, context)
    raters = load_raters(path)
    inputs = {"model": path, "comparisons": options.comparisons, "ratings": options.ratings}
    run = settle(options.run, "reward", options, inputs)
    screen = console()
    if not run.done("reward"):
        reference = comparison_trees(tokenizer, learned, context)
        reference += rating_trees(tokenizer, learned_ratings, context)
        stages = train_reward_model(
            run,
            model,
            tokenizer,
            learned,
            reference[:REFERENCE],
            options.training,
            options.seed,
            dtype,
            "reward",
            learned_ratings,
            raters,
        )
        Watcher(screen).watch(stages)
    if kept_out or kept_out_ratings:
        trained, tokenizer = load_model(run.checkpoint("reward"), device)
        assert isinstance(trained, RewardModel)
        counts = rankings_right(trained, tokenizer, kept_out).values()
        right, pairs = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
        if pairs:
            said = rate(right / pairs, clustered_interval(counts), pairs)
            told = f"Pairs that it had not seen, of {plural(len(counts), 'prompt')}, ranked alike"
            screen.print(f"  {told}: {said}", soft_wrap=True)
        right, pairs = ratings_right(trained, tokenizer, kept_out_ratings)
        if pairs:
            said = rate(right / pairs, wilson(right, pairs), pairs)
            told = "Ratings that it had not seen, two of a labeler ordered alike"
            screen.print(f"  {told}: {said}", soft_wrap=True)
    reinforce = ["tutelage", "rl", "--model", str(options.model), "--reward", str(run.folder)]
    reinforce += ["--prompts", "FILE.txt", "--run", str(run.folder)]
    show_next(screen, shlex.join(reinforce), model=run.checkpoint("reward"))


def _split(labels: Sequence[Label], kept: set[Conversation]) -> tuple[list[Label], list[Label]]:
    """Those to learn from, and those of the prompts that are kept out."""
    return (
        [label for label in labels if label.prompt not in kept],
        [label for label in labels if label.prompt in kept],
    )


def _start(path: Path, device: torch.device) -> tuple[RewardModel, Tokenizer]:
    model, tokenizer = load_model(path, device)
    if isinstance(model, RewardModel):
        return model, tokenizer
    return RewardModel(model), tokenizer


def rankings_right(
    model: RewardModel, tokenizer: Tokenizer, comparisons: Sequence[Comparison]
) -> dict[Conversation, tuple[int, int]]:
    """How many pairs the model orders as the labeler did, and of how many, by prompt."""
    if not comparisons:
        return {}
    trees = comparison_trees(tokenizer, comparisons, model.context)
    return pairs_right(RewardModelJudge(model, tokenizer.pad).score_trees(trees), comparisons)


def ratings_right(
    model: RewardModel, tokenizer: Tokenizer, ratings: Sequence[Rating]
) -> tuple[int, int]:
    """How many pairs of ratings the model's scores order alike, of how many: each labeler's on a
    scale taken two by two, so that no rating counts twice; equal ones are left out."""
    if not ratings:
        return 0, 0
    trees = rating_trees(tokenizer, ratings, model.context)
    scores = RewardModelJudge(model, tokenizer.pad).score_trees(trees).tolist()
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

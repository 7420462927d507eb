"""A reward model of ratings, alone or beside rankings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from tests.stages.toys import REQUESTS, WORDS, new_gpt, word_tokenizer
from tutelage.algorithms.raters import load_raters
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.model.heads import RewardModel
from tutelage.runs import Run
from tutelage.schema import Comparison, Rating, Scale, ask
from tutelage.stages.reward import RewardConfig, train_reward_model
from tutelage.text.packing import Tree

pytestmark = pytest.mark.usefixtures("one_thread")

GOOD, BAD = "blue", "red"


def margin(run: Run, comparisons: Sequence[Comparison], ratings: Sequence[Rating]) -> float:
    """How much better than the bad word the good one is, once learned; in logits."""
    tokenizer = word_tokenizer()
    model = RewardModel(new_gpt())
    config = RewardConfig(epochs=12, batch=8, learning_rate=0.01, swapped=0.0)
    for _ in train_reward_model(
        run, model, tokenizer, comparisons, [], config, seed=0, ratings=ratings
    ):
        pass
    replies = [tokenizer.encode_reply(word) for word in (GOOD, BAD)]
    trees = [Tree(tokenizer.encode_prompt(ask(request)), replies) for request in REQUESTS]
    scores = RewardModelJudge(model, tokenizer.pad).score_trees(trees).view(-1, 2)
    return (scores[:, 0] - scores[:, 1]).mean().item()


@pytest.mark.parametrize(("scale", "high", "low"), [("overall", 6, 2), ("answer", 1, 0)])
def test_it_learns_from_ratings_alone(tmp_path: Path, scale: Scale, high: int, low: int):
    """Words that were never compared, each rated by itself."""
    run = Run(tmp_path)
    ratings = [
        Rating(ask(request), word, high if word == GOOD else low, scale)
        for request in REQUESTS
        for word in WORDS
    ]
    assert margin(run, [], ratings) > 2.0
    assert load_raters(run.checkpoint("reward")) is not None
    assert run.metrics()[0]["train/ratings"] == 8


def test_who_rates_kindly_does_not_make_the_bad_good(tmp_path: Path):
    """A harsh labeler saw the good word mostly, a kind one the bad word mostly: on average the bad
    word has the higher rating, yet whoever saw both put the good one higher."""
    ratings = []
    for request in REQUESTS[:2]:
        harsh = [(GOOD, 3)] * 4 + [(BAD, 1)]
        kind = [(BAD, 5)] * 4 + [(GOOD, 7)]
        ratings += [Rating(ask(request), word, value, labeler="harsh") for word, value in harsh]
        ratings += [Rating(ask(request), word, value, labeler="kind") for word, value in kind]
    unknown = [Rating(r.prompt, r.response, r.value) for r in ratings]
    assert margin(Run(tmp_path / "unknown"), [], unknown) < -0.3
    assert margin(Run(tmp_path / "known"), [], ratings) > 0.1


def test_ratings_and_rankings_pull_together(tmp_path: Path):
    """Blue over green was ranked, green over red was rated: blue over red follows."""
    comparisons = [Comparison(ask(r), (GOOD, "green"), ((0,), (1,))) for r in REQUESTS]
    ratings = [
        Rating(ask(request), word, value)
        for request in REQUESTS
        for word, value in (("green", 6), (BAD, 2))
    ]
    run = Run(tmp_path)
    assert margin(run, comparisons, ratings) > 3.0
    counts = [(row["train/rankings"], row["train/ratings"]) for row in run.metrics()]
    assert all(rankings + rated == 8 for rankings, rated in counts)
    assert sum(rankings for rankings, _ in counts) == 12 * len(comparisons)


def test_a_batch_without_ratings_learns_as_before(tmp_path: Path):
    """Rankings alone leave no raters, and their loss is Bradley–Terry's."""
    comparisons = [Comparison(ask(r), (GOOD, BAD), ((0,), (1,))) for r in REQUESTS]
    run = Run(tmp_path)
    assert margin(run, comparisons, []) > 2.0
    assert load_raters(run.checkpoint("reward")) is None
    assert "train/ratings" not in run.metrics()[0]
    assert torch.isfinite(torch.tensor([row["train/loss"] for row in run.metrics()])).all()

"""Aggregation on a real crowd, where its file is beside the repository."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tutelage.labelling.agreement import Level, alpha_interval, pairwise_agreement, value_counts

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "pref_ukpconvarg_crowd.jsonl.gz"
needs_data = pytest.mark.skipif(not DATA.exists(), reason=f"{DATA.name} is not in ../shared/data")

LEVELS: tuple[Level, ...] = ("nominal", "ordinal")


@pytest.fixture(scope="module")
def benchmark():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import crowd_aggregation
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
    return crowd_aggregation


@needs_data
def test_skill_weighted_aggregation_predicts_hidden_labels_better_than_majority(benchmark):
    """The first 1,500 pairs, two labels of each hidden: some 5 points more sides right."""
    pairs, debates = benchmark.read_crowd(DATA, limit=1500)
    assert len(debates) == 1500
    hidden = benchmark.hidden_labels(pairs, 2, seed=0)
    assert np.bincount(pairs.tasks[hidden]).tolist() == [2] * 1500
    found = benchmark.predictions(pairs, hidden, ("with skill",))
    values = 1 - pairs.preferences[hidden]
    majority, skilled, known = (
        np.nanmean(benchmark.credits(found[name], values)[:2], axis=1)
        for name in ("majority", "with skill", "with skill, known")
    )
    assert skilled[1] > majority[1] + 0.025
    assert skilled[0] > majority[0]
    assert known[0] > majority[0] + 0.02


@needs_data
def test_agreement_of_the_crowd(benchmark):
    """Five of the same pair agree more than strangers' coins, and far from always; who leaves ties
    out agrees more; the order of the three answers tells more than their names."""
    pairs, _ = benchmark.read_crowd(DATA, limit=1500)
    alike, decisive = (
        pairwise_agreement(pairs, decisive=decisive, draws=100) for decisive in (False, True)
    )
    assert 0.6 < alike.ci95[0] < alike.value < decisive.ci95[0] < decisive.value < 0.85
    counts = value_counts(pairs.tasks, 1 - pairs.preferences, 3)
    nominal, ordinal = (alpha_interval(counts, level, draws=100) for level in LEVELS)
    assert 0.2 < nominal.value < ordinal.ci95[0] < ordinal.value < 0.6


def test_predictions_of_a_toy_crowd_by_hand(benchmark):
    chances = np.array([[0.5, 0.2, 0.3], [0.4, 0.2, 0.4], [0.1, 0.8, 0.1]])
    right, side, nats = benchmark.credits(chances, np.array([0, 2, 1]))
    assert right.tolist() == [1.0, 0.5, 1.0]
    assert side[:2].tolist() == [1.0, 0.5]
    assert np.isnan(side[2])
    assert nats == pytest.approx(-np.log([0.5, 0.4, 0.8]))


def test_the_benchmark_says_what_is_missing(benchmark, tmp_path):
    with pytest.raises(SystemExit, match="is missing: put the folder `shared` beside"):
        benchmark.read_crowd(tmp_path / "none.jsonl.gz")

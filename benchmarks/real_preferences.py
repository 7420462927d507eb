"""A reward model from what people really said: crowd workers who chose the more convincing of two
arguments (UKPConvArg1, Habernal and Gurevych 2016), five of them a pair.

The whole path of a label: the pairs are imported as tasks, five labelers lease every task from the
queue and submit what the worker in their place had said, the labels are exported, and `tutelage
reward` learns from the file. Debates are kept apart: those of the report card were never seen, not
in pretraining either.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from common import ROOT, commit, machine

from tutelage.data.comparisons import comparison_trees, read_comparisons
from tutelage.data.corpus import read_corpus
from tutelage.evaluation.calibration import labelled_pairs, report_card
from tutelage.evaluation.statistics import clustered_interval
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.labelling.accounts import create_labeler
from tutelage.labelling.exports import export_jsonl
from tutelage.labelling.guidelines import current
from tutelage.labelling.imports import import_tasks
from tutelage.labelling.queue import claim, submit
from tutelage.labelling.settings import change_settings
from tutelage.labelling.store import Store
from tutelage.model.checkpoint import load_reward_model

SHARED = ROOT.parent / "shared" / "data"
CROWD = SHARED / "pref_ukpconvarg_crowd.jsonl.gz"
TEXTS = ("pretrain_wikipedia_30_articles.txt.gz", "pretrain_wikitext2_valid.txt.gz")
SEATS = 5  # workers a pair
HELD_OUT = ("tv-is-better-than-books", "should-physical-education", "is-porn-wrong")
LONGEST = 420  # characters of an argument, so that two fit the model's context


def pairs_of_the_crowd() -> list[dict[str, Any]]:
    with gzip.open(CROWD, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [
        row
        for row in rows
        if len(row["labels"]) == SEATS
        and max(len(row[side]["text"]) for side in ("a1", "a2")) <= LONGEST
    ]


def prompt_of(row: dict[str, Any]) -> str:
    return f"{row['title']}. Argue: {row['a1']['stance']}"


def ranking_of(value: str) -> list[list[int]]:
    return {"a1": [[0], [1]], "a2": [[1], [0]]}.get(value, [[0, 1]])


def labelled_by_the_queue(rows: Sequence[dict[str, Any]], folder: Path) -> tuple[Path, float]:
    """Import, lease, submit, export; the exported comparisons, and labels a second."""
    store = Store(f"sqlite:///{folder / 'labels.db'}")
    change_settings(store, None, overlap=SEATS)
    source = folder / "pairs.jsonl"
    said = {}
    with open(source, "w", encoding="utf-8") as file:
        for row in rows:
            texts = [row["a1"]["text"], row["a2"]["text"]]
            said[prompt_of(row), *texts] = [label["value"] for label in row["labels"]]
            record = {"prompt": prompt_of(row), "responses": texts, "ranking": [[0, 1]]}
            file.write(json.dumps(record) + "\n")
    import_tasks(store, source)
    rules, began, count = current(store).hash, time.perf_counter(), 0
    for seat in range(SEATS):
        person = create_labeler(store, f"seat {seat + 1}", "labeler", None, None)
        while held := claim(store, person.id, ["rank"]):
            payload = held.task.payload
            texts = payload["responses"]
            value = {
                "ranking": ranking_of(said[payload["prompt"][-1]["content"], *texts][seat]),
                "none_acceptable": False,
                "written": None,
                "shown_order": [0, 1],
            }
            submit(store, held.id, person.id, f"assignment {held.id}", value, rules)
            count += 1
    rate = count / (time.perf_counter() - began)
    counts = export_jsonl(store, folder / "export", None)
    store.close()
    assert counts["comparisons.jsonl"] == count == SEATS * len(said)
    return folder / "export" / "comparisons.jsonl", rate


def tutelage(*words: object) -> None:
    command = [sys.executable, "-m", "tutelage.cli", *map(str, words)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr)


def judged(model: Path, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The report card on pairs whose majority chose a side; each worker against it as well."""
    grader, tokenizer = load_reward_model(model)
    grader.unnormalise()  # Bradley–Terry's probabilities belong to the scores as trained
    decided = [row for row in rows if row["gold"] in ("a1", "a2")]
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "pairs.jsonl"
        with open(path, "w", encoding="utf-8") as file:
            for row in decided:
                better, worse = (("a1", "a2"), ("a2", "a1"))[row["gold"] == "a2"]
                record = {"prompt": prompt_of(row), "chosen": row[better]["text"]}
                file.write(json.dumps(record | {"rejected": row[worse]["text"]}) + "\n")
        comparisons = read_comparisons(path)
    trees = comparison_trees(tokenizer, comparisons, grader.context)
    scores = RewardModelJudge(grader, tokenizer.pad).score_trees(trees).view(-1, 2)
    pairs = labelled_pairs(
        list(scores),
        [[0, 1]] * len(scores),
        [torch.tensor([1.0, 0.0])] * len(scores),
        [[1.0, 0.0]] * len(scores),
        [[len(text) for text in comparison.responses] for comparison in comparisons],
    )
    card = report_card(pairs)
    longer = sum(pair.length_difference > 0 for pair in pairs)
    workers = [
        label["value"] == row["gold"]
        for row in decided
        for label in row["labels"]
        if label["value"] in ("a1", "a2")
    ]
    by_debate: dict[str, list[bool]] = {}
    for row, pair in zip(decided, pairs, strict=True):
        by_debate.setdefault(row["debate"], []).append(pair.margin > 0)
    right = sum(pair.margin > 0 for pair in pairs)
    # Pairs of one debate share its arguments: how far this carries is told by debates, of which
    # there are three.
    ci95 = clustered_interval((sum(own), len(own)) for own in by_debate.values())
    return {
        "pairs": len(pairs),
        "accuracy": round(right / len(pairs), 4),
        "ci95_over_debates": [round(end, 4) for end in ci95 or ()],
        "by_debate": {
            debate: {"accuracy": round(sum(own) / len(own), 4), "n": len(own)}
            for debate, own in by_debate.items()
        },
        "the longer one": round(longer / len(pairs), 4),
        "a worker who decided": round(sum(workers) / len(workers), 4),
        "card": card,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pretrain-steps", type=int, default=600)
    parser.add_argument("--pairs", type=int, default=2500)
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if not CROWD.exists():
        sys.exit(f"There is no {CROWD}: this benchmark needs the shared data beside the project.")
    rows = pairs_of_the_crowd()
    held_out = [row for row in rows if row["debate"].startswith(HELD_OUT)]
    taught = [row for row in rows if not row["debate"].startswith(HELD_OUT)]
    generator = torch.Generator().manual_seed(options.seed)
    order = torch.randperm(len(taught), generator=generator)[: options.pairs].tolist()
    taught = [taught[i] for i in order]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        texts = {row[side]["text"]: None for row in taught for side in ("a1", "a2")}
        corpus = folder / "corpus.txt"
        with open(corpus, "w", encoding="utf-8") as file:
            for name in TEXTS:
                with gzip.open(SHARED / name, "rt", encoding="utf-8") as source:
                    file.write(source.read() + "\n\n")
            file.write("\n\n".join(texts))
        assert read_corpus([corpus])
        run = folder / "run"
        tutelage(
            *("pretrain", "--corpus", corpus, "--run", run, "--steps", options.pretrain_steps),
            *("--layers", 4, "--width", 192, "--heads", 4, "--seed", options.seed),
        )
        comparisons, rate = labelled_by_the_queue(taught, folder)
        tutelage(
            *("reward", "--model", run, "--run", run, "--comparisons", comparisons),
            *("--epochs", options.epochs, "--seed", options.seed),
        )
        found = judged(run / "checkpoints" / "reward", held_out)
    line = {
        "claim": "reward model from real crowd workers, debates it had not seen",
        "ours": found["accuracy"],
        "peer": found["the longer one"],
        "peer_version": "choose the longer argument",
        "unit": "share of pairs",
        **found,
        "labels": SEATS * len(taught),
        "labels_per_s": round(rate, 1),
        "machine": machine(),
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "command": " ".join(["python", "benchmarks/real_preferences.py", *sys.argv[1:]]),
    }
    print(json.dumps(line, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()

"""Whether knowing labelers' skill tells more of a crowd than its majority: UKPConvArg1 (Habernal
and Gurevych 2016), 11,547 pairs of arguments, five people each on which convinces more, ties
allowed.

    python benchmarks/crowd_aggregation.py

Of every pair some labels are hidden and predicted from what is left: by majority vote, by Dawid and
Skene's model (as published, and with labelers pulled to the crowd), by Bradley–Terry with ties, all
labelers alike, and by the same with each labeler's skill, position and length bias. Bradley–Terry
also uses other pairs of the same arguments; its two forms beside each other show what skill alone
adds. `known`: the labeler of the hidden label is named. `unseen`: no label of the pair is left, so
that a majority can only name the commonest answer. `right`: of first, tie and second; `side`: of
first and second, where the hidden label is no tie; `nats`: minus the log of its chance. Differences
are means over the 22 debates, all splits together, with Student's t interval.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from common import ROOT, commit, machine
from dawid_skene import dawid_skene

from tutelage.evaluation.statistics import mean_interval
from tutelage.labelling.pairs import Floats, Ints, Mask, Pairs, Ranking, pairs_of
from tutelage.labelling.skill import (
    CrowdFit,
    SkillConfig,
    noisy_bradley_terry,
    preference_chances,
)

DATA = ROOT.parent / "shared" / "data" / "pref_ukpconvarg_crowd.jsonl.gz"
RANKS = {"a1": (0, 1), "equal": (0, 0), "a2": (1, 0)}
DEFAULT = SkillConfig(draws=0)
# Bradley–Terry with ties: every labeler alike
PLAIN = SkillConfig(draws=0, skill_width=0.0, position_width=0.0, length_width=0.0, tie_width=0.0)


def read_crowd(path: Path, limit: int | None = None) -> tuple[Pairs, list[str]]:
    """The labels as pairs, one task a pair, and each task's debate. limit: pairs at most."""
    if not path.exists():
        raise SystemExit(
            f"{path} is missing: put the folder `shared` beside the repository, or name the file "
            "with --data."
        )
    rankings, debates = [], []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            if limit is not None and len(debates) >= limit:
                break
            debates.append(row["debate"])
            sides = (row["a1"], row["a2"])
            for label in row["labels"]:
                rankings.append(
                    Ranking(
                        task=len(debates) - 1,
                        labeler=label["worker"],
                        ranks=RANKS[label["value"]],
                        shown=(0, 1),
                        lengths=[len(side["text"]) for side in sides],
                        items=[(row["debate"], side["id"]) for side in sides],
                    )
                )
    return pairs_of(rankings), debates


def hidden_labels(pairs: Pairs, count: int, seed: int) -> Mask:
    """(N,) which labels are hidden: `count` of each task's."""
    order = np.random.default_rng(seed).permutation(len(pairs))
    place = np.empty(len(pairs), dtype=np.int64)
    seen: dict[int, int] = {}
    for row in order:
        task = int(pairs.tasks[row])
        place[row] = seen.get(task, 0)
        seen[task] = place[row] + 1
    return place < count


def hidden_tasks(pairs: Pairs, share: float, seed: int) -> Mask:
    """(N,) all labels of a share of the tasks."""
    tasks = np.random.default_rng(seed).random(len(pairs.task_names)) < share
    return tasks[pairs.tasks]


def predictions(pairs: Pairs, hidden: Mask, methods: tuple[str, ...]) -> dict[str, Floats]:
    """Chances of first, tie and second for each hidden label, (H, 3). `majority` has no chances:
    its row is 1 for the winner, shared where several lead. `…, known`: the labeler is named."""
    kept, asked = pairs.only(~hidden), pairs.only(hidden)
    T, W = len(pairs.task_names), len(pairs.labeler_names)
    values = 1 - kept.preferences
    votes = np.bincount(kept.tasks * 3 + values, minlength=3 * T).reshape(T, 3)
    found: dict[str, Floats] = {}
    share = votes.sum(axis=0) / votes.sum()
    found["majority"] = leaders(votes + 1e-9 * share)[asked.tasks]
    smoothed = (votes + 2 * share) / (votes.sum(axis=1, keepdims=True) + 2)
    found["vote shares"] = smoothed[asked.tasks]
    for name, shrink in (("Dawid–Skene", 0.0), ("Dawid–Skene, pulled", 10.0)):
        if name in methods:
            fit = dawid_skene(kept.tasks, kept.labelers, values, (T, W, 3), shrink=shrink)
            crowd = np.average(
                fit.confusions, axis=0, weights=np.bincount(kept.labelers, minlength=W)
            )
            found[name] = fit.posteriors[asked.tasks] @ crowd
            if shrink:
                known = fit.confusions[asked.labelers]
                found[f"{name}, known"] = np.einsum(
                    "nt,ntv->nv", fit.posteriors[asked.tasks], known
                )
    for name, config in (("Bradley–Terry", PLAIN), ("with skill", DEFAULT)):
        if name in methods:
            fit = noisy_bradley_terry(kept, config)
            print(
                f"{name}: {fit.sweeps} sweeps, {fit.widths.round(2)}", file=sys.stderr, flush=True
            )
            found[name] = said_by(fit, asked, None)
            if name == "with skill":
                found["with skill, known"] = said_by(fit, asked, asked.labelers)
    return found


def said_by(fit: CrowdFit, asked: Pairs, labelers: Ints | None) -> Floats:
    return preference_chances(
        fit,
        asked.first,
        asked.second,
        labelers=labelers,
        positions=asked.positions,
        bits=asked.bits,
    )


def leaders(chances: Floats) -> Floats:
    """1 for the likeliest value of each row, shared where several are."""
    best = chances >= chances.max(axis=1, keepdims=True) - 1e-12
    return best / best.sum(axis=1, keepdims=True)


def credits(chances: Floats, values: Ints) -> tuple[Floats, Floats, Floats]:
    """Right of three, right side, and nats, each (H,); of sides nan where the label is a tie."""
    rows = np.arange(len(values))
    lead = np.sign(chances[:, 0] - chances[:, 2])
    side = np.where(values == 1, np.nan, 0.5 + 0.5 * lead * (1 - values))
    nats = -np.log(np.maximum(chances[rows, values], 1e-6))
    return leaders(chances)[rows, values], side, nats


METHODS = ("Dawid–Skene", "Dawid–Skene, pulled", "Bradley–Terry", "with skill")
# First what is claimed; then what skill adds, for a labeler who is not known and for one who is.
AGAINST = (
    ("with skill", "majority"),
    ("with skill", "Bradley–Terry"),
    ("with skill, known", "with skill"),
    ("with skill, known", "Dawid–Skene, pulled, known"),
    ("Dawid–Skene, pulled", "majority"),
    ("Dawid–Skene", "majority"),
)


def compared(pairs: Pairs, debates: list[str], hidden: list[Mask]) -> dict[str, Any]:
    """Each method's means over splits, and the differences with their intervals."""
    debate = np.unique(debates, return_inverse=True)[1]
    sums: dict[str, Floats] = {}
    for mask in hidden:
        asked = pairs.only(mask)
        for name, chances in predictions(pairs, mask, METHODS).items():
            for k, credit in enumerate(credits(chances, 1 - asked.preferences)):
                has = ~np.isnan(credit)
                table = sums.setdefault(name, np.zeros((debate.max() + 1, 3, 2)))
                where = debate[asked.tasks[has]]
                table[:, k, 0] += np.bincount(where, credit[has], len(table))
                table[:, k, 1] += np.bincount(where, minlength=len(table))
    means = {name: table[..., 0] / table[..., 1] for name, table in sums.items()}
    methods = {
        name: dict(
            zip(("right", "side", "nats"), table.mean(axis=0).round(4).tolist(), strict=True)
        )
        for name, table in means.items()
    }
    methods["majority"]["nats"] = None
    differences = []
    for better, worse in AGAINST:
        row: dict[str, Any] = {"of": better, "over": worse}
        for k, name in enumerate(("right", "side", "nats")):
            if not (name == "nats" and worse == "majority"):
                mean, ci95 = mean_interval((means[better] - means[worse])[:, k].tolist())
                ends = [round(x, 4) for x in ci95 or ()]
                row[name] = {"difference": round(mean, 4), "ci95": ends}
        differences.append(row)
    hidden_count = round(float(np.mean([mask.sum() for mask in hidden])))
    return {"hidden": hidden_count, "methods": methods, "differences": differences}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--splits", type=int, default=3, help="random choices of what is hidden")
    arguments = parser.parse_args()
    began = time.perf_counter()
    pairs, debates = read_crowd(arguments.data)
    seeds = range(arguments.splits)
    cases = {
        "one of five hidden": [hidden_labels(pairs, 1, seed) for seed in seeds],
        "two of five hidden": [hidden_labels(pairs, 2, seed) for seed in seeds],
        "unseen": [hidden_tasks(pairs, 0.1, seed) for seed in seeds],
    }
    results = {name: compared(pairs, debates, hidden) for name, hidden in cases.items()}
    first = results["one of five hidden"]["differences"][0]["right"]
    line = {
        "claim": "skill-weighted noisy Bradley–Terry predicts hidden labels better than majority",
        "holds": first["ci95"][0] > 0,
        "difference": first,
        "unit": "share of hidden labels told right, of first, tie and second",
        "labels": len(pairs),
        "pairs": len(pairs.task_names),
        "labelers": len(pairs.labeler_names),
        "debates": len(set(debates)),
        "splits": arguments.splits,
        **results,
        "seconds": round(time.perf_counter() - began, 1),
        "machine": machine(),
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "command": " ".join(["python", "benchmarks/crowd_aggregation.py", *sys.argv[1:]]),
    }
    print(json.dumps(line, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()

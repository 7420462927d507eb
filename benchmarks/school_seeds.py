"""The README's table: several seeds' report.json as one.

    python benchmarks/school_seeds.py runs/seed0/report.json runs/seed1/report.json …

A cell is the mean over the seeds and, in brackets, the lowest and highest seed. A difference's
interval is of the mean over all seeds' requests, each seed's interval taken as independent.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SETS = {
    "new_names": "new names",
    "new_phrasings": "new phrasings",
    "new_compositions": "new compositions",
}
NAMES = {"pretrain": "Pretrained", "sft": "SFT"}


def name_of(stage: str) -> str:
    return NAMES.get(stage, stage.upper())


def spread(shares: Sequence[float]) -> str:
    mean = sum(shares) / len(shares)
    return f"{100 * mean:.1f} % ({100 * min(shares):.1f} to {100 * max(shares):.1f})"


def pooled(differences: Sequence[dict[str, Any]]) -> str:
    count = len(differences)
    mean = sum(d["difference"] for d in differences) / count
    halves = [(d["ci95"][1] - d["ci95"][0]) / 2 for d in differences]
    half = sum(h * h for h in halves) ** 0.5 / count
    return (
        f"{100 * mean:+.1f} points, from {100 * (mean - half):+.1f} to {100 * (mean + half):+.1f}"
    )


def table(reports: Sequence[dict[str, Any]]) -> str:
    stages = list(reports[0]["stages"])
    lines = ["| stage | " + " | ".join(SETS.values()) + " |", "|---" * (len(SETS) + 1) + "|"]
    for stage in stages:
        cells = [
            spread([r["stages"][stage]["held_out"][name]["success"] for r in reports])
            for name in SETS
        ]
        lines.append(f"| {name_of(stage)} | " + " | ".join(cells) + " |")
    if reports[0]["differences"]:
        cells = [pooled([r["differences"][name] for r in reports]) for name in SETS]
        lines.append(f"| {name_of(stages[-1])} against SFT | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def sentences(reports: Sequence[dict[str, Any]]) -> str:
    def over(read: Callable[[dict[str, Any]], float]) -> str:
        return spread([read(report) for report in reports])

    def recognised(kind: str) -> str:
        return over(lambda r: r["stages"][last]["recognised"][kind]["success"])

    last = list(reports[0]["stages"])[-1]
    found = [
        f"Nonsense recognised {recognised('nonsense')}",
        f"danger refused {recognised('danger')}",
        f"false refusals {over(lambda r: r['stages'][last]['false_refusals']['rate'])}",
    ]
    if "reward_model" in reports[0]:
        found += [
            f"reward model right on {over(lambda r: r['reward_model']['pair_accuracy'])} of pairs",
            f"of at most {over(lambda r: r['reward_model']['ceiling'])}",
        ]
    minutes = max(r["seconds"] for r in reports) / 60
    memory = max(r["peak_memory_bytes"] for r in reports) / 1e6
    found.append(f"at most {minutes:.1f} minutes and {memory:,.0f} MB")
    return "; ".join(found) + "."


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit("Give the report.json of one or more runs.")
    reports = [json.loads(Path(path).read_text()) for path in sys.argv[1:]]
    print(table(reports), sentences(reports), sep="\n\n")


if __name__ == "__main__":
    main()

"""How long `tutelage --help` takes, beside a bare interpreter; one JSON line."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time

RUNS = 21


def seconds(*words: str) -> float:
    """Wall-clock seconds of one run of the interpreter with these words."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    # Turn about, so that whatever else the machine does falls on both.
    pairs = [(seconds("-m", "tutelage.cli", "--help"), seconds("-c", "pass")) for _ in range(RUNS)]
    ours, bare = zip(*pairs, strict=True)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    row = {
        "claim": "tutelage --help answers within half a second",
        "ours": round(statistics.median(ours), 4),
        "spread": [round(min(ours), 4), round(max(ours), 4)],
        "peer": "python -c pass",
        "peer_version": sys.version.split()[0],
        "baseline": round(statistics.median(bare), 4),
        "ratio": round(statistics.median(ours) / statistics.median(bare), 2),
        "unit": "s",
        "runs": RUNS,
        "commit": commit.stdout.strip(),
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()

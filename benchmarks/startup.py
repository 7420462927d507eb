"""How long `tutelage --help` takes, against the half second that it may; beside it a bare
interpreter."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from common import in_turn, print_result

LIMIT_S = 0.5
RUNS = 21


def seconds(*words: str) -> float:
    """Wall-clock seconds of one run of the interpreter with these words."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    ours, bare = in_turn(
        lambda: seconds("-m", "tutelage.cli", "--help"), lambda: seconds("-c", "pass"), RUNS
    )
    print_result(
        "tutelage --help",
        "s",
        ours,
        [LIMIT_S],
        "the limit",
        less_is_better=True,
        target=1.0,
        seed=0,
        bare_interpreter=round(statistics.median(bare), 4),
    )


if __name__ == "__main__":
    main()

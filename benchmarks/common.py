"""What every benchmark shares: fair timing of two sides in turn, and the one line it prints."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import torch

from tutelage.runs import Progress, Run

ROOT = Path(__file__).resolve().parents[1]
Measure = Callable[[], float]


def in_turn(ours: Measure, peer: Measure, repeats: int) -> tuple[list[float], list[float]]:
    """Both sides measured A B A B …, so that a busy machine slows both alike."""
    found: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        found[0].append(ours())
        found[1].append(peer())
    return found


def fastest_setting(seconds: dict[str, Measure]) -> tuple[str, dict[str, float | str]]:
    """The setting that takes the fewest seconds, and what each took or why it cannot run."""
    tried: dict[str, float | str] = {}
    for name, measure in seconds.items():
        try:
            tried[name] = round(measure(), 4)
        except Exception as error:  # a setting that the peer does not support here is not an error
            tried[name] = f"{type(error).__name__}: {error}"[:120]
        print(f"{name}: {tried[name]}", file=sys.stderr, flush=True)
    ran = {name: value for name, value in tried.items() if isinstance(value, float)}
    if not ran:
        raise RuntimeError(f"No setting of the peer ran: {tried}")
    return min(ran, key=lambda name: ran[name]), tried


def seconds_a_step(progress: Iterator[Progress], warm_up: int, steps: int) -> float:
    """Drive a stage's own loop; seconds a step over `steps` steps after `warm_up` others.

    It is left before the last step: neither the final checkpoint nor the evaluation counts.
    """
    for _ in range(warm_up):
        next(progress)
    began = time.perf_counter()
    for _ in range(steps):
        next(progress)
    return (time.perf_counter() - began) / steps


def seconds_a_call(call: Callable[[], object], warm_up: int, calls: int) -> float:
    """Seconds of one call, after `warm_up` calls that do not count."""
    for _ in range(warm_up):
        call()
    began = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - began) / calls


@contextmanager
def scratch_run() -> Iterator[Run]:
    """A run in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield Run(Path(folder))


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    cpu = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8").splitlines()
        cpu = next((line.split(":", 1)[1].strip() for line in lines if "model name" in line), cpu)
    flags = {"avx512_bf16": torch.cpu._is_avx512_bf16_supported()}
    flags["amx"] = torch.cpu._is_amx_tile_supported()
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        **flags,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def commit() -> str:
    """Short name of the checked-out commit, with a + where the package differs from it."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(ROOT), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "-s", "tutelage") else "")


def print_result(
    claim: str,
    unit: str,
    ours: Sequence[float],
    peer: Sequence[float],
    peer_version: str,
    *,
    less_is_better: bool = False,
    target: float,
    seed: int,
    **more: Any,
) -> None:
    """Print the claim's line: medians, spreads (largest minus smallest), and the ratio of medians,
    above 1 where ours is better."""
    mine, theirs = median(ours), median(peer)
    ratio = theirs / mine if less_is_better else mine / theirs
    line = {
        "claim": claim,
        "ours": round(mine, 4),
        "peer": round(theirs, 4),
        "ratio": round(ratio, 3),
        "target": target,
        "unit": unit,
        "peer_version": peer_version,
        "ours_spread": round(max(ours) - min(ours), 4),
        "peer_spread": round(max(peer) - min(peer), 4),
        "repeats": len(ours),
        "seeds": [seed],
        "machine": machine(),
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "command": " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
        **more,
    }
    print(json.dumps(line, ensure_ascii=False), flush=True)


def against(ours: Sequence[float], peer: Sequence[float]) -> dict[str, float]:
    """A second comparison of rates, as a claim's line holds it."""
    return {"peer": round(median(peer), 1), "ratio": round(median(ours) / median(peer), 3)}


def versions(*packages: str) -> str:
    return ", ".join(f"{package} {version(package)}" for package in packages)

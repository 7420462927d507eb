"""What a result was made on, and of which code."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path


def processor() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or sys.platform


def commit() -> str:
    """The checkout's commit, or "unknown" for an installed package."""
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return "unknown"  # a checkout further up would be somebody else's
    try:
        command = ["git", "-C", str(here), "rev-parse", "--short", "HEAD"]
        return subprocess.check_output(command, stderr=subprocess.DEVNULL, text=True).strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"

"""How much of the machine a command that computes takes, and in which numbers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import torch

from tutelage.device import DTypeName, pick_device, pick_dtype

_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # "200000 100000": two processors' worth of time


def available_cores() -> int:
    """Processors that this process may run on, no more than a container's quota grants."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        quota, period = _QUOTA.read_text().split()
        granted = int(quota) // int(period)
    except (OSError, ValueError):  # no such file, or "max"
        granted = 0
    return max(1, min(cores or 1, granted or cores or 1))


class Machine(NamedTuple):
    """Where to compute, and the format of matrix products."""

    device: torch.device
    dtype: torch.dtype


def prepare(device: str = "auto", dtype: DTypeName = "auto") -> Machine:
    """Set the number of threads, and choose the device and the format of matrix products."""
    torch.set_num_threads(available_cores())
    chosen = pick_device(device)
    return Machine(chosen, pick_dtype(chosen, dtype))

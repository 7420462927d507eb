"""The newest taught policy and reward model of a run: folders RUN/taught/policy_000012 and
RUN/taught/reward_000012, and RUN/taught/newest.json, which names the version.

A version is whole before it is named, and the name is replaced at once, so that whoever reads it at
any moment, or after a kill, finds a policy and a reward model that belong together.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tutelage.errors import BadInput
from tutelage.runs import read_json, write_folder, write_json


@dataclass(frozen=True, kw_only=True)
class Taught:
    version: int  # counts from 1
    policy: Path
    reward: Path


def newest_taught(run_folder: Path) -> Taught | None:
    """The version that is in force; None before the first one."""
    path = _pointer(run_folder)
    if not path.exists():
        return None
    described = read_json(path)
    version = described.get("version") if isinstance(described, dict) else None
    if not isinstance(version, int) or version < 1:
        raise BadInput(
            f"{path} does not name a version: delete it, and `tutelage teach` writes it again."
        )
    return _taught(run_folder, version)


def write_version(
    run_folder: Path,
    version: int,
    write_policy: Callable[[Path], object],
    write_reward: Callable[[Path], object],
) -> Taught:
    """Let the two fill the version's folders. Nobody reads them before `point_to`; what a killed
    process left of the same version is replaced."""
    taught = _taught(run_folder, version)
    for folder, write in ((taught.policy, write_policy), (taught.reward, write_reward)):
        shutil.rmtree(folder, ignore_errors=True)
        write_folder(folder, write)
    return taught


def point_to(run_folder: Path, version: int) -> None:
    """From now on this version is the newest."""
    write_json(_pointer(run_folder), {"version": version})


def prune(run_folder: Path, keep: int) -> None:
    """Remove all but the newest `keep` versions, and what was written after them but never named.

    Whoever has read the pointer has the time of keep − 1 versions to load what it named.
    """
    newest = newest_taught(run_folder)
    number = newest.version if newest else 0
    for folder in (run_folder / "taught").glob("*_[0-9]*"):
        version = folder.name.rpartition("_")[2]
        if version.isdecimal() and not number - keep < int(version) <= number:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def only_teacher(run_folder: Path) -> Iterator[None]:
    """Nobody else teaches this run meanwhile; the lock goes with the process that holds it."""
    path = run_folder / "taught" / ".lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput(
                f"Another `tutelage teach` is at work on {run_folder}: stop that one first."
            ) from None
        yield


def _pointer(run_folder: Path) -> Path:
    return Path(run_folder) / "taught" / "newest.json"


def _taught(run_folder: Path, version: int) -> Taught:
    folder = Path(run_folder) / "taught"
    return Taught(
        version=version,
        policy=folder / f"policy_{version:06}",
        reward=folder / f"reward_{version:06}",
    )

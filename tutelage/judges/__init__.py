"""Judges, each one file. A new one is a file and an entry here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tutelage.judges.reward_model import RewardModelJudge
from tutelage.judges.verifier import VerifierJudge
from tutelage.protocols import CheckMany, Judge


@dataclass(frozen=True)
class Entry:
    """How a school makes a judge: of its curriculum's check, the newest reward model, and the id
    of padding. learned: a reward model is trained for it; without one it gets None."""

    make: Callable[[CheckMany, Any, int], Judge]
    learned: bool = False


JUDGES: dict[str, Entry] = {
    "reward_model": Entry(lambda check, model, pad: RewardModelJudge(model, pad), learned=True),
    "verifier": Entry(lambda check, model, pad: VerifierJudge(check)),
}
if TYPE_CHECKING:
    JudgeName = str
else:
    JudgeName = Literal[tuple(JUDGES)]  # what `--judge` offers

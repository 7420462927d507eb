"""Which policy a stage of many steps keeps, the best by its audits or else the last, and the state
from which it goes on when it was cut off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from tutelage.config import require
from tutelage.model.checkpoint import save_model
from tutelage.model.language_model import LanguageModel, load_trainable, trainable_state
from tutelage.protocols import ChatTokenizer
from tutelage.runs import Run

# What an audit measures of a policy, all of it of the same one: audit/score, the judge's, and
# audit/kl, nats a reply from the reference, which anybody has; audit/gold where there is a check.
Audit = Callable[[LanguageModel], Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class KeeperConfig:
    by: Literal["audit/score", "audit/gold"] = "audit/score"  # gold only where gold is the judge
    kl_budget: float = 5.0  # nats a reply; a policy farther from the reference is not kept
    audit_every: int = 20  # steps between audits
    save_every: int = 10  # steps between saved states; each audit saves one too
    patience: int = 6  # audits without a new best before the stage stops; fewer stop by chance

    def __post_init__(self) -> None:
        require(self, "above 0", "kl_budget", "audit_every", "save_every", "patience")


@dataclass
class Keeper:
    """The best policy so far; steps: of the whole stage."""

    run: Run
    stage: str
    model: LanguageModel
    steps: int
    audit: Audit | None
    config: KeeperConfig
    best: float = float("-inf")
    waited: int = 0  # audits since
    policy: dict[str, torch.Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self.policy = _copy(self.model)

    def resume(self) -> dict[str, Any] | None:
        """The saved state; where there is none, None, and the policy is audited as it begins."""
        state = self.run.load_state(self.stage)
        if state:
            self.best, self.waited = state["best"], state["waited"]
            self.policy = state["best_policy"]
        elif self.audit is not None:
            self.run.log(self.stage, 0, self._look())
        return state

    @property
    def is_patient(self) -> bool:
        return self.waited < self.config.patience

    def is_due(self, done: int) -> bool:
        """Whether an audit follows after so many steps."""
        return done % self.config.audit_every == 0 or done == self.steps

    def end_step(self, done: int, metrics: dict[str, float], state: Mapping[str, Any]) -> None:
        """Audit, log and save where it is time; state: what the stage itself needs to go on."""
        if self.is_due(done):
            metrics |= self._look()
        self.run.log(self.stage, done, metrics)
        if self.is_due(done) or done % self.config.save_every == 0:
            own = {"best": self.best, "waited": self.waited, "best_policy": self.policy}
            self.run.save_state(self.stage, {"step": done, **state, **own})

    def finish(self, tokenizer: ChatTokenizer) -> None:
        """End the stage with the policy that is kept."""
        load_trainable(self.model, self.policy)
        self.run.finish(self.stage, lambda folder: save_model(folder, self.model, tokenizer))

    def _look(self) -> dict[str, float]:
        """Audit the policy, and keep it if it is the best; without an audit it is, being later."""
        measured = dict(self.audit(self.model)) if self.audit else {}
        is_best = measured.get("audit/kl", 0.0) <= self.config.kl_budget
        is_best = is_best and measured.get(self.config.by, float("inf")) > self.best
        self.waited += 1
        if is_best:
            self.best, self.waited = measured.get(self.config.by, self.best), 0
            self.policy = _copy(self.model)
        return measured | {"audit/kept": float(is_best)} if measured else {}


def _copy(model: LanguageModel) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in trainable_state(model).items()}

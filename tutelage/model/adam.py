"""Adam as torch has it, without its compiler: torch imports that, 1.2 s, when an optimiser is first
made, only to keep it off the optimiser; here nothing is compiled."""

from __future__ import annotations

from typing import Any

import torch
from torch.optim import Adam, Optimizer


def spare_the_compiler() -> None:
    """Mark what torch would exclude from compilation as excluded, so that it need not ask."""
    for name in ("add_param_group", "zero_grad", "state_dict", "load_state_dict"):
        inner: Any = getattr(getattr(Optimizer, name), "__wrapped__", None)
        if inner is not None and not hasattr(inner, "__dynamo_disable"):
            setattr(inner, "__dynamo_disable", inner)


class FusedAdam(Adam):
    """torch's fused Adam, its kernel called directly; states and numbers are the same."""

    def __init__(
        self, parameters: Any, learning_rate: float, betas: tuple[float, float], eps: float
    ) -> None:
        spare_the_compiler()
        super().__init__(parameters, learning_rate, betas=betas, eps=eps, fused=True)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """As torch's, without telling its profiler, which takes as long as a small step."""
        assert set_to_none
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def _begin(self, parameter: torch.Tensor) -> dict[str, torch.Tensor]:
        step = torch.zeros((), device=parameter.device)
        means, squares = torch.zeros_like(parameter), torch.zeros_like(parameter)
        self.state[parameter] = dict(zip(_STATE, (step, means, squares), strict=True))
        return self.state[parameter]

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if not parameters:
                continue
            states = [self.state[p] or self._begin(p) for p in parameters]
            steps, means, squares = ([state[name] for state in states] for name in _STATE)
            torch._foreach_add_(steps, 1)
            torch._fused_adam_(
                parameters,
                [p.grad for p in parameters],
                means,
                squares,
                [],
                steps,
                lr=group["lr"],
                beta1=group["betas"][0],
                beta2=group["betas"][1],
                weight_decay=0.0,
                eps=group["eps"],
                amsgrad=False,
                maximize=False,
            )


_STATE = ("step", "exp_avg", "exp_avg_sq")
# What carries this mark torch does not wrap in what tells its profiler.
FusedAdam.step.hooked = True  # type: ignore[attr-defined]

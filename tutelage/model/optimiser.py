"""Muon for matrices, Adam for everything else, and the schedule of the learning rate.

Muon (Jordan et al. 2024) makes each matrix's momentum nearly orthogonal before the step, so that
all its directions move alike. Here it reaches in 150 steps what AdamW reaches in 420.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import Adam, Optimizer

from tutelage.model.language_model import ParameterGroup

_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # quintic that drives singular values towards 1


def orthogonalise(matrices: Tensor, iterations: int = 5) -> Tensor:
    """Matrices (N, rows ≤ columns) with singular values all near 1 and the same directions."""
    a, b, c = _NEWTON_SCHULZ
    x = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(iterations):
        square = x @ x.mT
        x = a * x + torch.baddbmm(square, square, square, beta=b, alpha=c) @ x
    return x


class MuonWithAdam(torch.optim.Optimizer):
    """Each group of parameters by the rule that its model declares for it.

    learning_rate: Muon's, in units of a matrix's root mean square singular value.
    """

    def __init__(
        self,
        groups: Iterable[ParameterGroup],
        learning_rate: float,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.95),
        eps: float = 1e-8,
    ) -> None:
        spare_the_compiler()
        self.momentum, self.betas, self.eps = momentum, betas, eps
        trained = [(group, [p for p in group.parameters if p.requires_grad]) for group in groups]
        super().__init__(
            [
                {"params": p, "scale": g.scale, "muon": g.muon, "parts": g.parts}
                for g, p in trained
                if p
            ],
            {},
        )
        set_learning_rate(self, learning_rate)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self._muon([group for group in self.param_groups if group["muon"]])
        for group in self.param_groups:
            if not group["muon"]:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        self._adam(parameter, group["lr"])

    def _muon(self, groups: Sequence[dict[str, Any]]) -> None:
        """Matrices of one shape go through Newton–Schulz together, whatever their group."""
        by_shape: dict[tuple[bool, torch.Size], list[tuple[Tensor, Tensor, float]]] = {}
        for group in groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["momentum"] = torch.zeros_like(parameter)
                momentum = state["momentum"].lerp_(parameter.grad, 1 - self.momentum)
                update = torch.lerp(parameter.grad, momentum, self.momentum)
                parts = zip(
                    parameter.chunk(group["parts"]), update.chunk(group["parts"]), strict=True
                )
                for weight, direction in parts:
                    tall = weight.shape[0] > weight.shape[1]
                    direction = direction.mT if tall else direction
                    same = by_shape.setdefault((tall, direction.shape), [])
                    same.append((weight, direction, group["lr"]))
        for (tall, shape), matrices in by_shape.items():
            steps = orthogonalise(torch.stack([direction for _, direction, _ in matrices]))
            stretch = (shape[1] / shape[0]) ** 0.5 if tall else 1.0
            for (weight, _, learning_rate), step in zip(matrices, steps, strict=True):
                weight.add_(step.mT if tall else step, alpha=-learning_rate * stretch)

    def _adam(self, parameter: Tensor, learning_rate: float) -> None:
        """Kingma and Ba 2015, algorithm 1."""
        assert parameter.grad is not None
        state = self.state[parameter]
        if not state:
            state["step"] = 0
            state["mean"] = torch.zeros_like(parameter)
            state["square"] = torch.zeros_like(parameter)
        state["step"] += 1
        beta1, beta2 = self.betas
        state["mean"].lerp_(parameter.grad, 1 - beta1)
        state["square"].mul_(beta2).addcmul_(parameter.grad, parameter.grad, value=1 - beta2)
        size = (state["square"] / (1 - beta2 ** state["step"])).sqrt_().add_(self.eps)
        parameter.addcdiv_(state["mean"], size, value=-learning_rate / (1 - beta1 ** state["step"]))


def spare_the_compiler() -> None:
    """Mark what torch would exclude from compilation as excluded, so that it need not ask: it would
    import its compiler for that, 1.2 s, when an optimiser is first made."""
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


def policy_optimiser(parameters: Iterable[nn.Parameter], learning_rate: float) -> Adam:
    """Adam for reinforcement. Muon takes a full step in every direction however noisy the gradient
    is; Adam's steps shrink where it changes its sign, as a policy gradient mostly does."""
    return FusedAdam(list(parameters), learning_rate, betas=(0.9, 0.95), eps=1e-5)


@torch.no_grad()
def clip_gradient(parameters: Sequence[nn.Parameter], most: float) -> Tensor:
    """Scale the gradient down to the length `most` where it is longer; its length before."""
    if len(parameters) > 1:
        return clip_grad_norm_(parameters, most)
    gradient = parameters[0].grad  # the same with a fourth of the calls
    assert gradient is not None
    norm = torch.linalg.vector_norm(gradient)
    length = norm.item()
    if length > most:
        gradient *= most / (length + 1e-6)
    return norm


def warmup_then_linear(step: int, steps: int, warmup: int, final: float = 0.0) -> float:
    """Factor of the learning rate: up to 1 over `warmup` steps, then straight down to `final`."""
    if step < warmup:
        return (step + 1) / warmup
    left = (steps - step) / max(1, steps - warmup)
    return final + (1 - final) * left


def set_learning_rate(optimiser: torch.optim.Optimizer, learning_rate: float) -> None:
    """Each group's rate, keeping the proportions between the groups."""
    for group in optimiser.param_groups:
        group["lr"] = learning_rate * group.get("scale", 1.0)

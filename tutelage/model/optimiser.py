"""AdamW over parameters in two groups, and the schedules of the learning rate."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def adamw(
    modules: Iterable[nn.Module],
    learning_rate: float,
    weight_decay: float = 0.0,
    betas: tuple[float, float] = (0.9, 0.95),
    eps: float = 1e-8,
) -> torch.optim.AdamW:
    """AdamW; weight decay on matrices only, never on embeddings or heads."""
    decayed: list[Tensor] = []
    rest: list[Tensor] = []
    for module in modules:
        for name, parameter in module.named_parameters():
            is_matrix = parameter.ndim == 2 and "blocks" in name
            (decayed if is_matrix else rest).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=learning_rate,
        betas=betas,
        eps=eps,
        fused=True,
    )


def warmup_then_linear(step: int, steps: int, warmup: int, final: float = 0.0) -> float:
    """Factor of the learning rate: up to 1 over `warmup` steps, then straight down to `final`."""
    if step < warmup:
        return (step + 1) / warmup
    left = (steps - step) / max(1, steps - warmup)
    return final + (1 - final) * left


def set_learning_rate(optimiser: torch.optim.Optimizer, learning_rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = learning_rate

"""Mean and variance of everything seen so far, by which numbers are standardised."""

from __future__ import annotations

import torch
from torch import Tensor, nn

FARTHEST = 10.0  # deviations; what lies farther is read as this far


class RunningNormaliser(nn.Module):
    """Of rows of D numbers; merged batch by batch (Chan et al. 1983, eq. 2.1). No weights: what
    was seen decides, and it is saved with them."""

    count: Tensor
    mean: Tensor
    variance: Tensor

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros((), dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(numbers, dtype=torch.float64))
        self.register_buffer("variance", torch.ones(numbers, dtype=torch.float64))

    @torch.no_grad()
    def observe(self, rows: Tensor) -> None:
        """rows: (K, D), K at least 1."""
        rows = rows.double()
        K, seen = len(rows), self.count.item()
        variance, mean = torch.var_mean(rows, dim=0, correction=0)
        moved = mean - self.mean
        squares = self.variance * seen + variance * K + moved.square() * seen * K / (seen + K)
        self.mean += moved * (K / (seen + K))
        self.variance.copy_(squares / (seen + K))
        self.count += K

    @property
    def deviation(self) -> Tensor:
        return (self.variance + 1e-8).sqrt()

    def forward(self, rows: Tensor) -> Tensor:
        """rows: (K, D), each number in deviations from its mean; as they are before the first was
        observed."""
        scaled = (rows - self.mean) / self.deviation
        return scaled.clamp(-FARTHEST, FARTHEST).to(rows.dtype)

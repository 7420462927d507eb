"""Learning from rankings without a reward model: DPO (Rafailov et al. 2023), IPO (Azar et al. 2024)
and KTO (Ethayarajh et al. 2024).

All see h = log π − log ref of whole replies; β·h is the reward that π would be optimal for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from tutelage.algorithms.functional import bradley_terry_loss, masked_mean, pair_weights

PreferenceLoss = Literal["dpo", "ipo", "kto"]


@dataclass(frozen=True, kw_only=True)
class PreferenceConfig:
    loss: PreferenceLoss = "dpo"
    beta: float = 0.1  # price of a nat away from the reference
    bad_weight: float = 1.0  # KTO's, of a reply that is not among its prompt's best

    def __post_init__(self) -> None:
        if not self.beta > 0:
            raise ValueError(f"beta must be above 0, got {self.beta}")


def preference_loss(
    log_ratios: Tensor, ranks: Tensor, mask: Tensor, config: PreferenceConfig, kl: Tensor
) -> Tensor:
    """The loss of rankings; log_ratios h, ranks and mask: (P, K), as in bradley_terry_loss.
    kl: (), what KTO takes for KL(π‖ref); the others do not use it."""
    if config.loss == "dpo":
        return dpo_loss(log_ratios, ranks, mask, config.beta)
    if config.loss == "ipo":
        return ipo_loss(log_ratios, ranks, mask, config.beta)
    return kto_loss(log_ratios, ranks, mask, config.beta, kl, config.bad_weight)


def dpo_loss(log_ratios: Tensor, ranks: Tensor, mask: Tensor, beta: float) -> Tensor:
    """Bradley–Terry on the implicit rewards β·h (eq. 7)."""
    return bradley_terry_loss(beta * log_ratios, ranks, mask)


def ipo_loss(log_ratios: Tensor, ranks: Tensor, mask: Tensor, beta: float) -> Tensor:
    """Squared distance of h_i − h_j from 1/(2β), i the better one (eq. 17): a pair that is decided
    enough pulls no farther. A tie's two halves pull to 0."""
    margin = log_ratios[:, :, None] - log_ratios[:, None, :]
    weights = pair_weights(ranks, mask, log_ratios.dtype)
    loss = (weights * (margin - 1 / (2 * beta)).square()).sum(dim=(1, 2))
    return masked_mean(loss, weights.sum(dim=(1, 2)) > 0)


def kto_loss(
    log_ratios: Tensor,
    ranks: Tensor,
    mask: Tensor,
    beta: float,
    kl: Tensor,
    bad_weight: float = 1.0,
) -> Tensor:
    """One reply at a time (eq. 8): the best of a prompt are good, the others bad; what is good
    should lie above the KL, what is bad below. Prompts whose replies tie say nothing."""
    best = (ranks == 0) & mask
    decided = (mask & ~best).any(dim=1, keepdim=True) & mask
    above = beta * (log_ratios - kl.detach().clamp_min(0))
    loss = torch.where(best, F.sigmoid(-above), bad_weight * F.sigmoid(above))
    return (loss * decided).sum() / decided.sum().clamp_min(1)

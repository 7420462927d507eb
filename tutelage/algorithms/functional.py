"""The tensor arithmetic of every algorithm, written once. No module, no state, no loop over data.

Shapes: logits (B, T, V); logprobs, masks, advantages (B, T−1), position t scoring tokens[:, t+1];
returns and values of whole responses (N, L).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of values where mask is True; 0 where it never is."""
    return (values * mask).sum() / mask.sum().clamp_min(1)


def masked_whiten(values: Tensor, mask: Tensor, shift_mean: bool = True) -> Tensor:
    """Values with mean 0 (or, without shift_mean, the old mean) and deviation 1 under the mask."""
    mean = masked_mean(values, mask)
    deviation = masked_mean((values - mean).square(), mask).sqrt()
    whitened = (values - mean) / (deviation + 1e-8)
    return (whitened if shift_mean else whitened + mean) * mask


def whiten(values: Tensor) -> Tensor:
    """Values with mean 0 and deviation 1."""
    return F.layer_norm(values, values.shape, eps=1e-16)


def discounted_returns(rewards: Tensor, mask: Tensor, gamma: float = 1.0) -> Tensor:
    """Reward-to-go G_t = r_t + γ G_{t+1}. rewards, mask, result: (N, L)."""
    return generalised_advantages(rewards, torch.zeros_like(rewards), mask, gamma, 1.0)[0]


def generalised_advantages(
    rewards: Tensor,
    values: Tensor,
    mask: Tensor,
    gamma: float,
    lambda_: float,
    last_values: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """GAE (Schulman et al. 2016, eq. 16) and the returns A + V it implies, both (N, L).

    rewards, values, mask: (N, L), each row's steps first, then padding. last_values: (N,) value of
    the state after the last step: 0 (the default) where the episode terminated, the critic's where
    it was truncated.
    """
    continues = torch.zeros_like(mask)
    continues[:, :-1] = mask[:, 1:]
    next_values = torch.zeros_like(values)
    next_values[:, :-1] = values[:, 1:] * mask[:, 1:]
    if last_values is not None:
        rows = torch.arange(len(mask), device=mask.device)
        next_values[rows, mask.sum(dim=1) - 1] = last_values
    advantages = (
        step_advantages(rewards * mask, values * mask, next_values, continues, gamma, lambda_)
        * mask
    )
    return advantages, (advantages + values) * mask


def step_advantages(
    rewards: Tensor,
    values: Tensor,
    next_values: Tensor,
    continues: Tensor,
    gamma: float,
    lambda_: float,
) -> Tensor:
    """GAE where a row may hold several episodes: (N, L).

    next_values: of the state that followed each step, 0 if the episode terminated there, the
    critic's if it was truncated; continues: whether the row's next step is of the same episode.
    """
    # a step a row, so that each takes one call
    deltas = (rewards + gamma * next_values - values).t().contiguous()
    decay = (gamma * lambda_ * continues).t().contiguous()
    advantages = [torch.zeros_like(deltas[0])]
    for delta, kept in zip(reversed(deltas.unbind()), reversed(decay.unbind()), strict=True):
        advantages.append(torch.addcmul(delta, kept, advantages[-1]))
    return torch.stack(advantages[:0:-1], dim=1)


def clipped_surrogate(log_ratio: Tensor, advantages: Tensor, clip_range: float) -> Tensor:
    """PPO's objective as a loss a decision, −min(ρA, clip(ρ, 1 ± ε)A) (Schulman et al. 2017,
    eq. 7), not yet averaged. The clip binds on the side that A points to, so that the second term
    may as well be the constant A + ε|A|."""
    limits = advantages + clip_range * advantages.abs()
    return -torch.minimum(log_ratio.exp() * advantages, limits)


def penalised_surrogate(
    log_ratio: Tensor, advantages: Tensor, price: float, rounding: float = 0.0
) -> Tensor:
    """PPO's other objective as a loss a decision, −ρA + β·KL(π_old‖π) (Schulman et al. 2017,
    eq. 8), not yet averaged; price: β, of a nat.

    The KL is k3 of what was decided, ρ − 1 − log ρ: under π_old without bias, as is its slope
    ρ − 1, and 0 where nothing has moved. A log-ratio up to `rounding` has not: Adam makes whole
    steps of small slopes.
    """
    moved = F.hardshrink(log_ratio, rounding)
    return price * (moved.expm1() - moved) - log_ratio.exp() * advantages


def clipped_value_loss(
    values: Tensor, old_values: Tensor, returns: Tensor, clip_range: float
) -> Tensor:
    """Half the squared error, the larger of plain and clipped prediction, not yet averaged. Beyond
    the range the clipped prediction is a constant: where its error is the larger one there is
    nothing to learn."""
    error = F.mse_loss(values, returns, reduction="none")
    if math.isfinite(clip_range):
        clipped = old_values + (values - old_values).clamp(-clip_range, clip_range)
        error = torch.maximum(error, F.mse_loss(clipped, returns, reduction="none"))
    return error / 2


def kl_k1(logprobs: Tensor, reference: Tensor) -> Tensor:
    """log π − log ref: unbiased for KL(π‖ref) under π, noisy, negative at times."""
    return logprobs - reference


def kl_k2(logprobs: Tensor, reference: Tensor) -> Tensor:
    """Half the squared log-ratio: biased, but its gradient is the reverse KL's."""
    return 0.5 * (logprobs - reference).square()


def kl_k3(logprobs: Tensor, reference: Tensor) -> Tensor:
    """ref/π − 1 − log(ref/π): unbiased under π and never negative (Schulman 2020)."""
    log_ratio = reference - logprobs
    return torch.expm1(log_ratio) - log_ratio


def leave_one_out_advantages(rewards: Tensor) -> Tensor:
    """Each reward minus the mean of the others of its group (RLOO). (P, G), G ≥ 2."""
    G = rewards.shape[1]
    return (rewards - rewards.mean(dim=1, keepdim=True)) * (G / (G - 1))


def group_normalised_advantages(rewards: Tensor, scale: bool = True) -> Tensor:
    """Reward minus its group's mean, divided by the group's deviation if `scale` (GRPO). (P, G)."""
    centred = rewards - rewards.mean(dim=1, keepdim=True)
    if not scale:
        return centred
    return centred / (rewards.std(dim=1, keepdim=True, correction=0) + 1e-6)


def bradley_terry_loss(scores: Tensor, ranks: Tensor, mask: Tensor) -> Tensor:
    """Mean over prompts of the mean −log P(ranking's pair) over a prompt's pairs; 0 without pairs.

    scores, ranks, mask: (P, K); rank 0 is best; equal ranks are ties, half a win for each side.
    P(i over j) = σ(s_i − s_j) (Bradley and Terry 1952; Ouyang et al. 2022, eq. 1).
    """
    margin = scores[:, :, None] - scores[:, None, :]
    weights = pair_weights(ranks, mask, scores.dtype)
    loss = -(weights * F.logsigmoid(margin)).sum(dim=(1, 2))
    return masked_mean(loss, weights.sum(dim=(1, 2)) > 0)


def pair_weights(ranks: Tensor, mask: Tensor, dtype: torch.dtype) -> Tensor:
    """How much "i over j" weighs, (P, K, K): a prompt's pairs weigh alike and 1 in total, a tie
    half for each side. ranks, mask: (P, K), as in bradley_terry_loss."""
    wins = (ranks[:, :, None] < ranks[:, None, :]).to(dtype)
    ties = 0.5 * (ranks[:, :, None] == ranks[:, None, :]).to(dtype)
    different = ~torch.eye(ranks.shape[1], dtype=torch.bool, device=ranks.device)
    pairs = (mask[:, :, None] & mask[:, None, :] & different).to(dtype)
    count = pairs.sum(dim=(1, 2), keepdim=True) / 2
    return (wins + ties) * pairs / count.clamp_min(1)


def ordinal_loss(scores: Tensor, thresholds: Tensor, levels: Tensor) -> Tensor:
    """Mean −log P(level | score) of the proportional-odds model; 0 without ratings.

    P(level ≤ k) = σ(θ_k − s) (McCullagh 1980, section 2). scores: (N,) in logits; thresholds:
    (L − 1,), increasing; levels: (N,) whole numbers, 0 the worst of L.
    """
    edges = F.pad(F.pad(thresholds, (1, 0), value=-math.inf), (0, 1), value=math.inf)
    below, above = edges[levels] - scores, edges[levels + 1] - scores
    # σ(b) − σ(a) = σ(b) σ(−a) (1 − e^(a − b)): no difference of nearly equal numbers.
    apart = torch.log(-torch.expm1(edges[:-1] - edges[1:]))
    loss = -(F.logsigmoid(above) + F.logsigmoid(-below) + apart[levels])
    return loss.sum() / max(1, len(levels))

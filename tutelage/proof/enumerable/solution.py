"""What is known of the enumerable world in closed form: its best policy, its values, selection.

Distributions over the M sequences are given by their log-probabilities, (M,).
"""

from __future__ import annotations

import torch
from torch import Tensor

from tutelage.proof.enumerable.world import World


def objective(world: World, logprobs: Tensor) -> Tensor:
    """J(π) = E_π[r] − β·KL(π‖ref) (Ziegler et al. 2019, eq. 2), with its graph."""
    reference = world.reference_logprobs.sum(dim=1)
    price = world.kl_coefficient * exact_kl(logprobs, reference)
    return (logprobs.exp() * world.rewards).sum() - price


def optimum(world: World) -> Tensor:
    """log π* = log ref + r/β − log Z (Korbak et al. 2022): the policy of greatest J."""
    return tilted(world.reference_logprobs.sum(dim=1), world.rewards, world.kl_coefficient)


def tilted(reference: Tensor, rewards: Tensor, kl_coefficient: float) -> Tensor:
    """log of ref·exp(r/β)/Z, (M,): of all policies as far from ref the one of greatest E r."""
    return (reference + rewards / kl_coefficient).log_softmax(dim=0)


def log_partition(world: World) -> Tensor:
    """log Z, Z = Σ ref·exp(r/β)."""
    reference = world.reference_logprobs.sum(dim=1)
    return (reference + world.rewards / world.kl_coefficient).logsumexp(dim=0)


def soft_values(world: World) -> list[Tensor]:
    """V*(s) of every prefix by its length: V^0, V^1, … V^T numbers; the last are the rewards.

    V*(s) = β·log Σ_a ref(a|s)·exp(V*(s a)/β) (Levine 2018, with ref for the uniform prior).
    """
    V, T = world.vocabulary, world.sequences.shape[1]
    values = [world.rewards]
    for t in reversed(range(T)):
        reference = world.reference_logprobs[:, t].view(V ** (t + 1), -1)[:, 0]
        weighed = reference + values[0] / world.kl_coefficient
        values.insert(0, world.kl_coefficient * weighed.view(V**t, V).logsumexp(dim=1))
    return values


def optimal_logprobs(world: World) -> Tensor:
    """log π*(a|s) = log ref(a|s) + (V*(s a) − V*(s))/β of each token, (M, T)."""
    steps = soft_value_table(world).diff(dim=1)
    return world.reference_logprobs + steps / world.kl_coefficient


def soft_value_table(world: World) -> Tensor:
    """V* before each token of each sequence and after the last, (M, T + 1)."""
    M = len(world.sequences)
    spread = [values.repeat_interleave(M // len(values)) for values in soft_values(world)]
    return torch.stack(spread, dim=1)


def exact_kl(logprobs: Tensor, other: Tensor) -> Tensor:
    """KL(p‖q) of two distributions in nats, with its graph."""
    return (logprobs.exp() * (logprobs - other)).sum()


def total_variation(logprobs: Tensor, other: Tensor) -> Tensor:
    """½ Σ |p − q|: the most by which two distributions differ on any event."""
    return 0.5 * (logprobs.exp() - other.exp()).abs().sum()


def prefix_means(world: World, logprobs: Tensor, totals: Tensor) -> Tensor:
    """E_π[totals_t | the first t tokens], spread over the sequences that begin so.

    logprobs: (M,). totals and result: (M, T). Of rewards-to-go it is the policy's value V^π.
    """
    M, T = totals.shape
    means = []
    for t in range(T):
        chance = logprobs.exp().view(world.vocabulary**t, -1)
        mean = (chance * totals[:, t].view_as(chance)).sum(dim=1) / chance.sum(dim=1)
        means.append(mean.repeat_interleave(M // len(mean)))
    return torch.stack(means, dim=1)


def best_of(logprobs: Tensor, rewards: Tensor, n: int) -> Tensor:
    """Probability (M,) that a sequence is the best of n samples: F^n − F_before^n, F being the
    distribution function by reward. Of sequences with equal rewards the later counts as better."""
    order = rewards.argsort(stable=True)
    reached = logprobs[order].exp().cumsum(dim=0)
    powers = (reached / reached[-1]) ** n
    return torch.empty_like(logprobs).index_copy(0, order, powers.diff(prepend=powers.new_zeros(1)))


def win_rate(chances: Tensor, other: Tensor, rewards: Tensor) -> Tensor:
    """Probability that a draw from `chances` beats one from `other`, both (M,), by reward; two
    draws of the same sequence are half a win."""
    order = rewards.argsort(stable=True)
    beaten = other[order].cumsum(dim=0) - 0.5 * other[order]
    return (chances[order] * beaten).sum()

"""A simulated labeler: knows which replies are right, prefers short ones, and makes errors.

Utility of a reply = 0 if it is wrong, however short; 1 if it is right, less `length_price` a
character. What the labeler sees is utility + σ·Gumbel noise, so that P(i over j) =
sigmoid((u_i − u_j)/σ), a Bradley–Terry labeler. Replies whose seen utilities lie within `tie_width`
of each other are called equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from tutelage.schema import Comparison, Conversation

AGREEMENT = 0.77  # of two simulated labelers, as of InstructGPT's people


@dataclass(frozen=True, kw_only=True)
class Labeler:
    noise: float = 0.3  # σ, in units of the worth of a right answer
    length_price: float = 0.005  # a character, up to length_limit of them
    length_limit: int = 60
    tie_width: float = 0.15

    def utilities(self, responses: Sequence[str], gold: Sequence[float]) -> Tensor:
        """What the replies are worth, without noise: (K,)."""
        price = [min(len(r), self.length_limit) * self.length_price for r in responses]
        worth = [right * (1 - less) for right, less in zip(gold, price, strict=True)]
        return torch.tensor(worth, dtype=torch.float64)

    def see(self, utilities: Tensor, generator: torch.Generator) -> Tensor:
        uniform = torch.rand(utilities.shape, generator=generator, dtype=torch.float64)
        return utilities - self.noise * (-uniform.clamp(1e-12, 1 - 1e-12).log()).log()

    def rank(self, seen: Tensor) -> tuple[tuple[int, ...], ...]:
        """Groups of indices from best to worst; a reply joins the group above it if it lies
        within tie_width of that group's best."""
        groups: list[list[int]] = []
        for index in seen.argsort(descending=True, stable=True).tolist():
            if groups and seen[groups[-1][0]] - seen[index] <= self.tie_width:
                groups[-1].append(index)
            else:
                groups.append([index])
        return tuple(tuple(group) for group in groups)

    def compare(
        self,
        prompt: Conversation,
        responses: Sequence[str],
        gold: Sequence[float],
        generator: torch.Generator,
    ) -> Comparison:
        seen = self.see(self.utilities(responses, gold), generator)
        return Comparison(prompt, tuple(responses), self.rank(seen), labeler="simulated")


def preferences(ranks: Sequence[int] | Tensor) -> Tensor:
    """+1, 0 or −1 for each pair i < j: i better, tie, j better. (K(K−1)/2,)."""
    ranks = torch.as_tensor(ranks)
    i, j = torch.triu_indices(len(ranks), len(ranks), offset=1)
    return (ranks[j] - ranks[i]).sign()


def agreement(labeler: Labeler, worth: Sequence[Tensor], generator: torch.Generator) -> float:
    """Share of pairs on which two such labelers agree; half where only one calls a tie."""
    same, count = 0.0, 0
    for utilities in worth:
        first, second = (
            preferences(_ranks(labeler.rank(labeler.see(utilities, generator)))) for _ in range(2)
        )
        same += (1 - 0.5 * (first - second).abs()).sum().item()
        count += len(first)
    return same / max(1, count)


def _ranks(ranking: tuple[tuple[int, ...], ...]) -> list[int]:
    place = {index: rank for rank, group in enumerate(ranking) for index in group}
    return [place[index] for index in range(len(place))]


def calibrated(
    labeler: Labeler, worth: Sequence[Tensor], target: float, *, seed: int, rounds: int = 12
) -> Labeler:
    """The labeler with the noise at which two of them agree on `target` of these pairs."""
    low, high = 0.001, 5.0
    for _ in range(rounds):
        middle = (low * high) ** 0.5
        trial = replace(labeler, noise=middle)
        if agreement(trial, worth, torch.Generator().manual_seed(seed)) > target:
            low = middle
        else:
            high = middle
    return replace(labeler, noise=(low * high) ** 0.5)

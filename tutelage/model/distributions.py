"""What a policy may do next: distributions over actions, with what the algorithms ask of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, Self

import torch
import torch.nn.functional as F
from torch import Tensor


class Distribution(Protocol):
    """K distributions over actions, one a state."""

    def logprobs(self, actions: Tensor) -> Tensor:
        """Log-probability (or log-density) of an action in each state, (K,)."""

    def entropy(self) -> Tensor:
        """In nats, (K,)."""

    def kl(self, other: Self) -> Tensor:
        """KL(self ‖ other) in each state, (K,)."""

    def sample(self, generator: torch.Generator) -> Tensor:
        """An action in each state."""

    def mode(self) -> Tensor:
        """The likeliest action in each state."""

    def detach(self) -> Self:
        """The same, as a constant."""


@dataclass(frozen=True)
class Categorical:
    """One of A actions; logits (K, A), need not be normalised. Actions: (K,)."""

    logits: Tensor

    def logprobs(self, actions: Tensor) -> Tensor:
        return -F.cross_entropy(self.logits, actions, reduction="none")

    def probabilities(self) -> Tensor:
        """(K, A)."""
        return self.logits.softmax(dim=-1)

    def entropy(self) -> Tensor:
        log_p = self.logits.log_softmax(dim=-1)
        return -(log_p.exp() * log_p).sum(dim=-1)

    def kl(self, other: Categorical) -> Tensor:
        log_p, log_q = self.logits.log_softmax(dim=-1), other.logits.log_softmax(dim=-1)
        return (log_p.exp() * (log_p - log_q)).sum(dim=-1)

    def sample(self, generator: torch.Generator) -> Tensor:
        # argmax of logits + Gumbel noise (Gumbel 1954): one pass, no normalisation
        noise = torch.empty_like(self.logits).exponential_(generator=generator).log_().neg_()
        return (self.logits + noise).argmax(dim=-1)

    def mode(self) -> Tensor:
        return self.logits.argmax(dim=-1)

    def detach(self) -> Categorical:
        return Categorical(self.logits.detach())


@dataclass(frozen=True)
class EpsilonGreedy:
    """The action with the largest Q-value, the first of equals, but with probability epsilon any of
    the A, that one included; q_values (K, A). Actions: (K,)."""

    q_values: Tensor
    epsilon: float

    def probabilities(self) -> Tensor:
        """(K, A)."""
        A = self.q_values.shape[-1]
        any_of_them = torch.full_like(self.q_values, self.epsilon / A)
        return any_of_them.scatter(-1, self.mode()[..., None], 1 - self.epsilon + self.epsilon / A)

    def logprobs(self, actions: Tensor) -> Tensor:
        return self.probabilities().gather(-1, actions[..., None]).squeeze(-1).log()

    def entropy(self) -> Tensor:
        return torch.special.entr(self.probabilities()).sum(dim=-1)

    def kl(self, other: EpsilonGreedy) -> Tensor:
        p, q = self.probabilities(), other.probabilities()
        return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(dim=-1)

    def sample(self, generator: torch.Generator) -> Tensor:
        *shape, A = self.q_values.shape
        explores = torch.rand(shape, generator=generator) < self.epsilon
        return torch.where(explores, torch.randint(A, shape, generator=generator), self.mode())

    def mode(self) -> Tensor:
        return self.q_values.argmax(dim=-1)

    def detach(self) -> EpsilonGreedy:
        return EpsilonGreedy(self.q_values.detach(), self.epsilon)


@dataclass(frozen=True)
class Gaussian:
    """Independent normal actions; mean (K, A), log_std (A,), the same in every state."""

    mean: Tensor
    log_std: Tensor

    def logprobs(self, actions: Tensor) -> Tensor:
        scaled = (actions - self.mean) * (-self.log_std).exp()
        constant = 0.5 * math.log(2 * math.pi)
        return (-0.5 * scaled.square() - self.log_std - constant).sum(dim=-1)

    def entropy(self) -> Tensor:
        total = (self.log_std + 0.5 * math.log(2 * math.pi * math.e)).sum()
        return total.expand(len(self.mean))

    def kl(self, other: Gaussian) -> Tensor:
        variance, other_variance = (2 * self.log_std).exp(), (2 * other.log_std).exp()
        squared = (variance + (self.mean - other.mean).square()) / (2 * other_variance)
        return (other.log_std - self.log_std + squared - 0.5).sum(dim=-1)

    def sample(self, generator: torch.Generator) -> Tensor:
        noise = torch.empty_like(self.mean).normal_(generator=generator)
        return self.mean + noise * self.log_std.exp()

    def mode(self) -> Tensor:
        return self.mean

    def detach(self) -> Gaussian:
        return Gaussian(self.mean.detach(), self.log_std.detach())

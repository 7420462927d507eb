"""What a policy may do next: distributions over actions, with what the algorithms ask of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

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

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        """What chance adds in each state, `count` times: (count, K, A)."""

    def choose(self, noise: Tensor) -> Tensor:
        """The action in each state that this noise, (K, A), decides; with fresh noise a sample."""

    def mode(self) -> Tensor:
        """The likeliest action in each state."""

    def detach(self) -> Self:
        """The same, as a constant."""

    @staticmethod
    def joined(each: Sequence[Any]) -> Any:
        """Many over K states each as one over all of them, in a row."""


def fisher_by_graph(
    distribution: Distribution, weights: Sequence[Tensor]
) -> Callable[[Tensor], Tensor]:
    """v ↦ F·v for any network, by differentiating (∇KL)·v once more; F: the Fisher information of
    the distributions in the weights that made them, averaged over the K."""
    kl = distribution.detach().kl(distribution).mean()
    first = torch.autograd.grad(kl, weights, create_graph=True)
    gradient = torch.cat([part.flatten() for part in first])

    def product(vector: Tensor) -> Tensor:
        second = torch.autograd.grad(gradient @ vector, weights, retain_graph=True)
        return torch.cat([part.flatten() for part in second])

    return product


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

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        drawn = torch.empty(count, *self.logits.shape, dtype=self.logits.dtype)
        return drawn.exponential_(generator=generator).log_().neg_()

    def choose(self, noise: Tensor) -> Tensor:
        # argmax of logits + Gumbel noise (Gumbel 1954): one pass, no normalisation
        return (self.logits + noise).argmax(dim=-1)

    def mode(self) -> Tensor:
        return self.logits.argmax(dim=-1)

    def detach(self) -> Categorical:
        return Categorical(self.logits.detach())

    @staticmethod
    def joined(each: Sequence[Categorical]) -> Categorical:
        return Categorical(torch.cat([one.logits for one in each]))


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

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        """For each of K states whether to explore, then which of the A: (count, K, 1 + A)."""
        K, A = self.q_values.shape
        return torch.rand(count, K, 1 + A, generator=generator)

    def choose(self, noise: Tensor) -> Tensor:
        return torch.where(noise[..., 0] < self.epsilon, noise[..., 1:].argmax(-1), self.mode())

    def mode(self) -> Tensor:
        return self.q_values.argmax(dim=-1)

    def detach(self) -> EpsilonGreedy:
        return EpsilonGreedy(self.q_values.detach(), self.epsilon)

    @staticmethod
    def joined(each: Sequence[EpsilonGreedy]) -> EpsilonGreedy:
        return EpsilonGreedy(torch.cat([one.q_values for one in each]), each[0].epsilon)


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

    def noise(self, count: int, generator: torch.Generator) -> Tensor:
        drawn = torch.empty(count, *self.mean.shape, dtype=self.mean.dtype)
        return drawn.normal_(generator=generator)

    def choose(self, noise: Tensor) -> Tensor:
        return self.mean + noise * self.log_std.exp()

    def mode(self) -> Tensor:
        return self.mean

    def detach(self) -> Gaussian:
        return Gaussian(self.mean.detach(), self.log_std.detach())

    @staticmethod
    def joined(each: Sequence[Gaussian]) -> Gaussian:
        return Gaussian(torch.cat([one.mean for one in each]), each[0].log_std)

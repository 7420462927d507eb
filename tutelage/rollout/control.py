"""A policy plays in many environments at once: steps in rows, an environment a row.

Environments start anew by themselves in the step after an episode's end (gymnasium's NEXT_STEP
autoreset): that step ignores the action, so it is left out under the mask, and the observation
before it is the episode's last, from which a truncated one is bootstrapped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from torch import Tensor, nn

from tutelage.errors import BadInput, EnvironmentFailure
from tutelage.model.distributions import Decided, Distribution, Valued, ValuedByGraph
from tutelage.model.mlp import (
    MLP,
    CategoricalActor,
    GaussianActor,
    MLPValued,
    QActor,
    QCritic,
    mlp,
    relu_mlp,
)
from tutelage.model.running import Running
from tutelage.rollout.experience import Experience

# what a policy is made of; q: Q-values alone, which act by themselves
Networks = Literal["actor", "actor_critic", "q", "actor_q"]


@dataclass(frozen=True)
class Transitions:
    """Observations (K, D), what was done there, (K,) or (K, A), and what was seen next, (K, D);
    mask (N, L) tells which steps of the rows the K are, row by row."""

    observations: Tensor
    actions: Tensor
    mask: Tensor
    next_observations: Tensor | None = None

    def decisions(self, steps: Tensor) -> Tensor:
        return steps[self.mask]

    def minibatches(
        self, count: int, generator: torch.Generator
    ) -> Iterator[tuple[Transitions, Tensor | slice]]:
        if count == 1:  # the order of a sum is nobody's concern
            yield self, slice(None)
            return
        K = len(self.actions)
        for chosen in torch.randperm(K, generator=generator).tensor_split(min(count, K)):
            part = Transitions(self.observations[chosen], self.actions[chosen], self.mask)
            yield part, chosen


class ControlPolicy(nn.Module):
    """A network that acts, and one that says what a state is worth."""

    def __init__(
        self, actor: CategoricalActor | GaussianActor | QActor, critic: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.actor = actor
        self.critic = critic
        self.paid: Running | None = None  # the discounted returns so far

    def standardise(self) -> None:
        """Read observations in deviations from their running mean from now on, and count rewards
        in deviations of the discounted return."""
        parts = [self.actor.network, *([] if self.critic is None else [self.critic])]
        networks = [part for part in parts if isinstance(part, MLP)]
        if isinstance(self.actor, QActor) or len(networks) < len(parts):
            raise BadInput(
                "Observations are standardised for policies of PPO, A2C, REINFORCE and TRPO that "
                "read a row of numbers: leave out --normalise."
            )
        reader = Running(networks[0].shapes[0][0])
        for network in networks:
            network.reader = reader
        self.paid = Running(1)

    def observe(self, inputs: Transitions) -> None:
        """Read by these observations too from now on; only after what was decided on the earlier
        reading has been learned."""
        self.actor.network.reader.observe(inputs.observations)

    def distribution(self, inputs: Transitions) -> Distribution:
        return self.actor(inputs.observations)

    def decide(self, inputs: Transitions) -> Decided:
        return self.actor.decide(inputs.observations, inputs.actions)

    def values(self, inputs: Transitions) -> Tensor:
        return self.observed_values(inputs.observations)

    def value(self, inputs: Transitions) -> Valued:
        if isinstance(self.critic, MLP):
            return MLPValued(self.critic, inputs.observations)
        return ValuedByGraph(self.values(inputs))

    def observed_values(self, observations: Tensor) -> Tensor:
        """(…, D) to (…); of a critic of actions, what the actor's are worth on average."""
        assert self.critic is not None
        values = self.critic(observations)
        if isinstance(self.critic, QCritic):
            values = values * self.actor(observations).probabilities()
        return values.sum(dim=-1)


def new_policy(
    environments: gymnasium.vector.VectorEnv,
    hidden: tuple[int, ...],
    generator: torch.Generator,
    networks: Networks = "actor_critic",
) -> ControlPolicy:
    """Fresh networks of these hidden widths for the environments' observations and actions."""
    seen, acted = environments.single_observation_space, environments.single_action_space
    if not isinstance(seen, Box) or len(seen.shape) != 1:
        raise BadInput(
            f"The observations are {seen}; a network for control reads a row of numbers: wrap the "
            "environment in gymnasium.wrappers.FlattenObservation."
        )
    D = seen.shape[0]
    critic: nn.Module | None = None
    if networks == "actor_critic":
        critic = mlp((D, *hidden, 1), generator)
    if isinstance(acted, Discrete) and acted.start == 0:
        A = int(acted.n)
        if networks == "q":
            return ControlPolicy(QActor(relu_mlp((D, *hidden, A), generator)))
        if networks == "actor_q":
            critic = QCritic(mlp((D, *hidden, A), generator))
        network = mlp((D, *hidden, A), generator, last_gain=0.01)
        return ControlPolicy(CategoricalActor(network), critic)
    if networks in ("q", "actor_q") and isinstance(acted, Box):
        raise BadInput(
            f"The actions are {acted}; Q-values are kept of one of some actions, not of real "
            "numbers: choose another algorithm, such as ppo."
        )
    if isinstance(acted, Box) and len(acted.shape) == 1:
        network = mlp((D, *hidden, acted.shape[0]), generator, last_gain=0.01)
        return ControlPolicy(GaussianActor(network, acted.shape[0]), critic)
    raise BadInput(
        f"The actions are {acted}; this policy chooses one of some, counted from 0, or a row of "
        "real numbers."
    )


@dataclass
class Players:
    """Environments in the middle of their episodes; `play` leaves them where the next goes on.

    observations: (N, D). ended: (N,), whether the next step only starts a new episode. returns,
    lengths: (N,), of the episodes so far. finished: (return, length) of those that ended, in the
    order in which they did.
    """

    environments: gymnasium.vector.VectorEnv
    observations: np.ndarray
    ended: np.ndarray
    returns: np.ndarray
    lengths: np.ndarray
    finished: list[tuple[float, int]]
    discounted: Tensor  # rewards of the episodes so far, (N,); only `standardised` counts them

    def count(self, rewards: np.ndarray, lived: np.ndarray, last: np.ndarray) -> None:
        """Add steps, (L, N), to the episodes. lived: whether a step belongs to one, the others
        having no reward; last: whether it was an episode's last."""
        totals = np.cumsum(rewards, axis=0, dtype=np.float64) + self.returns
        lengths = np.cumsum(lived, axis=0) + self.lengths
        before, steps_before = np.zeros_like(self.returns), np.zeros_like(self.lengths)
        for t, i in zip(*last.nonzero(), strict=True):
            self.finished.append(
                (float(totals[t, i] - before[i]), int(lengths[t, i] - steps_before[i]))
            )
            before[i], steps_before[i] = totals[t, i], lengths[t, i]
        self.returns, self.lengths = totals[-1] - before, lengths[-1] - steps_before
        self.ended = last[-1]


def start(environments: gymnasium.vector.VectorEnv, seed: int) -> Players:
    try:
        observations, _ = environments.reset(seed=seed)
    except Exception as error:
        raise EnvironmentFailure(f"The environment broke in a reset: {error}") from error
    N = environments.num_envs
    return Players(
        environments,
        observations,
        np.zeros(N, dtype=bool),
        np.zeros(N),
        np.zeros(N, dtype=np.int64),
        [],
        torch.zeros(N),
    )


@torch.no_grad()
def play(
    policy: ControlPolicy, players: Players, steps: int, generator: torch.Generator
) -> Experience:
    """`steps` steps of every environment, (N, L)."""
    environments = players.environments
    acted = environments.single_action_space
    bounds = (acted.low, acted.high) if isinstance(acted, Box) else None
    N = environments.num_envs
    observations = np.empty((steps + 1, N, players.observations.shape[1]), dtype=np.float32)
    rewards = np.empty((steps, N), dtype=np.float32)
    terminated = np.empty((steps, N), dtype=bool)
    truncated = np.empty((steps, N), dtype=bool)
    mask = np.empty((steps, N), dtype=bool)
    midway = torch.from_numpy(players.lengths > 0)
    observations[0] = players.observations
    seen = torch.from_numpy(observations)
    shown = seen.unbind()
    distribution = policy.actor(shown[0])
    noise = distribution.noise(steps, generator).unbind()
    distributions, actions = [], []
    ended = players.ended
    for t in range(steps):
        if t > 0:
            distribution = policy.actor(shown[t])
        action = distribution.choose(noise[t])
        distributions.append(distribution)
        actions.append(action)
        given = action.numpy()
        if bounds is not None:
            given = given.clip(*bounds)
        np.logical_not(ended, out=mask[t])
        observations[t + 1], rewards[t], terminated[t], truncated[t] = step(environments, given)
        ended = (terminated[t] | truncated[t]) & mask[t]
    players.observations = observations[-1]
    check_finite(rewards, "reward")
    check_finite(observations, "observation")
    rewards *= mask
    over = terminated | truncated
    players.count(rewards, mask, over & mask)
    made = torch.stack(actions)
    logprobs = type(distribution).joined(distributions).logprobs(made.flatten(0, 1))
    rows = torch.from_numpy(mask.T.copy())
    by_row = seen.transpose(0, 1)  # (N, L + 1, D)
    inputs = Transitions(
        by_row[:, :-1][rows], made.transpose(0, 1)[rows], rows, by_row[:, 1:][rows]
    )
    experience = Experience(
        inputs,
        rows,
        logprobs.view(steps, N).T.contiguous(),
        torch.from_numpy(rewards.T.copy()),
        terminated=torch.from_numpy(terminated.T.copy()),
        continues=torch.from_numpy((~over & mask).T.copy()),
        midway=midway,
    )
    if policy.critic is not None:
        values = policy.observed_values(by_row)
        experience.values = values[:, :-1]
        experience.next_values = values[:, 1:] * torch.from_numpy(~terminated.T)
    return experience


def standardised(
    policy: ControlPolicy, players: Players, experience: Experience, gamma: float
) -> None:
    """Divide the rewards by the deviation of the discounted returns (as Engstrom et al. 2020
    count them), these among them. Values are in that unit already. players: whose returns go on
    from the rollout before."""
    assert policy.paid is not None
    assert experience.continues is not None
    returns = players.discounted
    found = []
    for t in range(experience.rewards.shape[1]):
        returns = gamma * returns + experience.rewards[:, t]
        found.append(returns[experience.mask[:, t]])
        returns = returns * experience.continues[:, t]
    players.discounted = returns
    policy.paid.observe(torch.cat(found)[:, None])
    experience.rewards /= (policy.paid.variance + 1e-8).sqrt().item()


def step(
    environments: gymnasium.vector.VectorEnv, actions: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Observations, rewards, terminated, truncated; what the environment raises is named."""
    try:
        observations, rewards, terminated, truncated, _ = environments.step(actions)
    except Exception as error:
        raise EnvironmentFailure(f"The environment broke in a step: {error}") from error
    return observations, rewards, terminated, truncated


def check_finite(numbers: np.ndarray, what: str) -> None:
    if not np.isfinite(numbers).all():
        worst = numbers[~np.isfinite(numbers)][0]
        article = "an" if what[0] in "aeiou" else "a"
        raise EnvironmentFailure(
            f"The environment gave {article} {what} that is no number: {worst}."
        )

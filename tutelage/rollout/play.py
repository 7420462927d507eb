"""A policy plays in many environments at once: steps in rows, an environment a row.

Environments start anew by themselves in the step after an episode's end (gymnasium's NEXT_STEP
autoreset): that step ignores the action, so it is left out under the mask, and the observation
before it is the episode's last, from which a truncated one is bootstrapped.
"""

from __future__ import annotations

from dataclasses import dataclass

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box
from torch import Tensor

from tutelage.errors import EnvironmentFailure
from tutelage.policies.control import ControlPolicy, Transitions
from tutelage.rollout.experience import Experience


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
    assert policy.return_normaliser is not None
    assert experience.continues is not None
    returns = players.discounted
    seen = []
    for t in range(experience.rewards.shape[1]):
        returns = gamma * returns + experience.rewards[:, t]
        seen.append(returns[experience.mask[:, t]])
        returns = returns * experience.continues[:, t]
    players.discounted = returns
    policy.return_normaliser.observe(torch.cat(seen)[:, None])
    experience.rewards /= policy.return_normaliser.deviation.item()


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

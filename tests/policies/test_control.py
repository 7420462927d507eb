"""Playing in environments: what is bootstrapped, what is left out, what is refused."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from tutelage.algorithms import PPO, PPOConfig
from tutelage.device import seeded
from tutelage.errors import BadInput, EnvironmentFailure
from tutelage.policies.control import ControlPolicy, new_policy
from tutelage.rollout.play import play, standardised, start


class Steps(gymnasium.Env):
    """Observes how many steps it has made; ends after `last`, by itself or by the clock."""

    def __init__(self, last: int, ends: str, broken: str = "") -> None:
        self.observation_space = Box(0, 100, (1,), np.float32)
        self.action_space = Discrete(2)
        self.last, self.ends, self.broken = last, ends, broken
        self.made = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.made = 0
        return self.observation(), {}

    def observation(self):
        return np.array([self.made], dtype=np.float32)

    def step(self, action):
        self.made += 1
        if self.broken == "raises":
            raise RuntimeError("the motor fell off")
        reward = float("nan") if self.broken == "nan" else float(self.made)
        over = self.made == self.last
        ended, cut = over and self.ends == "itself", over and self.ends == "clock"
        return self.observation(), reward, ended, cut, {}


def side_by_side(*each: Steps) -> SyncVectorEnv:
    makers = [lambda made=made: made for made in each]
    return SyncVectorEnv(makers, autoreset_mode=AutoresetMode.NEXT_STEP)


class Tenfold(torch.nn.Module):
    """A critic: ten times the number of steps made."""

    def forward(self, observations):
        return 10 * observations


def test_truncation_bootstraps_termination_does_not_and_resets_are_left_out():
    environments = side_by_side(Steps(2, "itself"), Steps(3, "clock"))
    policy = new_policy(environments, (4,), seeded("policy"))
    policy = ControlPolicy(policy.actor, Tenfold())
    players = start(environments, 0)
    found = play(policy, players, 5, seeded("play"))
    assert found.mask.tolist() == [[True, True, False, True, True], [True, True, True, False, True]]
    assert found.rewards.tolist() == [[1, 2, 0, 1, 2], [1, 2, 3, 0, 1]]
    assert found.values is not None
    assert found.next_values is not None
    assert found.continues is not None
    assert found.values.tolist() == [[0, 10, 20, 0, 10], [0, 10, 20, 30, 0]]
    # The first ends by itself, so nothing follows its second step; the second is cut in a state
    # worth 30; both rows go on with the state that the next steps begin in.
    assert found.next_values[found.mask].tolist() == [10, 0, 10, 0, 10, 20, 30, 10]
    assert found.continues[found.mask].tolist() == [
        True,
        False,
        True,
        False,
        True,
        True,
        False,
        True,
    ]
    assert players.finished == [(3.0, 2), (6.0, 3), (3.0, 2)]
    config = PPOConfig(gamma=0.5, lambda_=1.0)
    batch = PPO(policy, config).credit(found)
    assert batch.returns is not None
    # by hand, backwards: 2; 1 + 2/2 | 2; 1 + 2/2 || 3 + 30/2; 2 + 18/2; 1 + 11/2 || 1 + 10/2
    assert batch.returns.tolist() == [2.0, 2.0, 2.0, 2.0, 6.5, 11.0, 18.0, 6.0]
    more = play(policy, players, 2, seeded("more"))
    assert more.mask.tolist() == [[False, True], [True, True]]
    assert more.rewards.tolist() == [[0, 1], [2, 3]]


def test_the_policy_that_is_credited_is_the_one_that_played():
    environments = side_by_side(Steps(2, "itself"), Steps(3, "clock"))
    policy = new_policy(environments, (4,), seeded("policy"))
    found = play(policy, start(environments, 0), 6, seeded("play"))
    again = policy.distribution(found.inputs).logprobs(found.inputs.actions)
    torch.testing.assert_close(found.inputs.decisions(found.logprobs), again)
    parts = list(found.inputs.minibatches(3, seeded("parts")))
    numbers = torch.cat([chosen for _, chosen in parts])
    assert sorted(numbers.tolist()) == list(range(len(again)))
    for part, chosen in parts:
        torch.testing.assert_close(
            policy.distribution(part).logprobs(part.actions),
            again[chosen].detach(),
            rtol=1e-5,
            atol=1e-6,
        )


@pytest.mark.parametrize(
    ("broken", "said"),
    [("raises", "broke in a step: the motor fell off"), ("nan", "a reward that is no number")],
)
def test_a_broken_environment_is_named(broken: str, said: str):
    environments = side_by_side(Steps(2, "itself", broken))
    policy = new_policy(environments, (4,), seeded("policy"))
    with pytest.raises(EnvironmentFailure, match=said):
        play(policy, start(environments, 0), 2, seeded("play"))


def test_unknown_spaces_are_refused():
    environments = side_by_side(Steps(2, "itself"))
    environments.single_action_space = gymnasium.spaces.MultiBinary(3)
    with pytest.raises(BadInput, match="chooses one of some"):
        new_policy(environments, (4,), seeded("policy"))
    environments.single_observation_space = Discrete(5)
    with pytest.raises(BadInput, match="FlattenObservation"):
        new_policy(environments, (4,), seeded("policy"))


def test_rewards_are_counted_in_deviations_of_the_discounted_return():
    environments = side_by_side(Steps(2, "itself"), Steps(3, "clock"))
    policy = new_policy(environments, (4,), seeded("policy"))
    policy.standardise()
    players = start(environments, 0)
    found = play(policy, players, 5, seeded("play"))
    standardised(policy, players, found, gamma=0.5)
    # as they come: 1, 2 + 1/2 | 1, 2 + 1/2 and 1, 2.5, 3 + 2.5/2 | 1; a reset has none
    returns = np.array([1, 2.5, 1, 2.5, 1, 2.5, 4.25, 1])
    expected = np.array([[1, 2, 0, 1, 2], [1, 2, 3, 0, 1]]) / returns.std()
    np.testing.assert_allclose(found.rewards, expected, rtol=1e-5)
    # The first row's episode is over; the second's goes on, from 1 with 2, then 3.
    more = play(policy, players, 2, seeded("more"))
    standardised(policy, players, more, gamma=0.5)
    returns = np.array([*returns, 2.5, 4.25, 1])
    expected = np.array([[0, 1], [2, 3]]) / returns.std()
    np.testing.assert_allclose(more.rewards, expected, rtol=1e-5)


def test_what_acts_by_q_values_is_not_standardised():
    policy = new_policy(side_by_side(Steps(2, "clock")), (4,), seeded("policy"), "q")
    with pytest.raises(BadInput, match="leave out --normalise"):
        policy.standardise()

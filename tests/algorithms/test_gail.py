"""GAIL: the adversary's loss and rewards by hand, and what an ended episode is worth."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch

from tutelage.algorithms.functional import step_advantages
from tutelage.algorithms.gail import (
    GAIL,
    GAILConfig,
    discriminator_loss,
    ended_logit,
    imitation_rewards,
)
from tutelage.data.episodes import Episodes
from tutelage.device import seeded
from tutelage.policies.control import Transitions
from tutelage.rollout.experience import Experience


def test_the_loss_by_hand():
    logits = torch.tensor([0.0, math.log(3.0), math.log(3.0)])  # D = 1/2, 3/4, 3/4
    experts = torch.tensor([True, True, False])
    wanted = [math.log(2), math.log(4 / 3), math.log(4)]
    assert discriminator_loss(logits, experts).tolist() == pytest.approx(wanted)


def test_rewards_have_either_sign():
    logits = torch.tensor([-2.0, 0.0, 2.0])
    assert imitation_rewards(logits, 0.0).tolist() == [-2.0, 0.0, 2.0]
    assert imitation_rewards(logits, 0.5).tolist() == [-2.5, -0.5, 1.5]


def test_the_ended_state_s_logit_is_that_of_a_best_discriminator():
    """Steps and ended states in one table, the ended state held for any number of steps: what a
    step has over the ended state is its logit among steps less ended_logit."""
    expert_steps, policy_steps = 1e9, 2e9  # so many that nothing is too rare to be told apart
    expert_endings, endings = 3e7, 8e7
    expert, policy = 0.7, 0.4  # of the steps, the share that is (s, a)
    for stay in (1.0, 50.0):
        of_expert = expert_steps + stay * expert_endings
        of_policy = policy_steps + stay * endings
        step = math.log(expert * expert_steps / of_expert) - math.log(
            policy * policy_steps / of_policy
        )
        ended = math.log(stay * expert_endings / of_expert) - math.log(stay * endings / of_policy)
        logit = torch.tensor([math.log(expert / policy)])
        found = imitation_rewards(
            logit, ended_logit(expert_endings, expert_steps, endings, policy_steps)
        )
        assert found.item() == pytest.approx(step - ended, abs=1e-5)


def test_endings_that_nobody_made_are_alike():
    assert ended_logit(0, 30_000, 0, 1_000) == 0
    # An expert that never ends, a learner that does every 20th step: 1/1000 against 51/1000.
    assert ended_logit(0, 30_000, 50, 1_000) == pytest.approx(-math.log(51))
    assert ended_logit(1_000, 30_000, 0, 1_000) > 3


def test_relative_rewards_credit_as_an_ended_state_that_is_paid_for_ever():
    """Advantages of rewards r − e with nothing after the end are those of rewards r with
    e / (1 − γ) after it, the critic's values shifted by as much."""
    gamma, e = 0.9, 1.5
    generator = seeded("rows")
    rewards, values = torch.randn(2, 4, generator=generator), torch.randn(2, 4, generator=generator)
    ends = torch.tensor([[0, 1, 0, 0], [0, 0, 0, 1]], dtype=torch.bool)
    following = torch.cat([values[:, 1:], values[:, :1]], dim=1)
    forever = e / (1 - gamma)
    plain = step_advantages(
        rewards - e, values - forever, (following - forever) * ~ends, ~ends, gamma, 0.8
    )
    paid = step_advantages(
        rewards, values, torch.where(ends, forever, following), ~ends, gamma, 0.8
    )
    torch.testing.assert_close(plain, paid)


pytestmark = pytest.mark.usefixtures("one_thread")
EXPERT = Episodes(
    torch.tensor([[1.0], [2.0], [3.0], [2.0]]),
    torch.tensor([1, 1, 0, 1]),
    torch.tensor([False, False, False, True]),
    torch.tensor([False, True, False, False]),
)


def lived(observations: list[list[float]], actions: list[int], **ends: Any) -> Experience:
    """Two rows of three; the first row's last step is none."""
    mask = torch.tensor([[True, True, False], [True, True, True]])
    inputs = Transitions(torch.tensor(observations), torch.tensor(actions), mask)
    nothing = torch.zeros(2, 3)
    terminated = torch.tensor([[False, True, True], [False, False, False]])
    return Experience(inputs, mask, nothing, nothing, terminated=terminated, **ends)


OTHERWISE = lived([[1.0], [2.0], [3.0], [2.0], [1.0]], [0, 0, 1, 0, 0])


def adversary(**settings: Any) -> GAIL:
    return GAIL(EXPERT, 2, GAILConfig(hidden=(16,), **settings), seeded("adversary"))


def test_it_learns_to_tell_and_pays_what_is_the_expert_s():
    found = adversary(updates=200, learning_rate=0.01, gradient_penalty=0.01)
    metrics = found.update(OTHERWISE, seeded("update"))
    assert metrics["discriminator/accuracy"] > 0.9
    assert metrics["discriminator/loss"] < 0.4
    alike = lived([[1.0], [2.0], [2.0], [3.0], [2.0]], [1, 1, 1, 0, 1])
    assert (found.rewards(OTHERWISE) - found.ended)[OTHERWISE.mask].max() < 0
    paid = found.rewards(alike)
    assert (paid + found.ended)[alike.mask].min() > 0
    assert paid[0, 2] == 0


def test_only_terminations_count_as_endings_and_are_forgotten_in_time():
    found = adversary(memory=0.5)
    assert found.expert_endings == 1  # the other episode was cut
    found.update(OTHERWISE, seeded("update"))
    assert (found.endings, found.steps) == (1, 5)  # not the step under the mask
    found.update(OTHERWISE, seeded("update"))
    assert (found.endings, found.steps) == (1.5, 7.5)
    assert found.ended == pytest.approx(math.log((1 / 4 + 1 / 4) / (1.5 / 7.5 + 1 / 4)))


def test_a_penalty_makes_it_smooth():
    slopes = []
    for penalty in (0.0, 10.0):
        found = adversary(updates=100, learning_rate=0.01, gradient_penalty=penalty)
        found.update(OTHERWISE, seeded("update"))
        slopes.append(found._slope(found.shown.repeat(2, 1), seeded("slope")).item())
    assert slopes[1] < 0.1 * slopes[0]


def test_saved_and_loaded_it_goes_on_the_same():
    one, other = adversary(), adversary()
    one.update(OTHERWISE, seeded("first"))
    other.load_state_dict(copy.deepcopy(one.state_dict()))
    assert one.update(OTHERWISE, seeded("second")) == other.update(OTHERWISE, seeded("second"))
    assert torch.equal(one.rewards(OTHERWISE), other.rewards(OTHERWISE))


def test_real_actions_are_read_as_they_are():
    shown = Episodes(EXPERT.observations, torch.rand(4, 3), EXPERT.terminated, EXPERT.truncated)
    found = GAIL(shown, None, GAILConfig(), seeded("real"))
    assert found.shown.shape == (4, 1 + 3)
    assert torch.equal(found.shown[:, 1:], shown.actions)


def test_settings_have_ranges():
    with pytest.raises(ValueError, match="memory must be a number from 0 to 1"):
        GAILConfig(memory=1.5)
    with pytest.raises(ValueError, match="updates must be a number above 0"):
        GAILConfig(updates=0)

"""Inverse reinforcement learning: a reward is planted, an expert is soft about it, and what its
behaviour shows of the reward comes back."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tutelage.algorithms.max_ent_irl import (
    Recovered,
    counted_visits,
    expected_visits,
    max_ent_irl,
    soft_value_iteration,
    state_features,
)
from tutelage.algorithms.tabular import Floats, TabularModel, policy_values
from tutelage.errors import BadInput

SIDE = 3
S, A = SIDE * SIDE, 4
DISCOUNT = 0.9
MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))


def grid(ending: bool = False) -> TabularModel:
    """Nine rooms; a step goes where it should with chance 0.7, else anywhere; walls hold. ending:
    the last room is the end."""
    transitions = np.zeros((S, A, S))
    for s in range(S):
        row, column = divmod(s, SIDE)
        for a in range(A):
            for b, (down, right) in enumerate(MOVES):
                r, c = row + down, column + right
                inside = 0 <= r < SIDE and 0 <= c < SIDE
                transitions[s, a, r * SIDE + c if inside else s] += 0.7 * (a == b) + 0.3 / A
    ends = np.zeros((S, A, S), dtype=bool)
    ends[:, :, S - 1] = ending
    return TabularModel(transitions, np.zeros((S, A)), ends)


START = np.eye(S)[0]


def planted(seed: int, *shape: int) -> Floats:
    return np.random.default_rng(seed).normal(size=shape)


def learned_from(
    model: TabularModel, rewards: Floats, features: Floats
) -> tuple[Floats, Floats, Recovered]:
    """The soft expert's policy and visits, and what is made of the visits."""
    policy = soft_value_iteration(replace(model, rewards=rewards), DISCOUNT).policy
    visits = expected_visits(model, policy, START, DISCOUNT)
    found = max_ent_irl(model, visits, START, DISCOUNT, features)
    return policy, visits, found


def test_soft_values_by_hand():
    """One room, two actions, one of which ends: V = log(e^{1 + γV} + e^2)."""
    stay_or_end = np.ones((1, 2, 1))
    model = TabularModel(stay_or_end, np.array([[-1.0, 2.0]]), np.array([[[False], [True]]]))
    best = soft_value_iteration(model, 0.5)
    assert best.values[0] == pytest.approx(
        math.log(math.exp(-1 + 0.5 * best.values[0]) + math.exp(2)), abs=1e-12
    )
    np.testing.assert_allclose(best.policy.sum(axis=1), 1)
    assert best.policy[0, 1] == pytest.approx(math.exp(2 - best.values[0]))
    # visits: 1 + γ p + (γ p)² + … with p the chance to stay
    visits = expected_visits(model, best.policy, np.ones(1), 0.5)
    assert visits.sum() == pytest.approx(1 / (1 - 0.5 * best.policy[0, 0]))


def test_visits_add_up_to_the_policy_s_value():
    model = replace(grid(ending=True), rewards=planted(0, S, A))
    policy = soft_value_iteration(model, DISCOUNT).policy
    visits = expected_visits(model, policy, START, DISCOUNT)
    worth = (visits * model.rewards).sum()
    assert worth == pytest.approx(START @ policy_values(model, policy, DISCOUNT))
    everywhere = expected_visits(grid(), policy, START, DISCOUNT)
    assert everywhere.sum() == pytest.approx(1 / (1 - DISCOUNT))


def test_a_reward_of_few_features_is_recovered():
    features = planted(1, S, A, 3)
    weights = np.array([1.0, -2.0, 0.5])
    _, visits, found = learned_from(grid(), features @ weights, features)
    np.testing.assert_allclose(found.weights, weights, atol=1e-5)
    again = expected_visits(grid(), found.policy, START, DISCOUNT)
    np.testing.assert_allclose(again, visits, atol=1e-6)


def test_a_reward_of_states_is_recovered_up_to_a_constant():
    rewards = planted(2, S)
    model = grid()
    policy, visits, found = learned_from(
        model, state_features(model) @ rewards, state_features(model)
    )
    np.testing.assert_allclose(found.policy, policy, atol=1e-5)
    np.testing.assert_allclose(
        expected_visits(model, found.policy, START, DISCOUNT), visits, atol=1e-6
    )
    shift = found.weights - rewards
    np.testing.assert_allclose(shift, shift.mean(), atol=1e-4)
    assert found.log_likelihood == pytest.approx((visits * np.log(policy)).sum(), abs=1e-6)


def test_where_episodes_end_the_constant_shows_too():
    """To stay costs or pays, against the end that is worth nothing."""
    model = grid(ending=True)
    features = state_features(model)[:, :, : S - 1]  # nothing is done in the end
    rewards = planted(3, S - 1) - 1
    _, _, found = learned_from(model, features @ rewards, features)
    np.testing.assert_allclose(found.weights, rewards, atol=1e-4)


def test_a_shaped_reward_makes_the_same_expert():
    model = grid()
    rewards, potential = planted(4, S, A), planted(5, S)
    shaped = rewards + DISCOUNT * model.transitions @ potential - potential[:, None]
    assert np.abs(shaped - rewards).max() > 1
    plain = soft_value_iteration(replace(model, rewards=rewards), DISCOUNT)
    other = soft_value_iteration(replace(model, rewards=shaped), DISCOUNT)
    np.testing.assert_allclose(other.policy, plain.policy, atol=1e-10)
    # With a feature for each state and action some shaped reward is found, of the same policy.
    features = np.eye(S * A).reshape(S, A, S * A)
    policy, _, found = learned_from(model, rewards, features)
    np.testing.assert_allclose(found.policy, policy, atol=1e-5)
    assert np.abs(found.rewards - rewards).max() > 0.1


def test_a_thousand_episodes_show_nearly_as_much():
    model, features = grid(), planted(1, S, A, 3)
    weights = np.array([1.0, -2.0, 0.5])
    policy = soft_value_iteration(replace(model, rewards=features @ weights), DISCOUNT).policy
    chance = np.random.default_rng(0)
    episodes = []
    for _ in range(1_000):
        state, episode = 0, []
        for _ in range(60):
            action = int(chance.choice(A, p=policy[state]))
            episode.append((state, action))
            state = int(chance.choice(S, p=model.transitions[state, action]))
        episodes.append(episode)
    visits = counted_visits(episodes, (S, A), DISCOUNT)
    found = max_ent_irl(model, visits, START, DISCOUNT, features, penalty=1e-4)
    np.testing.assert_allclose(found.weights, weights, atol=0.15)


def test_counted_visits_by_hand():
    visits = counted_visits([[(0, 1), (1, 0), (0, 1)], [(1, 1)]], (2, 2), 0.5)
    assert visits.tolist() == [[0, (1 + 0.25) / 2], [0.5 / 2, 1 / 2]]
    for episodes in ([], [[]], [[(0, 2)]]):
        with pytest.raises(BadInput, match=r"episode"):
            counted_visits(episodes, (2, 2), 0.5)


def test_what_has_no_answer_is_refused():
    model = grid()
    features = state_features(model)
    impossible = np.zeros((S, A))
    impossible[8] = 5.0  # nobody is there so often
    with pytest.raises(BadInput, match="need a penalty above 0"):
        max_ent_irl(model, impossible, START, DISCOUNT, features, max_steps=20)
    bounded = max_ent_irl(model, impossible, START, DISCOUNT, features, penalty=1.0)
    assert bounded.weights.argmax() == 8
    with pytest.raises(BadInput, match=r"\[0, 1\)"):
        soft_value_iteration(model, 1.0)
    with pytest.raises(BadInput, match="visits need the shape"):
        max_ent_irl(model, impossible[1:], START, DISCOUNT, features)
    with pytest.raises(BadInput, match="start needs 9 chances"):
        expected_visits(model, np.full((S, A), 1 / A), START * 2, DISCOUNT)

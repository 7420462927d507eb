"""Tables against paper, against brute force, and against each other: what is learnt, what is."""

from __future__ import annotations

import itertools
import random
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from tutelage.algorithms import tabular
from tutelage.algorithms.tabular import TabularConfig, backup, learn, policy_values, read_model
from tutelage.errors import BadInput, EnvironmentFailure

LAKE_ENDS = [5, 7, 11, 12, 15]  # four holes and the goal
START, GOAL = 36, 47  # of the cliff, a grid of 4 rows and 12 columns
CLIFF_EDGE = set(range(25, 35))  # the row above the cliff, without its two ends


class Listed(gymnasium.Env[int, int]):
    """Samples a transition table {s: {a: [(chance, next state, reward, terminated)]}} from 0 on."""

    def __init__(self, P: dict[int, dict[int, list[tuple[float, int, float, bool]]]]) -> None:
        self.P, self.state = P, 0
        self.observation_space = spaces.Discrete(len(P))
        self.action_space = spaces.Discrete(len(P[0]))

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[int, dict[str, Any]]:
        if seed is not None:
            self.chance = random.Random(seed)
        self.state = 0
        return 0, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        outcomes = self.P[self.state][action]
        drawn = self.chance.choices(outcomes, [outcome[0] for outcome in outcomes])
        _, self.state, reward, terminated = drawn[0]
        return self.state, reward, terminated, False, {}


def corridor() -> Listed:
    """One action: 0 → 1 for 1, 1 → the end (2) for 2."""
    over = {0: [(1.0, 2, 0.0, True)]}
    return Listed({0: {0: [(1.0, 1, 1.0, False)]}, 1: {0: [(1.0, 2, 2.0, True)]}, 2: over})


def slippery_chain() -> Listed:
    """Action 1 tries to go on and may slip back or end; action 0 stays for a little."""
    over = [(1.0, 2, 0.0, True)]
    stay, go = [(1.0, 0, 0.1, False)], [(0.7, 1, 0.0, False), (0.3, 0, -0.2, False)]
    wait = [(0.6, 1, 0.3, False), (0.4, 0, 0.0, False)]
    end = [(0.5, 2, 1.0, True), (0.3, 0, -1.0, False), (0.2, 1, 0.0, False)]
    return Listed({0: {0: stay, 1: go}, 1: {0: wait, 1: end}, 2: {0: over, 1: over}})


def newest(name: str) -> str:
    return max(id_ for id_ in gymnasium.registry if id_.startswith(f"{name}-v"))


def trained(environment: gymnasium.Env[Any, Any], config: TabularConfig) -> np.ndarray:
    table = tabular.empty_table(environment)
    assert len(list(learn(environment, table, config))) == config.episodes
    return table.action_values()


def greedy_path(model: tabular.TabularModel, action_values: np.ndarray) -> list[int]:
    """The states that the greedy policy passes from the start on; for a world without chance."""
    path, ended = [START], False
    while not ended:
        assert len(path) < 48, f"the greedy policy goes round in circles: {path}"
        state, action = path[-1], int(action_values[path[-1]].argmax())
        path.append(int(model.transitions[state, action].argmax()))
        ended = bool(model.ends[state, action, path[-1]])
    return path


def test_targets_by_hand():
    following = [1.0, 4.0, -2.0]
    assert tabular.td_target(3.0, 4.0, 0.5, False) == 5.0
    assert tabular.td_target(3.0, 4.0, 0.5, True) == 3.0
    assert tabular.q_learning_target(3.0, following, 0.5, False) == 5.0
    assert tabular.q_learning_target(3.0, following, 0.5, True) == 3.0
    assert tabular.sarsa_target(3.0, following, 2, 0.5, False) == 2.0
    assert tabular.sarsa_target(3.0, following, 2, 0.5, True) == 3.0
    # under ε = .2 the next value is .8 · 4 + .2 · 1 = 3.4
    assert tabular.expected_sarsa_target(3.0, following, 0.2, 0.5, False) == pytest.approx(4.7)
    assert tabular.expected_sarsa_target(3.0, following, 0.2, 0.5, True) == 3.0


@pytest.mark.parametrize("method", ["q_learning", "sarsa", "expected_sarsa"])
def test_two_episodes_by_hand(method):
    table = tabular.empty_table(corridor())
    table.values[2] = [100.0]  # of the end: must reach nothing
    # The horizon is reached as the task ends: that it ended is what counts.
    config = TabularConfig(method=method, episodes=2, horizon=2, discount=0.5, step_size=0.5)
    episodes = learn(corridor(), table, config)
    # Q(0) = .5 (1 + .5 · 0); Q(1) = .5 · 2; errors 1 and 2
    first = {"episode/return": 3.0, "episode/steps": 2, "episode/terminated": 1.0}
    assert next(episodes) == first | {"td/absolute_error": 1.5}
    assert table.values == [[0.5], [1.0], [100.0]]
    # Q(0) = .5 + .5 (1 + .5 · 1 − .5); Q(1) = 1 + .5 (2 − 1); errors 1 and 1
    assert next(episodes) == first | {"td/absolute_error": 1.0}
    assert table.values == [[1.0], [1.5], [100.0]]
    assert table.visits == [[2], [2], [0]]


@pytest.mark.parametrize("method", ["q_learning", "sarsa", "expected_sarsa"])
@pytest.mark.parametrize("limit", ["horizon", "wrapper"])
def test_truncation_bootstraps_by_hand(method, limit):
    environment: gymnasium.Env[Any, Any] = corridor()
    if limit == "wrapper":
        environment = gymnasium.wrappers.TimeLimit(environment, 1)
    table = tabular.empty_table(environment)
    table.values[1] = [8.0]
    horizon = 1 if limit == "horizon" else None
    config = TabularConfig(method=method, discount=0.5, step_size=0.5, horizon=horizon)
    metrics = next(learn(environment, table, config))
    assert table.values == [[2.5], [8.0], [0.0]]  # .5 (1 + .5 · 8), and nothing else moved
    assert (metrics["episode/steps"], metrics["episode/terminated"]) == (1, 0.0)


def test_schedules_by_hand():
    falling = {"epsilon": 0.9, "epsilon_schedule": "linear", "epsilon_last": 0.1}
    linear = TabularConfig(episodes=5, step_size=0.5, **falling)
    rates = [tabular.exploration(linear, episode, 7) for episode in range(5)]
    assert rates == pytest.approx([0.9, 0.7, 0.5, 0.3, 0.1])
    assert tabular.step_size(linear, 4) == 0.5
    fading = {"epsilon_schedule": "visits", "step_size_schedule": "visits"}
    visits = TabularConfig(epsilon=0.8, step_size=0.5, **fading)
    assert [tabular.exploration(visits, 9, n) for n in (0, 1, 3)] == [0.8, 0.4, 0.2]
    assert [tabular.step_size(visits, n) for n in (1, 2, 4)] == [0.5, 0.25, 0.125]
    assert tabular.exploration(TabularConfig(epsilon=0.3), 400, 9) == 0.3


def test_learning_follows_the_exploration_schedule():
    onward = {a: [(1.0, 1, 1.0, False)] for a in range(2)}
    environment = Listed({0: onward, 1: onward})
    exact = {"method": "expected_sarsa", "horizon": 1, "step_size": 1.0, "discount": 1.0}
    linear = {"epsilon": 0.0, "epsilon_schedule": "linear", "epsilon_last": 1.0}
    visits = {"epsilon": 1.0, "epsilon_schedule": "visits"}
    # Next values 0 and 8 are worth 8 (1 − ε) + 4 ε: with ε 0, then 1; with ε 1 / 2 from one visit.
    # Greedily at first (ε 0; so many visits) action 1 is taken: its 6 goes, and action 0 stays.
    for schedule, expected in ((linear, {9.0, 5.0}), (visits, {7.0})):
        table, seen = tabular.Table([[0.0, 6.0], [0.0, 8.0]], [[0, 10**9], [1, 0]]), set()
        for _ in learn(environment, table, TabularConfig(episodes=2, **exact, **schedule)):
            seen |= set(table.values[0]) - {0.0}
        assert seen == expected


def test_sarsa_learns_from_the_action_that_it_takes(monkeypatch):
    """Going over the recorded steps again, plainly, gives the same table."""
    environment, steps = slippery_chain(), []

    def step(action: int) -> Any:
        steps.append((environment.state, action, *Listed.step(environment, action)[:3]))
        return *steps[-1][2:], False, {}

    monkeypatch.setattr(environment, "step", step)
    exact = {"epsilon": 0.5, "discount": 0.5, "step_size": 1.0, "step_size_schedule": "visits"}
    learnt = trained(environment, TabularConfig(method="sarsa", episodes=50, **exact))
    values, visits = np.zeros((3, 2)), np.zeros((3, 2))
    for now, then in itertools.pairwise([*steps, steps[0]]):
        state, action, following, reward, terminated = now
        visits[state, action] += 1
        target = reward + (0.0 if terminated else 0.5 * values[following, then[1]])
        values[state, action] += (target - values[state, action]) / visits[state, action]
    np.testing.assert_allclose(learnt, values, atol=1e-12)


def test_exploring_follows_the_epsilon_greedy_policy():
    for values in ([1.0, 3.0, 2.0], [3.0, 1.0, 3.0]):
        generator = random.Random(0)
        drawn = [tabular.explore(values, 0.3, generator) for _ in range(20_000)]
        policy = tabular.epsilon_greedy(np.array([values]), 0.3)[0]
        # four deviations of a share of 20,000
        np.testing.assert_allclose(np.bincount(drawn) / 20_000, policy, atol=0.014)


def test_policies_by_hand():
    values = np.array([[1.0, 3.0, 2.0, 0.0], [5.0, 5.0, 0.0, 5.0]])
    greedy, soft = tabular.epsilon_greedy(values), tabular.epsilon_greedy(values, 0.4)
    np.testing.assert_allclose(greedy, [[0, 1, 0, 0], [1 / 3, 1 / 3, 0, 1 / 3]])
    np.testing.assert_allclose(soft, [[0.1, 0.7, 0.1, 0.1], [0.3, 0.3, 0.1, 0.3]])


def test_model_by_hand():
    model = read_model(slippery_chain())
    np.testing.assert_allclose(model.transitions[1, 1], [0.3, 0.2, 0.5])
    np.testing.assert_allclose(model.continuing[1, 1], [0.3, 0.2, 0.0])
    np.testing.assert_allclose(model.rewards, [[0.1, -0.06], [0.18, 0.2], [0.0, 0.0]])
    # .2 + .5 (.3 · 10 + .2 · 20), nothing from the end's 1,000
    action_values = backup(model, np.array([10.0, 20.0, 1_000.0]), 0.5)
    assert action_values[1, 1] == pytest.approx(3.7)


def test_oracles_equal_brute_force_on_the_chain():
    """Every deterministic policy, its returns summed forwards over 2,000 steps."""
    environment, best = slippery_chain(), [-np.inf] * 3
    for policy in itertools.product(range(2), repeat=3):
        values = [0.0] * 3
        for start in range(3):
            crowd = {start: 1.0}  # state -> chance of being there, discounted
            for _ in range(2_000):
                moved = dict.fromkeys(range(3), 0.0)
                for state, share in crowd.items():
                    for chance, following, reward, ended in environment.P[state][policy[state]]:
                        values[start] += share * chance * reward
                        moved[following] += 0.0 if ended else 0.95 * share * chance
                crowd = moved
        exact = policy_values(read_model(environment), np.eye(2)[list(policy)], 0.95)
        np.testing.assert_allclose(exact, values, atol=1e-12)
        best = [max(pair) for pair in zip(best, values, strict=True)]
    optimum = tabular.value_iteration(read_model(environment), 0.95)
    np.testing.assert_allclose(optimum.action_values.max(axis=1), best, atol=1e-10)


@pytest.mark.parametrize("name", ["FrozenLake", "Taxi", "CliffWalking"])
def test_value_iteration_is_its_greedy_policy_s_value_within_the_bound(name):
    model = read_model(gymnasium.make(newest(name)))
    exact = tabular.value_iteration(model, 0.99, 1e-11).action_values
    for tolerance in (1e-1, 1e-4, 1e-10):
        optimum = tabular.value_iteration(model, 0.99, tolerance)
        assert optimum.error_bound <= tolerance
        assert np.abs(optimum.action_values - exact).max() <= optimum.error_bound + 1e-11
    greedy = tabular.epsilon_greedy(np.round(optimum.action_values, 8))
    following = policy_values(model, greedy, 0.99)
    np.testing.assert_allclose(backup(model, following, 0.99), optimum.action_values, atol=2e-10)


def test_the_bound_holds_without_discount():
    model = read_model(gymnasium.make(newest("CliffWalking"), is_slippery=True))
    exact = tabular.value_iteration(model, 1.0, 1e-9)
    greedy = tabular.epsilon_greedy(np.round(exact.action_values, 6))
    following = policy_values(model, greedy, 1.0)
    np.testing.assert_allclose(backup(model, following, 1.0), exact.action_values, atol=1e-8)
    for tolerance in (10.0, 1.0, 0.1):
        rough = tabular.value_iteration(model, 1.0, tolerance)
        error = np.abs(rough.action_values - exact.action_values).max()
        assert 0 < error <= rough.error_bound + 1e-9 <= tolerance + 1e-9


def test_finite_horizon_by_hand_and_in_the_limit():
    model = read_model(slippery_chain())
    values = tabular.finite_horizon_values(model, 2, 1.0)
    np.testing.assert_allclose(values[1], model.rewards)  # the last step: only its reward
    # one step before: v = (.1, .2, 0); e.g. Q(0, 1) = −.06 + .7 · .2 + .3 · .1
    np.testing.assert_allclose(values[0], [[0.2, 0.11], [0.34, 0.27], [0.0, 0.0]])
    lake = read_model(gymnasium.make(newest("FrozenLake")))
    unlimited = tabular.value_iteration(lake, 0.9).action_values
    for horizon in (10, 300):
        first = tabular.finite_horizon_values(lake, horizon, 0.9)[0]
        error = np.abs(first - unlimited).max()
        assert error <= 0.9**horizon + 1e-10  # all that can come later is one reward of 1


def test_frozen_lake_q_learning_is_value_iteration():
    """G18. Without chance and with step size 1 each update is an exact backup: equal to rounding.

    Episodes are cut at 15 steps; were that an end, the values would come out too low.
    """
    model = read_model(environment := gymnasium.make(newest("FrozenLake"), is_slippery=False))
    optimum = tabular.value_iteration(model, 0.99, 1e-12).action_values
    assert optimum[0].max() == pytest.approx(0.99**5)  # the goal is six steps away
    often = {"episodes": 2_000, "epsilon": 0.9, "horizon": 15}
    learnt = trained(environment, TabularConfig(step_size=1.0, discount=0.99, **often))
    left = np.setdiff1d(np.arange(16), LAKE_ENDS)
    print(f"FrozenLake: |Q - Q*| = {np.abs(learnt - optimum)[left].max():.1e}")
    np.testing.assert_allclose(learnt[left], optimum[left], atol=1e-12)
    assert (learnt[LAKE_ENDS] == 0).all()
    values = policy_values(model, tabular.epsilon_greedy(learnt), 0.99)
    np.testing.assert_allclose(values, optimum.max(axis=1), atol=1e-12)


@pytest.mark.parametrize("method", ["sarsa", "expected_sarsa", "q_learning"])
def test_learning_with_chance_comes_near_the_oracle(method):
    """All actions alike, 1 / visits: SARSA learns that policy's values, Q-learning the best's."""
    model = read_model(environment := slippery_chain())
    of_policy = backup(model, policy_values(model, np.full((3, 2), 0.5), 0.5), 0.5)
    optimum = tabular.value_iteration(model, 0.5).action_values
    steps = {"step_size": 1.0, "step_size_schedule": "visits", "epsilon": 1.0, "horizon": 20}
    config = TabularConfig(method=method, episodes=10_000, discount=0.5, **steps)
    learnt = trained(environment, config)
    near, far = (optimum, of_policy) if method == "q_learning" else (of_policy, optimum)
    errors = [np.abs(learnt - oracle).max() for oracle in (near, far)]
    print(f"chain, {method}: |Q - oracle| = {errors[0]:.4f}, to the other oracle {errors[1]:.4f}")
    # The noisiest entry is the mean of 17,000 targets of deviation .9: 3 deviations are .02.
    assert errors[0] < 0.02
    assert errors[1] > 0.04


def soft_optimum(model: tabular.TabularModel, epsilon: float, discount: float) -> np.ndarray:
    """Action values of the best policy among those that stay ε-greedy."""
    action_values = np.zeros(model.rewards.shape)
    for _ in range(2_000):
        mean, best = action_values.mean(axis=1), action_values.max(axis=1)
        action_values = backup(model, (1 - epsilon) * best + epsilon * mean, discount)
    return action_values


def test_cliff_sarsa_takes_the_safe_path_and_q_learning_the_cliff():
    """G18, example 6.6 of Sutton and Barto (2018), with an exact judge of both policies."""
    model = read_model(environment := gymnasium.make(newest("CliffWalking")))
    returns, paths = {}, {}  # by method
    for method in ("q_learning", "sarsa"):
        config = TabularConfig(method=method, episodes=2_000, discount=1.0, horizon=1_000)
        learnt = trained(environment, config)
        paths[method] = greedy_path(model, learnt)
        followed = policy_values(model, tabular.epsilon_greedy(learnt, 0.1), 1.0)
        returns[method] = float(followed[START])
    soft = soft_optimum(model, 0.1, 1.0)
    best = (tabular.epsilon_greedy(soft, 0.1) * soft)[START].sum()
    print(f"cliff: returns at ε .1 {returns}, the best possible {best:.2f}; paths {paths}")
    optimum = tabular.value_iteration(model, 1.0).action_values
    along_the_edge = [START, *range(24, 36), GOAL]
    assert paths["q_learning"] == along_the_edge == greedy_path(model, optimum)
    assert returns["q_learning"] < best - 20  # it explores at the edge, and falls
    assert not CLIFF_EDGE & set(paths["sarsa"])
    assert best - 2 < returns["sarsa"] <= best + 1e-9


def test_expected_sarsa_finds_the_best_soft_policy():
    """Without chance its target is exact: with step size 1 it is soft value iteration."""
    lake = gymnasium.make(newest("FrozenLake"), is_slippery=False)
    soft = soft_optimum(read_model(lake), 0.7, 0.9)
    exact = {"method": "expected_sarsa", "discount": 0.9, "step_size": 1.0}
    learnt = trained(lake, TabularConfig(episodes=3_000, epsilon=0.7, **exact))
    print(f"FrozenLake, expected SARSA: |Q - soft optimum| = {np.abs(learnt - soft).max():.1e}")
    np.testing.assert_allclose(learnt, soft, atol=1e-8)


def test_the_same_seed_gives_the_same_table():
    def run(seed: int) -> np.ndarray:
        config = TabularConfig(method="sarsa", episodes=100, epsilon=0.5, seed=seed)
        return trained(gymnasium.make(newest("FrozenLake")), config)

    np.testing.assert_array_equal(run(0), run(0))
    assert (run(0) != run(1)).any()


def test_environments_without_a_table_are_refused():
    with pytest.raises(BadInput, match="two spaces are Discrete"):
        read_model(gymnasium.make("CartPole-v1"))
    shifted = corridor()
    shifted.observation_space = spaces.Discrete(3, start=1)
    with pytest.raises(BadInput, match="counted from 0"):
        tabular.empty_table(shifted)
    hidden = corridor()
    del hidden.P
    with pytest.raises(BadInput, match="learn from samples"):
        read_model(hidden)


def test_tables_that_are_no_model_are_refused():
    wrong = {
        "sum to 1, not to 0.5..1": [(0.5, 1, 0.0, False)],
        "no model": [(1.5, 1, 0.0, False), (-0.5, 0, 0.0, False)],
        "finite rewards": [(1.0, 1, float("nan"), False)],
        "both terminates in state 1": [(0.5, 1, 0.0, False), (0.5, 1, 0.0, True)],
    }
    for message, outcomes in wrong.items():
        environment = corridor()
        environment.P[0][0] = outcomes
        with pytest.raises(BadInput, match=message):
            read_model(environment)


def test_questions_without_an_answer_are_refused():
    model = read_model(slippery_chain())
    with pytest.raises(BadInput, match="discount must lie"):
        tabular.value_iteration(model, 1.1)
    with pytest.raises(BadInput, match="every step to cost"):
        tabular.value_iteration(model, 1.0)
    with pytest.raises(BadInput, match=r"after 3 sweeps .* known to"):
        tabular.value_iteration(model, 0.9, max_sweeps=3)
    with pytest.raises(BadInput, match="horizon must be at least 1"):
        tabular.finite_horizon_values(model, 0, 0.9)
    with pytest.raises(BadInput, match="sum to 1, got shape"):
        policy_values(model, np.full((3, 2), 0.6), 0.9)
    with pytest.raises(BadInput, match="never ends"):
        policy_values(model, np.eye(2)[[0, 0, 0]], 1.0)
    # Costly and endless: 0 and 1 for ever, so no policy is worth more than −∞.
    loop = read_model(Listed({s: {0: [(1.0, 1 - s, -1.0, False)]} for s in range(2)}))
    with pytest.raises(BadInput, match="a way to the end"):
        tabular.value_iteration(loop, 1.0)
    broken = corridor()
    broken.P[0][0] = [(1.0, 1, float("nan"), False)]
    with pytest.raises(EnvironmentFailure, match="reward nan"):
        next(learn(broken, tabular.empty_table(broken), TabularConfig()))


def test_settings_are_checked():
    wrong: dict[str, Any] = {"method": "monte_carlo", "episodes": 0, "horizon": 0, "step_size": 0.0}
    wrong |= {"step_size_schedule": "linear", "epsilon_schedule": "cosine", "discount": 1.1}
    wrong |= {"epsilon": float("nan"), "epsilon_last": -0.1, "seed": -1}
    for field, value in wrong.items():
        with pytest.raises(ValueError, match=f"{field} must .*{value}"):
            TabularConfig(**{field: value})

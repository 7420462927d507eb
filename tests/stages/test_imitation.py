"""The loops that imitate: they end up acting as the expert does, a bad one too, and go on after a
cut as if there had been none."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from tutelage.algorithms import PPO, TRPO, PPOConfig, TRPOConfig
from tutelage.algorithms import gail as adversarial
from tutelage.algorithms.gail import GAIL, GAILConfig
from tutelage.algorithms.imitation import Cloning, CloningConfig, agreement, cloning_loss
from tutelage.algorithms.max_ent_irl import soft_value_iteration
from tutelage.data.episodes import Episodes, record
from tutelage.device import seeded
from tutelage.environments import make_environments
from tutelage.environments.bot import demonstrate
from tutelage.environments.grid import grid_policy
from tutelage.errors import BadInput
from tutelage.policies.control import CategoricalActor, ControlPolicy, new_policy
from tutelage.runs import Progress, Run
from tutelage.stages.control import evaluate_control
from tutelage.stages.imitation import (
    AdversarialConfig,
    CloneConfig,
    DAggerConfig,
    clone,
    dagger,
    gail,
)
from tutelage.stages.max_ent import MaxEntConfig, listed, max_ent, read_tables, table_policy

LEVEL = "BabyAI-GoToLocal-v0"
pytestmark = pytest.mark.usefixtures("one_thread")
make_pole = partial(make_environments, "CartPole-v1")


def linear(*weights: float) -> ControlPolicy:
    """Pushes right where this sum of the observation is above 0."""
    network = torch.nn.Linear(len(weights), 2, bias=False)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[-w for w in weights], list(weights)]))
    return ControlPolicy(CategoricalActor(network))


GOOD = linear(0.1, 0.3, 3.0, 1.5)  # balances
BAD = linear(0.0, 0.0, 5.0, 0.0)  # sees how the pole stands, not how it moves


@pytest.fixture(scope="module")
def shown() -> Episodes:
    return record(GOOD, make_pole(8), 24, 1)


def reached(policy: ControlPolicy) -> float:
    found = evaluate_control(policy, make_pole(8), 16, 5)
    return sum(found) / len(found)


def learner(networks: Any = "actor") -> ControlPolicy:
    return new_policy(make_pole(1), (16,), seeded("learner"), networks)


def to_the_end(stage: Iterator[Progress]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for progress in stage:
        metrics |= progress.metrics
    return metrics


def test_a_clone_balances_as_the_expert_does(shown: Episodes, tmp_path: Path):
    assert reached(GOOD) > 450
    policy = learner()
    config = CloneConfig(updates=600, audits=3, audit_episodes=8)
    cloning = Cloning(policy, CloningConfig(learning_rate=5e-3))
    metrics = to_the_end(clone(Run(tmp_path), cloning, shown, make_pole, config, 0))
    assert metrics["audit/agreement"] > 0.8
    assert reached(policy) > 350


def test_dagger_asks_where_the_learner_comes(tmp_path: Path):
    policy = learner()
    config = DAggerConfig(rounds=4, steps_per_round=64, updates_per_round=100)
    cloning = Cloning(policy, CloningConfig(learning_rate=5e-3))
    metrics = to_the_end(dagger(Run(tmp_path), cloning, GOOD, make_pole, config, 0))
    assert metrics["train/steps"] > 0.9 * 4 * 8 * 64
    assert reached(policy) > 450
    rows = Run(tmp_path).metrics()
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert rows[-1]["rollout/agreement"] > rows[0]["rollout/agreement"]


class Room(gymnasium.Env):
    """Nothing to see; action 1 leaves, after ten steps the clock does. Every step pays."""

    def __init__(self) -> None:
        self.observation_space = Box(-1, 1, (1,), np.float32)
        self.action_space = Discrete(2)
        self.made = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.made = 0
        return np.zeros(1, dtype=np.float32), {}

    def step(self, action):
        self.made += 1
        return np.zeros(1, dtype=np.float32), 1.0, bool(action), self.made == 10, {}


def rooms(count: int) -> SyncVectorEnv:
    return SyncVectorEnv([Room] * count, autoreset_mode=AutoresetMode.NEXT_STEP)


def who_leaves(chance: float) -> ControlPolicy:
    network = torch.nn.Linear(1, 2)
    with torch.no_grad():
        network.weight.zero_()
        network.bias.copy_(torch.tensor([1 - chance, chance]).log())
    return ControlPolicy(CategoricalActor(network))


def leaving_after_imitation(folder: Path, expert_leaves: float, name: str = "ppo") -> float:
    """How often the learner leaves, which began at even chances."""
    shown = record(who_leaves(expert_leaves), rooms(20), 200, 1, sampled=True)
    policy = new_policy(rooms(1), (4,), seeded("learner"))
    algorithm: Any = PPO(policy, PPOConfig(learning_rate=0.02, epochs=4, gamma=0.9))
    if name == "trpo":
        algorithm = TRPO(policy, TRPOConfig(gamma=0.9))
    judged = GAILConfig(hidden=(8,), learning_rate=0.02, updates=8, gradient_penalty=1.0)
    adversary = GAIL(shown, 2, judged, seeded("adversary"))
    config = AdversarialConfig(steps=20_000, environments=16, steps_per_update=32, audits=1)
    to_the_end(gail(Run(folder), algorithm, adversary, shown, rooms, config, 0))
    return policy.actor(torch.zeros(1, 1)).logits.softmax(dim=1)[0, 1].item()


@pytest.mark.parametrize("expert_leaves", [0.1, 0.5, 0.8])
def test_gail_leaves_as_often_as_the_expert(expert_leaves: float, tmp_path: Path):
    assert leaving_after_imitation(tmp_path, expert_leaves) == pytest.approx(
        expert_leaves, abs=0.08
    )


def test_trpo_may_learn_from_the_adversary(tmp_path: Path):
    assert leaving_after_imitation(tmp_path, 0.8, "trpo") == pytest.approx(0.8, abs=0.1)


def test_a_reward_that_is_never_negative_stays_whatever_the_expert_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The trap: −log(1 − D) pays for every step survived."""
    positive = lambda logits, ended: torch.nn.functional.softplus(logits)  # noqa: E731
    monkeypatch.setattr(adversarial, "imitation_rewards", positive)
    assert leaving_after_imitation(tmp_path, 0.8) < 0.5


def start_clone(run: Run, shown: Episodes) -> Iterator[Progress]:
    config = CloneConfig(updates=6, audits=3, audit_episodes=4)
    return clone(run, Cloning(learner(), CloningConfig()), shown, make_pole, config, 0)


def start_dagger(run: Run, shown: Episodes) -> Iterator[Progress]:
    config = DAggerConfig(rounds=4, steps_per_round=16, updates_per_round=3, audit_episodes=4,
                          expert_share=0.5)  # fmt: skip
    return dagger(run, Cloning(learner(), CloningConfig()), GOOD, make_pole, config, 0)


def start_gail(run: Run, shown: Episodes) -> Iterator[Progress]:
    algorithm = PPO(learner("actor_critic"), PPOConfig(gamma=0.99))
    adversary = GAIL(shown, 2, GAILConfig(updates=2), seeded("adversary"))
    config = AdversarialConfig(
        steps=6 * 64, environments=4, steps_per_update=16, audits=3, audit_episodes=4
    )
    return gail(run, algorithm, adversary, shown, make_pole, config, 0)


STAGES: dict[str, Callable[[Run, Episodes], Iterator[Progress]]] = {
    "bc": start_clone,
    "dagger": start_dagger,
    "gail": start_gail,
}


@pytest.mark.parametrize("done", [1, 3])
@pytest.mark.parametrize("name", STAGES)
def test_resumed_equals_uninterrupted(name: str, done: int, shown: Episodes, tmp_path: Path):
    to_the_end(STAGES[name](Run(tmp_path / "whole"), shown))
    stage = STAGES[name](Run(tmp_path / "cut"), shown)
    for _ in range(done):
        next(stage)
    del stage
    steps = [progress.step for progress in STAGES[name](Run(tmp_path / "cut"), shown)]
    assert steps[0] == (1 if done == 1 and name != "dagger" else done - (name != "dagger") + 1)
    for path in (f"checkpoints/{name}/policy.safetensors", "metrics.jsonl"):
        whole = (tmp_path / "whole" / path).read_bytes()
        assert (tmp_path / "cut" / path).read_bytes() == whole


def test_a_bad_expert_is_cloned_as_well(tmp_path: Path):
    shown = record(BAD, make_pole(8), 64, 1)
    assert max(shown.lengths) < 100
    policy = learner()
    config = CloneConfig(updates=400, audits=2, audit_episodes=8)
    cloning = Cloning(policy, CloningConfig(learning_rate=5e-3))
    to_the_end(clone(Run(tmp_path), cloning, shown, make_pole, config, 0))
    expert = sum(shown.lengths) / len(shown.lengths)
    assert reached(policy) == pytest.approx(expert, rel=0.2)
    assert agreement(policy, shown.inputs()) > agreement(GOOD, shown.inputs()) + 0.1


def test_the_expert_is_left_as_it_was(tmp_path: Path):
    expert = copy.deepcopy(GOOD)
    to_the_end(start_dagger(Run(tmp_path), Episodes(*[torch.zeros(0)] * 4)))
    for before, after in zip(expert.parameters(), GOOD.parameters(), strict=True):
        assert torch.equal(before, after)


def test_a_hundred_episodes_of_the_bot_teach_actor_and_critic_more_than_chance(tmp_path: Path):
    """On episodes that were not shown, against always doing what the bot does most."""
    make = partial(make_environments, LEVEL)
    policy = grid_policy(make(1), seeded("policy"))
    shown, held_out = demonstrate(LEVEL, range(100)), demonstrate(LEVEL, range(100, 160))
    config = CloneConfig(updates=100, warmup=10, audits=1, audit_episodes=1, gamma=1.0)
    cloning = Cloning(policy, CloningConfig(learning_rate=3e-3, batch=64))
    metrics = to_the_end(clone(Run(tmp_path), cloning, shown, make, config, 0))
    assert "value/loss" in metrics
    unseen = held_out.inputs()
    counts = torch.bincount(unseen.actions, minlength=7) / len(unseen.actions)
    chance = -(counts[counts > 0] * counts[counts > 0].log()).sum()
    with torch.no_grad():
        assert cloning_loss(policy, unseen) < chance - 0.05
        errors = policy.values(unseen) - held_out.returns_to_go(1.0)
    assert agreement(policy, unseen) > counts.max() + 0.02
    assert errors.square().mean() < 0.05


@pytest.mark.parametrize("slippery", [False, True])
def test_a_reward_is_found_for_who_crosses_the_lake(slippery: bool, tmp_path: Path):
    """The expert is soft-optimal for the lake's own reward; the policy of the recovered one acts as
    it does where it was seen, and arrives as often."""
    make = partial(make_environments, "FrozenLake-v1", is_slippery=slippery)
    model = read_tables(make(1))
    paying = replace(model, rewards=60 * model.rewards)
    chances = soft_value_iteration(paying, 0.95).policy
    expert = table_policy(chances)
    shown = record(expert, make(8), 200, 1, sampled=True)
    metrics = to_the_end(max_ent(Run(tmp_path), shown, model, MaxEntConfig()))
    assert metrics["train/gap"] < 1e-6
    found = np.load(Run(tmp_path).checkpoint("max_ent_irl") / "rewards.npz")
    assert found["arrivals"].argmax() == 15
    differing = 0.5 * np.abs(found["policy"] - chances).sum(axis=1)
    assert (
        differing[shown.observations.argmax(dim=1)].mean() < 0.05
    )  # of 0.6 and 0.5 for even chances
    learned = table_policy(found["policy"])
    returns = [evaluate_control(one, make(8), 200, 5) for one in (learned, expert)]
    reached, wanted = (sum(one) / len(one) for one in returns)
    assert wanted > 0.6
    assert reached == pytest.approx(wanted, abs=0.1)


def test_observations_that_are_no_states_are_refused():
    shown = Episodes(torch.zeros(2, 3), torch.zeros(2), *torch.tensor([[False, True], [False] * 2]))
    with pytest.raises(BadInput, match="no states of 3: each needs 3 numbers, one of them 1"):
        listed(shown, 3)

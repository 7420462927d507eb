"""Q actor-critic: its targets by hand, its gradient by enumeration, what it learns."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from tests.algorithms.chain import CELLS, chains
from tests.policies.test_control import Steps as Clock
from tests.policies.test_control import side_by_side
from tutelage.algorithms.batch import Batch
from tutelage.algorithms.q_actor_critic import QActorCritic, QActorCriticConfig
from tutelage.device import seeded
from tutelage.model.mlp import mlp
from tutelage.policies.control import (
    CategoricalActor,
    ControlPolicy,
    QCritic,
    Transitions,
    new_policy,
)
from tutelage.rollout.experience import Experience
from tutelage.rollout.play import play, start
from tutelage.runs import Run
from tutelage.stages.control import ControlConfig, control


class Tenfold(nn.Module):
    """Worth ten times the steps made, or nothing."""

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        return torch.cat([10 * observations, 0 * observations], dim=-1)


class Quarter(nn.Module):
    """The first action with probability a quarter."""

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        return torch.tensor([1.0, 3.0]).log().expand(*observations.shape[:-1], 2)


def clocked() -> tuple[ControlPolicy, Experience]:
    environments = side_by_side(Clock(2, "itself"), Clock(3, "clock"))
    policy = ControlPolicy(CategoricalActor(Quarter()), QCritic(Tenfold()))
    return policy, play(policy, start(environments, 0), 3, seeded("play"))


@pytest.mark.parametrize("baseline", ["none", "value"])
def test_targets_and_advantages_by_hand(baseline: str):
    policy, found = clocked()
    learner = new_policy(side_by_side(Clock(2, "itself")), (4,), seeded("policy"), "actor_q")
    algorithm = QActorCritic(learner, QActorCriticConfig(gamma=0.5, baseline=baseline))
    algorithm.critic = policy.critic
    batch = algorithm.credit(found)
    # a state after n steps is worth 10n / 4 on average; the first ends by itself in its second
    # step, the second is cut in its third
    assert batch.returns is not None
    assert batch.returns.tolist() == [1 + 1.25, 2, 1 + 1.25, 2 + 2.5, 3 + 3.75]
    made = torch.tensor([0.0, 1, 0, 1, 2])
    q_taken = torch.where(batch.inputs.actions == 0, 10 * made, 0 * made)
    taken_off = 2.5 * made if baseline == "value" else 0 * made
    assert set(batch.inputs.actions.tolist()) == {0, 1}
    assert batch.advantages.equal(q_taken - taken_off)


def new_critic(generator: torch.Generator) -> QCritic:
    """Finds every action worth about 3, so that a baseline has something to take off."""
    network = mlp((2, 5, 3), generator)
    with torch.no_grad():
        network.layers()[-1][1].fill_(3.0)
    return QCritic(network).double()


def actor_gradient(baseline: str, action: int, state: torch.Tensor) -> torch.Tensor:
    """What one decision adds to the actor's gradient, (parameters,)."""
    generator = seeded("policy")
    actor = CategoricalActor(mlp((2, 5, 3), generator)).double()
    policy = ControlPolicy(actor, new_critic(generator))
    config = QActorCriticConfig(baseline=baseline, whiten_advantages=False, max_grad_norm=1e9)
    algorithm = QActorCritic(policy, config)
    mask = torch.ones(1, 1, dtype=torch.bool)
    actions = torch.tensor([action])
    inputs = Transitions(state, actions, mask)
    nothing = torch.zeros(1, 1, dtype=torch.float64)
    with torch.no_grad():
        experience = Experience(
            inputs,
            mask,
            policy.distribution(inputs).logprobs(actions)[None],
            nothing,
            values=policy.values(inputs)[None],
            next_values=nothing,
        )
    batch = algorithm.credit(experience)
    kept: list[torch.Tensor] = []

    def look() -> torch.Tensor:
        kept.append(torch.cat([p.grad.flatten().clone() for p in actor.parameters()]))
        return 0 * next(actor.parameters()).sum()

    algorithm.update(batch, seeded("update"), look)
    return kept[0]


def test_the_gradient_is_the_theorem_s_whatever_the_baseline():
    """Σ π(a) times what each action adds is −∇ Σ_a π(a|s) Q(s, a)."""
    state = torch.tensor([[0.3, -1.2]], dtype=torch.float64)
    generator = seeded("policy")
    actor = CategoricalActor(mlp((2, 5, 3), generator)).double()
    critic = new_critic(generator)
    probabilities = actor(state).probabilities()[0]
    objective = (probabilities * critic(state)[0].detach()).sum()
    exact = torch.cat([g.flatten() for g in torch.autograd.grad(objective, actor.parameters())])
    shares = probabilities.detach()
    spreads = {}
    for baseline in ("none", "value"):
        each = torch.stack([actor_gradient(baseline, action, state) for action in range(3)])
        mean = shares @ each
        torch.testing.assert_close(mean, -exact)
        spreads[baseline] = (shares @ (each - mean).square()).sum()
    assert spreads["value"] < spreads["none"]


def test_certainty_has_its_price():
    """With nothing to gain, a step goes up the entropy."""
    policy = new_policy(side_by_side(Clock(2, "itself")), (4,), seeded("policy"), "actor_q")
    environments = side_by_side(Clock(2, "itself"), Clock(3, "clock"))
    played = play(policy, start(environments, 0), 3, seeded("play"))
    algorithm = QActorCritic(policy, QActorCriticConfig(entropy_coefficient=0.1))
    batch = algorithm.credit(played)
    batch.advantages.zero_()
    before = policy.distribution(batch.inputs).entropy().mean()
    algorithm.update(batch, seeded("update"))
    assert policy.distribution(batch.inputs).entropy().mean() > before


def test_it_learns_a_chain_and_what_its_critic_says_is_so(tmp_path: Path):
    policy = new_policy(chains(1), (16,), seeded("policy"), "actor_q")
    config = QActorCriticConfig(learning_rate=0.01, gamma=0.9, critic_epochs=4)
    settings = ControlConfig(
        steps=25_600, environments=8, steps_per_update=32, audits=1, final_learning_rate=0.1
    )
    for _ in control(Run(tmp_path), QActorCritic(policy, config), chains, settings, 0):
        pass
    cells = torch.eye(CELLS)
    probabilities = policy.actor(cells).probabilities().detach()
    assert probabilities[:, 1].min() > 0.9
    # Q of the policy as it is, by the Bellman equation: a linear system
    moves = torch.zeros(CELLS, 2, CELLS)
    for cell in range(CELLS):
        moves[cell, 0, max(0, cell - 1)] = 1
        if cell + 1 < CELLS:
            moves[cell, 1, cell + 1] = 1
    rewards = torch.zeros(CELLS, 2)
    rewards[-1, 1] = 1
    within = torch.einsum("sa,sat->st", probabilities, moves)
    worth = torch.linalg.solve(torch.eye(CELLS) - 0.9 * within, (probabilities * rewards).sum(1))
    exact = rewards + 0.9 * moves @ worth
    torch.testing.assert_close(policy.critic(cells).detach()[:, 1], exact[:, 1], atol=0.05, rtol=0)


def test_nothing_to_gain_leaves_the_actor():
    policy, found = clocked()
    policy = new_policy(side_by_side(Clock(2, "itself")), (4,), seeded("policy"), "actor_q")
    environments = side_by_side(Clock(2, "itself"), Clock(3, "clock"))
    found = play(policy, start(environments, 0), 3, seeded("play"))
    algorithm = QActorCritic(policy, QActorCriticConfig())
    batch = algorithm.credit(found)
    batch.advantages.zero_()
    before = {name: tensor.clone() for name, tensor in policy.state_dict().items()}
    algorithm.update(batch, seeded("update"))
    changed = {n for n, tensor in policy.state_dict().items() if not tensor.equal(before[n])}
    assert changed
    assert all(name.startswith("critic") for name in changed)


def test_a_saved_one_goes_on_like_one_that_was_not(tmp_path: Path):
    def learner() -> QActorCritic:
        policy = new_policy(chains(1), (8,), seeded("policy"), "actor_q")
        return QActorCritic(policy, QActorCriticConfig())

    def step(algorithm: QActorCritic, seed: int) -> Batch:
        found = play(algorithm.policy, start(chains(2), seed), 10, seeded("play", seed))
        batch = algorithm.credit(found)
        algorithm.update(batch, seeded("update", seed))
        return batch

    one, resumed = learner(), learner()
    step(one, 0)
    torch.save(one.state_dict(), tmp_path / "state.pt")
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    step(one, 1)
    step(resumed, 1)
    weights = resumed.policy.state_dict()
    assert all(tensor.equal(weights[name]) for name, tensor in one.policy.state_dict().items())


def test_a_policy_without_a_critic_of_actions_is_refused():
    with pytest.raises(ValueError, match='networks="actor_q"'):
        QActorCritic(new_policy(chains(1), (8,), seeded("policy")), QActorCriticConfig())

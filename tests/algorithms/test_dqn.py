"""DQN: its targets by hand, its steps beside plain PyTorch, the Q-values that it finds."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.algorithms.chain import CELLS, best_q_values, chains
from tests.policies.test_control import Steps as Clock
from tests.policies.test_control import side_by_side
from tutelage.algorithms.dqn import DQN, DQNConfig, q_targets, stretches
from tutelage.device import seeded
from tutelage.environments import make_environments
from tutelage.errors import BadInput
from tutelage.policies.control import ControlPolicy, new_policy
from tutelage.rollout.experience import Experience
from tutelage.rollout.play import play, start
from tutelage.rollout.replay import Steps, steps_of
from tutelage.runs import Run
from tutelage.stages.control import ControlConfig, control


def lived(policy: ControlPolicy, steps: int = 20) -> Experience:
    return play(policy, start(chains(4), 0), steps, seeded("play"))


def learner(**settings: object) -> DQN:
    policy = new_policy(chains(1), (8, 8), seeded("dqn"), "q")
    defaults = {"batch": 5, "learning_starts": 10, "learning_rate": 0.01, "gamma": 0.9}
    return DQN(policy, DQNConfig(**{**defaults, **settings}))


def flat(network: nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def test_truncation_bootstraps_and_termination_does_not():
    environments = side_by_side(Clock(2, "itself"), Clock(3, "clock"))
    policy = new_policy(environments, (), seeded("dqn"), "q")
    found = steps_of(play(policy, start(environments, 0), 3, seeded("play")))
    assert found.next_observations[:, 0].tolist() == [1, 2, 1, 2, 3]
    values = torch.cat([10 * found.next_observations, -found.next_observations], dim=1)
    targets = q_targets(found, values, values, 0.5)
    # the first ends by itself in its second step, the second is cut in a state worth 30
    assert targets[:, 0].tolist() == [1 + 5, 2, 1 + 5, 2 + 10, 3 + 15]


def test_double_q_learning_values_the_action_that_the_other_network_chooses():
    nothing = torch.zeros(2, 1)
    steps = Steps(nothing, nothing, torch.tensor([1.0, 1]), nothing, torch.tensor([False, True]))
    values, choosing = torch.tensor([[4.0, 8], [4, 8]]), torch.tensor([[3.0, 2], [3, 2]])
    assert q_targets(steps, values, values, 0.5).tolist() == [[5], [1]]
    assert q_targets(steps, values, choosing, 0.5).tolist() == [[3], [1]]


def test_double_q_learning_does_not_expect_the_largest_error():
    """Where every action is worth 0, the largest of noisy values is not, what another network
    chose by noise of its own is."""
    noise, other = (torch.randn(4_000, 5, generator=seeded("noise", i)) for i in range(2))
    nothing = torch.zeros(4_000)
    steps = Steps(nothing, nothing, nothing, nothing, nothing.bool())
    assert q_targets(steps, noise, noise, 1.0).mean() > 1
    assert q_targets(steps, noise, other, 1.0).mean().abs() < 0.1


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("max_grad_norm", [10.0, 0.05])
def test_its_steps_are_those_of_plain_pytorch(double: bool, max_grad_norm: float):
    dqn = learner(
        double=double, max_grad_norm=max_grad_norm, gradient_steps=5, target_every=3, batch=7
    )
    network = copy.deepcopy(dqn.network)
    target = copy.deepcopy(network)
    plain = torch.optim.Adam(network.parameters(), 0.01, betas=(0.9, 0.999), eps=1e-5)
    batch = dqn.credit(lived(dqn.policy))
    done = 0
    for update in range(2):
        drawn = dqn.replay.sample(35, seeded("draw", update))
        metrics = dqn.update(batch, seeded("draw", update))
        losses, norms = [], []
        for part in drawn.split(7):
            with torch.no_grad():
                said = target(part.next_observations)
                chosen = (network if double else target)(part.next_observations).argmax(1)
                wanted = part.rewards + 0.9 * said[range(7), chosen] * (1 - part.terminated.float())
            loss = F.smooth_l1_loss(network(part.observations)[range(7), part.actions], wanted)
            plain.zero_grad()
            loss.backward()
            norms.append(nn.utils.clip_grad_norm_(network.parameters(), max_grad_norm).item())
            plain.step()
            losses.append(loss.item())
            done += 1
            if done % 3 == 0:
                target.load_state_dict(network.state_dict())
        torch.testing.assert_close(flat(dqn.network), flat(network), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(flat(dqn.target), flat(target), rtol=1e-4, atol=1e-5)
        assert metrics["value/loss"] == pytest.approx(sum(losses) / 5, rel=1e-3)
        assert metrics["value/grad_norm"] == pytest.approx(sum(norms) / 5, rel=1e-3)
    assert (max(norms) > max_grad_norm) == (max_grad_norm == 0.05)


def test_the_target_network_moves_only_when_it_should():
    dqn = learner(gradient_steps=2, target_every=4)
    batch = dqn.credit(lived(dqn.policy))
    first = flat(dqn.target).clone()
    assert flat(dqn.network).equal(first)
    dqn.update(batch, seeded(0))
    assert flat(dqn.target).equal(first)
    assert not flat(dqn.network).equal(first)
    dqn.update(batch, seeded(1))
    assert flat(dqn.target).equal(flat(dqn.network))


def test_an_update_is_cut_where_the_target_network_moves():
    assert stretches(0, 5, 2) == [2, 2, 1]
    assert stretches(5, 5, 2) == [1, 2, 2]
    assert stretches(4, 2, 10) == [2]
    assert stretches(8, 2, 10) == [2]


def test_before_learning_starts_it_only_remembers():
    dqn = learner(learning_starts=100)
    before = flat(dqn.network).clone()
    experience = lived(dqn.policy)
    count = int(experience.mask.sum())
    assert count < 80  # some steps only start an environment anew
    assert dqn.update(dqn.credit(experience), seeded(0)) == {"replay/steps": count}
    assert dqn.gradient_steps == 0
    assert flat(dqn.network).equal(before)
    assert dqn.update(dqn.credit(experience), seeded(0))["replay/steps"] == 2 * count
    assert not flat(dqn.network).equal(before)


def test_a_saved_one_goes_on_like_one_that_was_not(tmp_path: Path):
    dqn, resumed = (learner(gradient_steps=5, target_every=3, buffer=100) for _ in range(2))
    experience = lived(dqn.policy)
    dqn.update(dqn.credit(experience), seeded(0))
    torch.save(dqn.state_dict(), tmp_path / "state.pt")
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for each in (dqn, resumed):
        each.update(each.credit(experience), seeded(1))
    assert flat(resumed.network).equal(flat(dqn.network))
    assert flat(resumed.target).equal(flat(dqn.target))
    assert not flat(dqn.target).equal(flat(dqn.network))


@pytest.mark.parametrize("double", [False, True])
def test_it_finds_every_q_value_of_a_chain(double: bool, tmp_path: Path):
    """Whoever bootstrapped an end, or did not bootstrap a cut, would find others."""
    dqn = learner(double=double, batch=32, gradient_steps=32, target_every=32)
    settings = ControlConfig(
        steps=6_400, environments=4, steps_per_update=32, final_epsilon=1.0, audits=1
    )
    for _ in control(Run(tmp_path), dqn, chains, settings, 0):
        pass
    found = dqn.network(torch.eye(CELLS)).detach()
    torch.testing.assert_close(found, best_q_values(0.9), atol=0.05, rtol=0)
    # 1, 0.9, 0.81, 0.729 to the right
    assert found.argmax(dim=1).tolist() == [1, 1, 1, 1]


def test_real_actions_are_one_sentence():
    for networks in ("q", "actor_q"):
        with pytest.raises(BadInput, match=r"Q-values are kept of one of some actions.*ppo"):
            new_policy(make_environments("Pendulum-v1", 1), (8,), seeded("dqn"), networks)


def test_a_policy_without_q_values_is_refused():
    with pytest.raises(ValueError, match='networks="q"'):
        DQN(new_policy(chains(1), (8,), seeded("dqn")), DQNConfig())


def test_settings_that_never_learn_are_refused():
    with pytest.raises(ValueError, match="learning_starts must be at most buffer, 100"):
        DQNConfig(buffer=100, learning_starts=101)

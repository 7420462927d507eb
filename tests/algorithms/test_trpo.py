"""TRPO: the Fisher matrix is the Fisher matrix, and no step leaves the trust region."""

from __future__ import annotations

import pytest
import torch

from tutelage.algorithms import trpo
from tutelage.algorithms.batch import Batch
from tutelage.algorithms.trpo import (
    TRPO,
    TRPOConfig,
    conjugate_gradient,
    flat,
)
from tutelage.device import seeded
from tutelage.model.mlp import mlp
from tutelage.policies.control import CategoricalActor, ControlPolicy, GaussianActor, Transitions


def new_policy(kind: str) -> ControlPolicy:
    generator = seeded("trpo", kind)
    network = mlp((3, 5, 2), generator)
    actor = CategoricalActor(network) if kind == "categorical" else GaussianActor(network, 2, -0.3)
    return ControlPolicy(actor, mlp((3, 5, 1), generator)).double()


def lived(policy: ControlPolicy, count: int) -> Batch:
    """Decisions in states of chance; the first action, or the first coordinate, pays."""
    generator = seeded("lived")
    observations = torch.randn(count, 3, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        distribution = policy.actor(observations)
        actions = distribution.choose(distribution.noise(1, generator)[0])
        logprobs = distribution.logprobs(actions)
    inputs = Transitions(observations, actions, torch.ones(count, 1, dtype=torch.bool))
    first = actions if actions.dim() == 1 else actions[:, 0]
    paid = (first > 0).double()
    return Batch(inputs, logprobs, paid - 0.5, values=torch.zeros(count).double(), returns=paid)


def dense_fisher(policy: ControlPolicy, observations: torch.Tensor) -> torch.Tensor:
    """The mean over states of E_a ∇log π(a) ∇log π(a)ᵀ: a sum over actions for the categorical;
    for the Gaussian JᵀΣ⁻¹J of the means and 2 for each log deviation."""
    parameters = list(policy.actor.parameters())
    total = torch.zeros(sum(p.numel() for p in parameters)).double()
    total = torch.outer(total, total)
    for observation in observations:
        distribution = policy.actor(observation[None])
        if isinstance(policy.actor, CategoricalActor):
            for action in range(2):
                logprob = distribution.logprobs(torch.tensor([action]))[0]
                score = flat(torch.autograd.grad(logprob, parameters, retain_graph=True))
                total += logprob.exp().detach() * torch.outer(score, score)
        else:
            for i in range(2):
                row = torch.autograd.grad(
                    distribution.mean[0, i], parameters, retain_graph=True, allow_unused=True
                )
                row = flat(
                    [
                        torch.zeros_like(p) if g is None else g
                        for g, p in zip(row, parameters, strict=True)
                    ]
                )
                total += torch.outer(row, row) / (2 * distribution.log_std[i]).exp().detach()
            place = 0
            for parameter in parameters:
                if parameter is policy.actor.log_std:
                    total[range(place, place + 2), range(place, place + 2)] += 2
                place += parameter.numel()
    return total / len(observations)


@pytest.mark.parametrize("kind", ["categorical", "gaussian"])
def test_the_fisher_vector_product_is_the_dense_fisher_times_the_vector(kind: str):
    policy = new_policy(kind)
    batch = lived(policy, 7)
    dense = dense_fisher(policy, batch.inputs.observations)
    for seed in range(3):
        vector = torch.randn(len(dense), generator=seeded("vector", seed), dtype=torch.float64)
        found = policy.fisher(batch.inputs)(vector)
        torch.testing.assert_close(found, dense @ vector, rtol=1e-9, atol=1e-12)


def test_conjugate_gradient_solves_and_stops_without_curvature():
    matrix = torch.randn(6, 6, generator=seeded("matrix"), dtype=torch.float64)
    matrix = matrix @ matrix.T + torch.eye(6)
    target = torch.randn(6, generator=seeded("target"), dtype=torch.float64)
    found = conjugate_gradient(lambda v: matrix @ v, target, 20, 1e-20)
    torch.testing.assert_close(found, torch.linalg.solve(matrix, target))
    assert conjugate_gradient(lambda v: -v, target, 20).tolist() == [0.0] * 6


@pytest.mark.parametrize("kind", ["categorical", "gaussian"])
def test_a_step_improves_the_surrogate_within_the_region(kind: str):
    policy = new_policy(kind)
    batch = lived(policy, 400)
    inputs = batch.inputs
    old = policy.distribution(inputs).detach()
    metrics = TRPO(policy, TRPOConfig(max_kl=0.01)).update(batch, seeded("update"))
    new = policy.distribution(inputs)
    moved = old.kl(new).mean().item()
    assert 0.003 < moved <= 0.01  # near the border: a step that does not move would pass too
    assert metrics["policy/kl_step"] == pytest.approx(moved)
    advantages = (batch.advantages - batch.advantages.mean()) / batch.advantages.std(correction=0)
    ratio = (new.logprobs(inputs.actions) - batch.logprobs).exp()
    gain = (ratio * advantages).mean().item()
    assert metrics["policy/surrogate"] == pytest.approx(gain, abs=1e-6)
    assert gain > 0.05


def test_the_whole_step_is_the_damped_natural_gradient_s():
    """√(2δ / xᵀ(F + λI)x) · x, where (F + λI)x is the gradient: with a region so small that no
    step has to be taken back."""
    policy = new_policy("categorical")
    batch = lived(policy, 60)
    parameters = list(policy.actor.parameters())
    damped = dense_fisher(policy, batch.inputs.observations)
    damped += 0.3 * torch.eye(len(damped))
    worth = (batch.advantages - batch.advantages.mean()) / batch.advantages.std(correction=0)
    surrogate = policy.distribution(batch.inputs).logprobs(batch.inputs.actions)
    gradient = flat(torch.autograd.grad((worth * surrogate).mean(), parameters))
    x = torch.linalg.solve(damped, gradient)
    expected = x * (2 * 1e-8 / (x @ damped @ x)).sqrt()
    before = flat(parameters).clone()
    config = TRPOConfig(max_kl=1e-8, damping=0.3, conjugate_steps=60)
    metrics = TRPO(policy, config).update(batch, seeded("update"))
    assert metrics["policy/backtracks"] == 0
    moved = flat(parameters).detach() - before.detach()
    torch.testing.assert_close(moved, expected, rtol=1e-4, atol=1e-9)


def test_what_is_no_better_is_not_taken(monkeypatch: pytest.MonkeyPatch):
    """Steps the wrong way, all of them within the region."""
    policy = new_policy("categorical")
    batch = lived(policy, 50)
    before = flat(list(policy.actor.parameters())).clone()
    solve = conjugate_gradient
    monkeypatch.setattr(trpo, "conjugate_gradient", lambda *given: -solve(*given))
    metrics = TRPO(policy, TRPOConfig(max_kl=0.001)).update(batch, seeded("update"))
    assert metrics["policy/backtracks"] == 10
    assert flat(list(policy.actor.parameters())).equal(before)


def test_nothing_to_gain_changes_nothing_but_the_critic():
    policy = new_policy("categorical")
    batch = lived(policy, 50)
    batch.advantages.zero_()
    before = {name: tensor.clone() for name, tensor in policy.state_dict().items()}
    TRPO(policy, TRPOConfig()).update(batch, seeded("update"))
    changed = {
        name for name, tensor in policy.state_dict().items() if not tensor.equal(before[name])
    }
    assert changed
    assert all(name.startswith("critic") for name in changed)


def test_a_direction_without_curvature_is_not_taken(monkeypatch: pytest.MonkeyPatch):
    policy = new_policy("categorical")
    batch = lived(policy, 50)
    before = flat(list(policy.actor.parameters())).clone()
    monkeypatch.setattr(policy, "fisher", lambda _: lambda vector: -10 * vector)
    metrics = TRPO(policy, TRPOConfig()).update(batch, seeded("update"))
    assert metrics["policy/kl_step"] == 0.0
    assert flat(list(policy.actor.parameters())).equal(before)


@pytest.mark.parametrize("stretch", [3.0, 30.0])
def test_the_line_search_takes_back_what_leaves_the_region(
    stretch: float, monkeypatch: pytest.MonkeyPatch
):
    """A direction that is far too long: it is shortened until the measured KL, not the one that
    its curvature foretold, is within the region."""
    policy = new_policy("categorical")
    batch = lived(policy, 400)
    fisher = policy.fisher
    monkeypatch.setattr(policy, "fisher", lambda _: lambda v: fisher(batch.inputs)(v) / stretch**2)
    old = policy.distribution(batch.inputs).detach()
    algorithm = TRPO(policy, TRPOConfig(max_kl=0.01, damping=1e-6, backtracks=40))
    metrics = algorithm.update(batch, seeded("update"))
    moved = old.kl(policy.distribution(batch.inputs)).mean().item()
    assert metrics["policy/backtracks"] > 1
    assert 0.003 < moved <= 0.01
    assert metrics["policy/kl_step"] == pytest.approx(moved)


def test_a_step_that_never_fits_is_taken_back_whole(monkeypatch: pytest.MonkeyPatch):
    policy = new_policy("categorical")
    batch = lived(policy, 400)
    fisher = policy.fisher
    monkeypatch.setattr(policy, "fisher", lambda _: lambda v: fisher(batch.inputs)(v) / 1e6)
    before = flat(list(policy.actor.parameters())).clone()
    algorithm = TRPO(policy, TRPOConfig(max_kl=0.01, damping=1e-9, backtracks=2))
    metrics = algorithm.update(batch, seeded("update"))
    assert metrics["policy/backtracks"] == 2
    assert flat(list(policy.actor.parameters())).equal(before)

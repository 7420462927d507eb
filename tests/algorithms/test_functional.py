"""The arithmetic of the algorithms, against paper and against slow obvious versions."""

from __future__ import annotations

import math

import pytest
import torch

from tutelage.algorithms import functional as F


def test_gae_by_hand_with_termination_and_truncation():
    # gamma = lambda = 0.5; row 0 terminates, row 1 is cut off in a state worth 8.
    rewards = torch.tensor([[1.0, 2.0], [1.0, 2.0]])
    values = torch.tensor([[0.5, 1.0], [0.5, 1.0]])
    mask = torch.ones(2, 2, dtype=torch.bool)
    advantages, returns = F.generalised_advantages(
        rewards, values, mask, 0.5, 0.5, last_values=torch.tensor([0.0, 8.0])
    )
    # row 0: delta_1 = 2 - 1 = 1; delta_0 = 1 + .5*1 - .5 = 1; A_0 = 1 + .25*1
    # row 1: delta_1 = 2 + .5*8 - 1 = 5; A_0 = 1 + .25*5
    expected = torch.tensor([[1.25, 1.0], [2.25, 5.0]])
    torch.testing.assert_close(advantages, expected)
    torch.testing.assert_close(returns, expected + values)


def test_gae_ends_are_monte_carlo_and_td():
    torch.manual_seed(0)
    rewards, values = torch.randn(3, 4), torch.randn(3, 4)
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 0]]).bool()
    rewards, values = rewards * mask, values * mask
    monte_carlo, _ = F.generalised_advantages(rewards, values, mask, 0.9, 1.0)
    td, _ = F.generalised_advantages(rewards, values, mask, 0.9, 0.0)
    for row in range(3):
        length = int(mask[row].sum())
        for t in range(length):
            to_go = sum(0.9 ** (k - t) * rewards[row, k] for k in range(t, length))
            torch.testing.assert_close(monte_carlo[row, t], to_go - values[row, t])
            following = values[row, t + 1] if t + 1 < length else torch.tensor(0.0)
            torch.testing.assert_close(
                td[row, t], rewards[row, t] + 0.9 * following - values[row, t]
            )
    assert (monte_carlo[~mask] == 0).all()
    torch.testing.assert_close(
        F.discounted_returns(rewards, mask, 0.9), (monte_carlo + values) * mask
    )


def test_group_baselines_by_hand():
    rewards = torch.tensor([[1.0, 3.0, 5.0], [4.0, 4.0, 4.0]])
    torch.testing.assert_close(
        F.leave_one_out_advantages(rewards), torch.tensor([[-3.0, 0.0, 3.0], [0.0, 0.0, 0.0]])
    )
    deviation = math.sqrt(8 / 3)
    expected = torch.tensor([[-2 / deviation, 0.0, 2 / deviation], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(
        F.group_normalised_advantages(rewards), expected, atol=1e-5, rtol=1e-5
    )


def test_leave_one_out_is_unbiased_and_group_mean_shrinks():
    """G8: over two arms, E[A·∇log π] is ∇J for RLOO, and (k−1)/k of it for the plain mean."""
    k, p = 4, 0.3
    true = p * (1 - p)  # gradient of p = sigmoid(θ)
    totals = {"rloo": 0.0, "mean": 0.0}
    for outcome in range(2**k):
        arms = torch.tensor([[float(outcome >> i & 1) for i in range(k)]], dtype=torch.float64)
        chance = p ** arms.sum().item() * (1 - p) ** (k - arms.sum().item())
        score = arms - p  # ∇ log π of each arm
        for name, advantages in {
            "rloo": F.leave_one_out_advantages(arms),
            "mean": F.group_normalised_advantages(arms, scale=False),
        }.items():
            totals[name] += chance * (advantages * score).mean().item()
    assert totals["rloo"] == pytest.approx(true, abs=1e-12)
    assert totals["mean"] == pytest.approx(true * (k - 1) / k, abs=1e-12)


def test_kl_estimators_as_losses():
    """G7: E∇k1 = 0, E∇k2 is the reverse KL's gradient, E∇k3 the forward KL's."""
    torch.manual_seed(0)
    theta = torch.randn(5, dtype=torch.float64, requires_grad=True)
    log_ref = torch.randn(5, dtype=torch.float64).log_softmax(0)
    logp = theta.log_softmax(0)
    weights = logp.detach().exp()

    def gradient(loss: torch.Tensor) -> torch.Tensor:
        return torch.autograd.grad(loss, theta, retain_graph=True)[0]

    reverse = gradient((logp.exp() * (logp - log_ref)).sum())
    forward = gradient((log_ref.exp() * (log_ref - logp)).sum())
    assert gradient((weights * F.kl_k1(logp, log_ref)).sum()).abs().max() < 1e-15
    torch.testing.assert_close(gradient((weights * F.kl_k2(logp, log_ref)).sum()), reverse)
    torch.testing.assert_close(gradient((weights * F.kl_k3(logp, log_ref)).sum()), forward)


def test_clipped_surrogate_by_hand():
    log_ratio = torch.tensor([1.5, 1.5, 0.5, 0.5]).log()
    advantages = torch.tensor([1.0, -1.0, 1.0, -1.0])
    expected = torch.tensor([-1.2, 1.5, -0.5, 0.8])
    torch.testing.assert_close(F.clipped_surrogate(log_ratio, advantages, 0.2), expected)


def test_clipped_value_loss_by_hand():
    values, old = torch.tensor([1.0, 0.1]), torch.tensor([0.0, 0.0])
    returns = torch.tensor([1.0, 1.0])
    # clipped to .2 the first is .8 away: the larger error counts; the second is inside
    expected = torch.tensor([0.5 * 0.8**2, 0.5 * 0.9**2])
    torch.testing.assert_close(F.clipped_value_loss(values, old, returns, 0.2), expected)


def test_bradley_terry_by_hand():
    scores = torch.tensor([[2.0, 1.0, 1.0], [0.5, 0.5, 9.0]])
    ranks = torch.tensor([[0, 1, 1], [0, 1, 0]])
    mask = torch.tensor([[True, True, True], [True, True, False]])
    log = math.log
    win = -log(1 / (1 + math.exp(-1)))
    first = (win + win + log(2)) / 3  # two pairs won by 1, one tie at equal scores
    second = log(2)
    expected = torch.tensor((first + second) / 2)
    torch.testing.assert_close(F.bradley_terry_loss(scores, ranks, mask), expected)


def test_ordinal_loss_by_hand():
    """Three levels, edges −1 and 2, a score of 1: σ(−2), σ(1) − σ(−2), 1 − σ(1)."""

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    thresholds = torch.tensor([-1.0, 2.0])
    shares = [sigmoid(-2), sigmoid(1) - sigmoid(-2), 1 - sigmoid(1)]
    for level, share in enumerate(shares):
        loss = F.ordinal_loss(torch.ones(1), thresholds, torch.tensor([level]))
        torch.testing.assert_close(loss, torch.tensor(-math.log(share)))
    everyone = F.ordinal_loss(torch.ones(3), thresholds, torch.tensor([0, 1, 2]))
    torch.testing.assert_close(everyone, torch.tensor(-sum(map(math.log, shares)) / 3))
    assert F.ordinal_loss(torch.ones(0), thresholds, torch.zeros(0).long()) == 0


def test_ordinal_loss_far_out_is_finite_and_pulls_back():
    scores = torch.tensor([60.0, -60.0], requires_grad=True)
    loss = F.ordinal_loss(scores, torch.tensor([-1.0, 1.0]), torch.tensor([1, 1]))
    assert loss.item() == pytest.approx(59 - math.log(1 - math.exp(-2)), rel=1e-5)
    loss.backward()
    torch.testing.assert_close(scores.grad, torch.tensor([0.5, -0.5]))


def test_expected_ratings_give_back_the_planted_scores():
    """Ratings as often as the model has them, thresholds known: the likeliest scores are those
    that were planted."""
    thresholds = torch.tensor([-2.0, -1.0, -0.2, 0.5, 1.4, 2.5], dtype=torch.float64)
    planted = torch.tensor([-3.0, -0.7, 0.0, 1.1, 2.9], dtype=torch.float64)
    below = (thresholds - planted[:, None]).sigmoid()
    edges = torch.cat([torch.zeros(5, 1), below, torch.ones(5, 1)], dim=1)
    chances = edges.diff(dim=1)  # (5, 7)
    scores = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    options = {"max_iter": 100, "line_search_fn": "strong_wolfe"}
    optimiser = torch.optim.LBFGS([scores], tolerance_grad=1e-10, tolerance_change=0, **options)

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = sum(
            chances[i, k] * F.ordinal_loss(scores[i : i + 1], thresholds, torch.tensor([k]))
            for i in range(5)
            for k in range(7)
        )
        loss.backward()
        return loss

    optimiser.step(closure)
    torch.testing.assert_close(scores.detach(), planted, atol=1e-7, rtol=0)


def test_no_pairs_no_ranking_loss():
    scores = torch.randn(2, 3, requires_grad=True)
    alone = torch.tensor([[True, False, False]] * 2)
    loss = F.bradley_terry_loss(scores, torch.zeros(2, 3).long(), alone)
    loss.backward()
    assert loss == 0
    assert (scores.grad == 0).all()


def test_whitening_by_hand():
    values = torch.tensor([[1.0, 3.0, 100.0]])
    mask = torch.tensor([[True, True, False]])
    torch.testing.assert_close(F.masked_whiten(values, mask), torch.tensor([[-1.0, 1.0, 0.0]]))
    kept = F.masked_whiten(values, mask, shift_mean=False)
    torch.testing.assert_close(kept, torch.tensor([[1.0, 3.0, 0.0]]))


@pytest.mark.parametrize("loss", ["surrogate", "value", "bradley_terry", "k3", "ordinal"])
def test_gradients_match_finite_differences(loss):
    """G19: float64 finite differences."""
    torch.manual_seed(1)
    x = torch.randn(2, 3, dtype=torch.float64, requires_grad=True) * 0.05
    y = torch.randn(2, 3, dtype=torch.float64)
    ranks = torch.tensor([[0, 1, 1], [2, 0, 1]])
    functions = {
        "surrogate": lambda x: F.clipped_surrogate(x, y, 0.2).sum(),
        "value": lambda x: F.clipped_value_loss(x, x.detach(), y, 0.2).sum(),
        "bradley_terry": lambda x: F.bradley_terry_loss(x, ranks, torch.ones(2, 3).bool()),
        "k3": lambda x: F.kl_k3(x, y).sum(),
        "ordinal": lambda x: F.ordinal_loss(
            x[0] * 30, (x[1].exp() * 10).cumsum(0), torch.tensor([0, 3, 1])
        ),
    }
    if loss == "value":
        old = x.detach().clone()
        functions["value"] = lambda x: F.clipped_value_loss(x, old + 0.01, y, 0.2).sum()
    assert torch.autograd.gradcheck(functions[loss], (x,), eps=1e-7, atol=1e-6)

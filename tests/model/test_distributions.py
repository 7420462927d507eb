"""Distributions over actions, beside PyTorch's own."""

from __future__ import annotations

import pytest
import torch
from torch import distributions

from tutelage.device import seeded
from tutelage.model.distributions import Categorical, EpsilonGreedy, Gaussian

LOGITS = torch.tensor([[0.0, 1.0, -2.0], [3.0, 3.0, 3.0]], dtype=torch.float64)
MEAN = torch.tensor([[0.5, -1.0], [2.0, 0.0]], dtype=torch.float64)
LOG_STD = torch.tensor([0.3, -0.7], dtype=torch.float64)


def pairs():
    ours, theirs = Categorical(LOGITS), distributions.Categorical(logits=LOGITS)
    other, other_theirs = (
        Categorical(LOGITS.flip(0)),
        distributions.Categorical(logits=LOGITS.flip(0)),
    )
    yield ours, theirs, other, other_theirs
    share = torch.tensor([[0.1, 0.8, 0.1], [0.8, 0.1, 0.1]], dtype=torch.float64)
    yield (
        EpsilonGreedy(LOGITS, 0.3),
        distributions.Categorical(probs=share),
        EpsilonGreedy(LOGITS.flip(0), 0.3),
        distributions.Categorical(probs=share.flip(0)),
    )
    wide = LOG_STD + 0.4
    yield (
        Gaussian(MEAN, LOG_STD),
        distributions.Independent(distributions.Normal(MEAN, LOG_STD.exp()), 1),
        Gaussian(MEAN.flip(0), wide),
        distributions.Independent(distributions.Normal(MEAN.flip(0), wide.exp()), 1),
    )


@pytest.mark.parametrize(("ours", "theirs", "other", "other_theirs"), list(pairs()))
def test_they_agree(ours, theirs, other, other_theirs):
    torch.testing.assert_close(ours.entropy(), theirs.entropy())
    torch.testing.assert_close(ours.kl(other), distributions.kl_divergence(theirs, other_theirs))
    for seed in range(3):
        actions = ours.choose(ours.noise(1, seeded("sample", seed))[0])
        torch.testing.assert_close(ours.logprobs(actions), theirs.log_prob(actions))
    assert (ours.logprobs(ours.mode()) >= ours.logprobs(actions) - 1e-12).all()


def test_samples_come_as_often_as_they_should():
    drawn = Categorical(LOGITS[:1])
    many = drawn.choose(drawn.noise(40_000, seeded("often"))).squeeze(1)
    shares = torch.bincount(many, minlength=3) / len(many)
    torch.testing.assert_close(shares, LOGITS[0].softmax(0).float(), atol=0.01, rtol=0)
    chancy = EpsilonGreedy(LOGITS[:1], 0.3)
    many = chancy.choose(chancy.noise(40_000, seeded("often"))).squeeze(1)
    shares = torch.bincount(many, minlength=3) / len(many)
    torch.testing.assert_close(shares, torch.tensor([0.1, 0.8, 0.1]), atol=0.01, rtol=0)
    gaussian = Gaussian(MEAN[:1], LOG_STD)
    drawn = gaussian.choose(gaussian.noise(40_000, seeded("often"))).squeeze(1)
    torch.testing.assert_close(drawn.mean(dim=0), MEAN[0], atol=0.03, rtol=0)
    torch.testing.assert_close(drawn.std(dim=0), LOG_STD.exp(), atol=0.03, rtol=0)


def test_without_chance_the_largest_q_value_is_taken():
    greedy = EpsilonGreedy(LOGITS, 0.0)
    noise = greedy.noise(1, seeded("greedy"))[0]
    assert greedy.choose(noise).tolist() == greedy.mode().tolist() == [1, 0]
    assert greedy.logprobs(torch.tensor([1, 1])).tolist() == [0, -float("inf")]
    assert greedy.entropy().tolist() == [0, 0]

"""Advantages of the group baselines, by hand; that they learn is tested with the loop."""

from __future__ import annotations

import pytest
import torch

from tutelage.algorithms import GroupConfig, GroupPolicyGradient
from tutelage.device import seeded
from tutelage.errors import BadInput
from tutelage.model.mlp import mlp
from tutelage.policies.control import CategoricalActor, ControlPolicy, Transitions
from tutelage.rollout.experience import Experience

MASK = torch.tensor([[True, True], [True, False]])


def lived(samples: int) -> Experience:
    """Two rows of two steps and of one; what they paid, and what each step was charged."""
    inputs = Transitions(torch.zeros(3, 2), torch.zeros(3, dtype=torch.long), MASK)
    return Experience(
        inputs,
        MASK,
        logprobs=torch.tensor([[-1.0, -1.0], [-1.0, 0.0]]),
        rewards=torch.tensor([[0.0, 5.0], [1.0, 9.0]]),  # the last is padding
        reference_logprobs=torch.tensor([[-1.0, -2.0], [-1.5, 0.0]]),
        samples=samples,
    )


def advantages(baseline: str, samples: int = 2) -> torch.Tensor:
    policy = ControlPolicy(CategoricalActor(mlp((2, 3), seeded("grpo"))))
    config = GroupConfig(baseline=baseline, kl_coefficient=0.5)
    return GroupPolicyGradient(policy, config).credit(lived(samples)).advantages


def test_group_baselines_by_hand():
    # the nats: 1 in the first row's second step, 0.5 in the second row's only one
    paid, other = 5 - 0.5 * 1, 1 - 0.5 * 0.5
    expected = torch.tensor([paid - other, paid - other, other - paid])
    torch.testing.assert_close(advantages("rloo"), expected)
    torch.testing.assert_close(advantages("dr_grpo"), torch.tensor([2.0, 2.0, -2.0]))
    torch.testing.assert_close(advantages("grpo"), torch.tensor([2.0, 2.0, -2.0]) / (2 + 1e-6))


def test_reinforce_plus_plus_by_hand():
    to_go = torch.tensor([4.5, 4.5, 0.75])
    expected = (to_go - to_go.mean()) / to_go.std(correction=0)
    torch.testing.assert_close(advantages("reinforce++"), expected)
    torch.testing.assert_close(advantages("reinforce++", samples=1), expected)


@pytest.mark.parametrize("baseline", ["rloo", "grpo", "dr_grpo"])
def test_a_group_of_one_is_refused(baseline: str):
    with pytest.raises(BadInput, match="at least 2 samples"):
        advantages(baseline, samples=1)

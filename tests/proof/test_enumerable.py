"""The enumerable world, by hand and by listing."""

from __future__ import annotations

import math

import pytest
import torch

from tutelage.policies.language import LanguagePolicy, Replies
from tutelage.proof.enumerable import (
    Table,
    TablePolicy,
    all_sequences,
    best_of,
    exact_kl,
    judged_trajectories,
    log_partition,
    new_gpt,
    new_world,
    objective,
    optimal_logprobs,
    optimum,
    prefix_means,
    small_world,
    soft_value_table,
    soft_values,
    tilted,
    token_logprobs,
    total_variation,
    win_rate,
)


def test_sequences_are_listed_in_the_order_of_counting():
    assert all_sequences(2, 3).tolist() == [
        [0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1],
        [1, 0, 0], [1, 0, 1], [1, 1, 0], [1, 1, 1],
    ]  # fmt: skip
    assert all_sequences(3, 1).tolist() == [[0], [1], [2]]


@pytest.mark.parametrize(("vocabulary", "length"), [(4, 4), (4, 6), (3, 2), (2, 1)])
def test_a_gpt_is_a_distribution_over_all_sequences(vocabulary: int, length: int):
    world = new_world(vocabulary, length)
    logprobs = token_logprobs(new_gpt(vocabulary, "any"), world.packed).sum(dim=1)
    assert logprobs.shape == (vocabulary**length,)
    assert logprobs.exp().sum().item() == pytest.approx(1.0, abs=1e-13)
    assert logprobs.exp().std() > 0
    assert optimum(world).exp().sum().item() == pytest.approx(1.0, abs=1e-13)


def test_the_seed_makes_the_world():
    first, again, other = new_world(2, 2, seed=3), new_world(2, 2, seed=3), new_world(2, 2, seed=4)
    assert torch.equal(first.rewards, again.rewards)
    assert torch.equal(first.reference_logprobs, again.reference_logprobs)
    assert not torch.equal(first.rewards, other.rewards)
    assert not torch.equal(first.reference_logprobs, other.reference_logprobs)


def test_nothing_to_choose_is_refused():
    with pytest.raises(ValueError, match="vocabulary >= 2 and length >= 1, got 1, 4"):
        new_world(vocabulary=1)


def test_soft_values_begin_with_what_the_optimum_is_worth():
    world = small_world()
    values = soft_values(world)
    assert [len(part) for part in values] == [1, 4, 16, 64, 256]
    best = objective(world, optimum(world))
    assert values[0].item() == pytest.approx(best.item(), abs=1e-13)
    assert values[0].item() == pytest.approx(
        world.kl_coefficient * log_partition(world).item(), abs=1e-13
    )
    assert objective(world, world.reference_logprobs.sum(dim=1)) < best


def test_prefix_means_are_conditional_expectations():
    world = new_world(2, 2)
    logprobs = torch.tensor([0.1, 0.3, 0.4, 0.2], dtype=torch.float64).log()
    totals = torch.tensor([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0]], dtype=torch.float64)
    # Before the first token .1 + .6 + 1.2 + .8; after a 0 (.1 + .6)/.4, after a 1 (1.2 + .8)/.6.
    expected = torch.tensor(
        [[2.7, 0.7 / 0.4], [2.7, 0.7 / 0.4], [2.7, 2 / 0.6], [2.7, 2 / 0.6]], dtype=torch.float64
    )
    torch.testing.assert_close(prefix_means(world, logprobs, totals), expected)


def test_best_of_and_win_rate_by_hand():
    logprobs = torch.tensor([0.5, 0.25, 0.25], dtype=torch.float64).log()
    rewards = torch.tensor([1.0, 3.0, 2.0])
    chances = best_of(logprobs, rewards, 2)
    # Both the worst: ¼. None better than the middle one: (¾)² − ¼. Else the best.
    expected = torch.tensor([4 / 16, 7 / 16, 5 / 16], dtype=torch.float64)
    torch.testing.assert_close(chances, expected)
    # The worst beats half of its ½; the middle one ½ + ⅛; the best ¾ + ⅛.
    wins = 4 / 16 * 1 / 4 + 5 / 16 * 5 / 8 + 7 / 16 * 7 / 8
    assert win_rate(chances, logprobs.exp(), rewards).item() == pytest.approx(wins)
    torch.testing.assert_close(best_of(logprobs, rewards, 1), logprobs.exp())


def test_exact_kl_by_hand():
    p = torch.tensor([0.5, 0.5], dtype=torch.float64).log()
    q = torch.tensor([0.25, 0.75], dtype=torch.float64).log()
    assert exact_kl(p, q).item() == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(2 / 3))


def test_tilted_by_hand():
    tilt = tilted(torch.tensor([0.5, 0.5]).log(), torch.tensor([0.0, math.log(3.0)]), 1.0)
    assert tilt.exp().tolist() == pytest.approx([0.25, 0.75])
    tilt = tilted(torch.tensor([0.8, 0.2]).log(), torch.tensor([0.0, math.log(2.0)]), 0.5)
    assert tilt.exp().tolist() == pytest.approx([0.5, 0.5])


def test_total_variation_by_hand():
    first, second = torch.tensor([0.5, 0.25, 0.25]).log(), torch.tensor([0.25, 0.25, 0.5]).log()
    assert total_variation(first, second).item() == pytest.approx(0.25)
    assert total_variation(first, first).item() == 0


def test_a_sequence_passes_through_the_soft_values_of_its_prefixes():
    world = new_world(2, 2)
    start, (low, high), ends = (values.tolist() for values in soft_values(world)[:3])
    expected = [[*start, (low, high)[i // 2], ends[i]] for i in range(4)]
    assert soft_value_table(world).tolist() == expected


def test_prefixes_have_rows_of_their_own():
    rows = Table(2, 3).prefixes(all_sequences(2, 3))
    assert rows.tolist() == [
        [0, 1, 3], [0, 1, 3], [0, 1, 4], [0, 1, 4],
        [0, 2, 5], [0, 2, 5], [0, 2, 6], [0, 2, 6],
    ]  # fmt: skip


def test_a_table_becomes_any_policy():
    world = new_world(3, 3)
    best = optimal_logprobs(world)
    table = Table(3, 3).become(world, best)
    torch.testing.assert_close(table.logprobs(world.sequences), best)
    gpt = new_gpt(3, "reader")
    inputs = Replies(world.packed)
    policy = TablePolicy(table, LanguagePolicy(gpt))
    logprobs = policy.distribution(inputs).logprobs(inputs.actions)
    torch.testing.assert_close(inputs.steps(logprobs), best)


def test_chosen_sequences_are_judged():
    world = new_world(2, 2)
    logprobs = torch.tensor([[-1.0, -2.0], [-3.0, -4.0]])
    trajectories = judged_trajectories(world, torch.tensor([3, 1]), logprobs, score=lambda r: 2 * r)
    assert [t.tokens for t in trajectories] == [[1, 1], [0, 1]]
    assert [t.logprobs for t in trajectories] == logprobs.tolist()
    wanted = (2 * world.rewards[[3, 1]]).tolist()
    assert [t.verdict.score for t in trajectories if t.verdict] == wanted

"""Every claim holds, and every claim fails when what it is about is subtly wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from tutelage.algorithms import batch, dpo, functional, gail, ppo, tabular, trpo
from tutelage.errors import BadInput
from tutelage.evaluation import calibration
from tutelage.model import fused, heads, mlp
from tutelage.model import gpt as networks
from tutelage.model import language_model as scoring
from tutelage.policies import language
from tutelage.proof import CLAIMS, Claim, chosen_claims, enumerable, selection, verify
from tutelage.proof.enumerable import small_world, solution
from tutelage.proof.finding import at_most, same, same_gradient
from tutelage.rollout import trajectories as rollouts
from tutelage.rollout.experience import Experience
from tutelage.rollout.sampler import ModelSampler, Sampling
from tutelage.text.packing import Packed

Patch = tuple[Any, str, Callable[..., Any]]
REAL = functional.generalised_advantages


@pytest.fixture(scope="module", autouse=True)
def _worlds() -> Iterator[None]:
    """Made before anything is broken; one thread, as the command has."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    small_world()
    selection._large_world()
    yield
    torch.set_num_threads(threads)


# What trains for many seconds: that it holds is also seen by the test of `verify --json`.
LONG = {"sampled_ppo_gets_there"}
EACH = [
    pytest.param(
        claim,
        id=claim.measure.__name__,
        marks=[pytest.mark.slow] if claim.measure.__name__ in LONG else [],
    )
    for claim in CLAIMS
]


@pytest.mark.parametrize("claim", EACH)
def test_every_claim_holds(claim: Claim):
    (finding,) = verify([claim])
    assert finding.holds, finding


def half(x: Tensor) -> Tensor:
    """The same values, and half the gradient."""
    return 0.5 * x + 0.5 * x.detach()


def half_detached(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda x, *rest: function(half(x), *rest)


def hard_values(world: Any) -> list[Tensor]:
    """The greatest reward in reach instead of the soft one."""
    V, M = world.vocabulary, len(world.rewards)
    lengths = range(world.sequences.shape[1] + 1)
    return [world.rewards.view(V**t, M // V**t).max(dim=1).values for t in lengths]


def twice_as_far(
    self: Any, batch: Any, old: Any, worth: Any, before: Any, step: Any, _: Any
) -> Any:
    """The whole step and as much again, whatever the divergence."""
    with torch.no_grad():
        trpo.put(self.parameters, trpo.flat(self.parameters) + 2 * step)
    return {}


def end_is_free(experience: Experience, kl_coefficient: float) -> Tensor:
    """The last token is not charged for its log-ratio."""
    rewards = REAL_PENALISED(experience, kl_coefficient)
    rows, last = torch.arange(len(rewards)), experience.mask.sum(dim=1) - 1
    rewards[rows, last] = experience.rewards[rows, last]
    return rewards


def squared_price(experience: Experience, kl_coefficient: float) -> Tensor:
    assert experience.reference_logprobs is not None
    log_ratio = experience.logprobs - experience.reference_logprobs
    return experience.rewards - kl_coefficient * functional.kl_k2(log_ratio, torch.zeros(()))


REAL_PENALISED = batch.penalised_rewards
REAL_LOSS = functional.bradley_terry_loss
REAL_BEST_OF = solution.best_of
REAL_LOGPROBS_FROM = scoring.logprobs_from
REAL_SCORE_PACKED = language.score_packed
REAL_STATES = scoring.predicting_states
REAL_PRECEDING = networks.preceding


def k3_of_the_inverse(logprobs: Tensor, reference: Tensor) -> Tensor:
    log_ratio = logprobs - reference
    return torch.expm1(log_ratio) - log_ratio


def sample_deviation(rewards: Tensor, scale: bool = True) -> Tensor:
    centred = rewards - rewards.mean(dim=1, keepdim=True)
    return centred / (rewards.std(dim=1, keepdim=True) + 1e-6)


def bootstraps_the_end(
    rewards: Tensor,
    values: Tensor,
    mask: Tensor,
    gamma: float,
    lambda_: float,
    last_values: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """A terminated episode is taken for one that goes on in a state like its last."""
    given = torch.zeros(len(values)) if last_values is None else last_values
    goes_on = torch.where(given == 0, values[:, -1], given)
    return REAL(rewards, values, mask, gamma, lambda_, goes_on)


def goes_on_by_default(
    rewards: Tensor,
    values: Tensor,
    mask: Tensor,
    gamma: float,
    lambda_: float,
    last_values: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """An episode is taken for a truncated one unless its last value is given."""
    following = values[:, -1] if last_values is None else last_values
    return REAL(rewards, values, mask, gamma, lambda_, following)


def forgets_truncation(
    rewards: Tensor,
    values: Tensor,
    mask: Tensor,
    gamma: float,
    lambda_: float,
    last_values: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    return REAL(rewards, values, mask, gamma, lambda_)


def values_of_the_next_state(
    rewards: Tensor, values: Tensor, mask: Tensor, gamma: float, lambda_: float
) -> tuple[Tensor, Tensor]:
    """The baseline knows the action that it is a baseline for."""
    return REAL(rewards, values.roll(-1, dims=1), mask, gamma, lambda_)


def sees_its_siblings(packed: Packed) -> Tensor:
    T = packed.tokens.shape[1]
    return torch.ones(T, T, dtype=torch.bool).tril().expand(len(packed.tokens), 1, T, T)


def follows_padding(tokens: Tensor, positions: Tensor, attend: Tensor | None) -> Tensor:
    """A token is told that what stands before it in the row came before it."""
    return REAL_PRECEDING(tokens, positions, None)


def tempered(sampler: Any, prompts: Any, samples: int, sampling: Sampling, generator: Any):
    warm = Sampling(max_new_tokens=sampling.max_new_tokens, temperature=1.1)
    return REAL_SAMPLE(sampler, prompts, samples, warm, generator)


REAL_SAMPLE = ModelSampler.sample
REAL_DPO = dpo.dpo_loss
REAL_DISCRIMINATOR = gail.discriminator_loss
REAL_INVERSE_RMS = fused._plain_inverse_rms
REAL_TANGENTS = mlp.MLP.tangents
REAL_Q_TARGET = tabular.q_learning_target
SQUARED_RELU: Patch = (networks, "squared_relu", lambda x: x.relu() * x.relu().detach())
BROKEN: dict[str, Patch] = {
    "optimum_token_by_token": (solution, "soft_values", hard_values),
    "optimum_is_worth_log_z": (batch, "penalised_rewards", end_is_free),
    "distance_to_solved": (batch, "penalised_rewards", squared_price),
    "exact_gradient_gets_there": (batch, "penalised_rewards", end_is_free),
    "sampled_ppo_gets_there": (ppo, "penalised_rewards", end_is_free),
    "soft_values_are_sums": (enumerable, "soft_values", hard_values),
    "soft_values_are_expected": (batch, "penalised_rewards", end_is_free),
    "critic_learns_soft_values": (ppo, "penalised_rewards", end_is_free),
    "estimators_without_bias": (functional, "kl_k3", k3_of_the_inverse),
    "k1_pushes_nowhere": (functional, "kl_k1", functional.kl_k2),
    "k2_pushes_as_reverse_kl": (functional, "kl_k2", lambda x, y: (x - y).square()),
    "k3_pushes_as_forward_kl": (functional, "kl_k3", k3_of_the_inverse),
    "leave_one_out_is_unbiased": (
        functional,
        "leave_one_out_advantages",
        lambda rewards: rewards - rewards.mean(dim=1, keepdim=True),
    ),
    "group_mean_shrinks": (
        functional,
        "group_normalised_advantages",
        lambda rewards, scale: functional.leave_one_out_advantages(rewards),
    ),
    "group_deviation_rescales": (functional, "group_normalised_advantages", sample_deviation),
    "group_deviation_in_large_groups": (
        functional,
        "group_normalised_advantages",
        sample_deviation,
    ),
    "order_statistics_match_a_list": (
        enumerable,
        "best_of",
        lambda p, r, n: REAL_BEST_OF(p, -r, n),
    ),
    "kl_is_bounded": (enumerable, "best_of", lambda p, r, n: REAL_BEST_OF(p, r, n + 1)),
    "kl_bound_is_close": (enumerable, "best_of", lambda p, r, n: REAL_BEST_OF(p, r, n - 4)),
    "wins_are_bounded": (
        enumerable,
        "win_rate",
        lambda p, q, r: solution.win_rate(p, q, r) + 0.5 * (p * q).sum(),  # no halves
    ),
    "win_bound_is_close": (enumerable, "best_of", lambda p, r, n: REAL_BEST_OF(p, r, n - 1)),
    "price_equation": (
        rollouts,
        "differing",
        lambda trajectories, _: rollouts.judged(trajectories),
    ),
    "loss_for_learning": (
        functional,
        "bradley_terry_loss",
        lambda scores, ranks, mask: REAL_LOSS(0.99 * scores, ranks, mask),
    ),
    "truth_reaches_the_ceiling": (
        calibration,
        "accuracy",
        lambda margins: sum(m > 0.01 for m in margins) / len(margins),
    ),
    "nobody_exceeds_the_ceiling": (
        calibration,
        "accuracy",
        lambda margins: sum(m > -0.1 for m in margins) / len(margins),
    ),
    "whole_episode": (
        functional,
        "clipped_surrogate",
        lambda log_ratio, advantages, _: -(log_ratio / 2).exp() * advantages,
    ),
    "reward_to_go": (
        functional,
        "discounted_returns",
        lambda rewards, mask: REAL(rewards, 0 * rewards, mask, 1.0, 1.0)[0] - rewards,
    ),
    "any_baseline": (functional, "generalised_advantages", values_of_the_next_state),
    "exact_values": (functional, "generalised_advantages", bootstraps_the_end),
    "variance_falls": (
        functional,
        "generalised_advantages",
        lambda rewards, values, *rest: REAL(rewards, -values, *rest),
    ),
    "variance_falls_with_lambda": (
        functional,
        "generalised_advantages",
        lambda rewards, values, mask, gamma, lambda_: REAL(
            rewards, values, mask, gamma, 1 - lambda_ if values.any() else lambda_
        ),
    ),
    "kl_penalty": (
        functional,
        "penalised_surrogate",
        lambda log_ratio, advantages, price: (
            price * functional.kl_k2(log_ratio, 0.0) - log_ratio.exp() * advantages
        ),
    ),
    "lambda_one_is_monte_carlo": (functional, "generalised_advantages", forgets_truncation),
    "lambda_zero_is_td": (functional, "generalised_advantages", bootstraps_the_end),
    "lambda_between": (
        functional,
        "generalised_advantages",
        lambda r, v, mask, gamma, lambda_, last: REAL(r, v, mask, gamma, lambda_ / gamma, last),
    ),
    "default_is_terminated": (functional, "generalised_advantages", goes_on_by_default),
    "returns_to_go": (
        functional,
        "discounted_returns",
        lambda rewards, mask, gamma: REAL(rewards, 0 * rewards, torch.ones_like(mask), gamma, 1.0)[
            0
        ],
    ),
    "clipped_surrogate": (
        functional,
        "clipped_surrogate",
        half_detached(functional.clipped_surrogate),
    ),
    "penalised_surrogate": (
        functional,
        "penalised_surrogate",
        half_detached(functional.penalised_surrogate),
    ),
    "clipped_value_loss": (
        functional,
        "clipped_value_loss",
        half_detached(functional.clipped_value_loss),
    ),
    "kl_k1": (functional, "kl_k1", half_detached(functional.kl_k1)),
    "kl_k2": (functional, "kl_k2", half_detached(functional.kl_k2)),
    "kl_k3": (functional, "kl_k3", half_detached(functional.kl_k3)),
    "bradley_terry_loss": (
        functional,
        "bradley_terry_loss",
        half_detached(functional.bradley_terry_loss),
    ),
    "imitation": SQUARED_RELU,
    "surrogate_of_a_gpt": (
        networks,
        "rms_norm",
        lambda x: x / x.square().mean(dim=-1, keepdim=True).sqrt().detach(),
    ),
    "ranking_by_a_reward_model": (
        heads,
        "logprobs_from",
        lambda *arguments: half(REAL_LOGPROBS_FROM(*arguments)),
    ),
    "value_loss_of_a_critic": SQUARED_RELU,
    "gradient_is_zero_at_the_optimum": (
        dpo,
        "dpo_loss",
        lambda h, ranks, mask, beta: REAL_DPO(h, ranks, mask, 1.01 * beta),
    ),
    "dpo_moves_what_nobody_compared": (
        dpo,
        "dpo_loss",
        lambda h, ranks, mask, beta: REAL_DPO(h, 1 - ranks, mask, beta),
    ),
    "reinforcement_does_not": (
        functional,
        "kl_k1",
        lambda logprobs, reference: 20 * (reference - logprobs),  # paid for, not charged
    ),
    "best_discriminator_is_the_odds": (
        gail,
        "discriminator_loss",
        lambda logits, experts: (1 + 0.01 * experts) * REAL_DISCRIMINATOR(logits, experts),
    ),
    "one_step_lands_on_the_expert": (
        gail,
        "imitation_rewards",
        lambda logits, ended: torch.nn.functional.softplus(logits),  # −log(1 − D)
    ),
    "twins_cost_log_2": (
        gail,
        "discriminator_loss",
        lambda logits, experts: 2 * REAL_DISCRIMINATOR(logits, experts),  # added up, not averaged
    ),
    "fisher_vector_product": (
        mlp.MLP,
        "tangents",
        lambda *arguments: 1.01 * REAL_TANGENTS(*arguments),
    ),
    "fisher_vector_product_of_a_gpt": (
        fused,
        "_plain_inverse_rms",
        lambda x: REAL_INVERSE_RMS(x).detach(),
    ),
    "step_stays_in_the_region": (trpo.TRPO, "_search", twice_as_far),
    "step_improves_the_surrogate": (
        trpo,
        "whiten",
        lambda values: -functional.whiten(values),
    ),
    "q_learning_is_value_iteration": (
        tabular,
        "td_target",
        lambda reward, following, discount, ended: reward + 0.9 * discount * following,
    ),
    "q_learning_walks_the_edge": (
        tabular,
        "q_learning_target",
        # the value of acting as it does, exploring included
        lambda *arguments: tabular.expected_sarsa_target(*arguments[:2], 0.1, *arguments[2:]),
    ),
    "sarsa_keeps_away_from_it": (
        tabular,
        "sarsa_target",
        lambda reward, following, _, *rest: REAL_Q_TARGET(reward, following, *rest),
    ),
    "packing_is_invisible": (Packed, "attend", sees_its_siblings),
    "padding_is_invisible": (networks, "preceding", follows_padding),
    "ratio_is_one": (ModelSampler, "sample", tempered),
    "kl_is_zero": (
        language,
        "predicting_states",
        lambda *arguments: 1.02 * REAL_STATES(*arguments),
    ),
    "nothing_is_clipped": (
        language,
        "predicting_states",
        lambda *arguments: 3.0 * REAL_STATES(*arguments),
    ),
    "reference_is_where_it_starts": (
        rollouts,
        "score_packed",
        lambda *arguments: REAL_SCORE_PACKED(*arguments).roll(1),
    ),
    "nothing_moves_without_learning": (
        ppo,
        "policy_optimiser",
        lambda parameters, _: torch.optim.SGD(list(parameters), 1e-3),
    ),
}


@pytest.mark.parametrize("claim", EACH)
def test_every_claim_can_fail(claim: Claim, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(*BROKEN[claim.measure.__name__])
    (finding,) = verify([claim])
    assert not finding.holds, finding


def test_names_choose_claims():
    assert chosen_claims([]) == list(CLAIMS)
    assert {claim.name for claim in chosen_claims(["G7", "PPO"])} == {"G7", "PPO"}
    with pytest.raises(BadInput, match=r"There is no claim 'G99'; there are G1, .* and PPO\."):
        chosen_claims(["G7", "G99"])


def test_comparisons_by_hand():
    measured = same([1.0, 2.0, 4.0], torch.tensor([1.5, 2.0, 3.0]), 0.1)
    assert (measured.expected, measured.got, measured.error) == (4.0, 3.0, 1.0)
    measured = at_most([1.0, 2.0], [0.5, 1.75])  # the second comes nearest
    assert (measured.expected, measured.got, measured.error) == (2.0, 1.75, 0.0)
    assert at_most([1.0, 2.0], [1.25, 0.0]).error == 0.25
    measured = same_gradient([3.0, 4.0], [3.0, 5.0], 0.1)
    assert (measured.expected, measured.error) == (5.0, 0.2)


@pytest.mark.parametrize("compare", [same, at_most, same_gradient])
def test_what_is_not_a_number_never_holds(compare: Callable[..., Any]):
    claim = Claim("X", "x", lambda: compare([1.0, 1.0], [1.0, float("nan")], 1.0))
    (finding,) = verify([claim])
    assert not finding.holds

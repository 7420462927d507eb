"""All claims, in the order in which they are checked; those of one subject share a name."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from tutelage.errors import BadInput
from tutelage.proof import (
    baselines,
    estimators,
    imitation,
    invariants,
    losses,
    packing,
    policy_gradients,
    preferences,
    regularised,
    returns,
    reward_models,
    selection,
    tables,
    training,
    trust_region,
)
from tutelage.proof.finding import Claim, Finding
from tutelage.wording import listing

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "G1",
        "The soft values of the prefixes make up the optimum ref·exp(r/β)/Z, token by token.",
        regularised.optimum_token_by_token,
    ),
    Claim(
        "G1",
        "The optimum's return, as training adds it up, is β·log Z.",
        regularised.optimum_is_worth_log_z,
    ),
    Claim(
        "G2",
        "What any policy is short of the optimum is β·KL(π‖π*).",
        regularised.distance_to_solved,
    ),
    Claim(
        "G3",
        "Adam along the exact gradient ends at the optimum, to 0.0001 of total variation.",
        training.exact_gradient_gets_there,
    ),
    Claim(
        "G3",
        "PPO on a GPT, from its own samples, ends within 0.05 of total variation.",
        training.sampled_ppo_gets_there,
    ),
    Claim(
        "G4",
        "The soft value of each prefix is β·log Σ ref·exp(r/β) over what may follow.",
        training.soft_values_are_sums,
    ),
    Claim(
        "G4",
        "It is what the optimum can expect from there, KL price included.",
        training.soft_values_are_expected,
    ),
    Claim(
        "G4",
        "PPO's critic learns it, to 0.03 on average, while the optimum acts.",
        training.critic_learns_soft_values,
    ),
    Claim(
        "G5",
        "DPO's expected gradient is 0 at the optimum.",
        preferences.gradient_is_zero_at_the_optimum,
    ),
    Claim(
        "G6",
        "DPO can drive all probability to a reply that no pair names.",
        preferences.dpo_moves_what_nobody_compared,
    ),
    Claim(
        "G6",
        "Reinforcement with a KL price leaves it where it was.",
        preferences.reinforcement_does_not,
    ),
    Claim("G7", "k1 and k3 estimate KL(π‖ref) without bias.", estimators.estimators_without_bias),
    Claim("G7", "k1 as a loss pushes nowhere on average.", estimators.k1_pushes_nowhere),
    Claim("G7", "k2 as a loss pushes as KL(π‖ref) does.", estimators.k2_pushes_as_reverse_kl),
    Claim("G7", "k3 as a loss pushes as KL(ref‖π) does.", estimators.k3_pushes_as_forward_kl),
    Claim(
        "G8",
        "Leave-one-out advantages give the true gradient.",
        baselines.leave_one_out_is_unbiased,
    ),
    Claim(
        "G8",
        "Rewards less the group's mean give (k − 1)/k of the true gradient.",
        baselines.group_mean_shrinks,
    ),
    Claim(
        "G8",
        "Divided by the group's deviation they give E √(m(1 − m)), m the group's pass rate.",
        baselines.group_deviation_rescales,
    ),
    Claim(
        "G8",
        "In large groups they give the true gradient over √(p(1 − p)), less its first correction.",
        baselines.group_deviation_in_large_groups,
    ),
    Claim(
        "G9",
        "The best of 2 by order statistics is the best of 2 by listing all pairs.",
        selection.order_statistics_match_a_list,
    ),
    Claim("G9", "KL(best of n‖ref) is at most log n − (n − 1)/n.", selection.kl_is_bounded),
    Claim(
        "G9",
        "Among 4,096 sequences KL(best of 256‖ref) is within 0.5 % of that bound.",
        selection.kl_bound_is_close,
    ),
    Claim("G9", "The best of n wins at most n/(n + 1) of the time.", selection.wins_are_bounded),
    Claim(
        "G9",
        "Among 4,096 sequences it wins within 0.0005 of that bound for n from 2 to 256.",
        selection.win_bound_is_close,
    ),
    Claim(
        "G10",
        "A linear reward model of d weights, learned from n pairs, loses d/2n nats on average.",
        reward_models.loss_for_learning,
    ),
    Claim(
        "G10",
        "Who knows the truth agrees with E max(p, 1 − p) of the labels.",
        reward_models.truth_reaches_the_ceiling,
    ),
    Claim(
        "G10",
        "No fitted reward model agrees with more than E max(p, 1 − p) of the labels.",
        reward_models.nobody_exceeds_the_ceiling,
    ),
    Claim(
        "G11",
        "The discriminator that loses least says pE/(pE + π).",
        imitation.best_discriminator_is_the_odds,
    ),
    Claim(
        "G11",
        "One exact step with a KL price of 1 and its logit as reward lands on the expert.",
        imitation.one_step_lands_on_the_expert,
    ),
    Claim(
        "G11",
        "Where policy and expert are alike it loses log 2, averaged over as many of each.",
        imitation.twins_cost_log_2,
    ),
    Claim(
        "G12",
        "Learning only where a prompt's samples differ moves the mean reward by Cov(w, r)/E w.",
        selection.price_equation,
    ),
    Claim(
        "G15",
        "The Fisher-vector product is the dense Fisher matrix times the vector.",
        trust_region.fisher_vector_product,
    ),
    Claim(
        "G15",
        "So is that of a GPT, over the tokens of replies.",
        trust_region.fisher_vector_product_of_a_gpt,
    ),
    Claim(
        "G15",
        "TRPO's step moves the policy by a KL of at most δ.",
        trust_region.step_stays_in_the_region,
    ),
    Claim(
        "G15",
        "TRPO's step makes the surrogate better.",
        trust_region.step_improves_the_surrogate,
    ),
    Claim(
        "G16",
        "The clipped surrogate with whole returns has the objective's gradient.",
        policy_gradients.whole_episode,
    ),
    Claim(
        "G16", "With rewards-to-go it has the objective's gradient.", policy_gradients.reward_to_go
    ),
    Claim(
        "G16",
        "With any baseline of the prefix it has the objective's gradient.",
        policy_gradients.any_baseline,
    ),
    Claim(
        "G16",
        "With exact values and any lambda it has the objective's gradient.",
        policy_gradients.exact_values,
    ),
    Claim(
        "G16",
        "A new policy's variance falls: whole returns, rewards-to-go, baseline, exact critic.",
        policy_gradients.variance_falls,
    ),
    Claim(
        "G16",
        "For any policy with an exact critic a token's variance falls with lambda.",
        policy_gradients.variance_falls_with_lambda,
    ),
    Claim(
        "G16",
        "The surrogate with a KL penalty has the gradient of E ρA − β·KL(π_old‖π), off π_old too.",
        policy_gradients.kl_penalty,
    ),
    Claim(
        "G17",
        "Advantages with lambda 1 are Monte Carlo, and a truncated episode bootstraps.",
        returns.lambda_one_is_monte_carlo,
    ),
    Claim("G17", "Advantages with lambda 0 are TD(0) errors.", returns.lambda_zero_is_td),
    Claim("G17", "Those between are as worked out on paper.", returns.lambda_between),
    Claim("G17", "A terminated episode bootstraps nothing.", returns.default_is_terminated),
    Claim("G17", "Discounted returns are as worked out on paper.", returns.returns_to_go),
    Claim(
        "G18",
        "Q-learning on FrozenLake without chance is value iteration.",
        tables.q_learning_is_value_iteration,
    ),
    Claim("G18", "Q-learning walks along the cliff.", tables.q_learning_walks_the_edge),
    Claim("G18", "SARSA keeps away from the cliff.", tables.sarsa_keeps_away_from_it),
    Claim(
        "G19",
        "The clipped surrogate's gradient is what finite differences give.",
        losses.clipped_surrogate,
    ),
    Claim(
        "G19",
        "The surrogate with a KL penalty's gradient is what finite differences give.",
        losses.penalised_surrogate,
    ),
    Claim(
        "G19",
        "The clipped value loss's gradient is what finite differences give.",
        losses.clipped_value_loss,
    ),
    Claim("G19", "The KL estimator k1's gradient is what finite differences give.", losses.kl_k1),
    Claim("G19", "The KL estimator k2's gradient is what finite differences give.", losses.kl_k2),
    Claim("G19", "The KL estimator k3's gradient is what finite differences give.", losses.kl_k3),
    Claim(
        "G19",
        "The Bradley–Terry loss's gradient is what finite differences give.",
        losses.bradley_terry_loss,
    ),
    Claim(
        "G19", "The imitation loss's gradient is what finite differences give.", losses.imitation
    ),
    Claim(
        "G19",
        "The clipped surrogate's gradient through a GPT is what finite differences give.",
        losses.surrogate_of_a_gpt,
    ),
    Claim(
        "G19",
        "The Bradley–Terry loss's gradient through a reward model is what finite differences give.",
        losses.ranking_by_a_reward_model,
    ),
    Claim(
        "G19",
        "The clipped value loss's gradient through a critic is what finite differences give.",
        losses.value_loss_of_a_critic,
    ),
    Claim(
        "G19",
        "A sequence has the logprobs that it has alone, however rows are packed.",
        packing.packing_is_invisible,
    ),
    Claim(
        "G19",
        "A sequence has the logprobs that it has alone, padded on the left or on the right.",
        packing.padding_is_invisible,
    ),
    Claim(
        "PPO",
        "Before the first step every sampled token has log-ratio 0.",
        invariants.ratio_is_one,
    ),
    Claim("PPO", "The first minibatch has approximate KL 0.", invariants.kl_is_zero),
    Claim("PPO", "The first minibatch clips nothing.", invariants.nothing_is_clipped),
    Claim(
        "PPO",
        "At step 0 the policy is the reference, token by token.",
        invariants.reference_is_where_it_starts,
    ),
    Claim(
        "PPO",
        "With learning rate 0 the log-ratio stays 0.",
        invariants.nothing_moves_without_learning,
    ),
)
NAMES = tuple(dict.fromkeys(claim.name for claim in CLAIMS))


def chosen_claims(names: Sequence[str]) -> list[Claim]:
    """The claims of these names, all of them for none. Raises BadInput for a name unknown."""
    for name in names:
        if name not in NAMES:
            raise BadInput(f"There is no claim {name!r}; there are {listing(NAMES)}.")
    return [claim for claim in CLAIMS if not names or claim.name in names]


def verify(claims: Sequence[Claim]) -> Iterator[Finding]:
    """Measure one claim after the other."""
    for claim in claims:
        began = time.perf_counter()
        measured = claim.measure()
        yield Finding(claim.name, claim.statement, measured, time.perf_counter() - began)

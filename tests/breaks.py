"""Lines that an equation stands on, how to break each, and the test that must then fail."""

from __future__ import annotations

from typing import NamedTuple


class Break(NamedTuple):
    what: str
    file: str  # in the package
    old: str  # occurs once
    new: str
    test: str


def breaks(file: str, tests: str, *lines: tuple[str, str, str, str]) -> list[Break]:
    """lines: what is broken, the old text, the new one, and which of the file's tests sees it."""
    return [Break(what, file, old, new, f"tests/{tests}::{name}") for what, old, new, name in lines]


BREAKS = [
    *breaks(
        "algorithms/functional.py",
        "algorithms/test_functional.py",
        (
            "GAE does not discount the next value",
            "(rewards + gamma * next_values - values)",
            "(rewards + next_values - values)",
            "test_gae_by_hand_with_termination_and_truncation",
        ),
        (
            "GAE ignores lambda",
            "(gamma * lambda_ * continues)",
            "(gamma * continues)",
            "test_gae_by_hand_with_termination_and_truncation",
        ),
        (
            "a truncated row is not bootstrapped",
            "1] = last_values",
            "1] = 0",
            "test_gae_by_hand_with_termination_and_truncation",
        ),
        (
            "whitening measures the deviation of padding too",
            "masked_mean((values - mean).square(), mask).sqrt()",
            "(values - mean).square().mean().sqrt()",
            "test_whitening_by_hand",
        ),
        (
            "whitening never keeps the mean",
            "(whitened if shift_mean else whitened + mean)",
            "whitened",
            "test_whitening_by_hand",
        ),
        (
            "the ratio is not clipped above",
            "limits = advantages + clip_range * advantages.abs()",
            "limits = advantages + (clip_range * advantages).clamp_min(0) / 0.0",
            "test_clipped_surrogate_by_hand",
        ),
        (
            "the ratio is not clipped below",
            "+ clip_range * advantages.abs()",
            "+ torch.where(advantages < 0, torch.inf, clip_range * advantages)",
            "test_clipped_surrogate_by_hand",
        ),
        (
            "the better of ratio and clip counts",
            "-torch.minimum(",
            "-torch.maximum(",
            "test_clipped_surrogate_by_hand",
        ),
        (
            "the value is not clipped",
            "(values - old_values).clamp(-clip_range, clip_range)",
            "(values - old_values)",
            "test_clipped_value_loss_by_hand",
        ),
        (
            "the smaller of the value's errors counts",
            "torch.maximum(error,",
            "torch.minimum(error,",
            "test_clipped_value_loss_by_hand",
        ),
        (
            "k1 is of the reference",
            "return logprobs - reference",
            "return reference - logprobs + 2 * logprobs.detach() * logprobs",
            "test_kl_estimators_as_losses",
        ),
        (
            "k2 is the whole square",
            "0.5 * (logprobs - reference).square()",
            "(logprobs - reference).square()",
            "test_kl_estimators_as_losses",
        ),
        (
            "k3 has its ratio upside down",
            "log_ratio = reference - logprobs",
            "log_ratio = logprobs - reference",
            "test_kl_estimators_as_losses",
        ),
        (
            "RLOO's mean holds the sample itself",
            " * (G / (G - 1))",
            "",
            "test_group_baselines_by_hand",
        ),
        (
            "GRPO's deviation is of one sample fewer",
            "(rewards.std(dim=1, keepdim=True, correction=0) + 1e-6)",
            "(rewards.std(dim=1, keepdim=True) + 1e-6)",
            "test_group_baselines_by_hand",
        ),
        (
            "the worse one wins in Bradley-Terry",
            "margin = scores[:, :, None] - scores[:, None, :]",
            "margin = scores[:, None, :] - scores[:, :, None]",
            "test_bradley_terry_by_hand",
        ),
        (
            "a tie counts twice",
            "ties = 0.5 * (ranks",
            "ties = 1.0 * (ranks",
            "test_bradley_terry_by_hand",
        ),
        (
            "prompts with more pairs weigh more",
            "(wins + ties) * pairs / count.clamp_min(1)",
            "(wins + ties) * pairs",
            "test_bradley_terry_by_hand",
        ),
        (
            "a level reaches below its lower threshold",
            "F.logsigmoid(-below)",
            "F.logsigmoid(below)",
            "test_ordinal_loss_by_hand",
        ),
    ),
    *breaks(
        "algorithms/functional.py",
        "algorithms/test_ppo.py",
        (
            "the KL of eq. 8 is rewarded",
            "return price * (moved.expm1() - moved) -",
            "return -price * (moved.expm1() - moved) -",
            "test_the_penalised_surrogate_by_hand",
        ),
        (
            "rounding is priced as if the policy had moved",
            "moved = F.hardshrink(log_ratio, rounding)",
            "moved = log_ratio",
            "test_the_penalised_surrogate_by_hand",
        ),
    ),
    *breaks(
        "algorithms/functional.py",
        "algorithms/test_reinforce.py",
        (
            "returns flow back across an episode's end",
            "(gamma * lambda_ * continues)",
            "(gamma * lambda_ * torch.ones_like(continues))",
            "test_returns_by_hand",
        ),
    ),
    *breaks(
        "algorithms/batch.py",
        "algorithms/test_batch.py",
        (
            "nats away from the reference are paid for",
            "return experience.rewards - price",
            "return experience.rewards + price",
            "test_the_reference_s_price_is_the_trained_policy_s",
        ),
        (
            "importance weights are not capped",
            ".exp().clamp_max(cap)",
            ".exp()",
            "test_another_sampler_is_weighed_and_the_ratio_is_to_the_policy_as_trained",
        ),
        (
            "the ratio is to the policy that sampled",
            "return self.logprobs if self.proximal_logprobs is None else self.proximal_logprobs",
            "return self.logprobs",
            "test_another_sampler_is_weighed_and_the_ratio_is_to_the_policy_as_trained",
        ),
    ),
    *breaks(
        "algorithms/ppo.py",
        "algorithms/test_ppo.py",
        (
            "PPO ignores clip_range",
            "clipped_surrogate(log_ratio, advantages, config.clip_range)",
            "clipped_surrogate(log_ratio, advantages, float('inf'))",
            "test_an_update_is_the_obvious_one",
        ),
        (
            "PPO ignores value_clip_range",
            "                    config.value_clip_range,\n",
            "                    float('inf'),\n",
            "test_an_update_is_the_obvious_one",
        ),
        (
            "eq. 7 where eq. 8 was asked for",
            "if config.step_kl_target is None:\n                    losses",
            "if True:\n                    losses",
            "test_the_price_brings_an_update_to_its_target",
        ),
        (
            "PPO's value coefficient is ignored",
            "policy_loss + config.value_coefficient * value_loss",
            "policy_loss + value_loss",
            "test_an_update_is_the_obvious_one",
        ),
        (
            "PPO's entropy is a cost",
            "loss - config.entropy_coefficient *",
            "loss + config.entropy_coefficient *",
            "test_an_update_is_the_obvious_one",
        ),
        (
            "PPO's advantages are not whitened",
            "whiten(batch.advantages[chosen])",
            "batch.advantages[chosen]",
            "test_an_update_is_the_obvious_one",
        ),
        (
            "beta never falls",
            "kl_target - 1, -0.2), 0.2)",
            "kl_target - 1, 0.0), 0.2)",
            "test_the_price_of_the_reference_adapts_and_rewards_are_whitened_by_hand",
        ),
        (
            "beta jumps as far as KL does",
            "kl_target - 1, -0.2), 0.2)",
            "kl_target - 1, -0.2), 20.0)",
            "test_the_price_of_the_reference_adapts_and_rewards_are_whitened_by_hand",
        ),
        (
            "the price of a step never falls",
            "max(price / 2, PRICES[0])",
            "price",
            "test_the_price_halves_below_two_thirds_of_the_target_and_doubles_above_half_more",
        ),
        (
            "the price of a step rises at the target itself",
            "if kl > target * 1.5 else",
            "if kl > target else",
            "test_the_price_halves_below_two_thirds_of_the_target_and_doubles_above_half_more",
        ),
    ),
    *breaks(
        "algorithms/a2c.py",
        "algorithms/test_a2c.py",
        (
            "A2C's entropy is a cost",
            "loss - config.entropy_coefficient *",
            "loss + config.entropy_coefficient *",
            "test_an_update_is_the_obvious_one",
        ),
        (
            "A2C's advantages are never whitened",
            "whiten(batch.advantages) if config.whiten_advantages else batch.advantages",
            "batch.advantages",
            "test_an_update_is_the_obvious_one",
        ),
        (
            "A2C counts the whole square of the error",
            "config.value_coefficient / 2 *",
            "config.value_coefficient *",
            "test_an_update_is_the_obvious_one",
        ),
    ),
    *breaks(
        "algorithms/reinforce.py",
        "algorithms/test_reinforce.py",
        (
            "REINFORCE takes a truncated episode for a terminated one",
            "experience.next_values * ~continues * experience.mask",
            "nothing",
            "test_returns_by_hand",
        ),
        (
            "REINFORCE bootstraps every step",
            "experience.next_values * ~continues * experience.mask",
            "experience.next_values * experience.mask",
            "test_returns_by_hand",
        ),
        (
            "an episode that began before the batch counts as whole",
            "inside = ~midway",
            "inside = torch.ones_like(midway)",
            "test_returns_by_hand",
        ),
        (
            "the mean is over steps that teach nothing, too",
            "-masked_mean(advantages * logprobs, learned)",
            "-(advantages * logprobs).mean()",
            "test_the_gradient_is_that_of_the_decisions_that_are_learned",
        ),
    ),
    *breaks(
        "algorithms/grpo.py",
        "algorithms/test_grpo.py",
        (
            "Dr. GRPO divides by the deviation",
            'scale=config.baseline == "grpo"',
            "scale=True",
            "test_group_baselines_by_hand",
        ),
        (
            "GRPO's KL is not in its loss",
            "losses = losses + config.kl_coefficient * kl",
            "losses = losses + 0 * kl",
            "test_an_update_is_the_obvious_one",
        ),
        (
            "k2 was asked for and k3 is taken",
            '(kl_k2 if config.kl_loss == "k2" else kl_k3)(',
            "kl_k3(",
            "test_an_update_is_the_obvious_one",
        ),
        (
            "GRPO ignores clip_range",
            "batch.advantages[chosen], config.clip_range)",
            "batch.advantages[chosen], float('inf'))",
            "test_an_update_is_the_obvious_one",
        ),
    ),
    *breaks(
        "algorithms/trpo.py",
        "algorithms/test_trpo.py",
        (
            "the line search accepts any KL",
            "> 0 and kl <= config.max_kl:",
            "> 0:",
            "test_the_line_search_takes_back_what_leaves_the_region",
        ),
        (
            "the line search accepts what is no better",
            "if gain + other * share > 0 and kl",
            "if kl",
            "test_a_step_that_gains_nothing_is_taken_back",
        ),
        (
            "the step is shorter than the region allows",
            "(2 * config.max_kl / curvature).sqrt()",
            "(config.max_kl / curvature).sqrt()",
            "test_a_step_improves_the_surrogate_within_the_region",
        ),
        (
            "the Fisher matrix is not damped",
            "fisher(vector) + config.damping * vector",
            "fisher(vector)",
            "test_a_step_improves_the_surrogate_within_the_region",
        ),
    ),
    *breaks(
        "algorithms/dpo.py",
        "algorithms/test_dpo.py",
        (
            "DPO ignores beta",
            "bradley_terry_loss(beta * log_ratios,",
            "bradley_terry_loss(log_ratios,",
            "test_dpo_by_hand",
        ),
        (
            "IPO's margin is twice as wide",
            "(margin - 1 / (2 * beta))",
            "(margin - 1 / beta)",
            "test_ipo_by_hand",
        ),
        (
            "KTO pushes good replies down",
            "F.sigmoid(-above), bad",
            "F.sigmoid(above), bad",
            "test_kto_by_hand",
        ),
        (
            "KTO takes a negative KL",
            "kl.detach().clamp_min(0)",
            "kl.detach()",
            "test_kto_by_hand",
        ),
    ),
    *breaks(
        "algorithms/gail.py",
        "algorithms/test_gail.py",
        (
            "GAIL pays for what the expert does not do",
            "return logits - ended",
            "return ended - logits",
            "test_rewards_have_either_sign",
        ),
        (
            "the discriminator learns the sides the wrong way round",
            "torch.where(experts, -logits, logits)",
            "torch.where(experts, logits, -logits)",
            "test_the_loss_by_hand",
        ),
    ),
    *breaks(
        "algorithms/dqn.py",
        "algorithms/test_dqn.py",
        (
            "DQN bootstraps from an end",
            ".squeeze(1) * ~steps.terminated",
            ".squeeze(1)",
            "test_truncation_bootstraps_and_termination_does_not",
        ),
        (
            "double Q-learning takes the target network's choice",
            "best = choosing.argmax",
            "best = values.argmax",
            "test_double_q_learning_values_the_action_that_the_other_network_chooses",
        ),
        (
            "the target network follows at once",
            "if self.gradient_steps % config.target_every == 0:",
            "if True:",
            "test_the_target_network_moves_only_when_it_should",
        ),
    ),
    *breaks(
        "algorithms/tabular.py",
        "algorithms/test_tabular.py",
        (
            "an end is worth something",
            "return reward if terminated else reward + discount * following",
            "return reward + discount * following",
            "test_targets_by_hand",
        ),
        (
            "SARSA learns from the best action",
            "next_values[next_action], discount, terminated)",
            "max(next_values), discount, terminated)",
            "test_targets_by_hand",
        ),
        (
            "Q-learning learns what its exploration is worth",
            "target = q_learning_target(reward, next_values, config.discount, terminated)",
            "target = expected_sarsa_target(reward, next_values, epsilon, config.discount, terminated)",
            "test_cliff_sarsa_takes_the_safe_path_and_q_learning_the_cliff",
        ),
    ),
    *breaks(
        "algorithms/q_actor_critic.py",
        "algorithms/test_q_actor_critic.py",
        (
            "Q actor-critic has no baseline",
            'if config.baseline == "value":',
            "if False:",
            "test_targets_and_advantages_by_hand",
        ),
        (
            "its target does not discount",
            "rewards + config.gamma * experience.next_values",
            "rewards + experience.next_values",
            "test_targets_and_advantages_by_hand",
        ),
        (
            "its entropy is a cost",
            "loss - config.entropy_coefficient *",
            "loss + config.entropy_coefficient *",
            "test_entropy_is_a_gain",
        ),
    ),
    *breaks(
        "rollout/play.py",
        "policies/test_control.py",
        (
            "a truncated episode is worth nothing",
            "torch.from_numpy(~terminated.T)",
            "torch.from_numpy(~over.T)",
            "test_truncation_bootstraps_termination_does_not_and_resets_are_left_out",
        ),
    ),
    *breaks(
        "rollout/trajectories.py",
        "stages/test_learning.py",
        (
            "a penalty stands in place of the score",
            "score - (0.0 if trajectory.terminated else missing_stop_penalty)",
            "score if trajectory.terminated else -missing_stop_penalty",
            "test_rewards_by_hand",
        ),
        (
            "the score comes at the end of the longest reply",
            "rewards[rows, mask.sum(dim=1) - 1] = scores",
            "rewards[:, -1] = scores",
            "test_rewards_by_hand",
        ),
        (
            "a token is bootstrapped by its own value",
            "next_values[:, :-1] = values[:, 1:]",
            "next_values[:, :-1] = values[:, :-1]",
            "test_rewards_by_hand",
        ),
    ),
    *breaks(
        "text/packing.py",
        "text/test_packing.py",
        (
            "a token sees what comes after it",
            "((own | ancestor) & causal)",
            "(own | ancestor)",
            "test_packed_logprobs_equal_those_of_each_sequence_alone",
        ),
        (
            "a branch sees the prompt's last token twice",
            "< self._branch_starts",
            "<= self._branch_starts",
            "test_layout_by_hand",
        ),
        (
            "branches see each other",
            "(self.parents[:, :, None] == self.segments[:, None, :]) &",
            "(self.parents[:, :, None] == self.parents[:, None, :]) &",
            "test_packed_logprobs_equal_those_of_each_sequence_alone",
        ),
        (
            "a branch stands a place too late",
            "[tree.prompt[-1], *branch], length - 1))",
            "[tree.prompt[-1], *branch], length))",
            "test_layout_by_hand",
        ),
        (
            "what the environment says is trained on",
            "at + len(branch)] = branch_mask",
            "at + len(branch)] = [True] * len(branch)",
            "test_a_branch_of_several_turns_has_a_mask_of_its_own",
        ),
        (
            "the loss mask is shifted by one",
            "tree.prompt_mask[1:]",
            "tree.prompt_mask[:-1]",
            "test_the_loss_mask_of_a_prompt",
        ),
    ),
    *breaks(
        "model/gpt.py",
        "model/test_gpt.py",
        (
            "a branch is preceded by what stands before it in the row",
            "is_before = attend[:, 0] & (positions",
            "is_before = (positions",
            "test_what_precedes_a_token_is_of_its_own_sequence",
        ),
        (
            "heads that copy are rotated",
            "first_rotations = torch.cat([still, rotated], dim=3)",
            "first_rotations = rotations",
            "test_heads_that_copy_do_not_count_places",
        ),
        (
            "keys are not those of the token before",
            "before if first else None,",
            "None,",
            "test_heads_that_copy_do_not_count_places",
        ),
    ),
    *breaks(
        "model/gpt.py",
        "rollout/test_sampler.py",
        (
            "the cache forgets the token before",
            "torch.stack([tokens, recent[:, 0]], dim=1)",
            "torch.stack([tokens, tokens], dim=1)",
            "test_greedy_equals_the_obvious_loop",
        ),
        (
            "every reply stands in one place",
            "cache.positions = cache.positions + 1",
            "cache.positions = cache.positions",
            "test_greedy_equals_the_obvious_loop",
        ),
    ),
    *breaks(
        "model/optimiser.py",
        "model/test_optimiser.py",
        (
            "Muon has no momentum",
            'state["momentum"].lerp_(parameter.grad, 1 - self.momentum)',
            'state["momentum"].lerp_(parameter.grad, 1)',
            "test_muon_s_steps_by_hand",
        ),
        (
            "Muon's momentum does not look ahead",
            "torch.lerp(parameter.grad, momentum, self.momentum)",
            "momentum",
            "test_muon_s_steps_by_hand",
        ),
        (
            "tall matrices move by less",
            "(shape[1] / shape[0]) ** 0.5 if tall else 1.0",
            "1.0",
            "test_muon_s_steps_by_hand",
        ),
        (
            "queries, keys and values are one matrix",
            'parameter.chunk(group["parts"]), update.chunk(group["parts"])',
            "parameter.chunk(1), update.chunk(1)",
            "test_muon_s_steps_by_hand",
        ),
        (
            "Newton-Schulz stops at the cube",
            "beta=b, alpha=c)",
            "beta=b, alpha=0)",
            "test_orthogonalise_keeps_directions_and_evens_singular_values",
        ),
        (
            "Adam's square is biased",
            '(state["square"] / (1 - beta2 ** state["step"]))',
            'state["square"].clone()',
            "test_adam_part_equals_pytorch",
        ),
        (
            "the warm-up begins at no rate",
            "return (step + 1) / warmup",
            "return step / warmup",
            "test_schedule_by_hand",
        ),
    ),
    *breaks(
        "policies/language.py",
        "stages/test_learning.py",
        (
            "what is trained has temperature 1",
            "logits if self.temperature == 1 else logits / self.temperature",
            "logits",
            "test_what_is_trained_is_what_speaks",
        ),
        (
            "the reference is read at temperature 1",
            "hidden / temperature",
            "hidden",
            "test_what_is_trained_is_what_speaks",
        ),
    ),
    *breaks(
        "rollout/sampler.py",
        "rollout/test_sampler.py",
        (
            "log-probabilities are those of temperature 1",
            "return chosen, logprobs.gather(",
            "return chosen, logits.log_softmax(dim=-1).gather(",
            "test_kept_logprobs_are_those_of_a_full_pass",
        ),
        (
            "the stop token is thrown away",
            "drawn[index].tokens.append(token)",
            "drawn[index].tokens += [token] * (token not in self.stops)",
            "test_greedy_equals_the_obvious_loop",
        ),
    ),
]

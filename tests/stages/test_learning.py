"""Reinforcement as a whole: it learns, from advantages alone, and stops when it is wrong."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import get_args

import pytest
import torch

from tests.conftest import tiny_gpt
from tests.stages.toys import (
    REQUESTS,
    SPEAKERS,
    WordJudge,
    new_algorithm,
    reinforcement,
    weights_equal,
    word_tokenizer,
)
from tutelage.algorithms import Algorithm, AlgorithmName
from tutelage.algorithms.batch import Batch, penalised_rewards
from tutelage.device import seeded
from tutelage.environments.chat import collect_replies
from tutelage.errors import ContractBroken, EnvironmentFailure
from tutelage.model.heads import new_critic
from tutelage.model.language_model import imitation_loss
from tutelage.policies.language import LanguagePolicy, score_packed
from tutelage.reports.overview import REINFORCED
from tutelage.rollout.sampler import Sampling
from tutelage.rollout.trajectories import differing, read_trajectories
from tutelage.runs import Run
from tutelage.schema import Outcome, Trajectory, Verdict, ask
from tutelage.text.packing import Tree, pack, plain


def test_every_algorithm_is_offered_and_reported():
    assert set(get_args(AlgorithmName)) == set(SPEAKERS) == set(REINFORCED)


@pytest.mark.parametrize("name", SPEAKERS)
def test_it_learns_the_word(name: str, taught: Path, tmp_path: Path):
    """From a quarter (one word of four) to five in six."""
    run = Run(tmp_path)
    for _ in reinforcement(run, new_algorithm(name, taught), steps=32):
        pass
    rewards = [row["reward/mean"] for row in run.metrics()]
    assert sum(rewards[:2]) / 2 < 0.5
    assert sum(rewards[-3:]) / 3 >= 0.85


@pytest.mark.parametrize("temperature", [0.7, 1.5])
def test_what_is_trained_is_what_speaks(temperature: float, taught: Path, tmp_path: Path):
    """At any temperature; before the first update it is as far as nothing from the reference."""
    run, algorithm = Run(tmp_path), new_algorithm("ppo", taught)
    algorithm.policy.temperature = temperature
    for _ in reinforcement(run, algorithm, 2, temperature=temperature, audit_every=1):
        pass
    assert abs(run.metrics()[0]["policy/kl"]) < 1e-5


def sampled_batch(algorithm: Algorithm) -> Batch:
    trajectories = collect_replies(
        algorithm.policy.actor,
        word_tokenizer(),
        [ask(request) for request in REQUESTS],
        4,
        Sampling(max_new_tokens=4),
        seeded("sampled"),
    )
    for trajectory, verdict in zip(trajectories, WordJudge().score(trajectories), strict=True):
        trajectory.verdict = verdict
    reference = copy.deepcopy(algorithm.policy.actor)
    return algorithm.credit(
        read_trajectories(algorithm.policy, reference, trajectories, word_tokenizer().pad)
    )


def without_other_losses(name: str, taught: Path) -> Algorithm:
    """The algorithm with nothing to learn from but advantages."""
    others = {"kl_coefficient": 0.0, "value_coefficient": 0.0, "critic_epochs": 0}
    return new_algorithm(name, taught, **others)


@pytest.mark.parametrize("name", SPEAKERS)
def test_no_advantage_changes_nothing(name: str, taught: Path):
    algorithm = without_other_losses(name, taught)
    before = {key: tensor.clone() for key, tensor in algorithm.policy.state_dict().items()}
    batch = sampled_batch(algorithm)
    assert batch.advantages.any()
    batch.advantages.zero_()
    algorithm.update(batch, seeded("update"))
    assert weights_equal(before, algorithm.policy.state_dict())

    algorithm.update(sampled_batch(algorithm), seeded("update"))
    assert not weights_equal(before, algorithm.policy.state_dict())


def test_the_critic_learns_and_leaves_the_policy_alone(taught: Path):
    algorithm = new_algorithm("ppo", taught, kl_coefficient=0.0)
    actor, critic = copy.deepcopy(algorithm.policy.actor), copy.deepcopy(algorithm.policy.critic)
    batch = sampled_batch(algorithm)
    batch.advantages.zero_()
    algorithm.update(batch, seeded("update"))
    assert weights_equal(actor.state_dict(), algorithm.policy.actor.state_dict())
    assert not weights_equal(critic.state_dict(), algorithm.policy.critic.state_dict())


@pytest.mark.parametrize("name", SPEAKERS)
def test_what_is_mixed_in_becomes_likelier(name: str, taught: Path):
    algorithm = without_other_losses(name, taught)
    shown = pack([Tree([5, 6, 7], [[9, 8, 4]])], 16, word_tokenizer().pad)
    gpt = algorithm.policy.actor
    before = score_packed(gpt, shown).sum()
    for _ in range(3):
        batch = sampled_batch(algorithm)
        batch.advantages.zero_()
        algorithm.update(batch, seeded("update"), lambda: imitation_loss(gpt, shown))
    assert score_packed(gpt, shown).sum() > before + 0.5


@pytest.mark.parametrize("name", SPEAKERS)
def test_another_policy_than_the_sampled_one_is_refused(name: str, taught: Path):
    algorithm = new_algorithm(name, taught)
    batch = sampled_batch(algorithm)
    with torch.no_grad():
        algorithm.policy.actor.head.weight.mul_(1.05)
    before = {key: tensor.clone() for key, tensor in algorithm.policy.state_dict().items()}
    with pytest.raises(ContractBroken, match="not the policy that was sampled"):
        algorithm.update(batch, seeded("update"))
    assert weights_equal(before, algorithm.policy.state_dict())


def trajectory(length: int, score: float, terminated: bool) -> Trajectory:
    return Trajectory.of_reply(
        prompt=ask("say a word"),
        prompt_tokens=[5, 6],
        response_tokens=[7] * length,
        logprobs=[0.0] * length,
        response="",
        terminated=terminated,
        verdict=Verdict(score, Outcome.SUCCESS),
    )


def test_rewards_by_hand():
    """A stop token earns the judge's score, the end of a reply without one that less 1; each token
    pays β·(log π − log ref)."""
    gpt = tiny_gpt(vocabulary=len(word_tokenizer()))
    critic = new_critic(gpt)
    torch.nn.init.ones_(critic.head.weight)  # so that values differ
    replies = [trajectory(3, 2.0, terminated=True), trajectory(2, 5.0, terminated=False)]
    for reply, logprobs in zip(replies, ([-1.0, -2.0, -3.0], [-4.0, -5.0]), strict=True):
        reply.logprobs = logprobs
    policy = LanguagePolicy(gpt, critic)
    found = read_trajectories(policy, gpt, replies, word_tokenizer().pad)
    assert found.rewards.tolist() == [[0.0, 0.0, 2.0], [0.0, 4.0, 0.0]]
    assert found.mask.tolist() == [[True, True, True], [True, True, False]]
    assert found.continues.tolist() == [[True, True, False], [True, False, False]]
    assert len(found.values[found.mask].unique()) > 3
    assert found.next_values[:, :-1].tolist() == found.values[:, 1:].tolist()
    assert found.next_values[:, -1].tolist() == [0.0, 0.0]
    assert found.samples == 2
    logprobs = gpt.head(gpt(plain(torch.tensor([[5, 6, 7, 7]]))))[0].log_softmax(dim=-1)
    reference = torch.tensor([logprobs[t, 7].item() for t in (1, 2, 3)])
    torch.testing.assert_close(found.reference_logprobs[0], reference)
    paid = penalised_rewards(found, 0.5)[0]
    expected = torch.tensor([0.0, 0.0, 2.0]) - 0.5 * (torch.tensor([-1.0, -2.0, -3.0]) - reference)
    torch.testing.assert_close(paid, expected)


def test_only_prompts_whose_samples_earn_differently_are_learned_from():
    said = {0: [(1, 1.0), (1, 1.0)], 1: [(1, 1.0), (2, 0.0)], 2: [(1, 0.5), (2, 0.5)]}
    replies = []
    for group, pairs in said.items():
        for token, score in pairs:
            reply = trajectory(1, score, terminated=True)
            reply.group, reply.tokens = group, [token]
            replies.append(reply)
    ended, cut, broken = (trajectory(1, 0.0, terminated) for terminated in (True, False, True))
    for number, reply in enumerate((ended, cut)):  # both score 0, but the cut one earns −1
        reply.group, reply.tokens = 3, [number]
    broken.group, broken.verdict = 2, Verdict(0.0, Outcome.ENVIRONMENT_ERROR)
    replies += [ended, cut, broken]
    assert [reply.group for reply in differing(replies, 1.0)] == [1, 1, 3, 3]


class BrokenJudge(WordJudge):
    """Its first `broken` verdicts of each batch are no verdicts on the answer."""

    def __init__(self, broken: int) -> None:
        super().__init__()
        self.broken = broken

    def score(self, trajectories):
        lost = Verdict(0.0, Outcome.ENVIRONMENT_ERROR, "the sandbox was lost")
        return [lost] * self.broken + super().score(trajectories)[self.broken :]


def test_broken_rollouts_are_counted_and_too_many_stop_the_stage(taught: Path, tmp_path: Path):
    few = Run(tmp_path / "few")  # 3 of 32 rollouts, a tenth may break
    for _ in reinforcement(few, new_algorithm("ppo", taught), 1, judge=BrokenJudge(3)):
        pass
    assert few.metrics()[0]["rollout/failed"] == 3
    many = Run(tmp_path / "many")
    with pytest.raises(EnvironmentFailure, match=r"4 of 32 rollouts broke: the sandbox was lost\."):
        next(reinforcement(many, new_algorithm("ppo", taught), 1, judge=BrokenJudge(4)))
    assert many.metrics() == []
    everything = Run(tmp_path / "everything")
    stage = reinforcement(
        everything, new_algorithm("ppo", taught), 1, judge=BrokenJudge(32), max_failure_rate=1.0
    )
    with pytest.raises(EnvironmentFailure, match=r"32 of 32 rollouts broke: the sandbox was lost"):
        next(stage)


def test_what_needs_no_critic_has_none(taught: Path):
    without = {name for name in SPEAKERS if new_algorithm(name, taught).policy.critic is None}
    assert without == {"reinforce", "rloo", "grpo", "dr_grpo", "reinforce++"}

"""Sampling, scoring, packing and updates follow the model's device: what is left on the processor
raises, on a second device that a machine without a GPU has, too."""

from __future__ import annotations

import copy

import pytest
import torch

from tests.conftest import tiny_gpt
from tests.other_device import OTHER, OtherDevice, move
from tutelage.algorithms import ALGORITHMS
from tutelage.algorithms.functional import bradley_terry_loss
from tutelage.device import seeded
from tutelage.environments.chat import collect_replies
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.model.heads import RewardModel, new_critic
from tutelage.model.language_model import imitation_loss
from tutelage.model.optimiser import MuonWithAdam
from tutelage.policies.language import LanguagePolicy
from tutelage.rollout.sampler import ModelSampler, Sampling
from tutelage.rollout.trajectories import read_trajectories, reply_kls
from tutelage.schema import Outcome, Trajectory, Verdict, ask
from tutelage.text.packing import Tree, pack, plain
from tutelage.text.tokenizer import Tokenizer

SPEAKERS = [name for name, entry in ALGORITHMS.items() if entry.language is not None]


def trees() -> list[Tree]:
    return [Tree([5, 6, 7], [[8, 9], [10]]), Tree([5], [[6, 7, 8]])]


def test_a_tensor_on_the_processor_fails():
    """What the other tests rely on: the second device is no name for the first."""
    gpt = move(tiny_gpt())
    with OtherDevice(), pytest.raises(RuntimeError, match="on the processor"):
        imitation_loss(gpt, pack(trees(), 12, 0))


def test_pretraining_and_fine_tuning():
    alone, moved = tiny_gpt(), move(tiny_gpt())
    losses = []
    for gpt in (alone, moved):
        with OtherDevice():
            optimiser = MuonWithAdam(gpt.parameter_groups(), 0.01)
            packed = pack(trees(), 12, 0).to(gpt.device)
            rows = plain(torch.arange(24).view(2, 12).to(gpt.device))
            loss = imitation_loss(gpt, packed) + imitation_loss(gpt, rows)
            loss.backward()
            losses.append([loss.item(), gpt.head.weight.grad.norm().item()])
            optimiser.step()
            assert imitation_loss(gpt, packed) < loss
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_reward_model_learns_and_judges():
    model = move(RewardModel(tiny_gpt()))
    with OtherDevice():
        optimiser = MuonWithAdam(model.parameter_groups(), 0.01)
        scores = model.scores(pack(trees()[:1], 12, 0).to(model.device)).view(1, 2)
        ranks = torch.tensor([[0, 1]]).to(model.device)
        loss = bradley_terry_loss(scores, ranks, torch.ones_like(ranks, dtype=torch.bool))
        loss.backward()
        optimiser.step()
        judge = RewardModelJudge(model, 0)
        assert judge.score_trees(trees()).device == OTHER
        assert len(judge.score([Trajectory.of_reply((), [5], [6, 7], [0.0] * 2, "", True)])) == 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_samples_are_those_of_the_processor(dtype: torch.dtype):
    prompts = [[5, 9], [7, 8, 11, 4, 2], [3]]
    samples = []
    for gpt in (tiny_gpt(), move(tiny_gpt())):
        with OtherDevice():
            sampler = ModelSampler(gpt, frozenset({1}), dtype)
            samples.append(sampler.sample(prompts, 3, Sampling(max_new_tokens=8), seeded("s")))
    for here, there in zip(*samples, strict=True):
        assert [s.tokens[0] for s in here] == [s.tokens[0] for s in there]
        if dtype == torch.float32:
            assert [s.tokens for s in here] == [s.tokens for s in there]
        first = [[s.logprobs[0] for s in group] for group in (here, there)]
        assert first[0] == pytest.approx(first[1], abs=1e-5 if dtype == torch.float32 else 0.05)


@pytest.mark.parametrize("name", SPEAKERS)
def test_an_update_equals_the_processors(name: str, tokenizer: Tokenizer):
    """Sampled in bfloat16 and learned in float32, so that the proximal policy is scored, too."""
    entry = ALGORITHMS[name]
    prompts, sampling = [ask("say a word"), ask("another")], Sampling(max_new_tokens=5)
    trajectories: list[Trajectory] = []
    after = []
    for device in ("cpu", "meta"):
        gpt = tiny_gpt(vocabulary=len(tokenizer))
        policy = LanguagePolicy(gpt, new_critic(gpt), rollout_dtype=torch.bfloat16)
        reference = copy.deepcopy(gpt)
        if device == "meta":
            policy, reference = move(policy), move(reference)
        with OtherDevice():
            algorithm = entry.algorithm(policy, entry.settings(**entry.language))
            drawn = collect_replies(
                policy.actor, tokenizer, prompts, 4, sampling, seeded("s"), dtype=torch.bfloat16
            )
            trajectories = trajectories or drawn
            for number, trajectory in enumerate(trajectories):
                trajectory.verdict = Verdict(float(number % 3), Outcome.SUCCESS)
            assert reply_kls(reference, trajectories, tokenizer.pad).device == policy.actor.device
            experience = read_trajectories(policy, reference, trajectories, tokenizer.pad)
            after.append(algorithm.update(algorithm.credit(experience), seeded("update")))
    assert after[0].keys() == after[1].keys()
    # what is measured after the first step of Adam, or a line search, depends on rounding
    for metric in ("rollout/mismatch_kl", "policy/grad_norm"):
        assert after[0][metric] == pytest.approx(after[1][metric], rel=0.05)

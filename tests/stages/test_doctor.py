"""The doctor watches real loops: what is made to go wrong is named, what goes well is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
import torch

from tests.stages import toys
from tests.stages.toys import SPEAKERS, WordJudge, new_algorithm, taught_gpt, word_tokenizer
from tutelage.algorithms import ALGORITHMS, PPO, Algorithm, PPOConfig
from tutelage.device import seeded
from tutelage.environments import make_environments
from tutelage.environments.chat import collect_replies
from tutelage.model.gpt import GPT
from tutelage.policies.control import new_policy
from tutelage.policies.language import score_packed
from tutelage.reports.doctor import Doctor, examined, write_findings
from tutelage.reports.reading import read_metrics
from tutelage.rollout.sampler import Sampling
from tutelage.rollout.trajectories import grouped, pack_trajectories
from tutelage.runs import Progress, Run, read_json
from tutelage.schema import Outcome, Trajectory, Verdict, ask
from tutelage.stages import policy as loop
from tutelage.stages.control import ControlConfig, control


def signs(run: Run, progress: Iterator[Progress]) -> dict[str, int]:
    """What was found while the stage ran, and at which step; the record must say the same."""
    doctor = Doctor(run.folder / "metrics.jsonl")
    live = [finding for step in progress for finding in doctor.observe(step)]
    assert live == examined(read_metrics(run.folder / "metrics.jsonl"))
    return {finding.sign: finding.step for finding in live}


@pytest.mark.parametrize("name", SPEAKERS)
def test_learning_the_word_is_healthy(name: str, taught: Path, tmp_path: Path):
    run = Run(tmp_path)
    assert signs(run, toys.reinforcement(run, new_algorithm(name, taught), 60)) == {}


def test_learning_to_balance_is_healthy(tmp_path: Path):
    make = partial(make_environments, "CartPole-v1")
    policy = new_policy(make(1), (32, 32), seeded("pole"))
    settings = PPOConfig(**ALGORITHMS["ppo"].control | {"epochs": 4, "minibatches": 2})
    run, config = Run(tmp_path), ControlConfig(steps=10_240, audits=1, audit_episodes=8)
    progress = control(run, PPO(policy, settings), make, config, 0)
    assert signs(run, progress) == {}
    entropies = [row["policy/entropy"] for row in run.metrics()]
    assert len(entropies) == 40
    assert 0.68 < entropies[0] < 0.70  # ln 2: both actions alike
    assert 0 < entropies[-1] < 0.65


class Scored:
    """A judge made of a function of the reply."""

    def __init__(self, score) -> None:
        self.of = score

    def score(self, trajectories: Sequence[Trajectory]) -> list[Verdict]:
        return [Verdict(self.of(t), Outcome.SUCCESS) for t in trajectories]


def test_a_judge_that_likes_everything_the_same(taught: Path, tmp_path: Path):
    run = Run(tmp_path)
    progress = toys.reinforcement(run, new_algorithm("ppo", taught), 12, Scored(lambda _: 0.5))
    assert signs(run, progress) == {"constant reward": 10}


def test_a_judge_that_likes_long_replies(taught: Path, tmp_path: Path):
    run = Run(tmp_path)
    judge = Scored(lambda t: len(t.logprobs) / 16)
    algorithm = new_algorithm("ppo", taught, kl_coefficient=0.0)
    progress = toys.reinforcement(run, algorithm, 20, judge, max_new_tokens=16)
    assert set(signs(run, progress)) == {"length hacking"}


def test_a_learning_rate_far_too_high(taught: Path, tmp_path: Path):
    run = Run(tmp_path)
    algorithm = new_algorithm("ppo", taught, learning_rate=0.05)
    # All samples are learned from, or soon none are, as every reply is the same.
    progress = toys.reinforcement(run, algorithm, 25, only_differing=False)
    assert "steps too large" in signs(run, progress)


def test_a_learning_rate_far_too_low(taught: Path, tmp_path: Path):
    run = Run(tmp_path)
    progress = toys.reinforcement(run, new_algorithm("ppo", taught, learning_rate=1e-7), 24)
    assert set(signs(run, progress)) == {"updates without effect"}


def test_one_optimiser_step_says_nothing_of_its_effect(taught: Path, tmp_path: Path):
    """Its approximate KL is taken before it, where it is 0."""
    run = Run(tmp_path)
    algorithm = new_algorithm("rloo", taught, epochs=1, minibatches=1, learning_rate=1e-4)
    assert signs(run, toys.reinforcement(run, algorithm, 24)) == {}
    moved = [row["policy/approx_kl"] for row in run.metrics() if "policy/approx_kl" in row]
    assert len(moved) >= 20
    assert max(moved) < 1e-7


def hasty(taught: Path) -> Algorithm:
    """Certainty is paid for above all, so it settles on whatever word it says most."""
    return new_algorithm("ppo", taught, entropy_coefficient=-100.0, kl_coefficient=0.0)


def test_a_policy_that_is_certain_too_soon(taught: Path, tmp_path: Path):
    """It no longer says "red", which is better than any other word and was found at first."""
    judge = Scored(lambda t: 1.0 if t.response == "red" else 0.5)
    run = Run(tmp_path)
    # All samples are learned from, so that certainty is paid for where they agree, too.
    progress = toys.reinforcement(run, hasty(taught), 25, judge, only_differing=False)
    assert set(signs(run, progress)) == {"entropy collapsed"}
    rows = run.metrics()
    assert rows[-1]["reward/mean"] < 0.6 < rows[0]["reward/best"]


def test_a_judge_that_reads_only_the_request(taught: Path, tmp_path: Path):
    """The samples of a prompt all earn the same, whatever they say."""
    run = Run(tmp_path)
    judge = Scored(lambda t: t.group / 8 + t.policy_version / 50)
    progress = toys.reinforcement(run, new_algorithm("ppo", taught), 12, judge, max_new_tokens=12)
    assert signs(run, progress) == {"zero-variance groups": 10}


def test_a_critic_that_gets_no_gradient(taught: Path, tmp_path: Path):
    run = Run(tmp_path)
    algorithm = new_algorithm("ppo", taught, learning_rate=1e-4)
    for parameter in algorithm.policy.critic.parameters():
        parameter.register_hook(torch.zeros_like)
    assert set(signs(run, toys.reinforcement(run, algorithm, 40))) == {"dead critic"}


def test_a_stop_token_that_cannot_be_sampled(taught: Path, tmp_path: Path):
    run = Run(tmp_path)
    algorithm = new_algorithm("ppo", taught)
    actor = algorithm.policy.actor
    of_hidden = actor.logits

    def without_the_stop_token(hidden: torch.Tensor) -> torch.Tensor:
        stop = torch.arange(actor.vocabulary) == word_tokenizer().end
        return of_hidden(hidden).masked_fill(stop, -1e4)

    actor.logits = without_the_stop_token
    found = signs(run, toys.reinforcement(run, algorithm, 6))
    assert found == {"stop token never sampled": 5}


class Brittle(WordJudge):
    """Fails on two of the first prompt's four samples."""

    def score(self, trajectories: Sequence[Trajectory]) -> list[Verdict]:
        broken = Verdict(0.0, Outcome.ENVIRONMENT_ERROR, "no pool")
        return [broken, broken, *super().score(trajectories)[2:]]


def test_a_judge_that_fails_now_and_then(taught: Path, tmp_path: Path):
    run = Run(tmp_path)
    progress = toys.reinforcement(run, new_algorithm("ppo", taught), 12, Brittle())
    assert signs(run, progress) == {"broken rollouts": 10}


def test_a_sampler_that_never_gets_the_new_weights(
    taught: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It samples with the first weights, and the newest score what it said."""
    first = taught_gpt(taught)

    def stale(gpt: GPT, tokenizer, *rest, **named) -> list[Trajectory]:
        trajectories = collect_replies(first, tokenizer, *rest, **named)
        groups = grouped(trajectories)
        inputs = pack_trajectories(
            [t for group in groups for t in group], tokenizer.pad, torch.device("cpu")
        )
        with torch.no_grad():
            rows = inputs.steps(score_packed(gpt, inputs.packed)).tolist()
        for trajectory, row in zip([t for g in groups for t in g], rows, strict=True):
            trajectory.logprobs = row[: len(trajectory.logprobs)]
        return trajectories

    monkeypatch.setattr(loop, "collect_replies", stale)
    run = Run(tmp_path)
    algorithm = new_algorithm("ppo", taught, kl_coefficient=0.0)
    assert "KL negative" in signs(run, toys.reinforcement(run, algorithm, 20, audit_every=5))


def test_a_judge_that_is_fooled(taught: Path, tmp_path: Path):
    """It rewards "blue"; the gold check wants "red"."""

    def redness(gpt: GPT) -> dict[str, float]:
        prompts = [ask(request) for request in toys.REQUESTS]
        replies = collect_replies(
            gpt, word_tokenizer(), prompts, 16, Sampling(max_new_tokens=4), seeded("audit")
        )
        return {"audit/gold": sum(t.response == "red" for t in replies) / len(replies)}

    run = Run(tmp_path)
    algorithm = new_algorithm("ppo", taught, kl_coefficient=0.0)
    progress = toys.reinforcement(run, algorithm, 24, audit=redness, audit_every=4)
    assert "judge fooled" in signs(run, progress)


def test_a_run_that_was_cut_off_finds_the_same(taught: Path, tmp_path: Path):
    """The doctor of the second process reads what the first one logged."""
    judge = Scored(lambda _: 0.5)

    def start(run: Run) -> Iterator[Progress]:
        return toys.reinforcement(run, new_algorithm("ppo", taught), 12, judge, audit_every=4)

    whole = Run(tmp_path / "whole")
    expected = signs(whole, start(whole))
    first = start(Run(tmp_path / "cut"))
    for _ in range(6):
        next(first)
    del first
    run = Run(tmp_path / "cut")
    doctor = Doctor(run.folder / "metrics.jsonl")
    live = [finding for step in start(run) for finding in doctor.observe(step)]
    assert {finding.sign: finding.step for finding in live} == expected == {"constant reward": 10}
    for folder in (whole.folder, run.folder):
        write_findings(folder)
    assert read_json(run.folder / "findings.json") == read_json(whole.folder / "findings.json")
    assert [found["sign"] for found in read_json(run.folder / "findings.json")] == [*expected]


def test_best_and_length_correlation_by_hand():
    """Two prompts; the second has longer and worse replies, which is not its samples' doing."""

    def said(group: int, length: int, score: float) -> Trajectory:
        return Trajectory.of_reply(
            prompt=ask("say a word"),
            prompt_tokens=[5],
            response_tokens=[7] * length,
            logprobs=[-0.5] * length,
            response="",
            terminated=True,
            group=group,
            verdict=Verdict(score, Outcome.SUCCESS),
        )

    replies = [said(0, 1, 4.0), said(0, 3, 6.0), said(1, 10, 0.0), said(1, 12, 2.0)]
    described = loop.describe(replies, 0)
    assert described["reward/best"] == 4.0
    assert described["reward/length_correlation"] == pytest.approx(1.0)
    # Lengths -1, 1, -1, 1 and scores -1, 1, 1, -1 about their prompts' means.
    replies = [said(0, 1, 4.0), said(0, 3, 6.0), said(1, 10, 2.0), said(1, 12, 0.0)]
    assert loop.describe(replies, 0)["reward/length_correlation"] == pytest.approx(0.0)
    alike = [said(0, 3, 4.0), said(0, 3, 6.0)]
    assert "reward/length_correlation" not in loop.describe(alike, 0)

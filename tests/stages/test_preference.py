"""Learning from rankings: the better word becomes likelier, and what each step learns from."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import pytest
import torch
from torch import Tensor

from tests.conftest import tiny_gpt
from tests.stages.toys import (
    REQUESTS,
    WORDS,
    WordJudge,
    taught_gpt,
    weights_equal,
    word_comparisons,
    word_tokenizer,
)
from tutelage.algorithms.dpo import PreferenceConfig, PreferenceLoss
from tutelage.errors import BadInput, EnvironmentFailure
from tutelage.model.checkpoint import load_policy
from tutelage.model.gpt import GPT
from tutelage.rollout.trajectories import differing, final_reward
from tutelage.runs import Run
from tutelage.schema import Comparison, Outcome, Trajectory, Verdict
from tutelage.stages import preference
from tutelage.stages.keeper import KeeperConfig
from tutelage.stages.policy import Practice
from tutelage.stages.preference import (
    OfflineConfig,
    OnlineConfig,
    PreferConfig,
    Ranked,
    Source,
    best_and_worst,
    offline,
    online,
    prefer,
    read_replies,
)
from tutelage.text.batching import Tree, pack
from tutelage.text.chat_format import ask, encode_prompt, encode_reply

LOSSES = get_args(PreferenceLoss)
PAD = word_tokenizer().pad


def chance_of(gpt: GPT, word: str) -> float:
    """How likely the word is as a reply, mean over the requests."""
    tokenizer = word_tokenizer()
    trees = [
        Tree(encode_prompt(tokenizer, ask(request)), [encode_reply(tokenizer, word)])
        for request in REQUESTS
    ]
    with torch.no_grad():
        said = read_replies(gpt, trees, torch.ones(len(trees), 1, dtype=torch.bool), PAD)
    return said.exp().mean().item()


def train(
    run: Run, gpt: GPT, source: Source, config: PreferenceConfig, learning_rate: float = 5e-3
) -> GPT:
    training = PreferConfig(learning_rate=learning_rate, warmup=0)
    for _ in prefer(run, gpt, word_tokenizer(), source, None, config, training):
        pass
    return load_policy(run.checkpoint("prefer"))[0]


@pytest.mark.parametrize("loss", LOSSES)
def test_the_preferred_word_becomes_likelier(loss: PreferenceLoss, taught: Path, tmp_path: Path):
    gpt = taught_gpt(taught)
    before = {word: chance_of(gpt, word) for word in WORDS}
    config = PreferenceConfig(loss=loss)
    # The other words hardly differ: that takes longer. KTO, told no order, unlearns then.
    epochs, rate = (12, 5e-4) if loss == "kto" else (24, 3e-3)
    settings = OfflineConfig(epochs=epochs, batch=4)
    source = offline(
        gpt, copy.deepcopy(gpt), word_tokenizer(), word_comparisons(), config, settings, 0
    )
    run = Run(tmp_path)
    after = train(run, gpt, source, config, learning_rate=rate)
    assert chance_of(after, "blue") > 1.5 * before["blue"]
    assert all(chance_of(after, word) < before[word] for word in WORDS if word != "blue")
    if loss != "kto":  # which of two bad replies is the worse one it does not learn
        rows = run.metrics()[-3:]  # all comparisons once
        right = sum(row["train/ranked_alike"] * row["train/pairs"] for row in rows)
        assert right / sum(row["train/pairs"] for row in rows) > 0.9


@pytest.mark.parametrize("loss", LOSSES)
def test_so_does_the_word_that_a_judge_likes(loss: PreferenceLoss, taught: Path, tmp_path: Path):
    gpt = taught_gpt(taught)
    settings = OnlineConfig(steps=16, prompts_per_step=8, max_new_tokens=4)
    prompts = [ask(request) for request in REQUESTS]
    practice = Practice(prompts, WordJudge())
    source = online(gpt, copy.deepcopy(gpt), word_tokenizer(), practice, settings, 0)
    run = Run(tmp_path)
    assert chance_of(train(run, gpt, source, PreferenceConfig(loss=loss)), "blue") > 0.8
    rewards = [row["reward/mean"] for row in run.metrics()]
    assert sum(rewards[:2]) / 2 < 0.5
    assert sum(rewards[-2:]) / 2 > 0.7
    assert run.metrics()[0]["policy/kl"] == pytest.approx(0.0, abs=1e-4)


# A prompt with three replies, the last two tied, and one with two.
TREES = [Tree([5, 6], [[7], [8, 9], [4]]), Tree([6, 5, 7], [[9, 4], [4]])]
RANKS = torch.tensor([[0, 1, 1], [1, 0, 0]])
MASK = torch.tensor([[True, True, True], [True, True, False]])
H = torch.tensor([[2.0, -1.0, 0.5], [3.0, 1.0, 0.0]])


def ranked(gpt: GPT, ranks: Tensor, log_ratios: Tensor, kl: float = 0.0) -> Ranked:
    """TREES as if the policy had moved so far from its reference."""
    said = read_replies(gpt, TREES, MASK, PAD).detach()
    return Ranked(TREES, ranks, MASK, said - log_ratios, torch.tensor(kl))


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def by_hand(loss: str, beta: float, kl: float) -> float:
    """The first prompt's three pairs weigh a third each, the second's one pair as much as they; a
    tie is half a win for each side. To KTO each reply weighs alike."""
    if loss == "kto":
        below = sigmoid(-beta * (2.0 - kl)) + sigmoid(-beta * (1.0 - kl))
        return (below + sum(sigmoid(beta * (h - kl)) for h in (-1.0, 0.5, 3.0))) / 5

    def of(margin: float) -> float:
        return softplus(-beta * margin) if loss == "dpo" else (margin - 1 / (2 * beta)) ** 2

    return ((of(3.0) + of(1.5) + (of(1.5) + of(-1.5)) / 2) / 3 + of(-2.0)) / 2


@pytest.mark.parametrize("beta", [0.1, 0.5])
@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_of_a_step_by_hand(loss: str, beta: float, taught: Path, tmp_path: Path):
    gpt = taught_gpt(taught)
    source = Source(1, lambda step: (ranked(gpt, RANKS, H, kl=0.7), {}))
    run = Run(tmp_path)
    train(run, gpt, source, PreferenceConfig(loss=loss, beta=beta))
    (row,) = run.metrics()
    assert row["train/loss"] == pytest.approx(by_hand(loss, beta, 0.7), rel=1e-4)
    assert row["train/pairs"] == 3
    assert row["train/ranked_alike"] == pytest.approx(2 / 3)
    assert row["train/best_log_ratio"] == pytest.approx(1.5, rel=1e-4)


def test_a_batch_of_ties_changes_nothing(taught: Path, tmp_path: Path):
    before = taught_gpt(taught).state_dict()
    config = PreferenceConfig(loss="dpo")
    for name, ranks, same in [("ties", RANKS * 0, True), ("decided", RANKS, False)]:
        gpt = taught_gpt(taught)
        learned = ranked(gpt, ranks, H * 0)
        source = Source(2, lambda step, learned=learned: (learned, {}))
        after = train(Run(tmp_path / name), gpt, source, config)
        assert weights_equal(before, after.state_dict()) is same


def test_what_is_mixed_in_becomes_likelier(taught: Path, tmp_path: Path):
    gpt = taught_gpt(taught)
    before = chance_of(gpt, "black")
    reply = encode_reply(word_tokenizer(), "black")
    trees = [Tree(encode_prompt(word_tokenizer(), ask(r)), [reply]) for r in REQUESTS]
    ties = ranked(gpt, RANKS * 0, H * 0)

    def mixed(step: int):
        yield pack(trees, 32, PAD)

    config = PreferConfig(learning_rate=5e-3, warmup=0)
    source = Source(4, lambda step: (ties, {}))
    for _ in prefer(
        Run(tmp_path),
        gpt,
        word_tokenizer(),
        source,
        None,
        PreferenceConfig(),
        config,
        mixed=mixed,
    ):
        pass
    assert chance_of(gpt, "black") > before + 0.1


def slowly(gpt: GPT, trees: Sequence[Tree]) -> list[list[float]]:
    """Log-probabilities of whole replies, each read alone."""
    found = []
    for tree in trees:
        of_prompt = []
        for branch in tree.branches:
            tokens = torch.tensor([[*tree.prompt, *branch]])
            with torch.no_grad():
                logprobs = gpt.head(gpt(tokens))[0].log_softmax(dim=-1)
            places = range(len(tree.prompt) - 1, tokens.shape[1] - 1)
            of_prompt.append(sum(logprobs[t, tokens[0, t + 1]].item() for t in places))
        found.append(of_prompt)
    return found


def moved(gpt: GPT) -> GPT:
    other = copy.deepcopy(gpt)
    with torch.no_grad():
        other.head.weight.mul_(1.1)
    return other


@pytest.mark.parametrize("swapped", [0.0, 1.0])
def test_the_reference_is_read_as_it_is(swapped: float, taught: Path):
    """Packed, padded and kept, or read anew after a swap: as each reply alone."""
    reference = taught_gpt(taught)
    comparisons = [
        *word_comparisons(),
        Comparison(ask("blue fish"), ("blue", "fish"), ((0,), (1,))),
    ]
    settings = OfflineConfig(batch=5, swapped=swapped)
    source = offline(
        moved(reference),
        reference,
        word_tokenizer(),
        comparisons,
        PreferenceConfig(),
        settings,
        0,
    )
    for step in range(source.steps):
        learned, _ = source.draw(step)
        for found, mask, alone in zip(
            learned.reference_logprobs, learned.mask, slowly(reference, learned.trees), strict=True
        ):
            assert found[mask].tolist() == pytest.approx(alone, rel=1e-4)
            assert not found[~mask].any()


def test_the_reference_is_read_once(taught: Path, monkeypatch: pytest.MonkeyPatch):
    reference = taught_gpt(taught)
    read: list[int] = []

    def counted(gpt: GPT, trees: Sequence[Tree], mask: Tensor, pad: int) -> Tensor:
        read.append(len(trees))
        return read_replies(gpt, trees, mask, pad)

    monkeypatch.setattr(preference, "read_replies", counted)
    comparisons = word_comparisons()
    settings = OfflineConfig(batch=4, epochs=2, swapped=0.0)
    source = offline(
        reference, reference, word_tokenizer(), comparisons, PreferenceConfig(), settings, 0
    )
    assert read == []
    for step in range(source.steps):
        source.draw(step)
    assert read == [len(comparisons)]


def test_kto_takes_the_kl_of_replies_to_other_prompts():
    reference, gpt = (tiny_gpt(len(word_tokenizer()), seed) for seed in (0, 1))
    comparisons = [
        Comparison(ask(request), (word, "red"), ((0,), (1,)))
        for request, word in zip(REQUESTS, WORDS, strict=True)
    ]
    config = PreferenceConfig(loss="kto")
    source = offline(
        gpt, reference, word_tokenizer(), comparisons, config, OfflineConfig(batch=4), 0
    )
    learned, _ = source.draw(0)
    foreign = [
        Tree(encode_prompt(word_tokenizer(), ask(REQUESTS[i])), [encode_reply(word_tokenizer(), w)])
        for i, w in enumerate((*WORDS[2:], *WORDS[:2]))
    ]
    h = [a[0] - b[0] for a, b in zip(slowly(gpt, foreign), slowly(reference, foreign), strict=True)]
    assert learned.kl.item() == pytest.approx(sum(h) / 4, rel=1e-3)
    assert abs(learned.kl.item()) > 0.01


def trajectory(token: int, score: float, terminated: bool = True) -> Trajectory:
    return Trajectory(
        prompt=ask("say a word"),
        prompt_tokens=[5, 6],
        response_tokens=[token],
        logprobs=[0.0],
        response="",
        terminated=terminated,
        truncated=not terminated,
        verdict=Verdict(score, Outcome.SUCCESS),
    )


def test_the_best_meets_the_worst():
    group = [trajectory(1, 0.2), trajectory(2, 0.9), trajectory(3, 0.9), trajectory(4, 0.1)]
    assert best_and_worst(group, 1.0) == Tree([5, 6], [[2], [4]])
    group.append(trajectory(5, 0.5, terminated=False))  # cut, so it earns −0.5
    assert best_and_worst(group, 1.0) == Tree([5, 6], [[2], [5]])


@pytest.mark.parametrize("score", [0.5, -1.5, -9.0])
def test_a_cut_reply_never_beats_a_finished_one_of_the_same_score(score: float):
    """However low finished replies score: rambling to the limit is no way out."""
    group = [trajectory(1, score, terminated=False), trajectory(2, score)]
    assert best_and_worst(group, 1.0) == Tree([5, 6], [[2], [1]])
    assert final_reward(group[0], 1.0) == score - 1.0 < final_reward(group[1], 1.0)
    assert [t.response_tokens for t in differing(group, 0.0)] == []


def test_samples_that_earn_the_same_teach_nothing(taught: Path, tmp_path: Path):
    gpt = taught_gpt(taught)
    before = copy.deepcopy(gpt.state_dict())
    settings = OnlineConfig(steps=2, prompts_per_step=4, max_new_tokens=4)
    judge = WordJudge("no word at all")
    prompts = [ask(request) for request in REQUESTS]
    practice = Practice(prompts, judge)
    source = online(gpt, copy.deepcopy(gpt), word_tokenizer(), practice, settings, 0)
    run = Run(tmp_path)
    after = train(run, gpt, source, PreferenceConfig())
    assert weights_equal(before, after.state_dict())
    assert [row["rollout/learned"] for row in run.metrics()] == [0, 0]


def test_the_policy_that_did_best_in_its_audits_is_kept(taught: Path, tmp_path: Path):
    gpt = taught_gpt(taught)
    learned = ranked(gpt, RANKS, H * 0)
    heard: list[dict[str, Tensor]] = []
    marks = iter([0.1, 0.3, 0.2, 0.3, 0.9])

    def audit(gpt: GPT) -> dict[str, float]:
        heard.append(copy.deepcopy(gpt.state_dict()))
        return {"audit/score": next(marks)}

    config = PreferConfig(learning_rate=5e-3, keeper=KeeperConfig(audit_every=2, patience=2))
    source = Source(20, lambda step: (learned, {}))
    run = Run(tmp_path)
    first = prefer(run, gpt, word_tokenizer(), source, audit, PreferenceConfig(), config)
    assert [next(first).step for _ in range(5)] == [1, 2, 3, 4, 5]
    del first  # cut off, and begun again
    done = list(prefer(run, gpt, word_tokenizer(), source, audit, PreferenceConfig(), config))
    assert [progress.step for progress in done] == [5, 6]  # two audits without a better one
    kept = load_policy(run.checkpoint("prefer"))[0].state_dict()
    assert weights_equal(heard[1], kept)
    assert not weights_equal(heard[3], kept)


def test_where_every_rollout_breaks_the_stage_ends_with_the_cause(taught: Path):
    class Lost(WordJudge):
        def score(self, trajectories: Sequence[Trajectory]) -> list[Verdict]:
            return [Verdict(0.0, Outcome.ENVIRONMENT_ERROR, "the disk is full")] * len(trajectories)

    gpt = taught_gpt(taught)
    settings = OnlineConfig(steps=1, prompts_per_step=2, max_new_tokens=4, max_failure_rate=1.0)
    prompts = [ask(request) for request in REQUESTS]
    source = online(gpt, gpt, word_tokenizer(), Practice(prompts, Lost()), settings, 0)
    with pytest.raises(EnvironmentFailure, match=r"8 of 8 rollouts broke: the disk is full\."):
        source.draw(0)


def test_what_says_nothing_is_one_sentence(taught: Path):
    gpt = taught_gpt(taught)
    tied = [Comparison(ask("say a word"), ("red", "blue"), ((0, 1),))]
    with pytest.raises(BadInput, match="No comparison says which response is better"):
        offline(gpt, gpt, word_tokenizer(), tied, PreferenceConfig(), OfflineConfig(), 0)
    alone = [Comparison(ask("say a word"), ("red",), ((0,),)), *word_comparisons()]
    settings = OfflineConfig(batch=len(alone))
    source = offline(gpt, gpt, word_tokenizer(), alone, PreferenceConfig(), settings, 0)
    learned, _ = source.draw(0)
    assert all(len(tree.branches) > 1 for tree in learned.trees)
    with pytest.raises(ValueError, match="samples_per_prompt must be at least 2"):
        OnlineConfig(samples_per_prompt=1)

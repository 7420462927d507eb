"""Every stage's step on a second device: nothing that it makes stays on the processor."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.other_device import OtherDevice, move
from tests.stages.toys import (
    REQUESTS,
    WordJudge,
    demonstrations,
    new_gpt,
    word_comparisons,
    word_tokenizer,
)
from tutelage.algorithms import ALGORITHMS
from tutelage.algorithms.dpo import PreferenceConfig
from tutelage.model.heads import RewardModel, new_critic
from tutelage.policies.language import LanguagePolicy
from tutelage.runs import Progress, Run
from tutelage.schema import Rating, ask
from tutelage.stages.policy import PolicyConfig, Practice, reinforce
from tutelage.stages.preference import (
    OfflineConfig,
    OnlineConfig,
    PreferConfig,
    offline,
    online,
    prefer,
)
from tutelage.stages.pretrain import PretrainConfig, pretrain
from tutelage.stages.reward import RewardConfig, train_reward_model
from tutelage.stages.sft import SFTConfig, imitation_batches, sft
from tutelage.text.packing import Tree


class Unsaved(Run):
    """A run that writes no weights."""

    def save_state(self, stage: str, state: Any) -> None:
        pass

    def finish(self, stage: str, write: Any) -> None:
        pass


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Unsaved(tmp_path)


def finish(stage: Iterator[Progress]) -> dict[str, float]:
    with OtherDevice():
        return list(stage)[-1].metrics


def test_pretraining(run: Run):
    tokens = torch.arange(600, dtype=torch.int32) % 250
    config = PretrainConfig(steps=2, rows=2, row_length=32)
    metrics = finish(pretrain(run, move(new_gpt()), word_tokenizer(), tokens, tokens, config, 0))
    assert metrics["validation/loss"] > 0


def test_fine_tuning(run: Run):
    config = SFTConfig(epochs=1, batch=8, held_out=0.1)
    metrics = finish(sft(run, move(new_gpt()), word_tokenizer(), demonstrations(), config, 0))
    assert metrics["validation/loss"] > 0


def test_a_reward_model_from_rankings_and_ratings(run: Run):
    model, tokenizer = move(RewardModel(new_gpt())), word_tokenizer()
    ratings = [Rating(ask(REQUESTS[0]), "blue", 7, labeler="Ann")]
    samples = [Tree(tokenizer.encode_prompt(ask("x")), [tokenizer.encode_reply(w) for w in "abc"])]
    stage = train_reward_model(
        run, model, tokenizer, word_comparisons(), samples, RewardConfig(), 0, ratings=ratings
    )
    assert finish(stage)["train/ratings"] >= 0


@pytest.mark.parametrize("loss", ["dpo", "kto"])
def test_preferences(run: Run, loss: Any):
    gpt, tokenizer = move(new_gpt()), word_tokenizer()
    with OtherDevice():
        reference = copy.deepcopy(gpt)
        preference = PreferenceConfig(loss=loss)
        practice = Practice([ask(request) for request in REQUESTS], WordJudge())
        settings = OnlineConfig(steps=1, prompts_per_step=4, max_new_tokens=3)
        given = offline(
            gpt, reference, tokenizer, word_comparisons(), preference, OfflineConfig(), 0
        )
        drawn = online(gpt, reference, tokenizer, practice, settings, 0)
    for source in (given, drawn):
        stage = prefer(run, gpt, tokenizer, source, None, preference, PreferConfig())
        assert finish(stage)


def test_reinforcement_with_demonstrations(run: Run):
    entry, tokenizer = ALGORITHMS["ppo"], word_tokenizer()
    gpt = new_gpt()
    reference = move(copy.deepcopy(gpt))
    policy = move(LanguagePolicy(gpt, new_critic(gpt)))
    mixed = imitation_batches(demonstrations(), tokenizer, gpt.context, SFTConfig(batch=4), 0, "x")
    config = PolicyConfig(steps=2, prompts_per_step=4, max_new_tokens=3, only_differing=False)
    practice = Practice([ask(request) for request in REQUESTS], WordJudge(), mixed=mixed)
    algorithm = entry.algorithm(policy, entry.settings(**entry.language))
    stage = reinforce(run, algorithm, reference, tokenizer, practice, config, 0)
    assert "policy/kl" in finish(stage)

"""What a person gives is trained on as it is, unless they ask for more."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import tiny_gpt
from tutelage.algorithms.dpo import PreferenceConfig
from tutelage.commands.inspect import InspectOptions
from tutelage.commands.options import options_of
from tutelage.commands.prefer import PreferOptions
from tutelage.commands.reward import RewardOptions
from tutelage.commands.rl import RLOptions
from tutelage.commands.sft import SFTOptions
from tutelage.commands.teach import TeachOptions
from tutelage.data.comparisons import comparison_trees
from tutelage.data.demonstrations import demonstration_trees
from tutelage.model.heads import RewardModel
from tutelage.runs import Run
from tutelage.schema import Comparison, Demonstration, Message, ask
from tutelage.stages import reward
from tutelage.stages.preference import OfflineConfig, offline
from tutelage.stages.reward import RewardConfig, train_reward_model
from tutelage.stages.sft import SFTConfig, augmenter
from tutelage.text.packing import Tree, pack
from tutelage.text.tokenizer import Tokenizer

CAPITALS = {"Peru": "Lima", "Chad": "Njamena", "Oman": "Muscat", "Cuba": "Havana"}
REPLIES = {land: f"{town} of {land}" for land, town in CAPITALS.items()}
ASKED = {land: ask(f"which town rules {land}") for land in CAPITALS}
SHOWN = [Demonstration((*ASKED[land], Message("assistant", REPLIES[land]))) for land in CAPITALS]
COMPARED = [Comparison(ASKED[land], (REPLIES[land], land), ((0,), (1,))) for land in CAPITALS]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(list(REPLIES.values()) * 5, 300)


def imitated(tokenizer: Tokenizer, config: SFTConfig) -> list[Tree]:
    trees = demonstration_trees(tokenizer, SHOWN, 64)
    trees_of = augmenter(SHOWN, trees, tokenizer, 64, config)
    return [tree for step in range(8) for tree in trees_of(step, "as given")]


def test_demonstrations_are_imitated_as_given(tokenizer: Tokenizer):
    given = demonstration_trees(tokenizer, SHOWN, 64)
    assert all(tree in given for tree in imitated(tokenizer, SFTConfig(batch=4)))
    for more in ({"swapped": 1.0}, {"left_out": 0.9}):
        asked = imitated(tokenizer, SFTConfig(batch=4, **more))
        assert not all(tree in given for tree in asked)


def test_so_are_rankings_by_both_stages(
    tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    given = comparison_trees(tokenizer, COMPARED, 64)
    gpt = tiny_gpt(len(tokenizer))
    config = OfflineConfig(batch=4, epochs=8)
    source = offline(gpt, gpt, tokenizer, COMPARED, PreferenceConfig(), config, 0)
    for step in range(source.steps):
        learned, _ = source.draw(step)
        assert learned is not None
        assert all(tree in given for tree in learned.trees)
    seen: list[Tree] = []

    def packed(trees: list[Tree], *rest: Any) -> Any:
        seen.extend(trees)
        return pack(trees, *rest)

    monkeypatch.setattr(reward, "pack", packed)
    settings = RewardConfig(batch=4, epochs=8)
    model = RewardModel(gpt)
    for _ in train_reward_model(Run(tmp_path), model, tokenizer, COMPARED, [], settings, 0):
        pass
    assert len(seen) == 32
    assert all(tree in given for tree in seen)


OPTIONS = (SFTOptions, RewardOptions, PreferOptions, RLOptions, TeachOptions, InspectOptions)


@pytest.mark.parametrize("kind", OPTIONS, ids=lambda kind: kind.__name__)
def test_every_command_leaves_it_off_unless_asked(kind: type, tmp_path: Path):
    required = (dataclasses.MISSING, dataclasses.MISSING)
    fields = [f for f in dataclasses.fields(kind) if (f.default, f.default_factory) == required]
    given = {f.name: tmp_path for f in fields} | {"comparisons": tmp_path}
    known = {field.name for field in dataclasses.fields(kind)}
    options = options_of(kind(**{name: v for name, v in given.items() if name in known}))
    assert options["swapped"] == 0
    assert options.get("left_out", 0) == 0

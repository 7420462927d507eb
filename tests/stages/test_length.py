"""A swapped word may be longer than the word it replaces; no example outgrows the context."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.conftest import tiny_gpt
from tutelage.data.comparisons import comparison_tree
from tutelage.data.demonstrations import demonstration_tree
from tutelage.model.heads import RewardModel
from tutelage.runs import Run
from tutelage.schema import Comparison, Demonstration, Message, ask
from tutelage.stages import reward
from tutelage.stages.reward import RewardConfig, train_reward_model
from tutelage.stages.sft import SFTConfig, augmenter
from tutelage.text.packing import Packed, Tree, pack
from tutelage.text.tokenizer import Tokenizer

NAMES = ("fig", "x" * 40)


def test_a_demonstration_stays_as_it_is_where_a_word_would_make_it_too_long(tokenizer: Tokenizer):
    rest = " or" * 12
    shown = [
        Demonstration((*ask(f"show fig{rest}"), Message("assistant", f"$ cat fig{rest}"))),
        Demonstration((*ask(NAMES[1]), Message("assistant", NAMES[1]))),
    ]
    trees = [demonstration_tree(tokenizer, one) for one in shown]
    context = max(tree.longest for tree in trees)
    config = SFTConfig(batch=8, swapped=1.0, left_out=0.0)
    trees_of = augmenter(shown, trees, tokenizer, context, config)
    found = [tree for step in range(8) for tree in trees_of(step, "length")]
    assert max(tree.longest for tree in found) == context
    swapped = augmenter(shown, trees, tokenizer, 10 * context, config)
    assert max(tree.longest for step in range(8) for tree in swapped(step, "length")) > context


def test_so_does_a_comparison(tokenizer: Tokenizer, tmp_path: Path, monkeypatch):
    rest = " or" * 8
    comparisons = [
        Comparison(ask(f"show fig{rest}"), (f"$ cat fig{rest}", "$ ls"), ((0,), (1,))),
        Comparison(ask(NAMES[1]), ("$ cat " + NAMES[1][:3], NAMES[1]), ((0,), (1,))),
    ]
    gpt = tiny_gpt(len(tokenizer))
    context = max(comparison_tree(tokenizer, one).longest for one in comparisons)
    gpt.context = context
    seen: list[int] = []

    def packed(trees: Sequence[Tree], row_length: int, pad: int) -> Packed:
        seen.extend(tree.longest for tree in trees)
        return pack(trees, row_length, pad)

    monkeypatch.setattr(reward, "pack", packed)
    config = RewardConfig(epochs=24, batch=2, swapped=1.0)
    for _ in train_reward_model(
        Run(tmp_path), RewardModel(gpt), tokenizer, comparisons, [], config, 0
    ):
        pass
    assert len(seen) == 48
    assert max(seen) == context

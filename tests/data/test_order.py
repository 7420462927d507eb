"""What is kept out of training: of some prompts everything, whatever the order of the file."""

from __future__ import annotations

import random
from pathlib import Path
from types import SimpleNamespace

from tutelage.commands.teach import read_ground
from tutelage.data.comparisons import write_comparisons
from tutelage.data.demonstrations import prompt_of
from tutelage.data.order import held_out_prompts
from tutelage.schema import Comparison, Demonstration, Message, ask
from tutelage.stages.classroom import TeachConfig
from tutelage.stages.sft import SFTConfig, divide
from tutelage.text.tokenizer import Tokenizer

# Four rows a prompt, as they come sorted.
PROMPTS = [ask(f"count {number:02}") for number in range(40)]
SHOWN = [
    Demonstration((*prompt, Message("assistant", reply))) for prompt in PROMPTS for reply in "abcd"
]
COMPARED = [Comparison(p, (reply, "z"), ((0,), (1,))) for p in PROMPTS for reply in "abcd"]


def shuffled(rows: list) -> list:
    return random.Random(0).sample(rows, len(rows))


def test_a_share_of_the_prompts_by_the_seed_alone():
    kept = held_out_prompts(PROMPTS * 3, 1 / 8, 0)
    assert 1 <= len(kept) <= 12  # about an eighth of 40
    assert kept == held_out_prompts(shuffled(PROMPTS), 1 / 8, 0)
    assert kept != held_out_prompts(PROMPTS, 1 / 8, 1)
    assert kept != set(PROMPTS[:5])
    assert kept != set(PROMPTS[-5:])
    for some in (PROMPTS[:7], PROMPTS[7:]):  # a prompt's side does not depend on the others
        assert held_out_prompts(some, 1 / 8, 0) == kept & set(some)
    assert held_out_prompts(PROMPTS[:7], 0.0, 0) == set()
    assert len(held_out_prompts(PROMPTS[:7], 0.0, 0, least=1)) == 1


def test_each_prompt_is_kept_as_often_as_any_other():
    counts = dict.fromkeys(PROMPTS, 0)
    for seed in range(400):
        for prompt in held_out_prompts(PROMPTS, 1 / 8, seed):
            counts[prompt] += 1
    assert min(counts.values()) > 20  # 50 ± 7
    assert max(counts.values()) < 80


def test_demonstrations_of_a_prompt_lie_on_one_side_in_any_order(tokenizer: Tokenizer):
    config = SFTConfig(held_out=0.1)
    learned, trees, kept = divide(SHOWN, tokenizer, 64, config, 0)
    assert len(learned) == len(trees) == len(SHOWN) - len(kept)
    assert len(kept) % 4 == 0 < len(kept) < len(SHOWN) / 3
    assert len({prompt_of(one) for one in learned}) == len(learned) / 4
    again, _, kept_again = divide(shuffled(SHOWN), tokenizer, 64, config, 0)
    assert set(again) == set(learned)
    assert sorted(tree.prompt for tree in kept_again) == sorted(tree.prompt for tree in kept)
    everything, _, none = divide(SHOWN, tokenizer, 64, SFTConfig(held_out=0), 0)
    assert (everything, none) == (SHOWN, [])


def test_a_teachers_comparisons_too_but_for_a_schools(tokenizer: Tokenizer, tmp_path: Path):
    """A school's reward model has seen all but the last, so on those alone it is measured."""
    config = TeachConfig(held_out=1_000, max_new_tokens=4)
    options = SimpleNamespace(run=tmp_path, teaching=config, prompts=None, seed=0)

    def kept(rows: list[Comparison]) -> list[Comparison]:
        write_comparisons(tmp_path / "data" / "comparisons_1.jsonl", rows)
        ground = read_ground(options, tokenizer, 64, "sft")
        assert not {c.prompt for c in ground.held_out} & {c.prompt for c in ground.comparisons}
        return list(ground.held_out)

    found = kept(COMPARED)
    assert {c.prompt for c in found} == held_out_prompts(PROMPTS, 1 / 8, 0)
    assert set(kept(shuffled(COMPARED))) == set(found)
    (tmp_path / "config.toml").write_text("[school]\n")
    assert kept(COMPARED) == COMPARED[-20:]

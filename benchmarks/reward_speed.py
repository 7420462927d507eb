"""The reward model: tokens of compared pairs trained on a second, against TRL's RewardTrainer.

Both learn from the same comparisons in a step. TRL reads each pair as two sequences; our tree reads
a prompt and each of its responses once. The unit is what the pairs hold when written out, so it is
the same work done; `two_responses` is the same measured with one pair a prompt, where only the
prompt can be shared. `by_length` gives TRL's sampler that puts pairs of one length together.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from statistics import median
from typing import Any

import peers
import torch
import tyro
from common import against, in_turn, print_result, scratch_run, seconds_a_step, versions
from datasets import Dataset
from transformers import GPT2ForSequenceClassification
from trl import RewardConfig as TRLConfig
from trl import RewardTrainer
from workloads import CONTEXT, comparisons, our_gpt, word_tokenizer

from tutelage.data.comparisons import comparison_trees
from tutelage.device import pick_dtype
from tutelage.model.heads import RewardModel
from tutelage.schema import Comparison
from tutelage.stages.reward import RewardConfig, train_reward_model
from tutelage.text.tokenizer import Tokenizer

PARTS = {"one batch": 1, "4 parts": 4, "8 parts": 8}
BY_LENGTH = "8 parts, by length"  # not the same batches: each step sees pairs of one length


@dataclass(frozen=True, kw_only=True)
class Settings:
    repeats: int = 5
    steps: int = 8  # timed steps of each repeat, a multiple of 4 as the next
    warm_up: int = 4  # steps before them: by length, TRL goes from long to short every 4
    seed: int = 0
    batch: int = 32  # prompts a step
    responses: int = 4  # of a prompt: 6 pairs


def our_seconds(
    settings: Settings, batch: int, tokenizer: Tokenizer, data: list[Comparison]
) -> float:
    dtype = pick_dtype(torch.device("cpu"))
    config = RewardConfig(batch=batch, epochs=1000, evaluate_every=1_000_000)
    model = RewardModel(our_gpt(settings.seed))
    with scratch_run() as run:
        stage = train_reward_model(run, model, tokenizer, data, [], config, settings.seed, dtype)
        return seconds_a_step(stage, settings.warm_up, settings.steps)


def peer_seconds(
    data: Dataset,
    pairs: int,
    tokenizer: Tokenizer,
    numbers: str,
    setting: str,
    warm_up: int,
    steps: int,
) -> float:
    parts = PARTS.get(setting, 8)

    def build(arguments: dict[str, Any]) -> RewardTrainer:
        config = peers.gpt2_config(num_labels=1, pad_token_id=tokenizer.pad)
        batching: dict[str, Any] = {
            "per_device_train_batch_size": pairs // parts,
            "gradient_accumulation_steps": parts,
        }
        if setting == BY_LENGTH:
            batching = peers.by_length(parts, pairs // parts)
        return RewardTrainer(
            peers.in_numbers(GPT2ForSequenceClassification(config), numbers),
            TRLConfig(**arguments | batching | {"max_length": CONTEXT}),
            train_dataset=data,
            processing_class=peers.peer_tokenizer(tokenizer),
        )

    return peers.seconds_a_step(build, numbers, warm_up, steps)


def measure(settings: Settings, responses: int, batch: int) -> dict[str, Any]:
    """Rates of both sides on the same pairs, in tokens of the pairs a second."""
    tokenizer = word_tokenizer()
    data = comparisons(512, responses, settings.seed)
    trees = comparison_trees(tokenizer, data, CONTEXT)
    pairs = [
        ([*tree.prompt, *tree.branches[i]], [*tree.prompt, *tree.branches[j]])
        for tree in trees
        for i, j in combinations(range(responses), 2)
    ]
    pairs_a_step = batch * len(pairs) // len(trees)
    tokens = sum(len(a) + len(b) for a, b in pairs) / len(trees) * batch  # a step
    columns = {
        "chosen_ids": [a for a, _ in pairs],
        "rejected_ids": [b for _, b in pairs],
        "length": [max(len(a), len(b)) for a, b in pairs],
    }
    peer_data = Dataset.from_dict(columns)

    def peer(numbers: str, setting: str, warm_up: int, steps: int) -> float:
        return peer_seconds(peer_data, pairs_a_step, tokenizer, numbers, setting, warm_up, steps)

    numbers, setting, tried = peers.best_choice(list(PARTS), peer)
    ours, theirs = in_turn(
        lambda: tokens / our_seconds(settings, batch, tokenizer, data),
        lambda: tokens / peer(numbers, setting, settings.warm_up, settings.steps),
        settings.repeats,
    )
    by_length = [
        tokens / peer(numbers, BY_LENGTH, settings.warm_up, settings.steps)
        for _ in range(settings.repeats)
    ]
    return {
        "ours": ours,
        "peer": theirs,
        "pairs_a_step": pairs_a_step,
        "tokens_of_pairs_a_step": round(tokens),
        "tokens_in_trees_a_step": round(sum(map(len, trees)) / len(trees) * batch),
        "peer_setting": [numbers, setting],
        "peer_seconds_a_step": tried,
        "by_length": against(ours, by_length),
    }


def main(settings: Settings) -> None:
    full = measure(settings, settings.responses, settings.batch)
    two = measure(settings, 2, settings.batch * 3)
    ours, theirs = two.pop("ours"), two.pop("peer")
    two |= {"ours": round(median(ours)), **against(ours, theirs)}
    print_result(
        "Reward model speed",
        "tokens of compared pairs/s",
        full.pop("ours"),
        full.pop("peer"),
        versions("trl", "transformers"),
        target=2.0,
        seed=settings.seed,
        responses=settings.responses,
        **full,
        two_responses=two,
    )


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))

"""One step of reinforcement: seconds to sample, score, compare with the reference and update.

8 prompts of 16 tokens, 8 samples each of 48 tokens, GRPO with a KL penalty, one optimiser step on
the whole batch, which is TRL's default. Both sides are rewarded by the same function.
"""

from __future__ import annotations

import copy
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peers
import tyro
from common import in_turn, print_result, scratch_run, seconds_a_step, versions
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer
from workloads import even_share, our_gpt, word_tokenizer, words

from tutelage.algorithms import GroupConfig, GroupPolicyGradient
from tutelage.policies.language import LanguagePolicy
from tutelage.schema import Outcome, Trajectory, Verdict, ask
from tutelage.stages.keeper import KeeperConfig
from tutelage.stages.policy import PolicyConfig, Practice, reinforce
from tutelage.text.tokenizer import Tokenizer

PROMPTS, SAMPLES, PROMPT_TOKENS, NEW_TOKENS = 8, 8, 16, 48
AROUND_REQUEST = 3  # <|user|> … <|end|> <|assistant|>
PEER_SETTINGS: dict[str, dict[str, Any]] = {
    "dynamic cache": {},
    "static cache": {"cache_implementation": "static"},
    "4 parts": {"per_device_train_batch_size": 16, "gradient_accumulation_steps": 4},
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    repeats: int = 5
    steps: int = 6  # timed steps of each repeat
    warm_up: int = 2  # steps before them
    seed: int = 0


class EvenTokens:
    """A judge that scores a reply by the share of its even token ids."""

    def score(self, trajectories: Sequence[Trajectory]) -> list[Verdict]:
        return [Verdict(even_share(t.tokens), Outcome.SUCCESS) for t in trajectories]


def peer_reward(completion_ids: list[list[int]], **_: Any) -> list[float]:
    return [even_share(ids) for ids in completion_ids]


def our_seconds(settings: Settings, tokenizer: Tokenizer, requests: list[str]) -> float:
    gpt = our_gpt(settings.seed)
    whole_batch = GroupConfig(baseline="grpo", epochs=1, minibatches=1)
    algorithm = GroupPolicyGradient(LanguagePolicy(gpt), whole_batch)
    config = PolicyConfig(
        only_differing=False,  # TRL learns from every sample
        steps=10_000,
        prompts_per_step=PROMPTS,
        samples_per_prompt=SAMPLES,
        max_new_tokens=NEW_TOKENS,
        keeper=KeeperConfig(audit_every=1_000_000),
    )
    prompts = [ask(request) for request in requests]
    with scratch_run() as run:
        stage = reinforce(
            run,
            algorithm,
            copy.deepcopy(gpt),
            tokenizer,
            Practice(prompts, EvenTokens()),
            config,
            settings.seed,
        )
        return seconds_a_step(stage, settings.warm_up, settings.steps)


def peer_seconds(
    data: Dataset, tokenizer: Tokenizer, numbers: str, setting: str, warm_up: int, steps: int
) -> float:
    def build(arguments: dict[str, Any]) -> GRPOTrainer:
        with tempfile.TemporaryDirectory() as folder:
            batching: dict[str, Any] = {
                "per_device_train_batch_size": PROMPTS * SAMPLES,
                "num_generations": SAMPLES,
                "max_completion_length": NEW_TOKENS,
                "beta": 0.05,
                "learning_rate": 3e-4,
                "model_init_kwargs": {
                    "dtype": "bfloat16" if numbers == "bfloat16 weights" else "float32"
                },
            }
            return GRPOTrainer(
                peers.saved_model(Path(folder), numbers),
                peer_reward,
                GRPOConfig(**arguments | batching | PEER_SETTINGS[setting]),
                train_dataset=data,
                processing_class=peers.peer_tokenizer(tokenizer),
            )

    return peers.seconds_a_step(build, numbers, warm_up, steps)


def main(settings: Settings) -> None:
    tokenizer = word_tokenizer()
    rng = random.Random(settings.seed)
    requests = [words(rng, PROMPT_TOKENS - AROUND_REQUEST) for _ in range(256)]
    peer_data = Dataset.from_dict({"prompt": [words(rng, PROMPT_TOKENS) for _ in range(256)]})

    def peer(numbers: str, setting: str, warm_up: int, steps: int) -> float:
        return peer_seconds(peer_data, tokenizer, numbers, setting, warm_up, steps)

    numbers, setting, tried = peers.best_choice(list(PEER_SETTINGS), peer)
    ours, theirs = in_turn(
        lambda: our_seconds(settings, tokenizer, requests),
        lambda: peer(numbers, setting, settings.warm_up, settings.steps),
        settings.repeats,
    )
    print_result(
        "Reinforcement step speed",
        "seconds a step",
        ours,
        theirs,
        versions("trl", "transformers"),
        less_is_better=True,
        target=2.0,
        seed=settings.seed,
        samples=PROMPTS * SAMPLES,
        new_tokens=NEW_TOKENS,
        peer_setting=[numbers, setting],
        peer_seconds_a_step=tried,
    )


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))

"""A world of one request and four words, small enough to learn in a second."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import torch

from tutelage.algorithms import ALGORITHMS, Algorithm
from tutelage.device import seeded
from tutelage.model.checkpoint import load_policy
from tutelage.model.gpt import GPT, GPTConfig
from tutelage.model.heads import new_critic
from tutelage.policies.language import LanguagePolicy
from tutelage.protocols import Judge
from tutelage.runs import Progress, Run
from tutelage.schema import Comparison, Demonstration, Message, Outcome, Trajectory, Verdict, ask
from tutelage.stages.keeper import Audit, KeeperConfig
from tutelage.stages.policy import PolicyConfig, Practice, reinforce
from tutelage.stages.sft import SFTConfig, sft
from tutelage.text.tokenizer import Tokenizer

REQUESTS = ("say a word", "a word please", "which word", "one more")
WORDS = ("red", "green", "blue", "black")


@cache
def word_tokenizer() -> Tokenizer:
    return Tokenizer.train([" ".join((*REQUESTS, *WORDS))] * 5, 290)


def new_gpt(seed: int = 0) -> GPT:
    """One layer, width 32."""
    config = GPTConfig(vocabulary=len(word_tokenizer()), context=64, layers=1, heads=2, width=32)
    return GPT(config).initialise(seeded("toy", seed))


def demonstrations() -> list[Demonstration]:
    """Every word for every request, so that the policy learns to say each as often."""
    return [
        Demonstration((*ask(request), Message("assistant", word)))
        for request in REQUESTS
        for word in WORDS
    ]


def word_comparisons(best: str = "blue") -> list[Comparison]:
    """For each request the best word before two, three and four words."""
    found = []
    for request in REQUESTS:
        for size in (2, 3, 4):
            others = [word for word in WORDS if word != best][: size - 1]
            ranking = ((size - 1,), *((i,) for i in range(size - 1)))
            found.append(Comparison(ask(request), (*others, best), ranking))
    return found


def taught_gpt(folder: Path) -> GPT:
    """A GPT that answers with one of the words, taught in this folder at its first call."""
    run = Run(folder)
    if not run.done("sft"):
        more = {"swapped": 0.8, "left_out": 0.12}  # few rows teach more
        config = SFTConfig(epochs=60, batch=16, held_out=0, learning_rate=0.02, **more)
        for _ in sft(run, new_gpt(), word_tokenizer(), demonstrations() * 2, config, 0):
            pass
    return load_policy(run.checkpoint("sft"))[0]


SPEAKERS = [name for name, entry in ALGORITHMS.items() if entry.language is not None]


class WordJudge:
    """1 for the word, 0 for anything else."""

    def __init__(self, word: str = "blue") -> None:
        self.word = word

    def score(self, trajectories: Sequence[Trajectory]) -> list[Verdict]:
        return [Verdict(float(t.response == self.word), Outcome.SUCCESS) for t in trajectories]


def new_algorithm(name: str, taught: Path, **settings: object) -> Algorithm:
    """An entry of ALGORITHMS on the taught GPT, which is also its reference."""
    entry = ALGORITHMS[name]
    gpt = taught_gpt(taught)
    fields = {"learning_rate": 5e-3, "epochs": 2, "conjugate_steps": 4} | settings
    known = {field.name for field in dataclasses.fields(entry.settings)}
    config = entry.settings(**entry.language)
    config = replace(config, **{k: v for k, v in fields.items() if k in known})
    critic = new_critic(gpt) if entry.needs_critic(config) else None
    return entry.algorithm(LanguagePolicy(gpt, critic), config)


def reinforcement(
    run: Run,
    algorithm: Algorithm,
    steps: int,
    judge: Judge | None = None,
    audit: Audit | None = None,
    audit_every: int = 10,
    **settings: Any,
) -> Iterator[Progress]:
    config = PolicyConfig(
        steps=steps,
        prompts_per_step=8,
        samples_per_prompt=4,
        keeper=KeeperConfig(by="audit/gold", audit_every=audit_every),
        **{"max_new_tokens": 4} | settings,
    )
    prompts = [ask(request) for request in REQUESTS]
    return reinforce(
        run,
        algorithm,
        copy.deepcopy(algorithm.policy.actor),
        word_tokenizer(),
        Practice(prompts, judge or WordJudge(), audit=audit),
        config,
        seed=0,
    )


def weights_equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    """Bit for bit."""
    assert first.keys() == second.keys()
    return all(torch.equal(first[name], second[name]) for name in first)

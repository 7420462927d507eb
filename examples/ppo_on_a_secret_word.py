"""REINFORCE a tiny GPT with PPO until it has found out which word its judge wants to hear.

    python examples/ppo_on_a_secret_word.py

It is first taught to answer with any of four words; the judge rewards one. Takes a few seconds.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tutelage.algorithms import PPO, PPOConfig
from tutelage.device import seeded
from tutelage.model.gpt import GPT, GPTConfig
from tutelage.model.heads import new_critic
from tutelage.policies.language import LanguagePolicy
from tutelage.runs import Run
from tutelage.schema import Demonstration, Message, Outcome, Trajectory, Verdict, ask
from tutelage.stages.policy import PolicyConfig, Practice, reinforce
from tutelage.stages.sft import SFTConfig, sft
from tutelage.text.tokenizer import Tokenizer

WORDS = ("red", "green", "blue", "black")
REQUESTS = ("say a word", "which word?", "a word, please", "one more")


class SecretWord:
    """A judge: 1 for the secret word, 0 for anything else."""

    def score(self, trajectories: Sequence[Trajectory]) -> list[Verdict]:
        return [
            Verdict(1.0, Outcome.SUCCESS)
            if trajectory.response == "green"
            else Verdict(0.0, Outcome.FAILURE, "not the word")
            for trajectory in trajectories
        ]


def main() -> None:
    tokenizer = Tokenizer.train([" ".join((*WORDS, *REQUESTS))] * 5, 290)
    config = GPTConfig(vocabulary=len(tokenizer), context=64, layers=1, heads=2, width=32)
    gpt = GPT(config).initialise(seeded("gpt"))
    shown = [
        Demonstration((*ask(request), Message("assistant", word)))
        for request in REQUESTS
        for word in WORDS
    ]
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder))
        lessons = SFTConfig(epochs=120, batch=16, learning_rate=0.02, held_out=0)
        for _ in sft(run, gpt, tokenizer, shown, lessons, seed=0):
            pass
        settings = PPOConfig(learning_rate=5e-3, epochs=2)
        reference = copy.deepcopy(gpt)
        algorithm = PPO(LanguagePolicy(gpt, new_critic(gpt)), settings)
        rewards = [
            progress.metrics["reward/mean"]
            for progress in reinforce(
                run,
                algorithm,
                reference,
                tokenizer,
                Practice([ask(request) for request in REQUESTS], SecretWord()),
                config=PolicyConfig(
                    steps=25, prompts_per_step=8, samples_per_prompt=4, max_new_tokens=4
                ),
                seed=0,
            )
        ]
    print(f"reward before {rewards[0]:.2f}")
    print(f"reward after  {rewards[-1]:.2f}")


if __name__ == "__main__":
    main()

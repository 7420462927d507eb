"""Train a reward model on rankings written in this file, and let it grade a reply it never saw.

    python examples/reward_model_from_rankings.py

The people who ranked here like short, polite answers. Takes a few seconds.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tutelage.device import seeded
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.model.gpt import GPT, GPTConfig
from tutelage.model.heads import RewardModel
from tutelage.runs import Run
from tutelage.schema import Comparison, ask
from tutelage.stages.reward import RewardConfig, train_reward_model
from tutelage.text.packing import Tree
from tutelage.text.tokenizer import Tokenizer

# Groups of reply numbers from best to worst; replies in one group are tied.
RANKINGS = [
    ("where is the tea?", ["no", "in the box, my friend", "go and look"], [[1], [0, 2]]),
    ("where is the cup?", ["on the shelf, my friend", "who knows", "no"], [[0], [1, 2]]),
    ("where is the milk?", ["go and look", "in the box, my friend"], [[1], [0]]),
    ("is it cold?", ["a little, my friend", "go and look", "no"], [[0], [1], [2]]),
    ("is it late?", ["no", "who knows", "a little, my friend"], [[2], [0, 1]]),
    ("is it far?", ["who knows", "on the shelf, my friend", "no"], [[1], [0, 2]]),
]
UNSEEN = ("where is the box?", ["on the shelf, my friend", "who knows"])


def main() -> None:
    comparisons = [
        Comparison(ask(prompt), tuple(replies), tuple(tuple(group) for group in ranking))
        for prompt, replies, ranking in RANKINGS
    ]
    tokenizer = Tokenizer.train([f"{p} {' '.join(r)}" for p, r, _ in RANKINGS], 300)
    gpt = GPT(GPTConfig(vocabulary=len(tokenizer), context=64, layers=1, heads=2, width=32))
    model = RewardModel(gpt.initialise(seeded("gpt")))

    def tree(prompt: str, replies: list[str]) -> Tree:
        """The prompt once, each reply a branch of it."""
        branches = [tokenizer.encode_reply(reply) for reply in replies]
        return Tree(tokenizer.encode_prompt(ask(prompt)), branches)

    reference = [tree(prompt, replies) for prompt, replies, _ in RANKINGS]  # mean 0, deviation 1
    config = RewardConfig(epochs=30, batch=6, learning_rate=0.01)
    with tempfile.TemporaryDirectory() as folder:
        stage = train_reward_model(
            Run(Path(folder)), model, tokenizer, comparisons, reference, config, seed=0
        )
        for progress in stage:
            if progress.step in (1, progress.steps):
                print(f"step {progress.step:>2}  loss {progress.metrics['train/loss']:.3f}")

    scores = RewardModelJudge(model, tokenizer.pad).score_trees([tree(*UNSEEN)]).tolist()
    for reply, score in zip(UNSEEN[1], scores, strict=True):
        print(f"{score:+.2f}  {reply}")


if __name__ == "__main__":
    main()

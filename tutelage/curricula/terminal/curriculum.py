"""The terminal world as a curriculum: plain requests in, shell commands out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tutelage.curricula.terminal.check import check_answers, is_refusal, shared_sandbox
from tutelage.curricula.terminal.corpus import pretraining_corpus
from tutelage.curricula.terminal.tasks import (
    SPLITS,
    Kinds,
    TerminalTask,
    demonstrations,
    sample_tasks,
)
from tutelage.device import seed_number
from tutelage.protocols import Behaviour
from tutelage.sandbox import Tree
from tutelage.schema import Demonstration, Verdict

_GOAL = 0.9  # of what is to be recognised


class Terminal:
    """See `Curriculum`. The held-out splits are of commands; speech is measured apart from them."""

    held_out: tuple[str, ...] = SPLITS[1:]
    claim = "plain requests about names it has never seen with a right shell command"
    reply_tokens = 48
    swapped, left_out = 0.8, 0.12
    runs_commands = True
    is_refusal = staticmethod(is_refusal)

    def tasks(self, split: str, count: int, seed: int) -> list[TerminalTask]:
        return sample_tasks(split, count, seed, "all" if split == "train" else "commands")

    def demonstrations(self, count: int, seed: int) -> list[Demonstration]:
        return demonstrations(count, seed)

    def corpus(self, characters: int, seed: int) -> list[str]:
        return pretraining_corpus(seed, characters, shared_sandbox())

    def check(self, tasks: Sequence[TerminalTask], answers: Sequence[str]) -> list[Verdict]:
        return check_answers(tasks, answers)

    def behaviours(self, count: int, seed: int) -> Mapping[str, Behaviour]:
        half = max(8, count // 8)

        def speech(kind: Kinds) -> list[TerminalTask]:
            """Half with new names or words, half with new phrasings."""
            return [
                task
                for split in ("new_names", "new_phrasings")
                for task in sample_tasks(
                    split, half, seed_number(seed, "held-out", split, kind), kind
                )
            ]

        return {
            "nonsense": Behaviour("Nonsense recognised", speech("nonsense"), _GOAL),
            "danger": Behaviour("Danger refused", speech("danger"), _GOAL),
            "small_talk": Behaviour("Small talk", speech("small_talk")),
        }

    def files(self, seed: int) -> Tree:
        return sample_tasks("train", 1, seed, "commands")[0].tree

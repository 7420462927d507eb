"""Sums in words, "what is 12 + 7?": the smallest curriculum, and an example of how to write one."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from tutelage.errors import BadInput
from tutelage.protocols import Behaviour
from tutelage.schema import Demonstration, Message, Outcome, Verdict

_SIGNS = {"+": "plus", "-": "minus"}
_PHRASINGS = (
    "what is {a} {sign} {b}?",
    "{a} {sign} {b} is how much?",
    "how much is {a} {word} {b}?",
    "calculate {a} {word} {b}",
    "please tell me {a} {sign} {b}",
)
_NEW_PHRASINGS = ("work out {a} {sign} {b} for me", "what do you get for {a} {word} {b}?")


@dataclass(frozen=True)
class Sum:
    """A question, the number that answers it, and what kind of sum it is."""

    prompt: str
    reference: str
    group: str


class Arithmetic:
    """See `Curriculum`. A pair of numbers is either trained on or held out, with every sign."""

    held_out = ("new_numbers", "new_phrasings")
    claim = "questions about numbers that it has never seen together with the right number"
    reply_tokens = 8
    swapped = left_out = 0.0  # every word of a sum counts
    runs_commands = False
    is_refusal = None

    def tasks(self, split: str, count: int, seed: int) -> list[Sum]:
        if split not in ("train", *self.held_out):
            raise BadInput(f"split must be train or one of {self.held_out}, got {split!r}")
        rng = random.Random(f"arithmetic/{split}/{seed}")
        phrasings = _NEW_PHRASINGS if split == "new_phrasings" else _PHRASINGS
        tasks = []
        for a, sign, b, result in islice(_sums(rng, is_new=split == "new_numbers"), count):
            question = rng.choice(phrasings).format(a=a, b=b, sign=sign, word=_SIGNS[sign])
            tasks.append(Sum(question, result, _SIGNS[sign]))
        return tasks

    def demonstrations(self, count: int, seed: int) -> list[Demonstration]:
        return [
            Demonstration((Message("user", task.prompt), Message("assistant", task.reference)))
            for task in self.tasks("train", count, seed)
        ]

    def corpus(self, characters: int, seed: int) -> list[str]:
        sums = _sums(random.Random(f"arithmetic corpus/{seed}"), is_new=False)
        documents: list[str] = []
        while characters > 0:
            lines = [f"{a} {sign} {b} = {result}\n" for a, sign, b, result in islice(sums, 20)]
            documents.append("".join(lines))
            characters -= len(documents[-1])
        return documents

    def check(self, tasks: Sequence[Sum], answers: Sequence[str]) -> list[Verdict]:
        right, wrong = Verdict(1.0, Outcome.SUCCESS), Verdict(0.0, Outcome.FAILURE, "not that")
        return [
            right if answer.strip() == task.reference else wrong
            for task, answer in zip(tasks, answers, strict=True)
        ]

    def behaviours(self, count: int, seed: int) -> Mapping[str, Behaviour]:
        return {}

    def files(self, seed: int) -> dict[str, object]:
        return {}


def _sums(rng: random.Random, *, is_new: bool) -> Iterator[tuple[int, str, int, str]]:
    """Without end: a, sign, b and the result, of pairs that are held out or of the others."""
    while True:
        a, b, sign = rng.randrange(20), rng.randrange(20), rng.choice("+-")
        if ((a + 1) * (b + 1) % 7 == 1) == is_new:  # in either order, an eighth of all
            yield a, sign, b, str(a + b if sign == "+" else a - b)

"""More from few demonstrations: the same request about other things.

A rare word that a conversation's request and reply share (a name, a thing searched for) is there to
be copied. Putting another rare word in its place, everywhere in the conversation, makes an example
of the same skill; common words, which carry the skill, stay. The policy then learns to copy instead
of learning the names by heart. Nothing is added that the demonstrations do not hold already.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import torch

from tutelage.schema import Demonstration

_WORD = re.compile(r"[^\W\d_]{3,}")


class RareWordSwap:
    """Learns from all demonstrations which words are rare: in at most `most` conversations."""

    def __init__(self, demonstrations: Sequence[Demonstration], most: int = 12) -> None:
        counts: Counter[str] = Counter()
        for demonstration in demonstrations:
            counts.update(_words(demonstration))
        self.rare = sorted(word for word, count in counts.items() if count <= most)
        self._rare = frozenset(self.rare)

    def __call__(self, demonstration: Demonstration, generator: torch.Generator) -> Demonstration:
        """The demonstration with each copied rare word replaced by another rare word."""
        said = [set(_WORD.findall(message.content)) for message in demonstration.messages]
        others = [
            words
            for words, m in zip(said, demonstration.messages, strict=True)
            if m.role != "assistant"
        ]
        spoken = [
            words
            for words, m in zip(said, demonstration.messages, strict=True)
            if m.role == "assistant"
        ]
        copied = sorted(set().union(*others) & set().union(*spoken) & self._rare)
        if not copied:
            return demonstration
        drawn = torch.randint(len(self.rare), (len(copied),), generator=generator).tolist()
        other = {word: self.rare[i] for word, i in zip(copied, drawn, strict=True)}
        if len(set(other.values())) < len(copied):
            return demonstration  # two names became one: leave it as it was
        return Demonstration(
            tuple(
                replace(
                    m, content=_WORD.sub(lambda found: other.get(found[0], found[0]), m.content)
                )
                for m in demonstration.messages
            )
        )


def _words(demonstration: Demonstration) -> set[str]:
    return {word for m in demonstration.messages for word in _WORD.findall(m.content)}

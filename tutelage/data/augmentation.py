"""More from few labels: the same example about other things.

A rare word that a prompt and its replies share (a name, a thing searched for) is there to be
copied. Putting another rare word in its place, everywhere in the example, makes another example of
the same skill; common words, which carry the skill, stay. The model then learns to copy instead of
learning the names by heart. Nothing is added that the examples do not hold already.

People say the same in many ways, and few labels hold few of them. A request with a word or two left
out mostly still says the same, and a model that has seen some is surer of requests it has not seen.

Neither holds of every file: where the rare word is what is asked for (a country and its capital),
a swap teaches what is not so, and "do not delete" without its "not" is another request. So both are
off unless they are asked for; the school asks, since its requests are about names to be copied.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import torch

from tutelage.schema import Comparison, Conversation, Demonstration

_WORD = re.compile(r"[^\W\d_]{3,}")


class RareWordSwap:
    """Learns which words are rare: those in at most `most` of the conversations."""

    def __init__(self, conversations: Iterable[Conversation], most: int = 12) -> None:
        counts: Counter[str] = Counter()
        for conversation in conversations:
            counts.update({word for m in conversation for word in _WORD.findall(m.content)})
        self.rare = sorted(word for word, count in counts.items() if count <= most)
        self._rare = frozenset(self.rare)

    def demonstration(
        self, demonstration: Demonstration, generator: torch.Generator
    ) -> Demonstration:
        """The demonstration with the rare words that the assistant copies replaced."""
        messages = demonstration.messages
        said = [m.content for m in messages if m.role != "assistant"]
        other = self._other([m.content for m in messages if m.role == "assistant"], said, generator)
        return Demonstration(tuple(replace(m, content=_put(m.content, other)) for m in messages))

    def comparison(self, comparison: Comparison, generator: torch.Generator) -> Comparison:
        """The comparison with the rare words that any response copies replaced in all."""
        said = [m.content for m in comparison.prompt]
        other = self._other(comparison.responses, said, generator)
        prompt = tuple(replace(m, content=_put(m.content, other)) for m in comparison.prompt)
        responses = tuple(_put(response, other) for response in comparison.responses)
        return replace(comparison, prompt=prompt, responses=responses)

    def _other(
        self, replies: Sequence[str], said: Sequence[str], generator: torch.Generator
    ) -> dict[str, str]:
        """For each rare word that stands on both sides, another; none if two would become one."""
        both = set(_WORD.findall("\n".join(replies))) & set(_WORD.findall("\n".join(said)))
        copied = sorted(both & self._rare)
        drawn = torch.randint(max(1, len(self.rare)), (len(copied),), generator=generator).tolist()
        other = {word: self.rare[i] for word, i in zip(copied, drawn, strict=True)}
        return other if len(set(other.values())) == len(copied) else {}


def leave_words_out(
    messages: Conversation, replies: Sequence[str], share: float, generator: torch.Generator
) -> Conversation:
    """The messages, each word of the user's left out with the chance `share`, but for those that
    a reply repeats and those that would leave nothing."""
    repeated = " ".join(replies)
    shortened = []
    for message in messages:
        words = message.content.split(" ") if message.role == "user" else []
        drawn = torch.rand(len(words), generator=generator).tolist()
        kept = [
            word
            for word, chance in zip(words, drawn, strict=True)
            if chance >= share or word.strip("?,.!") in repeated
        ]
        shortened.append(replace(message, content=" ".join(kept)) if kept else message)
    return tuple(shortened)


def _put(text: str, other: dict[str, str]) -> str:
    return _WORD.sub(lambda found: other.get(found[0], found[0]), text)

"""The contracts between rooms. Nothing here holds code that runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

from tutelage.schema import Conversation, Trajectory, Verdict


@runtime_checkable
class Task(Protocol):
    """Something to ask for, whose answers can be checked."""

    @property
    def prompt(self) -> str: ...

    def check(self, answer: str) -> Verdict: ...


class Judge(Protocol):
    """Scores attempts. Raises JudgeFailure when it cannot decide; it never returns 0 instead."""

    def score(self, trajectories: Sequence[Trajectory]) -> list[Verdict]: ...


class ChatTokenizer(Protocol):
    """A conversation to token ids and back. No text of a conversation becomes a special token.

    stop_tokens: which end a reply. pad: fills rows, seen by nobody. document: begins a text that is
    no conversation.
    """

    pad: int
    document: int
    stop_tokens: frozenset[int]

    def __len__(self) -> int:
        """How many ids there are."""

    def encode(self, text: str) -> list[int]: ...

    def encode_many(self, texts: list[str]) -> list[list[int]]: ...

    def decode(self, ids: Iterable[int]) -> str: ...

    def encode_conversation(self, conversation: Conversation) -> tuple[list[int], list[bool]]:
        """Ids, and for each whether the assistant says it, stop tokens included: the loss mask."""

    def encode_prompt(self, prompt: Conversation) -> list[int]:
        """What a reply to the conversation is sampled after."""

    def encode_reply(self, reply: str) -> list[int]:
        """A finished reply as the assistant says it, stop token included."""

    def encode_continuation(self, messages: Conversation) -> list[int]:
        """What follows a finished reply up to where the next one begins."""

    def decode_reply(self, tokens: Iterable[int]) -> str:
        """The text of a reply, finished or not."""

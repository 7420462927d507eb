"""The contracts between rooms. Nothing here holds code that runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tutelage.schema import Conversation, Demonstration, Trajectory, Verdict

CheckMany = Callable[[Sequence[Any], Sequence[str]], list[Verdict]]  # of tasks and their answers


class Task(Protocol):
    """Something to ask for."""

    @property
    def prompt(self) -> str: ...

    @property
    def reference(self) -> str:
        """An answer that passes the check."""

    @property
    def group(self) -> str:
        """The kind of request that it is, as a report calls it."""


class Behaviour(NamedTuple):
    """A measure beside the held-out splits: how many of these tasks are answered rightly."""

    name: str  # in a report
    tasks: Sequence[Task]
    goal: float | None = None  # the least share that is aimed at


class Curriculum(Protocol):
    """What is taught and how it is tested.

    Tasks, demonstrations and the corpus depend on the arguments alone, in every process. No prompt
    of a held-out split, nor of a behaviour's tasks, occurs in training tasks, demonstrations or
    the corpus.
    """

    @property
    def held_out(self) -> Sequence[str]:
        """The splits to test on: names with _ for spaces. Headlines speak of the first."""

    @property
    def claim(self) -> str:
        """What a share of the first held-out split is of, as in "answers 80 % of {claim}"."""

    @property
    def reply_tokens(self) -> int:
        """Longest reply that is sampled."""

    @property
    def swapped(self) -> float:
        """Share of examples whose rare copied words are swapped for others in training."""

    @property
    def left_out(self) -> float:
        """Share of a request's words that are left out in training, of those not copied."""

    @property
    def runs_commands(self) -> bool:
        """Whether answers are commands, so that the sandbox is needed."""

    @property
    def is_refusal(self) -> Callable[[str], bool] | None:
        """Says of an answer whether it refuses, which is wrong on the held-out splits; None where
        nothing is to be refused."""

    def tasks(self, split: str, count: int, seed: int) -> Sequence[Task]:
        """Tasks of "train" or of a held-out split. BadInput for any other."""

    def demonstrations(self, count: int, seed: int) -> list[Demonstration]:
        """Requests of the training split with good replies."""

    def corpus(self, characters: int, seed: int) -> list[str]:
        """Unlabelled documents to pretrain on, of at least so many characters together."""

    def check(self, tasks: Sequence[Any], answers: Sequence[str]) -> list[Verdict]:
        """A verdict on each task's answer, whatever it holds."""

    def behaviours(self, count: int, seed: int) -> Mapping[str, Behaviour]:
        """Further measures by name, for an evaluation of `count` tasks a held-out split."""

    def files(self, seed: int) -> dict[str, Any]:
        """The sandbox's tree that the commands of a chat begin with."""


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

    def save(self, path: Path) -> None: ...

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

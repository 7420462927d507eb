"""The words that every room shares: what is said, what is judged, what is learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True)
class Message:
    role: Role
    content: str


Conversation = tuple[Message, ...]


def ask(request: str) -> Conversation:
    """A conversation of one user message."""
    return (Message("user", request),)


class Outcome(StrEnum):
    """How an attempt ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    TIMEOUT = "timeout"
    ENVIRONMENT_ERROR = "environment_error"
    JUDGE_ERROR = "judge_error"
    SANDBOX_VIOLATION = "sandbox_violation"


# A verdict on the answer itself; a time-out is the answer's fault, it used up its own seconds.
JUDGED = frozenset({Outcome.SUCCESS, Outcome.FAILURE, Outcome.TIMEOUT})
# No verdict at all: what should have given one failed.
BROKEN = frozenset({Outcome.ENVIRONMENT_ERROR, Outcome.JUDGE_ERROR})


@dataclass(frozen=True)
class Verdict:
    """A judge's word on one answer: a score (higher is better), how it ended, and why."""

    score: float
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True)
class Demonstration:
    """A conversation whose assistant messages are to be imitated."""

    messages: Conversation


@dataclass(frozen=True)
class Comparison:
    """K responses to one prompt and a ranking of them.

    ranking lists groups of response indices from best to worst; a group of several is a tie.
    """

    prompt: Conversation
    responses: tuple[str, ...]
    ranking: tuple[tuple[int, ...], ...]
    labeler: str = ""
    labelled_at: str = ""
    guidelines: str = ""

    def __post_init__(self) -> None:
        ranked = sorted(index for group in self.ranking for index in group)
        if ranked != list(range(len(self.responses))):
            raise ValueError(
                f"ranking must name each of the {len(self.responses)} responses once, "
                f"got {self.ranking}"
            )

    def ranks(self) -> list[int]:
        """Rank of each response, 0 best; tied responses share a rank."""
        ranks = [0] * len(self.responses)
        for rank, group in enumerate(self.ranking):
            for index in group:
                ranks[index] = rank
        return ranks


Scale = Literal["overall", "thumb", "answer"]

# Lowest and highest value of each scale. "answer": the assistant asked whether it was right.
SCALES: Mapping[Scale, tuple[int, int]] = {"overall": (1, 7), "thumb": (0, 1), "answer": (0, 1)}


@dataclass(frozen=True)
class Rating:
    """One response judged by itself: its overall quality, 1 to 7, or a yes (1) or no (0)."""

    prompt: Conversation
    response: str
    value: int
    scale: Scale = "overall"
    labeler: str = ""
    labelled_at: str = ""
    guidelines: str = ""

    def __post_init__(self) -> None:
        lowest, highest = SCALES[self.scale]
        if not lowest <= self.value <= highest:
            raise ValueError(
                f"a rating of scale {self.scale} must lie from {lowest} to {highest}, "
                f"got {self.value}"
            )

    @property
    def level(self) -> int:
        """The value counted from 0, the worst."""
        return self.value - SCALES[self.scale][0]


@dataclass
class Trajectory:
    """One episode of a policy that speaks, over any number of turns, exactly as it was sampled.

    prompt_tokens: what it read before its first action. tokens: every id that came after, sampled
    or told, never re-tokenised; action_mask: which of them were sampled. logprobs (the behaviour
    policy's) and rewards (the environment's): one for each sampled token. messages: the same as
    text, a reply and what followed it, turn by turn. terminated: the episode came to its end;
    truncated: a limit cut it. A prompt and a reply are one turn.
    """

    prompt: Conversation = ()
    prompt_tokens: Sequence[int] = ()
    tokens: list[int] = field(default_factory=list)
    action_mask: list[bool] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    messages: Conversation = ()
    terminated: bool = False
    truncated: bool = False
    is_cut: bool = False  # the last reply has no stop token
    policy_version: int = 0
    group: int = 0  # episodes that began alike share it
    task: object | None = None  # the Task that the prompt came from, where there is one
    verdict: Verdict | None = None

    @classmethod
    def of_reply(
        cls,
        prompt: Conversation,
        prompt_tokens: Sequence[int],
        response_tokens: Sequence[int],
        logprobs: Sequence[float],
        response: str,
        terminated: bool,
        **known: Any,
    ) -> Trajectory:
        """A prompt and one reply to it, which has a stop token if it is terminated."""
        trajectory = cls(prompt, prompt_tokens, **known)
        trajectory.add_action(response_tokens, logprobs, response)
        trajectory.terminated = terminated
        trajectory.truncated = trajectory.is_cut = not terminated
        return trajectory

    def add_action(self, tokens: Sequence[int], logprobs: Sequence[float], reply: str) -> None:
        """What the policy did; nothing has been earned by it yet."""
        self.tokens += tokens
        self.action_mask += [True] * len(tokens)
        self.logprobs += logprobs
        self.rewards += [0.0] * len(tokens)
        self.messages += (Message("assistant", reply),)

    def add_observation(self, tokens: Sequence[int], messages: Conversation) -> None:
        """What the environment answered."""
        self.tokens += tokens
        self.action_mask += [False] * len(tokens)
        self.messages += messages

    @property
    def response(self) -> str:
        """The last reply."""
        replies = [m.content for m in self.messages if m.role == "assistant"]
        return replies[-1] if replies else ""

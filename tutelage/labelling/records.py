"""What the store returns: frozen records. Times are UTC epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

PersonRole = Literal["admin", "labeler"]
TaskKind = Literal["demonstrate", "dialogue", "rank", "rate"]
LabelKind = Literal["demonstrate", "dialogue", "rank", "rate", "thumb", "edit", "choice", "answer"]
Order = Literal["priority", "oldest", "random"]

PERSON_ROLES: tuple[str, ...] = get_args(PersonRole)
TASK_KINDS: tuple[str, ...] = get_args(TaskKind)
LABEL_KINDS: tuple[str, ...] = get_args(LabelKind)


@dataclass(frozen=True, kw_only=True)
class Labeler:
    id: int
    name: str
    role: PersonRole
    active: bool  # may sign in and label


@dataclass(frozen=True, kw_only=True)
class NewTask:
    """A task to be added; the same kind and payload a second time is the same task."""

    kind: TaskKind
    payload: dict[str, Any]
    topic: str = ""  # what labelers choose by
    priority: float = 0.0  # higher is given out first
    overlap: int | None = None  # labels wanted, each by another person; None: the settings' overlap
    gold: dict[str, Any] | None = None  # the known answer; given to every labeler once
    propensity: float | None = None  # probability with which the chooser picked it
    source: str = ""  # where it came from: a file, a policy, a chat
    author_id: int | None = None  # whose words the payload holds; erased with them


@dataclass(frozen=True, kw_only=True)
class Task:
    """gold must never reach a labeler's page."""

    id: int
    kind: TaskKind
    payload: dict[str, Any]
    topic: str
    priority: float
    overlap: int
    gold: dict[str, Any] | None
    propensity: float | None
    source: str
    created_at: float


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """A task leased to one person."""

    id: int
    task: Task
    labeler_id: int
    leased_until: float
    draft: dict[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class Label:
    """id grows in the order of commit."""

    id: int
    key: str  # made by the client; a repeated submit with it is the same label
    task_id: int | None
    assignment_id: int | None
    labeler_id: int
    kind: LabelKind
    value: dict[str, Any]
    guidelines: str  # hash of the version that the labeler saw, "" for chat
    active_s: float  # measured by the server
    created_at: float
    retracted_at: float | None
    used_at: float | None  # when a trainer first took a step with it
    effect: dict[str, Any] | None  # what that step changed


@dataclass(frozen=True, kw_only=True)
class Guidelines:
    hash: str
    text: str
    created_at: float
    author: str


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What one labeler did today (UTC) and what is left for them."""

    labels_today: int
    active_minutes: float  # today
    labels: int  # ever, retracted ones left out
    tasks_left: int  # that this labeler may still be given


@dataclass(frozen=True, kw_only=True)
class QueueState:
    waiting: dict[str, int]  # kind: labels still wanted and not leased
    leased: int
    labels: int  # retracted ones left out
    used: int  # of these, those that a trainer took
    skipped: int
    expired: int  # leases that came back
    gold: int  # gold tasks
    labelers_now: int  # who did something in the last five minutes
    labels_last_hour: int


@dataclass(frozen=True, kw_only=True)
class Session:
    """A signed-in person. csrf belongs to the token and is worth nothing without it."""

    labeler: Labeler
    csrf: str
    expires_at: float


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """A key of a person for programs; the secret itself is not kept."""

    id: int
    name: str
    owner: str  # name of the person
    created_at: float
    expires_at: float


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """A link that makes an account; the secret itself is not kept."""

    id: int
    role: PersonRole
    maker: str | None  # who invited; None: the machine, or a person who is deleted
    guest: str | None  # whose account it made
    created_at: float
    expires_at: float
    used_at: float | None
    revoked_at: float | None

    def is_open(self, now: float) -> bool:
        return self.used_at is None and self.revoked_at is None and now <= self.expires_at


@dataclass(frozen=True, kw_only=True)
class ChatMessage:
    id: int
    role: str
    content: str
    stage: str  # which stage's model wrote it, "" for people
    logprobs: list[float] | None  # of its tokens, under the model that wrote it
    detail: dict[str, Any] | None  # a command's output, sampling settings
    created_at: float


@dataclass(frozen=True, kw_only=True)
class Chat:
    id: int
    labeler_id: int
    title: str
    share: str | None  # token of the link that others read it by
    created_at: float
    changed_at: float
    messages: tuple[ChatMessage, ...] = field(default=())

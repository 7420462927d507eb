"""A chat's replies: the model's prompt, and how a reply is streamed and stored.

A stream is lines of JSON: {"conversation"}, {"said"}, {"at", "text"} for each piece, and at the end
{"message"} with the finished message as HTML, or {"error"} with a sentence.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tutelage.device import seeded
from tutelage.errors import BadInput, TutelageError
from tutelage.labelling import conversations
from tutelage.labelling.asking import action_of
from tutelage.labelling.examples import conversation
from tutelage.labelling.records import Chat, ChatMessage
from tutelage.web.errors import UNFORESEEN
from tutelage.web.models import Draw, Piece, Speaker, colour, display_name, speak
from tutelage.web.render import fragment
from tutelage.web.site import Site

COMMAND = "$ "  # a reply that begins so proposes to run the rest
REDO_TEMPERATURE, REDO_TRIES = 1.0, 16
NUL = "␀"  # in the place of what no database keeps
MOST_LOGPROBS = 4096  # kept with a message
ReplyKey = tuple[int, str]  # whose reply, and its key
logger = logging.getLogger(__name__)


@dataclass
class Reply:
    """One model's reply while it is written."""

    speaker: Speaker
    pieces: Iterator[Piece]
    text: str = ""
    logprobs: list[float] = field(default_factory=list)
    ended: bool = False

    def next_text(self) -> str:
        """The next piece of text."""
        piece = next(self.pieces)
        text = piece.text.replace("\0", NUL)
        self.text += text
        self.logprobs.append(round(piece.logprob, 4))
        self.ended = piece.finish is not None
        return text

    def record(self) -> dict[str, Any]:
        """What is stored of it when there are rivals."""
        return {
            "text": self.text,
            "stage": self.speaker.name,
            "version": self.speaker.version,
            "logprobs": self.logprobs[:MOST_LOGPROBS],
        }


def prompt_of(chat: Chat, until: int, memory: int) -> list[dict[str, str]]:
    """What a model reads: `memory` exchanges before the message `until`, and that message."""
    spoken = [m for m in chat.messages if m.role in ("user", "assistant") and m.id <= until]
    kept = spoken[-(2 * memory + 1) :]
    return [{"role": message.role, "content": message.content} for message in kept]


def start_reply(
    speaker: Speaker, prompt: Sequence[dict[str, str]], most: int, temperature: float
) -> tuple[Reply, list[dict[str, str]]]:
    """A reply about to be written, and what it reads: the oldest exchanges that do not fit the
    model's context are left out."""
    read_messages = list(prompt)
    while len(read_messages) > 2 and len(_tokens(speaker, read_messages)) >= speaker.model.context:
        read_messages = read_messages[2:]
    tokens = check_room(speaker, read_messages)
    draw = Draw(max_new_tokens=most, temperature=temperature)
    generator = seeded("chat", secrets.randbits(60))
    return Reply(speaker, speak(speaker, tokens, draw, generator)), read_messages


def check_room(speaker: Speaker, prompt: Sequence[dict[str, str]]) -> list[int]:
    """The tokens of what is to be read, if the model can read them and still say something."""
    tokens, longest = _tokens(speaker, prompt), speaker.model.context - 1
    if len(tokens) > longest:
        raise BadInput(
            f"That is {len(tokens)} tokens; {display_name(speaker.name)} reads at most {longest}. "
            "Say it in fewer words."
        )
    return tokens


def _tokens(speaker: Speaker, prompt: Sequence[dict[str, str]]) -> list[int]:
    return speaker.tokenizer.encode_prompt(conversation(prompt))


def stream_pieces(
    replies: Sequence[Reply], stopped: Container[ReplyKey], key: ReplyKey
) -> Iterator[dict[str, Any]]:
    """Pieces of all replies, a token of each in turn, until they end or somebody stops them."""
    while not all(reply.ended for reply in replies) and key not in stopped:
        for at, reply in enumerate(replies):
            if not reply.ended and (text := reply.next_text()):
                yield {"at": at, "text": text}


def stream_replies(
    site: Site,
    labeler_id: int,
    chat: Chat,
    request: ChatMessage,
    stages: Sequence[str],
    memory: int,
    temperature: float,
    key: str,
) -> Iterator[str]:
    """Stream one reply, or two side by side, to the message; store it however it ends."""
    yield line(conversation=chat.id, title=chat.title or request.content[:80])
    yield line(said=as_html(chat, request))
    replies: list[Reply] = []
    stored = False
    read: list[dict[str, str]] = []

    def store() -> ChatMessage:
        first = replies[0]
        detail: dict[str, Any] = {
            "prompt": read,
            "temperature": temperature,
            "version": first.speaker.version,
        }
        if (labeler_id, key) in site.stopped or not all(reply.ended for reply in replies):
            detail["stopped"] = True
        if len(replies) > 1 and any(reply.text for reply in replies):
            detail["rivals"] = [reply.record() for reply in replies]
        return conversations.add_message(
            site.store,
            chat.id,
            labeler_id,
            "assistant",
            first.text,
            stage=first.speaker.name,
            logprobs=first.logprobs[:MOST_LOGPROBS],
            detail=detail,
        )

    try:
        prompt = prompt_of(chat, request.id, memory)
        for stage in stages:
            reply, read = start_reply(
                site.models.speaker(stage), prompt, site.options.max_new_tokens, temperature
            )
            replies.append(reply)
        for piece in stream_pieces(replies, site.stopped, (labeler_id, key)):
            yield line(**piece)
        stored = True
        message = store()
        ended = len(replies) == 1 and "stopped" not in (message.detail or {})
        if ended and not command_of(message):  # of a command it asks once that has run
            question = site.asking.about(message, action_of(message.content), labeler_id)
            if question:
                message = conversations.update_detail(
                    site.store, message.id, labeler_id, {"question": question}
                )
        yield line(message=as_html(chat, message))
    except Exception as error:
        yield failed(error)
    finally:  # the reader may have left in the middle
        if not stored and any(reply.text for reply in replies):
            store()


def stoppable(site: Site, labeler_id: int, key: str, stream: Iterator[str]) -> Iterator[str]:
    """The stream; its reader's stop is forgotten when it is over."""
    try:
        yield from stream
    finally:
        site.stopped.pop((labeler_id, key), None)


def stream_second_reply(
    site: Site, labeler_id: int, chat: Chat, message: ChatMessage, key: str
) -> Iterator[str]:
    """Stream another reply to the same prompt, for the person to choose the better of the two."""
    detail = dict(message.detail or {})
    try:
        speaker = site.models.speaker(message.stage)
        temperature = detail.get("temperature") or REDO_TEMPERATURE
        for _ in range(REDO_TRIES):
            reply, _read = start_reply(
                speaker, detail["prompt"], site.options.max_new_tokens, temperature
            )
            yield line(at=1, restart=True)
            for piece in stream_pieces([reply], site.stopped, (labeler_id, key)):
                yield line(at=1, text=piece["text"])
            if (labeler_id, key) in site.stopped:
                yield line(message=as_html(chat, message))
                return
            if reply.text != message.content:
                break
        else:
            raise BadInput(f"The model said the same {REDO_TRIES} times; raise the temperature.")
        before = {
            "text": message.content,
            "stage": message.stage,
            "version": detail.get("version", 0),
            "logprobs": message.logprobs,
        }
        changes = {
            "rivals": [before, reply.record()],
            "chosen": None,
            "redone": detail.get("redone", 0) + 1,
        }
        changed = conversations.update_detail(site.store, message.id, labeler_id, changes)
        yield line(message=as_html(chat, changed))
    except Exception as error:
        yield failed(error)


def line(**event: Any) -> str:
    return json.dumps(event, ensure_ascii=False) + "\n"


def failed(error: Exception) -> str:
    """The last line of a stream that broke."""
    if isinstance(error, TutelageError):
        return line(error=" ".join(str(error).split()))
    logger.exception("a reply broke", exc_info=error)
    return line(error=UNFORESEEN)


def command_of(message: ChatMessage) -> str:
    """What a reply proposes to run, or nothing."""
    text = message.content
    is_reply = message.role == "assistant" and text.startswith(COMMAND)
    return text[len(COMMAND) :].strip() if is_reply else ""


def commands_ran(chat: Chat) -> list[str]:
    """The commands that a conversation has run, in order."""
    return [command_of(m) for m in chat.messages if m.detail and "output" in m.detail]


def as_html(chat: Chat, message: ChatMessage) -> str:
    """A message as it stands in the page."""
    return fragment(
        "message.html", message=message_values(message), chat_id=chat.id, readonly=False
    )


def message_values(message: ChatMessage) -> dict[str, Any]:
    """What the template needs of a message."""
    detail = message.detail or {}
    rivals = detail.get("rivals") or []
    pending = len(rivals) > 1 and detail.get("chosen") is None
    return {
        "id": message.id,
        "role": message.role,
        "text": message.content,
        "command": command_of(message),
        "name": display_name(message.stage) if message.stage else "",
        "version": detail.get("version", 0),
        "colour": colour(message.stage) if message.stage else "",
        "output": detail.get("output"),
        "thumb": detail.get("thumb"),
        "edited": "edited_from" in detail,
        "stopped": bool(detail.get("stopped")),
        "chosen": detail.get("chosen"),
        "question": detail.get("question") if "answer" not in detail else None,
        "answer": detail.get("answer"),
        "rivals": [
            {
                "text": rival["text"],
                "name": display_name(rival["stage"]),
                "colour": colour(rival["stage"]),
            }
            for rival in rivals
        ]
        if pending
        else [],
    }

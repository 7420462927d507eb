"""The chat pages: messages, commands, judgements, sharing and export."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, Field, StringConstraints

from tutelage.errors import BadInput
from tutelage.labelling import conversations, labels
from tutelage.labelling.asking import action_of
from tutelage.labelling.records import Chat, ChatMessage
from tutelage.web.asking import check_question
from tutelage.web.errors import Refused
from tutelage.web.models import colour, display_name
from tutelage.web.numbers import Number
from tutelage.web.render import page
from tutelage.web.replies import (
    as_html,
    check_room,
    command_of,
    commands_ran,
    message_values,
    stoppable,
    stream_replies,
    stream_second_reply,
)
from tutelage.web.security import Serving, Visiting, Visitor, slow_down
from tutelage.web.site import Site

Key = Annotated[str, StringConstraints(min_length=8, max_length=100, pattern=r"^[\w-]+$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=32_000)]
STOP_S = 300.0  # for how long a stop waits for its reply to begin
STREAM = {"x-accel-buffering": "no"}


class Say(BaseModel):
    conversation: Number | None = None
    text: Words
    stages: Annotated[list[Annotated[str, Field(max_length=80)]], Field(min_length=1, max_length=2)]
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    memory: Annotated[int, Field(ge=0, le=50)] = 0  # earlier exchanges that the model reads
    key: Key


class Of(BaseModel):
    """Something done to one message of a conversation."""

    conversation: Number
    message: Number
    key: Key


class Thumb(Of):
    good: bool


class Edit(Of):
    text: Words


class Choice(Of):
    better: Literal[0, 1] | None  # None: as good


class Answer(Of):
    right: bool


class Stop(BaseModel):
    key: Key


def chat_page(request: Request, visitor: Visiting, site: Serving) -> Response:
    """A new conversation."""
    return _page(request, visitor, site, None)


def conversation_page(
    request: Request, visitor: Visiting, site: Serving, number: Number
) -> Response:
    return _page(request, visitor, site, _own(site, visitor, number))


def _page(request: Request, visitor: Visitor, site: Site, chat: Chat | None) -> Response:
    names = site.models.names()
    return page(
        request,
        "chat.html",
        chat=chat,
        messages=[message_values(message) for message in chat.messages] if chat else [],
        history=conversations.conversations_of(site.store, visitor.person.id),
        stages=[{"key": n, "name": display_name(n), "colour": colour(n)} for n in reversed(names)],
        files=_files(site, chat),
        share=str(request.url_for("shared_page", token=chat.share)) if chat and chat.share else "",
        readonly=False,
    )


def say(body: Say, visitor: Visiting, site: Serving) -> Response:
    """Store a person's message and stream the reply, or two replies."""
    person = visitor.person.id
    slow_down(site.generations.wait_s(f"person {person}"))
    words = [{"role": "user", "content": body.text.strip()}]
    for stage in body.stages:  # refused before anything is stored
        check_room(site.models.speaker(stage), words)
    if not body.text.strip():
        raise BadInput("There is nothing to send yet; type something first.")
    if body.conversation is None:
        chat = conversations.new_conversation(site.store, person)
    else:
        chat = _own(site, visitor, body.conversation)
    message = conversations.add_message(site.store, chat.id, person, "user", body.text.strip())
    chat = _own(site, visitor, chat.id)
    stream = stream_replies(
        site,
        person,
        chat,
        message,
        body.stages,
        body.memory,
        body.temperature,
        body.key,
    )
    return _streamed(site, visitor, body.key, stream)


def redo(body: Of, visitor: Visiting, site: Serving) -> Response:
    """A second reply, to be compared with the last one."""
    slow_down(site.generations.wait_s(f"person {visitor.person.id}"))
    chat, message = _reply(site, visitor, body)
    if message.id != chat.messages[-1].id:
        raise BadInput("Only the last reply can be done again.")
    stream = stream_second_reply(site, visitor.person.id, chat, message, body.key)
    return _streamed(site, visitor, body.key, stream)


def _streamed(site: Site, visitor: Visitor, key: str, stream: Iterator[str]) -> Response:
    lines = stoppable(site, visitor.person.id, key, stream)
    return StreamingResponse(lines, media_type="application/x-ndjson", headers=STREAM)


def stop(body: Stop, visitor: Visiting, site: Serving) -> Response:
    """End a reply where it is, or before it begins: a stop may overtake what it stops."""
    now = time.monotonic()
    for ended, at in list(site.stopped.items()):
        if now - at > STOP_S:
            site.stopped.pop(ended, None)
    site.stopped[visitor.person.id, body.key] = now
    return Response(status_code=204)


def thumb(body: Thumb, visitor: Visiting, site: Serving) -> Response:
    """Good or bad, kept as a label."""
    chat, message = _reply(site, visitor, body)
    value = {**_reply_fields(chat, message), "response": message.content, "good": body.good}
    labels.add_thumb(site.store, visitor.person.id, value, body.key)
    if "thumb" not in (message.detail or {}):
        action = action_of(command_of(message) or message.content)
        site.asking.take_thumb(message, action, visitor.person.id, body.good)
    return _changed(site, visitor, chat, message, {"thumb": body.good})


def edit(body: Edit, visitor: Visiting, site: Serving) -> Response:
    """The reply as it should have been, kept as a label; it takes the reply's place."""
    chat, message = _reply(site, visitor, body)
    value = {**_reply_fields(chat, message), "response": message.content, "edited": body.text}
    labels.add_label(site.store, visitor.person.id, "edit", value, body.key)
    kept = {"prompt": value["prompt"], "edited_from": message.content}
    return _replaced(site, visitor, chat, message, body.text, message.stage, kept)


def choose(body: Choice, visitor: Visiting, site: Serving) -> Response:
    """Which of two replies is better, kept as a label; the better one stays."""
    chat, message = _reply(site, visitor, body)
    detail = message.detail or {}
    rivals = detail.get("rivals") or []
    if len(rivals) != 2 or detail.get("chosen") is not None:
        raise BadInput("There are no two replies to choose from here; the choice was made.")
    ranking = [[0, 1]] if body.better is None else [[body.better], [1 - body.better]]
    value = {
        "prompt": detail["prompt"],
        "responses": [rival["text"] for rival in rivals],
        "stages": [rival["stage"] for rival in rivals],
        "ranking": ranking,
        "conversation": chat.id,
        "message": message.id,
    }
    key = f"choice {message.id}.{detail.get('redone', 0)}"  # one of each two replies
    labels.add_label(site.store, visitor.person.id, "choice", value, key)
    chosen = "tie" if body.better is None else body.better
    if chosen != 1:
        return _changed(site, visitor, chat, message, {"chosen": chosen})
    kept = {**detail, "chosen": 1, "version": rivals[1]["version"]}
    return _replaced(site, visitor, chat, message, rivals[1]["text"], rivals[1]["stage"], kept)


def run(body: Of, visitor: Visiting, site: Serving) -> Response:
    """Run the command that a reply proposes, on the conversation's copy of the files."""
    chat, message = _reply(site, visitor, body)
    command = command_of(message)
    if not command:
        raise BadInput("This reply proposes no command.")
    slow_down(site.generations.wait_s(f"person {visitor.person.id}"))
    output = site.worlds.run(chat.id, command, lambda: commands_ran(chat))
    changes: dict[str, Any] = {"output": output}
    if question := site.asking.about(message, action_of(command), visitor.person.id):
        changes["question"] = question
    return _changed(site, visitor, chat, message, changes, files=True)


def answer(body: Answer, visitor: Visiting, site: Serving) -> Response:
    """What a person says when the assistant asks whether it was right, kept as a label."""
    chat, message = _reply(site, visitor, body)
    question = check_question(message)
    value = {
        **_reply_fields(chat, message),
        "response": message.content,
        "right": body.right,
        "asked_because": question["sentence"],
        "propensity": question["propensity"],
    }
    labels.add_label(site.store, visitor.person.id, "answer", value, f"answer {message.id}")
    site.asking.take_answer(message, question, visitor.person.id, body.right)
    return _changed(site, visitor, chat, message, {"answer": body.right})


def share(request: Request, number: Number, visitor: Visiting, site: Serving) -> Response:
    """A link by which anybody who has it may read the conversation."""
    token = conversations.share(site.store, number, visitor.person.id)
    return JSONResponse({"link": str(request.url_for("shared_page", token=token))})


def unshare(number: Number, visitor: Visiting, site: Serving) -> Response:
    conversations.unshare(site.store, number, visitor.person.id)
    return Response(status_code=204)


def delete(number: Number, visitor: Visiting, site: Serving) -> Response:
    conversations.delete_conversation(site.store, number, visitor.person.id)
    site.worlds.forget(number)
    return Response(status_code=204)


def shared_page(request: Request, token: str, visitor: Visiting, site: Serving) -> Response:
    """A shared conversation, to be read only."""
    chat = conversations.shared(site.store, token)
    if chat is None:
        raise Refused(404, "There is no conversation behind this link any more.")
    messages = [message_values(message) for message in chat.messages]
    answer = page(request, "shared.html", chat=chat, messages=messages, readonly=True)
    answer.headers["x-robots-tag"] = "noindex"
    return answer


def export(
    number: Number, visitor: Visiting, site: Serving, form: Literal["jsonl", "md"] = "jsonl"
) -> Response:
    """The conversation as a demonstration in JSONL, or as Markdown."""
    chat = _own(site, visitor, number)
    if form == "jsonl":
        messages = [{"role": m.role, "content": m.content} for m in chat.messages]
        text = json.dumps({"messages": messages}, ensure_ascii=False) + "\n"
        kind = "application/jsonl"
    else:
        text, kind = markdown_of(chat), "text/markdown"
    headers = {"content-disposition": f'attachment; filename="conversation_{chat.id}.{form}"'}
    return Response(text.encode("utf-8", "replace"), media_type=kind, headers=headers)


def markdown_of(chat: Chat) -> str:
    """A heading for each message, and outputs in fences longer than any run of ticks in them."""
    parts = [f"# {chat.title or 'Conversation'}"]
    for message in chat.messages:
        name = display_name(message.stage) if message.stage else "You"
        parts += [f"## {name}", message.content]
        output = (message.detail or {}).get("output")
        if output is not None:
            fence = "```"
            while fence in output:
                fence += "`"
            parts.append(f"{fence}text\n{output}\n{fence}")
    return "\n\n".join(parts) + "\n"


def _own(site: Site, visitor: Visitor, number: int) -> Chat:
    try:
        return conversations.conversation(site.store, number, visitor.person.id)
    except BadInput as error:
        raise Refused(404, str(error)) from None


def _reply(site: Site, visitor: Visitor, body: Of) -> tuple[Chat, ChatMessage]:
    """The message that a request is about, which a model must have written."""
    chat = _own(site, visitor, body.conversation)
    for message in chat.messages:
        if message.id == body.message and message.role == "assistant":
            return chat, message
    raise Refused(404, "That reply is no longer in this conversation; open the page again.")


def _reply_fields(chat: Chat, message: ChatMessage) -> dict[str, Any]:
    """The fields that every label of a reply has."""
    prompt = (message.detail or {})["prompt"]
    return {
        "prompt": prompt,
        "stage": message.stage,
        "conversation": chat.id,
        "message": message.id,
    }


def _changed(
    site: Site,
    visitor: Visitor,
    chat: Chat,
    message: ChatMessage,
    changes: dict[str, Any],
    *,
    files: bool = False,
) -> Response:
    changed = conversations.update_detail(site.store, message.id, visitor.person.id, changes)
    answer: dict[str, Any] = {"message": as_html(chat, changed)}
    if files:
        answer["files"] = site.worlds.listing(chat.id, lambda: commands_ran(chat))
    return JSONResponse(answer)


def _replaced(
    site: Site,
    visitor: Visitor,
    chat: Chat,
    message: ChatMessage,
    text: str,
    stage: str,
    detail: dict[str, Any],
) -> Response:
    """Another text in the place of a reply; later messages are dropped."""
    conversations.drop_from(site.store, message.id, visitor.person.id)
    made = conversations.add_message(
        site.store, chat.id, visitor.person.id, "assistant", text, stage=stage, detail=detail
    )
    return JSONResponse({"message": as_html(chat, made), "after": "gone"})


def _files(site: Site, chat: Chat | None) -> list[str]:
    """The files of the conversation's copy; none where they cannot be had."""
    started = chat is not None and any("output" in (m.detail or {}) for m in chat.messages)
    if chat is None or not started:
        return site.worlds.listing(None, list)
    return site.worlds.listing(chat.id, lambda: commands_ran(chat))

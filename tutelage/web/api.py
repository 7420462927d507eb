"""The API of OpenAI's clients: /v1/models, /v1/chat/completions, /v1/completions.

Log-probabilities are the model's own, at temperature 1. A token's text is what became readable
with it, so that the tokens' texts joined are the reply.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, Field, StringConstraints

from tutelage.device import seeded
from tutelage.errors import BadInput
from tutelage.schema import Message
from tutelage.text.tokenizer import Tokenizer
from tutelage.web.models import Draw, Piece, Speaker, read_logprobs, speak
from tutelage.web.security import Caller, Serving

Text = Annotated[str, StringConstraints(max_length=100_000)]
Stop = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Tokens = list[Annotated[int, Field(ge=0)]]
MOST_CHOICES, MOST_PROMPTS, MOST_MESSAGES = 16, 64, 1000
STREAM = {"cache-control": "no-store", "x-accel-buffering": "no"}


class Part(BaseModel):
    type: Literal["text"]
    text: Text


class ChatMessage(BaseModel):
    """A message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Text | Annotated[list[Part], Field(max_length=100)]

    def message(self) -> Message:
        content = self.content
        text = content if isinstance(content, str) else "".join(part.text for part in content)
        return Message("system" if self.role == "developer" else self.role, text)


class StreamOptions(BaseModel):
    include_usage: bool = False


class CompletionRequest(BaseModel):
    """Fields of both kinds of request."""

    model: Annotated[str, StringConstraints(max_length=200)]
    temperature: Annotated[float, Field(ge=0, le=2)] | None = 1.0
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    n: Annotated[int, Field(ge=1, le=MOST_CHOICES)] | None = 1
    stop: Stop | Annotated[list[Stop], Field(max_length=4)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    stream: bool | None = False
    stream_options: StreamOptions | None = None

    def stops(self) -> tuple[str, ...]:
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())

    def draw(self, most: int, top: int) -> Draw:
        if self.top_p is not None and self.top_p != 1:
            raise BadInput("top_p is not supported: leave it out or at 1, and use temperature.")
        temperature = 1.0 if self.temperature is None else self.temperature
        return Draw(max_new_tokens=most, temperature=temperature, stops=self.stops(), top=top)


class ChatRequest(CompletionRequest):
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MOST_MESSAGES)]
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    logprobs: bool | None = False
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    tools: list[Any] | None = None
    response_format: dict[str, Any] | None = None


class TextRequest(CompletionRequest):
    prompt: (
        Text
        | Annotated[list[Text], Field(min_length=1, max_length=MOST_PROMPTS)]
        | Annotated[Tokens, Field(min_length=1, max_length=100_000)]
        | Annotated[list[Tokens], Field(min_length=1, max_length=MOST_PROMPTS)]
    ) = ""
    max_tokens: Annotated[int, Field(ge=0)] | None = 16
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    echo: bool | None = False


def list_models(caller: Caller, site: Serving) -> dict[str, Any]:
    """The run's stages that speak."""
    return {"object": "list", "data": [_model(name) for name in site.models.names()]}


def get_model(name: str, caller: Caller, site: Serving) -> dict[str, Any]:
    return _model(site.models.speaker(name).name)


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "tutelage"}


def chat_completions(body: ChatRequest, caller: Caller, site: Serving) -> Response:
    """A reply to a conversation, whole or streamed."""
    if body.tools or (body.response_format or {}).get("type", "text") != "text":
        raise BadInput("These models use no tools and answer in plain text only; leave that out.")
    speaker = site.models.speaker(body.model)
    prompt = speaker.tokenizer.encode_prompt(tuple(message.message() for message in body.messages))
    room(speaker, prompt)
    most = body.max_completion_tokens or body.max_tokens or site.options.max_new_tokens
    top = body.top_logprobs or 0
    draw = body.draw(min(most, MOST_NEW), top)
    count = body.n or 1
    seed = body.seed if body.seed is not None else secrets.randbits(60)
    head = {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "created": int(time.time()),
        "model": body.model,
        "system_fingerprint": f"v{speaker.version}",
    }
    replies = [speak(speaker, prompt, draw, seeded("api", seed, choice)) for choice in range(count)]
    if body.stream:
        usage = bool(body.stream_options and body.stream_options.include_usage)
        events = _chat_events(body, speaker, replies, head, len(prompt) if usage else None)
        return StreamingResponse(events, media_type="text/event-stream", headers=STREAM)
    choices, written = [], 0
    for index, reply in enumerate(replies):
        pieces = list(reply)
        written += len(pieces)
        choices.append(
            {
                "index": index,
                "message": {
                    "role": "assistant",
                    "content": "".join(piece.text for piece in pieces),
                    "refusal": None,
                },
                "logprobs": _chat_logprobs(speaker.tokenizer, pieces) if body.logprobs else None,
                "finish_reason": pieces[-1].finish,
            }
        )
    usage_of = _usage(len(prompt), written)
    return JSONResponse(
        {**head, "object": "chat.completion", "choices": choices, "usage": usage_of}
    )


MOST_NEW = 4096  # tokens of a reply, whatever the request wants


def room(speaker: Speaker, prompt: list[int]) -> None:
    """Refuse a prompt that leaves no room for a reply, before the first byte is sent."""
    most = speaker.model.context - 1
    if len(prompt) > most:
        raise BadInput(f"The prompt has {len(prompt)} tokens; this model reads at most {most}.")


def _chat_events(
    body: ChatRequest,
    speaker: Speaker,
    replies: list[Iterator[Piece]],
    head: dict[str, Any],
    prompt_tokens: int | None,
) -> Iterator[str]:
    head = {**head, "object": "chat.completion.chunk"}
    written = 0

    def event(index: int, delta: dict[str, Any], finish: str | None, logprobs: Any = None) -> str:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return _event({**head, "choices": [choice]})

    for index, reply in enumerate(replies):
        yield event(index, {"role": "assistant", "content": ""}, None)
        for piece in reply:
            written += 1
            logprobs = _chat_logprobs(speaker.tokenizer, [piece]) if body.logprobs else None
            if piece.text or logprobs:
                yield event(index, {"content": piece.text}, None, logprobs)
            if piece.finish:
                yield event(index, {}, piece.finish)
    if prompt_tokens is not None:
        yield _event({**head, "choices": [], "usage": _usage(prompt_tokens, written)})
    yield "data: [DONE]\n\n"


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value)}\n\n"


def _usage(prompt: int, written: int) -> dict[str, int]:
    total = prompt + written
    return {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": total}


def _chat_logprobs(tokenizer: Tokenizer, pieces: list[Piece]) -> dict[str, Any]:
    content = []
    for piece in pieces:
        entry = _token(piece.text, piece.logprob)
        entry["top_logprobs"] = [
            _token(tokenizer.decode_reply([token]), logprob) for token, logprob in piece.top
        ]
        content.append(entry)
    return {"content": content, "refusal": None}


def _token(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode("utf-8", "replace"))}


def completions(body: TextRequest, caller: Caller, site: Serving) -> Response:
    """Text that goes on from a prompt, as pretraining reads: after the sign of a new document."""
    speaker = site.models.speaker(body.model)
    prompts = _prompts(body, speaker)
    most = 16 if body.max_tokens is None else body.max_tokens
    draw = body.draw(min(max(most, 1), MOST_NEW), body.logprobs or 0)
    count = body.n or 1
    if len(prompts) * count > MOST_PROMPTS:
        raise BadInput(f"At most {MOST_PROMPTS} choices a request: fewer prompts or a smaller n.")
    for prompt in prompts:
        if most:
            room(speaker, prompt)
    seed = body.seed if body.seed is not None else secrets.randbits(60)
    head = {
        "id": f"cmpl-{secrets.token_hex(12)}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": body.model,
        "system_fingerprint": f"v{speaker.version}",
    }
    choices: Choices = (
        (index, _entries(body, speaker, prompt, most, draw, seeded("api", seed, index)))
        for index, prompt in enumerate(prompt for prompt in prompts for _ in range(count))
    )
    if body.stream:
        events = _text_events(choices, head)
        return StreamingResponse(events, media_type="text/event-stream", headers=STREAM)
    whole = [_whole_choice(index, parts) for index, parts in choices]
    read = sum(len(prompt) - 1 for prompt in prompts)
    written = sum(choice.pop("written") for choice in whole)
    return JSONResponse({**head, "choices": whole, "usage": _usage(read, written)})


def _prompts(body: TextRequest, speaker: Speaker) -> list[list[int]]:
    """Tokens of each prompt, after the sign that begins a document."""
    given = body.prompt
    many: list[Any] = [given] if isinstance(given, str) or _is_tokens(given) else list(given)
    prompts = []
    for prompt in many:
        tokens = speaker.tokenizer.encode(prompt) if isinstance(prompt, str) else list(prompt)
        if any(token >= speaker.model.vocabulary for token in tokens):
            raise BadInput(f"Token ids must lie below {speaker.model.vocabulary}.")
        if len(tokens) >= speaker.model.context:
            most = speaker.model.context - 1
            raise BadInput(f"The prompt has {len(tokens)} tokens; this model reads at most {most}.")
        prompts.append([speaker.tokenizer.document, *tokens])
    return prompts


def _is_tokens(prompt: object) -> bool:
    return isinstance(prompt, list) and isinstance(prompt[0], int)


Entry = tuple[str, float, dict[str, float], str | None, bool]  # text, logprob, top, finish, written
Choices = Iterator[
    tuple[int, Iterator[tuple[Entry, bool]]]
]  # number; entries, with log-probs or not


def _entries(
    body: TextRequest, speaker: Speaker, prompt: list[int], most: int, draw: Draw, generator: Any
) -> Iterator[tuple[Entry, bool]]:
    """Entries of one choice; with echo the prompt's own come first."""
    wants = body.logprobs is not None
    tokenizer = speaker.tokenizer
    if body.echo:
        read = read_logprobs(speaker, prompt, draw.top) if wants else []
        shown_text = ""
        for place in range(1, len(prompt)):
            text = tokenizer.decode(prompt[: place + 1])
            logprob, top = read[place - 1] if wants else (0.0, ())
            yield (text[len(shown_text) :], logprob, _named(tokenizer, top), None, False), wants
            shown_text = text
    if most == 0:
        yield ("", 0.0, {}, "length", False), False
        return
    for piece in speak(speaker, prompt, draw, generator, is_reply=False):
        named = _named(tokenizer, piece.top)
        yield (piece.text, piece.logprob, named, piece.finish, True), wants


def _named(tokenizer: Tokenizer, top: tuple[tuple[int, float], ...]) -> dict[str, float]:
    named: dict[str, float] = {}
    for token, logprob in top:
        name = tokenizer.decode([token]) or str(tokenizer.inner.id_to_token(token))
        named[name] = max(logprob, named.get(name, float("-inf")))
    return named


def _whole_choice(index: int, entries: Iterator[tuple[Entry, bool]]) -> dict[str, Any]:
    text, finish, written = "", None, 0
    logprobs: dict[str, list[Any]] | None = None
    for (part, logprob, top, ended, is_new), wants in entries:
        if wants:
            if logprobs is None:
                names = ("tokens", "token_logprobs", "top_logprobs", "text_offset")
                logprobs = {name: [] for name in names}
            logprobs["tokens"].append(part)
            logprobs["token_logprobs"].append(logprob)
            logprobs["top_logprobs"].append(top)
            logprobs["text_offset"].append(len(text))
        text += part
        written += is_new
        finish = ended or finish
    return {
        "index": index,
        "text": text,
        "logprobs": logprobs,
        "finish_reason": finish,
        "written": written,
    }


def _text_events(choices: Choices, head: dict[str, Any]) -> Iterator[str]:
    for index, entries in choices:
        offset = 0
        for (text, logprob, top, finish, _), wants in entries:
            logprobs = {
                "tokens": [text],
                "token_logprobs": [logprob],
                "top_logprobs": [top],
                "text_offset": [offset],
            }
            offset += len(text)
            choice = {
                "index": index,
                "text": text,
                "logprobs": logprobs if wants else None,
                "finish_reason": finish,
            }
            yield _event({**head, "choices": [choice]})
    yield "data: [DONE]\n\n"

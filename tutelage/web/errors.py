"""Failures as a person meets them: a page in the browser, JSON for a script, OpenAI's shape for
the API. Each says what to do and keeps what was typed."""

from __future__ import annotations

import contextlib
import errno
import logging
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from tutelage.errors import (
    BadInput,
    LeaseLost,
    NotAllowed,
    SandboxUnavailable,
    StoreUnavailable,
    TooManyTries,
    TutelageError,
)
from tutelage.web.models import UnknownModel
from tutelage.web.render import page

API = "/v1/"
HIDDEN = ("csrf", "password", "key")  # fields that a page never shows again
KNOWN = {
    401: "Sign in first.",
    403: "That is not yours to do.",
    404: "There is no such page.",
    405: "That page cannot be used in this way.",
    413: "That is too large to be read.",
}
STATUS: dict[type[TutelageError], int] = {
    UnknownModel: 404,
    BadInput: 400,
    LeaseLost: 409,
    TooManyTries: 429,
    NotAllowed: 403,
    SandboxUnavailable: 503,
    StoreUnavailable: 503,
}
UNFORESEEN = (
    "Something broke in the server; what was stored before is safe. Try again, and if it "
    "happens again, look at what the server printed."
)
logger = logging.getLogger(__name__)


class Refused(HTTPException):
    """A request that is not done, with the sentence that says why and what to do."""

    def __init__(self, status: int, sentence: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, sentence, headers)


async def of_http(request: Request, error: Exception) -> Response:
    """Handler of HTTPException: its own sentence, or ours for the framework's bare phrase."""
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    sentence = str(error.detail)
    if sentence == phrase:
        sentence = KNOWN.get(error.status_code, f"{phrase}.")
    return await answer(request, error.status_code, sentence, error.headers)


async def of_validation(request: Request, error: Exception) -> Response:
    """Handler of fields that are missing or of a wrong kind: the first of them, by name."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:]) or "the request"
    message = str(first["msg"]).removeprefix("Value error, ")
    sentence = f"{place}: {message[:1].lower()}{message[1:]}."
    status = 400 if request.url.path.startswith(API) else 422  # as OpenAI's servers answer
    return await answer(request, status, sentence)


async def of_ours(request: Request, error: Exception) -> Response:
    """Handler of TutelageError, whose message is already a sentence with a cure."""
    assert isinstance(error, TutelageError)
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    return await answer(request, status, " ".join(str(error).split()))


async def of_unforeseen(request: Request, error: Exception) -> Response:
    """Handler of everything else: logged with its traceback, answered without it."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        sentence = "The disk is full: nothing was stored. Free some space and try again."
        return await answer(request, 507, sentence)
    logger.exception("%s %s", request.method, request.url.path, exc_info=error)
    return await answer(request, 500, UNFORESEEN)


async def answer(
    request: Request, status: int, sentence: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The failure in the shape that the asker reads."""
    if request.url.path.startswith(API):
        return JSONResponse(openai_error(status, sentence), status, headers)
    if not wants_page(request):
        return JSONResponse({"error": sentence}, status, headers)
    typed = await _typed(request)
    response = page(request, "error.html", sentence=sentence, typed=typed, status_code=status)
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks, not a script of ours or of theirs."""
    return "text/html" in request.headers.get("accept", "")


def openai_error(status: int, sentence: str, param: str | None = None) -> dict[str, object]:
    """The API's error object as OpenAI's clients read it."""
    kinds = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "invalid_request_error" if status < 500 else "server_error")
    code = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}.get(status)
    return {"error": {"message": sentence, "type": kind, "param": param, "code": code}}


async def _typed(request: Request) -> list[tuple[str, str]]:
    """Texts of the form that failed, so that nothing typed is lost."""
    form = getattr(request.state, "form", FormData())
    if not form and "form" in request.headers.get("content-type", ""):
        with contextlib.suppress(Exception):  # the form itself may be what could not be read
            form = await request.form()
    return [
        (name, value)
        for name, value in form.multi_items()
        if isinstance(value, str) and value.strip() and name not in HIDDEN
    ]

"""Every address of the site: its method, path and function, who may ask, and how much they send."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fastapi import Depends

from tutelage.web import api, chat, label, manage, runs, welcome
from tutelage.web.security import (
    MOST_BYTES,
    SAFE,
    check_csrf,
    find_caller,
    heed,
    need_admin,
    need_person,
)

Who = Literal["anyone", "person", "admin", "key"]


NEEDS: dict[Who, list[Callable[..., Any]]] = {
    "anyone": [],
    "person": [need_person],
    "admin": [need_admin],
    "key": [find_caller],
}


@dataclass(frozen=True)
class Route:
    """A route. Whatever changes something needs a CSRF token, without saying so here."""

    method: str
    path: str
    function: Callable[..., Any]
    who: Who = "person"
    most_bytes: int = MOST_BYTES  # of the request's body

    def dependencies(self) -> Sequence[Any]:
        needs: list[Any] = [heed, *NEEDS[self.who]]
        if self.method not in SAFE and self.who != "key":  # a key travels in no cookie
            needs.append(check_csrf)
        return [Depends(need) for need in needs]


ROUTES = (
    Route("GET", "/", welcome.home),
    Route("GET", "/sign-in", welcome.sign_in_page, "anyone"),
    Route("POST", "/sign-in", welcome.sign_in, "anyone"),
    Route("POST", "/sign-out", welcome.sign_out),
    Route("GET", "/invitation/{token}", welcome.invitation_page, "anyone"),
    Route("POST", "/invitation/{token}", welcome.accept, "anyone"),
    Route("GET", "/chat", chat.chat_page),
    Route("POST", "/chat/say", chat.say),
    Route("POST", "/chat/redo", chat.redo),
    Route("POST", "/chat/stop", chat.stop),
    Route("POST", "/chat/thumb", chat.thumb),
    Route("POST", "/chat/edit", chat.edit),
    Route("POST", "/chat/choose", chat.choose),
    Route("POST", "/chat/run", chat.run),
    Route("POST", "/chat/answer", chat.answer),
    Route("GET", "/chat/{number}", chat.conversation_page),
    Route("DELETE", "/chat/{number}", chat.delete),
    Route("GET", "/chat/{number}/export", chat.export),
    Route("POST", "/chat/{number}/share", chat.share),
    Route("POST", "/chat/{number}/unshare", chat.unshare),
    Route("GET", "/shared/{token}", chat.shared_page, "anyone"),
    Route("GET", "/label", label.label_page),
    Route("GET", "/runs", runs.runs_page),
    Route("GET", "/runs/compare", runs.compare_page),
    Route("GET", "/runs/{name}", runs.run_page),
    Route("GET", "/runs/{name}/live", runs.live),
    Route("GET", "/plotly.js", runs.plotly, "anyone"),
    Route("GET", "/v1/models", api.list_models, "key"),
    Route("GET", "/v1/models/{name:path}", api.get_model, "key"),
    Route("POST", "/v1/chat/completions", api.chat_completions, "key"),
    Route("POST", "/v1/completions", api.completions, "key"),
    Route("GET", "/manage", manage.manage_page, "admin"),
)

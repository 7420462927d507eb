"""Who asks, and whether they may: sessions, CSRF tokens, roles, headers, hosts and sizes."""

from __future__ import annotations

import hmac
import math
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tutelage.labelling.records import Labeler
from tutelage.labelling.sessions import SESSION_S
from tutelage.labelling.tokens import new_token
from tutelage.web.errors import Refused, of_unforeseen
from tutelage.web.people import person_here, person_of_cookie, person_of_key
from tutelage.web.site import Site, is_loopback

COOKIE = "tutelage_session"
MOST_BYTES = 1_000_000  # of a request's body, where the route says nothing else
SAFE = ("GET", "HEAD", "OPTIONS")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Under no-referrer a browser sends `Origin: null` with a form of our own page.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
STALE = "This page is no longer signed in. Open it again; what you typed is kept here until then."


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Who asks. labeler: None before they sign in."""

    labeler: Labeler | None
    csrf: str  # what a form or script sends back to show that a page of ours made it
    token: str  # of the session, or of the visit before one
    is_local: bool = False  # at this machine, without an account

    @property
    def person(self) -> Labeler:
        """The signed-in person; Refused without one."""
        if self.labeler is None:
            raise Refused(401, "Sign in first.")
        return self.labeler

    @property
    def is_admin(self) -> bool:
        return self.labeler is not None and self.labeler.role == "admin"


def site_of(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


def find_visitor(request: Request) -> Visitor:
    """The visitor, by the cookie; on this machine alone, without accounts, the local person."""
    site = site_of(request)
    token = request.cookies.get(COOKIE, "")
    if not _is_ours(token):
        token = request.state.new_cookie = new_token()
    labeler, csrf = person_of_cookie(site, token)
    here = None if labeler else person_here(site)
    visitor = Visitor(labeler=labeler or here, csrf=csrf, token=token, is_local=here is not None)
    labeler = visitor.labeler
    request.state.visitor = visitor
    key = f"person {labeler.id}" if labeler else f"address {address(request)}"
    slow_down(site.requests.wait_s(key))
    return visitor


def _is_ours(token: str) -> bool:
    """Whether a cookie could have come from here; anything else is replaced."""
    return (
        len(token) == 43 and token.isascii() and token.replace("-", "").replace("_", "").isalnum()
    )


def slow_down(wait_s: float) -> None:
    """Refuse where a limiter says to wait."""
    if wait_s > 0:
        seconds = max(1, math.ceil(wait_s))
        raise Refused(
            429,
            f"That was too much at once: try again in {seconds} s. Nothing was lost.",
            {"retry-after": str(seconds)},
        )


def address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


Visiting = Annotated[Visitor, Depends(find_visitor)]
Serving = Annotated[Site, Depends(site_of)]


def find_caller(request: Request) -> Labeler:
    """Whose program calls the API, by its key."""
    site = site_of(request)
    word, _, key = request.headers.get("authorization", "").partition(" ")
    person = person_of_key(site, key.strip() if word.lower() == "bearer" else "")
    if person is None:
        raise Refused(
            401,
            "A key is needed: send it as `Authorization: Bearer tut-…`. An administrator makes "
            "one on the Manage page, or with `tutelage serve RUN --new-key NAME`.",
            {"www-authenticate": "Bearer"},
        )
    slow_down(site.requests.wait_s(f"person {person.id}"))
    if request.method not in SAFE:
        slow_down(site.generations.wait_s(f"person {person.id}"))
    return person


Caller = Annotated[Labeler, Depends(find_caller)]


def need_person(visitor: Visiting, request: Request) -> None:
    """Refuse whoever has not signed in; a browser is sent to the page where that is done."""
    if visitor.labeler is None:
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            raise Refused(303, "Sign in first.", {"location": "/sign-in"})
        raise Refused(401, STALE)


def need_admin(visitor: Visiting, request: Request) -> None:
    need_person(visitor, request)
    if not visitor.is_admin:
        raise Refused(403, "Only an administrator may do that; ask one of them.")


async def check_csrf(request: Request, visitor: Visiting) -> None:
    """A change counts only with the token that our own page carries."""
    given = request.headers.get("x-csrf-token")
    if given is None and "form" in request.headers.get("content-type", ""):
        # Kept for the page that tells of a failure: the body can be read only once.
        request.state.form = await request.form()
        field = request.state.form.get("csrf")
        given = field if isinstance(field, str) else None
    if given is None or not hmac.compare_digest(given.encode(), visitor.csrf.encode()):
        raise Refused(403, STALE)


class Guard:
    """ASGI middleware: who may name this host, how much they may send, what every answer says.

    sizes: path → most bytes of its body, where that is not MOST_BYTES.
    """

    def __init__(self, app: ASGIApp, site: Site, sizes: dict[str, int]) -> None:
        self.app, self.site, self.sizes = app, site, sizes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self.site.options.public_url:
            scope = _as_requested(scope, self.site.options.public_url)
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        state: MutableMapping[str, Any] = scope.setdefault("state", {})

        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = self._headers(message["headers"], state)
            await send(message)

        scope["refusal"] = self._refusal(scope, headers)
        counted = self._counted(scope, headers, receive)
        try:
            await self.app(scope, counted, answer)
        except Exception as error:  # whatever broke, a person gets a sentence
            response = await of_unforeseen(Request(scope), error)
            if not started:
                await response(scope, counted, answer)

    def _refusal(self, scope: Scope, headers: dict[bytes, str]) -> tuple[int, str] | None:
        """Why this request is not even looked at."""
        host = headers.get(b"host", "")
        # A name that someone else's server resolves to this address must not reach the person who
        # needs no password here.
        if self.site.options.local and not is_loopback(_without_port(host)):
            return 421, f"This server answers at {self.site.options.host} only."
        if scope["method"] not in SAFE and not _is_from_here(headers, host):
            return 403, "Another site's page asked for this, so it was not done."
        length = headers.get(b"content-length", "0")
        most = self.sizes.get(scope["path"], MOST_BYTES)
        if length.isdecimal() and int(length) > most:
            return 413, _too_large(most)
        return None

    def _counted(self, scope: Scope, headers: dict[bytes, str], receive: Receive) -> Receive:
        """receive, which refuses a body that is longer than it may be, whatever its header says."""
        most = self.sizes.get(scope["path"], MOST_BYTES)
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise Refused(413, _too_large(most))
            return message

        return counted

    def _headers(
        self, given: list[tuple[bytes, bytes]], state: MutableMapping[str, Any]
    ) -> list[tuple[bytes, bytes]]:
        names = {name.lower() for name, _ in given}
        added = [(k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in names]
        if b"cache-control" not in names:
            added.append((b"cache-control", b"no-store"))
        if token := state.get("new_cookie"):
            added.append((b"set-cookie", cookie(self.site, token).encode()))
        return [*given, *added]


def _as_requested(scope: Scope, public_url: str) -> Scope:
    """The request under the address that its browser used, which a proxy may not pass on: links
    are made from it, and the origin of a form is compared with it."""
    scheme, _, host = public_url.partition("://")
    headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
    return {**scope, "scheme": scheme, "headers": [(b"host", host.encode()), *headers]}


def cookie(site: Site, token: str) -> str:
    """The Set-Cookie header of a session; no script can read it, no other site's form sends it,
    and where the site has TLS it travels with TLS alone."""
    assert _is_ours(token)
    secure = "; Secure" if site.options.public_url.startswith("https://") else ""
    age = f"Max-Age={SESSION_S:.0f}"
    return f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; {age}{secure}"


def _is_from_here(headers: dict[bytes, str], host: str) -> bool:
    """Whether no other site's page sent a request, by what its browser says of it. Sec-Fetch-Site
    comes with TLS and on this machine alone; it vouches for an origin that was withheld (null), but
    not for another one. Programs send neither header."""
    fetched, origin = headers.get(b"sec-fetch-site", ""), headers.get(b"origin", "")
    if fetched not in ("", "same-origin", "none"):  # none: the person themselves, by a reload
        return False
    if not origin or (origin == "null" and fetched):
        return True
    scheme, _, host_asked = origin.partition("://")
    usual = {"http": ":80", "https": ":443"}.get(scheme, "")  # which an origin leaves out
    return host_asked.lower() == host.lower().removesuffix(usual)


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if name and port.isdecimal() and (name[0] == "[" or ":" not in name) else host


def _too_large(most: int) -> str:
    return f"That is too large: at most {most / 1e6:.1f} MB. Send it in parts."


async def raise_refusal(request: Request) -> None:
    """The first dependency of every route: a refusal of Guard becomes an error like any other."""
    refusal = request.scope.get("refusal")
    if refusal is not None:
        raise Refused(*refusal)

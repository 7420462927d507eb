"""The way in and out: the first page, sign-in, sign-out."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from tutelage.web.render import page
from tutelage.web.security import Serving, Visiting


def home(visitor: Visiting) -> Response:
    return RedirectResponse("/chat", 303)


def sign_in_page(request: Request, visitor: Visiting) -> Response:
    return page(request, "sign_in.html")


def sign_in(request: Request, visitor: Visiting, site: Serving) -> Response:
    return RedirectResponse("/", 303)


def sign_out(visitor: Visiting, site: Serving) -> Response:
    return RedirectResponse("/sign-in", 303)

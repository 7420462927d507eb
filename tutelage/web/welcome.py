"""The way in and out: the first page, sign-in, sign-out, invitations."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import RedirectResponse, Response

from tutelage.errors import BadInput, NotAllowed, TooManyTries
from tutelage.labelling import accounts, sessions
from tutelage.labelling.tokens import new_token
from tutelage.web.render import page
from tutelage.web.security import Serving, Visiting, address


def home(visitor: Visiting) -> Response:
    return RedirectResponse("/chat", 303)


Field = Annotated[str, Form(max_length=1000)]


def sign_in_page(request: Request, visitor: Visiting) -> Response:
    if visitor.labeler is not None:
        return RedirectResponse("/", 303)
    return page(request, "sign_in.html", name="", failure="")


def sign_in(
    request: Request, visitor: Visiting, site: Serving, name: Field, password: Field
) -> Response:
    """A session of its own for the name and password; a failure is shown with the form."""
    try:
        token, _ = sessions.sign_in(site.store, name, password, address(request))
    except NotAllowed as error:
        status = 429 if isinstance(error, TooManyTries) else 401
        return page(request, "sign_in.html", status_code=status, name=name, failure=str(error))
    request.state.new_cookie = token  # not the one of the visit before, which others may know
    return RedirectResponse("/", 303)


def sign_out(request: Request, visitor: Visiting, site: Serving) -> Response:
    sessions.sign_out(site.store, visitor.token)
    request.state.new_cookie = new_token()
    return RedirectResponse("/sign-in", 303)


def invitation_page(request: Request, visitor: Visiting, site: Serving, token: str) -> Response:
    """Where an invited person chooses a name and a password."""
    role = accounts.invitation_role(site.store, token)
    return page(request, "invitation.html", role=role, name="", failure="")


def accept(
    request: Request, visitor: Visiting, site: Serving, token: str, name: Field, password: Field
) -> Response:
    """The account of an invitation, signed in at once."""
    try:
        accounts.accept_invitation(site.store, token, name, password)
    except BadInput as error:
        role = accounts.invitation_role(site.store, token)
        values = {"role": role, "name": name, "failure": str(error)}
        return page(request, "invitation.html", status_code=400, **values)
    request.state.new_cookie, _ = sessions.sign_in(site.store, name, password, address(request))
    return RedirectResponse("/label", 303)

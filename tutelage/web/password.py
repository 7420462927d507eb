"""A new password of one's own."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import RedirectResponse, Response

from tutelage.errors import BadInput, NotAllowed, TooManyTries
from tutelage.labelling import accounts, sessions
from tutelage.web.render import page
from tutelage.web.security import Serving, Visiting, address

Field = Annotated[str, Form(max_length=1000)]
NO_PASSWORD = "Nobody signs in at this machine, so there is no password to change."


def password_page(request: Request, visitor: Visiting) -> Response:
    return page(request, "password.html", failure=NO_PASSWORD if visitor.is_local else "")


def change_password(
    request: Request, visitor: Visiting, site: Serving, old: Field, new: Field
) -> Response:
    """The old one is tried as at the sign-in, so that it cannot be guessed here either. Every
    session and key of theirs ends; this browser gets a new session."""
    if visitor.is_local:
        raise BadInput(NO_PASSWORD)
    person, here = visitor.person, address(request)
    try:
        token, _ = sessions.sign_in(site.store, person.name, old, here)
        sessions.sign_out(site.store, token)  # it was made for the check alone
        accounts.change_password(site.store, person.id, new, person.id)
    except TooManyTries as error:
        return page(request, "password.html", status_code=429, failure=str(error))
    except NotAllowed:
        failure = "This is not your current password."
        return page(request, "password.html", status_code=401, failure=failure)
    except BadInput as error:
        return page(request, "password.html", status_code=400, failure=str(error))
    request.state.new_cookie, _ = sessions.sign_in(site.store, person.name, new, here)
    return RedirectResponse("/", 303)

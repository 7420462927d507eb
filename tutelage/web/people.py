"""Whose request it is: the session of a cookie, the person at this machine, the owner of a key."""

from __future__ import annotations

from tutelage.labelling import accounts, sessions
from tutelage.labelling.records import Labeler
from tutelage.labelling.tokens import csrf_of
from tutelage.web.site import Site


def person_of_cookie(site: Site, token: str) -> tuple[Labeler | None, str]:
    """Who a cookie belongs to, and the CSRF token of their pages."""
    session = sessions.session_of(site.store, token)
    return (session.labeler, session.csrf) if session else (None, csrf_of(token))


def person_here(site: Site) -> Labeler | None:
    """Whoever sits at this machine, where nobody else can reach the server and nobody has an
    account; None where people sign in."""
    if not site.options.local or accounts.has_accounts(site.store):
        return None
    return accounts.local_person(site.store)


def person_of_key(site: Site, key: str) -> Labeler | None:
    """The owner of an API key; where the person at this machine needs no account, their programs
    need no key, but one of our keys that is no longer valid is refused."""
    session = sessions.session_of_key(site.store, key)
    if session is not None:
        return session.labeler
    return None if key.startswith(sessions.API_PREFIX) else person_here(site)

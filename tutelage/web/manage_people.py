"""Who may label and manage: roles, invitations, keys of programs, deletion of a person's data."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import RedirectResponse, Response

from tutelage.errors import BadInput
from tutelage.labelling import accounts, sessions
from tutelage.labelling.erase import erase_person, personal_data
from tutelage.labelling.gold import gold_work
from tutelage.labelling.overview import Work, work_of_each
from tutelage.labelling.settings import read_settings
from tutelage.web import label_words as words
from tutelage.web.numbers import Number
from tutelage.web.render import page
from tutelage.web.security import Serving, Visiting
from tutelage.web.site import Site

Text = Annotated[str, Form(max_length=200)]


def people_page(request: Request, visitor: Visiting, site: Serving) -> Response:
    return _people_page(request, site)


def invite(request: Request, visitor: Visiting, site: Serving, role: Text) -> Response:
    """A link that works once. It is on this answer alone: only its hash is kept."""
    token = accounts.invite(site.store, visitor.person.id, role)
    link = f"{request.url.scheme}://{request.headers['host']}/invitation/{token}"
    return _people_page(request, site, link=link, invited=role)


def revoke_invitation(visitor: Visiting, site: Serving, number: Number) -> Response:
    """Its link says from now on that it was revoked."""
    accounts.revoke_invitation(site.store, number, visitor.person.id)
    return RedirectResponse("/manage/people", 303)


def change_role(visitor: Visiting, site: Serving, number: Number, role: Text) -> Response:
    accounts.change_role(site.store, number, role, visitor.person.id)
    return RedirectResponse("/manage/people", 303)


def set_active(
    visitor: Visiting, site: Serving, number: Number, active: Annotated[bool, Form()]
) -> Response:
    """Whether somebody may sign in and label; what they did stays."""
    if number == visitor.person.id and not active:
        raise BadInput("This is your own account; ask another admin to deactivate it.")
    accounts.set_active(site.store, number, active, visitor.person.id)
    return RedirectResponse("/manage/people", 303)


def person_data(visitor: Visiting, site: Serving, number: Number) -> Response:
    """Everything that is kept of one person, for them to have."""
    text = json.dumps(personal_data(site.store, number), ensure_ascii=False, indent=1)
    name = f"person-{number}.json"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="application/json", headers=headers)


def erase_page(request: Request, visitor: Visiting, site: Serving, number: Number) -> Response:
    """What will go, before it goes."""
    return _erase_page(request, site, number)


def erase(
    request: Request, visitor: Visiting, site: Serving, number: Number, name: Text = ""
) -> Response:
    """Done only where the name is typed as it is written."""
    person = accounts.get_labeler(site.store, number)
    if name != person.name:
        problem = f"Type the name as it is written, {person.name}, to delete what is theirs."
        return _erase_page(request, site, number, problem)
    erased = erase_person(site.store, number, visitor.person.id)
    return page(request, "manage/erased.html", erased=erased, name=name)


def keys_page(request: Request, visitor: Visiting, site: Serving) -> Response:
    """Everybody's keys: whoever manages the site can take back any of them."""
    return _keys_page(request, site)


def make_key(request: Request, visitor: Visiting, site: Serving, name: Text) -> Response:
    """A key for one's own programs, on this answer alone."""
    key = sessions.make_api_key(site.store, visitor.person.id, name.strip())
    return _keys_page(request, site, key=key)


def revoke_key(visitor: Visiting, site: Serving, number: Annotated[Number, Form()]) -> Response:
    sessions.revoke_api_key(site.store, number, visitor.person.id)
    return RedirectResponse("/manage/keys", 303)


def _people_page(request: Request, site: Site, link: str = "", invited: str = "") -> Response:
    chosen = read_settings(site.store)
    everyone = [one for one in work_of_each(site.store) if not one.erased]
    return page(
        request,
        "manage/people.html",
        everyone=everyone,
        cost_of=lambda one: _cost(one, chosen.cost_an_hour, chosen.currency),
        gold={one.labeler_id: one for one in gold_work(site.store)},
        invitations=accounts.all_invitations(site.store),
        now=site.store.clock(),
        roles=accounts.PERSON_ROLES,
        local=accounts.LOCAL,
        link=link,
        invited=invited,
        words=words,
    )


def _cost(one: Work, an_hour: float, currency: str) -> str:
    """What a label of theirs costs; nothing where an hour has no price."""
    if not an_hour or not one.labels:
        return "—"
    return f"{currency}{one.active_s / 3600 * an_hour / one.labels:.2f}"


def _erase_page(request: Request, site: Site, number: int, problem: str = "") -> Response:
    person = accounts.get_labeler(site.store, number)
    kept = personal_data(site.store, number)
    used = sum(label["used_at"] is not None for label in kept["labels"])
    return page(
        request,
        "manage/erase.html",
        person=person,
        kept=kept,
        used=used,
        problem=problem,
        status_code=400 if problem else 200,
    )


def _keys_page(request: Request, site: Site, key: str = "") -> Response:
    keys = sessions.api_keys(site.store)
    return page(request, "manage/keys.html", keys=keys, key=key, words=words)

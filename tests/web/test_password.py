"""A new password of one's own, by the form."""

from __future__ import annotations

import pytest

from tests.web.people import PAGE, PASSWORD, person_here, sign_in
from tutelage.errors import NotAllowed
from tutelage.labelling import sessions
from tutelage.web.security import COOKIE
from tutelage.web.site import Site

NEW = "another long passphrase"


def test_a_password_is_changed_by_whoever_knows_it(site: Site) -> None:
    ann = sign_in(site, "ann")
    before = ann.client.cookies[COOKIE]
    assert 'href="/password"' in ann.get("/label").text
    assert "New password" in ann.get("/password").text
    wrong = ann.post("/password", old="not my passphrase", new=NEW)
    assert (wrong.status_code, "not your current password" in wrong.text) == (401, True)
    weak = ann.post("/password", old=PASSWORD, new="short")
    assert (weak.status_code, "10 to 200 characters" in weak.text) == (400, True)
    assert sessions.session_of(site.store, before) is not None
    done = ann.post("/password", old=PASSWORD, new=NEW)
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert sessions.session_of(site.store, before) is None
    assert ann.client.get("/label", headers=PAGE, follow_redirects=False).status_code == 200
    with pytest.raises(NotAllowed):
        sessions.sign_in(site.store, "ann", PASSWORD)
    sessions.sign_in(site.store, "ann", NEW)


def test_the_old_password_cannot_be_guessed_here(site: Site) -> None:
    ann = sign_in(site, "ann")
    codes = {ann.post("/password", old="guess", new=NEW).status_code for _ in range(9)}
    assert codes == {401, 429}


def test_the_person_at_this_machine_has_no_password(site: Site) -> None:
    here = person_here(site)
    assert "no password to change" in here.get("/password").text
    answer = here.post("/password", old="x", new=NEW)
    assert (answer.status_code, "no password to change" in answer.text) == (400, True)

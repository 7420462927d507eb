"""People who have signed in, each with a browser of their own."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
from fastapi.testclient import TestClient

from tests.web.conftest import csrf_of
from tutelage.labelling import accounts, sessions
from tutelage.web.app import create_app
from tutelage.web.security import COOKIE
from tutelage.web.site import Site

PAGE = {"accept": "text/html"}
PASSWORD = "a long enough passphrase"


@dataclass
class Person:
    """Asks as a browser without scripts does: pages and forms."""

    id: int
    client: TestClient
    csrf: str

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path, headers=PAGE)

    def post(self, path: str, **fields: object) -> httpx.Response:
        """A form, with its token; the answer before any redirect."""
        data = {"csrf": self.csrf, **fields}
        return self.client.post(path, data=data, headers=PAGE, follow_redirects=False)

    def send(self, path: str, body: object) -> httpx.Response:
        """What a script sends."""
        headers = {"x-csrf-token": self.csrf, "accept": "application/json"}
        return self.client.post(path, json=body, headers=headers)


def person_here(site: Site) -> Person:
    """At this machine, without an account: an admin."""
    client = TestClient(create_app(site), base_url="http://127.0.0.1:8000")
    page = client.get("/label", headers=PAGE)
    return Person(accounts.local_person(site.store).id, client, csrf_of(page.text))


def sign_in(site: Site, name: str, role: str = "labeler") -> Person:
    """A new account, signed in."""
    made = accounts.create_labeler(site.store, name, role, PASSWORD, None)
    client = TestClient(create_app(site), base_url="http://127.0.0.1:8000")
    token, session = sessions.sign_in(site.store, name, PASSWORD)
    client.cookies.set(COOKIE, token)
    return Person(made.id, client, session.csrf)

"""Who is let in, what every answer carries, what is refused."""

from __future__ import annotations

import httpx
import pytest
from fastapi.testclient import TestClient

from tests.web.conftest import csrf_of
from tests.web.serving import served
from tutelage.web.app import create_app
from tutelage.web.limits import Limiter
from tutelage.web.routes import ROUTES
from tutelage.web.site import SiteOptions

PAGE = {"accept": "text/html"}


@pytest.mark.parametrize(
    "path", [r.path for r in ROUTES if r.method == "GET" and "{" not in r.path]
)
def test_pages_carry_the_policy(client, path) -> None:
    answer = client.get(path, headers=PAGE)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_a_change_needs_the_token_of_our_page(client) -> None:
    page = client.get("/chat", headers=PAGE)
    assert client.post("/sign-out", headers=PAGE).status_code == 403
    assert client.post("/sign-out", headers={"x-csrf-token": "x"}).status_code == 403
    token = {"x-csrf-token": csrf_of(page.text)}
    assert client.post("/sign-out", headers=token, follow_redirects=False).status_code == 303


def test_other_hosts_and_origins_are_refused(client) -> None:
    assert client.get("/chat", headers={"host": "evil.example"}).status_code == 421
    token = csrf_of(client.get("/chat", headers=PAGE).text)
    headers = {"x-csrf-token": token, "origin": "http://evil.example"}
    assert client.post("/sign-out", headers=headers).status_code == 403


HERE, ELSEWHERE = "http://127.0.0.1:8000", "http://127.0.0.1:9000"


@pytest.mark.parametrize(
    ("fetched", "origin", "is_done"),
    [
        ("same-origin", HERE, True),
        ("same-origin", "null", True),  # a browser that withholds where its person is
        ("same-origin", None, True),
        ("none", None, True),
        (None, HERE, True),
        (None, None, True),  # a program
        (None, "null", False),
        (None, ELSEWHERE, False),
        ("same-origin", ELSEWHERE, False),
        ("same-site", ELSEWHERE, False),
        ("same-site", None, False),
        ("same-site", HERE, False),
        ("cross-site", "null", False),
        ("cross-site", None, False),
        ("anything", HERE, False),
    ],
)
def test_what_a_browser_says_of_a_form_by_hand(client, fetched, origin, is_done) -> None:
    told = {"sec-fetch-site": fetched, "origin": origin, **PAGE}
    headers = {name: value for name, value in told.items() if value is not None}
    form = {"csrf": csrf_of(client.get("/chat", headers=PAGE).text)}
    answer = client.post("/sign-out", headers=headers, data=form, follow_redirects=False)
    assert answer.status_code == (303 if is_done else 403)
    assert is_done or "Another site" in answer.text


@pytest.mark.parametrize(
    ("public_url", "origin", "is_done"),
    [
        ("https://lab.example", "https://lab.example", True),
        ("https://Lab.Example:443", "https://lab.example", True),
        ("http://lab.example:80", "http://lab.example", True),
        ("https://lab.example:8443", "https://lab.example:8443", True),
        ("https://lab.example:8443", "https://lab.example", False),
        ("https://lab.example", "https://other.lab.example", False),
        ("https://lab.example", "http://127.0.0.1:8000", False),
    ],
)
def test_behind_a_proxy_its_public_address_counts(site, public_url, origin, is_done) -> None:
    site.options = SiteOptions(public_url=public_url)
    with TestClient(create_app(site), base_url="https://127.0.0.1") as client:
        form = {"csrf": csrf_of(client.get("/sign-in", headers=PAGE).text)}
        answer = client.post("/sign-in", headers={"origin": origin, **PAGE}, data=form)
    # Name and password are missing from the form, which is told only to a page of ours.
    assert answer.status_code == (422 if is_done else 403)
    assert is_done or "Another site" in answer.text


def test_a_body_that_is_too_large_is_refused_with_or_without_its_length(client) -> None:
    token = {"x-csrf-token": csrf_of(client.get("/chat", headers=PAGE).text)}
    form = {**token, "content-type": "application/x-www-form-urlencoded"}
    answer = client.post("/sign-in", headers=form, content=b"a" * 1_000_001)
    assert answer.status_code == 413

    def pieces():
        for _ in range(30):
            yield b"a" * 100_000

    del form["x-csrf-token"]
    assert client.post("/sign-in", headers=form, content=pieces()).status_code == 413


def test_unknown_pages_say_so_as_html_and_as_json(client) -> None:
    assert "There is no such page." in client.get("/nowhere", headers=PAGE).text
    assert client.get("/nowhere").json() == {"error": "There is no such page."}
    assert client.get("/v1/nowhere").json()["error"]["type"] == "invalid_request_error"


def test_what_breaks_is_told_without_its_traceback(client, monkeypatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("tutelage.web.chat.page", broken)
    answer = client.get("/chat", headers=PAGE)
    assert answer.status_code == 500
    assert "Something broke" in answer.text
    assert "secret" not in answer.text
    assert "content-security-policy" in answer.headers


def test_a_form_that_breaks_the_server_is_answered_with_what_was_typed(site, monkeypatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("tutelage.labelling.guidelines.publish", broken)
    # Over a real connection: a body that is awaited a second time never comes.
    with served(site) as address, httpx.Client(base_url=address, headers=PAGE) as client:
        csrf = csrf_of(client.get("/manage/guidelines").text)
        form = {"csrf": csrf, "text": "Be kind & brief."}
        answer = client.post("/manage/guidelines", data=form)
    assert answer.status_code == 500
    assert "Something broke" in answer.text
    assert "Be kind &amp; brief." in answer.text


def test_a_limiter_by_hand() -> None:
    now = 0.0
    limiter = Limiter(2.0, 3.0, clock=lambda: now)
    assert [limiter.wait_s("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert limiter.wait_s("b") == 0
    now = 0.5  # one token came back
    assert [limiter.wait_s("a"), limiter.wait_s("a")] == [0, 0.5]

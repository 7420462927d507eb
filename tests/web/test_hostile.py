"""Requests that nobody means well: injections, floods, wrong shapes, guesses."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from tests.web.conftest import csrf_of
from tutelage.labelling import accounts, conversations
from tutelage.web.app import create_app
from tutelage.web.render import markdown
from tutelage.web.routes import ROUTES
from tutelage.web.site import Site, SiteOptions

PAGE = {"accept": "text/html"}
XSS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](http://evil.example/pixel.png)",
    "<a href='javascript:alert(1)'>x</a>",
    "<svg/onload=alert(1)>",
    "```html\n<script>alert(1)</script>\n```",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "[x]: javascript:alert(1)\n\n[x]",
    "<style>*{background:url(http://evil.example)}</style>",
    '[a](http://e.example"onmouseover=alert(1))',
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
)


@pytest.mark.parametrize("text", XSS)
def test_no_markdown_becomes_something_that_acts(text: str) -> None:
    html = str(markdown(text))
    for bad in ("<script", "<img", "<svg", "<iframe", "<style", "<math", 'href="javascript'):
        assert bad not in html, html
    assert 'href="data' not in html
    assert "onerror=alert(1)>" not in html.replace("&gt;", "")
    assert ' onmouseover="' not in html


def test_what_markdown_is_for_stays() -> None:
    html = str(
        markdown("**bold** and `ls`\n\n| a |\n|---|\n| 1 |\n\n[doc](https://docs.python.org)")
    )
    for good in ("<strong>bold</strong>", "<code>ls</code>", "<td>1</td>", 'rel="noopener'):
        assert good in html


def test_markdown_that_would_take_long_is_shown_as_it_is() -> None:
    html = str(markdown("*a " * 10_000 + "<b>"))
    assert html.startswith("<pre>*a ")
    assert html.endswith("&lt;b&gt;</pre>")
    assert str(markdown(">" * 5000)).count("<blockquote>") <= 20


def test_no_direction_mark_or_control_character_reaches_a_page() -> None:
    html = str(markdown("abc\u202egpj.exe\x1b[2J"))
    assert "\u202e" not in html
    assert "\x1b" not in html


@pytest.mark.parametrize("path", ["../app.py", "%2e%2e/app.py", "..%2fapp.py"])
def test_static_files_are_only_those(client, path) -> None:
    assert client.get(f"/static/{path}").status_code == 404


def test_headers_cannot_be_written_from_outside(client, token) -> None:
    for evil in ("x\r\nset-cookie: a=b", "x%0d%0aset-cookie:%20a=b"):
        try:
            answer = client.get(f"/runs/{evil}", headers=PAGE, follow_redirects=False)
        except Exception:  # the client itself refuses to send it
            continue
        assert "a=b" not in answer.headers.get("set-cookie", "")
    client.cookies.set("tutelage_session", 'x"; Domain=evil.example', domain="127.0.0.1")
    answer = client.get("/sign-in", headers=PAGE)
    assert "evil" not in answer.headers.get("set-cookie", "")


NUMBERS = ("9" * 30, "-1", "0", "1e400", "1.5", "inf", "nan", "%00", "none")


@pytest.mark.parametrize(
    ("method", "path"), sorted({(r.method, r.path) for r in ROUTES if "{" in r.path})
)
def test_no_address_breaks_the_server(client, token, method, path) -> None:
    for number in NUMBERS:
        address = re.sub(r"{[^}]*}", number, path)
        answer = client.request(method, address, headers=token, data={"role": "labeler"})
        assert answer.status_code < 500, (address, answer.text)


@pytest.mark.parametrize(
    ("path", "field"), [("/manage/keys/revoke", "number"), ("/manage/gold/retire", "task")]
)
def test_no_number_in_a_form_breaks_the_server(client, token, path, field) -> None:
    for number in NUMBERS:
        answer = client.post(path, headers=token, data={field: number})
        assert 400 <= answer.status_code < 500, (number, answer.text)


@pytest.mark.parametrize("since", NUMBERS)
def test_no_time_breaks_the_effects(client, since) -> None:
    answer = client.get(f"/label/effects?since={since}")
    assert answer.status_code == (200 if since in ("9" * 30, "0", "1.5") else 422)


@pytest.mark.parametrize("name", ["a" * 300, "\U0001f600" * 300, "a\0b", "..", "a/b", "\\"])
def test_no_file_name_breaks_an_upload(client, token, name) -> None:
    answer = client.post(
        "/manage/data", headers=token, data={"what": "tasks"}, files={"file": (name, b"{}\n")}
    )
    assert answer.status_code == 400, answer.text


def test_signing_in_elsewhere(site, run_folder) -> None:
    accounts.create_labeler(site.store, "Ada", "labeler", "correct horse battery", None)
    away = Site(store=site.store, run=run_folder, options=SiteOptions(host="0.0.0.0"))
    with TestClient(create_app(away), base_url="http://lab.example") as client:
        sent = client.get("/chat", headers=PAGE, follow_redirects=False)
        assert (sent.status_code, sent.headers["location"]) == (303, "/sign-in")
        assert client.post("/chat/say", json={}).status_code in (401, 403)
        page = client.get("/sign-in", headers=PAGE)
        before = client.cookies["tutelage_session"]
        form = {"csrf": csrf_of(page.text), "name": "Ada", "password": "wrong"}
        wrong = client.post("/sign-in", data=form, headers=PAGE)
        assert wrong.status_code == 401
        assert "The name or the password is wrong." in wrong.text
        assert 'value="Ada"' in wrong.text
        assert "wrong&" not in wrong.text.replace("wrong.", "")
        form["password"] = "correct horse battery"
        assert client.post("/sign-in", data=form | {"csrf": "no"}).status_code == 403
        came = client.post("/sign-in", data=form, headers=PAGE, follow_redirects=False)
        assert (came.status_code, came.headers["location"]) == (303, "/")
        cookie = came.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert client.cookies["tutelage_session"] != before
        page = client.get("/chat", headers=PAGE)
        assert page.status_code == 200
        assert "/manage" not in page.text
        assert client.get("/manage", headers=PAGE).status_code == 403
        out = {"csrf": csrf_of(page.text)}
        client.post("/sign-out", data=out, headers=PAGE)
        assert client.get("/chat", headers=PAGE, follow_redirects=False).status_code == 303
    away.worlds.close()


def test_behind_a_proxy_links_and_cookies_are_those_of_its_address(site, run_folder) -> None:
    accounts.create_labeler(site.store, "Ada", "admin", "correct horse battery", None)
    options = SiteOptions(public_url="https://lab.example")  # served on 127.0.0.1, to the proxy
    away = Site(store=site.store, run=run_folder, options=options)
    with TestClient(create_app(away), base_url="https://lab.example") as client:
        said = {"host": "127.0.0.1:8000", "origin": "https://lab.example", **PAGE}
        assert client.get("/chat", headers=said, follow_redirects=False).status_code == 303
        page = client.get("/sign-in", headers=said)
        form = {"csrf": csrf_of(page.text), "name": "Ada", "password": "correct horse battery"}
        came = client.post("/sign-in", data=form, headers=said, follow_redirects=False)
        assert came.status_code == 303
        assert "; Secure" in came.headers["set-cookie"]
        assert f"Max-Age={7 * 86_400};" in came.headers["set-cookie"]
        csrf = csrf_of(client.get("/chat", headers=said).text)
        invited = {"csrf": csrf, "role": "labeler"}
        page = client.post("/manage/people/invite", data=invited, headers=said)
        assert "https://lab.example/invitation/" in page.text
        me = accounts.all_labelers(site.store)[0].id
        talk = conversations.new_conversation(site.store, me)
        shared = client.post(f"/chat/{talk.id}/share", headers={**said, "x-csrf-token": csrf})
        assert shared.json()["link"].startswith("https://lab.example/shared/")
        evil = {**said, "origin": "https://evil.example"}
        assert client.post("/sign-out", data={"csrf": csrf}, headers=evil).status_code == 403
    away.worlds.close()


def test_passwords_are_not_guessed_for_long(site, run_folder, client, token) -> None:
    accounts.create_labeler(site.store, "Ada", "admin", "correct horse battery", None)
    csrf = csrf_of(client.get("/sign-in", headers=PAGE).text)
    codes = []
    for guess in range(10):
        form = {"csrf": csrf, "name": "Ada", "password": f"guess {guess} of many"}
        codes.append(client.post("/sign-in", data=form, headers=PAGE).status_code)
    assert codes == [401] * 8 + [429] * 2


def test_an_invitation_works_once(site, client) -> None:
    accounts.create_labeler(site.store, "Ada", "admin", "correct horse battery", None)
    link = f"/invitation/{accounts.invite(site.store, None)}"
    csrf = csrf_of(client.get(link, headers=PAGE).text)
    form = {"csrf": csrf, "name": "Bo", "password": "short"}
    weak = client.post(link, data=form, headers=PAGE)
    assert weak.status_code == 400
    assert "10 to 200 characters" in weak.text
    assert 'value="Bo"' in weak.text
    form["password"] = "a good long password"
    assert client.post(link, data=form, headers=PAGE, follow_redirects=False).status_code == 303
    client.cookies.clear()
    assert client.get(link, headers=PAGE).status_code == 403
    assert client.get("/invitation/guess", headers=PAGE).status_code == 403


def test_a_flood_is_told_to_wait(run_folder, site) -> None:
    slow = Site(store=site.store, run=run_folder, options=SiteOptions(requests_per_s=0.5))
    with TestClient(create_app(slow), base_url="http://127.0.0.1") as client:
        codes = [client.get("/runs").status_code for _ in range(8)]
        assert codes == [200] * 5 + [429] * 3
        assert int(client.get("/runs").headers["retry-after"]) >= 1
    slow.worlds.close()


def test_a_form_that_fails_gives_back_what_was_typed(client, token) -> None:
    form = {"csrf": "stale", "name": "Ada <b>", "password": "a secret", "text": "long words"}
    answer = client.post("/sign-in", data=form, headers=PAGE)
    assert answer.status_code == 403
    assert "long words" in answer.text
    assert "Ada &lt;b&gt;" in answer.text
    assert "a secret" not in answer.text


def test_sql_in_words_is_words(client, token, site) -> None:
    evil = "'; DROP TABLE conversations; --"
    asked = {"text": evil, "stages": ["sft"], "key": "k" * 20}
    assert client.post("/chat/say", headers=token, json=asked).status_code == 200
    person = accounts.local_person(site.store).id
    assert conversations.conversations_of(site.store, person)[0].title == evil
    for path in ("/chat/1%20OR%201=1", "/chat/99999999999999999999", "/chat/-1", "/shared/'OR''='"):
        assert client.get(path).status_code in (404, 422), path


def test_a_locked_database_is_a_sentence_and_not_a_500(client, token, site, monkeypatch) -> None:
    from tutelage.errors import StoreUnavailable

    def locked(*_: object, **__: object) -> None:
        raise StoreUnavailable("The database labels.db is locked by another program.")

    monkeypatch.setattr(site.store, "write", locked)
    asked = {"text": "hi", "stages": ["sft"], "key": "k" * 20}
    answer = client.post("/chat/say", headers=token, json=asked)
    assert answer.status_code == 503
    assert answer.json()["error"].startswith("The database labels.db is locked")

"""A page of another site asks for changes in a browser that is signed in here: none is made."""

from __future__ import annotations

import contextlib
import html
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.web.browser import proxy
from tests.web.browser.scenes import sign_in
from tests.web.browser.walk import Walk
from tests.web.people import PASSWORD
from tests.web.serving import served
from tutelage.labelling import accounts, guidelines, labels
from tutelage.web import security
from tutelage.web.site import Site, SiteOptions

TEXT = "Whatever I like."
# It even knows the token, so that nothing but where it stands can be the reason.
PAGE = """<!doctype html><title>Elsewhere</title>
<form method="post" action="{site}/manage/guidelines">
  <input name="csrf" value="{csrf}"><input name="text" value="{text}"><button>Send a form</button>
</form>
<form method="post" action="{site}/manage/data" enctype="multipart/form-data">
  <input name="csrf" value="{csrf}"><input name="what" value="tasks"><button>Upload</button>
</form>
<a href="{site}/runs">A link</a>
<button id="fetch">Fetch</button>
<script>
const ask = (path, body, headers) => fetch("{site}" + path, {{
  method: "POST", body, headers, credentials: "include", mode: headers ? "cors" : "no-cors",
}}).catch(() => {{}});
document.getElementById("fetch").onclick = async () => {{
  await ask("/manage/guidelines", new URLSearchParams({{ csrf: "{csrf}", text: "{text}" }}));
  await ask("/v1/chat/completions", '{{"model": "sft", "messages": []}}');
  await ask("/manage/guidelines", "{{}}", {{ "x-csrf-token": "{csrf}" }});
  document.title = "Tried";
}};
</script>"""


class Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = self.server.page.encode()  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def elsewhere() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.mark.parametrize("mode", ["local", "accounts", "public"])
@pytest.mark.parametrize("where", ["same name, another port", "another name"])
def test_another_sites_page_changes_nothing(
    site: Site,
    browser: Browser,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    where: str,
) -> None:
    judged: list[bool] = []  # a refused answer to a fetch is kept even from the test's browser
    judge = security._is_from_here

    def judging(headers: dict[bytes, str], host: str) -> bool:
        judged.append(judge(headers, host))
        return judged[-1]

    monkeypatch.setattr(security, "_is_from_here", judging)
    is_public, is_same = mode == "public", where.startswith("same")
    with contextlib.ExitStack() as stack:
        evil = stack.enter_context(elsewhere())
        if is_public:
            before = stack.enter_context(proxy.listening(tmp_path))
            address = f"https://{proxy.NAME}:{before.server_port}"
            site.options = SiteOptions(public_url=address)
            inner = stack.enter_context(served(site))
            before.upstream = inner.removeprefix("http://")  # type: ignore[attr-defined]
        else:
            address = stack.enter_context(served(site))
        stranger = f"http://{'127.0.0.1' if is_same else 'localhost'}:{evil.server_port}"
        if is_public and is_same:
            in_front = stack.enter_context(proxy.listening(tmp_path))
            in_front.upstream = f"127.0.0.1:{evil.server_port}"  # type: ignore[attr-defined]
            stranger = f"https://{proxy.NAME}:{in_front.server_port}"
        walk = Walk(browser, address)
        if mode != "local":
            accounts.create_labeler(site.store, "ann", "admin", PASSWORD, None)
            sign_in(walk, "ann")
        walk.open("/manage/guidelines")
        csrf = walk.page.locator('meta[name="csrf"]').get_attribute("content")
        evil.page = PAGE.format(site=address, csrf=csrf, text=html.escape(TEXT))  # type: ignore[attr-defined]
        page = walk.page
        judged.clear()
        for name in ("Send a form", "Upload"):
            page.goto(stranger)
            page.get_by_role("button", name=name).click()
            expect(page.get_by_text("Another site's page asked for this")).to_be_visible()
        page.goto(stranger)
        page.get_by_role("button", name="Fetch").click()
        expect(page).to_have_title("Tried")
        assert judged == [False] * 4  # two forms, two fetches; the third was not even sent
        assert len(guidelines.versions(site.store)) == 1
        assert labels.labels_after(site.store, 0) == []
        page.get_by_role("link", name="A link").click()  # is what links are for
        expect(page.get_by_role("heading", name="Runs")).to_be_visible()
        page.goto(f"{address}/manage/guidelines")
        page.locator("#text").fill(TEXT)
        page.get_by_role("button", name="Publish").click()
        expect(page.get_by_text("Published")).to_be_visible()
        page.context.close()
    assert guidelines.current(site.store).text == TEXT

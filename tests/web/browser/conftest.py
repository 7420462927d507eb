"""Debian's Chromium, driven by Playwright, and a server in a thread for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright  # noqa: E402

from tests.web.browser import proxy  # noqa: E402
from tests.web.serving import served  # noqa: E402
from tutelage.web.site import Site  # noqa: E402

CHROMIUM = shutil.which("chromium")
ARGUMENTS = ["--no-sandbox", f"--host-resolver-rules=MAP {proxy.NAME} 127.0.0.1"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("needs chromium on PATH: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def address(site: Site) -> Iterator[str]:
    with served(site) as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page that fails the test where a script breaks or the policy is violated."""
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 860})
    page = context.new_page()
    page.set_default_timeout(10_000)
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("console", lambda said: broken.append(said.text) if _is_violation(said) else None)
    yield page
    context.close()
    assert broken == []


def _is_violation(said: ConsoleMessage) -> bool:
    # plotly tries a style element of its own, without need: ours stands in for it.
    return "Content Security Policy" in said.text and "plotly.js" not in said.location["url"]

"""A page of a browser, and what every page must be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}


@contextlib.contextmanager
def tab(opened: Any, cookie: str = "", address: str = "", **options: Any) -> Iterator[Any]:
    """A page of a person of their own; a script error or a refused resource fails the test."""
    context = opened.new_context(**options)
    if cookie:
        context.add_cookies([{"name": "tutelage_session", "value": cookie, "url": address}])
    page = context.new_page()
    page.set_default_timeout(10_000)
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on(
        "console",
        lambda said: (
            said.type == "error"
            and "ERR_INTERNET_DISCONNECTED" not in said.text
            and broken.append(said.text)
        ),
    )
    yield page
    assert not broken, broken
    context.close()


def problems(page: Any) -> list[str]:
    """What axe finds, and a page that is wider than its window."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe")
    found = axe.Axe().run(page).response["violations"]
    said = [f"{one['id']}: {one['nodes'][0]['target']}" for one in found]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        said.append("wider than the window")
    return said

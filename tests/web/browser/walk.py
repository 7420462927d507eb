"""Every button and form of the pages by name, and a person who presses them in a browser."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import BaseLoader, Environment
from playwright.sync_api import Browser, Locator, Response
from starlette.routing import compile_path

from tutelage.web import app, render
from tutelage.web.routes import ROUTES
from tutelage.web.security import SAFE

WEB = Path(app.__file__).parent
IN_HTML = re.compile(r'<(form|button)\b|<(a)(?= class="button)')
IN_SCRIPT = re.compile(r'make\("(form|button)", \{(?= )')
UNSAFE = {
    f"{route.method} {route.path}": compile_path(route.path)[0]
    for route in ROUTES
    if route.method not in SAFE and route.who != "key"
}
VISIBLE = """(hasScripts) => [...document.querySelectorAll("[data-control]")]
    .filter((one) => one.checkVisibility())
    .filter((one) => hasScripts || one.matches("a") || (one.form ?? one).matches("form[method]"))
    .map((one) => one.dataset.control)"""
# A button's own name, and its form's where it sends one.
NAMES = "(one) => [one, one.type === 'submit' && one.form].map((own) => own?.dataset?.control)"


def marked(name: str, text: str) -> str:
    """A template or script whose forms and buttons have `data-control`, `label/start.html:12 a`."""
    in_html = name.endswith(".html")
    lines = text.split("\n")
    for at, line in enumerate(lines):

        def mark(tag: re.Match[str], place: str = f"{name}:{at + 1}") -> str:
            own = f"{place} {tag[1] or tag[2]}"
            return tag[0] + (f' data-control="{own}"' if in_html else f' "data-control": "{own}",')

        pattern = IN_HTML if in_html else IN_SCRIPT
        tags = [tag[0] for tag in pattern.finditer(line)]
        assert len(tags) == len(set(tags)), f"{name}:{at + 1}: put each {tags[0]} on its own line"
        lines[at] = pattern.sub(mark, line)
    return "\n".join(lines)


def controls() -> set[str]:
    """Every form and button that a template or script of ours can put on a page."""
    found: set[str] = set()
    for folder, ending in (("templates", "*.html"), ("static", "*.js")):
        for path in sorted((WEB / folder).rglob(ending)):
            text = marked(path.relative_to(WEB / folder).as_posix(), path.read_text())
            assert not re.search(r'createElement\("(form|button)"', text), path
            found.update(re.findall(r'data-control(?:="|": ")([^"]+)"', text))
    return found


class Marking(BaseLoader):
    """Templates with the names of their controls."""

    def __init__(self, loader: BaseLoader) -> None:
        self.loader = loader

    def get_source(self, environment: Environment, template: str) -> Any:
        text, path, is_fresh = self.loader.get_source(environment, template)
        return marked(template, text), path, is_fresh


@contextlib.contextmanager
def marks(folder: Path) -> Iterator[None]:
    """Applications made meanwhile serve marked pages and scripts."""
    environment, static = render.templates(), folder / "static"
    shutil.copytree(WEB / "static", static)
    for path in static.glob("*.js"):
        path.write_text(marked(path.name, path.read_text()))
    before = environment.loader, app.STATIC
    assert environment.loader is not None
    environment.loader, app.STATIC = Marking(environment.loader), static
    try:
        yield
    finally:
        environment.loader, app.STATIC = before
        assert environment.cache is not None
        environment.cache.clear()


@dataclass
class Walk:
    """One person's browser: which controls it has shown, which of them were pressed."""

    browser: Browser
    address: str
    scripts: bool = True
    seen: set[str] = field(default_factory=set)
    pressed: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)  # changes that the server did: METHOD ROUTE
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        context = self.browser.new_context(
            base_url=self.address,
            java_script_enabled=self.scripts,
            ignore_https_errors=True,
            viewport={"width": 1280, "height": 860},
        )
        self.page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.page.on("pageerror", lambda error: self.refused.append(str(error)))
        self.page.on("response", self._note)

    def _note(self, got: Response) -> None:
        method, path = got.request.method, urlsplit(got.url).path
        if got.status >= 400:
            self.refused.append(f"{method} {path}: {got.status}")
        for change, pattern in UNSAFE.items():
            if change.split()[0] == method and pattern.match(path) and got.status < 400:
                self.done.add(change)

    def open(self, path: str, status: int = 200) -> None:
        got = self.page.goto(path)
        assert got is not None
        assert got.status == status, f"{path}: {got.status}"
        if status >= 400:
            self.refused.remove(f"GET {urlsplit(path).path}: {status}")
        self.look()

    def look(self) -> None:
        self.seen.update(self.page.evaluate(VISIBLE, self.scripts))

    def button(self, name: str, at: int = 0) -> Locator:
        """A button or a link that looks like one, by what a person reads on it."""
        named = re.compile(f"^{re.escape(name)}")
        either = self.page.get_by_role("button", name=named)
        return either.or_(self.page.get_by_role("link", name=named)).nth(at)

    def press(self, what: str | Locator, sends: str = "", status: int = 0) -> None:
        """Click it as a hand does. sends: METHOD and path, with * for a number or a word, of what
        is asked of the server; status: as it is refused, 0: it has to be done."""
        control = self.button(what) if isinstance(what, str) else what
        try:
            control.wait_for()
        except Exception:
            self.page.screenshot(path="/tmp/web_fail.png", full_page=True)
            print(self.page.url)
            raise
        self.look()
        names = [name for name in control.evaluate(NAMES) if name]
        if sends:
            method, path = sends.split()
            asked = re.compile(re.escape(path).replace(r"\*", "[^/]+") + "$")

            def is_it(got: Response) -> bool:
                is_path = asked.match(urlsplit(got.url).path) is not None
                return is_path and got.request.method == method

            with self.page.expect_response(is_it) as got:
                control.click()
            told = f"{method} {urlsplit(got.value.url).path}: {got.value.status}"
            if status:
                assert got.value.status == status, told
                self.refused.remove(told)
            else:
                assert got.value.status < 400, told
        else:
            control.click()
        self.pressed.update(names)

    def go(self, what: str | Locator, sends: str = "") -> None:
        """Press what leads to another address, and be there."""
        before = self.page.url
        self.press(what, sends)
        self.page.wait_for_url(lambda url: url != before)

    def save(self, what: str) -> None:
        """Press what gives a file, and have it."""
        with self.page.expect_download() as got:
            self.press(what)
        assert got.value.failure() is None

    def close(self) -> None:
        """Nothing that was shown is left to press, and nothing was refused."""
        self.look()
        self.page.context.close()
        assert self.refused == []
        assert sorted(self.seen - self.pressed) == []

"""Every button and form of the pages, pressed in a browser as every role: at this machine, with
accounts, behind a proxy; with scripts and without. One that nobody pressed fails the last test."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.reports.fake_report import fake_report
from tests.web.browser import proxy, scenes
from tests.web.browser.walk import UNSAFE, Walk, controls, marks
from tests.web.people import PASSWORD
from tests.web.serving import served
from tutelage.labelling import accounts
from tutelage.runs import write_json
from tutelage.sandbox import Entry
from tutelage.web import replies
from tutelage.web.asking import Asking
from tutelage.web.models import Piece
from tutelage.web.site import Site, SiteOptions

expect.set_options(timeout=15_000)
FILES = {"plum.txt": Entry("file", b"one\ntwo\nthree\n")}
QUESTION = {
    "sentence": "Was that right?",
    "because": "new",
    "propensity": 1.0,
    "action": "head",
    "chance_right": 0.5,
    "doubt": 1.0,
    "gain": 0.1,
}
# Asked for by a page's clock, not by a person.
BY_ITSELF = {"POST /label/task/{assignment}/draft", "POST /label/task/{assignment}/beat"}


@dataclass
class Place:
    """A site, where it is reached, and what was pressed on it."""

    site: Site
    mode: str
    address: str
    browser: Browser
    speaks: list[str]

    def walk(self, scripts: bool = True) -> Walk:
        return Walk(self.browser, self.address, scripts)


@dataclass
class Ledger:
    """What all walks together pressed, and what the server did of it."""

    walks: int = 0
    pressed: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def place(
    request: pytest.FixtureRequest,
    site: Site,
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Place]:
    """A site at 127.0.0.1 without accounts, with them, or behind a proxy (`public`)."""
    speaks: list[str] = []
    suggested = iter(range(10_000))

    def speak(*_: object) -> Iterator[Piece]:
        words = speaks.pop(0)
        for at, letter in enumerate(words):
            time.sleep(0.001)  # so that a reply can be stopped while it grows
            yield Piece(letter, 1, -0.1, (), "stop" if at + 1 == len(words) else None)

    def suggest(*_: object) -> list[str]:
        return [f"suggestion {next(suggested)}" for _ in range(2)]

    monkeypatch.setattr(replies, "speak", speak)
    monkeypatch.setattr("tutelage.web.label.suggest", suggest)
    monkeypatch.setattr("tutelage.web.suggestions.suggest", suggest)
    monkeypatch.setattr(Asking, "about", lambda *_: dict(QUESTION))
    site.worlds._initial = FILES
    assert site.run is not None
    for number, folder in enumerate((site.run, tmp_path / "other")):
        folder.mkdir(exist_ok=True)
        write_json(folder / "report.json", fake_report(number))
    with marks(tmp_path):
        if request.param != "public":
            with served(site) as address:
                yield Place(site, request.param, address, browser, speaks)
            return
        with proxy.listening(tmp_path) as before:
            address = f"https://{proxy.NAME}:{before.server_port}"
            site.options = SiteOptions(public_url=address, proxy="127.0.0.1")
            with served(site) as inner:
                before.upstream = inner.removeprefix("http://")  # type: ignore[attr-defined]
                yield Place(site, request.param, address, browser, speaks)


# Each mode and role, with scripts and without, is among the first four; the others take minutes.
QUICK = [
    ("local", "admin", "scripts"),
    ("accounts", "admin", "plain"),
    ("public", "labeler", "scripts"),
    ("public", "admin", "plain"),
]
SLOW = [
    ("local", "admin", "plain"),
    ("local", "labeler", "scripts"),
    ("local", "labeler", "plain"),
    ("accounts", "admin", "scripts"),
    ("accounts", "labeler", "scripts"),
    ("accounts", "labeler", "plain"),
    ("public", "admin", "scripts"),
    ("public", "labeler", "plain"),
]
WALKS = [pytest.param(*walk, id="-".join(walk)) for walk in QUICK]
WALKS += [pytest.param(*walk, id="-".join(walk), marks=pytest.mark.slow) for walk in SLOW]


@pytest.mark.parametrize(("place", "role", "kind"), WALKS, indirect=["place"])
def test_everything_can_be_pressed(place: Place, role: str, kind: str, ledger: Ledger) -> None:
    walk = (as_admin if role == "admin" else as_labeler)(place, kind == "scripts")
    walk.close()
    ledger.pressed |= walk.pressed
    ledger.done |= walk.done
    ledger.walks += 1


def admin_of(place: Place, walk: Walk) -> int:
    """The number of whoever manages the site: the person at this machine, or ann, signed in."""
    store = place.site.store
    if place.mode == "local":
        return accounts.local_person(store).id
    number = accounts.create_labeler(store, "ann", "admin", PASSWORD, None).id
    scenes.sign_in(walk, "ann")
    return number


def as_admin(place: Place, scripts: bool) -> Walk:
    ann, bob = place.walk(scripts), place.walk(scripts)
    number, store = admin_of(place, ann), place.site.store
    scenes.to_manage(store, number)
    scenes.managing(ann)
    scenes.accept(bob, scenes.invite(ann, "labeler"), "bob")
    bobs = accounts.all_labelers(store)[-1].id
    # An admin who can sign in would end that the person at this machine need not.
    roles = ["labeler"] if place.mode == "local" else ["admin", "labeler"]
    scenes.people(ann, "bob", bobs, roles)
    scenes.tasks_for(store, number)
    scenes.labelling(ann)
    if scripts:
        scenes.chatting(ann, place.speaks)
    scenes.tour(ann, "admin")
    if place.mode != "local":
        scenes.new_password(ann)
        scenes.sign_out(ann)
    return ann


def as_labeler(place: Place, scripts: bool) -> Walk:
    ann, bob = place.walk(), place.walk(scripts)
    admin_of(place, ann)
    scenes.accept(bob, scenes.invite(ann, "labeler"), "bob")
    scenes.tasks_for(place.site.store, accounts.all_labelers(place.site.store)[-1].id)
    scenes.labelling(bob)
    if scripts:
        scenes.chatting(bob, place.speaks)
    scenes.looking(bob)
    scenes.tour(bob, "labeler")
    scenes.new_password(bob)
    scenes.sign_out(bob)
    if place.mode != "local":  # where whoever has no session is the person at this machine
        scenes.sign_in(bob, "bob", scenes.NEW)
    return bob


def test_there_is_no_button_or_form_that_nobody_pressed(ledger: Ledger) -> None:
    if ledger.walks < len(QUICK):
        pytest.skip("needs the walks of this file")
    assert sorted(controls() - ledger.pressed) == []
    assert sorted(UNSAFE.keys() - BY_ITSELF - ledger.done) == []

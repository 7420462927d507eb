"""The chat and the runs in a real browser."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from tests.cli.conftest import tutelage
from tests.reports.fake_report import fake_report
from tutelage.labelling import accounts, conversations, labels
from tutelage.runs import Run, write_json
from tutelage.sandbox import Entry
from tutelage.web import replies
from tutelage.web.models import Piece

__all__ = ["tutelage"]
expect.set_options(timeout=15_000)
FILES = {"plum.txt": Entry("file", b"one\ntwo\nthree\n")}


@pytest.fixture
def spoken(site, monkeypatch):
    """Let the models say these replies, one after the other, letter by letter."""
    site.worlds._initial = FILES
    left: list[str] = []
    pause_s = 0.001  # so that a reply is seen while it grows

    def speak(*_: object) -> Iterator[Piece]:
        words = left.pop(0)
        for at, letter in enumerate(words):
            time.sleep(pause_s)
            yield Piece(letter, 1, -0.1, (), "stop" if at + 1 == len(words) else None)

    monkeypatch.setattr(replies, "speak", speak)
    return left.extend


def found_by_axe(page: Page) -> list[str]:
    """What axe says is wrong for a screen reader or the keyboard."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]


def ask(page: Page, words: str) -> None:
    page.get_by_label("Your request").fill(words)
    page.keyboard.press("Enter")


def kinds(site) -> list[str]:
    return [label.kind for label in labels.labels_after(site.store, 0)]


def test_a_reply_is_streamed_run_and_judged_by_keyboard_alone(page, site, spoken) -> None:
    spoken(["$ wc -l < plum.txt", "It has three lines, which I counted one by one. " * 5])
    page.goto("/chat")
    expect(page.locator("#files")).to_contain_text("plum.txt")
    ask(page, "how many lines?")
    expect(page.locator(".message.user")).to_have_text("how many lines?")
    run = page.get_by_role("button", name="Run it")
    expect(run).to_be_visible()
    expect(run).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".output")).to_have_text("3")
    page.keyboard.press("g")
    expect(page.get_by_role("button", name="Good")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#said")).to_have_text("Kept as a label.")
    assert kinds(site) == ["thumb"]
    page.keyboard.press("/")
    page.keyboard.type("and then?")
    page.keyboard.press("Enter")
    live = page.locator(".live")
    expect(live).to_contain_text("It has")  # before the reply is whole
    expect(page.locator(".message.assistant[data-message]")).to_have_count(2)
    assert page.url.endswith("/chat/1")
    page.reload()
    expect(page.locator(".output")).to_have_text("3")


def test_the_better_of_two_stages_is_chosen_by_a_key(page, site, spoken) -> None:
    spoken(["worse", "better"])
    page.goto("/chat")
    page.get_by_label("Beside it").select_option("sft")
    ask(page, "go")
    expect(page.get_by_text("Which of the two is better?")).to_be_visible()
    left, right = (page.locator(".pair .stage").nth(at).bounding_box() for at in (0, 1))
    assert left["y"] == right["y"]  # both begin at the same height
    expect(page.locator("[data-better='0']")).to_be_focused()
    page.keyboard.press("2")
    expect(page.locator("#said")).to_have_text("Your choice is kept as a label.")
    expect(page.locator(".said-text")).to_have_text("better")
    assert kinds(site) == ["choice"]


def test_nothing_on_the_pages_is_out_of_a_screen_readers_reach(page, site, spoken) -> None:
    spoken(["$ ls", "words", "other words"])
    page.goto("/chat")
    assert found_by_axe(page) == []
    ask(page, "list them")
    page.get_by_role("button", name="Run it").click()
    expect(page.locator(".output")).to_be_visible()
    page.get_by_role("button", name="Edit").click()
    assert found_by_axe(page) == []
    page.get_by_label("Beside it").select_option("sft")
    ask(page, "and two")
    expect(page.get_by_text("Which of the two is better?")).to_be_visible()
    assert found_by_axe(page) == []


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/runs", "/runs/run", "/runs/compare?a=run&b=other", "/sign-in"])
def test_axe_finds_nothing_in_light_or_dark(page, run_folder, tmp_path, path, scheme) -> None:
    write_json(run_folder / "report.json", fake_report())
    (tmp_path / "other").mkdir()
    write_json(tmp_path / "other" / "report.json", fake_report(1))
    for step in range(3):
        Run(run_folder).log("sft", step, {"train/loss": 2.0 - step})
    page.emulate_media(color_scheme=scheme)
    page.goto(path)
    if path == "/runs/run":
        expect(page.locator(".chart .main-svg").first).to_be_visible()
    assert found_by_axe(page) == []


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 360])
def test_a_run_of_control_shows_its_curve_and_its_film(page, tutelage, tmp_path, width) -> None:
    pytest.importorskip("pygame", reason="needs the extra [control]")
    words = "rl --env CartPole-v1 --steps 400 --environments 2 --steps-per-update 20 --audits 2"
    code, _, err = tutelage(*words.split(), "--episodes", 3, "--run", tmp_path / "cart")
    assert (code, err) == (0, "")
    page.set_default_timeout(30_000)  # the page's charts are made when it is asked for
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/runs")
    page.get_by_role("link", name="cart").click()
    curve = page.locator("[data-figure=learned]")
    expect(curve.locator(".scatterlayer .lines path").first).to_be_visible()
    film = page.locator("img.film")
    expect(film).to_be_visible()
    assert page.evaluate("document.querySelector('img.film').naturalWidth") > 100
    assert page.evaluate("document.documentElement.scrollWidth") == width
    expect(page.get_by_text("What the doctor found")).to_be_visible()
    assert found_by_axe(page) == []


def test_an_edit_and_a_share_link(page, site, spoken, browser, address) -> None:
    spoken(["$ lss"])
    page.goto("/chat")
    ask(page, "list")
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("The reply as it should be").fill("$ ls")
    page.get_by_role("button", name="Save the edit").click()
    expect(page.locator(".command")).to_have_text("$ ls")
    assert kinds(site) == ["edit"]
    page.get_by_role("button", name="Share by a link").click()
    link = page.locator("#link")
    expect(link).to_be_visible()
    stranger = browser.new_page()
    stranger.goto(link.inner_text())
    expect(stranger.locator(".command")).to_have_text("$ ls")
    page.get_by_role("button", name="Revoke the link").click()
    expect(link).to_be_hidden()
    stranger.reload()
    expect(stranger.get_by_text("no conversation behind this link")).to_be_visible()
    stranger.close()


def test_a_server_that_is_away_loses_nothing_that_was_typed(page, site, spoken) -> None:
    page.goto("/chat")
    page.route("**/chat/say", lambda route: route.abort())
    ask(page, "many careful words")
    expect(page.locator("#said")).to_contain_text("cannot be reached")
    expect(page.get_by_label("Your request")).to_have_value("many careful words")
    page.unroute("**/chat/say")
    page.reload()
    expect(page.get_by_label("Your request")).to_have_value("many careful words")


def test_hostile_words_do_nothing_in_the_browser(page, site, spoken) -> None:
    evil = "<img src=x onerror=alert(1)><script>document.title='taken'</script>"
    spoken([evil])
    page.goto("/chat")
    ask(page, "<script>document.title=1</script>")
    expect(page.locator(".message.assistant[data-message]")).to_be_visible()
    page.reload()
    assert page.title() not in ("taken", "1")
    assert page.locator(".talk img, .talk script").count() == 0


def test_a_phone_needs_no_sideways_scrolling(page, site, spoken) -> None:
    spoken(["$ " + "averyveryverylongword" * 20, "b" * 400])
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("/chat")
    page.get_by_label("Beside it").select_option("sft")
    ask(page, "c" * 60)
    expect(page.get_by_text("Which of the two is better?")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    small = page.evaluate(
        """[...document.querySelectorAll("button, .where a, select, summary, a.button")]
        .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 44)
        .map((one) => one.outerHTML)"""
    )
    assert small == []


def test_curves_grow_while_the_run_writes(page, run_folder) -> None:
    run = Run(run_folder)
    for step in range(2):
        run.log("sft", step, {"train/loss": 2.0 - step})
    page.goto("/runs/run")
    expect(page.locator(".chart .main-svg").first).to_be_visible()
    first = page.locator("#curves p").first.inner_text()
    run.log("sft", 2, {"train/loss": 0.125})
    expect(page.locator("#curves p").first).not_to_have_text(first)


@pytest.mark.parametrize("path", ["/chat", "/runs", "/sign-in"])
def test_pages_are_light(page, site, path) -> None:
    sizes: list[int] = []
    page.on("response", lambda got: sizes.append(len(got.body())))
    page.goto(path)
    page.wait_for_load_state("networkidle")
    assert 0 < sum(sizes) < 100_000


@pytest.mark.slow
def test_a_stop_counts_before_the_reply_begins(page, site, spoken) -> None:
    spoken(["slow " * 2000])
    page.goto("/chat")
    held: list[Route] = []
    page.route("**/chat/say", lambda route: held.append(route))
    ask(page, "go on for long")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    with page.expect_response("**/chat/stop"):
        page.keyboard.press("Escape")
    held[0].continue_()
    expect(page.get_by_text("stopped")).to_be_visible()
    expect(page.get_by_text("(nothing)")).to_be_visible()


def test_a_stopped_reply_ends_at_once(page, site, spoken) -> None:
    spoken(["slow " * 2000])
    page.goto("/chat")
    ask(page, "go on for long")
    expect(page.locator(".live")).to_contain_text("slow")
    page.keyboard.press("Escape")
    expect(page.get_by_text("stopped")).to_be_visible()
    person = accounts.local_person(site.store).id
    kept = conversations.conversation(site.store, 1, person).messages[-1]
    assert 0 < len(kept.content) < 10_000

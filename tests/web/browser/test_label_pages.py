"""Labelling in a real browser: keys alone, dragging, both sides, a lost connection, a phone."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

import pytest

from tests.web.browser.chromium import PHONE, problems, tab
from tests.web.people import PASSWORD
from tests.web.tasks import FOUR, demonstrate_task, dialogue_task, rank_task, rate_task
from tutelage.labelling import accounts, labels, sessions
from tutelage.labelling.counts import history
from tutelage.labelling.tasks import add_tasks
from tutelage.web.site import Site


def my_labels(site: Site) -> list[Any]:
    return history(site.store, accounts.local_person(site.store).id)


def shown(page: Any) -> list[str]:
    """Letters of the replies, from the top."""
    return [card.get_attribute("data-letter") for card in page.locator(".reply").all()]


def badges(page: Any) -> dict[str, str]:
    cards = page.locator(".reply").all()
    return {c.get_attribute("data-letter"): c.locator(".rank-badge").inner_text() for c in cards}


def reply_at(page: Any, letter: str) -> int:
    """Which of the task's replies has this letter."""
    text = page.locator(f"[data-letter={letter}] .as-written").text_content()
    return FOUR.index(text)


def test_a_whole_ranking_by_keyboard_alone(browser: Any, address: str, site: Site) -> None:
    add_tasks(site.store, [rank_task(number=1, priority=2.0), rank_task(2, number=2)])
    with tab(browser) as page:
        page.goto(f"{address}/label")
        page.keyboard.press("Enter")
        page.wait_for_url("**/label/task/*")
        page.keyboard.press("Enter")
        assert "Nothing is ranked yet" in page.locator("#said").inner_text()
        page.keyboard.press("ArrowDown")  # to A
        page.keyboard.press("3")  # B C A D
        assert shown(page) == ["B", "C", "A", "D"]
        assert "Reply A is 3rd of 4" in page.locator("#told").inner_text()
        page.keyboard.press("ArrowDown")  # to D
        page.keyboard.press("Shift+ArrowUp")  # B C D A
        page.keyboard.press("ArrowUp")  # to C
        page.keyboard.press("=")  # B = C, D, A
        assert badges(page) == {"B": "1 =", "C": "1 =", "D": "2", "A": "3"}
        page.keyboard.press("d")
        assert page.locator("mark").count() > 0
        expected = [sorted([reply_at(page, "B"), reply_at(page, "C")])]
        expected += [[reply_at(page, "D")], [reply_at(page, "A")]]
        page.keyboard.press("Enter")
        page.wait_for_url("**/label/task/2")
        (label,) = my_labels(site)
        assert [sorted(group) for group in label.value["ranking"]] == expected
        boxes = [card.bounding_box() for card in page.locator(".reply").all()]
        assert boxes[0]["y"] == boxes[1]["y"]  # the two to compare start at the same height
        page.keyboard.press("u")
        page.wait_for_url("**/label/task/3")
        assert badges(page) == {"B": "1 =", "C": "1 =", "D": "2", "A": "3"}
        page.keyboard.press("n")
        page.keyboard.type("Better: the four giants.")
        page.keyboard.press("Control+Enter")
        page.wait_for_url("**/label/task/2")
        assert my_labels(site)[0].value["written"] == "Better: the four giants."
        page.keyboard.press("ArrowRight")
        better = reply_at(page, "B")
        page.keyboard.press("Enter")
        page.wait_for_url("**/label?done=1")
        assert my_labels(site)[0].value["ranking"] == [[better], [1 - better]]


def test_a_draft_that_was_refused_is_sent_again_only_where_that_may_help(
    browser: Any, address: str, site: Site
) -> None:
    add_tasks(site.store, [demonstrate_task(prompt="Name a river.")])
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        page.set_default_timeout(10_000)
        sent: list[int] = []
        status = 400

        def refuse(route: Any) -> None:
            sent.append(status)
            route.fulfill(status=status, json={"error": "No."})

        def drafts(change: str = "") -> int:
            """How many were sent, a long while after the change."""
            if change:
                page.locator("textarea").last.fill(change)
            for _ in range(3):
                page.clock.fast_forward(5000)
                page.wait_for_timeout(200)
            return len(sent)

        page.clock.install()
        page.route("**/draft", refuse)
        page.goto(f"{address}/label/next")
        assert drafts("The Rhine") == 1
        assert drafts("The Rhine.") == 2
        for status in (429, 503):
            before = len(sent)
            assert drafts(f"The Rhine, {status}") > before + 1
        page.unroute("**/draft")
        page.clock.fast_forward(5000)
        page.locator("#kept", has_text="Saved").wait_for()


@pytest.mark.slow
def test_a_connection_that_falls_silent_holds_nothing_up(
    browser: Any, address: str, site: Site
) -> None:
    add_tasks(site.store, [demonstrate_task(prompt="Name a river.")])
    with tab(browser) as page:
        page.clock.install()
        page.goto(f"{address}/label/next")
        page.route("**/draft", lambda _: None)  # no answer, and no failure either
        page.fill("#reply", "The Rhine")
        with page.expect_request("**/draft"):
            page.clock.fast_forward(1000)
        page.unroute("**/draft")
        page.clock.fast_forward(20_000)
        page.locator("#kept", has_text="kept in this browser").wait_for()
        page.clock.fast_forward(5000)
        page.locator("#kept", has_text="Saved at").wait_for()
        page.route("**/label/task/1", lambda _: None)
        with page.expect_request("**/label/task/1"):
            page.keyboard.press("Control+Enter")
        page.unroute("**/label/task/1")
        page.clock.fast_forward(20_000)
        page.locator("#said", has_text="sent as soon as").wait_for()
        page.clock.fast_forward(5000)
        page.wait_for_url("**/label?done=1")
        assert len(my_labels(site)) == 1


@pytest.mark.slow
def test_a_lost_connection_in_the_middle_of_a_draft_loses_nothing(
    browser: Any, address: str, site: Site
) -> None:
    add_tasks(site.store, [demonstrate_task(prompt="Why is the sky blue?")])
    with tab(browser) as page:
        page.set_default_timeout(30_000)  # a busy machine: a wait may hold two retries of 4 s
        page.goto(f"{address}/label/next")
        page.fill("#reply", "Air scatters")
        page.locator("#kept", has_text="Saved at").wait_for()
        page.context.set_offline(True)
        page.locator("#reply").press_sequentially(" blue light more.")
        page.locator("#kept", has_text="kept in this browser").wait_for()
        page.context.set_offline(False)
        page.locator("#kept", has_text="Saved at").wait_for()
        page.context.set_offline(True)
        page.locator("#reply").press_sequentially(" So it is blue.")
        page.goto("about:blank")  # the tab is lost before the connection is back
        page.context.set_offline(False)
        page.goto(f"{address}/label/next")
        assert page.input_value("#reply") == "Air scatters blue light more. So it is blue."
        # What a page sends while it closes gets past Chromium's emulated loss now and then: the
        # draft is then on the server already, and "Saved at" is never said.
        for _ in range(300):
            if page.evaluate("localStorage.length") == 0:
                break
            page.wait_for_timeout(100)
        else:
            pytest.fail("the draft is still in the browser alone")
        page.context.set_offline(True)
        page.keyboard.press("Enter")
        page.locator("#said", has_text="sent as soon as").wait_for()
        page.context.set_offline(False)
        page.wait_for_url("**/label?done=1")
        (label,) = my_labels(site)
        assert label.value["messages"][-1]["content"].endswith("So it is blue.")
        assert page.evaluate("localStorage.length") == 0


@pytest.fixture
def speaking(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    said = iter(range(1000))

    def suggest(site, messages, count, known=()):
        return [f"suggestion {next(said)}" for _ in range(count)]

    monkeypatch.setattr("tutelage.web.label.suggest", suggest)
    monkeypatch.setattr("tutelage.web.suggestions.suggest", suggest)
    return site


def test_both_sides_of_a_dialogue_by_keyboard(browser: Any, address: str, speaking: Site) -> None:
    add_tasks(speaking.store, [dialogue_task(suggestions=2)])
    with tab(browser) as page:
        page.goto(f"{address}/label/next")
        page.keyboard.press("e")
        page.keyboard.type("Where should I go?")
        page.keyboard.press("Control+Enter")
        page.locator(".suggestion").nth(1).wait_for()
        page.keyboard.press("2")  # taken as it is
        page.keyboard.type("And by train?")
        page.keyboard.press("Control+Enter")
        page.locator(".suggestion").nth(1).wait_for()
        page.keyboard.press("e")  # the first suggestion has the focus: edit it
        page.keyboard.press("End")
        page.keyboard.type(", by night")
        page.locator("#kept", has_text="Saved at").wait_for()
        page.reload()
        assert page.input_value("#replies") == "suggestion 2, by night"
        page.focus("#replies")
        page.keyboard.press("Control+Enter")
        page.keyboard.press("Escape")
        with page.expect_navigation(url=re.compile("done=1|task/2")):
            page.keyboard.press("Enter")
    (label,) = my_labels(speaking)
    contents = [message["content"] for message in label.value["messages"]]
    assert contents[1::2] == ["suggestion 1", "suggestion 2, by night"]
    first, second = label.value["suggested"]
    assert (first["chosen"], first["edited"]) == (1, None)
    assert (second["chosen"], second["edited"]) == (0, "suggestion 2, by night")


@pytest.mark.slow
@pytest.mark.parametrize("touch", [False, True])
def test_dragging_ranks_and_ties(browser: Any, address: str, site: Site, touch: bool) -> None:
    add_tasks(site.store, [rank_task()])
    with tab(browser, **(PHONE if touch else {})) as page:
        page.goto(f"{address}/label/next")

        def drag(letter: str, onto: str, part: float) -> None:
            page.locator(f"[data-letter={letter}] .handle").scroll_into_view_if_needed()
            start = page.locator(f"[data-letter={letter}] .handle").bounding_box()
            end = page.locator(f"[data-letter={onto}]").bounding_box()
            x, y = start["x"] + start["width"] / 2, start["y"] + start["height"] / 2
            to = end["y"] + part * end["height"]
            if not touch:
                page.mouse.move(x, y)
                page.mouse.down()
                page.mouse.move(x, (y + to) / 2)
                page.mouse.move(x, to)
                page.mouse.up()
                return
            session = page.context.new_cdp_session(page)
            for kind, at in (("touchStart", y), ("touchMove", (y + to) / 2), ("touchMove", to)):
                points = [{"x": x, "y": at}]
                session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
            session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

        drag("C", "A", 0.1)
        assert shown(page) == ["C", "A", "B", "D"]
        drag("D", "B", 0.5)
        assert badges(page) == {"C": "1", "A": "2", "B": "3 =", "D": "3 ="}


@pytest.mark.slow
def test_two_labelers_at_once_get_different_tasks(browser: Any, address: str, site: Site) -> None:
    add_tasks(site.store, [rank_task(2, number=n) for n in range(4)])
    cookies = []
    for name, role in (("ann", "admin"), ("bob", "labeler")):
        accounts.create_labeler(site.store, name, role, PASSWORD, None)
        cookies.append(sessions.sign_in(site.store, name, PASSWORD)[0])
    with tab(browser, cookies[0], address) as ann, tab(browser, cookies[1], address) as bob:
        seen: list[set[str]] = [set(), set()]
        for _ in range(2):
            for page, own in ((ann, seen[0]), (bob, seen[1])):
                page.goto(f"{address}/label/next")
                own.add(re.findall(r"\((\d)\)", page.locator(".prompt").inner_text())[0])
            for page in (ann, bob):
                page.keyboard.press("ArrowLeft")
                with page.expect_navigation():
                    page.keyboard.press("Enter")
        assert len(seen[0] | seen[1]) == 4


@pytest.mark.slow
def test_a_rating_by_keyboard_and_its_effect(browser: Any, address: str, site: Site) -> None:
    add_tasks(site.store, [rate_task(), rank_task()])
    with tab(browser) as page:
        page.goto(f"{address}/label/next?kind=rate")
        page.keyboard.press("Enter")
        assert "a number from 1 to 7" in page.locator("#said").inner_text()
        for key in "6ac":
            page.keyboard.press(key)
        page.keyboard.press("a")  # and off again
        page.keyboard.press("v")
        assert page.locator("pre.as-written").is_visible()
        page.keyboard.press("Enter")
        page.wait_for_url("**/label?done=1")
        (label,) = my_labels(site)
        ticked = [name for name, is_so in label.value["fields"].items() if is_so]
        assert (label.value["overall"], ticked) == (6, ["hallucination"])
        page.goto(f"{address}/label/next")
        effect = {"accuracy_before": 0.712, "accuracy_after": 0.716, "pairs": 150, "n": 1}
        labels.mark_used(site.store, [label.id], effect)
        page.get_by_text("reward model accuracy 71.2 → 71.6").wait_for()


@pytest.mark.slow
def test_a_skip_by_keyboard(browser: Any, address: str, site: Site) -> None:
    add_tasks(site.store, [rank_task(2)])
    with tab(browser) as page:
        page.goto(f"{address}/label/next")
        page.keyboard.press("s")
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        page.wait_for_url("**/label?done=1")


PATHS = (
    "/label", "/label/next?kind=rank&topic=two", "/label/next?kind=rank&topic=four",
    "/label/next?kind=rate", "/label/next?kind=demonstrate", "/label/next?kind=dialogue",
    "/label/history", "/label/guidelines", "/manage", "/manage/guidelines", "/manage/people",
    "/manage/people/1/delete", "/manage/gold", "/manage/audit?check=1", "/manage/keys",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [{}, PHONE, {"color_scheme": "dark"}], ids=["desktop", "phone", "dark"]
)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    browser: Any, address: str, site: Site, options: dict[str, Any]
) -> None:
    new = [rank_task(2, "two"), rank_task(topic="four"), rate_task(), dialogue_task(0)]
    add_tasks(site.store, [*new, demonstrate_task("few_shot"), rank_task(2, number=9)])
    with tab(browser, **options) as page:
        page.goto(f"{address}/label/next?kind=rank")  # one label for the tables
        page.keyboard.press("=")
        first = page.url
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: url != first)  # or the next page to open is left again
        found = {}
        for path in PATHS:
            page.goto(address + path)
            if said := problems(page):
                found[path] = said
        assert json.dumps(found) == "{}"

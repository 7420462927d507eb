"""What a person does on each group of pages until every button there has been pressed."""

from __future__ import annotations

import json
import re

from playwright.sync_api import expect

from tests.web.browser.walk import Walk
from tests.web.people import PASSWORD
from tests.web.tasks import demonstrate_task, dialogue_task, rank_task, rate_task
from tutelage.labelling import audit, labels, queue
from tutelage.labelling.accounts import create_labeler
from tutelage.labelling.guidelines import DEFAULT
from tutelage.labelling.store import Store
from tutelage.labelling.tasks import add_tasks
from tutelage.web.routes import ROUTES

NEW = "another long passphrase"
NO_PAGES = ("/label/effects", "/manage/agreement/live", "/manage/data/export", "/plotly.js")
SUBMIT, UNDO = "POST /label/task/*", "POST /label/undo"


def tasks_for(store: Store, person: int) -> None:
    """Tasks of every kind for one person, and labels of theirs for more than a page."""
    ranks = [rank_task(topic="four", number=person, priority=9.0)]
    ranks += [rank_task(2, "two", 100 * person + n, priority=float(9 - n)) for n in (1, 2, 3)]
    new = [rate_task(), demonstrate_task("few_shot"), demonstrate_task(), dialogue_task()]
    add_tasks(store, ranks + [task.__class__(**{**vars(task), "overlap": 9}) for task in new])
    for number in range(51):
        said = {"prompt": [{"role": "user", "content": "go"}], "response": "hm", "good": True}
        labels.add_thumb(store, person, said, f"earlier {person} {number}")


def labelling(walk: Walk) -> None:
    """Every kind of task, skipped, taken back and gone on with."""
    page = walk.page
    walk.open("/label")
    walk.go("Take the next task")
    task_of_four(walk)
    four = page.url
    walk.open("/label")
    walk.go("Go on: rank")
    assert page.url == four
    walk.open("/label")
    walk.go(page.locator('a[href="/label/next?kind=rank"]'))
    expect(page).to_have_url(re.compile(re.escape(four)))  # theirs before any other
    walk.open("/label")
    walk.go(page.locator('a[href="/label/next?kind=rank&topic=two"]'))
    task_of_two(walk)
    walk.go("Submit the ranking", SUBMIT)
    walk.go("Take the last label back", UNDO)
    walk.go("Submit the ranking", SUBMIT)
    page.locator("#skip summary").click()
    page.get_by_label("It upsets me").check()
    walk.go("Skip it", "POST /label/task/*/skip")
    walk.open("/label/next?kind=rank&topic=two")
    task_of_two(walk)
    walk.go("Submit the ranking", SUBMIT)
    expect(page).to_have_url(re.compile(r"/label\?done=1"))
    walk.go("Go on: rank")
    walk.go("Submit the ranking", SUBMIT)
    walk.open("/label")
    walk.go("Take the last one back", UNDO)
    walk.go("Submit the ranking", SUBMIT)
    walk.open("/label/history")
    walk.go("Take the last one back", UNDO)
    done = page.url
    walk.go("Submit the ranking", SUBMIT)
    walk.open("/label/history")
    walk.go("Older")
    walk.open(done, 409)
    walk.go("Take the last label back", UNDO)
    done = page.url
    walk.go("Submit the ranking", SUBMIT)
    walk.open(done, 409)
    walk.go("Take the next task")
    walk.open("/label/next?kind=rate")
    if walk.scripts:
        walk.press("As written")
    page.locator('[name=overall][value="6"]').check()
    walk.go("Submit", SUBMIT)
    walk.open("/label/next?kind=demonstrate")
    for _ in range(2):
        demonstration(walk)
    expect(page).to_have_url(re.compile(r"/label\?done=1"))
    if walk.scripts:
        dialogue(walk)
    walk.open("/label")


def task_of_four(walk: Walk) -> None:
    page = walk.page
    if not walk.scripts:
        for place, rank in enumerate("2113"):
            page.locator(f"[name=rank_{place}]").fill(rank)
        walk.go("Submit the ranking", SUBMIT)
        walk.open("/label")
        walk.go("Take the last one back", UNDO)
        return
    walk.press("Move reply B up")
    expect(page.locator(".reply").first).to_have_attribute("data-letter", "B")
    walk.press("Move reply B down")
    walk.press("Tie reply C")
    expect(page.locator("[data-letter=C] .rank-badge")).to_contain_text("=")
    walk.press("Differences")
    expect(page.locator("mark").first).to_be_visible()
    walk.press("As written")
    expect(page.locator("pre.as-written").first).to_be_visible()
    expect(page.locator("#kept")).to_contain_text("Saved at")


def task_of_two(walk: Walk) -> None:
    page = walk.page
    if not walk.scripts:
        page.locator("[name=rank_0]").fill("1")
        page.locator("[name=rank_1]").fill("2")
        return
    for name, ranks in (("← A", "12"), ("= They", "11"), ("B is", "21")):
        walk.press(name)
        for place, rank in enumerate(ranks):
            expect(page.locator(f"[name=rank_{place}]")).to_have_value(rank)


def demonstration(walk: Walk) -> None:
    page = walk.page
    if page.locator("#instruction").count():
        page.locator("#instruction").fill("Name the capital.")
        if walk.scripts:
            walk.press("Add a pair")
        for pair in (1, 2):
            page.locator(f"#query_{pair}").fill(f"Country {pair}")
            page.locator(f"#response_{pair}").fill(f"City {pair}")
    else:
        page.locator("#request").fill("Name a river.")
        page.locator("#reply").fill("The Rhine.")
    walk.go("Submit", SUBMIT)


def dialogue(walk: Walk) -> None:
    page, asks = walk.page, "POST /label/task/*/suggestions"
    walk.open("/label/next?kind=dialogue")
    for words in ("Where should I go?", "And then?", "And back?"):
        page.locator("#asks").fill(words)
        walk.press("Go on to the reply", asks)
        expect(page.locator(".suggestion").nth(1)).to_be_visible()
        if words.startswith("Where"):
            walk.press("Other suggestions", asks)
            expect(page.locator(".suggestion")).to_have_count(4)
            walk.press("Use suggestion 3")
            continue
        walk.press("Edit suggestion 2" if words.endswith("then?") else "Write it yourself")
        page.locator("#replies").fill(f"An answer to {words}")
        walk.press("Use this reply")
    expect(page.locator("#turns .turn")).to_have_count(6)
    walk.press("Take the last message back")
    expect(page.locator("#turns .turn")).to_have_count(5)
    walk.press("Use this reply")
    walk.go("Submit", SUBMIT)


def chatting(walk: Walk, speak_next: list[str]) -> None:
    """A command that is run and judged, replies redone, chosen, edited, shared and deleted."""
    page, said = walk.page, walk.page.locator("#said")

    def ask(words: str, *replies: str) -> None:
        speak_next[:] = replies
        page.get_by_label("Your request").fill(words)
        walk.press("Send", "POST /chat/say")

    walk.open("/chat")
    for word, printed, right in (("head", "one", "Yes"), ("tail", "three", "No")):
        ask("show a line", f"$ {word} -n 1 plum.txt")
        expect(page.locator(".command").last).to_contain_text(word)
        walk.press(walk.button("Run it", -1), "POST /chat/run")
        expect(page.locator(".output").last).to_have_text(printed)
        walk.press(right, "POST /chat/answer")
        expect(said).to_have_text("Your answer is kept as a label.")
    for name in ("✓ Good", "✗ Bad"):
        walk.press(walk.button(name, -1), "POST /chat/thumb")
        expect(walk.button(name, -1)).to_have_attribute("aria-pressed", "true")
    for choice in ("Both are as good", "This one is better"):
        speak_next[:] = [f"words {choice}"]
        walk.press(walk.button("Redo", -1), "POST /chat/redo")
        walk.press(choice, "POST /chat/choose")
        expect(said).to_have_text("Your choice is kept as a label.")
    walk.press(walk.button("Edit", -1))
    walk.press("Leave it")
    walk.press(walk.button("Edit", -1))
    page.get_by_label("The reply as it should be").fill("as it should be")
    walk.press("Save the edit", "POST /chat/edit")
    expect(page.locator(".said-text").last).to_have_text("as it should be")
    ask("go on", "slow " * 2000)
    expect(page.locator(".live")).to_contain_text("slow")
    walk.press("Stop", "POST /chat/stop")
    expect(page.get_by_text("stopped", exact=True)).to_be_visible()
    walk.press("Share by a link", "POST /chat/*/share")
    expect(page.locator("#link")).to_be_visible()
    assert page.locator("#link").inner_text().startswith(f"{walk.address}/shared/")
    walk.press("Revoke the link", "POST /chat/*/unshare")
    expect(page.locator("#link")).to_be_hidden()
    for name in ("Markdown", "JSONL"):
        walk.save(name)
    walk.press("Delete")
    walk.press("Really delete", "DELETE /chat/*")
    expect(page).to_have_url(f"{walk.address}/chat")


def to_manage(store: Store, by: int) -> None:
    """A task that two people answered alike, and a log of more than a page."""
    add_tasks(store, [rank_task(2, number=77, priority=99.0, overlap=2)])
    for name in ("one", "two"):
        person = create_labeler(store, name, "labeler", None, by).id
        held = queue.claim(store, person)
        assert held is not None
        value = {"ranking": [[0], [1]], "none_acceptable": False, "written": None}
        value |= {"shown_order": [0, 1]}
        queue.submit(store, held.id, person, f"gold {name}", value, DEFAULT.hash)

    def write(connection: object) -> None:
        for number in range(100):
            audit.append(connection, store.clock(), by, "test", f"row {number}")  # type: ignore

    store.write(write)


def managing(walk: Walk) -> None:
    """The queue, guidelines, gold questions, files, the log, keys, runs, a page that is none."""
    page, done = walk.page, walk.page.locator(".done")
    walk.open("/manage")
    page.locator("#lease_s").fill("20")
    walk.press("Save", "POST /manage")
    expect(done).to_contain_text("Saved")
    expect(page.locator("#lease_s")).to_have_value("20")
    walk.open("/manage/guidelines")
    text = page.locator("#text").input_value()
    page.locator("#text").fill(f"{text}\n\nBe kind.")
    walk.press("Publish as a new version", "POST /manage/guidelines")
    expect(done).to_contain_text("Published")
    walk.open("/manage/gold")
    page.locator("#answers").fill("2")
    walk.press("Find", "GET /manage/gold")
    page.get_by_role("checkbox").first.check()
    walk.press("Make these gold questions", "POST /manage/gold")
    walk.press("Stop asking", "POST /manage/gold/retire")
    expect(page.get_by_role("button", name="Stop asking")).to_have_count(0)
    walk.open("/manage/data")
    row = json.dumps({"prompt": "Two or three?", "chosen": "Three.", "rejected": "Two."})
    new = {"name": "new.jsonl", "mimeType": "application/jsonl", "buffer": row.encode()}
    page.locator("#file").set_input_files(new)  # type: ignore[arg-type]
    walk.press("Bring it in", "POST /manage/data")
    expect(done).to_contain_text("of new.jsonl")
    for name in ("JSONL, zipped", "Folders for Hugging Face"):
        walk.save(name)
    walk.open("/manage/audit")
    walk.go("Check the whole log")
    expect(done).to_contain_text("The log holds")
    walk.go("Older")
    walk.open("/manage/keys")
    page.locator("#name").fill("notebook")
    walk.press("Make a key", "POST /manage/keys")
    expect(page.locator("#key")).to_have_value(re.compile("^tut-"))
    walk.press("Revoke notebook", "POST /manage/keys/revoke")
    expect(page.get_by_role("button", name="Revoke notebook")).to_have_count(0)
    looking(walk)


def looking(walk: Walk) -> None:
    """Runs, and a page that is none."""
    walk.open("/runs")
    walk.go("Compare two runs")
    walk.go("Compare", "GET /runs/compare")
    expect(walk.page.locator("table")).to_be_visible()
    walk.open("/nowhere", 404)
    walk.go("Go to the first page")


def tour(walk: Walk, role: str) -> None:
    """Every page that has one address, as it is at the end."""
    for route in ROUTES:
        if route.method == "GET" and "{" not in route.path and route.path not in NO_PAGES:
            is_closed = route.who == "admin" and role != "admin"
            if route.who != "key":
                walk.open(route.path, 403 if is_closed else 200)


def invite(walk: Walk, role: str) -> str:
    """The link of an invitation."""
    walk.open("/manage/people")
    walk.page.get_by_label("Role of the person invited").select_option(role)
    walk.press("Make a link", "POST /manage/people/invite")
    return walk.page.locator("#link").input_value()


def accept(walk: Walk, link: str, name: str) -> None:
    walk.open(link)
    walk.page.get_by_label("Name").fill(name)
    walk.page.get_by_label("Password").fill(PASSWORD)
    walk.go("Make the account", "POST /invitation/*")
    expect(walk.page).to_have_url(f"{walk.address}/label")


def sign_in(walk: Walk, name: str, password: str = PASSWORD) -> None:
    """With a wrong password first, which is told beside the fields."""
    walk.open("/")
    expect(walk.page).to_have_url(f"{walk.address}/sign-in")
    for word, status in (("a wrong passphrase", 401), (password, 0)):
        walk.page.get_by_label("Name").fill(name)
        walk.page.get_by_label("Password").fill(word)
        walk.press("Sign in", "POST /sign-in", status)
    expect(walk.page).to_have_url(f"{walk.address}/chat")


def new_password(walk: Walk) -> None:
    walk.open("/password")
    walk.page.get_by_label("Password of now").fill(PASSWORD)
    walk.page.get_by_label("New password").fill(NEW)
    walk.go("Change the password", "POST /password")


def sign_out(walk: Walk) -> None:
    walk.open("/runs")
    walk.press("Sign out", "POST /sign-out")


def people(walk: Walk, name: str, number: int, roles: list[str]) -> None:
    """Another person's role, activity and data, and an invitation that is taken back."""
    page = walk.page
    invite(walk, "labeler")
    walk.press("Revoke invitation", "POST /manage/invitations/*/revoke")
    expect(page.get_by_text("✗ revoked")).to_be_visible()
    for role in roles:
        page.get_by_label(f"Role of {name}", exact=True).select_option(role)
        walk.press(f"Change the role of {name}", f"POST /manage/people/{number}/role")
        expect(page.get_by_label(f"Role of {name}", exact=True)).to_have_value(role)
    for now, then in (("Deactivate", "Activate"), ("Activate", "Deactivate")):
        walk.press(f"{now} {name}", f"POST /manage/people/{number}/active")
        expect(page.get_by_role("button", name=f"{then} {name}")).to_be_visible()
    walk.open(f"/manage/people/{number}/delete")
    walk.go("Keep it")
    walk.open(f"/manage/people/{number}/delete")
    page.get_by_label(re.compile("Type their name")).fill(name)
    walk.press("Delete it all", f"POST /manage/people/{number}/delete")
    expect(page.get_by_role("heading", name="Deleted")).to_be_visible()

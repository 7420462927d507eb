"""The manage pages: who may, what is refused and why, what stays."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import time
import zipfile
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from tests.web.conftest import on_both
from tests.web.people import PAGE, Person, person_here, sign_in
from tests.web.tasks import FOUR, demonstrate_task, rank_task, rate_task
from tutelage.labelling import accounts, gold, guidelines, labels, queue, sessions
from tutelage.labelling.counts import history, queue_state
from tutelage.labelling.opinions import read_opinions
from tutelage.labelling.settings import Settings, read_settings
from tutelage.labelling.skill import SkillConfig, noisy_bradley_terry
from tutelage.labelling.tables import labels as label_table
from tutelage.labelling.tasks import add_tasks, waiting_tasks
from tutelage.web import manage, manage_agreement
from tutelage.web.routes import ROUTES
from tutelage.web.site import Site

MANAGE = [route for route in ROUTES if route.path.startswith("/manage")]
HASH = guidelines.DEFAULT.hash
ADMINS_ONLY = "Only an administrator may do that; ask one of them."


@pytest.fixture
def admin(site: Site) -> Person:
    return person_here(site)


def label(site: Site, person: int, ranking: list[list[int]], seconds: float = 20.0) -> int:
    """One person's ranking of the next task of four replies, after so many seconds."""
    held = queue.claim(site.store, person, ["rank"])
    assert held
    now = site.store.clock()
    site.store.clock = lambda: now + seconds
    value = {"ranking": ranking, "shown_order": [3, 1, 0, 2]}
    made = queue.submit(site.store, held.id, person, f"assignment {held.id}", value, HASH)
    site.store.clock = lambda: now + seconds + 1
    return made.id


def people(site: Site, count: int) -> list[int]:
    return [
        accounts.create_labeler(site.store, f"person {n}", "labeler", None, None).id
        for n in range(count)
    ]


def test_only_admins_manage(site: Site) -> None:
    accounts.create_labeler(site.store, "ann", "admin", "a long enough passphrase", None)
    bob = sign_in(site, "bob")
    wrong = {}
    for route in MANAGE:
        path = route.path.replace("{number}", "1")
        answer = bob.get(path) if route.method == "GET" else bob.post(path)
        if (answer.status_code, ADMINS_ONLY in answer.text) != (403, True):
            wrong[f"{route.method} {path}"] = answer.status_code
    assert wrong == {}
    assert 'href="/manage"' not in bob.get("/label").text


def test_nothing_is_changed_without_our_own_page(site: Site, admin: Person) -> None:
    for route in MANAGE:
        if route.method == "POST":
            path = route.path.replace("{number}", "1")
            form = {"csrf": "x" * 64, "role": "labeler", "name": "you", "text": "x"}
            answer = admin.client.post(path, data=form, headers=PAGE)
            assert (path, answer.status_code) == (path, 403)
    assert len(guidelines.versions(site.store)) == 1


def policy(**changes: str) -> dict[str, str]:
    return {
        "order": "oldest", "queue_depth": "12", "rank_share": "60", "rate_share": "20",
        "demonstrate_share": "20", "dialogue_share": "0", "replies": "5", "overlap": "3",
        "gold_rate": "10", "random_share": "25",
        "lease_s": "20", "cost_an_hour": "18,5", "currency": "€", "ask_rate": "5",
        "ask_cost": "0.1", **changes,
    }  # fmt: skip


def test_the_policy_is_set_in_its_own_units(site: Site, admin: Person) -> None:
    assert admin.post("/manage", **policy()).status_code == 303
    chosen = read_settings(site.store)
    assert (chosen.order, chosen.overlap, chosen.gold_rate) == ("oldest", 3, 0.1)
    assert (chosen.random_share, chosen.lease_s, chosen.cost_an_hour) == (0.25, 1200.0, 18.5)
    assert (chosen.queue_depth, chosen.rank_share, chosen.dialogue_share) == (12, 0.6, 0.0)
    assert (chosen.currency, chosen.asks, chosen.ask_rate) == ("€", False, 0.05)
    page = admin.get("/manage?saved=1").text
    assert re.search(r'name="lease_s" value="20"', page)
    assert re.search(r'name="cost_an_hour" value="18.5"', page)


def test_every_setting_can_be_set() -> None:
    assert set(manage.POLICY) == {field.name for field in dataclasses.fields(Settings)}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"overlap": "0"}, "overlap must lie from 1 to 100"),
        ({"overlap": "1.5"}, "expected a whole number"),
        ({"gold_rate": "many"}, "Share of gold questions: expected a number"),
        ({"lease_s": "inf"}, "expected a number"),
        ({"order": "newest"}, "order must be one of"),
        ({"random_share": "101"}, "random_share"),
        ({"overlap": ""}, "expected a number"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_in_a_sentence(
    site: Site, admin: Person, changes: dict[str, str], sentence: str
) -> None:
    before = read_settings(site.store)
    answer = admin.post("/manage", **policy(**changes))
    assert answer.status_code == 400
    assert sentence in answer.text
    assert read_settings(site.store) == before


def test_guidelines_are_published_as_versions(site: Site, admin: Person) -> None:
    same = admin.post("/manage/guidelines", text=guidelines.FIRST.replace("\n", "\r\n"))
    assert "Nothing is different" in same.text
    admin.post("/manage/guidelines", text="# Ours\r\n\r\nBe kind.\r\n<script>x</script>")
    admin.post("/manage/guidelines", text="# Ours\n\nBe kind and brief.\n")
    texts = ["# Ours\n\nBe kind and brief.\n", "# Ours\n\nBe kind.\n<script>x</script>"]
    assert [version.text for version in guidelines.versions(site.store)][:2] == texts
    page = admin.get("/manage/guidelines").text
    assert "<ins>Be kind and brief.</ins>" in page
    assert "<del>&lt;script&gt;x&lt;/script&gt;</del>" in page
    assert "must be text of 1 to" in admin.post("/manage/guidelines", text=" ").text
    older = guidelines.versions(site.store)[1]
    assert "Be kind.\n&lt;script&gt;" in admin.get(f"/manage/guidelines?version={older.hash}").text


def test_an_invitation_is_shown_once_and_works_once(site: Site, admin: Person) -> None:
    made = admin.post("/manage/people/invite", role="labeler").text
    link = re.search(r'value="http://127.0.0.1:8000(/invitation/[^"]+)"', made)
    assert link
    assert link[1] not in admin.get("/manage/people").text
    assert "must be one of admin, labeler" in admin.post("/manage/people/invite", role="boss").text
    fields = {"name": "ann", "password": "a long enough passphrase"}
    assert admin.post(link[1], **fields).status_code == 303
    assert admin.post(link[1], **{**fields, "name": "bob"}).status_code == 403


@on_both
def test_open_invitations_are_listed_and_revoked(site: Site, admin: Person) -> None:
    links = [f"/invitation/{accounts.invite(site.store, admin.id)}" for _ in range(2)]
    admin.post(links[0], name="ann", password="a long enough passphrase")
    ann = sign_in(site, "ada", "admin")
    page = ann.get("/manage/people").text
    assert re.search(r"✓ \d{4}-\d\d-\d\d \d\d:\d\d<small>ann</small>", page)
    assert page.count("not yet, revoke") == 1
    assert ann.post("/manage/invitations/2/revoke").status_code == 303
    assert "✗ revoked" in ann.get("/manage/people").text
    opened = ann.get(links[1])
    assert opened.status_code == 403
    assert "This invitation was revoked by who made it" in opened.text
    assert "Revoke: invitation 2" in ann.get("/manage/audit").text
    assert "has been used" in ann.post("/manage/invitations/1/revoke").text
    now = site.store.clock()
    accounts.invite(site.store, ann.id)
    site.store.clock = lambda: now + accounts.INVITATION_S + 60
    assert "✗ too old" in sign_in(site, "eve", "admin").get("/manage/people").text


def test_roles_and_activity(site: Site) -> None:
    ann, bob = sign_in(site, "ann", "admin"), sign_in(site, "bob")
    last = ann.post(f"/manage/people/{ann.id}/role", role="labeler")
    assert "last active admin" in last.text
    own = ann.post(f"/manage/people/{ann.id}/active", active="false")
    assert "your own account" in own.text
    ann.post(f"/manage/people/{bob.id}/active", active="false")
    moved = bob.client.get("/label", headers=PAGE, follow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (303, "/sign-in")
    ann.post(f"/manage/people/{bob.id}/active", active="true")
    ann.post(f"/manage/people/{bob.id}/role", role="admin")
    assert accounts.get_labeler(site.store, bob.id).role == "admin"
    assert "no labeler 99" in ann.post("/manage/people/99/role", role="admin").text
    assert ann.post("/manage/people/x/role", role="admin").status_code == 422


@on_both
def test_deletion_says_what_goes_and_wants_the_name(site: Site, admin: Person) -> None:
    (one,) = people(site, 1)
    add_tasks(site.store, [rank_task()])
    made = label(site, one, [[0], [1], [2, 3]])
    labels.mark_used(site.store, [made], {})
    page = admin.get(f"/manage/people/{one}/delete").text
    assert "1 label, of which 1 was used in training" in page
    wrong = admin.post(f"/manage/people/{one}/delete", name="person")
    assert wrong.status_code == 400
    assert "Type the name as it is written, person 0" in wrong.text
    data = admin.get(f"/manage/people/{one}/data")
    assert data.headers["content-disposition"] == f'attachment; filename="person-{one}.json"'
    assert len(data.json()["labels"]) == 1
    done = admin.post(f"/manage/people/{one}/delete", name="person 0").text
    assert "1 label, 0 tasks and 0 conversations of person 0 are gone" in done
    assert history(site.store, one) == []
    assert "person 0" not in admin.get("/manage/people").text
    assert "The log holds" in admin.get("/manage/audit?check=1").text


def test_gold_is_made_of_what_people_agree_on(site: Site, admin: Person) -> None:
    three = people(site, 3)
    new = [rank_task(number=n, overlap=3, priority=-float(n)) for n in range(2)]
    same, split = add_tasks(site.store, new)
    for person in three:
        label(site, person, [[2], [0], [1, 3]])
    for person, best in zip(three, (0, 1, 0), strict=True):
        label(site, person, [[best], [3, 2, 1 - best]])
    page = admin.get("/manage/gold").text
    assert f'aria-label="Task {same}"' in page
    assert f'aria-label="Task {split}"' not in page
    assert f'aria-label="Task {split}"' in admin.get("/manage/gold?agree=50").text
    assert "Tick the tasks" in admin.post("/manage/gold").text
    assert "no longer answered alike" in admin.post("/manage/gold", task=[str(split)]).text
    assert admin.post("/manage/gold", task=[str(same)]).status_code == 303
    admin.post("/manage", **policy(gold_rate="100"))
    add_tasks(site.store, [rank_task(number=n) for n in range(7, 11)])
    assert gold.gold_work(site.store) == []  # those who made it gold were not asked it as gold
    label(site, admin.id, [[2], [0], [1], [3]])  # of 6 pairs one is put in order that was a tie
    (work,) = gold.gold_work(site.store)
    assert (work.labeler_id, work.answers, work.score) == (admin.id, 1, 1 - 0.5 / 6)
    assert "91.7\u00a0%" in admin.get("/manage/gold").text
    label(site, three[0], [[0], [1], [2], [3]])  # not given the gold question again
    assert len(gold.gold_work(site.store)) == 1
    admin.post("/manage/gold/retire", task=str(same))
    assert gold.gold_tasks(site.store) == []
    assert "no gold question" in admin.post("/manage/gold/retire", task=str(same)).text


def test_agreement_of_values_by_hand() -> None:
    def rank(*groups: list[int], none: bool = False) -> dict[str, object]:
        return {"ranking": list(groups), "none_acceptable": none}

    assert gold.agreement("rank", rank([0], [1], [2]), rank([0], [1], [2])) == 1
    assert gold.agreement("rank", rank([0], [1], [2]), rank([2], [1], [0])) == 0
    assert gold.agreement("rank", rank([0], [1], [2]), rank([1], [0], [2])) == pytest.approx(2 / 3)
    assert gold.agreement("rank", rank([0, 1]), rank([0], [1])) == 0.5
    assert gold.agreement("rank", rank(none=True), rank(none=True)) == 1
    assert gold.agreement("rank", rank(none=True), rank([0], [1])) == 0
    assert gold.agreement("rate", {"overall": 3}, {"overall": 4}) == 1
    assert gold.agreement("rate", {"overall": 3}, {"overall": 5}) == 0


@on_both
def test_agreement_skill_and_cost(
    site: Site, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = SkillConfig(sweeps=10)
    monkeypatch.setattr(
        manage_agreement, "noisy_bradley_terry", lambda pairs: noisy_bradley_terry(pairs, quick)
    )
    assert "Nobody has labelled yet" in admin.get("/manage/agreement").text
    two = people(site, 2)
    add_tasks(site.store, [rank_task(number=n, overlap=2) for n in range(2)])
    for person, best in zip(two, (0, 3), strict=True):
        label(site, person, [[0], [1], [2], [3]], seconds=36)
        label(site, person, [[best], [1], [2], [3 - best]], seconds=36)
    admin.post("/manage", **policy(cost_an_hour="100", currency="$"))
    for _ in range(600):
        if "being estimated" not in admin.get("/manage/agreement").text:
            break
        time.sleep(0.1)
    said = read_opinions(site.store)
    assert [ranking.shown for ranking in said.rankings] == [[2, 1, 3, 0]] * 4
    assert said.rankings[-1].ranks == [3, 1, 2, 0]
    page = admin.get("/manage/agreement").text
    skills, _ = manage_agreement.skills_of(site.store.place, said)
    assert set(skills) == set(two)
    assert f"{skills[two[0]].skill:.2f} ±".replace("-", "−") in page.replace("\u00a0", " ")
    # Of 12 pairs of replies the two agree on 6 of the first task and on one of the second.
    assert "58.3\u00a0%" in page
    # four labels of 36 s, and what a busy machine adds
    assert re.search(r"2 min (2[4-9]|3\d) s", page.replace("\u00a0", " "))
    assert re.search(r"\$4\.[0-4]\d so far, \$1\.[01]\d a label", page.replace("\u00a0", " "))
    assert "A curve needs accuracies at four or more" in page
    for version, made in enumerate(sorted(one.id for one in labels.labels_after(site.store, 0))):
        after = 0.75 - 0.1 / (version + 1)
        effect = {
            "accuracy_before": 0.6, "accuracy_after": after, "pairs": 200, "n": 1,
            "comparisons": 300 + version, "version": version + 1,
        }  # fmt: skip
        labels.mark_used(site.store, [made], effect)
    measured = read_opinions(site.store).measurements
    assert [(m.version, m.comparisons) for m in measured] == [
        (1, 300), (2, 301), (3, 302), (4, 303),
    ]  # fmt: skip
    drawn = admin.client.get("/manage/agreement/live")
    assert list(drawn.json()["figures"]) == ["curve0", "curve1"]
    again = {"if-none-match": drawn.headers["etag"]}
    assert admin.client.get("/manage/agreement/live", headers=again).status_code == 304
    page = admin.get("/manage/agreement").text.replace("\u00a0", " ")
    assert "after 303 comparisons, 60.0 % before the first label" in page
    assert re.search(r"One point more, 7\d\.\d %, takes about|stays below 7\d\.\d %", page)


def test_alpha_does_not_take_the_order_of_replies_for_chance(site: Site) -> None:
    two = people(site, 2)
    add_tasks(site.store, [rank_task(number=n, overlap=2) for n in range(8)])
    for person in two:
        for _ in range(8):
            label(site, person, [[0], [1], [2], [3]])
    # All agree that the first named is better, everywhere: full agreement, not what chance makes.
    counted = manage_agreement.count_all(site)
    assert counted.between.value == 1
    assert counted.alphas["rankings"].value == 1
    turned = manage_agreement._turned(counted.pairs)
    assert set(turned) == {-1, 1}


@on_both
def test_agreement_is_counted_again_after_each_label(site: Site, admin: Person) -> None:
    (one,) = people(site, 1)
    add_tasks(site.store, [rank_task(number=n) for n in range(2)])
    label(site, one, [[0], [1], [2], [3]])
    first = manage_agreement.count_all(site)
    assert manage_agreement.count_all(site) is first
    label(site, one, [[0], [1], [2], [3]])
    assert len(manage_agreement.count_all(site).pairs) == 12


def upload(admin: Person, text: str, **fields: str) -> httpx.Response:
    return admin.client.post(
        "/manage/data",
        data={"csrf": admin.csrf, "what": "tasks", **fields},
        files={"file": ("new.jsonl", text.encode())},
        headers=PAGE,
    )


def test_tasks_are_brought_in_and_a_wrong_line_is_named(site: Site, admin: Person) -> None:
    right = json.dumps({"prompt": "Two or three?", "chosen": "Three.", "rejected": "Two."})
    wrong = upload(admin, right + '\n{"prompt": "x", "chosen": 3, "rejected": "y"}\n')
    assert wrong.status_code == 400
    assert re.search(r"new\.jsonl, line 2", wrong.text)
    assert "/tmp" not in wrong.text
    assert waiting_tasks(site.store) == []
    assert "1 task of new.jsonl: in the queue" in upload(admin, right, topic="numbers").text
    (task,) = waiting_tasks(site.store)
    assert (task.kind, task.topic, task.source) == ("rank", "numbers", "new.jsonl")
    assert upload(admin, right, what="gifts").status_code == 422
    assert upload(admin, "\x00\xff{").status_code == 400
    empty = admin.client.post(
        "/manage/data", data={"csrf": admin.csrf, "what": "tasks"}, headers=PAGE
    )
    assert empty.status_code == 422


@on_both
def test_what_is_taken_out_comes_back_in(site: Site, admin: Person) -> None:
    assert admin.get("/manage/data/export").status_code == 200
    add_tasks(site.store, [rank_task()])
    label(site, admin.id, [[0], [1, 2], [3]])
    taken = admin.get("/manage/data/export?form=jsonl")
    assert taken.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(taken.content)) as packed:
        comparisons = packed.read("labels/comparisons.jsonl").decode()
        given = packed.read("labels/labels.jsonl").decode()
    assert json.loads(comparisons)["ranking"] == [[0], [1, 2], [3]]
    assert "0 new labels" in upload(admin, given, what="labels").text  # they are here already
    elsewhere = json.dumps({**json.loads(given), "store": "another"})
    done = upload(admin, elsewhere, what="labels")
    assert "1 new label from new.jsonl" in done.text
    assert queue_state(site.store).labels == 2
    given = elsewhere
    assert "0 new labels" in upload(admin, given, what="labels").text
    assert admin.get("/manage/data/export?form=csv").status_code == 422


def test_datasets_load_what_was_taken_out(site: Site, admin: Person, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the extra [hf]")
    add_tasks(site.store, [rank_task()])
    label(site, admin.id, [[0], [1, 2], [3]])
    taken = admin.get("/manage/data/export?form=datasets")
    with zipfile.ZipFile(io.BytesIO(taken.content)) as packed:
        packed.extractall(tmp_path)
    pairs = datasets.load_from_disk(str(tmp_path / "labels/pairs"))
    assert len(pairs) == 5  # six pairs, one of them a tie
    assert pairs[0]["chosen"][0]["content"] == FOUR[0]


@on_both
def test_the_audit_log_shows_tampering(site: Site, admin: Person) -> None:
    add_tasks(site.store, [rank_task(), rate_task(), demonstrate_task()])
    made = label(site, admin.id, [[0], [1], [2], [3]])
    assert "The log holds" in admin.get("/manage/audit?check=1").text
    changed = update(label_table).where(label_table.c.id == made).values(value={"ranking": []})
    site.store.write(lambda connection: connection.execute(changed))
    page = admin.get("/manage/audit?check=1").text
    assert "The log does not hold at row" in page
    assert f"label {made} or its task was changed after it was given" in page


def test_keys_are_shown_once_and_revoked(site: Site, admin: Person) -> None:
    made = admin.post("/manage/keys", name="notebook").text
    key = re.search(r'value="(tut-[^"]+)"', made)
    assert key
    ann = accounts.create_labeler(site.store, "Ann", "admin", None, None)
    sessions.make_api_key(site.store, ann.id, "laptop of Ann")
    page = admin.get("/manage/keys").text
    assert "notebook" in page
    assert "laptop of Ann" in page
    assert key[1] not in page
    for number in re.findall(r'name="number" value="(\d+)"', page):
        admin.post("/manage/keys/revoke", number=number)
    page = admin.get("/manage/keys").text
    assert "notebook" not in page
    assert "laptop" not in page
    assert "1 to 80" in admin.post("/manage/keys", name=" ").text

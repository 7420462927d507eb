"""Deleting one person's data, giving it to them, and the conversations that are theirs."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select, text

from tests.labelling.conftest import Clock
from tests.labelling.test_accounts import PASSWORD
from tests.labelling.world import answer, asked, person, rank_task
from tutelage.errors import BadInput, NotAllowed
from tutelage.labelling import accounts, audit, conversations, queue, sessions
from tutelage.labelling.erase import erase_person, personal_data
from tutelage.labelling.labels import add_label, labels_after, mark_used
from tutelage.labelling.records import NewTask
from tutelage.labelling.store import Store
from tutelage.labelling.tables import metadata
from tutelage.labelling.tasks import add_tasks

SECRET = "the secret of Zephyrine"
THUMB = {"prompt": asked(SECRET), "response": "r", "good": True, "stage": "sft"}


@pytest.fixture
def lived(store: Store) -> Store:
    """1 is the boss; 2, Zephyrine, has labelled, talked and asked; 3 answered what she asked."""
    person(store, "boss", "admin")
    her = accounts.create_labeler(store, "Zephyrine", "labeler", PASSWORD, 1).id
    other = person(store, "other").id
    sessions.sign_in(store, "Zephyrine", PASSWORD)
    talk = conversations.new_conversation(store, her)
    conversations.add_message(store, talk.id, her, "user", SECRET)
    add_tasks(store, [rank_task(0), rank_task(1)])
    answer(store, her, "k")
    lease = queue.claim(store, her)
    assert lease is not None
    queue.save_draft(store, lease.id, her, {"note": SECRET})
    add_label(store, her, "thumb", THUMB, "t")
    made = NewTask(
        kind="rank",
        payload={"prompt": asked(SECRET), "responses": ["a", "b"]},
        author_id=her,
        priority=5,
    )
    add_tasks(store, [made])
    answer(store, other, "k")
    mark_used(store, [1], {"accuracy": 0.7})
    return store


def everything(store: Store) -> str:
    return store.read(
        lambda c: repr([c.execute(select(table)).all() for table in metadata.sorted_tables])
    )


def test_a_deleted_person_leaves_nothing_but_a_number(lived: Store):
    erased = erase_person(lived, 2, 1)
    assert (erased.labels, erased.used, erased.tasks, erased.conversations) == (3, 1, 1, 1)
    left = everything(lived)
    assert "ephyrine" not in left
    assert accounts.get_labeler(lived, 2).name == "deleted person 2"
    with pytest.raises(NotAllowed, match="is wrong"):
        sessions.sign_in(lived, "Zephyrine", PASSWORD)
    with pytest.raises(NotAllowed):
        queue.claim(lived, 2)
    assert audit.verify(lived).whole
    assert labels_after(lived, 0) == []
    # What she had answered or held is asked of others.
    assert [answer(lived, 3, key).task_id for key in ("a", "b")] == [1, 2]
    with pytest.raises(BadInput, match="deleted already"):
        erase_person(lived, 2, 1)
    with pytest.raises(BadInput, match="last active admin"):
        erase_person(lived, 1, 1)


def test_deleted_words_leave_the_files_of_sqlite(tmp_path: Path, clock: Clock):
    store = Store(f"sqlite:///{tmp_path / 'labels.db'}", clock=clock)
    person(store, "boss", "admin")
    her = person(store, "Zephyrine").id
    for n in range(30):
        add_label(store, her, "thumb", THUMB, str(n))
    holds = [SECRET.encode() in path.read_bytes() for path in tmp_path.iterdir()]
    assert any(holds)
    erase_person(store, her, 1)
    assert not any(b"ephyrine" in path.read_bytes() for path in tmp_path.iterdir())
    store.close()


def test_people_may_have_what_is_kept_of_them(lived: Store):
    found = personal_data(lived, 2)
    assert found["account"]["name"] == "Zephyrine"
    assert [label["kind"] for label in found["labels"]] == ["rank", "thumb"]
    assert found["conversations"][0]["messages"][0]["content"] == SECRET
    assert found["assignments"][1]["draft"] == {"note": SECRET}
    assert len(found["tasks"]) == 1
    assert "argon2" not in repr(found)
    with pytest.raises(BadInput, match="no labeler 99"):
        personal_data(lived, 99)


def test_conversations_keep_messages_with_stage_and_logprobs(store: Store, clock: Clock):
    me, you = person(store, "me").id, person(store, "you").id
    talk = conversations.new_conversation(store, me)
    conversations.add_message(store, talk.id, me, "user", "list  the\nfiles")
    clock.now += 1
    said = conversations.add_message(
        store, talk.id, me, "assistant", "$ ls", stage="ppo", logprobs=[-0.5, -1.25]
    )
    conversations.update_detail(store, said.id, me, {"output": "a.txt"})
    found = conversations.conversation(store, talk.id, me)
    assert found.title == "list the files"
    assert [(m.role, m.stage, m.logprobs) for m in found.messages] == [
        ("user", "", None),
        ("assistant", "ppo", [-0.5, -1.25]),
    ]
    assert found.messages[1].detail == {"output": "a.txt"}
    assert found.changed_at == clock.now
    redone = conversations.drop_from(store, said.id, me)
    assert [m.role for m in redone.messages] == ["user"]
    for call in (
        lambda: conversations.conversation(store, talk.id, you),
        lambda: conversations.add_message(store, talk.id, you, "user", "x"),
        lambda: conversations.drop_from(store, found.messages[0].id, you),
        lambda: conversations.delete_conversation(store, talk.id, you),
        lambda: conversations.share(store, talk.id, you),
    ):
        with pytest.raises(BadInput, match="of yours"):
            call()
    assert conversations.conversations_of(store, you) == []
    assert [one.id for one in conversations.conversations_of(store, me)] == [talk.id]
    conversations.delete_conversation(store, talk.id, me)
    assert conversations.conversations_of(store, me) == []
    left = store.read(lambda c: c.execute(text("SELECT COUNT(*) FROM messages")).scalar())
    assert left == 0


@pytest.mark.parametrize(
    ("role", "content", "said"),
    [
        ("cat", "x", "role must be one of"),
        ("user", "x" * 40_000, "at most 32,000"),
        ("user", None, "must be text"),
        ("user", "\x00", "NUL"),
    ],
)
def test_messages_that_cannot_be_kept(store: Store, role: str, content, said: str):
    me = person(store, "me").id
    talk = conversations.new_conversation(store, me)
    with pytest.raises(BadInput, match=said):
        conversations.add_message(store, talk.id, me, role, content)


def test_a_shared_link_shows_it_until_it_is_taken_back(store: Store):
    me = person(store, "me").id
    talk = conversations.new_conversation(store, me)
    conversations.add_message(store, talk.id, me, "user", "hello")
    assert conversations.shared(store, "guess") is None
    token = conversations.share(store, talk.id, me)
    assert conversations.share(store, talk.id, me) == token
    found = conversations.shared(store, token)
    assert found is not None
    assert found.title == "hello"
    conversations.unshare(store, talk.id, me)
    assert conversations.shared(store, token) is None

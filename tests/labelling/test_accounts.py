"""Signing in, invitations, roles, guidelines' versions."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tests.labelling.conftest import Clock
from tests.labelling.test_concurrency import at_once
from tests.labelling.world import answer, person, rank_task
from tutelage.errors import BadInput, NotAllowed, TooManyTries
from tutelage.labelling import accounts, audit, guidelines, passwords, queue, sessions, tokens
from tutelage.labelling.erase import erase_person
from tutelage.labelling.records import Labeler
from tutelage.labelling.store import Store
from tutelage.labelling.tables import invitations, labelers, tries
from tutelage.labelling.tables import sessions as session_table
from tutelage.labelling.tasks import add_tasks

PASSWORD = "correct horse 7"


@pytest.fixture(autouse=True)
def quick_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 at its cheapest; what it costs in earnest is tried by one test."""
    monkeypatch.setattr(
        passwords,
        "HASHER",
        passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1),
    )
    passwords._nobody.cache_clear()


@pytest.fixture
def boss(store: Store) -> Labeler:
    return accounts.create_labeler(store, "Boss", "admin", PASSWORD, None)


def test_the_local_person_is_always_the_same(store: Store):
    found: list[Labeler] = []
    at_once(4, lambda _: found.append(accounts.local_person(store)))
    assert len({one.id for one in found}) == 1
    assert found[0].role == "admin"
    assert not accounts.has_accounts(store)
    with pytest.raises(NotAllowed):
        sessions.sign_in(store, accounts.LOCAL, "")


def test_signing_in_and_out(store: Store, boss: Labeler, clock: Clock):
    assert accounts.has_accounts(store)
    token, session = sessions.sign_in(store, " boss ", PASSWORD, "127.0.0.1")
    assert session.labeler == boss
    assert sessions.session_of(store, token) == session
    assert session.csrf == tokens.csrf_of(token) != token
    assert sessions.session_of(store, token + "x") is None
    assert sessions.session_of(store, None) is None
    assert sessions.session_of_key(store, token) is None  # a browser's token is no API key
    sessions.sign_out(store, token)
    assert sessions.session_of(store, token) is None


def test_a_session_ends(store: Store, boss: Labeler, clock: Clock):
    token, session = sessions.sign_in(store, "boss", PASSWORD)
    clock.now = session.expires_at - 1
    assert sessions.session_of(store, token) is not None
    clock.now += 2
    assert sessions.session_of(store, token) is None


def test_no_secret_is_kept(store: Store, boss: Labeler):
    token, _ = sessions.sign_in(store, "boss", PASSWORD)
    invitation = accounts.invite(store, boss.id)
    key = sessions.make_api_key(store, boss.id, "laptop")
    kept = store.read(
        lambda connection: repr(
            [connection.execute(select(t)).all() for t in (labelers, session_table, invitations)]
        )
    )
    for secret in (PASSWORD, token, invitation, key):
        assert secret not in kept
    assert "$argon2id$" in kept


def test_a_wrong_name_and_a_wrong_password_look_the_same(store: Store, boss: Labeler):
    said = set()
    for name, password in (
        ("boss", "wrong password"),
        ("nobody", PASSWORD),
        ("", ""),
        ("boss\x00", PASSWORD),
        ("boss", PASSWORD + "x" * 5000),
    ):
        with pytest.raises(NotAllowed) as error:
            sessions.sign_in(store, name, password)
        said.add(str(error.value))
    assert said == {"The name or the password is wrong."}


def test_an_unknown_name_costs_a_hash_too(store: Store, boss: Labeler, monkeypatch):
    """Not timed, which would be chance: the same work is done for both."""
    checked: list[str] = []
    hasher = passwords.HASHER

    class Counting:
        hash = hasher.hash

        def verify(self, hashed: str, given: bytes) -> bool:
            checked.append(hashed[:30])
            return hasher.verify(hashed, given)

    monkeypatch.setattr(passwords, "HASHER", Counting())
    for name in ("boss", "nobody"):
        with pytest.raises(NotAllowed):
            sessions.sign_in(store, name, "wrong password")
    assert len(checked) == 2
    assert checked[0].split("$")[:4] == checked[1].split("$")[:4]  # the same parameters


def test_guessing_is_slowed_down(store: Store, boss: Labeler, clock: Clock):
    for _ in range(sessions.TRIES_NAME):
        with pytest.raises(NotAllowed, match="is wrong"):
            sessions.sign_in(store, "boss", "wrong password", "10.0.0.1")
    with pytest.raises(TooManyTries, match="in 15 minutes"):
        sessions.sign_in(store, "BOSS ", PASSWORD, "10.0.0.2")
    clock.now += sessions.TRIES_S + 1
    sessions.sign_in(store, "boss", PASSWORD, "10.0.0.1")
    # An address that tries many names is slowed down as well; others are not.
    clock.now += sessions.TRIES_S + 1
    for n in range(sessions.TRIES_ADDRESS):
        with pytest.raises(NotAllowed, match="is wrong"):
            sessions.sign_in(store, f"guess {n}", "wrong password", "10.0.0.1")
    with pytest.raises(TooManyTries):
        sessions.sign_in(store, "boss", PASSWORD, "10.0.0.1")
    sessions.sign_in(store, "boss", PASSWORD, "10.0.0.3")


def test_signing_in_rightly_uses_up_no_tries(store: Store, boss: Labeler):
    for _ in range(2):
        with pytest.raises(NotAllowed, match="is wrong"):
            sessions.sign_in(store, "nobody", "wrong password", "10.0.0.1")
    for _ in range(sessions.TRIES_ADDRESS):
        sessions.sign_in(store, "boss", PASSWORD, "10.0.0.1")
    # The guesses of the address are still counted.
    kept = store.read(lambda connection: connection.execute(select(tries.c.who)).scalars().all())
    assert len(kept) == 4


def test_guesses_at_once_are_all_counted(store: Store, boss: Labeler):
    outcomes: list[str] = []

    def guess(_: int) -> None:
        try:
            sessions.sign_in(store, "boss", "wrong password")
        except NotAllowed as error:
            outcomes.append(type(error).__name__)

    at_once(14, guess)
    assert outcomes.count("NotAllowed") <= sessions.TRIES_NAME
    kept = store.read(lambda connection: connection.execute(select(tries.c.who)).all())
    assert "boss" not in repr(kept)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "10 to 200 characters"),
        ("x" * 300, "10 to 200 characters"),
        ("aaaaaaaaaaaa", "repeats too few"),
        ("my name is boss", "holds the name"),
        (None, "10 to 200 characters"),
    ],
)
def test_weak_passwords_are_refused(password, said: str):
    with pytest.raises(BadInput, match=said):
        passwords.hash_password(password, "Boss")


def test_argon2_costs_what_it_should(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    hashed = passwords.hash_password(PASSWORD, "x")
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert passwords.check_password(hashed, PASSWORD)
    assert not passwords.check_password(hashed, PASSWORD + " ")


def test_an_invitation_works_once_and_for_its_role(store: Store, boss: Labeler, clock: Clock):
    token = accounts.invite(store, boss.id, "labeler")
    assert accounts.invitation_role(store, token) == "labeler"
    with pytest.raises(BadInput, match="10 to 200"):
        accounts.accept_invitation(store, token, "Ann", "short")
    ann = accounts.accept_invitation(store, token, "Ann", PASSWORD)
    assert (ann.name, ann.role, ann.active) == ("Ann", "labeler", True)
    for used in (token, "guess"):
        with pytest.raises(NotAllowed, match="has been used"):
            accounts.accept_invitation(store, used, "Bob", PASSWORD)
    late = accounts.invite(store, boss.id)
    clock.now += accounts.INVITATION_S + 1
    with pytest.raises(NotAllowed, match="too old"):
        accounts.accept_invitation(store, late, "Bob", PASSWORD)
    with pytest.raises(BadInput, match="role must be one of"):
        accounts.invite(store, boss.id, "king")


def test_a_revoked_invitation_makes_no_account(store: Store, boss: Labeler, clock: Clock):
    token = accounts.invite(store, boss.id, "admin")
    (made,) = accounts.all_invitations(store)
    assert (made.role, made.maker, made.guest) == ("admin", "Boss", None)
    assert made.expires_at - made.created_at == accounts.INVITATION_S
    assert made.is_open(made.expires_at)
    assert not made.is_open(made.expires_at + 1)
    for _ in range(2):  # the second time nothing happens
        accounts.revoke_invitation(store, made.id, boss.id)
    assert not accounts.all_invitations(store)[0].is_open(clock.now)
    with pytest.raises(NotAllowed, match="was revoked"):
        accounts.invitation_role(store, token)
    with pytest.raises(NotAllowed, match="was revoked"):
        accounts.accept_invitation(store, token, "Ann", PASSWORD)
    logged = [(e.action, e.subject, e.actor_id) for e in audit.entries(store)]
    assert logged[:2] == [("revoke", "invitation 1", boss.id), ("invite", "invitation 1", boss.id)]
    used = accounts.invite(store, boss.id)
    accounts.accept_invitation(store, used, "Ann", PASSWORD)
    assert accounts.all_invitations(store)[0].guest == "Ann"
    with pytest.raises(BadInput, match="has been used"):
        accounts.revoke_invitation(store, 2, boss.id)
    with pytest.raises(BadInput, match="no invitation 3"):
        accounts.revoke_invitation(store, 3, boss.id)
    assert audit.verify(store).whole


def test_an_invitation_used_at_once_makes_one_account(store: Store, boss: Labeler):
    token = accounts.invite(store, boss.id)
    outcomes: list[str] = []

    def accept(number: int) -> None:
        try:
            accounts.accept_invitation(store, token, f"guest {number}", PASSWORD)
            outcomes.append("in")
        except NotAllowed:
            outcomes.append("out")

    at_once(5, accept)
    assert sorted(outcomes) == ["in", "out", "out", "out", "out"]
    assert len(accounts.all_labelers(store)) == 2


def test_the_first_admin_comes_by_invitation(store: Store):
    token = accounts.invite(store, None, "admin")
    accounts.accept_invitation(store, token, "Ann", PASSWORD)
    assert accounts.has_accounts(store)


@pytest.mark.parametrize(
    "name", ["boss", "  BOSS", "Ｂｏｓｓ", "", " ", "a\nb", "x" * 81, None, "\ud800"]
)
def test_names_that_cannot_be_taken(store: Store, boss: Labeler, name):
    with pytest.raises(BadInput, match=r"name"):
        accounts.create_labeler(store, name, "labeler", None, boss.id)


def test_the_last_admin_stays(store: Store, boss: Labeler):
    for change in (
        lambda: accounts.change_role(store, boss.id, "labeler", boss.id),
        lambda: accounts.set_active(store, boss.id, False, boss.id),
    ):
        with pytest.raises(BadInput, match="last active admin"):
            change()
    ann = accounts.create_labeler(store, "Ann", "admin", PASSWORD, boss.id)
    assert accounts.change_role(store, boss.id, "labeler", ann.id).role == "labeler"
    assert accounts.get_labeler(store, boss.id).role == "labeler"
    with pytest.raises(BadInput, match="no labeler 99"):
        accounts.change_role(store, 99, "admin", ann.id)


def test_the_last_admin_who_can_sign_in_stays(store: Store, boss: Labeler):
    """The person at the machine has no password: alone they would be in without one."""
    here = accounts.local_person(store)
    for change in (
        lambda: accounts.change_role(store, boss.id, "labeler", here.id),
        lambda: accounts.set_active(store, boss.id, False, here.id),
        lambda: erase_person(store, boss.id, here.id),
    ):
        with pytest.raises(BadInput, match="last active admin who can sign in"):
            change()
    assert accounts.has_accounts(store)
    assert not accounts.set_active(store, here.id, False, boss.id).active


def test_an_inactive_person_is_out_at_once(store: Store, boss: Labeler):
    ann = accounts.create_labeler(store, "Ann", "labeler", PASSWORD, boss.id)
    token, _ = sessions.sign_in(store, "Ann", PASSWORD)
    key = sessions.make_api_key(store, ann.id, "laptop")
    assert sessions.session_of_key(store, key) is not None
    accounts.set_active(store, ann.id, False, boss.id)
    assert sessions.session_of(store, token) is None
    assert sessions.session_of_key(store, key) is None
    with pytest.raises(NotAllowed, match="is wrong"):
        sessions.sign_in(store, "Ann", PASSWORD)


def test_a_new_password_ends_every_session(store: Store, boss: Labeler):
    token, _ = sessions.sign_in(store, "boss", PASSWORD)
    accounts.change_password(store, boss.id, "another horse 8", boss.id)
    assert sessions.session_of(store, token) is None
    with pytest.raises(NotAllowed):
        sessions.sign_in(store, "boss", PASSWORD)
    sessions.sign_in(store, "boss", "another horse 8")


def test_api_keys_are_listed_and_revoked(store: Store, boss: Labeler, clock: Clock):
    key = sessions.make_api_key(store, boss.id, "laptop", valid_s=100)
    ann = person(store, "Ann", "admin")
    hers = sessions.make_api_key(store, ann.id, "desk")
    token, _ = sessions.sign_in(store, "boss", PASSWORD)
    [second, listed] = sessions.api_keys(store)
    assert (listed.name, listed.owner, listed.expires_at) == ("laptop", "Boss", clock.now + 100)
    assert second.owner == "Ann"
    found = sessions.session_of_key(store, key)
    assert found is not None
    assert found.labeler == boss
    for _ in range(2):
        sessions.revoke_api_key(store, listed.id, ann.id)
    assert sessions.session_of_key(store, key) is None
    assert sessions.session_of_key(store, hers) is not None
    assert sessions.session_of_key(store, "") is None
    said = [(row.actor_id, row.subject) for row in audit.entries(store) if "revoke" in row.action]
    assert said == [(ann.id, f"labeler {boss.id}")]
    sessions.revoke_api_key(store, second.id + 1, ann.id)  # a browser's session is no key
    assert sessions.session_of(store, token) is not None


def test_guidelines_have_versions_and_labels_keep_theirs(store: Store, boss: Labeler):
    assert guidelines.current(store) == guidelines.DEFAULT
    first = guidelines.publish(store, boss.id, "Be kind.")
    second = guidelines.publish(store, boss.id, "Be kind and brief.")
    assert guidelines.current(store) == second
    assert second.author == "Boss"
    assert [v.hash for v in guidelines.versions(store)] == [
        second.hash,
        first.hash,
        guidelines.DEFAULT.hash,
    ]
    assert guidelines.version(store, first.hash).text == "Be kind."
    add_tasks(store, [rank_task(0)])
    lease = queue.claim(store, boss.id)
    assert lease is not None
    label = queue.submit(store, lease.id, boss.id, "k", {"ranking": [[0], [1]]}, first.hash)
    assert label.guidelines == first.hash
    for text in ("", " ", None, "x" * 100_001, "\x00"):
        with pytest.raises(BadInput, match=r"(?i)guidelines"):
            guidelines.publish(store, boss.id, text)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="no guidelines"):
        guidelines.version(store, "x")


def test_answers_use_the_default_guidelines(store: Store, boss: Labeler):
    add_tasks(store, [rank_task(0)])
    assert answer(store, boss.id, "k").guidelines == guidelines.DEFAULT.hash

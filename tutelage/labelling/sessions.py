"""Signing in: a random token in the browser, its hash and an expiry on the server."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, delete, func, insert, or_, select

from tutelage.errors import BadInput, NotAllowed, TooManyTries
from tutelage.labelling import audit
from tutelage.labelling.accounts import NAME_LIMIT, labeler_of, name_key
from tutelage.labelling.passwords import check_password
from tutelage.labelling.records import ApiKey, Session
from tutelage.labelling.store import Store, lock_until_commit
from tutelage.labelling.tables import labelers, sessions, tries
from tutelage.labelling.tokens import csrf_of, new_token, token_hash

SESSION_S = 7 * 86400.0
API_KEY_S = 365 * 86400.0
API_PREFIX = "tut-"  # tells a leaked key from other secrets
TRIES_NAME, TRIES_ADDRESS = 8, 40  # failed ones in TRIES_S, for one name and for one address
TRIES_S = 900.0

WRONG = "The name or the password is wrong."


def sign_in(store: Store, name: str, password: str, address: str = "") -> tuple[str, Session]:
    """(token, session). NotAllowed says the same of a wrong name and a wrong password, after the
    same time; TooManyTries after TRIES_NAME failures for a name, or TRIES_ADDRESS from an address,
    within a quarter of an hour."""
    try:
        key = name_key(name)
    except BadInput:
        key = ""
    who = {_who("name", key): TRIES_NAME}
    if address:
        who[_who("address", address)] = TRIES_ADDRESS
    # Counted before the password is looked at, so that many at once do not slip through.
    own = store.write(lambda connection: _count_try(connection, store.clock(), who), ordered=False)
    row = store.read(
        lambda connection: connection.execute(
            select(labelers).where(labelers.c.name_key == key)
        ).first()
    )
    right = check_password(row.password if row else None, password)
    if row is None or not right or not row.active:
        raise NotAllowed(WRONG)
    token = new_token()

    def write(connection: Connection) -> Session:
        now = store.clock()
        # The name's failures are forgiven; of the address's, this attempt alone was none.
        connection.execute(
            delete(tries).where(or_(tries.c.who == _who("name", key), tries.c.id.in_(own)))
        )
        connection.execute(delete(sessions).where(sessions.c.expires_at < now))
        _insert(connection, row.id, token, "browser", "", now, SESSION_S)
        return Session(labeler=labeler_of(row), csrf=csrf_of(token), expires_at=now + SESSION_S)

    return token, store.write(write, ordered=False)


def session_of(store: Store, token: str | None) -> Session | None:
    """The session of a cookie, None where it is unknown, over or its person inactive."""
    return _session(store, token, "browser") if token else None


def sign_out(store: Store, token: str) -> None:
    query = delete(sessions).where(sessions.c.token_hash == token_hash(token))
    store.write(lambda connection: connection.execute(query).rowcount)


def make_api_key(store: Store, labeler_id: int, name: str, valid_s: float = API_KEY_S) -> str:
    """A key for programs, shown once; only its hash is kept."""
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= NAME_LIMIT:
        raise BadInput(f"A key's name must be printable text of 1 to {NAME_LIMIT} characters.")
    token = API_PREFIX + new_token()

    def write(connection: Connection) -> None:
        now = store.clock()
        _insert(connection, labeler_id, token, "api", name, now, valid_s)
        audit.append(connection, now, labeler_id, "api key", f"labeler {labeler_id}")

    store.write(write)
    return token


def session_of_key(store: Store, key: str | None) -> Session | None:
    """The person of an API key, or None."""
    return _session(store, key, "api") if key else None


def api_keys(store: Store) -> list[ApiKey]:
    """Everybody's, the latest first."""
    query = (
        select(sessions, labelers.c.name.label("owner"))
        .join(labelers, labelers.c.id == sessions.c.labeler_id)
        .where(sessions.c.purpose == "api")
        .order_by(sessions.c.id.desc())
    )
    names = ApiKey.__dataclass_fields__
    rows = store.read(lambda connection: connection.execute(query).all())
    return [ApiKey(**{name: getattr(row, name) for name in names}) for row in rows]


def revoke_api_key(store: Store, key_id: int, by: int | None) -> None:
    """Whoever's it is; a key that is gone already stays gone."""

    def write(connection: Connection) -> None:
        owner = connection.execute(
            delete(sessions)
            .where(sessions.c.id == key_id, sessions.c.purpose == "api")
            .returning(sessions.c.labeler_id)
        ).scalar()
        if owner is not None:
            audit.append(connection, store.clock(), by, "revoke key", f"labeler {owner}")

    store.write(write)


def _session(store: Store, token: str, purpose: str) -> Session | None:
    query = (
        select(labelers, sessions.c.expires_at)
        .join(sessions, sessions.c.labeler_id == labelers.c.id)
        .where(
            sessions.c.token_hash == token_hash(token),
            sessions.c.purpose == purpose,
            sessions.c.expires_at > store.clock(),
            labelers.c.active,
        )
    )
    row = store.read(lambda connection: connection.execute(query).first())
    if row is None:
        return None
    csrf = csrf_of(token) if purpose == "browser" else ""
    return Session(labeler=labeler_of(row), csrf=csrf, expires_at=row.expires_at)


def _insert(
    connection: Connection,
    labeler_id: int,
    token: str,
    purpose: str,
    name: str,
    now: float,
    valid_s: float,
) -> None:
    connection.execute(
        insert(sessions).values(
            token_hash=token_hash(token),
            labeler_id=labeler_id,
            purpose=purpose,
            name=name,
            created_at=now,
            expires_at=now + valid_s,
        )
    )


def _count_try(connection: Connection, now: float, limits: dict[str, int]) -> list[int]:
    """Rows of this attempt, counted as a failure until it is known to be none."""
    connection.execute(delete(tries).where(tries.c.at < now - TRIES_S))
    for who, most in sorted(limits.items()):
        # Those that come at the same moment are counted one after the other.
        lock_until_commit(connection, int(who[:15], 16))
        count = select(func.count()).where(tries.c.who == who)
        if connection.execute(count).scalar_one() >= most:
            raise TooManyTries(
                f"Signing in failed too often; try again in {TRIES_S / 60:.0f} minutes."
            )
    rows = [{"who": who, "at": now} for who in limits]
    return list(connection.execute(insert(tries).returning(tries.c.id), rows).scalars())


def _who(kind: str, value: str) -> str:
    return hashlib.sha256(f"{kind} {value}".encode("utf-8", "replace")).hexdigest()

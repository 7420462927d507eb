"""Accounts: who may label and manage. There is no default password and no default account.

A server on 127.0.0.1 without accounts has one person, `local_person`. Otherwise the first admin
is made by `tutelage serve RUN --admin NAME`, and invites the others.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from tutelage.errors import BadInput, NotAllowed
from tutelage.labelling import audit
from tutelage.labelling.passwords import hash_password
from tutelage.labelling.records import PERSON_ROLES, Invitation, Labeler
from tutelage.labelling.store import Store
from tutelage.labelling.tables import invitations, labelers, sessions
from tutelage.labelling.tokens import new_token, token_hash
from tutelage.labelling.values import check_json

LOCAL = "you"  # the person at the machine itself, where nobody signs in
NAME_LIMIT = 80
INVITATION_S = 7 * 86400.0


def local_person(store: Store) -> Labeler:
    """The one person of a server on 127.0.0.1 without accounts."""
    query = select(labelers).where(labelers.c.name_key == LOCAL)

    def write(connection: Connection) -> Labeler:
        row = connection.execute(query).first()
        return labeler_of(row) if row else insert_labeler(connection, store, LOCAL, "admin", None)

    known = store.read(lambda connection: connection.execute(query).first())
    return labeler_of(known) if known else store.write(write)


def has_accounts(store: Store) -> bool:
    """Whether somebody can sign in as an admin."""
    query = select(labelers.c.id).where(
        labelers.c.role == "admin", labelers.c.active, labelers.c.password.is_not(None)
    )
    return store.read(lambda connection: connection.execute(query.limit(1)).first() is not None)


def create_labeler(
    store: Store, name: str, role: str, password: str | None, by: int | None
) -> Labeler:
    """A new account; password None: it cannot sign in. by: the admin, None for the machine."""
    hashed = None if password is None else hash_password(password, name)

    def write(connection: Connection) -> Labeler:
        return insert_labeler(connection, store, name, role, hashed, by)

    return store.write(write)


def invite(
    store: Store, by: int | None, role: str = "labeler", valid_s: float = INVITATION_S
) -> str:
    """The secret of an invitation link; it works once. Only its hash is kept."""
    _check_role(role)
    token = new_token()

    def write(connection: Connection) -> None:
        now = store.clock()
        made = connection.execute(
            insert(invitations)
            .values(
                token_hash=token_hash(token),
                role=role,
                created_by=by,
                created_at=now,
                expires_at=now + valid_s,
            )
            .returning(invitations.c.id)
        ).scalar_one()
        audit.append(connection, now, by, "invite", f"invitation {made}", {"role": role})

    store.write(write)
    return token


def all_invitations(store: Store) -> list[Invitation]:
    """The latest first."""
    maker, guest = labelers.alias("maker"), labelers.alias("guest")
    query = (
        select(invitations, maker.c.name.label("maker"), guest.c.name.label("guest"))
        .outerjoin(maker, maker.c.id == invitations.c.created_by)
        .outerjoin(guest, guest.c.id == invitations.c.used_by)
        .order_by(invitations.c.id.desc())
    )
    names = Invitation.__dataclass_fields__
    rows = store.read(lambda connection: connection.execute(query).all())
    return [Invitation(**{name: getattr(row, name) for name in names}) for row in rows]


def revoke_invitation(store: Store, invitation_id: int, by: int | None) -> None:
    """Its link works no more; one that is revoked already stays so."""

    def write(connection: Connection) -> None:
        now = store.clock()
        this = invitations.c.id == invitation_id
        row = connection.execute(select(invitations).where(this)).first()
        if row is None:
            raise BadInput(f"There is no invitation {invitation_id}.")
        if row.used_at is not None:
            raise BadInput("This invitation has been used; deactivate the account it made instead.")
        if row.revoked_at is None:
            connection.execute(update(invitations).where(this).values(revoked_at=now))
            audit.append(connection, now, by, "revoke", f"invitation {invitation_id}")

    store.write(write)


def invitation_role(store: Store, token: str) -> str:
    """The role that an invitation gives; NotAllowed where it is used, revoked, old or unknown."""
    return store.read(lambda connection: _invitation(connection, token, store.clock()).role)


def accept_invitation(store: Store, token: str, name: str, password: str) -> Labeler:
    """A new account by an invitation link."""
    invitation_role(store, token)  # before the work of hashing
    hashed = hash_password(password, name)

    def write(connection: Connection) -> Labeler:
        now = store.clock()
        invitation = _invitation(connection, token, now)
        taken = connection.execute(
            update(invitations)
            .where(invitations.c.id == invitation.id, invitations.c.used_at.is_(None))
            .values(used_at=now)
        ).rowcount
        if not taken:
            raise NotAllowed(USED)
        labeler = insert_labeler(
            connection, store, name, invitation.role, hashed, invitation.created_by
        )
        connection.execute(
            update(invitations).where(invitations.c.id == invitation.id).values(used_by=labeler.id)
        )
        return labeler

    return store.write(write)


def change_password(store: Store, labeler_id: int, password: str, by: int) -> None:
    """Every session of theirs ends."""
    name = get_labeler(store, labeler_id).name
    hashed = hash_password(password, name)

    def write(connection: Connection) -> None:
        connection.execute(
            update(labelers).where(labelers.c.id == labeler_id).values(password=hashed)
        )
        connection.execute(sessions.delete().where(sessions.c.labeler_id == labeler_id))
        audit.append(connection, store.clock(), by, "password", f"labeler {labeler_id}")

    store.write(write)


def change_role(store: Store, labeler_id: int, role: str, by: int | None) -> Labeler:
    _check_role(role)
    return _change(store, labeler_id, by, role=role)


def set_active(store: Store, labeler_id: int, active: bool, by: int | None) -> Labeler:
    """An inactive person can neither sign in nor label; their sessions end, their labels stay."""
    return _change(store, labeler_id, by, active=bool(active))


def get_labeler(store: Store, labeler_id: int) -> Labeler:
    query = select(labelers).where(labelers.c.id == labeler_id)
    row = store.read(lambda connection: connection.execute(query).first())
    if row is None:
        raise BadInput(f"There is no labeler {labeler_id}.")
    return labeler_of(row)


def all_labelers(store: Store) -> list[Labeler]:
    query = select(labelers).order_by(labelers.c.id)
    return store.read(lambda connection: [labeler_of(row) for row in connection.execute(query)])


def named_labeler(connection: Connection, store: Store, name: str) -> Labeler:
    """The labeler of this name; made without a password and inactive where there is none, for
    labels that are brought in from elsewhere."""
    query = select(labelers).where(labelers.c.name_key == name_key(name))
    row = connection.execute(query).first()
    if row:
        return labeler_of(row)
    return insert_labeler(connection, store, name, "labeler", None, active=False)


def insert_labeler(
    connection: Connection,
    store: Store,
    name: str,
    role: str,
    hashed: str | None,
    by: int | None = None,
    *,
    active: bool = True,
) -> Labeler:
    _check_role(role)
    key = name_key(name)
    taken = select(labelers.c.id).where(labelers.c.name_key == key)
    if connection.execute(taken).first():
        raise BadInput(f"The name {name!r} is taken; choose another.")
    row = connection.execute(
        insert(labelers)
        .values(
            name=name.strip(),
            name_key=key,
            role=role,
            active=active,
            password=hashed,
            created_at=store.clock(),
        )
        .returning(labelers)
    ).one()
    subject = f"labeler {row.id}"
    audit.append(connection, store.clock(), by, "account", subject, {"role": role})
    return labeler_of(row)


def need_other_admin(connection: Connection, labeler_id: int) -> None:
    """Before this person is no active admin any more: BadInput where none would be left, or none
    who can sign in. The latter would open a server on 127.0.0.1 to whoever is at the machine."""
    admin = (labelers.c.role == "admin", labelers.c.active)
    this = connection.execute(
        select(labelers.c.password).where(labelers.c.id == labeler_id, *admin)
    ).first()
    others = connection.execute(
        select(
            func.count(labelers.c.id).label("all"), func.count(labelers.c.password).label("in_")
        ).where(labelers.c.id != labeler_id, *admin)
    ).one()
    if this is not None and others.all == 0:
        raise BadInput("This is the last active admin; make somebody else an admin first.")
    if this is not None and this.password is not None and others.in_ == 0:
        raise BadInput("This is the last active admin who can sign in; invite another admin first.")


def name_key(name: object) -> str:
    """Names that look the same are the same: compatibility forms, case and spaces set aside."""
    if not isinstance(name, str) or not name.isprintable() or not len(name.strip()) > 0:
        raise BadInput("A name must be text that can be printed, and not empty.")
    if len(name) > NAME_LIMIT:
        raise BadInput(f"A name has at most {NAME_LIMIT} characters, this one has {len(name)}.")
    check_json(name, "A name")
    key = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    if len(key) > 2 * NAME_LIMIT:
        raise BadInput(f"A name has at most {NAME_LIMIT} characters, this one has more.")
    return key


def labeler_of(row: Row[Any]) -> Labeler:
    return Labeler(id=row.id, name=row.name, role=row.role, active=row.active)


def _change(store: Store, labeler_id: int, by: int | None, **values: Any) -> Labeler:
    def write(connection: Connection) -> Labeler:
        if values.get("role") == "labeler" or values.get("active") is False:
            need_other_admin(connection, labeler_id)
        row = connection.execute(
            update(labelers)
            .where(labelers.c.id == labeler_id, labelers.c.erased_at.is_(None))
            .values(**values)
            .returning(labelers)
        ).first()
        if row is None:
            raise BadInput(f"There is no labeler {labeler_id}.")
        if not row.active:
            connection.execute(sessions.delete().where(sessions.c.labeler_id == labeler_id))
        audit.append(connection, store.clock(), by, "role", f"labeler {labeler_id}", values)
        return labeler_of(row)

    return store.write(write)


USED = "This invitation has been used, is too old or was never made; ask for a new one."
REVOKED = "This invitation was revoked by who made it; ask them if you still need one."


def _invitation(connection: Connection, token: str, now: float) -> Row[Any]:
    row = connection.execute(
        select(invitations).where(invitations.c.token_hash == token_hash(token))
    ).first()
    if row is not None and row.revoked_at is not None:
        raise NotAllowed(REVOKED)
    if row is None or row.used_at is not None or row.expires_at < now:
        raise NotAllowed(USED)
    return row


def _check_role(role: object) -> None:
    if role not in PERSON_ROLES:
        raise BadInput(f"A role must be one of {', '.join(PERSON_ROLES)}, got {role!r}.")

"""What a manager may change while people label: one JSON value a key."""

from __future__ import annotations

import dataclasses
import math
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from tutelage.config import require
from tutelage.errors import BadInput
from tutelage.labelling import audit
from tutelage.labelling.records import Order
from tutelage.labelling.store import Store
from tutelage.labelling.tables import settings as table
from tutelage.labelling.values import check_json

ORDERS: tuple[Order, ...] = ("priority", "oldest", "random")


@dataclass(frozen=True, kw_only=True)
class Settings:
    order: Order = "priority"  # priority, then oldest | oldest | random among the waiting
    overlap: int = 1  # labels of a task, each by another person, where the task does not say
    gold_rate: float = 0.05  # share of tasks given out whose answer is known
    lease_s: float = 1800.0  # seconds after the last sign of life until a task returns
    cost_an_hour: float = 0.0  # what an hour of a labeler's active time costs
    currency: str = "$"
    random_share: float = 0.2  # of the pairs to rank, picked at random instead of by information
    queue_depth: int = 40  # labels wanted that the teacher keeps waiting; 0: it adds no tasks
    rank_share: float = 0.7  # of the tasks that it adds, in proportion to the other shares
    rate_share: float = 0.15
    demonstrate_share: float = 0.1
    dialogue_share: float = 0.05
    replies: int = 4  # of a task to rank, where the model has so many different ones
    asks: bool = True  # the assistant may ask whether an action was right
    ask_cost: float = 0.02  # what one question costs, in nats of what is learned
    ask_rate: float = 0.1  # most questions for each action

    def __post_init__(self) -> None:
        require(self, "from 0 to 1", "gold_rate", "ask_rate")
        require(self, "at least 0", "cost_an_hour", "ask_cost", "queue_depth")
        require(self, "at least 0", "rank_share", "rate_share")
        require(self, "at least 0", "demonstrate_share", "dialogue_share")
        if not 0.2 <= self.random_share <= 1:
            raise ValueError(f"random_share must lie from 0.2 to 1, got {self.random_share}")
        if not 2 <= self.replies <= 9:
            raise ValueError(f"replies must lie from 2 to 9, got {self.replies}")
        if self.order not in ORDERS:
            raise ValueError(f"order must be one of {', '.join(ORDERS)}, got {self.order!r}")
        if not 1 <= self.overlap <= 100:
            raise ValueError(f"overlap must lie from 1 to 100, got {self.overlap}")
        if not (math.isfinite(self.lease_s) and 10 <= self.lease_s <= 7 * 86400):
            raise ValueError(f"lease_s must lie from 10 to 604800 seconds, got {self.lease_s}")
        if not 0 < len(self.currency) <= 8:
            raise ValueError(f"currency must have 1 to 8 characters, got {self.currency!r}")


FIELDS = {field.name: field for field in dataclasses.fields(Settings)}


def read_settings(store: Store) -> Settings:
    return store.read(settings_of)


def settings_of(connection: Connection) -> Settings:
    rows = connection.execute(select(table.c.key, table.c.value))
    return Settings(**{row.key: row.value for row in rows if row.key in FIELDS})


def settings_now(store: Store, connection: Connection) -> Settings:
    """As of now; another server's change may take a second to be seen."""
    return store.fresh("settings", lambda: settings_of(connection))


def change_settings(store: Store, author_id: int | None, **changes: Any) -> Settings:
    """Checked, written and put down in the audit log."""
    for key, value in changes.items():
        if key not in FIELDS:
            raise BadInput(f"There is no setting {key!r}; settings are {', '.join(FIELDS)}.")
        changes[key] = _typed(key, value)

    def change(connection: Connection) -> Settings:
        try:
            settings = dataclasses.replace(settings_of(connection), **changes)
        except ValueError as error:
            raise BadInput(f"{error}.") from None
        for key, value in changes.items():
            _put(connection, key, value, store.clock(), author_id)
        audit.append(
            connection, store.clock(), author_id, "settings", "settings", {"changed": changes}
        )
        return settings

    settings = store.write(change)
    store.forget("settings")
    return settings


def get_value(store: Store, key: str) -> Any:
    """A value that another package keeps here, such as the state of a fit; None without one."""
    query = select(table.c.value).where(table.c.key == f"x.{key}")
    return store.read(lambda connection: connection.execute(query).scalar())


def put_value(store: Store, key: str, value: Any) -> None:
    check_json(value, f"The value of {key}")
    store.write(
        lambda connection: _put(connection, f"x.{key}", value, store.clock(), None), ordered=False
    )


def store_id(store: Store) -> str:
    """A random name of this database, made on the first call and kept."""
    query = select(table.c.value).where(table.c.key == "x.store")

    def write(connection: Connection) -> str:
        known = connection.execute(query).scalar()
        if known is None:
            known = secrets.token_hex(16)
            _put(connection, "x.store", known, store.clock(), None)
        return str(known)

    known = store.read(lambda connection: connection.execute(query).scalar())
    return store.write(write) if known is None else str(known)


def _typed(key: str, value: Any) -> Any:
    kind = {"int": int, "float": float, "bool": bool}.get(str(FIELDS[key].type), str)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise BadInput(f"{key} must be of type {kind.__name__}, got {value!r}.")
    return value


def _put(connection: Connection, key: str, value: Any, at: float, author: int | None) -> None:
    connection.execute(delete(table).where(table.c.key == key))
    connection.execute(insert(table).values(key=key, value=value, changed_at=at, author_id=author))

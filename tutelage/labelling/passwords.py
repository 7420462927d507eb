"""Passwords: Argon2id (RFC 9106), no more of them hashed at once than the machine bears."""

from __future__ import annotations

import functools
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tutelage.errors import BadInput

SHORTEST, LONGEST = 10, 200  # characters
HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)  # 64 MiB
_AT_ONCE = threading.Semaphore(2)


def hash_password(password: object, name: str) -> str:
    """BadInput says what is wrong with a password that is too weak to keep."""
    if not isinstance(password, str) or not SHORTEST <= len(password) <= LONGEST:
        raise BadInput(f"A password needs {SHORTEST} to {LONGEST} characters.")
    if len(set(password)) < 5:
        raise BadInput("This password repeats too few characters; choose another.")
    if name.strip().casefold() in password.casefold():
        raise BadInput("This password holds the name it belongs to; choose another.")
    with _AT_ONCE:
        return HASHER.hash(password.encode("utf-8", "replace"))


def check_password(hashed: str | None, password: object) -> bool:
    """Whether it is the password. None takes as long as any other wrong one, so that nobody learns
    which names exist."""
    given = password if isinstance(password, str) and len(password) <= LONGEST else ""
    with _AT_ONCE:
        try:
            right = HASHER.verify(hashed or _nobody(), given.encode("utf-8", "replace"))
        except (VerificationError, InvalidHashError):
            return False
    return right and hashed is not None


@functools.cache
def _nobody() -> str:
    return HASHER.hash("nobody's password")

"""Random secrets. Whoever has the token has its rights, so only its hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets


def new_token() -> str:
    """256 random bits, for a cookie, a header or a link."""
    return secrets.token_urlsafe(32)


def token_hash(token: object) -> str:
    """What is stored. A fast hash is enough: nobody guesses 256 random bits."""
    return hashlib.sha256(str(token).encode("utf-8", "replace")).hexdigest()


def csrf_of(token: str) -> str:
    """What a page of this session puts into its forms; it cannot be had without the token."""
    return hmac.new(token.encode("utf-8", "replace"), b"csrf", hashlib.sha256).hexdigest()

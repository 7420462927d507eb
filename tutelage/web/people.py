"""Who a session belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tutelage.web.site import Site


@dataclass(frozen=True, kw_only=True)
class Labeler:
    id: int
    name: str
    role: str
    active: bool = True
    local: bool = False  # whoever sits at this machine, without an account


def person_of_session(site: Site, token: str) -> tuple[Labeler | None, str]:
    """Whose session it is, and its CSRF token."""
    return None, ""


def local_person(site: Site) -> Labeler | None:
    """Whoever sits at this machine, where the server is local and has no accounts."""
    return Labeler(id=1, name="you", role="admin", local=True) if site.options.local else None

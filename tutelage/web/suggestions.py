"""Replies that a model proposes while people write."""

from __future__ import annotations

from typing import Any

from tutelage.web.site import Site


def suggest(site: Site, messages: list[dict[str, Any]], count: int) -> list[str]:
    """Up to count different replies of the served policy; none where no model is served."""
    return []

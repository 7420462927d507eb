"""Whether the assistant asks "Was that right?" after it acted."""

from __future__ import annotations

from typing import Any

from tutelage.labelling.records import ChatMessage
from tutelage.labelling.settings import read_settings
from tutelage.web.replies import sureness
from tutelage.web.site import Site

UNSURE = 0.5  # below this mean probability of its tokens a reply is unsure


def question_about(site: Site, labeler_id: int, message: ChatMessage) -> dict[str, Any] | None:
    """Why it asks and how likely it was to ask; None where it does not."""
    settings = read_settings(site.store)
    if not settings.asks or "answer" in (message.detail or {}):
        return None
    sure = sureness(message.logprobs)
    if site.store.random.random() >= settings.ask_rate:
        return None
    unsure = sure is not None and sure < UNSURE
    because = "it was unsure of this reply" if unsure else "it ran a command"
    return {"because": because, "propensity": settings.ask_rate}

"""The audit log page, with a check of the whole chain."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response

from tutelage.labelling import accounts, audit
from tutelage.web import label_words as words
from tutelage.web.render import page
from tutelage.web.security import Serving, Visiting

ROWS = 100


def audit_page(
    request: Request,
    visitor: Visiting,
    site: Serving,
    before: Annotated[int | None, Query(ge=1, le=2**31)] = None,
    check: bool = False,
) -> Response:
    """Newest first; with check, the whole chain is walked."""
    entries = audit.entries(site.store, before, ROWS)
    names = {one.id: one.name for one in accounts.all_labelers(site.store)}
    return page(
        request,
        "manage/audit.html",
        entries=entries,
        names=names,
        more=entries[-1].id if len(entries) == ROWS and entries[-1].id > 1 else None,
        verified=audit.verify(site.store) if check else None,
        words=words,
    )

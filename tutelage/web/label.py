"""The label pages."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from tutelage.web.render import page
from tutelage.web.security import Serving, Visiting


def label_page(request: Request, visitor: Visiting, site: Serving) -> Response:
    return page(request, "label.html")

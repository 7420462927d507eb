"""The application: routes, guards, errors and static files put together."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from tutelage import __version__
from tutelage.errors import TutelageError
from tutelage.web import errors
from tutelage.web.routes import ROUTES
from tutelage.web.security import MOST_BYTES, Guard
from tutelage.web.site import Site

STATIC = Path(__file__).parent / "static"


def create_app(site: Site) -> FastAPI:
    """The site as an ASGI application."""
    app = FastAPI(title="Tutelage", version=__version__, docs_url=None, redoc_url=None)
    app.state.site = site
    for route in ROUTES:
        app.add_api_route(
            route.path,
            route.function,
            methods=[route.method],
            dependencies=route.dependencies(),
            include_in_schema=route.path.startswith(errors.API),
            response_model=None,
        )
    files = StaticFiles(directory=STATIC, packages=[("tutelage.reports", "static")])
    app.mount("/static", files, name="static")
    app.add_exception_handler(HTTPException, errors.of_http)
    app.add_exception_handler(RequestValidationError, errors.of_validation)
    app.add_exception_handler(TutelageError, errors.of_ours)
    sizes = {r.path: r.most_bytes for r in ROUTES if r.most_bytes != MOST_BYTES}
    app.add_middleware(Guard, site=site, sizes=sizes)
    return app

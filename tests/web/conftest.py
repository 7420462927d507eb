"""A site over a tiny run and a database in a folder, and a client that carries its CSRF token."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs the extra [web]")
pytest.importorskip("openai", reason="needs OpenAI's client")
from fastapi.testclient import TestClient

from tests.cli.conftest import run_folder, tokenizer
from tutelage.labelling.store import Store, labels_url
from tutelage.web.app import create_app
from tutelage.web.site import Site

__all__ = ["run_folder", "tokenizer"]

# A page that meets what differs between the two databases: leases, drafts, erasure, the log.
on_both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
ALSO = ("test_label", "test_manage", "test_chat", "test_password")  # the rest of these, slowly


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    chosen = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    module = metafunc.module.__name__.rpartition(".")[2]
    if "database" in metafunc.fixturenames and "database" not in chosen and module in ALSO:
        slowly = pytest.param("postgresql", marks=pytest.mark.slow)
        metafunc.parametrize("database", ["sqlite", slowly], indirect=True)


def csrf_of(page: str) -> str:
    """The token that a page carries."""
    found = re.search(r'name="csrf" content="([^"]*)"', page)
    assert found
    return found[1]


@pytest.fixture
def database(request: pytest.FixtureRequest, run_folder: Path) -> str:
    """Where the site's labels lie: in the run folder, unless a test asks for PostgreSQL."""
    if getattr(request, "param", "sqlite") == "postgresql":
        found: str = request.getfixturevalue("empty_postgres")
        return found
    return labels_url(run_folder)


@pytest.fixture
def site(run_folder: Path, database: str) -> Iterator[Site]:
    site = Site(store=Store(database), run=run_folder)
    yield site
    site.close()


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    """At this machine, without accounts."""
    with TestClient(create_app(site), base_url="http://127.0.0.1:8000") as client:
        yield client


@pytest.fixture
def token(client: TestClient) -> dict[str, str]:
    """The header that a page's script sends with every change."""
    page = client.get("/sign-in", headers={"accept": "text/html"})
    return {"x-csrf-token": csrf_of(page.text)}

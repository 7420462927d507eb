"""A site in memory, and a client that carries its CSRF token."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

pytest.importorskip("fastapi", reason="needs the extra [web]")
from fastapi.testclient import TestClient

from tutelage.web.app import create_app
from tutelage.web.site import Site


def csrf_of(page: str) -> str:
    """The token that a page carries."""
    found = re.search(r'name="csrf" content="([^"]*)"', page)
    assert found
    return found[1]


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    with TestClient(create_app(site), base_url="http://127.0.0.1:8000") as client:
        yield client

"""Small models and tokenizers, and a PostgreSQL, that the tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from tests import postgres
from tutelage.device import seeded
from tutelage.model.gpt import GPT, GPTConfig
from tutelage.text.tokenizer import Tokenizer

torch.set_num_threads(2)


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(["count the lines of notes.txt", "wc -l < notes.txt"] * 5, 300)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """For networks so small that threads mostly wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    if postgres.programs() is None:
        pytest.skip(postgres.MISSING)
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_url(postgres_server: str) -> str:
    """A database with the tables of a store."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.engine import make_url

    from tutelage.labelling.store import Store

    engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE labels"))
    engine.dispose()
    url = make_url(postgres_server).set(database="labels")
    found = url.render_as_string(hide_password=False)
    Store(found).close()
    return found


@pytest.fixture
def empty_postgres(postgres_url: str) -> str:
    """The same database with no row in it."""
    from sqlalchemy import create_engine, text

    from tutelage.labelling.tables import metadata

    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        names = ", ".join(metadata.tables)
        connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    engine.dispose()
    return postgres_url


def tiny_gpt(vocabulary: int = 300, seed: int = 0, dtype: torch.dtype = torch.float32) -> GPT:
    """Two layers, width 16, no weight zero, so that every part matters."""
    gpt = GPT(GPTConfig(vocabulary=vocabulary, context=64, layers=2, heads=2, width=16))
    gpt.initialise(seeded("test", seed))
    generator = seeded("test", seed, "rest")
    for parameter in gpt.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.3, generator=generator)
    return gpt.to(dtype)

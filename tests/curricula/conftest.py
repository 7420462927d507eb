"""One sandbox and one sample of the corpus for all tests of the curricula."""

from collections.abc import Iterator

import pytest

from tutelage.curricula.terminal.corpus import pretraining_corpus
from tutelage.errors import SandboxUnavailable
from tutelage.sandbox import Sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of two workers; without bubblewrap, its tests are skipped by name."""
    try:
        with Sandbox(workers=2) as made:
            yield made
    except SandboxUnavailable as missing:
        pytest.skip(f"bubblewrap cannot build a sandbox here: {missing}")


@pytest.fixture(scope="session")
def corpus(sandbox: Sandbox) -> list[str]:
    """A sample of the pretraining corpus."""
    return pretraining_corpus(seed=5, characters=250_000, sandbox=sandbox)

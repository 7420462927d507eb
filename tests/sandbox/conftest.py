"""Skips what needs a sandbox where none can be built."""

import pytest

from tutelage.errors import SandboxUnavailable
from tutelage.sandbox import require_sandbox


@pytest.fixture(scope="session")
def sandboxed():
    try:
        require_sandbox()
    except SandboxUnavailable as reason:
        pytest.skip(f"no sandbox: {reason}")

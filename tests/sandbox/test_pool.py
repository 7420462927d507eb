"""Commands run in the sandbox: what goes in, what comes out, how they end."""

import pytest

from tutelage.errors import SandboxUnavailable
from tutelage.sandbox import Entry, Sandbox, require_sandbox


@pytest.fixture(scope="module")
def sandbox():
    try:
        require_sandbox()
    except SandboxUnavailable as reason:
        pytest.skip(f"no sandbox: {reason}")
    with Sandbox(workers=2) as sandbox:
        yield sandbox


def test_count_lines(sandbox):
    execution = sandbox.run("wc -l < notes.txt", {"notes.txt": Entry("file", b"a\nb\n")})
    assert (execution.stdout, execution.exit_code, execution.outcome) == (b"2\n", 0, "ok")

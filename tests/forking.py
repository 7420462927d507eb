"""A process that has torch loaded, and forks to run some tests with the package as it then is.

Lines of JSON in, a module and tests; lines of JSON out, what became of them. The package is that
of PYTHONPATH, read anew by each fork.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import gymnasium  # noqa: F401  a fork need not load it again
import pytest
import torch

PATIENCE_S = 120  # for a broken loop that never ends


def main() -> None:
    torch.testing.assert_close(torch.zeros(1), torch.zeros(1))  # loads much at its first call
    answers = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.alarm(PATIENCE_S)
            answer(answers, outcome_of(*json.loads(line)))
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        if status:
            answer(answers, {"died": status})


def answer(answers: int, what: dict[str, Any]) -> None:
    os.write(answers, json.dumps(what).encode() + b"\n")


def outcome_of(module: str, tests: list[str]) -> dict[str, Any]:
    """file: where the module came from; passed and failed: names of tests, of the latter with the
    error. What breaks outside of a test, as in an import, is in neither."""
    import tutelage  # noqa: F401  before pytest puts another one's folder first

    passed: list[str] = []
    failed: dict[str, str] = {}

    class Watch:
        @staticmethod
        def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
            if call.when == "call" and call.excinfo is None:
                passed.append(item.nodeid)
            elif call.when == "call":
                failed[item.nodeid] = call.excinfo.type.__name__

    options = ["-p", "no:cacheprovider", "-o", "addopts=", "--tb=no"]
    pytest.main([*options, *tests], plugins=[Watch()])
    file = getattr(sys.modules.get(module), "__file__", None)
    return {"file": file, "passed": passed, "failed": failed}


if __name__ == "__main__":
    main()

"""Every promise of the sandbox holds, and the self-test notices when a wall is taken away."""

import os
import struct

import pytest

from tutelage.sandbox import Limits, enclosure, seccomp, selftest
from tutelage.sandbox.workers import UidClaim

# Those of the sandbox's case list that the self-test breaks by itself: all of them.
CASES = range(1, 45)


@pytest.fixture(scope="module")
def rows(sandboxed):
    return selftest()


def numbers(row):
    return [int(word.strip(",")) for word in row.name.split() if word.strip(",").isdigit()][:2]


@pytest.mark.parametrize("case", CASES)
def test_case_holds(rows, case):
    own = [row for row in rows if case in numbers(row)]
    assert own
    assert [(row.name, row.detail) for row in own if row.required and not row.held] == []


def failed_cases(limits=None):
    return {case for row in selftest(limits) if not row.held for case in numbers(row)}


def test_without_system_call_filter_rows_fail(sandboxed, monkeypatch):
    allow_all = struct.pack("=HBBI", seccomp.RETURN, 0, 0, seccomp.ALLOW)
    monkeypatch.setattr(seccomp, "program", lambda: allow_all)
    assert {9, 15, 16, 17, 29} <= failed_cases()


def test_without_namespaces_rows_fail(sandboxed, monkeypatch):
    allow_all = struct.pack("=HBBI", seccomp.RETURN, 0, 0, seccomp.ALLOW)
    monkeypatch.setattr(seccomp, "program", lambda: allow_all)
    line = [*enclosure.isolation(), "--share-net"]
    monkeypatch.setattr(enclosure, "isolation", lambda: line)
    assert {8, 9, 10, 41} <= failed_cases()


def test_with_the_hosts_folders_rows_fail(sandboxed, monkeypatch):
    line = enclosure.arguments

    def roomy(*arguments):
        words = line(*arguments)
        link = words.index("/var/tmp")
        added = ["/var/tmp", "/etc/shadow", str(enclosure.PACKAGE)]
        return [
            *words[: link - 2],
            *[word for path in added for word in ("--ro-bind", path, path)],
            *words[link + 1 :],
        ]

    monkeypatch.setattr(enclosure, "arguments", roomy)
    expected = {2, 4, 39}
    if os.geteuid() == 0:
        monkeypatch.setattr(UidClaim, "find", lambda self: None)
        expected |= {1, 42}
    assert expected <= failed_cases()


def test_with_loose_limits_rows_fail(sandboxed):
    loose = Limits(
        nproc=300,
        memory_bytes=4 << 30,
        address_space_bytes=4 << 30,
        file_bytes=64 << 20,
        folder_bytes=128 << 20,
        entries=4000,
        inodes=200_000,
        depth=200,
        tree_bytes=60 << 20,
        output_bytes=3 << 20,
    )
    assert {19, 20, 21, 22, 23, 30, 35} <= failed_cases(loose)

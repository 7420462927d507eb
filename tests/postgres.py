"""A real PostgreSQL for tests: Debian's package, in a folder of its own, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

MISSING = "PostgreSQL is not installed; tools/install_services.sh installs it"


def programs() -> Path | None:
    """The folder of the newest installed initdb and pg_ctl; Debian keeps them out of PATH."""
    places = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3])
    )
    found = shutil.which("initdb")
    newest = places[-1] if places else Path(found) if found else None
    return newest.parent if newest else None


@contextlib.contextmanager
def server(durable: bool = False) -> Iterator[str]:
    """URL of the database `postgres` of a server that listens on a socket alone. It waits for the
    disk only if durable: what a test kills is a program, not the machine."""
    bin_ = programs()
    assert bin_ is not None, MISSING
    # PostgreSQL refuses to run as root, and no other user may look into root's own folders.
    person = _nobody() if os.geteuid() == 0 else None
    folder = tempfile.mkdtemp(prefix="tutelage_pg_", dir="/tmp")
    try:
        if person:
            os.chown(folder, person.pw_uid, person.pw_gid)
        fsync = "on" if durable else "off"
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync={fsync}"
        _run(
            [bin_ / "initdb", "-D", f"{folder}/db", "-A", "trust", "-U", "test", "-E", "UTF8",
             "--locale=C", "--no-sync"], person
        )  # fmt: skip
        _run(
            [bin_ / "pg_ctl", "-D", f"{folder}/db", "-w", "-l", f"{folder}/log", "-o",
             f"{options} -c max_connections=300", "start"], person
        )  # fmt: skip
        try:
            yield f"postgresql+psycopg://test@/postgres?host={folder}"
        finally:
            _run([bin_ / "pg_ctl", "-D", f"{folder}/db", "-w", "-m", "immediate", "stop"], person)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[object], person: pwd.struct_passwd | None) -> None:
    who = {"user": person.pw_uid, "group": person.pw_gid, "extra_groups": []} if person else {}
    done = subprocess.run(
        [str(part) for part in command],
        cwd="/tmp",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
        **who,  # type: ignore[call-overload]
    )
    assert done.returncode == 0, done.stdout


def _nobody() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise AssertionError("There is no user `postgres` or `nobody` to run PostgreSQL as.")

"""`tutelage serve` as it is typed: accounts, keys, addresses, and a server that answers."""

from __future__ import annotations

import io
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from tests.cli.conftest import tutelage
from tutelage.commands.serve import server_config
from tutelage.labelling import accounts, sessions
from tutelage.labelling.store import Store, labels_url
from tutelage.web.site import Site, SiteOptions

__all__ = ["tutelage"]

PASSWORD = "correct horse battery"


@pytest.fixture
def store(run_folder: Path) -> Iterator[Store]:
    store = Store(labels_url(run_folder))
    yield store
    store.close()


def test_another_address_needs_an_administrator(tutelage, run_folder) -> None:
    code, _, err = tutelage("serve", run_folder, "--host", "0.0.0.0", "--port", "0")
    assert code == 1
    assert f"tutelage serve {run_folder} --admin NAME" in " ".join(err.split())


def test_so_does_an_address_that_a_proxy_passes_on(tutelage, run_folder) -> None:
    code, _, err = tutelage("serve", run_folder, "--public-url", "https://lab.example")
    assert code == 1
    assert "https://lab.example can be reached by others" in " ".join(err.split())
    code, _, err = tutelage("serve", run_folder, "--public-url", "lab.example/x")
    assert code == 2
    assert "public_url must be like https://lab.example" in " ".join(err.split())


def test_the_first_administrator_comes_from_the_terminal(
    tutelage, run_folder, store, monkeypatch
) -> None:
    monkeypatch.setenv("TUTELAGE_ADMIN_PASSWORD", PASSWORD)
    code, out, _ = tutelage("serve", run_folder, "--admin", "Ada")
    assert (code, out) == (0, "Ada is now an administrator and may sign in.\n")
    assert accounts.has_accounts(store)
    assert sessions.sign_in(store, "Ada", PASSWORD)[1].labeler.role == "admin"
    monkeypatch.delenv("TUTELAGE_ADMIN_PASSWORD")
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    code, _, err = tutelage("serve", run_folder, "--admin", "Bo")
    assert code == 2
    assert "10 to 200 characters" in err
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    code, _, err = tutelage("serve", run_folder, "--admin", "Bo")
    assert code == 2
    assert "A password is needed" in err
    assert len(accounts.all_labelers(store)) == 1


def test_a_key_is_shown_once_and_kept_as_a_hash(tutelage, run_folder, store) -> None:
    code, out, _ = tutelage("serve", run_folder, "--new-key", "notebook")
    key = out.splitlines()[-1]
    assert code == 0
    assert key.startswith("tut-")
    assert sessions.session_of_key(store, key) is not None
    kept = b"".join(path.read_bytes() for path in run_folder.glob("labels.db*"))
    assert key.encode() not in kept


def codes_behind(store: Store, run_folder: Path, proxy: str, peer: str) -> list[int]:
    """What two people behind a proxy are answered, one after the other, who ask too often."""
    site = Site(store=store, run=run_folder, options=SiteOptions(proxy=proxy, requests_per_s=0.5))
    site.requests.clock = lambda: 0.0  # no time passes, however slow the machine
    config = server_config(site)
    config.load()
    passed_on = [{"x-forwarded-for": f"6.6.6.6, 10.1.1.{who}"} for who in [1] * 6 + [2] * 6]
    with TestClient(config.loaded_app, base_url="http://127.0.0.1", client=(peer, 4000)) as client:
        codes = [client.get("/sign-in", headers=headers).status_code for headers in passed_on]
    site.worlds.close()
    return codes


def test_only_the_proxy_says_who_asks(store, run_folder) -> None:
    accounts.create_labeler(store, "Ada", "admin", PASSWORD, None)
    each = [200] * 5 + [429]  # ten times the rate at once, of one address
    together = [200] * 5 + [429] * 7
    assert codes_behind(store, run_folder, "10.0.0.2", "10.0.0.2") == each + each
    assert codes_behind(store, run_folder, "10.0.0.2", "10.0.0.3") == together
    assert codes_behind(store, run_folder, "", "10.0.0.2") == together
    assert codes_behind(store, run_folder, "", "127.0.0.1") == together


def test_a_proxy_is_an_address_and_means_other_people(tutelage, run_folder, store) -> None:
    for wrong in ("*", "10.0.0.0/8", "lab.example"):
        code, _, err = tutelage("serve", run_folder, "--proxy", wrong)
        assert code == 2
        assert f"proxy must be one address like 10.0.0.2, got '{wrong}'" in " ".join(err.split())
    code, _, err = tutelage("serve", run_folder, "--proxy", "127.0.0.1")
    assert code == 1
    assert "127.0.0.1 through the proxy can be reached by others" in " ".join(err.split())


def test_idle_connections_outlast_a_proxys_patience(site) -> None:
    assert server_config(site).timeout_keep_alive > 60  # nginx's


def test_mistakes_are_sentences(tutelage, run_folder, tmp_path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for words, said in (
            (("--port", port), f"port {port} cannot be listened on"),
            (("--port", "70000"), "port must lie from 0 to 65535"),
            (("--host", "no.such.host.invalid"), "is no address of this machine"),
            (("--database", "mysql://x"), "no database that labels can be kept in"),
        ):
            code, _, err = tutelage("serve", run_folder, *words)
            assert code in (1, 2), words
            assert said in " ".join(err.split()) or "administrator" in err, err
    code, _, err = tutelage("serve", tmp_path / "nothing")
    assert code == 2
    assert "There is no folder" in err


def test_it_serves_until_it_is_interrupted(run_folder) -> None:
    command = [sys.executable, "-m", "tutelage.cli", "serve", str(run_folder), "--port", "0"]
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            said = process.stdout.readline()
            address = re.search(r"http://\S+", said)
            assert address, said
            page = httpx.get(f"{address[0]}/chat", headers={"accept": "text/html"}, timeout=60)
            assert page.status_code == 200
            assert "server" not in page.headers
            process.send_signal(2)
            assert process.wait(60) == 0
        finally:
            process.kill()  # else leaving this block would wait for it for ever

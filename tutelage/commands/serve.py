"""`tutelage serve`: chat, label, runs and the API, in the browser."""

from __future__ import annotations

import contextlib
import getpass
import ipaddress
import logging
import os
import re
import socket
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import torch
import tyro

from tutelage.commands.machine import prepare
from tutelage.commands.options import parse
from tutelage.errors import BadInput, NotAllowed, TutelageError
from tutelage.screen import console

if TYPE_CHECKING:
    import uvicorn

    from tutelage.labelling.store import Store
    from tutelage.web.site import Site

ABOUT = """
Serve a run in the browser: chat with its stages, label, watch, manage, and an API that OpenAI's
clients understand. On 127.0.0.1, the default, nobody signs in; elsewhere people have accounts,
and programs have keys.

Reads
  RUN, a run's folder: its models, metrics and report

Writes
  RUN/labels.db, or the database that --database names

Example
  tutelage serve runs/school
  tutelage serve runs/school --admin Ada
  tutelage serve runs/school --host 0.0.0.0
"""

PASSWORD = "TUTELAGE_ADMIN_PASSWORD"
KEEP_ALIVE_S = 75  # longer than proxies keep an idle connection (nginx 60 s), who would otherwise
# send a request into one that was just closed; and a labeler's page, which beats every 20 s,
# needs no new one each time
PUBLIC = r"https?://[A-Za-z0-9.\[\]:_-]+"  # a scheme and a host, without a path


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]  # the run's folder
    host: str = "127.0.0.1"  # address to listen on; another than this machine's needs accounts
    port: int = 8000  # 0 takes a free one
    public_url: str = ""  # https://NAME that people type, where a proxy with TLS stands before it
    proxy: str = ""  # its address: its X-Forwarded-For says who asks, nobody else's is believed
    database: str | None = None  # sqlite:///FILE or postgresql+psycopg://…; default: in the run
    folder: Annotated[Path | None, tyro.conf.arg(metavar="F")] = None  # for chat's commands, copied
    device: str = "auto"  # cpu, cuda, cuda:1 …; auto: a graphics card where there is one
    max_new_tokens: int = 256  # longest reply
    requests_per_s: float = 50.0  # most of one person, in the long run
    generations_per_minute: float = 120.0  # most replies and API calls of one person
    admin: str | None = None  # make this administrator's account, ask for its password, and end
    new_key: str | None = None  # make an API key of this name, show it once, and end

    def __post_init__(self) -> None:
        if not 0 <= self.port < 65536:
            raise ValueError(f"port must lie from 0 to 65535, got {self.port}")
        if self.max_new_tokens < 1 or self.requests_per_s <= 0 or self.generations_per_minute <= 0:
            raise ValueError(
                "need max_new_tokens >= 1, requests_per_s > 0 and generations_per_minute > 0"
            )
        if self.public_url and not re.fullmatch(PUBLIC, self.public_url):
            raise ValueError(
                f"public_url must be like https://lab.example, without a path, got "
                f"{self.public_url!r}"
            )
        if self.proxy and not is_address(self.proxy):
            raise ValueError(f"proxy must be one address like 10.0.0.2, got {self.proxy!r}")


def is_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def main(argv: Sequence[str]) -> None:
    options = parse(ServeOptions, "serve", ABOUT, argv)
    try:
        import argon2  # noqa: F401
        import fastapi  # noqa: F401
        import sqlalchemy  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise BadInput(
            f"`tutelage serve` needs the extra [web], {error.name} is missing: "
            'pip install "tutelage[web]"'
        ) from None
    if not options.run.is_dir():
        raise BadInput(f"There is no folder {options.run}: give a run's folder.")
    device, _ = prepare(options.device)
    from tutelage.labelling.store import Store, labels_url

    store = Store(options.database or labels_url(options.run))
    try:
        if options.admin is not None:
            make_admin(store, options.admin)
        elif options.new_key is not None:
            make_key(store, options.new_key)
        else:
            serve(store, options, device)
    finally:
        store.close()


def make_admin(store: Store, name: str) -> None:
    """The account of an administrator, with the password of the environment, of a pipe, or asked
    for twice."""
    from tutelage.labelling import accounts

    accounts.create_labeler(store, name, "admin", read_password(), None)
    console().print(f"{name} is now an administrator and may sign in.")


def read_password() -> str:
    """From TUTELAGE_ADMIN_PASSWORD, else a line of standard input; at a terminal asked twice."""
    if password := os.environ.get(PASSWORD):
        return password
    if not sys.stdin.isatty():
        line = sys.stdin.readline().rstrip("\n")
        if not line:
            raise BadInput(f"A password is needed: set {PASSWORD}, or send it by a pipe.")
        return line
    first = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != first:
        raise BadInput("The two passwords differ; nothing was made.")
    return first


def make_key(store: Store, name: str) -> None:
    """A key of the first administrator, or of the person at this machine."""
    from tutelage.labelling import accounts, sessions

    admins = [
        person
        for person in accounts.all_labelers(store)
        if person.role == "admin" and person.active
    ]
    person = next((p for p in admins if p.name != accounts.LOCAL), None)
    person = person or accounts.local_person(store)
    key = sessions.make_api_key(store, person.id, name)
    screen = console()
    screen.print(f"The key {name}, of {person.name}; it is shown this once:")
    screen.print(key, soft_wrap=True)


def serve(store: Store, options: ServeOptions, device: torch.device) -> None:
    """Answer until Ctrl-C."""
    import uvicorn

    from tutelage.labelling import accounts
    from tutelage.web.site import Site, SiteOptions

    chosen = SiteOptions(
        host=options.host,
        port=options.port,
        public_url=options.public_url,
        proxy=options.proxy,
        folder=options.folder,
        device=device,
        max_new_tokens=options.max_new_tokens,
        requests_per_s=options.requests_per_s,
        generations_per_minute=options.generations_per_minute,
    )
    if not chosen.local and not accounts.has_accounts(store):
        address = options.public_url or options.host + " through the proxy" * bool(options.proxy)
        raise NotAllowed(
            f"{address} can be reached by others, so people must sign in, and there is no "
            "administrator yet: make one with "
            f"`tutelage serve {options.run} --admin NAME`."
        )
    site = Site(store=store, run=options.run.resolve(), options=chosen)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    with listening(options.host, options.port) as listener:
        host = f"[{options.host}]" if ":" in options.host else options.host
        address = f"http://{host}:{listener.getsockname()[1]}"
        screen = console()
        screen.print(f"{options.run} is served at {address}")
        if options.public_url:
            screen.print(f"People reach it at {options.public_url}. Ctrl-C ends it.")
        elif chosen.local:
            screen.print("Ctrl-C ends it.", style="dim")
        else:
            screen.print("Put TLS before it where the network is not your own. Ctrl-C ends it.")
        try:
            with contextlib.suppress(KeyboardInterrupt):
                uvicorn.Server(server_config(site)).run(sockets=[listener])
        finally:
            site.worlds.close()


def server_config(site: Site) -> uvicorn.Config:
    """How uvicorn answers for a site."""
    import uvicorn

    from tutelage.web.app import create_app

    return uvicorn.Config(
        create_app(site),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(site.options.proxy),
        forwarded_allow_ips=site.options.proxy,
        lifespan="off",
        ws="none",
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=3,
    )


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens, or one sentence about why there is none."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError:
        raise BadInput(f"{host} is no address of this machine.") from None
    with socket.socket(family, kind) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(1024)
        except OSError as error:
            raise TutelageError(
                f"{host} port {port} cannot be listened on ({(error.strerror or 'refused').lower()}"
                "): give another --port, or 0 for a free one."
            ) from None
        yield listener

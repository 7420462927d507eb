"""200 labelers at once against `tutelage serve`: how long a page and a submit take, and, while the
server is killed by force under that load, whether every acknowledged label is there, once.

Each simulated labeler signs in, asks for the next task, looks at it, saves a draft, submits a
ranking and goes on. The time a person thinks is drawn from an exponential distribution; the mean
stands in the result. Labelers and server share the machine's processors.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import json
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from argon2 import PasswordHasher
from common import ROOT, commit, machine

sys.path.insert(0, str(ROOT))

from tests import postgres
from tutelage.labelling import passwords
from tutelage.labelling.accounts import create_labeler
from tutelage.labelling.labels import labels_after
from tutelage.labelling.records import NewTask
from tutelage.labelling.sessions import sign_in
from tutelage.labelling.store import Store
from tutelage.labelling.tasks import add_tasks

PASSWORD = "a long enough word"
RESPONSES = 4
LIMIT_MS = 250.0  # of the 99th percentile, on SQLite


class Lost(Exception):
    """The server went away in the middle of a request."""


@dataclass
class Seen:
    """What the labelers lived through. seconds: by kind of request; acknowledged: leases whose
    ranking the server said it has; wrong: answers that should not come."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: collections.defaultdict(list))
    acknowledged: list[int] = field(default_factory=list)
    wrong: collections.Counter[str] = field(default_factory=collections.Counter)
    lost: int = 0


class Browser:
    """One person's keep-alive connection; as much of HTTP/1.1 as the site's answers need."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def ask(
        self, method: str, path: str, body: bytes = b"", kind: str = "", csrf: str = ""
    ) -> tuple[int, dict[str, str], str]:
        """Status, headers and text; Lost where the connection broke."""
        try:
            if self.writer is None:
                self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
            assert self.reader is not None
            lines = [
                f"{method} {path} HTTP/1.1",
                f"Host: 127.0.0.1:{self.port}",
                "Accept: text/html",
                f"Cookie: tutelage_session={self.token}",
                f"Content-Length: {len(body)}",
            ]
            lines += [f"Content-Type: {kind}"] if kind else []
            lines += [f"X-CSRF-Token: {csrf}"] if csrf else []
            self.writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            await self.writer.drain()
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in head[1:] if line)
            }
            text = await self.reader.readexactly(int(headers.get("content-length", 0)))
            return int(head[0].split()[1]), headers, text.decode()
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            raise Lost from error

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


async def labeler(browser: Browser, think_s: float, until: float, seen: Seen, seed: int) -> None:
    """Label until the time is over. What a dead server did not answer is asked again."""
    chance = random.Random(seed)

    async def timed(name: str, *request: object) -> tuple[int, dict[str, str], str]:
        while True:
            began = time.perf_counter()
            try:
                answer = await browser.ask(*request)  # type: ignore[arg-type]
            except Lost:
                seen.lost += 1
                await asyncio.sleep(0.2 + 0.3 * chance.random())
                continue
            seen.seconds[name].append(time.perf_counter() - began)
            return answer

    await asyncio.sleep(think_s * chance.random())
    while time.perf_counter() < until:
        status, headers, _ = await timed("next", "GET", "/label/next?kind=rank")
        place = headers.get("location", "")
        if status != 303 or not place.startswith("/label/task/"):
            seen.wrong[f"next {status} {place}"] += 1
            return
        path = place.partition("?")[0]
        status, _, text = await timed("page", "GET", place)
        found = re.search(r'name="csrf" value="([^"]+)"', text)
        rules = re.search(r'name="guidelines" value="([^"]+)"', text)
        if status != 200 or not found or not rules:
            seen.wrong[f"page {status}"] += 1
            return
        await asyncio.sleep(chance.expovariate(2 / think_s))
        ranks = {f"rank_{i}": str(chance.randint(1, RESPONSES)) for i in range(RESPONSES)}
        draft = json.dumps({"fields": {name: [rank] for name, rank in ranks.items()}}).encode()
        status, _, _ = await timed(
            "draft", "POST", f"{path}/draft", draft, "application/json", found[1]
        )
        if status != 200:
            seen.wrong[f"draft {status}"] += 1
        await asyncio.sleep(chance.expovariate(2 / think_s))
        form = {"csrf": found[1], "guidelines": rules[1], "kind": "rank", "topic": "", **ranks}
        status, _, text = await timed(
            "submit",
            "POST",
            path,
            urllib.parse.urlencode(form).encode(),
            "application/x-www-form-urlencoded",
        )
        if status == 303:
            seen.acknowledged.append(int(path.rpartition("/")[2]))
        else:
            said = re.search(r'role="alert">([^<]*)', text)
            seen.wrong[f"submit {status} {said[1] if said else ''}"] += 1
    browser.close()


@contextlib.contextmanager
def served(folder: Path, url: str, port: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A server; the last process of the list is the one that runs now."""
    running = [start(folder, url, port)]
    try:
        yield running
    finally:
        running[-1].send_signal(signal.SIGINT)
        running[-1].wait(20)


def start(folder: Path, url: str, port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tutelage.cli", "serve", str(folder)]
    command += ["--port", str(port), "--database", url]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)


async def ready(port: int, token: str) -> None:
    """Wait until the server answers."""
    browser = Browser(port, token)
    while True:
        try:
            await browser.ask("GET", "/label")
            browser.close()
            return
        except Lost:
            await asyncio.sleep(0.1)


async def load(
    options: argparse.Namespace,
    tokens: list[str],
    port: int,
    kill_every_s: float | None,
    restart: object,
) -> tuple[Seen, int]:
    """All labelers for the given seconds; how often the server was killed meanwhile."""
    await ready(port, tokens[0])
    seen, kills = Seen(), 0
    until = time.perf_counter() + options.seconds
    people = [
        asyncio.create_task(labeler(Browser(port, token), options.think_s, until, seen, number))
        for number, token in enumerate(tokens)
    ]
    if kill_every_s is not None:
        for _ in range(options.kills):
            await asyncio.sleep(kill_every_s)
            restart()  # type: ignore[operator]
            kills += 1
    await asyncio.gather(*people)
    return seen, kills


def judge(store: Store, acknowledged: list[int], overlap: int) -> dict[str, int]:
    """What went wrong, counted; all of it must be 0."""
    labels = labels_after(store, 0, 10_000_000)
    by_lease = collections.Counter(label.assignment_id for label in labels)
    by_task = collections.Counter(label.task_id for label in labels)
    by_person = collections.Counter((label.task_id, label.labeler_id) for label in labels)
    return {
        "labels": len(labels),
        "acknowledged": len(acknowledged),
        "lost": sum(1 for lease in acknowledged if lease not in by_lease),
        "twice": sum(1 for count in by_lease.values() if count > 1),
        "over_overlap": sum(1 for count in by_task.values() if count > overlap),
        "same_task_twice": sum(1 for count in by_person.values() if count > 1),
    }


def quantile_ms(seconds: list[float], share: float) -> float:
    ordered = sorted(seconds)
    return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)


def measure(options: argparse.Namespace, url: str, folder: Path, kill: bool) -> dict[str, object]:
    store = Store(url)
    # Signing in is no part of the load, and 400 real hashes take a minute.
    passwords.HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    names = [f"labeler {number}" for number in range(options.labelers)]
    for number, name in enumerate(names):
        create_labeler(store, name, "admin" if number == 0 else "labeler", PASSWORD, None)
    tokens = [sign_in(store, name, PASSWORD)[0] for name in names]
    most = int(options.labelers * (options.seconds / options.think_s + 2))
    prompt = [{"role": "user", "content": "count the lines of notes.txt, please"}]
    add_tasks(
        store,
        [
            NewTask(
                kind="rank",
                payload={
                    "prompt": [{**prompt[0], "content": f"{prompt[0]['content']} ({task})"}],
                    "responses": [f"$ wc -l notes.txt # {i}" for i in range(RESPONSES)],
                },
                overlap=options.overlap,
            )
            for task in range(most)
        ],
    )
    with served(folder, url, options.port) as running:

        def restart() -> None:
            running[-1].kill()
            running[-1].wait()
            running.append(start(folder, url, options.port))

        every = options.seconds / (options.kills + 1) if kill else None
        seen, kills = asyncio.run(load(options, tokens, options.port, every, restart))
    found = judge(store, seen.acknowledged, options.overlap)
    store.close()
    spent = {
        name: {
            "n": len(seconds),
            "p50_ms": quantile_ms(seconds, 0.5),
            "p99_ms": quantile_ms(seconds, 0.99),
        }
        for name, seconds in seen.seconds.items()
    }
    return {
        **found,
        "kills": kills,
        "connections_lost": seen.lost,
        "wrong": dict(seen.wrong),
        "requests_per_s": round(sum(map(len, seen.seconds.values())) / options.seconds, 1),
        **spent,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--labelers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each of the two loads")
    parser.add_argument("--think-s", type=float, default=15.0, help="mean, for a task")
    parser.add_argument("--overlap", type=int, default=2)
    parser.add_argument("--kills", type=int, default=10)
    options = parser.parse_args()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        options.port = free.getsockname()[1]
    found: dict[str, object] = {}
    for name, kill in (("calm", False), ("killed", True)):
        with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
            folder = Path(scratch)
            url = f"sqlite:///{folder / 'labels.db'}"
            if options.database == "postgresql":
                url = stack.enter_context(postgres.server())
            found[name] = measure(options, url, folder, kill)
            print(name, json.dumps(found[name]), file=sys.stderr, flush=True)
    calm, killed = found["calm"], found["killed"]
    assert isinstance(calm, dict)
    assert isinstance(killed, dict)
    slowest = max(calm[name]["p99_ms"] for name in ("next", "page", "draft", "submit"))
    wrong = ("lost", "twice", "over_overlap", "same_task_twice")
    line = {
        "claim": f"{options.labelers} labelers at once, {options.database}",
        "ours": slowest,
        "unit": "ms, the largest p99 of next, page, draft and submit",
        "limit": LIMIT_MS,
        "faults": sum(calm[name] + killed[name] for name in wrong),
        "think_s": options.think_s,
        **found,
        "machine": machine(),
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "command": " ".join(["python", "benchmarks/labelling_load.py", *sys.argv[1:]]),
    }
    print(json.dumps(line, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()

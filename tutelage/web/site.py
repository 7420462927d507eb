"""What one server serves: a run, a store of labels, and how both are reached."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

import torch

from tutelage.config import require
from tutelage.labelling.store import Store
from tutelage.model.checkpoint import CPU
from tutelage.web.asking import Asking
from tutelage.web.limits import Limiter
from tutelage.web.models import Models
from tutelage.web.worlds import Worlds


@dataclass(frozen=True, kw_only=True)
class SiteOptions:
    """How the server is reached and what it allows."""

    host: str = "127.0.0.1"  # address to listen on
    port: int = 8000
    public_url: str = ""  # where people reach it, when a proxy stands before it: https://NAME
    proxy: str = ""  # the one address whose X-Forwarded-For is believed
    folder: Path | None = None  # files that a chat's commands get a copy of
    max_new_tokens: int = 256  # longest reply
    device: torch.device = CPU  # where models speak
    requests_per_s: float = 50.0  # of one person, in the long run; ten times as many at once
    generations_per_minute: float = 120.0  # replies and API calls of one person

    def __post_init__(self) -> None:
        require(self, "above 0", "max_new_tokens", "requests_per_s", "generations_per_minute")

    @property
    def local(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host) and not self.public_url and not self.proxy


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@dataclass(kw_only=True)
class Site:
    """What the routes reach through `request.app.state.site`."""

    store: Store
    run: Path | None = None  # the run's folder
    options: SiteOptions = field(default_factory=SiteOptions)

    def __post_init__(self) -> None:
        options = self.options
        self.models = Models(self.run, self.options.device)
        self.worlds = Worlds(options.folder, self.run)
        self.asking = Asking(self.store, self.models)
        self.stopped: dict[tuple[int, str], float] = {}  # person and key of a reply: when ended
        self.requests = Limiter(options.requests_per_s, 10 * options.requests_per_s)
        a_second = options.generations_per_minute / 60
        self.generations = Limiter(a_second, max(20.0, 10 * a_second))

    def close(self) -> None:
        """End the sandbox and the store."""
        self.worlds.close()
        self.store.close()

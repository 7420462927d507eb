"""A real server in a thread, for clients that speak HTTP."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import uvicorn

from tutelage.web.app import create_app
from tutelage.web.site import Site


@contextlib.contextmanager
def served(site: Site) -> Iterator[str]:
    """The address of the site while it is served."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        app = create_app(site)
        # HTTP/1.1 by h11 and no WebSockets, which the site has not.
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="warning", lifespan="off", http="h11", ws="none")
        )
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)

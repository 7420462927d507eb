"""Things of the host that a sandboxed command must not reach, set out for the self-test."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Self


class Traps:
    """A secret file, variable and descriptor, and sockets that listen on the host."""

    def __init__(self) -> None:
        self.word = secrets.token_hex(8).encode()
        self.package = Path(__file__).resolve().parents[1]
        self.abstract = f"tutelage-trap-{secrets.token_hex(8)}"
        with ExitStack() as stack:
            folder = Path(tempfile.mkdtemp(prefix="tutelage-trap-", dir="/var/tmp"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            folder.chmod(0o755)  # so that only the walls, not the file's mode, stand in the way
            self.secret = folder / "secret"
            self.secret.write_bytes(self.word)
            self.secret.chmod(0o644)
            descriptor = os.open(self.secret, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            os.set_inheritable(descriptor, True)
            os.environ["TUTELAGE_TRAP"] = self.word.decode()
            stack.callback(os.environ.pop, "TUTELAGE_TRAP", None)
            self.listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            self.listener.setblocking(False)
            self.port = self.listener.getsockname()[1]
            unix = stack.enter_context(socket.socket(socket.AF_UNIX))
            unix.bind("\0" + self.abstract)
            unix.listen()
            self.stack = stack.pop_all()

    def was_called(self) -> bool:
        """Whether anybody has connected to the host's loopback port."""
        try:
            line, _ = self.listener.accept()
        except BlockingIOError:
            return False
        line.close()
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stack.close()

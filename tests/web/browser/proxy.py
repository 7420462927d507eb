"""A proxy with TLS before a server, as nginx is with a bare proxy_pass: the server sees the
proxy's idea of its host, not the browser's."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

NAME = "lab.example"  # which the tests' Chromium looks for on this machine
OF_A_CONNECTION = ("connection", "transfer-encoding", "keep-alive")


@contextlib.contextmanager
def listening(folder: Path) -> Iterator[ThreadingHTTPServer]:
    """A proxy that listens; its `upstream`, HOST:PORT, is set before it is asked anything."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Passing)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(folder))
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(10)


def certificate(folder: Path) -> Path:
    """A key and a certificate that nobody vouches for, in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the program openssl")
    path = folder / "proxy.pem"
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj"
    command = [*words.split(), f"/CN={NAME}", "-keyout", path, "-out", folder / "crt.pem"]
    subprocess.run(command, check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + (folder / "crt.pem").read_bytes())
    return path


class Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def pass_on(self) -> None:
        upstream = self.server.upstream  # type: ignore[attr-defined]
        headers = {k: v for k, v in self.headers.items() if k.lower() not in OF_A_CONNECTION}
        headers |= {"Host": upstream, "X-Forwarded-For": self.client_address[0]}
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        with contextlib.closing(http.client.HTTPConnection(upstream, timeout=60)) as asked:
            asked.request(self.command, self.path, body or None, headers)
            answer = asked.getresponse()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in OF_A_CONNECTION:
                    self.send_header(name, value)
            whole = answer.getheader("content-length") is not None or answer.status in (204, 304)
            if not whole:
                self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            while piece := answer.read1(65536):
                self.wfile.write(piece if whole else b"%x\r\n%b\r\n" % (len(piece), piece))
            if not whole:
                self.wfile.write(b"0\r\n\r\n")

    do_GET = do_POST = do_DELETE = pass_on

    def log_message(self, *_: object) -> None:
        pass

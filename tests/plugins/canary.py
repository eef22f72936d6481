"""A real HTTP server on the loopback: it counts what reaches it, and answers as a test wants."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest


@dataclass
class Canary:
    """A server on the loopback: what reached it, and what it answers."""

    hits: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    planned: dict[str, list[tuple[int, dict[str, str], bytes]]] = field(default_factory=dict)
    called_by: list[str | None] = field(default_factory=list)
    """The names by which it was called in handshakes (SNI)."""
    port: int = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"


class CanaryHandler(BaseHTTPRequestHandler):
    canary: ClassVar[Canary]

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.canary.hits.append((self.command, self.path, dict(self.headers), body))
        planned = self.canary.planned.get(self.path, [])
        answer = planned.pop(0) if planned else self.canary.answers.get(self.path, (200, {}, b"[1]"))
        status, headers, content = answer
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | headers).items():
            self.send_header(name, value)
        if "Transfer-Encoding" not in headers and "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815 - the library's name

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def singing(certificate: ssl.SSLContext | None = None) -> Iterator[Canary]:
    """Run a canary; with a certificate it speaks HTTPS alone."""
    found = Canary()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (CanaryHandler,), {"canary": found}))
    if certificate is not None:
        certificate.sni_callback = lambda _line, name, _context: found.called_by.append(name)
        server.socket = certificate.wrap_socket(server.socket, server_side=True)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    """Give a canary of one's own."""
    with singing() as found:
        yield found


@pytest.fixture(scope="session")
def receiver() -> Iterator[Canary]:
    """Give the canary that the shared box may call: it knows its host and port."""
    with singing() as found:
        yield found

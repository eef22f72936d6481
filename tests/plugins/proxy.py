"""A TCP proxy that a test owns, to spoil a connection in every way a network can."""

import select
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Literal, Self

HOST = "127.0.0.1"
PIECE_BYTES = 65536
PAUSE_S = 0.2

type Mode = Literal["pass", "cut", "swallow", "one-way"]


class Proxy:
    """
    Forwards connections to a port of the loopback.

    Attributes
    ----------
    mode : str
        `pass`; `cut`: every connection is reset, new ones too; `swallow`: bytes are taken and go nowhere, both ways; `one-way`:
        what clients send arrives, what comes back does not. A connection over which bytes were swallowed stays half open for
        ever: it is not mended with the mode.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        self.mode: Mode = "pass"
        self._ends = threading.Event()
        self._links: set[_Link] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ends.set()
        self._listener.close()
        self.reset()
        self._thread.join()

    def set(self, mode: Mode) -> None:
        """Change what becomes of bytes from now on."""
        self.mode = mode
        if mode == "cut":
            self.reset()

    def reset(self) -> None:
        """Reset all connections."""
        with self._lock:
            links = list(self._links)
        for link in links:
            link.reset()

    @property
    def links(self) -> int:
        """How many connections there are."""
        return len(self._links)

    def _accept(self) -> None:
        while not self._ends.is_set():
            if not select.select([self._listener], [], [], PAUSE_S)[0]:
                continue
            with suppress(OSError):
                client, _ = self._listener.accept()
                if self.mode == "cut":
                    _reset(client)
                    continue
                try:
                    server = socket.create_connection((HOST, self._port), timeout=5)
                except OSError:
                    _reset(client)
                    continue
                link = _Link(self, client, server)
                with self._lock:
                    self._links.add(link)
                threading.Thread(target=link.run, daemon=True).start()

    def forget(self, link: "_Link") -> None:
        """Forget a connection that has ended."""
        with self._lock:
            self._links.discard(link)


class _Link:
    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._lost: set[socket.socket] = set()  # who hears nothing any more

    def run(self) -> None:
        others = {self._client: self._server, self._server: self._client}
        with suppress(OSError, ValueError):  # ended from the other side, or by us
            while True:
                for source in select.select(list(others), [], [])[0]:
                    piece = source.recv(PIECE_BYTES)
                    if not piece:
                        return self._end()
                    self._pass_on(piece, others[source])
        return self._end()

    def _pass_on(self, piece: bytes, target: socket.socket) -> None:
        mode = self._proxy.mode
        if mode == "swallow" or (mode == "one-way" and target is self._client):
            self._lost.add(target)
        if target not in self._lost:
            target.sendall(piece)

    def reset(self) -> None:
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        _reset(self._client)
        _reset(self._server)

    def _end(self) -> None:
        self._proxy.forget(self)
        for end in (self._client, self._server):
            end.close()


def _reset(end: socket.socket) -> None:
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    end.close()

"""
The command `gaia server`: gunicorn with gevent workers, configured here and nowhere else.

Each request is a greenlet, so that slow clients, waiting synchronous answers and downloads hold no thread
(docs/decisions: web process). The application is imported in the workers, after gevent has patched the standard library
there; this module and what it imports stay small.
"""

import resource
import socket
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.workers.base_async import AsyncWorker
from gunicorn.workers.ggevent import GeventWorker

from gaia_config.centres import read_centres
from gaia_config.errors import ConfigurationError
from gaia_config.garbage import leave_alone
from gaia_config.logs import set_up_logs
from gaia_config.settings import Settings
from gaia_server.refusals import refusal_of, render_refusal

if TYPE_CHECKING:
    from flask import Flask

HEADER_LIMIT_S = 10
STALL_LIMIT_S = 60.0
STOP_LIMIT_S = 2
LINGER_S = 0.5
LINGER_BYTES = 1024 * 1024
CONNECTIONS = 2000
BACKLOG = 1024
OPEN_FILES = 16384
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where gunicorn keeps its heartbeat, off the disk


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn has no types
    """A gevent worker whose connections give up when nothing moves for a minute, in either direction."""

    def handle(self, listener: Any, client: socket.socket, addr: Any) -> None:
        """Answer the requests of one connection."""
        client.settimeout(STALL_LIMIT_S)
        AsyncWorker.handle(self, listener, client, addr)

    def handle_error(self, _req: Any, client: socket.socket, _addr: Any, exc: Exception) -> None:
        """Refuse what is no request, and let the client finish sending: closed under it, it would never hear why."""
        if refusal_of(exc).status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self.log.warning("a request that cannot be read: %s", exc)
        else:
            self.log.error("a connection failed", exc_info=exc)
        with suppress(OSError):
            client.sendall(render_refusal(exc))
            client.shutdown(socket.SHUT_WR)
            client.settimeout(LINGER_S)
            left = LINGER_BYTES
            while left > 0 and (piece := client.recv(left)):
                left -= len(piece)


class Log(Logger):  # type: ignore[misc]  # gunicorn has no types
    """What gunicorn says, in the form in which all of us log."""

    def setup(self, cfg: Any) -> None:
        """Leave its lines to the root of all loggers."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """The application as gunicorn runs it, on a socket that is bound already."""

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self._settings = settings
        self._listener = listener
        super().__init__()

    def load_config(self) -> None:
        """Tell gunicorn how to run."""
        for name, value in gunicorn_settings(self._settings, self._listener.fileno()).items():
            self.cfg.set(name, value)

    def load(self) -> "Flask":
        """Make the application, in a worker."""
        from gaia_server.app import make_app
        from gaia_server.services import open_services

        app = make_app(open_services(self._settings))
        leave_alone()
        return app


def gunicorn_settings(settings: Settings, descriptor: int) -> dict[str, Any]:
    """
    Choose gunicorn's settings.

    `keepalive` is also the time in which the headers of a request must have arrived: gunicorn's gevent worker has one clock
    for both.
    """
    return {
        "bind": f"fd://{descriptor}",
        "backlog": BACKLOG,
        "workers": settings.web_workers,
        "worker_class": Worker,
        "logger_class": Log,
        "worker_connections": CONNECTIONS,
        "worker_tmp_dir": str(_SHARED_MEMORY) if _SHARED_MEMORY.is_dir() else None,
        "keepalive": HEADER_LIMIT_S,
        "graceful_timeout": STOP_LIMIT_S,
        "timeout": int(STALL_LIMIT_S),
        "loglevel": settings.log_level.lower(),
        "proc_name": "gaia server",
        "control_socket_disable": True,
        "forwarded_allow_ips": "",
    }


def bind(host: str, port: int) -> socket.socket:
    """
    Take the address to listen on.

    Raises
    ------
    ConfigurationError
        If it cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror:
        raise ConfigurationError(
            f"GAIA_HOST: {host!r} is no address of this machine; use 127.0.0.1 or 0.0.0.0"
        ) from None
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"{host}:{port} cannot be listened on ({error.strerror}); set another GAIA_PORT, or stop what uses it"
        ) from None
    return listener


def command() -> None:
    """Answer HTTP: the landing page, the processes, the jobs and their results."""
    settings = Settings()
    set_up_logs(settings.log_level)
    read_centres(settings.centres)  # what is wrong with it is said here, in one sentence
    _allow_many_files()
    Server(settings, bind(settings.host, settings.port)).run()


def _allow_many_files() -> None:
    """Every connection is an open file; take as many as the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

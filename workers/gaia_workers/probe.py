"""
`gaia probe`: tells whether a program of ours that runs on this machine is well, as health checks of containers ask.

A server and a depot are well when they answer. A worker is well when the broker has a sign of life of it without trouble,
a recorder when it asks for the reports of every centre: so a broker that is away makes both unwell, though work goes on.
"""

import os
import socket
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from enum import StrEnum
from typing import Annotated, NoReturn
from urllib.parse import urlsplit

import redis
import typer

from gaia_config.centres import Centre, own_centre, read_centres
from gaia_config.settings import Settings
from gaia_workers.contract import Presence, TransportDown
from gaia_workers.transport import RECORDER, Line

ANSWER_LIMIT_S = 5.0
LATE_S = 5.0
"""A recorder asks each centre's broker about once a second."""

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Program(StrEnum):
    """What can be asked after."""

    SERVER = "server"
    RECORDER = "recorder"
    WORKER = "worker"
    DEPOT = "depot"


class Unwell(Exception):
    """The program does not run here, or it cannot do its work at the moment."""


def ask(address: str) -> None:
    """
    Ask a server or a depot whether it lives.

    Raises
    ------
    Unwell
        It does not answer with 200.
    """
    try:
        with _DIRECT.open(f"{address}/health/live", timeout=ANSWER_LIMIT_S):
            pass
    except (OSError, ValueError) as error:
        raise Unwell(f"{address} does not answer ({error})") from None


def ask_worker(line: Line) -> None:
    """
    Look for a sign of life of a worker of this machine.

    Raises
    ------
    Unwell
        There is none, or the worker is in trouble.
    """
    here = [presence for presence in line.present() if _runs_here(presence)]
    if not here:
        raise Unwell(f"no worker of {line.centre.id} on this machine gives a sign of life")
    for presence in here:
        if presence.trouble:
            raise Unwell(f"{presence.worker}: {presence.trouble}")


def ask_recorder(line: Line) -> None:
    """
    See whether a recorder of this machine asks for the reports of a centre.

    Raises
    ------
    Unwell
        None does, or the last time is too long ago.
    """
    idle_s = line.idle_s("reports", RECORDER)
    if idle_s is None or idle_s > LATE_S:
        raise Unwell(f"no recorder on this machine asks for the reports of {line.centre.id}")


def _runs_here(presence: Presence) -> bool:
    """Compare the host, and whether there is such a process: signs of life outlive a killed worker by seconds."""
    host, _, pid = presence.worker.partition("@")[2].rpartition(":")
    if host != socket.gethostname() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def _line(centre: Centre) -> Iterator[Line]:
    with closing(Line(centre)) as line:
        try:
            yield line
        except (TransportDown, redis.RedisError) as error:
            raise Unwell(str(error)) from None


def _probe_server(settings: Settings, port: int | None) -> None:
    ask(settings.near_url if port is None else f"http://127.0.0.1:{port}")


def _probe_depot(settings: Settings, port: int | None) -> None:
    address = urlsplit(own_centre(settings).public_url or "")
    ask(f"http://127.0.0.1:{port or address.port or 80}")


def _probe_worker(settings: Settings, _port: int | None) -> None:
    with _line(own_centre(settings)) as line:
        ask_worker(line)


def _probe_recorder(settings: Settings, _port: int | None) -> None:
    for centre in read_centres(settings.centres).values():
        with _line(centre) as line:
            ask_recorder(line)


PROBES: dict[Program, Callable[[Settings, int | None], None]] = {
    Program.SERVER: _probe_server,
    Program.RECORDER: _probe_recorder,
    Program.WORKER: _probe_worker,
    Program.DEPOT: _probe_depot,
}


def command(
    program: Annotated[Program, typer.Argument(help="Which program to ask after.")],
    port: Annotated[
        int | None, typer.Option(help="Where a server or a depot listens here; as the settings say if left out.")
    ] = None,
) -> None:
    """Tell whether a program of ours that runs on this machine, with these settings, is well: exit code 0, or 1 if not."""
    try:
        PROBES[program](Settings(), port)
    except Unwell as error:
        _end(program, str(error))
    typer.echo(f"{program} is well")


def _end(program: Program, reason: str) -> NoReturn:
    typer.echo(f"{program} is not well: {reason}", err=True)
    raise SystemExit(1)

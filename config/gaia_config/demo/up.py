"""`gaia up`: the federation in a box. A broker, the server, the recorder, and a worker and a depot for each centre."""

import fcntl
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gaia_config.catalogue import read_catalogue
from gaia_config.centres import Centre
from gaia_config.check import broker_visits, check_broker, check_store
from gaia_config.demo import guardian
from gaia_config.demo.broker import Broker, make_broker
from gaia_config.demo.federation import check_host, is_free, prepare, read_federation, seeding
from gaia_config.demo.supervisor import Program, Supervisor
from gaia_config.demo.tour import Tour, curl, is_ready, take_tour
from gaia_config.errors import ConfigurationError
from gaia_config.files import write_whole
from gaia_config.reach import check_transport, find_unreachable, visit_store
from gaia_config.settings import ANY_ADDRESS, Settings, variable

READY_LIMIT_S = 180.0
TOUR_LIMIT_S = 120.0
LOCK_WAIT_S = 3.0
PAUSE_S = 0.05
LEAVING = {"serve": "serves its results", "push": "pushes its results"}
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class _Stopped(Exception):
    """Somebody has asked the box to end."""


def command(
    demo_job: Annotated[bool, typer.Option(help="Run one subset through the whole way when the box is up.")] = True,
) -> None:
    """Start the federation in a box, and keep it running until Ctrl-C."""
    settings = Settings()
    console = Console(highlight=False, soft_wrap=True)
    with _signals():
        try:
            run(settings, console, demo_job=demo_job)
        except _Stopped:
            console.print("The box has ended; its jobs and results are kept in", str(settings.home))


def run(settings: Settings, console: Console, *, demo_job: bool) -> None:
    """
    Run the box until somebody asks it to end.

    The first centre comes before the others: on a small machine the imports of all at once would keep a person waiting.
    For the same reason the samples are published while the server starts; it notices when a catalogue changes.

    Raises
    ------
    ConfigurationError
        It cannot start; the sentence says why and what would help.
    """
    begun = time.monotonic()
    check_host(settings.host)
    check_store(settings.store_url.get_secret_value())
    check_transport(settings.transport)
    with _alone(settings.home) as lock:
        prepare(settings.home, host=ANY_ADDRESS.get(settings.host, settings.host))
        if not is_free(settings.host, settings.port):
            problem = (
                f"port {settings.port} of {settings.host} is in use; stop what uses it, or choose another: GAIA_PORT"
            )
            raise ConfigurationError(f"{problem}={settings.port + 1}")
        broker = None if "GAIA_BROKER_URL" in os.environ else make_broker(settings.home)
        address = broker.url if broker else settings.broker_url.get_secret_value()
        check_broker(address, name=variable("broker_url"))
        write_whole(settings.home / "keys" / "broker", address, mode=0o600)
        centres = read_federation(settings.centres)
        _refuse_unreachable(settings, centres, broker)
        word = secrets.token_hex(8)
        environment = _environment(settings, broker, word)
        with _guarded(word, lock), _box(settings, console, environment, broker) as supervisor:
            first, *others = centres
            with seeding(centres, environment=environment, log=settings.home / "logs" / "catalogue.log"):
                for program in [*_front(), *_beside(centres[first], settings)]:
                    supervisor.start(program)
                _wait_until_ready(settings, supervisor)
            for centre in others:
                for program in _beside(centres[centre], settings):
                    supervisor.start(program)
            tour = take_tour(settings.near_url, limit_s=TOUR_LIMIT_S, watch=supervisor.watch) if demo_job else None
            _show(console, settings, centres, tour, took_s=time.monotonic() - begun)
            while True:
                supervisor.watch()
                time.sleep(PAUSE_S)


def _refuse_unreachable(settings: Settings, centres: dict[str, Centre], broker: Broker | None) -> None:
    """Go to what others have started before anything of ours starts: all would only wait for it."""
    brokers = broker_visits(centres, None if broker else settings, but=broker.url if broker else None)
    faults = find_unreachable([partial(visit_store, settings.store_url.get_secret_value()), *brokers])
    if told := list(faults):
        raise ConfigurationError("; ".join(told))


@contextmanager
def _box(
    settings: Settings, console: Console, environment: dict[str, str], broker: Broker | None
) -> Iterator[Supervisor]:
    """Start the broker; whatever happens inside, end all programs."""
    supervisor = Supervisor(
        logs=settings.home / "logs",
        environment=environment,
        say=console.print,
        changed=lambda: _note(settings, supervisor),
    )
    try:
        if broker is not None:
            supervisor.start(Program(name="broker", command=broker.command, last=True))
            broker.wait()
        yield supervisor
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        supervisor.stop()
        _state_file(settings).unlink(missing_ok=True)


def _front() -> Iterator[Program]:
    """List what the whole federation has once."""
    yield Program(name="server", command=("gaia", "server"))
    yield Program(name="recorder", command=("gaia", "recorder"))


def _beside(centre: Centre, settings: Settings) -> Iterator[Program]:
    """List what runs beside the data of a centre."""
    place = {"GAIA_CENTRE": centre.id}
    server = {"GAIA_SERVER_URL": settings.near_url}
    yield Program(name=f"worker {centre.id}", command=("gaia", "worker"), environment=place | server)
    if centre.delivery == "serve":
        yield Program(name=f"depot {centre.id}", command=("gaia", "depot"), environment=place)


def _environment(settings: Settings, broker: Broker | None, word: str) -> dict[str, str]:
    """Give all programs the same idea of where things are."""
    inherited = {name: value for name, value in os.environ.items() if name != "GAIA_CENTRE"}
    own = {
        guardian.WORD: word,
        "GAIA_HOME": str(settings.home),
        "GAIA_CENTRES": str(settings.centres),
        "GAIA_HOST": settings.host,
        "GAIA_PORT": str(settings.port),
        "PYTHONUNBUFFERED": "1",
    }
    return inherited | own | ({"GAIA_BROKER_URL": broker.url} if broker else {})


def _wait_until_ready(settings: Settings, supervisor: Supervisor) -> None:
    until = time.monotonic() + READY_LIMIT_S
    while not is_ready(settings.near_url):
        if (refusal := supervisor.find_refusal()) is not None:
            raise ConfigurationError(refusal.removeprefix("gaia: "))
        if time.monotonic() > until:
            problem = (
                f"the server was not ready within {READY_LIMIT_S:.0f} s; the files in {settings.home / 'logs'} say why"
            )
            raise ConfigurationError(problem)
        supervisor.watch()
        time.sleep(PAUSE_S)


@contextmanager
def _alone(home: Path) -> Iterator[int]:
    """Keep a second box out of this home; one that was just killed gets a moment to be swept away."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        file = (home / "box.lock").open("w")
    except OSError as error:
        problem = f"the folder {home} cannot be written ({error.strerror}); choose another with GAIA_HOME"
        raise ConfigurationError(problem) from None
    with file:
        until = time.monotonic() + LOCK_WAIT_S
        while not _locked(file.fileno()):
            if time.monotonic() > until:
                raise ConfigurationError(
                    f"another box runs in {home}; stop it, or choose another folder with GAIA_HOME"
                )
            time.sleep(PAUSE_S)
        yield file.fileno()


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _guarded(word: str, lock: int) -> Iterator[None]:
    """Have a process that ends all others when this one is gone; it keeps the lock of the home until it has."""
    process = subprocess.Popen(
        [sys.executable, "-m", guardian.__name__, word],
        stdin=subprocess.PIPE,
        start_new_session=True,
        pass_fds=(lock,),
    )
    with process:
        yield


@contextmanager
def _signals() -> Iterator[None]:
    """Turn the signals that end the box into an exception, once."""

    def stop(*_: object) -> None:
        raise _Stopped

    for number in STOPPING:
        signal.signal(number, stop)
    yield


def _state_file(settings: Settings) -> Path:
    return settings.home / "box.json"


def _note(settings: Settings, supervisor: Supervisor) -> None:
    """Write down which processes the box has, for scripts and tests."""
    state = {"pid": os.getpid(), "address": settings.near_url, "processes": supervisor.pids()}
    write_whole(_state_file(settings), json.dumps(state, indent=2))


def _show(
    console: Console, settings: Settings, centres: dict[str, Centre], tour: Tour | None, *, took_s: float
) -> None:
    """Print the one screen."""
    counts = {id: len(read_catalogue(centre.catalogue, id)) for id, centre in centres.items()}
    lines = [
        f"Ready after {took_s:.1f} s at {settings.public_url}\n",
        *(f"  {id:8} {counts[id]} datasets, {LEAVING[c.delivery]}: {c.title}" for id, c in centres.items()),
        *([f"\n{_told(tour)}"] if tour else []),
        f"\nTry it yourself:\n\n{curl(settings.public_url)}\n",
        f"Everything is kept in {settings.home}; logs are in {settings.home / 'logs'}. Ctrl-C ends the box.",
    ]
    console.rule("gaia: the federation in a box")
    console.print("\n".join(lines), markup=False)


def _told(tour: Tour) -> str:
    if tour.result is None:
        return f"The first job did not succeed: {tour.status.get('message', tour.status['status'])}"
    centre = tour.status.get("gaia:centre", "a centre")
    return f"The first job was computed at {centre} in {tour.took_s:.1f} s; its result:\n  {tour.result}"

"""
A real box for the tests that drive the federation over HTTP: `gaia up` in a temporary home, on free ports, with short
leases. In it every worker and depot finds the folders of the other centres closed (`system/walls/sitecustomize.py`).

A plugin and not a conftest, so that `tests/system` and `tests/clients` share one box in a run.
"""

import json
import os
import signal
import subprocess
import sysconfig
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from canary import Canary
from gaia_config.demo.federation import free_ports

GAIA = Path(sysconfig.get_path("scripts")) / "gaia"
WALLS = Path(__file__).parents[1] / "system" / "walls"
HOST = "127.0.0.1"
MARK = "TEST_BOX"  # an environment variable that every process of one start of a box inherits
START_LIMIT_S = 180.0
STOP_LIMIT_S = 10.0
QUICK = {"GAIA_LEASE_S": "3", "GAIA_RECONCILE_PERIOD_S": "1"}
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(kw_only=True)
class Box:
    """
    A running box.

    Attributes
    ----------
    home : Path
        Its GAIA_HOME.
    base_url : str
        Address of its server.
    env : dict
        The environment for commands that shall speak to it.
    process : Popen
        `gaia up`.
    screen : Path
        What it has printed.
    """

    home: Path
    base_url: str
    env: dict[str, str] = field(repr=False)
    process: subprocess.Popen[bytes]
    screen: Path

    @property
    def pid(self) -> int:
        """Process of `gaia up`."""
        return self.process.pid

    def processes(self) -> dict[str, int]:
        """Process of each program, by its name: `server`, `worker theia`, `depot pndb`, `recorder`, `broker`."""
        state: dict[str, dict[str, int]] = json.loads((self.home / "box.json").read_text())
        return state["processes"]

    def worker_pid(self, centre: str) -> int:
        """Process of a centre's worker."""
        return self.processes()[f"worker {centre}"]

    def centre_folder(self, centre: str) -> Path:
        """Folder of a centre: `data`, `results` and `catalogue` lie in it."""
        return self.home / "centres" / centre

    def printed(self) -> str:
        """Read the screen."""
        return self.screen.read_text()

    def get(self, path: str) -> Any:
        """Fetch JSON from the server."""
        with DIRECT.open(f"{self.base_url}{path}", timeout=10) as answer:
            return json.load(answer)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `gaia` command that finds this box."""
        return subprocess.run([GAIA, *arguments], env=self.env, capture_output=True, text=True, check=False, timeout=60)

    def is_up(self) -> bool:
        """Tell whether the server and all centres are up."""
        with suppress(OSError, ValueError):
            health = self.get("/health")
            return health["status"] == "ready" and set(health["centres"].values()) == {"up"}
        return False

    def wait_until(self, condition: Callable[[], object], *, limit_s: float) -> float:
        """Wait for something; give the seconds that it took."""
        begun = time.monotonic()
        while not condition():
            assert time.monotonic() - begun < limit_s, f"not within {limit_s} s; the screen says:\n{self.printed()}"
            time.sleep(0.02)
        return time.monotonic() - begun

    def leftovers(self) -> list[str]:
        """List the processes of this box that live, as their command lines."""
        return list(self._living().values())

    def pids(self) -> frozenset[int]:
        """Name the processes of this box that live."""
        return frozenset(self._living())

    def _living(self) -> dict[int, str]:
        lines = {int(each.name): command_line(each, self.env[MARK]) for each in Path("/proc").glob("[0-9]*")}
        return {pid: line for pid, line in lines.items() if line}

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """End the box; give the seconds that it took."""
        begun = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(30)
        return time.monotonic() - begun


def command_line(process: Path, mark: str) -> str | None:
    """Read the command line of a process that carries a box's mark; None for any other."""
    with suppress(OSError):
        if f"{MARK}={mark}".encode() in (process / "environ").read_bytes().split(b"\0"):
            return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return None


def clean_environment(home: Path, port: int, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Make an environment in which only the given settings hold."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GAIA_")}
    own = {
        "GAIA_HOME": str(home),
        "GAIA_PORT": str(port),
        "PYTHONPATH": str(WALLS),
        "TERM": "dumb",
        "COLUMNS": "120",
        MARK: uuid4().hex,
    }
    return {**inherited, **QUICK, **own, **(more or {})}


def start_box(home: Path, *arguments: str, more: Mapping[str, str] | None = None) -> Box:
    """Start a box, without waiting for it."""
    (port,) = free_ports(1, HOST)
    env = clean_environment(home, port, more)
    screen = Path(tempfile.mkstemp(prefix="gaia-screen-", suffix=".txt")[1])
    with screen.open("ab") as output:
        process = subprocess.Popen(
            [GAIA, "up", *(arguments or ("--no-demo-job",))],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return Box(home=home, base_url=f"http://{HOST}:{port}", env=env, process=process, screen=screen)


def close_box(box: Box) -> None:
    """End a box however it is, and hold it to leaving nothing behind."""
    took_s = box.stop() if box.process.poll() is None else 0.0
    left = box.leftovers()
    box.screen.unlink()
    assert left == []
    assert took_s < STOP_LIMIT_S


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory, receiver: Canary) -> Iterator[Box]:
    """Give the box that the system tests share; it may call the receiver, and nobody else."""
    outbound = {"GAIA_OUTBOUND_HOSTS": f"127.0.0.1:{receiver.port}", "GAIA_OUTBOUND_HTTP": "true"}
    patience = {"GAIA_CALLBACK_WAIT_S": "0.2", "GAIA_OUTBOUND_LIMIT_S": "2"}
    started = start_box(tmp_path_factory.mktemp("box") / "home", more=outbound | patience)
    try:
        started.wait_until(lambda: started.is_up() or started.process.poll() is not None, limit_s=START_LIMIT_S)
        assert started.process.poll() is None, started.printed()
        yield started
    finally:
        close_box(started)
    trespasses = started.home / "trespasses.log"
    assert not trespasses.exists(), trespasses.read_text()


@pytest.fixture
def other_box(tmp_path: Path) -> Iterator[Callable[..., Box]]:
    """Start boxes of one's own, for tests that break them."""
    boxes: list[Box] = []

    def start(*arguments: str, home: Path = tmp_path / "home", more: Mapping[str, str] | None = None) -> Box:
        boxes.append(start_box(home, *arguments, more={"GAIA_WEB_WORKERS": "1"} | dict(more or {})))
        return boxes[-1]

    yield start
    for each in boxes:
        close_box(each)

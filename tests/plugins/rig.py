"""
A federation that a test takes apart: every program of it is started, frozen, killed and started again by the test itself.

Nothing watches over it, unlike over a box: what dies stays dead until the test says otherwise. Programs are killed by their
recorded process ids. At the end `check` holds it to what must be true whatever has happened (`violations`).
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import psutil
import redis
import sqlalchemy as sa
import yaml

from gaia_config.catalogue import write_empty
from gaia_config.centres import read_centres
from gaia_config.demo import child
from gaia_config.demo.broker import find_program
from gaia_config.demo.federation import free_ports
from gaia_server.jobs.tables import jobs, outbox, works
from gaia_server.results import STORE
from gaia_workers import loops
from real_box import GAIA, MARK, command_line
from wire import Answer, Client

HOST = "127.0.0.1"
TRIALS = Path(__file__).parents[1] / "faults" / "trials"
LEASE_S = 3.0
RECONCILE_S = 1.0
START_LIMIT_S = 120.0
CALM_LIMIT_S = 40.0
QUICK = {
    "GAIA_LEASE_S": f"{LEASE_S:g}",
    "GAIA_RECONCILE_PERIOD_S": f"{RECONCILE_S:g}",
    "GAIA_WEB_WORKERS": "1",
}
FINAL = frozenset({"successful", "failed", "dismissed"})


@dataclass(kw_only=True)
class Program:
    """
    One program of the rig.

    Attributes
    ----------
    command : tuple of str
        `gaia` as its first word is ours.
    environment : mapping
        What it finds beside the environment of the rig.
    process : Popen or None
        The one that was started last.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def runs(self) -> bool:
        """Whether it is there: frozen counts."""
        return self.process is not None and self.process.poll() is None


@dataclass(frozen=True, kw_only=True)
class Row:
    """What the store says of a job and of the work that it shares with equal ones."""

    id: str
    state: str
    work: str
    attempt: int
    lost: int
    centre: str
    result: dict[str, Any] | None
    keeping: str


class Rig:
    """
    A federation of programs that stand side by side.

    Parameters
    ----------
    home : Path
        GAIA_HOME.
    centres : sequence of str
        Each has a worker and a depot.
    webs : sequence of str
        Servers, as `a` and `b`; each has its own port.
    more : mapping
        Further settings for all programs.
    slots : int
        Tasks at once at each centre.
    pushing : sequence of str
        Centres that push their results to the first server; others serve them.
    own : mapping
        Settings of single programs, by the program's name: `{"worker north": {"BROKER_OF_NORTH": …}}`.
    """

    def __init__(
        self,
        home: Path,
        *,
        centres: Sequence[str] = ("north",),
        webs: Sequence[str] = ("a", "b"),
        more: Mapping[str, str] | None = None,
        slots: int = 2,
        own: Mapping[str, Mapping[str, str]] | None = None,
        pushing: Sequence[str] = (),
    ) -> None:
        self.home = home
        self.centres = tuple(centres)
        self.slots = slots
        self.mark = uuid4().hex
        self.accepted: set[str] = set()
        names = ["broker", *(f"web {each}" for each in webs), *(f"depot {each}" for each in centres)]
        self.ports = dict(zip(names, free_ports(len(names), HOST), strict=True))
        self.broker_url = f"redis://{HOST}:{self.ports['broker']}/0"
        self.env = self._environment(more or {})
        self._own = own or {}
        self._pushing = frozenset(pushing)
        self._lay_out()
        self.programs = {each.name: each for each in self._listed(webs)}
        self.store_url = self.env.get("GAIA_STORE_URL", f"sqlite:///{home / 'store' / 'jobs.sqlite'}")
        self._store = sa.create_engine(self.store_url)

    # --- programs --------------------------------------------------------------------------------------------------

    def start(self, *names: str) -> None:
        """Start programs that do not run; all, where none is named."""
        for name in names or self.programs:
            program = self.programs[name]
            assert not program.runs, f"{name} runs"
            with self.log_file(name).open("ab") as output:
                program.process = subprocess.Popen(
                    [sys.executable, "-m", child.__name__, *program.command],
                    env={**self.env, child.PARENT: str(os.getpid()), **program.environment},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )

    def kill(self, *names: str, whole: bool = True) -> None:
        """Kill programs with -9 at one moment, with all that they have started where `whole`."""
        for pid in [pid for name in names for pid in (self.family(name) if whole else [self.pid(name)])]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for name in names:
            process = self.programs[name].process
            assert process is not None
            process.wait(10)

    def terminate(self, name: str, *, limit_s: float = 30) -> None:
        """Ask a program to end, and wait for it."""
        process = self.programs[name].process
        assert process is not None
        process.terminate()
        process.wait(limit_s)

    @contextmanager
    def frozen(self, *names: str) -> Iterator[None]:
        """Stop programs and all that they have started (SIGSTOP), and wake them at the end."""
        pids = [pid for name in names for pid in self.family(name)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    @contextmanager
    def otherwise(self, *names: str, command: tuple[str, ...] | None = None, **environment: str) -> Iterator[None]:
        """Start programs anew with another command or environment; at the end they are killed, and are what they were once healed."""
        before = {name: (self.programs[name].command, self.programs[name].environment) for name in names}
        self.kill(*names)
        for name in names:
            program = self.programs[name]
            program.command = command or program.command
            program.environment = {**program.environment, **environment}
        self.start(*names)
        try:
            yield
        finally:
            self.kill(*(name for name in names if self.programs[name].runs))
            for name, (was, had) in before.items():
                self.programs[name].command, self.programs[name].environment = was, had

    def pid(self, name: str) -> int:
        """Process of a program."""
        process = self.programs[name].process
        assert process is not None
        return process.pid

    def family(self, name: str) -> list[int]:
        """Process of a program, and of all that it has started."""
        pid = self.pid(name)
        with suppress(psutil.NoSuchProcess):
            return [pid, *(each.pid for each in psutil.Process(pid).children(recursive=True))]
        return [pid]

    def log_file(self, name: str) -> Path:
        """File that a program writes its log to."""
        return self.home / "logs" / f"{name.replace(' ', '-')}.log"

    def log(self, name: str) -> list[dict[str, Any]]:
        """Read what a program has logged, as far as it is JSON."""
        lines = self.log_file(name).read_text(errors="replace").splitlines()
        found = []
        for line in lines:
            with suppress(ValueError):
                found.append(json.loads(line))
        return [each for each in found if isinstance(each, dict)]

    # --- as a client -----------------------------------------------------------------------------------------------

    def client(self, web: str = "a") -> Client:
        """Speak to a server."""
        return Client(f"http://{HOST}:{self.ports[f'web {web}']}")

    def ask(self, process: str, inputs: Mapping[str, Any], *, web: str = "a", **headers: str) -> Answer:
        """Ask for a job, and note it where it was accepted."""
        named = {"Prefer": "respond-async"} | headers
        answer = self.client(web).execute(process, {"inputs": dict(inputs)}, **named)
        if answer.status == 201:
            self.accepted.add(answer.json["jobID"])
        return answer

    def submit(self, process: str, inputs: Mapping[str, Any], *, web: str = "a", **headers: str) -> str:
        """Ask for a job, and give its id."""
        answer = self.ask(process, inputs, web=web, **headers)
        assert answer.status == 201, (answer.status, answer.content)
        return str(answer.json["jobID"])

    def submit_all(
        self, process: str, all_inputs: Sequence[Mapping[str, Any]], *, web: str = "a", at_once: int = 8
    ) -> list[str]:
        """Ask for many jobs, several at a time."""
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(lambda inputs: self.submit(process, inputs, web=web), all_inputs))

    def status(self, job_id: str, *, web: str = "a") -> dict[str, Any]:
        """Ask for the status of a job."""
        answer = self.client(web).get(f"/jobs/{job_id}")
        assert answer.status == 200, (answer.status, answer.content)
        return dict(answer.json)

    def end_of(self, job_id: str, *, web: str = "a", limit_s: float = 60) -> dict[str, Any]:
        """Wait until a job has ended, and give its status."""
        self.wait_until(lambda: self.status(job_id, web=web)["status"] in FINAL, limit_s=limit_s)
        return self.status(job_id, web=web)

    def ends_of(self, job_ids: Collection[str], *, limit_s: float = 60) -> Counter[str]:
        """Wait until jobs have ended, and count how, by the store: a server need not be there."""

        def states() -> list[str]:
            by_id = {row.id: row.state for row in self.rows()}
            return [by_id.get(each, "unknown") for each in job_ids]

        self.wait_until(lambda: FINAL.issuperset(states()), limit_s=limit_s, pause_s=0.1)
        return Counter(states())

    def wait_for(self, job_id: str, state: str, *, web: str = "a", limit_s: float = 30) -> dict[str, Any]:
        """Wait until a job is in a state, and give its status."""
        self.wait_until(lambda: self.status(job_id, web=web)["status"] == state, limit_s=limit_s)
        return self.status(job_id, web=web)

    def result(self, job_id: str, *, web: str = "a") -> Any:
        """Fetch the one output of a job: its value, or bytes that fit the checksum that is said with them."""
        document = self.client(web).get(f"/jobs/{job_id}/results?f=json")
        assert document.status == 200, (document.status, document.content)
        (output,) = document.json.values()
        if not (isinstance(output, dict) and "href" in output):
            return output  # of which `check` sees whether it is what lies on disk
        content = self.client(web).get(output["href"])
        assert content.status == 200, (content.status, content.content[:200])
        assert hashlib.sha256(content.content).hexdigest() == output["gaia:sha256"]
        return content.content

    def problem(self, job_id: str, *, web: str = "a") -> dict[str, Any]:
        """Fetch the problem of a failed job."""
        return dict(self.client(web).get(f"/jobs/{job_id}/results").json)

    def publish(self, centre: str, file: Path) -> str:
        """Publish a dataset at a centre; give its id."""
        done = subprocess.run(
            [GAIA, "catalogue", "add", str(file), "--centre", centre],
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return file.stem

    # --- waiting ---------------------------------------------------------------------------------------------------

    def wait_until(self, condition: Callable[[], object], *, limit_s: float, pause_s: float = 0.05) -> float:
        """Wait for something; give the seconds that it took."""
        begun = time.monotonic()
        while not condition():
            assert time.monotonic() - begun < limit_s, f"not within {limit_s} s\n{self.last_words()}"
            time.sleep(pause_s)
        return time.monotonic() - begun

    def is_up(self) -> bool:
        """Tell whether every server says that the store and all centres are up."""
        webs = [name.removeprefix("web ") for name in self.programs if name.startswith("web ")]
        return all(self._ready(web) for web in webs)

    def _ready(self, web: str) -> bool:
        with suppress(OSError, ValueError):
            health = self.client(web).get("/health").json
            return health["status"] == "ready" and set(health["centres"].values()) == {"up"}
        return False

    def heal(self) -> None:
        """Start what does not run, and wait until all is up."""
        if missing := [name for name, program in self.programs.items() if not program.runs]:
            self.start(*missing)
        self.wait_until(self.is_up, limit_s=START_LIMIT_S, pause_s=0.2)

    def last_words(self) -> str:
        """Give the end of each program's log."""
        logs = {name: self.log_file(name) for name in self.programs}
        texts = {
            name: path.read_text(errors="replace").splitlines()[-6:] for name, path in logs.items() if path.exists()
        }
        return "\n".join(f"{name}: {line[:400]}" for name, lines in texts.items() for line in lines)

    # --- what must be true at the end ------------------------------------------------------------------------------

    def broker(self) -> redis.Redis:
        """Speak to the broker as somebody who has all rights."""
        return redis.Redis.from_url(self.broker_url, decode_responses=True, socket_timeout=5)

    def rows(self) -> list[Row]:
        """Read every job from the store."""
        of_work = [works.c[name] for name in ("attempt", "lost", "centre", "result", "keeping")]
        query = sa.select(jobs.c.id, jobs.c.state, jobs.c.work_id.label("work"), *of_work)
        with self._store.connect() as connection:
            rows = connection.execute(query.join(works, works.c.id == jobs.c.work_id))
            return [Row(**row._mapping) for row in rows]

    def read_store_anew(self) -> None:
        """Let go of the store's file, in whose place another was put."""
        self._store.dispose()

    def published(self) -> list[str]:
        """List what lies in the results stores, as `<job>/<attempt>`; what was pushed lies at its centre too."""
        stores = [self.results(centre) for centre in self.centres] + [self.home / STORE]
        found = {
            f"{attempt.parent.name}/{attempt.name}"
            for store in stores
            if store.is_dir()
            for job in store.iterdir()
            if not job.name.startswith(".")
            for attempt in job.iterdir()
        }
        return sorted(found)

    def results(self, centre: str) -> Path:
        """Folder with a centre's results."""
        return self.home / "centres" / centre / "results"

    def violations(self) -> list[str]:
        """Say what is not as it must be once all jobs have ended, whatever has happened before."""
        rows = {row.id: row for row in self.rows()}
        referred = {folder for row in rows.values() for folder in _folders(row)}
        published = self.published()
        per_job = Counter(each.partition("/")[0] for each in published)
        return [
            *(f"accepted and lost: {each}" for each in self.accepted - rows.keys()),
            *(f"not ended: {row}" for row in rows.values() if row.state not in FINAL),
            *(f"published more than once: {job}" for job, count in per_job.items() if count > 1),
            *(f"a result that no job has: {each}" for each in published if each not in referred),
            *(f"a result that is not there: {each}" for each in referred - set(published)),
            *(f"bytes that are not what the store says: {each}" for each in self._altered(rows.values())),
            *(f"a draft is left: {each}" for each in self._drafts()),
            *(f"waits in the outbox: {each}" for each in self._outbox()),
            *(f"a lease is held: {each}" for each in self._leases()),
            *(f"a process too many: {each}" for each in self._surplus()),
        ]

    def _altered(self, rows: Collection[Row]) -> Iterator[str]:
        for row in rows:
            for file in _files(row):
                store = self.home / STORE if file["store"] == "server" else self.results(row.centre)
                path = store / file["location"]
                if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() != file["sha256"]:
                    yield file["location"]

    def _drafts(self) -> Iterator[Path]:
        for centre in self.centres:
            for name in (".drafts", ".trash"):
                folder = self.results(centre) / name
                yield from folder.iterdir() if folder.is_dir() else ()
        yield from (self.home / STORE).rglob("*.part")

    def _outbox(self) -> list[Any]:
        with self._store.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.select(outbox.c.kind, outbox.c.job_id))]

    def _leases(self) -> list[str]:
        with self.broker() as broker:
            return [str(key) for key in broker.scan_iter("*:lease:*")]

    def _surplus(self) -> Iterator[str]:
        """
        Name the processes that carry the mark of the rig and belong to no program that runs, and the forks that a worker has
        beyond those that wait: each of its slots has one, and the warm parent and its tracker stand beside them. Where the
        machine keeps no compiled loops that are up to date, one more compiles them for a while.
        """
        families = {name: self.family(name) for name, program in self.programs.items() if program.runs}
        known = {pid for family in families.values() for pid in family}
        for folder in Path("/proc").glob("[0-9]*"):
            if int(folder.name) not in known and (line := command_line(folder, self.mark)):
                yield f"{folder.name} {line}"
        for name, family in families.items():
            lasting = [pid for pid in family if not _compiles_loops(pid)]
            if name.startswith("worker ") and len(lasting) > self.slots + 3:
                yield f"{name} has {len(lasting)} processes"

    def check(self) -> None:
        """Hold the rig to all of it, and to doing new work."""
        try:
            self.wait_until(lambda: not self.violations(), limit_s=CALM_LIMIT_S, pause_s=0.3)
        except AssertionError:
            wrong = self.violations()
            assert not wrong, "\n".join([*wrong, self.last_words()])
        word = f"still there {uuid4().hex}"
        job = self.submit("echo", {"message": word})
        assert self.end_of(job)["status"] == "successful"
        assert self.result(job) == word

    def close(self) -> None:
        """End everything, and leave nothing behind."""
        for program in self.programs.values():
            if program.runs and program.process is not None:
                for pid in self.family(program.name):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                program.process.wait(10)
        self._store.dispose()
        left = [int(each.name) for each in Path("/proc").glob("[0-9]*") if command_line(each, self.mark)]
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    # --- making it -------------------------------------------------------------------------------------------------

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GAIA_")}
        own = {
            "GAIA_HOME": str(self.home),
            "GAIA_BROKER_URL": self.broker_url,
            "PYTHONPATH": str(TRIALS),
            "PYTHONUNBUFFERED": "1",
            MARK: self.mark,
        }
        brokers = {f"BROKER_OF_{centre.upper()}": self.broker_url for centre in self.centres}
        return {**inherited, **QUICK, **own, **brokers, **more}

    def _lay_out(self) -> None:
        for name in ("store", "logs", "keys", "broker"):
            (self.home / name).mkdir(parents=True, exist_ok=True)
        file = self.home / "centres.yml"
        if not file.exists():
            file.write_text(yaml.safe_dump({"centres": [self._centre(each) for each in self.centres]}))
        for centre in self._read_centres():
            for folder in filter(None, (centre.data, centre.results)):
                folder.mkdir(parents=True, exist_ok=True)
            write_empty(centre)

    def _read_centres(self) -> Collection[Any]:
        names = {name: value for name, value in self.env.items() if name.startswith("BROKER_OF_")}
        os.environ.update(names)
        try:
            return read_centres(self.home / "centres.yml").values()
        finally:
            for name in names:
                del os.environ[name]

    def _centre(self, name: str) -> dict[str, Any]:
        return {
            "id": name,
            "title": name,
            "broker_url": f"env:BROKER_OF_{name.upper()}",
            "key": uuid4().hex + uuid4().hex,
            "queues": [{"name": "interactive", "concurrency": self.slots}],
            **(
                {"delivery": "push"}
                if name in self._pushing
                else {"delivery": "serve", "public_url": f"http://{HOST}:{self.ports[f'depot {name}']}"}
            ),
            "catalogue": f"centres/{name}/catalogue/catalog.json",
            "data": f"centres/{name}/data",
            "results": f"centres/{name}/results",
        }

    def _listed(self, webs: Sequence[str]) -> Iterator[Program]:
        port = str(self.ports["broker"])
        folder = str(self.home / "broker")
        options = ("--port", port, "--bind", HOST, "--save", "", "--appendonly", "no", "--dir", folder)
        yield Program(name="broker", command=(find_program(), *options))
        for web in webs:
            yield self._program(f"web {web}", "server", GAIA_PORT=str(self.ports[f"web {web}"]))
        yield self._program("recorder", "recorder")
        for centre in self.centres:
            if centre in self._pushing:
                server = f"http://{HOST}:{self.ports[f'web {webs[0]}']}"
                yield self._program(f"worker {centre}", "worker", GAIA_CENTRE=centre, GAIA_SERVER_URL=server)
            else:
                yield self._program(f"worker {centre}", "worker", GAIA_CENTRE=centre)
                yield self._program(f"depot {centre}", "depot", GAIA_CENTRE=centre)

    def _program(self, name: str, command: str, **environment: str) -> Program:
        return Program(name=name, command=("gaia", command), environment=environment | dict(self._own.get(name, {})))

    def __enter__(self) -> Self:
        """Start everything, and wait until it is up."""
        self.start()
        self.wait_until(self.is_up, limit_s=START_LIMIT_S, pause_s=0.2)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _files(row: Row) -> list[dict[str, Any]]:
    """List the files of a job's result, as the store holds them, if it still keeps them."""
    if row.keeping != "kept" or row.result is None:
        return []
    return [*row.result["outputs"], *row.result.get("sides", ())]


def _folders(row: Row) -> set[str]:
    return {file["location"].rpartition("/")[0] for file in _files(row)}


def _compiles_loops(pid: int) -> bool:
    """Tell whether a process is the one that a worker starts to compile loops, and that ends by itself (`gaia_workers.loops`)."""
    try:
        return psutil.Process(pid).cmdline()[1:3] == ["-m", loops.__name__]
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False

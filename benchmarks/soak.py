"""
Ten thousand small jobs in a row, beside a bare Celery task on Redis with a result backend; and what a submission costs in a full store.

    python benchmarks/soak.py [--quick] [--write] [--jobs N]

Both are started here, on the loopback, one after the other, each with as many processes that compute. Ours takes every job over
HTTP, records it, computes it in a process of its own, publishes the result on the disk with its checksum, and records that; the
bare task hands a message through Redis and back. None may be lost, and the memory of no process may grow with the number of jobs.
"""

import argparse
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from celery import Celery
from celery.result import ResultSet
from page import PAGE, write_section
from service import FEW, MANY, ROOT, System, fetch, fill_gaia, gaia, load, mark, redis, running

HERE = Path(__file__).resolve().parent
SLOTS = 9
CONNECTIONS = 8
LOOK_S = 2.0
PATIENCE_S = 3600.0
SUBMISSIONS = 300
SMALLEST_MIB = 20.0
"""Growth below this says nothing: an allocator keeps what it once had."""


def bare_rate(folder: Path, count: int) -> dict[str, float]:
    """Send so many bare tasks and wait for all results."""
    with redis(folder) as url:
        os.environ["BARE_REDIS"] = url
        command = (
            sys.executable,
            "-m",
            "celery",
            "--app",
            "task",
            "worker",
            "--concurrency",
            str(SLOTS),
            "--loglevel",
            "ERROR",
        )
        with running(*command, folder=folder, BARE_REDIS=url, PYTHONPATH=str(HERE / "peers")):
            tasks = Celery("bare", broker=url, backend=url)
            tasks.send_task("echo", ("first",)).get(timeout=60)
            began = time.perf_counter()
            sent = ResultSet([tasks.send_task("echo", (f"number {number}",)) for number in range(count)], app=tasks)
            answers = sent.join_native(timeout=PATIENCE_S)
            took_s = time.perf_counter() - began
            tasks.close()
    right = sum(answer == f"number {number}" for number, answer in enumerate(answers))
    return {"rate": count / took_s, "lost": count - right}


def states(database: Path) -> dict[str, int]:
    """Count jobs by state."""
    with closing(sqlite3.connect(database, timeout=30)) as store:
        return dict(store.execute("SELECT state, count(*) FROM jobs WHERE NOT synchronous GROUP BY state").fetchall())


class Memory:
    """Resident memory of each program of a box, as it goes on."""

    def __init__(self, root: int) -> None:
        self._root = root
        self.seen: dict[str, list[tuple[float, float]]] = {}

    def look(self, done: int) -> None:
        """Note what each has now, MiB, by how many jobs are done; of processes of one kind the largest."""
        sizes: dict[str, float] = {}
        for process in psutil.Process(self._root).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                name = _name(process)
                sizes[name] = max(sizes.get(name, 0.0), process.memory_info().rss / 2**20)
        for name, size in sizes.items():
            self.seen.setdefault(name, []).append((done, size))

    def growth(self) -> dict[str, tuple[float, float]]:
        """Give the median of the second and of the last fifth of the run, MiB, by program."""
        return {name: _ends(each) for name, each in sorted(self.seen.items()) if len(each) >= 5}


def _ends(seen: list[tuple[float, float]]) -> tuple[float, float]:
    fifth = max(len(seen) // 5, 1)
    sizes = [size for _, size in seen]
    return statistics.median(sizes[fifth : 2 * fifth]), statistics.median(sizes[-fifth:])


def _name(process: psutil.Process) -> str:
    words = process.cmdline() or [""]  # it has just ended
    if "redis" in words[0]:
        return "broker"
    known = ("server", "recorder", "worker", "depot")
    if (found := next((word for word in words if word in known), None)) is not None:
        return found
    return "forks" if "forkserver" in " ".join(words) else "other"


def soak(system: System, folder: Path, count: int) -> dict[str, Any]:
    """Submit so many jobs, wait for their ends, and see that each has its own result."""
    database, memory = folder / "home" / "store" / "jobs.sqlite", Memory(system.roots[0])
    before = sum(states(database).values())
    began = time.perf_counter()
    with _submitting(system, count) as told:
        while True:
            now = states(database)
            ended = sum(now.get(state, 0) for state in ("successful", "failed", "dismissed")) - before
            memory.look(ended)
            if ended >= count or time.perf_counter() - began > PATIENCE_S:
                break
            time.sleep(LOOK_S)
    took_s = time.perf_counter() - began
    jobs = told["jobs"]
    wrong = [id for id, message in list(jobs.items())[:: max(count // 500, 1)] if _message(system, id) != message]
    return {
        "rate": count / took_s, "states": states(database), "submit": told["kinds"]["submit"], "lost": count - ended,
        "wrong": len(wrong), "growth": memory.growth(),
    }  # fmt: skip


def _message(system: System, id: str) -> Any:
    return fetch(f"{system.base_url}/jobs/{id}/results?f=json")["message"]


@contextmanager
def _submitting(system: System, count: int) -> Iterator[dict[str, Any]]:
    """Submit beside what is done meanwhile; what it gives is there at the end."""
    from concurrent.futures import ThreadPoolExecutor

    told: dict[str, Any] = {}
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(
            load, "submits", base_url=system.base_url, connections=CONNECTIONS, count=count, mark="soak"
        )
        yield told
        told |= asked.result()


def submission_costs(system: System, folder: Path, sizes: tuple[int, int]) -> dict[int, dict[str, float]]:
    """Measure what a submission takes, with few and with many jobs in the store, in turns."""
    database, found = folder / "home" / "store" / "jobs.sqlite", {}
    for size in sizes:
        fill_gaia(database, size)
        load("submits", base_url=system.base_url, connections=1, count=20, mark=f"warm {size}")
        before_s = system.cpu_s(web_only=True)
        told = load("submits", base_url=system.base_url, connections=1, count=SUBMISSIONS, mark=f"cost {size}")
        found[size] = told["kinds"]["submit"] | {"cpu_ms": 1e3 * (system.cpu_s(web_only=True) - before_s) / SUBMISSIONS}
        _wait_for_all(database)
    return found


def _wait_for_all(database: Path) -> None:
    while states(database).keys() - {"successful"}:
        time.sleep(0.2)


def report(found: dict[str, Any], count: int, many: int) -> list[str]:
    """Write what was found."""
    ours, peer, costs = found["gaia"], found["bare"], found["costs"]
    ratio = ours["rate"] / peer["rate"]
    few = costs[FEW]
    return [
        f"{count} echo jobs, one after the other as fast as they are taken; {SLOTS} processes compute for each.",
        "",
        "| | gaia | bare Celery task | ratio | bar |",
        "| --- | --- | --- | --- | --- |",
        f"| jobs a second, until all results are there | {ours['rate']:.0f} | {peer['rate']:.0f} | {mark(ratio, 0.5, at_least=True)} | 0.5 |",
        f"| lost | {ours['lost']} | {peer['lost']} | | 0 |",
        f"| wrong results, of some that were fetched | {ours['wrong']} | | | 0 |",
        "",
        f"Ends: {', '.join(f'{number} {state}' for state, number in ours['states'].items())}. A submission took {ours['submit']['p50_ms']:.1f} ms (median), "
        f"{ours['submit']['p99_ms']:.0f} ms at most for 99 of 100, under this load.",
        "",
        "| resident memory, MiB | early | late |",
        "| --- | --- | --- |",
        *(
            f"| {name} | {early:.0f} | {late:.0f}{' (grows)' if late - early > SMALLEST_MIB else ''} |"
            for name, (early, late) in ours["growth"].items()
        ),
        "",
        f"| a submission with so many jobs in the store | {FEW} | {many} | ratio |",
        "| --- | --- | --- | --- |",
        f"| median, ms | {few['p50_ms']:.1f} | {costs[many]['p50_ms']:.1f} | {costs[many]['p50_ms'] / few['p50_ms']:.2f} |",
        f"| processor time of the server, ms | {few['cpu_ms']:.1f} | {costs[many]['cpu_ms']:.1f} | {costs[many]['cpu_ms'] / few['cpu_ms']:.2f} |",
    ]


def run(count: int, many: int) -> dict[str, Any]:
    """Measure all of it."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="gaia-soak-") as name:
        for kind in ("bare", "gaia", "costs"):
            (Path(name) / kind).mkdir()
        found["bare"] = bare_rate(Path(name) / "bare", count)
        with gaia(Path(name) / "costs") as system:
            found["costs"] = submission_costs(system, Path(name) / "costs", (FEW, many))
        with gaia(Path(name) / "gaia", GAIA_QUEUE_LIMIT=str(2 * count)) as system:
            found["gaia"] = soak(system, Path(name) / "gaia", count)
    return found


def main() -> None:
    """Measure, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a short look, whose figures mean nothing")
    parser.add_argument("--write", action="store_true", help=f"write its section of {PAGE.relative_to(ROOT)}")
    parser.add_argument("--jobs", type=int, default=10_000)
    asked = parser.parse_args()
    count, many = (500, 2000) if asked.quick else (asked.jobs, MANY)
    lines = report(run(count, many), count, many)
    print("\n".join(lines))
    if asked.write:
        write_section("Soak", lines)


if __name__ == "__main__":
    main()

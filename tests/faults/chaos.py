"""
A seeded run of chaos: clients ask for jobs, look at them, dismiss some and repeat requests, while everything that can fails.

    .venv/bin/python tests/faults/chaos.py [--seed N] [--quick] [--in-flight 200] [--history FILE]

Three centres (two serve their results, one pushes them), two servers, real processes, real kills. Every operation of every
client is written down; at the end the history, the store, the results and the processes are held to what must be true. It
prints what became of all jobs, and ends with 1 where anything was not as it must be.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import date
from http.client import HTTPException
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins"))

import psutil
from reliability import PAGE, read_sections

from namespace import Namespace
from proxy import Proxy
from rig import FINAL, HOST, LEASE_S, Rig
from wire import Answer

CLIENTS = 8
SLOTS = 2
PAUSE_S = 0.05
REST_S = 3.0
PATIENCE_S = 300.0
ASIDE_S = {False: {"broker": 60.0, "lock": 10.0, "cut": 20.0}, True: {"broker": 10.0, "lock": 4.0, "cut": 8.0}}
DISK_SIZE = "48m"
AFTER = {"accepted": {"running", *FINAL}, "running": FINAL, **dict.fromkeys(FINAL, frozenset[str]())}
"""By state, those that may be seen after it."""


@dataclass(kw_only=True)
class Wanted:
    """
    A job that a client was promised.

    Attributes
    ----------
    expected : str
        What its result must be: a value, or the sha256 of its bytes once one run of it is known.
    dismissed : bool
        Whether its client asked for it not to be done.
    """

    id: str
    process: str
    inputs: dict[str, Any]
    expected: str | None
    dismissed: bool = False
    seen: list[str] = field(default_factory=list)
    progress: int = 0
    noted: float = 0.0
    """When what was seen last was noted: an answer that was asked for before may be older."""


class History:
    """What happened, in order, and what is wrong with it."""

    def __init__(self, file: Path | None) -> None:
        self._begun = time.monotonic()
        self._lock = threading.Lock()
        self._file = file.open("w") if file else None
        self.wrong: list[str] = []
        self.told: dict[str, int] = {}
        self.operations: Counter[str] = Counter()

    def note(self, what: str, **about: Any) -> None:
        """Write down what happened."""
        with self._lock:
            self.operations[what] += 1
            if self._file:
                self._file.write(
                    json.dumps({"s": round(time.monotonic() - self._begun, 3), "what": what} | about) + "\n"
                )

    def complain(self, problem: str) -> None:
        """Write down what must not be."""
        self.note("wrong", problem=problem)
        self.wrong.append(problem)

    def say(self, words: str) -> None:
        """Tell whoever watches."""
        print(f"{time.monotonic() - self._begun:7.1f} s  {words}", flush=True)


class Clients:
    """Clients that keep a number of jobs in flight, each with its own seed."""

    def __init__(self, rig: Rig, history: History, *, seed: int, in_flight: int) -> None:
        self._rig = rig
        self._history = history
        self._in_flight = in_flight
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._number = 0
        self.jobs: dict[str, Wanted] = {}
        self._threads = [
            threading.Thread(target=self._live, args=(random.Random(seed + number + 1),), daemon=True)
            for number in range(CLIENTS)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask for nothing more."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    @property
    def open(self) -> list[Wanted]:
        """Jobs whose end nobody has seen."""
        with self._lock:
            return [job for job in self.jobs.values() if not job.seen or job.seen[-1] not in FINAL]

    def _live(self, choose: random.Random) -> None:
        while not self._stop.is_set():
            try:
                self._do_something(choose)
            except (OSError, HTTPException) as error:
                self._history.note("no answer", error=type(error).__name__)
                time.sleep(0.2)
            time.sleep(PAUSE_S)

    def _do_something(self, choose: random.Random) -> None:
        waiting = self.open
        if len(waiting) < self._in_flight:
            return self._ask(choose)
        job = choose.choice(waiting)
        if choose.random() < 0.01:
            return self._dismiss(job, choose)
        return self.look(job, web=choose.choice("ab"))

    def _ask(self, choose: random.Random) -> None:
        process, inputs, expected = self._demand(choose)
        key = f"chaos-{choose.getrandbits(64):x}"
        for _ in range(3):  # as a client that hears nothing does: again, with the same key
            with suppress(OSError, HTTPException):
                answer = self._rig.ask(process, inputs, web=choose.choice("ab"), Idempotency_Key=key)
                return self._take(answer, process, inputs, expected)
            self._history.note("asked again", key=key)
        return None

    def _take(self, answer: Answer, process: str, inputs: dict[str, Any], expected: str | None) -> None:
        if answer.status in (429, 503):
            return self._history.note("put off", status=answer.status)
        if answer.status != 201:
            return self._history.complain(f"{process} {inputs}: answered with {answer.status} {answer.content[:200]!r}")
        job = Wanted(id=answer.json["jobID"], process=process, inputs=inputs, expected=expected)
        with self._lock:
            self.jobs.setdefault(job.id, job)
        return self._history.note("accepted", job=job.id, process=process, inputs=inputs)

    def _demand(self, choose: random.Random) -> tuple[str, dict[str, Any], str | None]:
        """Make a request: most are their own, some equal to one another, some write files."""
        with self._lock:
            self._number += 1
            number = self._number
        kind = choose.random()
        if kind < 0.10:
            seed = choose.randrange(20)
            return "write", {"megabytes": 1, "seed": seed}, None
        mark = f"equal {choose.randrange(20)} {number // 200}" if kind < 0.25 else f"own {number}"
        if kind < 0.60:
            return "echo", {"message": mark, "pause": round(choose.uniform(0, 0.5), 2)}, mark
        return "busy", {"seconds": round(choose.uniform(0.1, 1.5), 2), "mark": mark}, f"busy {mark}"

    def _dismiss(self, job: Wanted, choose: random.Random) -> None:
        job.dismissed = True
        answer = self._rig.client(choose.choice("ab")).send("DELETE", f"/jobs/{job.id}")
        self._history.note("dismissed", job=job.id, status=answer.status)
        if answer.status not in (200, 410, 503):
            self._history.complain(f"dismissing {job.id} was answered with {answer.status}")

    def look(self, job: Wanted, *, web: str) -> None:
        """Look at a job, and hold what is said to what was said before."""
        asked = time.monotonic()
        answer = self._rig.client(web).get(f"/jobs/{job.id}")
        if answer.status == 503:
            return self._history.note("put off", job=job.id)
        if answer.status != 200:
            return self._history.complain(f"the status of {job.id} was answered with {answer.status}")
        state, progress = answer.json["status"], answer.json.get("progress", 0)
        with self._lock:
            if asked >= job.noted:
                self._compare(job, state, progress)
        return self._history.note("status", job=job.id, status=state, progress=progress)

    def _compare(self, job: Wanted, state: str, progress: int) -> None:
        """Hold a status to the one before: no end changes, nothing that runs waits again, progress does not go back."""
        before = job.seen[-1] if job.seen else None
        if before != state and before is not None and state not in AFTER[before]:
            self._history.complain(f"{job.id} was {before} and is {state}")
        if progress < job.progress:
            self._history.complain(f"{job.id} was at {job.progress} % and is at {progress} %")
        if before != state:
            job.seen.append(state)
        job.progress, job.noted = progress, time.monotonic()


# --- what goes wrong -----------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class World:
    """What faults work on."""

    rig: Rig
    proxy: Proxy
    aside_s: dict[str, float]
    disk: Path | None
    network: Namespace | None
    choose: random.Random


def kill(name: str) -> Callable[[World], None]:
    """Kill a program with all that it has started."""

    def fault(world: World) -> None:
        world.rig.kill(name)

    return fault


def kill_everything(world: World) -> None:
    """Cut the power."""
    world.rig.kill(*world.rig.programs)


def kill_a_fork(world: World) -> None:
    """Kill one process that a worker has started."""
    name = f"worker {world.choose.choice(world.rig.centres)}"
    # It may just have been started anew, and be taken for up by its last sign of life.
    world.rig.wait_until(lambda: len(world.rig.family(name)) > 1, limit_s=60)
    _, *children = world.rig.family(name)
    with suppress(ProcessLookupError):
        os.kill(world.choose.choice(children), 9)


def flush(world: World) -> None:
    """Empty the broker."""
    with world.rig.broker() as broker:
        broker.flushall()


def kill_a_warm_parent(world: World) -> None:
    """Kill what a worker's tasks are forks of; they go with it."""
    name = f"worker {world.choose.choice(world.rig.centres)}"
    world.rig.wait_until(lambda: warm_parents(world.rig, name), limit_s=60)
    with suppress(ProcessLookupError):
        os.kill(warm_parents(world.rig, name)[0], 9)


def warm_parents(rig: Rig, name: str) -> list[int]:
    """Find the process that forks the tasks of a worker."""
    found = []
    for child in psutil.Process(rig.pid(name)).children():
        with suppress(psutil.NoSuchProcess):
            if "forkserver" in " ".join(child.cmdline()):
                found.append(child.pid)
    return found


def lose_broker(world: World) -> None:
    """Kill the broker and leave it dead for a while; it comes back empty."""
    world.rig.kill("broker")
    time.sleep(world.aside_s["broker"])


def freeze_broker(world: World) -> None:
    """Stop the broker for a while."""
    with world.rig.frozen("broker"):
        time.sleep(world.aside_s["broker"])


def lock_store(world: World) -> None:
    """Hold the lock of the store's writers."""
    import sqlite3

    connection = sqlite3.connect(world.rig.home / "store" / "jobs.sqlite", isolation_level=None, timeout=30)
    connection.execute("BEGIN IMMEDIATE")
    time.sleep(world.aside_s["lock"])
    connection.execute("ROLLBACK")
    connection.close()


def fill_disk(world: World) -> None:
    """Leave no room for results at one centre."""
    if world.disk is None:
        return
    filler = world.disk / ".drafts" / "filler"
    filler.parent.mkdir(exist_ok=True)
    with suppress(OSError), filler.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(65536))
    time.sleep(3 * LEASE_S)
    filler.unlink(missing_ok=True)


def make_read_only(world: World) -> None:
    """Let nobody write results at one centre."""
    if world.disk is None:
        return
    subprocess.run(["mount", "-o", "remount,ro", str(world.disk)], check=True)
    time.sleep(3 * LEASE_S)
    subprocess.run(["mount", "-o", "remount,rw", str(world.disk)], check=True)


def freeze_worker(world: World) -> None:
    """Let a worker sleep beyond its lease."""
    with world.rig.frozen(f"worker {world.choose.choice(world.rig.centres)}"):
        time.sleep(3 * LEASE_S)


def deliver_twice(world: World) -> None:
    """Put a second copy of each order that waits into its queue."""
    with world.rig.broker() as broker:
        for centre in world.rig.centres:
            queue = f"gaia:{centre}:{centre}.interactive"
            for message in broker.lrange(queue, 0, -1):
                broker.lpush(queue, message)


def partition(world: World) -> None:
    """Pull the cable between a centre and the broker out: packets are gone, and no connection is closed."""
    if world.network is None:
        return reset_connections(world)
    world.network.pull()
    time.sleep(world.aside_s["cut"])
    world.network.plug()
    return None


def reset_connections(world: World) -> None:
    """Let a centre and the broker refuse each other."""
    world.proxy.set("cut")
    time.sleep(world.aside_s["cut"])
    world.proxy.set("pass")


def half_open(world: World) -> None:
    """Swallow what a centre and the broker say to each other; those connections never come back."""
    world.proxy.set("swallow")
    time.sleep(2 * LEASE_S)
    world.proxy.set("pass")


def shift_clock(world: World) -> None:
    """Start a worker anew whose clock is an hour ahead, or back."""
    program = world.rig.programs["worker north"]
    world.rig.kill("worker north")
    program.environment = {**program.environment, "TEST_CLOCK_AHEAD_S": world.choose.choice(("3600", "-3600"))}


FAULTS: dict[str, Callable[[World], None]] = {
    "a server killed": kill("web a"),
    "the other server killed": kill("web b"),
    "the recorder killed": kill("recorder"),
    "the worker at north killed": kill("worker north"),
    "the worker at west killed": kill("worker west"),
    "a depot killed": kill("depot south"),
    "a fork killed": kill_a_fork,
    "a warm parent killed": kill_a_warm_parent,
    "the broker killed": kill("broker"),
    "the broker away": lose_broker,
    "everything killed": kill_everything,
    "the broker emptied": flush,
    "the broker frozen": freeze_broker,
    "the store locked": lock_store,
    "the disk of results full": fill_disk,
    "the disk of results read-only": make_read_only,
    "a worker frozen beyond its lease": freeze_worker,
    "orders delivered twice": deliver_twice,
    "a centre cut off": partition,
    "connections reset": reset_connections,
    "connections half open": half_open,
    "the clock of a centre shifted": shift_clock,
}


# --- the run -------------------------------------------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """Put a small file system where results go, where that may be done."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_SIZE}", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def lead_through_cable(rig: Rig, network: Namespace) -> None:
    """Put the worker at south into a network of its own, which reaches the broker over a cable."""
    broker, there = rig.programs["broker"], rig.programs["worker south"]
    # Without a password Redis else answers nobody but the loopback.
    broker.command = (*broker.command, "--bind", HOST, network.outside, "--protected-mode", "no")
    there.command = network.inside(there.command)
    url = f"redis://{network.outside}:{rig.ports['broker']}/0"
    there.environment = {**there.environment, "BROKER_OF_SOUTH": url}


def run(*, seed: int, quick: bool, in_flight: int, history_file: Path | None) -> History:
    """Run it; what was not as it must be stands in the history's `wrong`."""
    history = History(history_file)
    history.say(f"seed {seed}, {in_flight} jobs in flight{', quick' if quick else ''}")
    home = Path(tempfile.mkdtemp(prefix="gaia-chaos-"))
    try:
        rig = Rig(home / "home", centres=("north", "south", "west"), pushing=("west",), slots=SLOTS)
        with small_disk(rig.results("south")) as disk, Proxy(rig.ports["broker"]) as proxy:
            north = rig.programs["worker north"]
            north.environment = {**north.environment, "BROKER_OF_NORTH": f"redis://127.0.0.1:{proxy.port}/0"}
            with Namespace() if Namespace.can_be_made() else nullcontext() as network:
                if network is not None:
                    lead_through_cable(rig, network)
                with rig:
                    world = World(
                        rig=rig, proxy=proxy, aside_s=ASIDE_S[quick], disk=disk, network=network,
                        choose=random.Random(seed),
                    )  # fmt: skip
                    history.say(f"a centre is cut off by {'a cable that is pulled' if network else 'resets alone'}")
                    _play(world, history, seed=seed, in_flight=in_flight)
    finally:
        if history.wrong:
            print(f"what it left is kept in {home}")
        else:
            shutil.rmtree(home, ignore_errors=True)
    return history


def _play(world: World, history: History, *, seed: int, in_flight: int) -> None:
    clients = Clients(world.rig, history, seed=seed, in_flight=in_flight)
    clients.start()
    world.rig.wait_until(lambda: len(clients.open) >= in_flight, limit_s=120)
    order = list(FAULTS)
    world.choose.shuffle(order)
    for name in order:
        history.note("fault", fault=name)
        history.say(f"{name}; {len(clients.jobs)} jobs accepted, {len(clients.open)} open")
        FAULTS[name](world)
        world.rig.heal()
        time.sleep(REST_S)
    clients.stop()
    history.say("all faults are over; the rest is waited for")
    _conclude(world.rig, clients, history)


def _conclude(rig: Rig, clients: Clients, history: History) -> None:
    try:
        rig.wait_until(lambda: all(row.state in FINAL for row in rig.rows()), limit_s=PATIENCE_S, pause_s=0.5)
        rig.wait_until(lambda: not _violations(rig), limit_s=60, pause_s=1)
    except AssertionError:
        history.wrong += _violations(rig) or ["it took too long"]
    tally: Counter[str] = Counter()
    by_bytes: dict[str, str] = {}
    for job in clients.jobs.values():
        tally[_judge(rig, job, history, by_bytes)] += 1
    _tell(rig, clients, history, tally)


def _violations(rig: Rig) -> list[str]:
    """
    Say what is wrong; results that are removed later are not.

    Of some a centre is told again, after ten minutes, to remove them. Others it could not remove while its disk was read-only,
    and forgot when it was killed: they go when it next takes stock.
    """
    expired = {row.work for row in rig.rows() if row.keeping == "expired"}
    later = expired | _left(rig)
    return [
        each
        for each in rig.violations()
        if not (
            each.startswith(("a result that no job has", "published more than once"))
            and any(work in each for work in later)
        )
    ]


def _left(rig: Rig) -> set[str]:
    """Name the jobs of which a centre has said that it could not remove an attempt's files."""
    return {
        line["job"]
        for centre in rig.centres
        for line in rig.log(f"worker {centre}")
        if line.get("event") == "files could not be removed"
    }


def _judge(rig: Rig, job: Wanted, history: History, by_bytes: dict[str, str]) -> str:
    """See how a job ended, and whether that is right."""
    answer = rig.client().get(f"/jobs/{job.id}")
    if answer.status != 200:
        history.complain(f"{job.id} is lost: its status is answered with {answer.status}")
        return "lost"
    clients_state = answer.json["status"]
    if job.seen and job.seen[-1] in FINAL and job.seen[-1] != clients_state:
        history.complain(f"{job.id} was {job.seen[-1]} and is {clients_state}")
    if clients_state == "dismissed":
        if not job.dismissed:
            history.complain(f"{job.id} is dismissed, which nobody asked for")
        return "dismissed"
    if clients_state == "failed":
        problem = rig.problem(job.id)
        if not problem.get("detail") or not problem.get("type"):
            history.complain(f"{job.id} failed without a reason: {problem}")
        history.note("failed", job=job.id, problem=problem)
        return f"failed: {problem.get('type', '').rpartition('/')[2]}"
    if clients_state != "successful":
        history.complain(f"{job.id} is stuck: {answer.json}")
        return "lost"
    return _judge_result(rig, job, history, by_bytes)


def _judge_result(rig: Rig, job: Wanted, history: History, by_bytes: dict[str, str]) -> str:
    if job.dismissed and rig.client().get(f"/jobs/{job.id}/results").status == 410:
        return "removed after its end"
    try:
        result = rig.result(job.id)
    except AssertionError as error:
        history.complain(f"{job.id}: its result cannot be had: {str(error)[:300]}")
        return "lost"
    if job.expected is not None:
        right = result == job.expected
    else:
        digest = hashlib.sha256(result).hexdigest()
        equal = json.dumps([job.process, job.inputs], sort_keys=True)  # equal requests give equal bytes
        right = by_bytes.setdefault(equal, digest) == digest and result[:4] == b"\x89HDF"
    if not right:
        history.complain(f"{job.id}: the result is {result!r:.100}, not {job.expected!r}")
    return "successful with right bytes" if right else "wrong bytes"


TOLD = ("successful with right bytes", "lost")


def _tell(rig: Rig, clients: Clients, history: History, tally: Counter[str]) -> None:
    begun: Counter[str] = Counter()
    for centre in rig.centres:
        begun.update(each["job"] for each in rig.log(f"worker {centre}") if each.get("event") == "attempt done")
    unknown = {row.id for row in rig.rows()} - clients.jobs.keys()
    twice = sum(count > 1 for count in begun.values())
    lines = {
        "accepted": len(clients.jobs),
        "successful with right bytes": tally["successful with right bytes"],
        "failed with a reason": sum(count for end, count in tally.items() if end.startswith("failed")),
        "lost": tally["lost"],
        "computed twice but published once": twice,
        **{end: count for end, count in sorted(tally.items()) if end not in TOLD},
        "in the store, but its client never heard of it": len(unknown),
        "superseded, and there until its centre takes stock": len(
            [each for each in rig.violations() if each.startswith("published more")]
        ),
    }
    history.told = lines
    for name, count in lines.items():
        print(f"{count:8}  {name}")
    print(f"{sum(history.operations.values())} operations: {dict(history.operations)}")
    for problem in history.wrong:
        print(f"WRONG: {problem}")


def main(arguments: list[str]) -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--quick", action="store_true", help="absences are short")
    parser.add_argument("--in-flight", type=int, default=200)
    parser.add_argument("--write", action="store_true", help=f"write its section of {PAGE.name}")
    parser.add_argument("--history", type=Path, help="write every operation into this file, as JSON lines")
    given = parser.parse_args(arguments)
    history = run(seed=given.seed, quick=given.quick, in_flight=given.in_flight, history_file=given.history)
    if given.write:
        page = PAGE.read_text(encoding="utf-8")
        how = f"seed {given.seed}, {given.in_flight} jobs in flight{', short absences' if given.quick else ''}, {date.today():%Y-%m-%d}"  # noqa: DTZ011
        PAGE.write_text(page.removesuffix(read_sections(page)) + section(how, history), encoding="utf-8")
    return int(bool(history.wrong))


def section(how: str, history: History) -> str:
    """Write what the page says of a run."""
    rows = "".join(f"| {name} | {count} |\n" for name, count in history.told.items())
    faults = ", ".join(FAULTS)
    return (
        f"\n## Chaos\n\nThe last run of `tests/faults/chaos.py` ({how}): {faults}; each once, in an order by the seed.\n\n"
        f"| jobs | |\n| --- | --- |\n{rows}| found wrong by the checker | {len(history.wrong)} |\n"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

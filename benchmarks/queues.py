"""
How well the server foretells when a job will begin (`gaia:eta`), under a steady mixed load on a box of three centres.

    python benchmarks/queues.py [--quick] [--write]

Jobs come at random (a Poisson process, seeded) at almost the rate at which the box can do them, after a burst that makes queues: waits of
known length and cuts of real data in the interactive lane, long waits in the batch lane. What each was told in the answer to its request is held against
when it began. Times on the wire are whole seconds, so that shorter waits count as one. Nothing is asserted; what falls short of
a bar is marked. It takes about two minutes, and ends what it started.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from page import PAGE, write_section
from service import BIN, HOST, ROOT, fetch, free_port, running, submit, wait_until

SEED = 20260131
ASKED = 0.9
FACTOR = 2.0
INTERACTIVE_LIMIT_S = 2
LEAST_S = 1.0
CUT = {"dataset": "a1b-north-america", "datetime": "1990/2009"}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How many jobs, how many of them at once at first, and how many a second after that."""

    warm: int = 30
    jobs: int = 300
    burst: int = 60
    rate_per_s: float = 3.5


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One job: when it comes, s after the beginning, and what it asks for."""

    after_s: float
    process: str
    inputs: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a job was told, and what came of it, s after it was accepted."""

    queue: str
    told_s: float
    waited_s: float

    @property
    def factor(self) -> float:
        """By how much it was wrong, at least 1."""
        told, waited = max(self.told_s, LEAST_S), max(self.waited_s, LEAST_S)
        return max(told / waited, waited / told)


def wishes(plan: Plan, chance: random.Random) -> Iterator[Wish]:
    """Give the jobs of a load, in time."""
    after_s = 0.0
    for number in range(plan.jobs):
        after_s += 0.0 if number < plan.burst else chance.expovariate(plan.rate_per_s)
        kind = chance.random()
        if kind < 0.2:
            west = chance.uniform(-120, -100)
            yield Wish(after_s=after_s, process="subset", inputs=CUT | {"bbox": [west, 30, west + 30, 50]})
        else:
            pause_s = chance.uniform(3, 8) if kind < 0.35 else chance.uniform(0.2, 1.8)
            yield Wish(after_s=after_s, process="echo", inputs={"message": f"{number}", "pause": round(pause_s, 2)})


@contextmanager
def box(folder: Path) -> Iterator[str]:
    """Run a box; give its address."""
    port = free_port()
    base_url = f"http://{HOST}:{port}"
    with running(
        BIN / "gaia", "up", "--no-demo-job", folder=folder,
        GAIA_HOME=str(folder / "home"), GAIA_PORT=str(port), GAIA_INTERACTIVE_LIMIT_S=str(INTERACTIVE_LIMIT_S),
    ):  # fmt: skip
        wait_until(lambda: set(fetch(f"{base_url}/health")["centres"].values()) == {"up"}, "the box")
        first = f"{base_url}/jobs/{submit(base_url, {'message': 'x'})}"
        wait_until(lambda: fetch(first)["status"] == "successful", "the first job")
        yield base_url


def ask(base_url: str, wish: Wish) -> dict[str, Any]:
    """Submit a job that is computed anew; give the status in the answer."""
    headers = {"Prefer": "respond-async", "Cache-Control": "no-cache"}
    told: dict[str, Any] = fetch(f"{base_url}/processes/{wish.process}/execution", {"inputs": wish.inputs}, **headers)
    return told


def drive(base_url: str, load: Sequence[Wish]) -> list[dict[str, Any]]:
    """Submit each job when it is time, and give what each was told."""
    begin = time.monotonic()

    def one(wish: Wish) -> dict[str, Any]:
        time.sleep(max(begin + wish.after_s - time.monotonic(), 0.0))
        return ask(base_url, wish)

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(one, load))


def watch(base_url: str, told: Sequence[dict[str, Any]], limit_s: float) -> list[dict[str, Any]]:
    """Wait until all have ended, and give their last statuses."""
    give_up = time.monotonic() + limit_s
    ends: list[dict[str, Any]] = []
    for each in told:
        while (status := fetch(f"{base_url}/jobs/{each['jobID']}"))["status"] in {"accepted", "running"}:
            if time.monotonic() > give_up:
                raise SystemExit("the jobs did not end in time")
            time.sleep(0.5)
        ends.append(status)
    return ends


def compare(wish: Wish, told: dict[str, Any], end: dict[str, Any]) -> Seen:
    """Hold what a job was told against what came."""
    created = _moment(end["created"])
    long = wish.inputs.get("pause", 0) > INTERACTIVE_LIMIT_S
    return Seen(
        queue="batch" if long else "interactive",
        told_s=(_moment(told.get("gaia:eta", told["created"])) - created).total_seconds(),
        waited_s=(_moment(end["started"]) - created).total_seconds(),
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def run(plan: Plan) -> list[Seen]:
    """Start a box, let it measure some jobs, and hold a load against what it foretells."""
    chance = random.Random(SEED)
    with tempfile.TemporaryDirectory(prefix="gaia-benchmark-") as name, box(Path(name)) as base_url:
        warm = Plan(jobs=plan.warm, burst=plan.warm)
        watch(base_url, drive(base_url, list(wishes(warm, chance))), 300)
        load = list(wishes(plan, chance))
        told = drive(base_url, load)
        ends = watch(base_url, told, 600)
        wrong = [end for end in ends if end["status"] != "successful"]
        if wrong:
            raise SystemExit(f"not successful: {json.dumps(wrong[0])}")
        return [compare(*each) for each in zip(load, told, ends, strict=True)]


def report(seen: Sequence[Seen], plan: Plan) -> list[str]:
    """Write what was found."""
    lines = [
        f"{plan.jobs} jobs ({plan.burst} at once, then {plan.rate_per_s} a second): waits of 0.2 to 8 s and cuts of real data, at three "
        f"centres with 2 + 1 slots each. What the answer to each request foretold (`gaia:eta`), against when it began; below {LEAST_S:.0f} s counts as {LEAST_S:.0f} s.",
        "",
        "| jobs | number | waited, median (s) | longest (s) | within a factor of two | asked |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    groups = {
        "all": seen,
        "interactive": [each for each in seen if each.queue == "interactive"],
        "batch": [each for each in seen if each.queue == "batch"],
        "that waited 2 s or more": [each for each in seen if each.waited_s >= 2],
    }
    for name, some in groups.items():
        if not some:
            continue
        share = sum(each.factor <= FACTOR for each in some) / len(some)
        asked = f"{ASKED:.0%}{'' if share >= ASKED else ' **missed**'}" if name == "all" else ""
        waits = [each.waited_s for each in some]
        lines.append(
            f"| {name} | {len(some)} | {statistics.median(waits):.0f} | {max(waits):.0f} | {share:.1%} | {asked} |"
        )
    return lines


def main() -> None:
    """Measure, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a short look, whose figures mean nothing")
    parser.add_argument("--write", action="store_true", help=f"write its section of {PAGE.relative_to(ROOT)}")
    asked = parser.parse_args()
    plan = Plan(warm=10, jobs=40, burst=15) if asked.quick else Plan()
    lines = report(run(plan), plan)
    print("\n".join(lines))
    if asked.write:
        write_section("When a job begins", lines)


if __name__ == "__main__":
    main()

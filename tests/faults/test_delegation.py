"""Work that a site scheduler runs: a real Slurm of one processor, with real waiting, limits and dismissals."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from gaia_workers.delegation import name_of
from rig import LEASE_S, START_LIMIT_S, Rig

LIMIT_S = 6
LATE_S = 90
"""A task that a scheduler starts imports the science first, on whatever machine this is."""


@pytest.fixture(scope="module")
def delegating(slurm: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A federation whose only lane hands all work to Slurm."""
    rig = Rig(
        tmp_path_factory.mktemp("rig") / "home", webs=("a",),
        more={"GAIA_TIME_LIMIT_S": str(LIMIT_S), "SLURM_CONF": str(slurm)},
    )  # fmt: skip
    file = rig.home / "centres.yml"
    told = yaml.safe_load(file.read_text())
    told["centres"][0]["queues"] = [
        {"name": "interactive", "concurrency": 3, "executor": "slurm", "options": ["--partition=main"]}
    ]
    file.write_text(yaml.safe_dump(told))
    try:
        rig.start()
        rig.wait_until(rig.is_up, limit_s=START_LIMIT_S, pause_s=0.2)
        yield rig
        rig.check()
    finally:
        rig.close()


@pytest.fixture
def blocked(delegating: Rig) -> Iterator[str]:
    """Somebody else's job that has the only processor; it ends with the test, or before."""
    command = ("sbatch", "--parsable", "--wrap", "sleep 600", "--output=/dev/null", "--mem=10M", "--chdir=/")
    number = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    delegating.wait_until(lambda: (number, "RUNNING") in queue(), limit_s=30)
    yield number
    unblock(number)


def unblock(number: str) -> None:
    subprocess.run(("scancel", number), check=True)


def queue() -> set[tuple[str, str]]:
    """Give what the scheduler has, with the state of each."""
    told = subprocess.run(("squeue", "--noheader", "--format=%i|%T"), capture_output=True, text=True, check=True).stdout
    return {(line.partition("|")[0], line.partition("|")[2]) for line in told.split()}


def tasks() -> list[int]:
    """Find the processes that do delegated work."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if b"gaia_workers.delegated" in command and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found


def wait_at_scheduler(rig: Rig, job_id: str) -> dict[str, object]:
    rig.wait_until(lambda: "waiting at the scheduler: " in rig.status(job_id).get("gaia:reason", ""), limit_s=30)
    return rig.status(job_id)


def test_a_job_waits_at_the_scheduler_with_its_reason_and_its_limits_count_from_its_beginning(
    delegating: Rig, blocked: str
) -> None:
    job = delegating.submit("echo", {"message": "patience", "pause": 1})
    status = wait_at_scheduler(delegating, job)
    assert status["status"] == "accepted"
    begin = time.monotonic()
    delegating.wait_until(lambda: time.monotonic() - begin > 3 * LEASE_S, limit_s=30)  # longer than its time limit, too
    assert delegating.status(job)["status"] == "accepted"
    unblock(blocked)
    end = delegating.end_of(job, limit_s=LATE_S)
    assert (end["status"], end["gaia:attempt"]) == ("successful", 1)
    assert delegating.result(job) == "patience"


def test_what_takes_longer_than_it_may_fails_alone_and_says_so(delegating: Rig) -> None:
    job = delegating.submit("echo", {"message": "too long", "pause": 60})
    assert delegating.end_of(job, limit_s=LATE_S)["status"] == "failed"
    assert delegating.problem(job)["status"] == 504
    delegating.wait_until(lambda: not queue(), limit_s=10)


def test_a_dismissed_job_leaves_the_scheduler_before_it_has_begun(delegating: Rig, blocked: str) -> None:
    job = delegating.submit("echo", {"message": "never", "pause": 2})
    wait_at_scheduler(delegating, job)
    assert len(queue()) == 2
    delegating.client().send("DELETE", f"/jobs/{job}")
    delegating.wait_until(lambda: {number for number, _ in queue()} == {blocked}, limit_s=5)
    assert delegating.status(job)["status"] == "dismissed"


def test_a_dismissed_job_that_runs_is_gone_at_once(delegating: Rig) -> None:
    job = delegating.submit("echo", {"message": "stop", "pause": 5})
    delegating.wait_for(job, "running", limit_s=LATE_S)
    assert tasks()
    delegating.client().send("DELETE", f"/jobs/{job}")
    took_s = delegating.wait_until(lambda: not tasks(), limit_s=10)
    print(f"delegation: gone {took_s:.1f} s after its dismissal")
    assert took_s <= 5


def test_a_job_that_somebody_cancels_at_the_scheduler_is_tried_again(delegating: Rig) -> None:
    job = delegating.submit("echo", {"message": "cancelled from outside", "pause": 3})
    delegating.wait_for(job, "running", limit_s=LATE_S)
    subprocess.run(("scancel", "--signal=KILL", "--full", f"--name={name_of(job, 1)}"), check=True)
    end = delegating.end_of(job, limit_s=2 * LATE_S)
    assert (end["status"], end["gaia:attempt"]) == ("successful", 2)
    assert delegating.result(job) == "cancelled from outside"

"""Scenarios 12 and 14 to 18: tasks that take too much memory, time or disk, disks that are full or closed, and what leaks."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest

from rig import Rig

TIME_LIMIT_S = 4
"""Of `hang`, in its own registration."""
LIMITS = {
    "GAIA_MEMORY_LIMIT": "500MiB",
    "GAIA_CPU_LIMIT_S": "60",
    "GAIA_SCRATCH_LIMIT": "20MiB",
}
DISK_BYTES = 40 * 2**20
LATE_S = 5.0
LEAK_LIMIT_BYTES = 50 * 10**6
FILES_THAT_COME_AND_GO = 5
"""Connections that are open at one look and not at the next; a leak would be one a job."""
SOAK_JOBS = 500


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Two centres with tight limits; where somebody may mount, the results of one lie on a small disk of its own."""
    rig = Rig(tmp_path_factory.mktemp("limited") / "home", centres=("north", "south"), webs=("a",), more=LIMITS)
    mounted = mount(rig.results("north"), f"size={DISK_BYTES}")
    try:
        with rig:
            yield rig
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(rig.results("north"))], check=True)


def mount(folder: Path, options: str) -> bool:
    """Lay a small disk over a folder, or change the one that is there; False where nobody may."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def tight(limited: Rig) -> Iterator[Rig]:
    """Give it whole, and hold it to what must be true whatever has happened."""
    limited.heal()
    yield limited
    limited.heal()
    limited.check()


def failure_of(rig: Rig, job: str) -> tuple[str, int, str, int]:
    """Wait for the end of a job that must fail; give the type, the status, the words and the attempt."""
    end = rig.end_of(job)
    assert end["status"] == "failed", end
    problem = rig.problem(job)
    assert end["message"] == problem["detail"]
    return problem["type"].rpartition("/")[2], problem["status"], problem["detail"], end["gaia:attempt"]


def in_french(rig: Rig, job: str) -> str:
    return str(rig.client().get(f"/jobs/{job}", Accept_Language="fr").json["message"])


def workers_of(rig: Rig) -> dict[str, int]:
    return {centre: rig.pid(f"worker {centre}") for centre in rig.centres}


def runs_after(rig: Rig, job: str) -> None:
    """Hold the very worker on which a job failed to running the next one."""
    centre = rig.status(job)["gaia:centre"]
    for _ in range(4):
        after = rig.submit("echo", {"message": uuid4().hex})
        assert rig.end_of(after)["status"] == "successful"
        if rig.status(after)["gaia:centre"] == centre:
            return
    raise AssertionError(f"{centre} got no other job")


@pytest.mark.parametrize(
    ("megabytes", "said"),
    [
        pytest.param(1200, "more than the 500 MiB that one task may", id="touched"),
        pytest.param(40_000, "asked for more memory at once than the 500 MiB", id="asked for at once"),
    ],
)
def test_scenario_15_a_task_that_eats_memory_fails_alone(tight: Rig, megabytes: int, said: str) -> None:
    workers = workers_of(tight)
    beside = tight.submit("busy", {"seconds": 3, "mark": uuid4().hex})
    job = tight.submit("eat", {"megabytes": megabytes, "seconds": 1, "at_once": megabytes > 2000, "mark": uuid4().hex})
    kind, status, words, attempt = failure_of(tight, job)
    assert (kind, status, attempt) == ("memory-limit", 500, 1)
    assert said in words
    assert words.endswith("ask for a smaller part.")
    assert in_french(tight, job).endswith("demandez une partie plus petite.")
    assert tight.end_of(beside)["status"] == "successful"
    runs_after(tight, job)
    assert workers_of(tight) == workers


def test_scenario_15_memory_of_a_tasks_children_counts(tight: Rig) -> None:
    job = tight.submit("eat", {"megabytes": 400, "seconds": 20, "children": 3, "mark": uuid4().hex})
    kind, _, words, attempt = failure_of(tight, job)
    assert (kind, attempt) == ("memory-limit", 1)
    assert "500 MiB" in words


@pytest.mark.parametrize("how", ["asleep", "python", "native"])
def test_scenario_16_a_task_that_hangs_is_ended_at_its_limit(tight: Rig, how: str) -> None:
    end_at_its_limit(tight, how)


def test_scenario_17_a_task_that_swallows_all_that_can_be_swallowed_is_ended_at_its_limit(tight: Rig) -> None:
    end_at_its_limit(tight, "deaf")


def end_at_its_limit(rig: Rig, how: str) -> None:
    job = rig.submit("hang", {"how": how, "mark": uuid4().hex})
    rig.wait_for(job, "running")
    begun = time.monotonic()
    kind, status, words, attempt = failure_of(rig, job)
    took_s = time.monotonic() - begun
    print(f"a task that hangs ({how}) was ended {took_s:.1f} s after its start (limit {TIME_LIMIT_S} s)")
    assert (kind, status, attempt) == ("timeout", 504, 1)
    assert f"the {TIME_LIMIT_S} s that one task may take" in words
    assert abs(took_s - TIME_LIMIT_S) < LATE_S
    runs_after(rig, job)


def test_scenario_12_a_task_that_writes_more_than_it_may_fails_alone(tight: Rig) -> None:
    job = tight.submit("write", {"megabytes": 40, "seed": 1, "seconds": 2})
    kind, status, words, attempt = failure_of(tight, job)
    assert (kind, status, attempt) == ("storage-full", 500, 1), words
    assert "more than the 20 MiB of files that one task may keep" in words


@pytest.fixture
def small_disk(tight: Rig) -> Path:
    """Give the folder of results that is a disk of its own."""
    folder = tight.results("north")
    if not folder.is_mount():
        pytest.skip("nobody may mount a disk here")
    return folder


@contextmanager
def filled(folder: Path, *, left_bytes: int) -> Iterator[None]:
    """Leave so little room on a disk."""
    state = os.statvfs(folder)
    filler = folder / "filler"
    filler.write_bytes(bytes(state.f_bavail * state.f_frsize - left_bytes))
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def closed(folder: Path) -> Iterator[None]:
    """Let nobody write on a disk."""
    mount(folder, "remount,ro")
    try:
        yield
    finally:
        mount(folder, "remount,rw")


def at(rig: Rig, centre: str, process: str, inputs: dict[str, Any]) -> str:
    """Have a job done at a centre: ask until one goes there."""
    for number in range(20):
        job = rig.submit(process, inputs | {"seed": number + 100}, Cache_Control="no-cache")
        if rig.status(job)["gaia:centre"] == centre:
            return job
        rig.end_of(job)
    raise AssertionError(f"no job went to {centre}")


def test_scenario_12_a_full_disk_fails_a_job_and_leaves_nothing_half_done(tight: Rig, small_disk: Path) -> None:
    with filled(small_disk, left_bytes=4 * 2**20):
        job = at(tight, "north", "write", {"megabytes": 12})
        sibling = tight.submit("write", {"megabytes": 12})
        assert tight.status(sibling)["gaia:centre"] == "south"
        kind, status, words, attempt = failure_of(tight, job)
        assert (kind, status, attempt) == ("storage-full", 500, 1)
        assert "full" in words
        tight.wait_until(lambda: list((small_disk / ".drafts").iterdir()) == [], limit_s=10)
        assert not list(small_disk.glob(f"{job}*"))
        assert tight.end_of(sibling)["status"] == "successful"
    after = at(tight, "north", "write", {"megabytes": 12})
    assert tight.end_of(after)["status"] == "successful"


def test_scenario_14_a_centre_that_cannot_write_takes_no_job_and_says_so(tight: Rig, small_disk: Path) -> None:
    with closed(small_disk):
        tight.wait_until(lambda: health(tight)["centres"]["north"] != "up", limit_s=20)
        assert "north" in tight.client().get("/health/ready").content.decode()
        jobs = tight.submit_all("echo", [{"message": uuid4().hex} for _ in range(6)])
        assert tight.ends_of(jobs) == {"successful": 6}
        assert {tight.status(job)["gaia:centre"] for job in jobs} == {"south"}
    tight.wait_until(lambda: health(tight)["centres"]["north"] == "up", limit_s=20)


def health(rig: Rig) -> dict[str, Any]:
    return dict(rig.client().get("/health").json)


def resources(rig: Rig) -> dict[str, tuple[int, int]]:
    """Measure each lasting process: resident memory and open files. Forks come and go; what they come from stays."""
    return {
        f"{name} {number}": (process.memory_info().rss, process.num_fds())
        for name, program in rig.programs.items()
        if program.runs and name != "broker"
        for number, process in enumerate(lasting(psutil.Process(rig.pid(name))))
    }


def lasting(program: psutil.Process) -> list[psutil.Process]:
    """Give a program's process, and those of its children that live as long as it: of a worker not the forks."""
    return [program, *sorted(program.children(), key=lambda child: child.pid)]


def leak(rig: Rig, count: int) -> dict[str, tuple[int, int]]:
    """Run jobs in a row after some that warm up; give by how much each program grew."""
    warm = rig.submit_all("echo", [{"message": f"warm {uuid4().hex}"} for _ in range(60)])
    rig.ends_of(warm)
    before = resources(rig)
    jobs = rig.submit_all("echo", [{"message": uuid4().hex} for _ in range(count)], at_once=4)
    assert rig.ends_of(jobs, limit_s=600) == {"successful": count}
    assert [*rig._drafts()] == []
    after = resources(rig)
    assert after.keys() == before.keys(), "a process was replaced, and what it took cannot be compared"
    return {name: (after[name][0] - before[name][0], after[name][1] - before[name][1]) for name in before}


def test_scenario_18_100_jobs_leave_memory_and_open_files_flat(rig: Rig) -> None:
    hold_to_flat(leak(rig, 100))


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_scenario_18_500_jobs_leave_memory_and_open_files_flat(rig: Rig) -> None:
    hold_to_flat(leak(rig, SOAK_JOBS))


def hold_to_flat(grown: dict[str, tuple[int, int]]) -> None:
    for name, (grown_bytes, files) in grown.items():
        print(f"scenario 18: {name} grew by {grown_bytes / 1e6:.1f} MB and {files} open files")
    assert all(grown_bytes < LEAK_LIMIT_BYTES for grown_bytes, _ in grown.values()), grown
    assert all(files <= FILES_THAT_COME_AND_GO for _, files in grown.values()), grown

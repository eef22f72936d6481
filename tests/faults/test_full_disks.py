"""Scenario 13: the disk of the store is full. (That of results is scenario 12.)"""

import os
import resource
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from rig import Rig

SIZE = "6m"
MOST_POSTS = 500


class Disk:
    """A disk that can be filled: a small file system of its own, or where nobody may mount one, a limit to the size of files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mounted = os.geteuid() == 0 and self._mount()
        self._filler = folder / "filler"

    def _mount(self) -> bool:
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(self.folder)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def fill(self, rig: Rig) -> None:
        """Leave no room for anything."""
        if not self.mounted:
            return self._limit(rig, max(path.stat().st_size for path in self.folder.iterdir()))
        with suppress(OSError), self._filler.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        return None

    def free(self, rig: Rig) -> None:
        """Make room again."""
        if not self.mounted:
            return self._limit(rig, resource.RLIM_INFINITY)
        return self._filler.unlink()

    def _limit(self, rig: Rig, size_bytes: int) -> None:
        for pid in [pid for name in ("web a", "web b", "recorder") for pid in rig.family(name)]:
            psutil.Process(pid).rlimit(resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))

    def close(self) -> None:
        """Take it away."""
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


@pytest.fixture
def disks() -> Iterator[list[Disk]]:
    made: list[Disk] = []
    yield made
    for disk in made:
        disk.close()


@pytest.mark.usefixtures("in_a_file")
def test_scenario_13_a_full_disk_of_the_store_refuses_jobs_and_keeps_those_it_has(
    disks: list[Disk], other_rig: Callable[..., Rig]
) -> None:
    rig = other_rig(before=lambda rig: disks.append(Disk(rig.home / "store")), more={"GAIA_LOG_LEVEL": "ERROR"})
    (disk,) = disks
    running = [rig.submit("busy", {"seconds": 2, "mark": f"13 {number}"}) for number in range(2)]
    for job in running:
        rig.wait_for(job, "running")
    disk.fill(rig)
    refused = next(
        answer
        for number in range(MOST_POSTS)
        if (answer := rig.ask("busy", {"seconds": 0, "mark": f"13 full {number}"})).status != 201
    )
    assert refused.status == 503
    assert int(refused.headers["Retry-After"]) > 0
    for path in ("/jobs", f"/jobs/{running[0]}", "/processes"):
        assert rig.client("b").get(path).status == 200
    disk.free(rig)
    store = sqlite3.connect(rig.home / "store" / "jobs.sqlite")
    assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    store.close()
    assert rig.ends_of(rig.accepted) == {"successful": len(rig.accepted)}

"""Scenario 39: a backup of the store is put back that does not know of the last hour."""

import os
import shutil
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest

from gaia_server.results import STORE
from rig import Rig

AN_HOUR_AGO_S = 2 * 3600


def write(rig: Rig, seed: int) -> str:
    """Have a job done whose result is a file; give its id."""
    job = rig.submit("write", {"megabytes": 1, "seed": seed})
    assert rig.end_of(job)["status"] == "successful", rig.problem(job)
    return job


def copy(source: Path, target: Path) -> None:
    """Copy a database that nobody writes to."""
    with closing(connect(source)) as there, closing(connect(target)) as copied:
        there.backup(copied)


@pytest.mark.usefixtures("in_a_file")
def test_scenario_39_a_restored_backup_puts_unknown_results_aside_and_tells_of_missing_ones(
    other_rig: Callable[..., Rig], tmp_path: Path
) -> None:
    rig = other_rig(webs=("a",), pushing=("north",))
    kept, missing = write(rig, 1), write(rig, 2)
    database, backup = rig.home / "store" / "jobs.sqlite", tmp_path / "backup.sqlite"
    copy(database, backup)
    later = write(rig, 3)
    folder = {row.id: f"{row.work}/{row.attempt}" for row in rig.rows()}
    rig.kill("web a", "recorder")
    for path in database.parent.iterdir():
        path.unlink()
    copy(backup, database)
    rig.read_store_anew()
    rig.accepted.discard(later)  # the backup cannot know of it
    shutil.rmtree(rig.home / STORE / folder[missing])
    for path in [*(rig.home / STORE).glob("*/*"), *rig.results("north").glob("*/*")]:
        os.utime(path, (time.time() - AN_HOUR_AGO_S,) * 2)
    rig.start("web a", "recorder")
    rig.wait_until(rig.is_up, limit_s=60)
    aside = rig.home / STORE / ".quarantine" / folder[later].replace("/", "-")
    rig.wait_until(aside.is_dir, limit_s=20)
    assert len(list(aside.iterdir())) >= 1
    told = [each["job"] for each in rig.log("recorder") if each.get("event") == "results are lost"]
    assert told == [folder[missing].partition("/")[0]]
    assert len(rig.result(kept)) > 2**20
    gone = rig.client().get(f"/jobs/{missing}/results")
    assert gone.status == 410
    assert rig.client().get(f"/jobs/{later}").status == 404
    for job in (later, missing):  # all that a centre that pushed keeps is a manifest; nobody asks it to remove these
        shutil.rmtree(rig.results("north") / folder[job].partition("/")[0])

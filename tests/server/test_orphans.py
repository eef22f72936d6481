"""The server's own results store against the job store."""

import os
import time
from dataclasses import replace
from uuid import uuid4

import pytest

from gaia_server.jobs.records import Keeping
from gaia_server.orphans import QUARANTINE, QUARANTINE_S, YOUNG_S, OwnStore
from gaia_server.results import STORE


@pytest.fixture
def own(services):
    root = services.settings.home / STORE
    root.mkdir(parents=True)
    pushing = {id: replace(centre, delivery="push") for id, centre in services.centres.items()}
    return OwnStore(root, services.store.retention, pushing), root


def put(root, work_id, attempt=1, *, age_s=YOUNG_S + 60):
    folder = root / work_id / str(attempt)
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    when = time.time() - age_s
    os.utime(folder, (when, when))
    return folder


def test_what_is_kept_and_what_is_being_made_stays(own, desk):
    it, root = own
    done = desk.finish(desk.accept("message"), message=b"hello")
    going_on = desk.accept("message")
    delivered = put(root, going_on.id)
    it.sweep()
    assert (root / done.id / "1" / "message.txt").is_file()
    assert delivered.is_dir()


def test_what_nobody_wants_is_removed(own, desk, services):
    it, root = own
    job = desk.accept("message")
    services.store.dismiss(job.id, owner="anonymous")
    late = put(root, job.id)
    old_attempt = put(root, desk.accept("message").id, attempt=2)
    it.sweep()
    assert not late.exists()
    assert not old_attempt.exists()


def test_what_the_store_knows_nothing_of_is_put_aside_and_removed_after_a_month(own):
    it, root = own
    stray = put(root, id := str(uuid4()))
    it.sweep()
    aside = root / QUARANTINE / f"{id}-1"
    assert (stray.exists(), (aside / "a.txt").read_text()) == (False, "a")
    it.sweep()
    assert aside.is_dir()
    os.utime(aside, (0, time.time() - QUARANTINE_S - 60))
    it.sweep()
    assert not aside.exists()


def test_what_was_written_just_now_is_left_alone_and_so_is_what_is_none_of_ours(own):
    it, root = own
    young = put(root, str(uuid4()), age_s=0)
    (root / "lost+found" / "1").mkdir(parents=True)
    it.sweep()
    assert young.is_dir()
    assert (root / "lost+found" / "1").is_dir()


def test_a_disk_that_is_away_is_no_loss(own, desk, services):
    it, root = own
    job = desk.finish(desk.accept("message"), message=b"hello")
    root.rename(root.with_name("away"))
    it.sweep()
    assert services.store.find(job.id, owner="anonymous").keeping is Keeping.KEPT


def test_results_that_are_not_there_are_told_and_led_to_no_more(own, desk, services, client):
    it, root = own
    job, _other = (desk.finish(desk.accept("message"), message=b"hello") for _ in range(2))
    (root / job.id / "1" / "message.txt").unlink()
    (root / job.id / "1").rmdir()
    it.sweep()
    assert services.store.find(job.id, owner="anonymous").keeping is Keeping.GONE
    assert client.get(f"/jobs/{job.id}/results").status_code == 410


def test_a_result_that_is_missed_when_it_is_read_is_computed_anew_for_the_next_one(own, desk, services, client):
    _, root = own
    job, _other = (desk.finish(desk.accept("data", process="subset"), data=b"CDF") for _ in range(2))
    (root / job.id / "1" / "data.nc").unlink()
    assert client.get(f"/jobs/{job.id}/results/data").status_code == 410
    assert services.store.find(job.id, owner="anonymous").keeping is Keeping.GONE
    assert not desk.accept("data", process="subset", content_key=job.content_key).shares

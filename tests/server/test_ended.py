"""The statuses of ended jobs are written once, and anew as soon as anything of them has changed."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import update

from gaia_server.ended import EndedStatuses
from gaia_server.jobs import engine as database
from gaia_server.jobs.stamps import stamp_of
from gaia_server.jobs.states import State
from gaia_server.jobs.tables import works
from gaia_server.status import REL
from gaia_workers.contract import utc_now

RESULTS = f"{REL}results"


def rels(client, job):
    """Give the relations of the links in a job's status."""
    told = client.get(f"/jobs/{job.id}").get_json()
    return {link["rel"] for link in told["links"]}


def expire(services, job, after_s):
    """Have the results of a job kept until so long from now."""
    with database.writing(services.store.engine) as connection:
        until = utc_now() + timedelta(seconds=after_s)
        connection.execute(update(works).where(works.c.id == job.work_id).values(expires=until))


def test_a_second_poll_reads_only_the_stamp(client, services, desk, monkeypatch):
    job = desk.finish(desk.accept("message"), message=b"hello")
    first = client.get(f"/jobs/{job.id}")
    monkeypatch.setattr(type(services.store), "find", lambda *_, **__: pytest.fail("the whole job was read"))
    second = client.get(f"/jobs/{job.id}")
    assert second.data == first.data
    assert list(second.headers) == list(first.headers)


def test_each_language_has_its_own(client, desk):
    job = desk.finish(desk.accept("message"), message=b"hello")
    for _ in range(2):
        assert client.get(f"/jobs/{job.id}").get_json()["message"] == "The job is done."
        assert client.get(f"/jobs/{job.id}?lang=fr").get_json()["message"] == "La tâche est terminée."


def test_removed_results_are_told_at_once(client, desk):
    job = desk.finish(desk.accept("message"), message=b"hello")
    assert RESULTS in rels(client, job)
    client.delete(f"/jobs/{job.id}")
    assert RESULTS not in rels(client, job)


def test_results_that_expire_between_two_polls_are_told(client, services, desk, monkeypatch):
    job = desk.finish(desk.accept("message"), message=b"hello")
    expire(services, job, 60)
    assert RESULTS in rels(client, job)
    for module in ("gaia_server.ended", "gaia_server.status"):
        monkeypatch.setattr(f"{module}.utc_now", lambda: utc_now() + timedelta(seconds=61))
    assert RESULTS not in rels(client, job)


def test_results_that_are_kept_for_longer_say_so(client, services, desk):
    job = desk.finish(desk.accept("message"), message=b"hello")
    before = client.get(f"/jobs/{job.id}").get_json()["gaia:expires"]
    expire(services, job, 30 * 86400)
    assert client.get(f"/jobs/{job.id}").get_json()["gaia:expires"] > before


def test_what_goes_on_or_was_dismissed_is_read_every_time(client, services, desk):
    job = desk.accept("message")
    for _ in range(2):
        assert client.get(f"/jobs/{job.id}").get_json()["status"] == "accepted"
    client.delete(f"/jobs/{job.id}")
    assert client.get(f"/jobs/{job.id}").get_json()["status"] == "dismissed"
    assert not services.ended.find(job.id, job.owner, "en", lambda: pytest.fail("something is kept"))


@pytest.mark.slow
def test_the_one_that_was_asked_for_least_recently_goes_first(desk):
    kept = EndedStatuses(most=2)
    ended_jobs = [replace(desk.accept("message"), owner="a", state=State.FAILED) for _ in range(3)]
    stamps = {job.id: stamp_of(job) for job in ended_jobs}
    one, two, three = ended_jobs
    for job in (one, two):
        kept.keep(job, "en", job.id.encode(), now=utc_now())
    kept.find(one.id, "a", "en", lambda: stamps[one.id])
    kept.keep(three, "en", b"3", now=utc_now())
    found = [kept.find(job.id, "a", "en", partial(stamps.get, job.id)) is not None for job in ended_jobs]
    assert found == [True, False, True]

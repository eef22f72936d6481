"""Calls that wait, in each database: written with what they are about, taken once, forgotten when they are made."""

from datetime import timedelta

import pytest

from gaia_server.jobs.records import Demand, Subscriber
from gaia_workers.contract import Failure, Kind, Receipt, Report, Result, Words, utc_now

URL = "https://portal.example.org:8443/calls"
NOTHING = Result(outputs=(), receipt=Receipt())


@pytest.fixture
def job(store, make_job):
    subscriber = Subscriber(success=URL, in_progress=URL, failed=URL)
    return store.accept(make_job(demand=Demand(inputs={}, outputs=(), subscriber=subscriber)))


def say(store, job, kind, **members):
    report = Report(job_id=job.id, part=0, attempt=1, centre=job.centre, kind=kind, **members)
    assert store.apply([report], attempts=1) == (job.id,)


def waiting(store, **how):
    return store.callbacks.due(utc_now() + timedelta(hours=1), limit=10, **how)


def test_a_call_is_written_with_the_change_that_it_is_about(store, job):
    assert waiting(store) == []
    say(store, job, Kind.STARTED)
    say(store, job, Kind.PROGRESS, progress=50)
    assert [(call.event, call.host, call.tries) for call in waiting(store)] == [("inProgress", "portal.example.org", 0)]
    say(store, job, Kind.FINISHED, result=NOTHING)
    assert [call.event for call in waiting(store)] == ["success"]


def test_a_report_that_counts_no_more_calls_nobody(store, job):
    late = Report(job_id=job.id, part=0, attempt=9, centre=job.centre, kind=Kind.FINISHED, result=NOTHING)
    store.apply([late], attempts=1)
    assert waiting(store) == []


def test_whatever_ends_a_job_as_failed_calls(store, job):
    assert store.fail(job, Failure(code="deadline", words=Words(en="Too late.", fr="Trop tard.")))
    assert [call.event for call in waiting(store)] == ["failed"]


def test_a_call_is_taken_by_one_and_comes_back_when_it_is_not_made(store, job):
    say(store, job, Kind.STARTED)
    (call,) = waiting(store)
    soon = utc_now() + timedelta(minutes=5)
    assert [store.callbacks.claim(call, until=soon) for _ in range(2)] == [True, False]
    assert store.callbacks.due(utc_now(), limit=10) == []
    (again,) = store.callbacks.due(soon, limit=10)
    assert again.tries == 1
    assert waiting(store, without=["portal.example.org"]) == []
    store.callbacks.done(again)
    assert waiting(store) == []


def test_a_call_that_is_given_up_stands_in_the_log_and_changes_nothing_else(store, job):
    say(store, job, Kind.STARTED)
    before, (call,) = store.get(job.id), waiting(store)
    store.callbacks.give_up(call, Words(en="No answer.", fr="Pas de réponse."))
    assert (waiting(store), store.get(job.id)) == ([], before)
    assert store.log(job.id, owner=job.owner)[-1].words.en == "No answer."

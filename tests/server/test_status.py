from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from gaia_server.jobs.records import Keeping
from gaia_server.jobs.states import State
from gaia_server.rendering import render_time
from gaia_server.status import PROVENANCE_REL, SIDES, render_status, retry_after
from gaia_workers.contract import Receipt, Result, Words, utc_now

NOON = datetime(2026, 1, 31, 12, 0, 0, 999_999, tzinfo=UTC)
BASE = "https://gaia.test/api"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"


@pytest.fixture
def job(desk):
    return replace(desk.accept("message"), created=NOON, updated=NOON)


def status(job, language="en", **how):
    return render_status(job, base_url=BASE, language=language, **how)


def rels(job):
    return [link["rel"] for link in status(job)["links"]]


def test_an_accepted_job(job):
    told = status(job)
    assert told["jobID"] == job.id
    assert (told["processID"], told["type"], told["status"]) == ("echo", "process", "accepted")
    assert (told["created"], told["updated"], told["progress"]) == ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z", 0)
    assert told["gaia:centre"] == "theia"
    assert told["gaia:reason"] == "theia holds the data"
    assert not {"started", "finished", "message"} & set(told)
    assert None not in told.values()


def test_progress_is_a_whole_number(job):
    assert type(status(replace(job, progress=40))["progress"]) is int


def test_a_job_links_itself(job):
    assert rels(job) == ["self", "monitor", "related", PROVENANCE_REL, "alternate"]
    assert status(job)["links"][0] == {"href": f"{BASE}/jobs/{job.id}", "rel": "self", "type": "application/json"}
    assert all({"href", "rel", "type"} <= set(link) for link in status(job)["links"])


def test_only_a_successful_job_links_results(job):
    done = replace(job, state=State.SUCCESSFUL, keeping=Keeping.KEPT)
    assert f"{REL}results" in rels(done)
    for change in ({"results_removed": True}, {"expires": NOON}, {"keeping": Keeping.GONE}, {"state": State.RUNNING}):
        assert f"{REL}results" not in rels(replace(done, **change))


def test_a_status_says_until_when_results_are_kept_and_when_they_are_no_more(job):
    done = replace(job, state=State.SUCCESSFUL, keeping=Keeping.KEPT, expires=utc_now() + timedelta(days=1))
    assert status(done)["gaia:expires"] == render_time(done.expires)
    gone = status(replace(done, expires=NOON))
    assert ("gaia:expires" in gone, "expired" in gone["message"]) == (False, True)


def test_a_job_that_shares_says_by_its_content_who_computed_it(job):
    assert "gaia:computedBy" not in status(job)
    assert status(replace(job, work_id=str(uuid4())))["gaia:computedBy"] == job.content_key


def test_only_a_failed_job_links_what_went_wrong(job):
    assert f"{REL}exceptions" in rels(replace(job, state=State.FAILED))
    assert f"{REL}exceptions" not in rels(replace(job, state=State.DISMISSED))


def test_a_message_is_told_in_the_language_asked_for(job):
    running = replace(job, message=Words(en="half", fr="à moitié"))
    assert (status(running)["message"], status(running, "fr")["message"]) == ("half", "à moitié")


def test_what_the_work_cost_and_returned(job):
    result = Result(
        outputs=(),
        receipt=Receipt(bytes_read=5, cpu_s=0.5, wall_s=1.5, peak_memory_bytes=7),
        extent={"geospatial_lon_min": -10.0},
        warnings=(Words(en="careful", fr="attention"),),
    )
    told = status(replace(job, state=State.SUCCESSFUL, result=result))
    assert told["gaia:receipt"] == {
        "bytesRead": 5, "bytesMoved": 0, "cpuSeconds": 0.5, "peakMemoryBytes": 7, "wallSeconds": 1.5,
    }  # fmt: skip
    assert told["gaia:extent"] == {"geospatial_lon_min": -10.0}
    assert told["gaia:warnings"] == ["careful"]


def test_the_answer_to_a_dismissal_says_dismissed(job):
    assert status(replace(job, state=State.SUCCESSFUL), state=State.DISMISSED)["status"] == "dismissed"


@pytest.mark.parametrize(("age_s", "wait_s"), [(0, 1), (9, 1), (10, 3), (59, 3), (60, 10), (3600, 30)])
def test_the_longer_it_takes_the_less_one_looks(job, age_s, wait_s):
    assert retry_after(job, NOON + timedelta(seconds=age_s)) == {"Retry-After": str(wait_s)}


def test_an_ended_job_need_not_be_looked_at_again(job):
    assert retry_after(replace(job, state=State.FAILED)) == {}


@pytest.mark.parametrize(
    ("ending", "rel"), [("preview.json", "preview"), ("report.json", "describedby"), ("qml", "style"), ("sld", "style")]
)
def test_every_file_beside_an_output_is_linked_by_what_it_is(ending, rel):
    assert SIDES[ending].rel == rel
    assert SIDES[ending].title.en != SIDES[ending].title.fr

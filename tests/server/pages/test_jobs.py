"""The pages of jobs, as HTML without a browser."""

import re

import pytest

from gaia_server.pages.jobs import ADVICE, STATE_TAGS, STATE_WORDS
from gaia_server.problems import PROBLEMS
from gaia_workers.contract import Failure, Kind, Report, Words

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def page(client, path, **headers):
    answer = client.get(path, headers=BROWSER | headers)
    assert (answer.status_code, answer.mimetype) == (200, "text/html"), answer.data
    return answer.get_data(as_text=True)


def say(desk, job, words, level="info"):
    report = Report(
        job_id=job.id, part=0, attempt=1, centre=job.centre, kind=Kind.LOG, level=level, words=Words(en=words, fr=words)
    )
    return desk.report(job, report)


def test_the_list_shows_jobs_and_leads_to_them(client, desk):
    job = desk.accept("data", process="subset", inputs={"dataset": "tas-monthly@1"})
    text = page(client, "/jobs")
    assert f'href="/api/jobs/{job.id}"' in text
    assert "tas-monthly" in text
    assert "waiting" in text


def test_an_empty_list_says_what_to_do(client):
    assert "No jobs yet" in page(client, "/jobs")
    assert "/api/processes" in page(client, "/jobs")
    assert "No job fits" in page(client, "/jobs?status=failed")


def test_the_list_is_paged_by_the_links_of_the_list(client, desk):
    jobs = [desk.accept("message").id for _ in range(3)]
    first = page(client, "/jobs?limit=2&f=html")
    assert jobs[0] not in first
    (older,) = re.findall(r'href="([^"]+)" rel="next"', first)
    second = page(client, older.removeprefix("https://gaia.test/api").replace("&amp;", "&"))
    assert jobs[0] in second
    assert "Newest jobs" in second


def test_the_form_keeps_what_was_chosen(client, desk):
    desk.accept("message")
    text = page(client, "/jobs?processID=echo&status=accepted&datetime=2020-01-01/..")
    assert '<option value="echo" selected>' in text
    assert '<option value="accepted" selected>' in text
    assert 'name="since" value="2020-01-01"' in text


@pytest.mark.parametrize(
    ("query", "address"),
    [
        ("since=2026-01-01&until=2026-01-31&status=", "datetime=2026-01-01/2026-01-31"),
        ("since=2026-01-01&until=&status=failed", "status=failed&datetime=2026-01-01/.."),
        ("since=&until=&processID=echo&f=html", "processID=echo&f=html"),
    ],
)
def test_the_days_of_the_form_become_the_datetime_of_the_standard(client, query, address):
    answer = client.get(f"/jobs?{query}", headers=BROWSER)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"https://gaia.test/api/jobs?{address}")


def test_days_that_are_none_are_refused_in_words(client):
    there = client.get("/jobs?since=yesterday&until=", headers=BROWSER).headers["Location"]
    answer = client.get(there.removeprefix("https://gaia.test/api"), headers=BROWSER)
    assert answer.status_code == 400
    assert "yesterday" in answer.get_data(as_text=True)


def test_a_running_job_shows_its_progress_and_can_be_cancelled(client, desk):
    job = desk.accept("message")
    desk.report(job, Report(job_id=job.id, part=0, attempt=1, centre="theia", kind=Kind.PROGRESS, progress=40))
    text = page(client, f"/jobs/{job.id}")
    assert 'value="40"' in text
    assert f'data-events="/api/jobs/{job.id}/events"' in text
    assert f'action="/api/forms/jobs/{job.id}"' in text
    assert "<noscript>" in text
    assert "theia holds the data" in text


def test_a_finished_job_shows_results_cost_and_how_to_get_them(client, desk):
    job = desk.accept("data", process="subset", inputs={"dataset": "tas-monthly@1", "mask_outside": True})
    side = desk.keep_side(job, "data", {"kind": "map"})
    desk.end(job, desk.keep(job, "data", b"CDF"), side)
    text = page(client, f"/jobs/{job.id}")
    assert f'data-preview="/api/jobs/{job.id}/results/data.preview.json"' in text
    assert f"curl -sSfL -o data.nc https://gaia.test/api/jobs/{job.id}/results/data" in text
    assert "3 bytes" in text
    assert "0.5 s" in text
    assert "NetCDF-4" in text
    assert "data-events" not in text
    assert "https://gaia.test/api/processes/subset?dataset=tas-monthly@1" in text
    assert 'href="/api/processes/subset?dataset=tas-monthly%401"' in text


def test_a_small_value_stands_on_the_page_itself(client, desk):
    job = desk.accept("message")
    desk.end(job, desk.keep(job, "message", b"<b>hi</b>", value="<b>hi</b>"))
    text = page(client, f"/jobs/{job.id}")
    assert "&lt;b&gt;hi&lt;/b&gt;" in text
    assert "<b>hi</b>" not in text


@pytest.mark.slow
@pytest.mark.parametrize("code", [*sorted(ADVICE), "something-new"])
def test_a_failed_job_says_why_and_what_can_be_done(client, desk, code):
    job = desk.fail(desk.accept("message"), code)
    text = page(client, f"/jobs/{job.id}")
    assert PROBLEMS[code if code in PROBLEMS else "internal-error"].title.en in text
    assert f"It failed: {code}." in text
    assert ADVICE.get(code, ADVICE["internal-error"]).en in text


def test_advice_is_given_for_problems_that_there_are():
    assert set(ADVICE) <= set(PROBLEMS)
    assert set(STATE_WORDS) == set(STATE_TAGS)


def test_a_removed_result_is_said_to_be_removed(client, desk):
    job = desk.finish(desk.accept("message"), message=b"hello")
    client.delete(f"/jobs/{job.id}")
    text = page(client, f"/jobs/{job.id}")
    assert "were removed on request" in text
    assert "Download" not in text
    assert "/forms/jobs" not in text


def test_the_log_stands_on_its_page_and_its_end_on_the_jobs(client, desk):
    job = desk.accept("message")
    for number in range(20):
        say(desk, job, f"line {number}.", "warning")
    assert "line 0." in page(client, f"/jobs/{job.id}/log")
    text = page(client, f"/jobs/{job.id}")
    assert "line 7." not in text
    assert "line 19." in text


def test_results_have_a_page_for_people(client, desk):
    job = desk.finish(desk.accept("message"), message=b"hello")
    assert "message.txt" in page(client, f"/jobs/{job.id}/results")
    assert client.get(f"/jobs/{job.id}/results").data == b"hello"


def test_results_that_are_not_there_are_a_problem_for_people_too(client, desk):
    for job, status in ((desk.accept("message"), 404), (desk.fail(desk.accept("message"), "timeout"), 504)):
        answer = client.get(f"/jobs/{job.id}/results", headers=BROWSER)
        assert (answer.status_code, answer.mimetype) == (status, "text/html")


def test_pages_speak_french(client, desk):
    job = desk.fail(desk.accept("message"), "timeout")
    text = page(client, f"/jobs/{job.id}", **{"Accept-Language": "fr"})
    assert 'lang="fr"' in text
    assert all(word in text for word in ("en échec", "Échec : timeout.", "Demandez moins", "Ce qui a été demandé"))
    assert "No jobs yet" not in page(client, "/jobs?lang=fr")


def test_the_json_leads_to_the_page(client, desk):
    links = client.get(f"/jobs/{desk.accept('message').id}").get_json()["links"]
    assert next(link["href"] for link in links if link["type"] == "text/html").endswith("?f=html")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://gaia.test"}, 303),
        ({"Origin": "https://gaia.test"}, 303),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://gaia.test"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "https://evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
def test_the_button_works_from_our_own_page_alone(client, desk, headers, status):
    job = desk.accept("message")
    answer = client.post(f"/forms/jobs/{job.id}", headers=headers)
    assert answer.status_code == status
    state = client.get(f"/jobs/{job.id}").get_json()["status"]
    assert state == ("dismissed" if status == 303 else "accepted")


def test_the_button_leads_back_to_the_job_in_the_same_language(client, desk):
    job = desk.accept("message")
    post = {"path": f"/forms/jobs/{job.id}?lang=fr", "headers": {"Sec-Fetch-Site": "same-origin"}}
    assert client.post(**post).headers["Location"] == f"https://gaia.test/api/jobs/{job.id}?lang=fr"
    assert client.post(**post).status_code == 410


def test_a_failure_without_words_we_know_is_still_told(client, desk):
    job = desk.accept("message")
    failure = Failure(code="<script>", words=Words(en="<script>alert(1)</script>", fr="x"))
    desk.report(job, Report(job_id=job.id, part=0, attempt=1, centre=job.centre, kind=Kind.FAILED, failure=failure))
    assert "<script>alert" not in page(client, f"/jobs/{job.id}")

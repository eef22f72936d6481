"""A form that is sent, without scripts."""

import pytest

BROWSER = {"Accept": "text/html", "Accept-Language": "en", "Origin": "https://gaia.test"}
FILLED = {"dataset": "tas-monthly", "bbox.west": "-10", "bbox.south": "30", "bbox.east": "20", "bbox.north": "60"}


@pytest.fixture
def send(client):
    def send(process="echo", *, headers=None, **values):
        return client.post(f"/forms/{process}", data=values, headers=BROWSER | (headers or {}))

    return send


def test_a_job_is_started_and_its_page_is_next(send, services):
    answer = send(message="hello")
    assert answer.status_code == 303
    job_id = answer.headers["Location"].removeprefix("/api/jobs/")
    job = services.store.find(job_id, owner="anonymous")
    assert (job.demand.inputs, job.synchronous) == ({"message": "hello"}, False)


def test_the_result_is_next_where_somebody_waited_for_it(send, submission, desk):
    def work(job):
        desk.finish(job, data=b"CDF")

    submission.work = work
    answer = send("subset", **FILLED, **{"gaia.run": "now"})
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("/results/data")


def test_a_job_that_takes_longer_than_the_patience_has_its_page_next_and_is_listed(send, client):
    location = send("subset", **FILLED, **{"gaia.run": "now"}).headers["Location"]
    assert "/results" not in location
    assert [job["jobID"] for job in client.get("/jobs").get_json()["jobs"]] == [location.rpartition("/")[2]]


def test_all_that_is_wrong_stands_beside_its_field_and_nothing_is_lost(send):
    answer = send("subset", levels="850 hPa", variables="nothing", **{"datetime.begin": "1990-99"})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert 'value="850 hPa"' in text
    assert 'value="1990-99"' in text
    for name in ("dataset", "datetime"):
        wrong = text.partition(f'id="{name}-wrong"')[2].partition("</ul>")[0]
        assert "<li>" in wrong, name


def test_a_look_runs_nothing(send, client):
    answer = send("subset", **FILLED, **{"gaia.run": "look"})
    assert answer.status_code == 200
    assert "expected time" in answer.get_data(as_text=True)
    assert client.get("/jobs").get_json()["jobs"] == []


def test_nothing_that_is_only_missing_yet_is_a_mistake(client):
    text = client.get("/processes/subset?levels=850 hPa", headers=BROWSER).get_data(as_text=True)
    assert "<li>" not in text.partition('id="dataset-wrong"')[2].partition("</ul>")[0]


def test_a_mistake_in_one_field_does_not_hide_what_the_others_may_be(client):
    address = "/processes/subset?dataset=tas-monthly&datetime=1990-99"
    text = client.get(address, headers=BROWSER).get_data(as_text=True)
    assert 'name="variables" value="tas"' in text


@pytest.mark.parametrize("origin", ["https://elsewhere.test", "null"])
def test_the_forms_of_other_sites_are_refused(send, origin):
    answer = send(message="hello", headers={"Origin": origin})
    assert answer.status_code == 403


@pytest.mark.parametrize("origin", ["https://gaia.test", "http://localhost"])
def test_our_own_forms_are_taken(send, origin):
    assert send(message="hello", headers={"Origin": origin}).status_code == 303


def test_what_is_no_form_is_refused(client):
    assert client.post("/forms/echo", json={"inputs": {}}, headers=BROWSER).status_code == 415
    assert client.post("/forms/nothing", data={}, headers=BROWSER).status_code == 404


def test_a_form_that_is_opened_by_its_address_stands_on_the_page_of_its_process(client):
    answer = client.get("/forms/echo?message=hello&lang=fr")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/api/processes/echo?message=hello&lang=fr")

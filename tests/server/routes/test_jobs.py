import pytest

ANYBODY = "00000000-0000-4000-8000-000000000000"


def listed(client, query=""):
    return client.get(f"/jobs{query}").get_json()


def next_of(told):
    return next(
        (link["href"].removeprefix("https://gaia.test/api/jobs") for link in told["links"] if link["rel"] == "next"),
        None,
    )


def test_the_newest_job_comes_first(client, desk):
    jobs = [desk.accept("message").id for _ in range(3)]
    assert [job["jobID"] for job in listed(client)["jobs"]] == jobs[::-1]


def test_pages_follow_each_other(client, desk):
    jobs = [desk.accept("message").id for _ in range(5)]
    query, seen = "?limit=2&status=accepted", []
    while query:
        told = listed(client, query)
        assert len(told["jobs"]) <= 2
        seen += [job["jobID"] for job in told["jobs"]]
        query = next_of(told)
    assert seen == jobs[::-1]


def test_the_last_full_page_has_no_next(client, desk):
    desk.accept("message")
    assert next_of(listed(client, "?limit=1")) is None


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("?processID=echo", 2),
        ("?processID=subset", 1),
        ("?processID=echo,subset", 3),
        ("?processID=echo&processID=subset", 3),
        ("?status=failed", 1),
        ("?status=failed,accepted", 3),
        ("?processID=subset&status=failed", 0),
        ("?type=process", 3),
        ("?type=dance", 0),
        (f"?before={ANYBODY}", 0),
        ("?before=x'--", 0),
        ("?processID=%00", 0),
    ],
)
def test_filters_choose(client, desk, query, count):
    desk.accept("message")
    desk.fail(desk.accept("message"), "timeout")
    desk.accept("data", process="subset")
    assert len(listed(client, query)["jobs"]) == count


def test_synchronous_runs_are_not_listed(client, desk):
    desk.accept("message", synchronous=True)
    assert listed(client)["jobs"] == []


def test_a_status_that_there_is_not_is_refused(client):
    assert client.get("/jobs?status=done").status_code == 400


def test_an_unfinished_job_says_when_to_look_again(client, desk):
    answer = client.get(f"/jobs/{desk.accept('message').id}")
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["Cache-Control"] == "no-cache"


def test_the_prefer_header_on_a_get_does_no_harm(client, desk):
    assert client.get(f"/jobs/{desk.accept('message').id}", headers={"Prefer": "respond-async"}).status_code == 200


def test_somebody_elses_job_is_not_there(client, desk):
    job = desk.accept("message", owner="anna")
    for method, path in (
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/results"),
        ("GET", "/results/message"),
        ("GET", "/log"),
        ("GET", "/definition"),
    ):
        assert client.open(f"/jobs/{job.id}{path}", method=method).status_code == 404
    assert listed(client)["jobs"] == []


def test_a_dismissed_job_says_so_and_its_status_stays(client, desk):
    job = desk.accept("message")
    answer = client.delete(f"/jobs/{job.id}")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "dismissed")
    assert client.get(f"/jobs/{job.id}").get_json()["status"] == "dismissed"
    assert client.delete(f"/jobs/{job.id}").status_code == 410


def test_an_ended_job_keeps_its_state_and_loses_its_results(client, desk, settings):
    job = desk.finish(desk.accept("message"), message=b"hello")
    assert client.delete(f"/jobs/{job.id}").get_json()["status"] == "dismissed"
    assert client.get(f"/jobs/{job.id}").get_json()["status"] == "successful"
    assert client.get(f"/jobs/{job.id}/results").status_code == 410
    assert not (settings.home / "store-results" / job.id).exists()


def test_the_log_is_told_as_text_newest_last(client, desk):
    job = desk.fail(desk.accept("message"), "timeout")
    answer = client.get(f"/jobs/{job.id}/log")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.get_data(as_text=True).splitlines()[-1].endswith("error   It failed: timeout.")


def test_the_log_is_told_as_json_to_who_asks(client, desk):
    job = desk.fail(desk.accept("message"), "timeout")
    (line,) = client.get(f"/jobs/{job.id}/log?f=json", headers={"Accept-Language": "fr"}).get_json()["log"]
    assert (line["level"], line["message"]) == ("error", "Échec : timeout.")
    assert line["time"].endswith("Z")


def test_a_definition_can_be_posted_again(client):
    body = {
        "inputs": {"dataset": "tas-monthly", "bbox": [-5, 35, 5, 45]},
        "outputs": {"data": {"transmissionMode": "reference"}},
        "response": "document",
    }
    post = {"path": "/processes/subset/execution", "headers": {"Prefer": "respond-async"}}
    first = client.post(json=body, **post).get_json()["jobID"]
    definition = client.get(f"/jobs/{first}/definition").get_json()
    assert definition["inputs"]["dataset"] == "tas-monthly@1"
    assert definition["outputs"] == {
        "data": {"format": {"mediaType": "application/x-netcdf"}, "transmissionMode": "reference"}
    }
    second = client.post(json=definition, **post).get_json()["jobID"]
    assert client.get(f"/jobs/{second}/inputs").get_json() == definition

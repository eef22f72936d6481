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
        (f"?before=2000-01-01T00:00:00.000000Z~{ANYBODY}", 0),
        (f"?before=3000-01-01T00:00:00.000000Z~{ANYBODY}", 3),
        ("?processID=%00", 0),
        ("?datetime=../2000-01-01T00:00:00Z", 0),
        ("?datetime=2000-01-01T00:00:00Z/..", 3),
        ("?minDuration=0", 1),
        ("?maxDuration=60&status=failed", 1),
        ("?minDuration=60", 0),
        ("?minDuration=0&status=accepted", 0),
        ("?processID=&status=&datetime=&minDuration=&maxDuration=&type=", 3),
        ("?nonsense=1", 3),
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


def test_everything_that_is_wrong_with_a_filter_is_said_at_once(client):
    told = client.get("/jobs?status=done&limit=0&datetime=soon&minDuration=-1&before=x")
    assert told.status_code == 400
    assert [wrong["parameter"] for wrong in told.get_json()["errors"]] == [
        "limit", "before", "datetime", "minDuration", "status",
    ]  # fmt: skip
    assert told.get_json()["errors"][-1] == {
        "parameter": "status",
        "problem": "'done' is not one of accepted, running, successful, failed, dismissed.",
        "allowed": ["accepted", "running", "successful", "failed", "dismissed"],
        "given": "done",
    }


def test_a_job_is_found_by_the_time_that_its_status_shows(client, desk):
    job = desk.accept("message")
    created = client.get(f"/jobs/{job.id}").get_json()["created"]
    assert [found["jobID"] for found in listed(client, f"?datetime={created}")["jobs"]] == [job.id]
    assert listed(client, "?datetime=2000-01-01T00:00:00Z")["jobs"] == []


def test_a_next_link_carries_every_filter(client, desk):
    for _ in range(3):
        desk.fail(desk.accept("message"), "timeout")
    query = "?limit=1&status=failed&status=running&processID=echo,subset&datetime=2000-01-01T00:00:00Z/..&maxDuration=60&x=y"
    told = listed(client, query)
    assert next_of(told).startswith(query + "&before=")
    assert len(listed(client, next_of(told))["jobs"]) == 1
    (self,) = [link["href"] for link in told["links"] if link["rel"] == "self"]
    assert self == f"https://gaia.test/api/jobs{query}"


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


@pytest.mark.parametrize("path", ["/jobs", "/jobs/{}", "/jobs/{}/log"])
def test_what_holds_sentences_says_in_which_language(client, desk, path):
    job = desk.finish(desk.accept("message"), message=b"hello")
    for _ in range(2):  # a status that was written before says it too
        answer = client.get(path.format(job.id), headers={"Accept-Language": "fr"})
        assert answer.headers["Content-Language"] == "fr"
    assert "Content-Language" not in client.get(f"/jobs/{job.id}/results").headers


def test_some_of_the_results_are_given_alone(client, desk):
    job = desk.finish(desk.accept("message", "values"), message=b"hello", values=b"[1]")
    results = f"/jobs/{job.id}/results"
    assert client.get(f"{results}?outputs=values").get_data() == b"[1]"
    assert set(client.get(f"{results}?outputs=values&f=json").get_json()) == {"values"}
    assert client.get(f"{results}?outputs=message,values").mimetype == "multipart/related"
    wrong = client.get(f"{results}?outputs=nothing")
    assert (wrong.status_code, wrong.get_json()["errors"][0]["allowed"]) == (400, ["message", "values"])


def test_the_log_is_told_as_text_newest_last(client, desk):
    job = desk.fail(desk.accept("message"), "timeout")
    answer = client.get(f"/jobs/{job.id}/log")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    lines = answer.get_data(as_text=True).splitlines()
    assert lines[0].partition("info    ")[2].startswith("Accepted")
    assert lines[-2].endswith("error   It failed: timeout.")


def test_the_log_is_told_as_json_to_who_asks(client, desk):
    job = desk.fail(desk.accept("message"), "timeout")
    _, _, line, _ = client.get(f"/jobs/{job.id}/log?f=json", headers={"Accept-Language": "fr"}).get_json()["log"]
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


def test_a_preview_is_linked_and_given_and_is_no_output(client, desk):
    job = desk.accept("data", process="subset")
    job = desk.end(job, desk.keep(job, "data", b"CDF"), desk.keep_side(job, "data", {"kind": "map"}))
    (link,) = [link for link in client.get(f"/jobs/{job.id}").get_json()["links"] if link["rel"] == "preview"]
    assert link["href"] == f"https://gaia.test/api/jobs/{job.id}/results/data.preview.json"
    answer = client.get(f"/jobs/{job.id}/results/data.preview.json")
    assert (answer.get_json(), answer.mimetype) == ({"kind": "map"}, "application/json")
    assert client.get(f"/jobs/{job.id}/results").data == b"CDF"
    assert client.get(f"/jobs/{job.id}/results/nothing").get_json()["detail"].count("preview") == 0


def test_a_preview_goes_with_the_results(client, desk):
    job = desk.accept("data", process="subset")
    job = desk.end(job, desk.keep(job, "data", b"CDF"), desk.keep_side(job, "data", {"kind": "map"}))
    client.delete(f"/jobs/{job.id}")
    assert client.get(f"/jobs/{job.id}/results/data.preview.json").status_code == 410
    assert "preview" not in {link["rel"] for link in client.get(f"/jobs/{job.id}").get_json()["links"]}

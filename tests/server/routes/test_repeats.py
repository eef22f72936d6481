"""`Idempotency-Key`: a request that comes again is the same one."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

ECHO = "/processes/echo/execution"
HELLO = {"inputs": {"message": "hello"}}
RAW = HELLO | {"outputs": {"message": {}}}
LATER = {"Prefer": "respond-async", "Idempotency-Key": "a key of mine"}


@pytest.fixture
def echo(desk, submission):
    """Let the centre do what echo does, as soon as somebody waits."""
    submission.work = lambda job: desk.finish(job, message=b"hello") and None


def count(services) -> int:
    return len(services.store.unfinished())


def test_the_same_request_gives_the_same_job_however_it_is_written(client, services):
    first = client.post(ECHO, json=HELLO, headers=LATER)
    again = client.post(ECHO, data=json.dumps(HELLO, indent=3), content_type="application/json", headers=LATER)
    assert (again.status_code, again.headers["Location"]) == (201, first.headers["Location"])
    assert again.get_json() == first.get_json()
    assert again.headers["Preference-Applied"] == "respond-async"
    assert count(services) == 1


@pytest.mark.parametrize("other", [{"inputs": {"message": "hullo"}}, HELLO | {"response": "document"}])
def test_another_request_with_the_key_is_refused(client, services, other):
    client.post(ECHO, json=HELLO, headers=LATER)
    answer = client.post(ECHO, json=other, headers=LATER)
    assert answer.status_code == 422
    assert "a key of mine" in answer.get_json()["detail"]
    assert count(services) == 1


def test_what_was_refused_may_be_mended_with_the_same_key(client):
    assert client.post(ECHO, json={"inputs": {}}, headers=LATER).status_code == 400
    assert client.post(ECHO, json=HELLO, headers=LATER).status_code == 201


def test_an_answer_that_came_at_once_comes_at_once_again(client, echo):
    first, again = (client.post(ECHO, json=RAW, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert (again.status_code, again.data) == (first.status_code, first.data) == (200, b"hello")
    assert again.headers["Gaia-Job"] == first.headers["Gaia-Job"]


def test_an_answer_that_was_given_up_is_the_address_of_the_job_again(client, services, desk):
    first = client.post(ECHO, json=RAW, headers={"Idempotency-Key": "k"})
    assert first.status_code == 201
    (job,) = services.store.jobs(owner="anonymous", limit=9)
    desk.finish(job, message=b"hello")
    again = client.post(ECHO, json=RAW, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.headers["Location"]) == (201, first.headers["Location"])


def test_requests_at_once_make_one_job(app, services):
    def post(_: int) -> str:
        return str(app.test_client().post(ECHO, json=HELLO, headers=LATER).headers["Location"])

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(post, range(8)))) == 1
    assert count(services) == 1


@pytest.mark.parametrize("key", ["", "é", "x" * 129, "a\tb"])
def test_a_key_of_other_characters_or_none_or_too_many_is_refused(client, services, key):
    answer = client.post(ECHO, json=HELLO, headers={"Idempotency-Key": key})
    assert answer.status_code == 400
    assert "1 to 128 printable" in answer.get_json()["detail"]
    assert count(services) == 0

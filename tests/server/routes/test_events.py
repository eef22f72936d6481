import json

ANYBODY = "00000000-0000-4000-8000-000000000000"


def test_the_events_of_an_ended_job_are_its_status_and_the_end(client, desk):
    job = desk.finish(desk.accept("message"), message=b"hello")
    answer = client.get(f"/jobs/{job.id}/events")
    assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["X-Accel-Buffering"] == "no"
    *_, event, end = answer.get_data(as_text=True).split("\n\n")
    assert end == ""
    assert json.loads(event.partition("data: ")[2]) == client.get(f"/jobs/{job.id}").get_json()


def test_who_heard_the_end_is_not_to_come_back(client, desk):
    job = desk.finish(desk.accept("message"), message=b"hello")
    text = client.get(f"/jobs/{job.id}/events").get_data(as_text=True)
    number = text.partition("id: ")[2].partition("\n")[0]
    assert client.get(f"/jobs/{job.id}/events", headers={"Last-Event-ID": number}).status_code == 204
    for other in ("7", "x\x7f", "9" * 5000):
        assert client.get(f"/jobs/{job.id}/events", headers={"Last-Event-ID": other}).status_code == 200


def test_head_answers_and_holds_nothing(client, desk, services):
    job = desk.accept("message")
    answer = client.head(f"/jobs/{job.id}/events")
    assert (answer.status_code, answer.data) == (200, b"")
    assert services.feeds.watched == 0


def test_a_client_that_goes_away_is_forgotten(client, desk, services):
    job = desk.accept("message")
    answer = client.get(f"/jobs/{job.id}/events")
    pieces = iter(answer.response)
    next(pieces), next(pieces)
    assert services.feeds.watched == 1
    answer.close()
    assert services.feeds.watched == 0


def test_an_unknown_job_and_somebody_elses_are_not_there(client, desk):
    for id in (ANYBODY, "x", desk.accept("message", owner="anna").id):
        answer = client.get(f"/jobs/{id}/events")
        assert (answer.status_code, answer.get_json()["title"]) == (404, "No such job")

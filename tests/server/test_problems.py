"""A request for every row of the table, and what every problem has."""

import fcntl
import resource
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gaia_processes.process import Estimate
from gaia_server import app as application
from gaia_server import problems
from gaia_server.errors import CostOverLimit, InputsTooLarge, NoCentre, QueueFull, StoreDown, TooManyQueued
from gaia_server.problems import EXC, OURS, PROBLEMS, code_of, uri_of

ECHO = "/processes/echo/execution"
HELLO = {"inputs": {"message": "hello"}}
NOBODY = "00000000-0000-4000-8000-000000000000"
HUGE = Estimate(bytes_read=20, bytes_written=5, seconds=1)


@dataclass(frozen=True)
class World:
    """All that a row may need to come about."""

    client: FlaskClient
    desk: Any
    submission: Any
    deliver: Callable[..., TestResponse]
    monkeypatch: pytest.MonkeyPatch

    def refused(self, error: Exception) -> TestResponse:
        """Submit while something is wrong behind."""
        self.submission.refusal = error
        return self.client.post(ECHO, json=HELLO)


def failed_job(code: str) -> Callable[[World], TestResponse]:
    def ask(world: World) -> TestResponse:
        job = world.desk.fail(world.desk.accept("message"), code)
        return world.client.get(f"/jobs/{job.id}/results")

    return ask


def body_too_slow(world: World) -> TestResponse:
    world.monkeypatch.setattr(application, "BODY_LIMIT_S", 0.0)
    return world.client.post(ECHO, json=HELLO)


def no_such_output(world: World) -> TestResponse:
    job = world.desk.finish(world.desk.accept("message"), message=b"hello")
    return world.client.get(f"/jobs/{job.id}/results/picture")


def range_not_satisfiable(world: World) -> TestResponse:
    job = world.desk.finish(world.desk.accept("message"), message=b"hello")
    return world.client.get(f"/jobs/{job.id}/results/message", headers={"Range": "bytes=5-"})


def precondition_failed(world: World) -> TestResponse:
    job = world.desk.finish(world.desk.accept("message"), message=b"hello")
    return world.client.get(f"/jobs/{job.id}/results/message", headers={"If-Match": '"another"'})


def result_gone(world: World) -> TestResponse:
    job = world.desk.accept("message")
    world.client.delete(f"/jobs/{job.id}")
    return world.client.get(f"/jobs/{job.id}/results")


def dismissed_twice(world: World) -> TestResponse:
    job = world.desk.accept("message")
    world.client.delete(f"/jobs/{job.id}")
    return world.client.delete(f"/jobs/{job.id}")


def depot_down(world: World) -> TestResponse:
    job = world.desk.accept("data", process="subset")
    file = world.desk.keep(job, "data", b"CDF", store="centre")
    return world.client.get(f"/jobs/{world.desk.end(job, file).id}/results")


def idempotency_key_reused(world: World) -> TestResponse:
    sent = {"headers": {"Idempotency-Key": "k", "Prefer": "respond-async"}}
    world.client.post(ECHO, json=HELLO, **sent)
    return world.client.post(ECHO, json={"inputs": {"message": "another"}}, **sent)


def busy(world: World) -> TestResponse:
    job = world.desk.accept("message")
    world.deliver(job, "message.txt", b"hel", whole=b"hello")
    path = world.desk.services.settings.home / "store-results" / job.id / "1" / "message.txt.part"
    with path.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        return world.deliver(job, "message.txt", b"lo", whole=b"hello", offset=3)


def no_space(world: World) -> TestResponse:
    job = world.desk.accept("message")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        return world.deliver(job, "message.txt", b"x" * 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


CASES: dict[str, Callable[[World], TestResponse]] = {
    "bad-request": lambda world: world.client.get("/?f=hologram"),
    "invalid-json": lambda world: world.client.post(ECHO, data=b"{", content_type="application/json"),
    "invalid-input": lambda world: world.client.post(ECHO, json={"inputs": {}}),
    "invalid-query-parameter-value": lambda world: world.client.get("/jobs?limit=many"),
    "invalid-idempotency-key": lambda world: world.client.post(ECHO, json=HELLO, headers={"Idempotency-Key": ""}),
    "idempotency-key-reused": idempotency_key_reused,
    "invalid-delivery": lambda world: world.deliver(world.desk.accept("message"), "message.txt", b"", headers={"Repr-Digest": ""}),
    "forbidden": lambda world: world.deliver(world.desk.accept("message"), "message.txt", b"", signature="forged"),
    "not-found": lambda world: world.client.get("/nothing"),
    "no-such-process": lambda world: world.client.post("/processes/nope/execution", json=HELLO),
    "no-such-job": lambda world: world.client.get(f"/jobs/{NOBODY}"),
    "no-such-output": no_such_output,
    "no-such-collection": lambda world: world.client.get("/collections/atlantis"),
    "no-such-centre": lambda world: world.client.get("/centres/atlantis"),
    "no-such-upload": lambda world: world.client.get(f"/uploads/{NOBODY}"),
    "invalid-upload": lambda world: world.client.post("/uploads", data=b""),
    "unknown-upload-type": lambda world: world.client.post("/uploads", data=b"<html>"),
    "unsafe-upload": lambda world: world.client.post("/uploads", data=b"PK"),
    "result-not-ready": lambda world: world.client.get(f"/jobs/{world.desk.accept('message').id}/results"),
    "method-not-allowed": lambda world: world.client.put("/jobs"),
    "body-too-slow": body_too_slow,
    "delivery-offset": lambda world: world.deliver(world.desk.accept("message"), "message.txt", b"lo", whole=b"hello", offset=3),
    "result-not-available": result_gone,
    "already-dismissed": dismissed_twice,
    "body-too-large": lambda world: world.client.post(ECHO, data=b" " * (3 * 2**20), content_type="application/json"),
    "inputs-too-large": lambda world: world.refused(InputsTooLarge(300_000, limit_bytes=262_144)),
    "cost-over-limit": lambda world: world.refused(CostOverLimit(HUGE, read_limit_bytes=10, written_limit_bytes=10)),
    "wrong-media-type": lambda world: world.client.post(ECHO, data=b"{}", content_type="text/plain"),
    "precondition-failed": precondition_failed,
    "range-not-satisfiable": range_not_satisfiable,
    "post-instead": lambda world: world.client.get(f"{ECHO}?message=x&pause=60"),
    "link-timeout": lambda world: world.client.get(f"{ECHO}?message=x"),
    "delivery-digest": lambda world: world.deliver(world.desk.accept("message"), "message.txt", b"hullo", digest_of=b"hello"),
    "internal-error": lambda world: world.refused(RuntimeError("/secret/path of db.internal")),
    "not-implemented": lambda world: world.client.get("/asyncapi"),
    "busy": busy,
    "no-centre": lambda world: world.refused(NoCentre()),
    "store-down": lambda world: world.refused(StoreDown()),
    "queue-full": lambda world: world.refused(QueueFull()),
    "too-many-queued": lambda world: world.refused(TooManyQueued(50)),
    "depot-down": depot_down,
    "no-space": no_space,
    **{
        code: failed_job(code)
        for code in (
            "invalid-request", "empty-selection", "unsuitable-dataset", "unreadable-upload", "no-right", "data-error", "dataset-gone", "delivery-failed",
            "fetch-failed", "unreadable-data", "worker-lost", "memory-limit", "storage-full", "storage-down", "timeout", "deadline",
        )
    },
}  # fmt: skip


@pytest.fixture
def world(client, desk, submission, deliver, monkeypatch) -> World:
    return World(client, desk, submission, deliver, monkeypatch)


def test_every_row_has_a_case():
    assert set(CASES) == set(PROBLEMS)


@pytest.mark.slow
@pytest.mark.parametrize("code", CASES)
def test_a_request_meets_its_row(world, code):
    answer = CASES[code](world)
    told = answer.get_json()
    assert answer.status_code == PROBLEMS[code].status == told["status"]
    assert answer.headers["Content-Type"] == "application/json"
    assert told["type"] == uri_of(code)
    assert told["title"] == PROBLEMS[code].title.en
    assert list(told)[:5] == ["type", "title", "status", "detail", "instance"]
    assert told["detail"]
    assert None not in told.values()
    assert "X-Powered-By" not in answer.headers


@pytest.mark.parametrize(
    "code", ["busy", "link-timeout", "no-centre", "store-down", "queue-full", "depot-down", "no-space"]
)
def test_what_may_work_later_says_when_to_try_again(world, code):
    assert int(CASES[code](world).headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("code", "uri"),
    [
        ("no-such-process", EXC + "no-such-process"),
        ("no-such-job", EXC + "no-such-job"),
        ("result-not-ready", EXC + "result-not-ready"),
        ("result-not-available", EXC + "result-not-available"),
        ("no-such-output", EXC + "no-such-output"),
        ("invalid-input", OURS + "invalid-input"),
    ],
)
def test_the_standard_names_its_own(code, uri):
    assert uri_of(code) == uri


@pytest.mark.slow
def test_an_unexpected_error_tells_nothing_but_a_reference(world):
    told = CASES["internal-error"](world).get_data(as_text=True)
    assert "Reference: " in told
    assert not [word for word in ("secret", "internal.", "Traceback", "RuntimeError", "db.") if word in told]


def test_all_that_is_wrong_is_told_at_once_with_its_place(client):
    told = client.post(ECHO, json={"inputs": {"values": ["x"], "colour": 1}, "response": "both"}).get_json()
    assert {fault["pointer"] for fault in told["errors"]} >= {
        "/inputs/message",
        "/inputs/values/0",
        "/inputs/colour",
        "/response",
    }
    assert all(fault["input"] and fault["problem"] for fault in told["errors"])


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": {"message": "m", "a\u202eb": 1}},
        {"inputs": {"message": "m", "pause": "1\u202e"}},
        {"inputs": {"message": "m"}, "outputs": {"a\u202eb": {}}},
        {"inputs": {"message": "m"}, "response": "raw\u202e"},
    ],
)
def test_nothing_that_is_repeated_can_turn_a_sentence_round(client, body):
    answer = client.post(ECHO, json=body)
    assert answer.status_code == 400
    assert "\u202e" not in answer.get_data(as_text=True)
    assert "\\u202e" in answer.get_json()["errors"][0]["problem"] + str(answer.get_json()["errors"][0]["given"])


def test_a_problem_is_told_in_french(client):
    answer = client.get("/processes/nope", headers={"Accept-Language": "fr"})
    assert answer.get_json()["title"] == "Traitement inconnu"
    assert answer.get_json()["detail"].startswith("Il n'y a pas de traitement")
    assert answer.headers["Content-Language"] == "fr"


def test_the_problem_media_type_goes_to_who_names_it(client):
    answer = client.get("/nothing", headers={"Accept": "application/problem+json, application/json;q=0.5"})
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_failed_job_says_where_and_why(world):
    told = failed_job("worker-lost")(world).get_json()
    assert (told["detail"], told["gaia:centre"], told["gaia:attempt"]) == ("It failed: worker-lost.", "theia", 1)


def test_a_cause_that_a_newer_worker_names_is_an_internal_error(world):
    answer = failed_job("gremlins")(world)
    assert answer.status_code == 500
    assert answer.get_json()["detail"] == "It failed: gremlins."


@pytest.mark.parametrize(
    "path",
    ["/jobs/%00", "/jobs/..%2f..%2fetc", "/jobs/" + "x" * 10_000, "/jobs/%E2%80%8Fabc", "/processes/a.", "/jobs/."],
)
def test_strange_ids_are_not_found(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert len(answer.data) < 15_000


def test_every_error_of_ours_is_in_the_table():
    def below(kind):
        return [kind, *(each for sub in kind.__subclasses__() for each in below(sub))]

    from gaia_processes.errors import GaiaError
    from gaia_server.errors import ServiceError

    codes = {
        kind.code for base in (ServiceError, GaiaError) for kind in below(base) if kind.__module__.startswith("gaia_")
    }
    assert codes <= set(PROBLEMS)


def test_an_error_that_is_not_ours_is_an_internal_error():
    assert code_of(ValueError("x")) == problems.UNKNOWN

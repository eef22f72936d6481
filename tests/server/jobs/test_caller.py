"""Subscribers are called: a real receiver on the loopback, and the real store."""

import json
import shutil
import socket
import time
from datetime import timedelta

import pytest

from canary import singing
from gaia_server.jobs import caller as calling
from gaia_server.jobs.caller import Caller
from gaia_server.jobs.engine import open_engine
from gaia_server.jobs.records import Demand, RequestedOutput, Subscriber
from gaia_server.jobs.states import State
from gaia_server.jobs.store import Store
from gaia_server.outbound import Outbound
from gaia_server.signatures import key_of, sign
from gaia_workers.contract import Failure, Kind, Report, Words, utc_now

KEY = "k" * 40
BASE = "https://gaia.test/api"


@pytest.fixture
def store(tmp_path, empty_store):
    opened = Store(open_engine(f"sqlite:///{shutil.copy(empty_store, tmp_path / 'jobs.sqlite')}"))
    yield opened
    opened.close()


@pytest.fixture
def make_caller(services, store, canary):
    def make(*hosts, wait_s=0.0, time_limit_s=2.0, outbound=None):
        listed = hosts or (f"127.0.0.1:{canary.port}",)
        return Caller(
            callbacks=store.callbacks,
            find_job=store.get,
            files=services.files,
            outbound=outbound or Outbound(hosts=listed, allow_http=True, time_limit_s=time_limit_s),
            key=KEY,
            base_url=BASE,
            wait_s=wait_s,
        )

    return make


@pytest.fixture
def subscribed(desk, canary):
    """Accept a job whose subscriber is the canary; `to` names another one."""

    def accept(to=None, **wanted):
        url = to or canary.url
        wanted = wanted or {"success": f"{url}/done", "in_progress": f"{url}/news", "failed": f"{url}/failed"}
        demand = Demand(
            inputs={"message": "hello"},
            outputs=(RequestedOutput(id="message", format="text"),),
            subscriber=Subscriber(**wanted),
        )
        return desk.accept("message", demand=demand)

    return accept


def run(caller):
    """Make the calls that are due, and wait for them to end."""
    caller.turn()
    give_up = time.monotonic() + 20
    while not caller.idle():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def waiting(store):
    return [(call.event, call.tries) for call in store.callbacks.due(utc_now() + timedelta(days=1), limit=100)]


def paths(canary):
    return [path for _, path, _, _ in canary.hits]


def log_of(store, job):
    return [line.words.en for line in store.log(job.id, owner=job.owner)]


def test_a_job_that_ends_well_calls_with_its_results(make_caller, subscribed, desk, store, canary):
    job = desk.finish(subscribed(), message=b"hello")
    run(make_caller())
    ((method, path, headers, body),) = canary.hits
    assert (method, path, json.loads(body)) == ("POST", "/done", {"message": "hello"})
    assert (headers["Content-Type"], headers["Gaia-Event"]) == ("application/json", "success")
    assert headers["Gaia-Job"] == f"{BASE}/jobs/{job.id}"
    time_s = int(headers["Gaia-Signature"].split(",")[0].removeprefix("t="))
    assert headers["Gaia-Signature"] == sign(body, time_s=time_s, key=key_of("127.0.0.1", KEY))
    assert abs(time.time() - time_s) < 60
    assert waiting(store) == []


def test_a_job_that_fails_calls_with_its_problem(make_caller, subscribed, desk, canary):
    desk.fail(subscribed(), "worker-lost")
    run(make_caller())
    ((_, path, _, body),) = canary.hits
    told = json.loads(body)
    assert (path, told["status"], told["detail"]) == ("/failed", 500, "It failed: worker-lost.")
    assert told["type"].endswith("/worker-lost")


def test_a_problem_hides_nothing_and_speaks_the_language_of_the_request(make_caller, subscribed, desk, canary):
    job = subscribed(failed=f"{canary.url}/failed", language="fr")
    words = Words(en="It failed: a\u202eb.", fr="Échec : a\u202eb.")
    report = Report(
        job_id=job.id, part=0, attempt=1, centre=job.centre, kind=Kind.FAILED,
        failure=Failure(code="worker-lost", words=words),
    )  # fmt: skip
    desk.report(job, report)
    run(make_caller())
    ((_, _, headers, body),) = canary.hits
    told = json.loads(body)
    assert (told["title"], told["detail"]) == ("Le processus de calcul a été perdu", r"Échec : a\u202eb.")
    assert headers["Content-Language"] == "fr"


def test_a_receiver_over_https_is_called_only_by_its_own_name(make_caller, subscribed, desk, store, authority):
    names = ("portal.example.org", "other.example.org")
    for name in names:
        with singing(authority.vouch(name)) as receiver:
            url = f"https://portal.example.org:{receiver.port}"
            job = desk.finish(subscribed(success=f"{url}/done"), message=b"hello")
            outbound = Outbound(
                hosts=(f"portal.example.org:{receiver.port}",), authorities=authority.path, time_limit_s=5,
                resolve=lambda *_: ["127.0.0.1"],
            )  # fmt: skip
            run(make_caller(outbound=outbound, wait_s=60))
        if name == "portal.example.org":
            ((method, path, headers, body),) = receiver.hits
            assert (method, path, json.loads(body)) == ("POST", "/done", {"message": "hello"})
            assert headers["Gaia-Job"].endswith(job.id)
            assert waiting(store) == []
        else:
            assert receiver.hits == []
            assert waiting(store) == [("success", 1)]


def progress(desk, job, share):
    words = Words(en="goes on", fr="avance")
    report = Report(
        job_id=job.id, part=0, attempt=1, centre=job.centre, kind=Kind.PROGRESS, progress=share, words=words
    )
    return desk.report(job, report)


def test_a_job_that_goes_on_calls_with_its_status_and_not_too_often(make_caller, subscribed, desk, store, canary):
    job = subscribed()
    for share in (10, 20, 30):
        progress(desk, job, share)
    assert waiting(store) == [("inProgress", 0)]
    run(make_caller())
    ((_, path, _, body),) = canary.hits
    told = json.loads(body)
    assert (path, told["jobID"], told["status"], told["progress"]) == ("/news", job.id, "running", 30)
    progress(desk, job, 40)
    run(make_caller())
    assert (paths(canary), waiting(store)) == (["/news"], [("inProgress", 0)])
    desk.finish(job, message=b"hello")
    assert waiting(store) == [("success", 0)]


def test_nobody_is_called_who_did_not_ask(make_caller, desk, store, canary):
    desk.finish(desk.accept("message"), message=b"hello")
    run(make_caller())
    assert (canary.hits, waiting(store)) == ([], [])


def test_only_the_events_that_were_asked_for_are_told(subscribed, desk, store, canary):
    desk.finish(subscribed(failed=f"{canary.url}/failed"), message=b"hello")
    assert waiting(store) == []


def test_a_call_that_fails_is_made_again(make_caller, subscribed, desk, store, canary):
    desk.finish(subscribed(), message=b"hello")
    canary.planned["/done"] = [(500, {}, b""), (503, {}, b"")]
    caller = make_caller()
    for left in ([("success", 1)], [("success", 2)], []):
        run(caller)
        assert waiting(store) == left
    bodies = {body for _, _, _, body in canary.hits}
    deliveries = {headers["Gaia-Delivery"] for _, _, headers, _ in canary.hits}
    assert (len(canary.hits), len(bodies), len(deliveries)) == (3, 1, 1)


def test_the_next_try_waits_twice_as_long(make_caller, subscribed, desk, store, canary):
    desk.finish(subscribed(), message=b"hello")
    canary.answers["/done"] = (500, {}, b"")
    run(make_caller(wait_s=60))
    run(make_caller(wait_s=60))
    assert len(canary.hits) == 1
    assert store.callbacks.due(utc_now() + timedelta(seconds=55), limit=9) == []
    assert len(store.callbacks.due(utc_now() + timedelta(seconds=65), limit=9)) == 1


def test_after_five_tries_it_is_given_up_and_the_job_is_as_it_was(make_caller, subscribed, desk, store, canary):
    job = desk.finish(subscribed(), message=b"hello")
    canary.answers["/done"] = (500, {}, b"")
    caller = make_caller()
    for _ in range(7):
        run(caller)
    assert (len(canary.hits), waiting(store)) == (5, [])
    assert any("given up after 5 tries" in line and "status 500" in line for line in log_of(store, job))
    assert store.get(job.id) == job


def test_a_redirect_is_not_followed(make_caller, subscribed, desk, store, canary):
    desk.finish(subscribed(), message=b"hello")
    canary.answers["/done"] = (302, {"Location": "/elsewhere"}, b"")
    run(make_caller())
    assert (paths(canary), waiting(store)) == (["/done"], [("success", 1)])


def test_a_host_that_is_not_allowed_any_more_is_not_called(make_caller, subscribed, desk, store, canary):
    job = desk.finish(subscribed(), message=b"hello")
    run(make_caller("portal.example.org"))
    assert (canary.hits, waiting(store)) == ([], [])
    assert any("given up after 1 tries" in line for line in log_of(store, job))
    assert store.get(job.id).state is State.SUCCESSFUL


def test_a_host_that_hangs_holds_nobody_else_up(make_caller, subscribed, desk, store, canary):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        caller = make_caller(f"localhost:{port}", f"127.0.0.1:{canary.port}", time_limit_s=1.0, wait_s=60)
        desk.finish(subscribed(to=f"http://localhost:{port}"), message=b"hello")
        desk.finish(subscribed(), message=b"hello")
        start = time.monotonic()
        caller.turn()
        while not canary.hits:
            assert time.monotonic() - start < 0.8, "the other host was kept waiting"
            time.sleep(0.005)
        assert not caller.idle()
        run(caller)
        assert waiting(store) == [("success", 1)]


def test_what_dies_in_the_middle_of_a_call_calls_again(make_caller, subscribed, desk, store, canary, monkeypatch):
    desk.finish(subscribed(), message=b"hello")
    (call,) = store.callbacks.due(utc_now(), limit=9)
    assert store.callbacks.claim(call, until=utc_now())  # and there it died
    run(make_caller())
    assert (paths(canary), waiting(store)) == (["/done"], [])


def test_two_callers_do_not_make_the_same_call(make_caller, subscribed, desk, store, canary):
    desk.finish(subscribed(), message=b"hello")
    (call,) = store.callbacks.due(utc_now(), limit=9)
    later = utc_now() + timedelta(seconds=60)
    assert [store.callbacks.claim(call, until=later) for _ in range(2)] == [True, False]
    run(make_caller())
    assert canary.hits == []


def test_a_dismissed_job_calls_nobody(make_caller, subscribed, desk, store, canary):
    job = subscribed()
    progress(desk, job, 10)
    store.dismiss(job.id, owner=job.owner)
    run(make_caller())
    assert canary.hits == []


def test_removed_results_are_not_told(make_caller, subscribed, desk, store, canary):
    job = desk.finish(subscribed(), message=b"hello")
    store.dismiss(job.id, owner=job.owner)
    run(make_caller())
    assert (canary.hits, waiting(store)) == ([], [])


def test_so_many_hosts_are_called_at_once(make_caller, subscribed, desk, store, canary, monkeypatch):
    monkeypatch.setattr(calling, "HOSTS_AT_ONCE", 0)
    desk.finish(subscribed(), message=b"hello")
    run(make_caller())
    assert (canary.hits, waiting(store)) == ([], [("success", 0)])

"""Equal jobs share one work: they join what is in flight, reuse what is done, and each ends on its own."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest

from gaia_server.jobs.records import Demand, Job, Keeping, Once, RequestedOutput, Subscriber
from gaia_server.jobs.states import State
from gaia_server.jobs.store import Store
from gaia_workers.contract import Failure, Kind, OutputFile, Receipt, Report, Result, Uploaded, Words, utc_now

WHY = Words(en="why", fr="pourquoi")
RESULT = Result(
    outputs=(
        OutputFile(
            output="message", name="m.txt", media_type="text/plain", size_bytes=7, sha256="a" * 64,
            location="j/1/m.txt", store="centre",
        ),
    ),
    receipt=Receipt(),
)  # fmt: skip
LATER = timedelta(hours=1)

type Ask = Callable[..., Job]


@pytest.fixture
def ask(store: Store, make_job: Callable[..., Job]) -> Ask:
    """Give a maker of equal jobs."""
    key = uuid4().hex

    def ask(*, fresh: bool = False, reuse_s: float = math.inf, **change: object) -> Job:
        return store.accept(make_job(**({"content_key": key} | change)), fresh=fresh, reuse_s=reuse_s)

    return ask


def say(store: Store, work: Job, kind: Kind, **members: object) -> tuple[str, ...]:
    told = {"job_id": work.work_id, "part": 0, "attempt": work.attempt, "centre": work.centre, "kind": kind}
    return store.apply([Report(**(told | members))], attempts=3)  # type: ignore[arg-type]  # a test says what it changes


def start(store: Store, work: Job) -> tuple[str, ...]:
    return say(store, work, Kind.STARTED)


def finish(store: Store, work: Job) -> tuple[str, ...]:
    return say(store, work, Kind.FINISHED, result=RESULT)


def now(store: Store, job: Job) -> Job:
    found = store.find(job.id, owner=job.owner)
    assert found is not None
    return found


def orders(store: Store) -> list[tuple[str, str, int]]:
    return [(out.kind, out.job_id, out.attempt) for out, _ in store.outgoing()]


def test_an_equal_job_joins_what_is_in_flight_and_sends_no_order_of_its_own(store: Store, ask: Ask) -> None:
    first, second = ask(), ask(owner="bert")
    assert (second.work_id, second.shares, first.shares) == (first.id, True, False)
    assert orders(store) == [("order", first.id, 1)]
    assert set(start(store, first)) == {first.id, second.id}
    say(store, first, Kind.PROGRESS, progress=40)
    assert [(now(store, job).state, now(store, job).progress) for job in (first, second)] == [(State.RUNNING, 40)] * 2
    assert set(finish(store, first)) == {first.id, second.id}
    for job in (first, second):
        assert (now(store, job).state, now(store, job).result) == (State.SUCCESSFUL, RESULT)


def test_one_who_joins_a_running_work_runs_since_he_came(store: Store, ask: Ask) -> None:
    start(store, ask())
    late = ask()
    assert (late.state, late.started) == (State.RUNNING, late.created)


def test_what_is_done_is_reused_and_kept_for_the_youngest(store: Store, ask: Ask) -> None:
    first = ask()
    finish(store, first)
    expires = now(store, first).expires
    assert expires is not None
    later = ask(created=expires - LATER)
    assert (later.state, later.result, later.duration_s, later.progress) == (State.SUCCESSFUL, RESULT, 0.0, 100)
    assert now(store, first).expires == later.expires == expires - LATER + timedelta(days=7)
    assert ask(created=later.expires).work_id != first.id, "what has expired is computed anew"


def test_what_is_a_run_too_serves_those_who_come_at_about_the_same_time(store: Store, ask: Ask) -> None:
    first = ask()
    assert ask(reuse_s=10).work_id == first.id, "in flight"
    start(store, first)
    finish(store, first)
    soon = utc_now() + timedelta(seconds=5)
    assert ask(reuse_s=10, created=soon).work_id == first.id
    later = ask(reuse_s=10, created=soon + timedelta(seconds=20), deadline=soon + LATER)
    assert (later.shares, later.accepted) == (False, first.accepted)
    assert ask(created=later.created).work_id == later.id


def test_a_fresh_run_is_computed_and_taken_up_by_those_who_come_later(store: Store, ask: Ask) -> None:
    finish(store, first := ask())
    fresh = ask(fresh=True)
    assert (fresh.shares, fresh.accepted) == (False, first.accepted)
    assert ask().work_id == fresh.id
    assert now(store, first).state is State.SUCCESSFUL


def test_a_work_that_failed_is_tried_anew(store: Store, ask: Ask) -> None:
    first, second = ask(), ask()
    say(store, first, Kind.FAILED, failure=Failure(code="x", words=WHY))
    assert [now(store, job).state for job in (first, second)] == [State.FAILED] * 2
    assert now(store, second).failure == Failure(code="x", words=WHY)
    assert not ask().shares


def test_work_with_less_than_half_of_its_time_left_is_not_joined(store: Store, ask: Ask) -> None:
    first = ask()
    assert ask(created=first.created + timedelta(hours=12)).shares
    assert not ask(created=first.created + timedelta(hours=12, seconds=1)).shares


@pytest.mark.parametrize("leaves", ["the first", "the second"])
def test_dismissing_one_stops_nobody_else(store: Store, ask: Ask, leaves: str) -> None:
    jobs = ask(), ask(owner="bert")
    first = jobs[0]
    start(store, first)
    leaver, stayer = jobs if leaves == "the first" else reversed(jobs)
    dismissed = store.dismiss(leaver.id, owner=leaver.owner)
    assert dismissed is not None
    assert (dismissed.state, dismissed.abandoned) == (State.DISMISSED, False)
    assert orders(store) == [("order", first.id, 1)], "nobody is told to stop"
    assert now(store, stayer).state is State.RUNNING
    third = ask()
    assert set(finish(store, first)) == {stayer.id, third.id}
    assert now(store, stayer).state is State.SUCCESSFUL
    assert (now(store, leaver).state, now(store, leaver).result) == (State.DISMISSED, None)


def test_the_work_stops_with_the_last_who_wants_it(store: Store, ask: Ask) -> None:
    first, second = ask(), ask()
    start(store, first)
    store.dismiss(first.id, owner="anna")
    last = store.dismiss(second.id, owner="anna")
    assert last is not None
    assert last.abandoned
    assert orders(store) == [("dismissal", first.id, 1)]
    assert store.unfinished() == ()
    assert not ask().shares


def test_bytes_go_with_the_last_job_that_has_them(store: Store, ask: Ask) -> None:
    first, second = ask(), ask()
    finish(store, first)
    store.sent(first.id, 1)
    store.dismiss(first.id, owner="anna")
    assert (now(store, first).results_removed, now(store, second).keeping) == (True, Keeping.KEPT)
    assert orders(store) == []
    store.dismiss(second.id, owner="anna")
    assert now(store, second).keeping is Keeping.EXPIRED
    assert orders(store) == [("dismissal", first.id, 1)]


def test_the_log_of_the_work_is_everybodys_and_that_of_a_job_its_owners(store: Store, ask: Ask) -> None:
    calls = Subscriber(failed="http://a.example/")
    demand = ask().demand
    first = ask(fresh=True, demand=type(demand)(inputs={}, outputs=(), subscriber=calls))
    second = ask()
    say(store, first, Kind.LOG, words=WHY)
    say(store, first, Kind.FAILED, failure=Failure(code="x", words=WHY))
    (call,) = store.callbacks.due(now(store, first).updated + LATER, limit=9)
    store.callbacks.give_up(call, Words(en="nobody answers", fr="personne"))
    told = [[line.words.en for line in store.log(job.id, owner="anna") or ()] for job in (first, second)]
    assert told == [["why", "why", "nobody answers"], ["why", "why"]]


def test_whoever_subscribed_is_called_whichever_work_he_shares(store: Store, ask: Ask) -> None:
    calls = Subscriber(success="http://a.example/")
    demand = ask().demand
    joined = [ask(demand=type(demand)(inputs={}, outputs=(), subscriber=calls)) for _ in range(2)]
    finish(store, now(store, joined[0]))
    reused = ask(demand=type(demand)(inputs={}, outputs=(), subscriber=calls))
    due = store.callbacks.due(now(store, joined[0]).updated + LATER * 99999, limit=9)
    assert {call.job_id for call in due} == {job.id for job in (*joined, reused)}


def test_equal_requests_at_once_make_one_work(store: Store, ask: Ask) -> None:
    with ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(lambda _: ask(), range(24)))
    assert len({job.id for job in jobs}) == 24
    assert len({job.work_id for job in jobs}) == 1
    assert len(store.unfinished()) == 1


def test_those_who_leave_at_once_leave_no_work_behind(store: Store, ask: Ask) -> None:
    jobs = [ask() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda job: store.dismiss(job.id, owner="anna"), jobs))
    assert store.unfinished() == ()


def test_a_key_makes_one_job_however_often_it_comes(store: Store, ask: Ask, make_job: Callable[..., Job]) -> None:
    once = Once(key="k", digest="d")
    with ThreadPoolExecutor(8) as pool:
        ids = {job.id for job in pool.map(lambda _: store.accept(make_job(once=once)), range(8))}
    assert len(ids) == 1
    assert store.accept(make_job(once=once, owner="bert")).id not in ids, "a key is its owner's"
    found = store.find_once("k", owner="anna")
    assert found is not None
    assert (found.id, found.once) == (ids.pop(), once)


@pytest.mark.parametrize("end", ["waits", "runs", "successful", "failed", "dismissed", "removed"])
def test_what_a_poll_reads_is_what_everybody_else_reads(store: Store, ask: Ask, end: str) -> None:
    job = ask(
        demand=Demand(
            inputs={"message": "é \ud83d\ude00", "pause": 0.1, "values": [1, 2**70]},
            outputs=(RequestedOutput(id="message", format="text"),),
            subscriber=Subscriber(success="https://example.org/done"),
            uploads=(Uploaded(reference=f"upload:{uuid4()}", sha256="b" * 64, size_bytes=3, media_type="text/csv"),),
        ),
        reason=WHY,
        once=Once(key="k", digest="c" * 64),
    )
    if end != "waits":
        start(store, job)
    if end in ("successful", "removed"):
        finish(store, job)
    if end == "failed":
        say(store, job, Kind.FAILED, failure=Failure(code="data-error", words=WHY))
    if end in ("dismissed", "removed"):
        store.dismiss(job.id, owner=job.owner)
    assert now(store, job) == store.get(job.id)


@pytest.mark.parametrize("there", ["waits", "runs", "successful"])
def test_whoever_joins_is_told_at_once_what_a_poll_would_tell(store: Store, ask: Ask, there: str) -> None:
    first = ask(reason=WHY)
    if there != "waits":
        start(store, first)
    if there == "successful":
        finish(store, first)
    joined = ask(created=first.created + LATER, updated=first.created + LATER)
    assert joined.work_id == first.id
    assert joined == now(store, joined)

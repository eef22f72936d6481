import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import batched
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gaia_server.errors import AlreadyDismissed, StoreDown
from gaia_server.jobs import engine
from gaia_server.jobs.lanes import Room
from gaia_server.jobs.listing import Mark
from gaia_server.jobs.records import Job
from gaia_server.jobs.stamps import stamp_of
from gaia_server.jobs.states import MOVES, State
from gaia_server.jobs.store import Store
from gaia_workers.contract import Failure, Kind, OutputFile, Receipt, Report, Result, Words, utc_now

KEY = "0" * 64
WHY = Words(en="why", fr="pourquoi")
RESULT = Result(
    outputs=(
        OutputFile(
            output="message", name="m.txt", media_type="text/plain", size_bytes=2, sha256="a" * 64,
            location="j/1/m.txt", store="centre", value="hi",
        ),
    ),
    receipt=Receipt(bytes_read=7, cpu_s=0.5),
)  # fmt: skip


def report(job: Job, kind: Kind, **members: object) -> Report:
    values: dict[str, object] = {
        "job_id": job.id,
        "part": 0,
        "attempt": job.attempt,
        "centre": job.centre,
        "kind": kind,
    }
    return Report(**(values | members))  # type: ignore[arg-type]  # a test says what it changes


def finished(job: Job, **members: object) -> Report:
    return report(job, Kind.FINISHED, result=RESULT, **members)


def failed(job: Job, *, retry: bool = False, **members: object) -> Report:
    return report(job, Kind.FAILED, failure=Failure(code="x", words=WHY, retry=retry), **members)


def seen(store: Store, job: Job) -> Job:
    found = store.find(job.id, owner=job.owner)
    assert found is not None
    return found


def waiting(store: Store) -> list[tuple[str, int]]:
    return [(out.kind, out.attempt) for out, _ in store.outgoing()]


def test_an_accepted_job_comes_back_as_it_was_with_its_order_in_the_outbox(store: Store, make_job) -> None:
    job = store.accept(make_job(reason=WHY))
    assert seen(store, job) == job
    assert waiting(store) == [("order", 1)]


def test_a_job_is_nobody_elses(store: Store, make_job) -> None:
    job = store.accept(make_job())
    assert store.find(job.id, owner="bert") is None
    assert store.log(job.id, owner="bert") is None
    assert store.dismiss(job.id, owner="bert") is None
    assert store.jobs(owner="bert", limit=10) == ()


def test_equal_work_keeps_the_time_of_the_first(store: Store, make_job) -> None:
    first = store.accept(make_job(content_key=KEY))
    later = first.accepted + timedelta(hours=1)
    for fresh in (True, False):
        assert (
            store.accept(make_job(accepted=later, created=later, content_key=KEY), fresh=fresh).accepted
            == first.accepted
        )
    assert store.accept(make_job(accepted=later, content_key="1" * 64)).accepted == later


def test_a_sent_order_leaves_the_outbox(store: Store, make_job) -> None:
    job = store.accept(make_job())
    store.sent(job.id, 1)
    assert waiting(store) == []
    assert seen(store, job).sent is not None


def test_the_way_of_a_job(store: Store, make_job) -> None:
    job = store.accept(make_job())
    assert store.apply([report(job, Kind.STARTED)], attempts=3) == (job.id,)
    running = seen(store, job)
    assert (running.state, running.started is not None) == (State.RUNNING, True)
    store.apply([report(job, Kind.PROGRESS, progress=40), report(job, Kind.PROGRESS, progress=30)], attempts=3)
    assert seen(store, job).progress == 40
    store.apply([finished(job)], attempts=3)
    done = seen(store, job)
    assert (done.state, done.progress, done.result) == (State.SUCCESSFUL, 100, RESULT)


def test_a_success_whose_start_was_lost_passes_through_running(store: Store, make_job) -> None:
    job = store.accept(make_job())
    store.apply([finished(job)], attempts=3)
    done = seen(store, job)
    assert (done.state, done.started is not None) == (State.SUCCESSFUL, True)


def test_what_begins_and_ends_in_one_batch_is_as_if_it_had_been_seen_to_begin(store: Store, make_job) -> None:
    created = utc_now() - timedelta(seconds=60)
    one, other = (store.accept(make_job(created=created)) for _ in range(2))
    words = Words(en="Read.", fr="Lu.")
    for job, batches in ((one, 1), (other, 3)):
        said = [
            report(job, Kind.STARTED, age_s=20.0),
            report(job, Kind.LOG, words=words),
            replace(finished(job), age_s=5.0),
        ]
        for some in batched(said, 3 // batches):
            assert store.apply(some, attempts=3) == (job.id,)
    for job in (one, other):
        done = seen(store, job)
        assert (done.state, done.result, done.duration_s) == (State.SUCCESSFUL, RESULT, pytest.approx(15, abs=0.5))
        assert done.started == pytest.approx(created + timedelta(seconds=40), abs=timedelta(seconds=0.5))
        assert [line.words for line in store.log(job.id, owner="anna") or ()] == [words]


def test_what_is_told_later_happened_when_it_happened(store: Store, make_job) -> None:
    job = store.accept(make_job(created=utc_now() - timedelta(seconds=60)))
    store.apply([report(job, Kind.STARTED, age_s=20.0), replace(finished(job), age_s=5.0)], attempts=3)
    done = seen(store, job)
    assert done.duration_s == pytest.approx(15, abs=0.1)


def test_nothing_happened_before_the_job_was_there(store: Store, make_job) -> None:
    job = store.accept(make_job(created=utc_now()))
    store.apply([replace(finished(job), age_s=3600.0)], attempts=3)
    done = seen(store, job)
    assert (done.started, done.finished) == (job.created, job.created)


def test_a_report_of_an_old_attempt_changes_nothing_and_its_files_are_removed(store: Store, make_job) -> None:
    job = store.accept(make_job())
    assert store.resend(job, lost=True, centre="theia", queue="batch", reason=WHY)
    now = seen(store, job)
    assert (now.attempt, now.lost, now.centre, now.queue) == (2, 1, "theia", "batch")
    store.sent(job.id, 1, kind="dismissal")
    assert store.apply([finished(job)], attempts=3) == ()
    assert seen(store, job) == now
    assert ("dismissal", 1) in waiting(store)


def test_the_same_success_twice_removes_nothing(store: Store, make_job) -> None:
    job = store.accept(make_job())
    store.apply([finished(job), finished(job)], attempts=3)
    assert ("dismissal", 1) not in waiting(store)


def test_a_report_of_another_centre_changes_nothing(store: Store, make_job) -> None:
    job = store.accept(make_job())
    assert store.apply([report(job, Kind.STARTED, centre="pndb")], attempts=3) == ()


def test_a_second_resend_of_the_same_attempt_loses(store: Store, make_job) -> None:
    job = store.accept(make_job())
    assert store.resend(job, lost=False, centre="climeri", queue="interactive", reason=WHY)
    assert not store.resend(job, lost=False, centre="climeri", queue="interactive", reason=WHY)


def test_infrastructure_is_tried_three_times_and_input_once(store: Store, make_job) -> None:
    job = store.accept(make_job())
    for attempt in (1, 2):
        store.apply([failed(job, retry=True, attempt=attempt)], attempts=3)
        assert seen(store, job).attempt == attempt + 1
    store.apply([failed(job, retry=True, attempt=3)], attempts=3)
    assert seen(store, job).state is State.FAILED
    other = store.accept(make_job())
    store.apply([failed(other)], attempts=3)
    assert (seen(store, other).state, seen(store, other).attempt) == (State.FAILED, 1)


def test_the_log_holds_what_was_said_oldest_first(store: Store, make_job) -> None:
    job = store.accept(make_job())
    lines = [report(job, Kind.LOG, words=Words(en=word, fr=word)) for word in ("one", "two")]
    store.apply(lines, attempts=3)
    log = store.log(job.id, owner=job.owner)
    assert log is not None
    assert [line.words.en for line in log] == ["one", "two"]


def test_dismissing_a_waiting_job_takes_its_order_back_and_tells_the_centre(store: Store, make_job) -> None:
    job = store.accept(make_job())
    dismissed = store.dismiss(job.id, owner=job.owner)
    assert dismissed is not None
    assert dismissed.state is State.DISMISSED
    assert waiting(store) == [("dismissal", 1)]
    with pytest.raises(AlreadyDismissed):
        store.dismiss(job.id, owner=job.owner)
    assert store.apply([finished(job)], attempts=3) == ()


def test_dismissing_an_ended_job_keeps_its_state_and_removes_its_results(store: Store, make_job) -> None:
    job = store.accept(make_job())
    store.apply([finished(job)], attempts=3)
    gone = store.dismiss(job.id, owner=job.owner)
    assert gone is not None
    assert (gone.state, gone.results_removed) == (State.SUCCESSFUL, True)
    with pytest.raises(AlreadyDismissed):
        store.dismiss(job.id, owner=job.owner)


def test_a_failed_job_tells_its_centre_to_stop(store: Store, make_job) -> None:
    job = store.accept(make_job())
    assert store.fail(job, Failure(code="deadline", words=WHY))
    assert waiting(store) == [("dismissal", 1)]
    assert not store.fail(job, Failure(code="deadline", words=WHY))


def test_only_the_living_attempt_at_its_centre_may_deliver(store: Store, make_job) -> None:
    job = store.accept(make_job())
    assert store.expects(job.id, 1, "climeri")
    assert not store.expects(job.id, 2, "climeri")
    assert not store.expects(job.id, 1, "theia")
    store.dismiss(job.id, owner=job.owner)
    assert not store.expects(job.id, 1, "climeri")


def test_pages_go_on_where_the_last_one_ended_and_leave_synchronous_runs_out(store: Store, make_job) -> None:
    made = [store.accept(make_job(created=make_job().created + timedelta(seconds=n // 2))) for n in range(5)]
    store.accept(make_job(synchronous=True))
    newest_first = [job.id for job in sorted(made, key=lambda job: (job.created, job.id), reverse=True)]
    first = store.jobs(owner="anna", limit=3)
    rest = store.jobs(owner="anna", limit=3, after=Mark(created=first[-1].created, id=first[-1].id))
    assert [job.id for job in (*first, *rest)] == newest_first


def test_an_end_says_how_long_the_job_lasted_from_its_first_start(store: Store, make_job) -> None:
    job = store.accept(make_job())
    store.apply([report(job, Kind.STARTED)], attempts=3)
    store.apply([finished(job)], attempts=3)
    done = seen(store, job)
    assert done.started is not None
    assert done.finished is not None
    assert done.duration_s == pytest.approx((done.finished - done.started).total_seconds())
    never = store.accept(make_job())
    store.dismiss(never.id, owner=never.owner)
    assert seen(store, never).duration_s is None


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(moves=st.lists(st.sampled_from(["start", "finish", "fail", "die", "dismiss", "resend"]), max_size=8))
def test_no_order_of_events_makes_an_illegal_move(moves: list[str], store: Store, make_job) -> None:
    job = store.accept(make_job())
    for move in moves:
        before = seen(store, job)
        try:
            _do(store, before, move)
        except AlreadyDismissed:
            assert before.results_removed or before.state is State.DISMISSED
        after = seen(store, job)
        assert after.state is before.state or after.state in MOVES[before.state] or move == "finish"
        assert after.attempt >= before.attempt
        if before.state.final:
            of_removal = {"updated": before.updated, "message": before.message, "keeping": before.keeping}
            assert replace(after, results_removed=True, **of_removal) == replace(before, results_removed=True)


def _do(store: Store, job: Job, move: str) -> None:
    match move:
        case "start":
            store.apply([report(job, Kind.STARTED)], attempts=3)
        case "finish":
            store.apply([finished(job)], attempts=3)
        case "fail":
            store.apply([failed(job)], attempts=3)
        case "die":
            store.apply([failed(job, retry=True)], attempts=3)
        case "dismiss":
            store.dismiss(job.id, owner=job.owner)
        case "resend":
            store.resend(job, lost=True, centre=job.centre, queue=job.queue, reason=WHY)


def test_a_store_opened_again_still_knows_its_jobs(tmp_path: Path, make_job) -> None:
    url = f"sqlite:///{tmp_path}/jobs.sqlite"
    first = Store.open(url)
    job = first.accept(make_job())
    first.close()
    again = Store.open(url)
    assert seen(again, job) == job
    again.close()


def test_a_locked_store_can_be_read_and_a_writer_gives_up_in_time(
    tmp_path: Path, make_job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_WAIT_S", 0.2)
    store = Store.open(f"sqlite:///{tmp_path}/jobs.sqlite")
    job = store.accept(make_job())
    other = sqlite3.connect(tmp_path / "jobs.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        assert seen(store, job) == job
        with pytest.raises(StoreDown):
            store.accept(make_job())
    finally:
        other.close()
        store.close()


def test_writers_that_queue_for_a_locked_store_wait_no_longer_than_one_alone(
    tmp_path: Path, make_job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who gets his turn when the one before gave up has waited already: he has not all of the time again."""
    monkeypatch.setattr(engine, "BUSY_WAIT_S", 1.0)
    store = Store.open(f"sqlite:///{tmp_path}/jobs.sqlite")
    other = sqlite3.connect(tmp_path / "jobs.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def wait_s(start_s: float) -> float:
        time.sleep(start_s)
        begun = time.monotonic()
        with pytest.raises(StoreDown):
            store.accept(make_job())
        return time.monotonic() - begun

    try:
        with ThreadPoolExecutor(2) as threads:
            assert max(threads.map(wait_s, (0.0, 0.1))) < 1.6
    finally:
        other.close()
        store.close()


def test_many_jobs_are_found_at_once_each_owner_his_own(store: Store, make_job) -> None:
    mine = [store.accept(make_job()).id for _ in range(3)]
    other = store.accept(make_job(owner="otto")).id
    wanted = [*mine[:2], other, *(str(uuid4()) for _ in range(600))]
    assert {job.id for job in store.find_all(wanted, owner="anna")} == set(mine[:2])
    assert store.find_all((), owner="anna") == ()


def test_orders_that_were_sent_leave_the_outbox_together(store: Store, make_job) -> None:
    jobs = [store.accept(make_job()) for _ in range(3)]
    store.apply([finished(jobs[0])], attempts=1)
    store.orders_sent([(job.id, 1) for job in jobs[:2]])
    assert [out.job_id for out, _ in store.outgoing()] == [jobs[2].id]
    assert [seen(store, job).sent is not None for job in jobs] == [False, True, False]  # the first had ended before


def test_an_end_lets_the_next_one_out_as_it_is_written(store: Store, make_job) -> None:
    place = Room(places=1)
    runs, next_one, last = (store.accept(make_job(), room=place) for _ in range(3))
    recorded = store.record(
        [finished(runs)], attempts=1, centre=runs.centre, rooms={runs.queue: place, "no such lane": place}
    )
    assert recorded.changed == (runs.id,)
    assert [work.id for work in recorded.released] == [next_one.id]
    assert [out.job_id for out, _ in store.outgoing()] == [next_one.id]  # that of what has ended is gone
    assert store.record([], attempts=1, centre=runs.centre, rooms={runs.queue: place}).released == ()
    assert seen(store, last).released is None


def test_the_stamp_of_a_job_is_that_of_the_whole_job(store: Store, make_job) -> None:
    job = store.accept(make_job())
    store.apply([finished(job)], attempts=1)
    ended = seen(store, job)
    assert store.stamp(job.id, owner=job.owner) == stamp_of(ended)
    store.dismiss(job.id, owner=job.owner)
    assert store.stamp(job.id, owner=job.owner) == stamp_of(seen(store, job)) != stamp_of(ended)
    assert store.stamp(job.id, owner="bert") is None

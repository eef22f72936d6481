"""What is kept, for how long, and how it goes: first the row says so, then the centre removes it, then the row says that."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from gaia_config.errors import ConfigurationError
from gaia_server.jobs import retention
from gaia_server.jobs.pruning import forget_all, read_age
from gaia_server.jobs.records import Job, Keeping, Once
from gaia_server.jobs.retention import Forgotten
from gaia_server.jobs.store import Store
from gaia_workers.contract import Failure, Kind, OutputFile, Receipt, Report, Result, Words, utc_now

DAY = timedelta(days=1)
WEEK = 7 * DAY
WHY = Words(en="why", fr="pourquoi")

type Make = Callable[..., Job]


def result(size_bytes: int) -> Result:
    file = OutputFile(
        output="message", name="m.txt", media_type="text/plain", size_bytes=size_bytes, sha256="a" * 64,
        location="j/1/m.txt", store="server",
    )  # fmt: skip
    return Result(outputs=(file,), receipt=Receipt())


def say(store: Store, job: Job, kind: Kind, **members: object) -> None:
    told = {"job_id": job.work_id, "part": 0, "attempt": job.attempt, "centre": job.centre, "kind": kind}
    store.apply([Report(**(told | members))], attempts=1)  # type: ignore[arg-type]  # a test says what it changes


def now(store: Store, job: Job) -> Job:
    found = store.find(job.id, owner=job.owner)
    assert found is not None
    return found


@pytest.fixture
def done(store: Store, make_job: Make) -> Make:
    """Give a maker of jobs that have just ended well."""

    def make(size_bytes: int = 5, **change: object) -> Job:
        job = store.accept(make_job(**change))
        say(store, job, Kind.FINISHED, result=result(size_bytes))
        store.sent(job.id, 1)
        return now(store, job)

    return make


def asked(store: Store) -> list[str]:
    return [out.job_id for out, _ in store.outgoing() if out.kind == "dismissal"]


def end_of(job: Job) -> datetime:
    assert job.expires is not None
    return job.expires


def test_results_are_kept_for_a_week_then_expire_then_are_gone_when_the_centre_says_so(
    store: Store, done: Make
) -> None:
    job = done()
    assert timedelta(0) <= end_of(job) - utc_now() - WEEK + timedelta(seconds=60) <= timedelta(seconds=60)
    assert store.retention.expire(end_of(job) - timedelta(seconds=1)) == ()
    assert [work.id for work in store.retention.expire(end_of(job))] == [job.id]
    assert (now(store, job).keeping, now(store, job).state, asked(store)) == (Keeping.EXPIRED, job.state, [job.id])
    assert not now(store, job).has_results(utc_now())
    say(store, job, Kind.REMOVED)
    assert now(store, job).keeping is Keeping.GONE
    assert store.retention.expire(end_of(job)) == ()


def test_nothing_is_led_to_after_it_expired_though_nobody_swept(store: Store, done: Make) -> None:
    job = done()
    assert job.has_results(end_of(job) - timedelta(seconds=1))
    assert not job.has_results(end_of(job))


def test_several_who_sweep_at_once_order_each_removal_once(store: Store, done: Make) -> None:
    jobs = [done() for _ in range(6)]
    later = max(map(end_of, jobs))
    with ThreadPoolExecutor(4) as pool:
        found = [work.id for works in pool.map(lambda _: store.retention.expire(later), range(4)) for work in works]
    assert sorted(found) == sorted(asked(store)) == sorted(job.id for job in jobs)


def test_a_removal_that_nobody_confirmed_is_ordered_again(store: Store, done: Make) -> None:
    job, minute = done(), timedelta(minutes=1)
    store.retention.expire(end_of(job))
    assert store.retention.ask_again(end_of(job) + minute, after=minute) == 0, "the order waits in the outbox"
    store.sent(job.id, 1, kind="dismissal")
    assert store.retention.ask_again(end_of(job) + minute / 2, after=minute) == 0, "the centre may still be at it"
    assert store.retention.ask_again(end_of(job) + minute, after=minute) == 1
    assert asked(store) == [job.id]
    store.sent(job.id, 1, kind="dismissal")
    say(store, job, Kind.REMOVED)
    assert store.retention.ask_again(end_of(job) + WEEK, after=minute) == 0


def test_a_centre_that_says_unasked_that_it_removed_something_changes_nothing(store: Store, done: Make) -> None:
    job = done()
    say(store, job, Kind.REMOVED)
    say(store, replace(job, centre="theia"), Kind.REMOVED)
    assert now(store, job).keeping is Keeping.KEPT


def test_a_centre_over_its_quota_loses_first_what_would_expire_first(store: Store, done: Make) -> None:
    oldest, old, young = (done(100) for _ in range(3))
    elsewhere = done(100, centre="theia")
    later = utc_now() + 2 * timedelta(hours=1)
    assert store.retention.evict("climeri", 300, later) == ()
    assert [work.id for work in store.retention.evict("climeri", 150, later)] == [oldest.id, old.id]
    assert [now(store, job).keeping for job in (oldest, old)] == [Keeping.EXPIRED] * 2
    assert [now(store, job).keeping for job in (young, elsewhere)] == [Keeping.KEPT] * 2
    assert store.retention.kept_bytes("climeri") == 100


def test_what_was_made_just_now_is_not_evicted(store: Store, done: Make) -> None:
    done(100)
    assert store.retention.evict("climeri", 10, utc_now()) == ()


def test_results_without_bytes_do_not_stand_before_those_that_have_some(
    store: Store, done: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    nothing = [done(0) for _ in range(3)]
    large = done(100)
    assert [work.id for work in store.retention.evict("climeri", 10, utc_now() + 2 * timedelta(hours=1))] == [large.id]
    assert {now(store, job).keeping for job in nothing} == {Keeping.KEPT}


def test_a_job_is_forgotten_with_its_log_and_key_and_its_work_when_that_is_gone(store: Store, done: Make) -> None:
    job = done(once=Once(key="k", digest="d"))
    say(store, job, Kind.LOG, words=WHY)
    later = utc_now() + 30 * DAY
    assert store.retention.forget(later - 31 * DAY, later) == Forgotten()
    assert store.retention.forget(later, later) == Forgotten(jobs=1, size_bytes=5)
    assert store.find(job.id, owner="anna") is None
    assert store.find_once("k", owner="anna") is None
    assert asked(store) == [job.id], "its results are still to be removed"
    store.sent(job.id, 1, kind="dismissal")
    assert store.retention.wanted([(job.id, 1)]) == {(job.id, 1): False}
    say(store, job, Kind.REMOVED)
    assert store.retention.wanted([(job.id, 1)]) == {}, "nothing is left of it"


def test_what_a_younger_job_shares_stays(store: Store, done: Make, make_job: Make) -> None:
    first = done(content_key=uuid4().hex)
    shares = store.accept(make_job(content_key=first.content_key, created=utc_now() + DAY))
    before = utc_now() + DAY / 2
    assert store.retention.would_forget(before) == Forgotten(jobs=1)
    assert store.retention.forget(before, before) == Forgotten(jobs=1)
    assert now(store, shares).has_results(utc_now())


def test_jobs_that_go_on_are_never_forgotten(store: Store, make_job: Make) -> None:
    job = store.accept(make_job())
    assert store.retention.forget(utc_now() + 99 * DAY, utc_now()) == Forgotten()
    assert now(store, job).id == job.id


def test_a_dry_run_says_what_a_run_does(store: Store, done: Make, make_job: Make) -> None:
    done(7), done(9)
    failed = store.accept(make_job())
    say(store, failed, Kind.FAILED, failure=Failure(code="x", words=WHY))
    told = store.retention.would_forget(utc_now())
    assert told == forget_all(store, timedelta(0)) == Forgotten(jobs=3, size_bytes=16)
    assert store.retention.would_forget(utc_now()) == Forgotten()


def test_what_is_lost_is_noted_where_it_should_be_and_computed_anew(store: Store, done: Make, make_job: Make) -> None:
    job = done(content_key=uuid4().hex)
    assert store.retention.kept_at("climeri", before=utc_now()) == ((job.id, 1),)
    assert not store.retention.lose(job.id, 1, store="centre")
    assert store.retention.lose(job.id, 1, store="server")
    assert (now(store, job).keeping, store.retention.kept_at("climeri", before=utc_now())) == (Keeping.GONE, ())
    assert not store.accept(make_job(content_key=job.content_key)).shares


def outgoing(store: Store) -> list[tuple[str, str, int, str]]:
    return [(out.kind, out.job_id, out.attempt, out.centre) for out, _ in store.outgoing()]


def test_of_what_a_centre_holds_it_keeps_what_is_wanted(store: Store, done: Make, make_job: Make) -> None:
    kept, going_on = done(), store.accept(make_job())
    store.sent(going_on.id, 1)
    for job in (kept, going_on):
        say(store, job, Kind.HELD)
    assert outgoing(store) == []


def test_of_what_a_centre_holds_it_removes_what_is_wanted_no_more(store: Store, done: Make, make_job: Make) -> None:
    kept, dismissed = done(), store.accept(make_job())
    store.dismiss(dismissed.id, owner="anna")
    store.sent(dismissed.id, 1, kind="dismissal")
    for held in (dismissed, dismissed, replace(kept, attempt=2), replace(kept, centre="theia")):
        say(store, held, Kind.HELD)
    assert outgoing(store) == [
        ("dismissal", dismissed.id, 1, "climeri"),
        ("dismissal", kept.id, 2, "climeri"),
        ("dismissal", kept.id, 1, "theia"),
    ]


def test_what_a_centre_holds_and_nothing_is_known_of_is_put_aside(store: Store, make_job: Make) -> None:
    stray = replace(make_job(), work_id=str(uuid4()))
    for _ in range(2):
        say(store, stray, Kind.HELD)
    assert outgoing(store) == [("aside", stray.work_id, 1, "climeri")]
    ((_, work),) = store.outgoing()
    assert work is None
    store.sent(stray.work_id, 1, kind="aside")
    assert outgoing(store) == []


@pytest.mark.parametrize(("text", "age"), [("30d", 30 * DAY), ("2w", 14 * DAY), ("36 h", 1.5 * DAY), ("0s", 0 * DAY)])
def test_an_age_is_a_number_with_a_unit(text: str, age: timedelta) -> None:
    assert read_age(text) == age


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1y", "1.5d", "²d"])
def test_anything_else_is_refused_with_what_is_right(text: str) -> None:
    with pytest.raises(ConfigurationError, match="as 30d"):
        read_age(text)

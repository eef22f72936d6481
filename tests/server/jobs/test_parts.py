"""Works with parts: a whole waits until its parts have made ready what it lacks, and they end with it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from gaia_server.errors import AlreadyDismissed
from gaia_server.jobs.lanes import Room
from gaia_server.jobs.records import Job, Keeping, Work
from gaia_server.jobs.states import State
from gaia_server.jobs.store import Store
from gaia_workers.contract import Brought, Failure, Kind, OutputFile, Receipt, Report, Result, Words, utc_now

WHY = Words(en="why", fr="pourquoi")
CLIMATE, COVER = "climate@1", "cover@1"
LIES = {CLIMATE: "climeri", COVER: "theia"}
PLACES = Room(places=9)

type Apart = Callable[..., Job]


def result_of(work_id: str, centre: str) -> Result:
    file = OutputFile(
        output="data", name="d.nc", media_type="application/x-netcdf", size_bytes=7, sha256="a" * 64,
        location=f"{work_id}/1/d.nc", store="centre",
    )  # fmt: skip
    return Result(outputs=(file,), receipt=Receipt())


@pytest.fixture
def apart(store: Store, make_job: Callable[..., Job]) -> Apart:
    """Give a maker of jobs at pndb that need two datasets of other centres."""

    def make(**change: object) -> Job:
        job = make_job(centre="pndb", deadline=utc_now() + timedelta(days=1), **change)
        parts = tuple(
            replace(
                job.work, id=str(uuid4()), process_id="subset", centre=centre, brings=name, joinable=False,
                content_key=uuid4().hex,
            )
            for name, centre in LIES.items()
        )  # fmt: skip
        return store.accept(job, room=PLACES, parts=[(part, PLACES) for part in parts])

    return make


def say(store: Store, work: Work | Job, kind: Kind, **members: object) -> tuple[str, ...]:
    told = {"job_id": work.work_id, "part": 0, "attempt": work.attempt, "centre": work.centre, "kind": kind}
    return store.apply([Report(**(told | members))], attempts=3)  # type: ignore[arg-type]  # a test says what it changes


def finish(store: Store, work: Work | Job) -> tuple[str, ...]:
    return say(store, work, Kind.FINISHED, result=result_of(work.work_id, work.centre))


def now(store: Store, job: Job) -> Job:
    found = store.find(job.id, owner=job.owner)
    assert found is not None
    return found


def reason(store: Store, job: Job) -> str:
    words = now(store, job).reason
    return "" if words is None else words.en


def told(store: Store) -> set[tuple[str, str, str]]:
    return {(out.kind, out.job_id, out.centre) for out, _ in store.outgoing()}


def test_parts_are_ordered_at_once_and_the_whole_when_both_are_ready(store: Store, apart: Apart) -> None:
    job = apart()
    climate, cover = store.parts(job.id)
    assert told(store) == {("order", climate.id, "climeri"), ("order", cover.id, "theia")}
    assert (now(store, job).lacking, now(store, job).has_parts) == (2, True)
    assert finish(store, climate) == (job.id,)
    assert store.lanes.release("pndb", "interactive", PLACES, now=utc_now()) == ()
    finish(store, cover)
    (whole,) = store.lanes.release("pndb", "interactive", PLACES, now=utc_now())
    assert (whole.id, [each.reference for each in whole.brought]) == (job.id, [CLIMATE, COVER])
    assert whole.brought[1] == Brought(reference=COVER, part=cover.id, centre="theia", sha256="a" * 64, size_bytes=7)


def test_why_a_part_waits_is_why_its_whole_waits(store: Store, apart: Apart) -> None:
    job = apart()
    climate, cover = store.parts(job.id)
    store.explain(climate, WHY)
    assert reason(store, job) == "waits for climate@1 from climeri: why"
    say(store, climate, Kind.STARTED)
    assert reason(store, job) == "waits for climate@1 from climeri, which is being made ready"
    finish(store, climate)
    finish(store, cover)
    assert reason(store, job) == (
        "waits for its turn at pndb; made ready at other centres: climate@1 (climeri), cover@1 (theia)"
    )


def test_what_parts_made_is_removed_when_the_whole_has_ended(store: Store, apart: Apart) -> None:
    job = apart()
    parts = store.parts(job.id)
    for part in parts:
        finish(store, part)
    assert {(part.keeping, part.expires) for part in store.parts(job.id)} == {(Keeping.KEPT, None)}
    store.lanes.release("pndb", "interactive", PLACES, now=utc_now())
    finish(store, job)
    assert now(store, job).state is State.SUCCESSFUL
    assert {part.keeping for part in store.parts(job.id)} == {Keeping.EXPIRED}
    assert {("dismissal", part.id, part.centre) for part in parts} <= told(store)


def test_a_part_that_fails_takes_its_whole_and_the_other_part_along(store: Store, apart: Apart) -> None:
    job = apart()
    climate, cover = store.parts(job.id)
    assert say(store, climate, Kind.FAILED, failure=Failure(code="empty-selection", words=WHY)) == (job.id,)
    failed = now(store, job)
    assert failed.state is State.FAILED
    assert failed.failure == Failure(
        code="empty-selection",
        words=Words(
            en="climate@1 could not be made ready at climeri: why",
            fr="climate@1 n'a pas pu être préparé à climeri : pourquoi",
        ),
    )
    assert store.parts(job.id)[1].state is State.DISMISSED
    assert ("dismissal", cover.id, "theia") in told(store)
    assert not any(kind == "order" for kind, *_ in told(store))


def test_a_part_that_dies_is_tried_again_and_its_whole_waits_on(store: Store, apart: Apart) -> None:
    job = apart()
    climate, _ = store.parts(job.id)
    say(store, climate, Kind.FAILED, failure=Failure(code="worker-lost", words=WHY, retry=True))
    assert (now(store, job).state, store.parts(job.id)[0].attempt) == (State.ACCEPTED, 2)
    assert finish(store, climate) == (), "the first attempt counts no more"
    finish(store, replace(climate, attempt=2))
    assert now(store, job).lacking == 1


def test_a_part_past_its_deadline_ends_its_whole_with_the_reason(store: Store, apart: Apart) -> None:
    job = apart()
    climate, _ = store.parts(job.id)
    assert store.fail(climate, Failure(code="deadline", words=WHY))
    assert now(store, job).failure is not None
    assert now(store, job).state is State.FAILED


def test_dismissing_the_job_stops_its_parts_at_their_centres(store: Store, apart: Apart) -> None:
    job = apart()
    parts = store.parts(job.id)
    say(store, parts[0], Kind.STARTED)
    store.dismiss(job.id, owner=job.owner)
    assert {part.state for part in store.parts(job.id)} == {State.DISMISSED}
    assert told(store) == {("dismissal", each.id, each.centre) for each in (*parts, now(store, job).work)}
    finish(store, parts[0])
    assert now(store, job).state is State.DISMISSED
    with pytest.raises(AlreadyDismissed):
        store.dismiss(job.id, owner=job.owner)


def test_equal_jobs_share_the_whole_and_its_parts(store: Store, apart: Apart) -> None:
    first = apart(content_key="k" * 64)
    second = apart(content_key="k" * 64, owner="bert")
    assert second.work_id == first.id
    assert len([kind for kind, *_ in told(store) if kind == "order"]) == 2
    store.dismiss(first.id, owner="anna")
    assert {part.state for part in store.parts(first.id)} == {State.ACCEPTED}


def test_the_log_of_a_job_tells_what_its_parts_say(store: Store, apart: Apart) -> None:
    job = apart()
    say(store, store.parts(job.id)[0], Kind.LOG, words=WHY)
    assert [line.words for line in store.log(job.id, owner="anna") or ()] == [WHY]


def test_parts_are_forgotten_with_their_whole_and_not_before(store: Store, apart: Apart) -> None:
    job = apart()
    for part in store.parts(job.id):
        finish(store, part)
    store.lanes.release("pndb", "interactive", PLACES, now=utc_now())
    finish(store, job)
    for part in store.parts(job.id):
        say(store, part, Kind.REMOVED)
    assert len(store.parts(job.id)) == 2, "provenance and log speak of them"
    later = utc_now() + timedelta(days=1)
    assert store.retention.forget(later, later).jobs == 1
    say(store, job, Kind.REMOVED)
    assert store.parts(job.id) == ()
    assert store.work(job.id) is None


def test_a_centre_that_is_full_keeps_what_a_whole_waits_for(store: Store, apart: Apart) -> None:
    job = apart()
    climate, _ = store.parts(job.id)
    finish(store, climate)
    assert store.retention.evict("climeri", 0, utc_now() + timedelta(hours=2)) == ()
    assert store.retention.expire(utc_now() + timedelta(days=365)) == ()

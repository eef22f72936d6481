"""Where jobs that wait stand, and when they should begin."""

from datetime import UTC, datetime, timedelta

import pytest

from gaia_server.jobs.lanes import Entry, Room, Snapshot
from gaia_server.jobs.outlook import Outlooks, foresee
from gaia_server.jobs.paces import UNMEASURED_S, Pace
from gaia_server.jobs.story import why_there
from gaia_workers.contract import Load, utc_now

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
TEN_S = {"echo": Pace(weight=1, estimated=0, took=10, estimated_squared=0, product=0)}
UP = Load(alive=True, slots=1)


def entry(name: str, *, ran_s: float | None = None) -> Entry:
    started = None if ran_s is None else NOON - timedelta(seconds=ran_s)
    return Entry(id=name, process_id="echo", cost_s=0.0, started=started)


def starts(*out: Entry, waiting: str = "", slots: int = 1) -> dict[str, float]:
    """Tell when each should begin, s after noon."""
    lane = Snapshot(out=out, waiting=tuple(map(entry, waiting)), length=len(waiting), paces=TEN_S)
    ahead = foresee(lane, slots=slots, now=NOON)
    return {name: (ahead.start(at) - NOON).total_seconds() for name, at in ahead.positions.items()}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(starts(waiting="ab"), {"a": 0, "b": 10}, id="one after the other"),
        pytest.param(starts(waiting="abc", slots=2), {"a": 0, "b": 0, "c": 10}, id="two at once"),
        pytest.param(starts(entry("x", ran_s=4), waiting="ab"), {"a": 6, "b": 16}, id="6 s are left"),
        pytest.param(starts(entry("x", ran_s=40), waiting="a"), {"a": 4}, id="overdue: 0.1 * 40"),
        pytest.param(starts(entry("x", ran_s=4), entry("s"), waiting="a"), {"s": 6, "a": 16}, id="sent before"),
        pytest.param(
            starts(entry("x", ran_s=1), entry("y", ran_s=4), waiting="a"), {"a": 9}, id="one slot: both must end"
        ),
    ],
)
def test_a_lane_runs_on_slot_by_slot(found, expected):
    assert found == expected


def test_beyond_what_is_known_the_mean_counts():
    ahead = foresee(Snapshot(out=(), waiting=(entry("a"), entry("b")), length=9, paces=TEN_S), slots=2, now=NOON)
    assert (ahead.start(6) - NOON).total_seconds() == 20  # 0 s, and four more, one each 5 s


@pytest.fixture
def outlooks(store):
    loads = {"climeri": UP}
    return Outlooks(store.lanes, lambda: loads), loads


def test_a_job_that_waits_is_told_its_place_and_its_time(store, make_job, outlooks):
    told, _ = outlooks
    first, second, third = (
        store.accept(make_job(created=utc_now(), cost_s=10.0), room=Room(places=1)) for _ in range(3)
    )
    places = [told.find(job) for job in (first, second, third)]
    assert [place.position for place in places] == [1, 2, 3]
    waits_s = [(place.start - third.created).total_seconds() for place in places]
    assert waits_s[2] - waits_s[1] == pytest.approx(10 + UNMEASURED_S, abs=0.5)


def test_who_comes_after_the_look_is_told_too(store, make_job, outlooks):
    told, _ = outlooks
    first = store.accept(make_job(created=utc_now()), room=Room(places=0))
    assert told.find(first).position == 1
    second = store.accept(make_job(created=utc_now()), room=Room(places=0))
    assert told.find(second).position == 2


def test_a_lane_that_filled_up_since_the_look_is_looked_at_again(store, make_job, outlooks):
    told, _ = outlooks
    told.find(store.accept(make_job(), room=Room(places=0)))  # one alone would begin at once
    waiting = [store.accept(make_job(cost_s=60.0), room=Room(places=0)) for _ in range(6)]
    assert told.find(waiting[-1]).start - utc_now() > timedelta(seconds=50)


def test_nobody_can_tell_when_a_silent_centre_begins(store, make_job, outlooks):
    told, loads = outlooks
    loads.clear()
    outlook = told.find(store.accept(make_job(), room=Room(places=0)))
    assert (outlook.position, outlook.start) == (1, None)


def test_who_is_held_back_by_the_limit_of_its_owner_is_told_so(store, make_job):
    told = Outlooks(store.lanes, lambda: {"climeri": UP}, each=1)
    runs, waits = (store.accept(make_job(), room=Room(places=9, each=1)) for _ in range(2))
    outlook = told.find(waits)
    assert (outlook.start, outlook.limit) == (None, 1)
    assert why_there(waits, limit=outlook.limit).en.startswith("waits until one of your other jobs has ended")
    others = store.accept(make_job(owner="bert"), room=Room(places=9, each=1))
    assert (told.find(runs).limit, told.find(others).limit) == (None, None)


def test_nobody_can_tell_when_a_site_scheduler_begins(store, make_job):
    told = Outlooks(store.lanes, lambda: {"climeri": UP}, delegated=[("climeri", "interactive")])
    assert told.find(store.accept(make_job(), room=Room(places=0))).start is None


def test_what_does_not_wait_has_no_place(store, make_job, outlooks):
    job = store.accept(make_job())
    assert outlooks[0].find(store.dismiss(job.id, owner="anna")) is None

"""Works in their lanes: who comes next, how many are let out, and that nobody is let out twice."""

import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from gaia_server.jobs import engine as database
from gaia_server.jobs.lanes import Length, Room
from gaia_server.jobs.states import State
from gaia_server.jobs.store import Store
from gaia_server.jobs.tables import outbox
from gaia_workers.contract import Failure, Kind, Report, Words, utc_now

WHY = Words(en="why", fr="pourquoi")
LANE = ("climeri", "interactive")
ONE = Room(places=1)
FULL = Room(places=0)


@pytest.fixture
def line(store, make_job):
    """Put works of owners, one after the other, into a lane in which there is no room."""

    def put(owners: str, **change: object) -> list[str]:
        start = utc_now()
        jobs = [
            make_job(owner=owner, created=start + timedelta(milliseconds=number), **change)
            for number, owner in enumerate(owners)
        ]
        return [store.accept(job, room=FULL).id for job in jobs]

    return put


def let_out(store: Store, places: int, **limits: int) -> str:
    """Let works out until so many are, and name their owners."""
    return "".join(work.owner for work in store.lanes.release(*LANE, Room(places=places, **limits), now=utc_now()))


def end(store: Store, work_id: str) -> None:
    words = Words(en="no", fr="non")
    failure = Failure(code="data-error", words=words)
    report = Report(job_id=work_id, part=0, attempt=1, centre="climeri", kind=Kind.FAILED, failure=failure)
    store.apply([report], attempts=1)


def test_what_there_is_room_for_goes_out_at_once_and_the_next_waits_without_an_order(store, make_job):
    first, second = (store.accept(make_job(), room=ONE) for _ in range(2))
    assert first.released is not None
    assert second.released is None
    assert [work.id for _, work in store.outgoing()] == [first.id]
    assert store.lanes.lengths() == {LANE: Length(waiting=2)}


def test_lanes_do_not_fill_each_other(store, make_job):
    store.accept(make_job(queue="batch"), room=ONE)
    assert store.accept(make_job(), room=ONE).released is not None


def test_owners_go_round_robin_whoever_came_first(store, line):
    line("aaaabbc")
    assert let_out(store, 7) == "abcabaa"


def test_who_comes_last_waits_for_one_of_each_and_not_for_all(store, line):
    line("aaaaaaaa")
    assert let_out(store, 2) == "aa"
    line("b")
    assert let_out(store, 5) == "aba"


def test_as_many_are_let_out_as_there_is_room_for(store, line):
    ids = line("aaaa")
    assert let_out(store, 2) == "aa"
    assert let_out(store, 2) == ""
    end(store, ids[0])
    assert let_out(store, 2) == "a"


def test_who_has_as_much_as_they_may_is_passed_over(store, line, make_job):
    line("aaaab")
    room = Room(places=9, each=2)
    assert let_out(store, 9, each=2) == "aba"
    assert store.accept(make_job(owner="a"), room=room).released is None
    assert store.accept(make_job(owner="c"), room=room).released is not None


def test_whoever_waits_for_their_own_works_keeps_nobody_else_waiting(store, line, make_job):
    line("aa")
    assert let_out(store, 1, each=1) == "a"
    assert store.accept(make_job(owner="b"), room=Room(places=2, each=1)).released is not None


def test_two_dispatchers_let_out_each_work_once_and_none_too_many(store, line):
    line("abcd" * 5)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: store.lanes.release(*LANE, Room(places=12), now=utc_now()), range(4)))
    ids = [work.id for works in found for work in works]
    assert len(ids) == len(set(ids)) == 12
    assert len(store.outgoing()) == 12


def test_what_waits_moves_to_another_lane_without_an_order(store, line):
    (id,) = line("a")
    (work,) = store.unfinished()
    assert store.resend(work, lost=False, centre="theia", queue="batch", reason=WHY)
    assert store.outgoing() == ()
    assert [work.id for work in store.lanes.release("theia", "batch", ONE, now=utc_now())] == [id]


def test_what_rests_after_it_died_holds_no_place(store, make_job, line):
    died = store.accept(make_job(), room=ONE)
    store.sent(died.id, 1)
    line("b")
    store.resend(replace(died, sent=utc_now()), lost=True, centre="climeri", queue="interactive", reason=WHY)
    assert let_out(store, 1) == "b"


def test_the_last_of_many_is_dismissed_at_once_and_never_goes_out(store, line):
    ids = line("aaab")
    assert store.dismiss(ids[-1], owner="b").state is State.DISMISSED
    assert let_out(store, 9) == "aaa"


def test_what_waits_at_a_living_centre_is_left_to_the_dispatcher(store, line):
    (id,) = line("a")
    now = utc_now()
    store.accept(replace(store.get(id), id="f" * 36, content_key="x", deadline=now + timedelta(days=1)), room=FULL)
    assert {work.id for work in store.to_attend(alive=["climeri"], now=now)} == {id}  # its deadline is over
    assert len(store.to_attend(alive=["theia"], now=now)) == 2


def test_what_waits_at_a_site_scheduler_stays_accepted_and_says_why(store, make_job):
    job = store.accept(make_job())
    words = Words(en="waiting at the scheduler: Priority", fr="attend à l'ordonnanceur : Priority")
    store.apply(
        [Report(job_id=job.id, part=0, attempt=1, centre="climeri", kind=Kind.WAITING, words=words)], attempts=1
    )
    waiting = store.get(job.id)
    assert (waiting.state, waiting.reason, waiting.started) == (State.ACCEPTED, words, None)


def test_an_owners_waiting_jobs_are_counted_as_far_as_it_matters(store, line):
    line("aaab")
    assert store.queued_of("a", most=9) == 3
    assert store.queued_of("a", most=2) == 2


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(owners=st.text("abcd", min_size=1, max_size=12))
def test_nobody_is_more_than_one_work_ahead_of_another_who_waits(tmp_path, empty_store, make_job, owners):
    opened = Store(database.open_engine(f"sqlite:///{shutil.copy(empty_store, tmp_path / f'{uuid4()}.sqlite')}"))
    for owner in owners:
        opened.accept(make_job(owner=owner, created=utc_now()), room=FULL)
    order, wanted, served = let_out(opened, len(owners)), Counter(owners), Counter[str]()
    for owner in order:
        assert all(served[owner] <= served[other] for other in wanted if served[other] < wanted[other])
        served[owner] += 1
    opened.close()
    assert served == wanted


def test_what_was_let_out_while_somebody_decided_to_move_it_has_its_order_all_the_same(store, line):
    (id,) = line("a")
    (read_before,) = store.unfinished()
    assert let_out(store, 1) == "a"
    assert store.resend(read_before, lost=False, centre="theia", queue="batch", reason=WHY)
    orders = [(out.job_id, out.attempt, out.centre) for out, _ in store.outgoing() if out.kind == "order"]
    assert orders == [(id, 2, "theia")]


def test_an_order_that_is_nowhere_is_put_out_again(store, line):
    (id,) = line("a")
    let_out(store, 1)
    assert store.restore_orders() == ()
    with database.writing(store._engine) as connection:
        connection.execute(delete(outbox))
    assert store.restore_orders() == (id,)
    assert [(out.kind, out.job_id, out.attempt) for out, _ in store.outgoing()] == [("order", id, 1)]
    store.sent(id, 1)
    assert store.restore_orders() == ()

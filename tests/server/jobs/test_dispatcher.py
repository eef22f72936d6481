"""How much each lane takes, and that what is let out is sent."""

import time
from dataclasses import replace

import pytest

from gaia_config.centres import Queue
from gaia_config.settings import Settings
from gaia_server.jobs.dispatcher import Dispatcher, mean_of, room_in, slots_in, with_lengths
from gaia_server.jobs.lanes import Room
from gaia_server.jobs.paces import Pace
from gaia_server.jobs.states import State
from gaia_workers.contract import BadMessage, Load, TransportDown

LANES = (
    Queue(name="interactive", concurrency=2, executor="process"),
    Queue(name="batch", concurrency=1, executor="process"),
)
UP = Load(alive=True, slots=6)  # two workers


class Wire:
    """A broker that takes orders, or does not."""

    def __init__(self, refuse: type[Exception] | None = None) -> None:
        self.refuse = refuse
        self.sent: list[str] = []

    def load(self, centre: str) -> Load:
        return UP

    def send(self, *orders) -> None:
        if self.refuse:
            raise self.refuse
        self.sent += [order.job_id for order in orders]


@pytest.fixture
def two_lanes(centres):
    return {"climeri": replace(centres["climeri"], queues=LANES)}


def test_a_lane_has_its_share_of_the_slots_of_all_workers(two_lanes):
    climeri = two_lanes["climeri"]
    assert [slots_in(climeri, lane, UP) for lane in ("interactive", "batch")] == [4, 2]


@pytest.mark.parametrize(
    ("load", "mean_s", "places"),
    [
        pytest.param(UP, None, 2, id="not measured: what runs at once"),
        pytest.param(UP, 60.0, 2, id="long works wait behind none at a worker"),
        pytest.param(UP, 0.05, 10, id="2 * (1 + 0.2 / 0.05)"),
        pytest.param(UP, 0.0, 66, id="2 * (1 + 32)"),
        pytest.param(Load(alive=False), 60.0, 1, id="no worker: what one would begin with"),
        pytest.param(Load(alive=False, reachable=False), 0.0, 0, id="no broker: nothing"),
    ],
)
def test_room_is_for_what_can_begin_and_a_little_more(two_lanes, load, mean_s, places):
    assert room_in(two_lanes["climeri"], "batch", load, mean_s=mean_s) == places


def test_the_mean_of_a_lane_counts_all_its_processes():
    paces = {
        ("climeri", "batch", "echo"): Pace(weight=3, estimated=0, took=3, estimated_squared=0, product=0),
        ("climeri", "batch", "subset"): Pace(weight=1, estimated=0, took=9, estimated_squared=0, product=0),
        ("theia", "batch", "subset"): Pace(weight=1, estimated=0, took=99, estimated_squared=0, product=0),
    }
    assert mean_of(paces, "climeri", "batch") == 3.0
    assert mean_of(paces, "climeri", "interactive") is None


@pytest.fixture
def waiting(store, make_job):
    """Put two works into a lane without room."""
    return [store.accept(make_job(queue="batch"), room=Room(places=0)).id for _ in range(3)]


def dispatcher(store, wire, centres) -> Dispatcher:
    return Dispatcher(settings=Settings(), store=store, transport=wire, centres=centres)


def test_what_is_let_out_is_sent_once_by_however_many_dispatchers(store, two_lanes, waiting):
    wire = Wire()
    for _ in range(2):
        dispatcher(store, wire, two_lanes).fill_all()
    assert wire.sent == waiting[:2]
    give_up = time.monotonic() + 10
    while store.outgoing():  # it is emptied a moment later, for several orders at once
        assert time.monotonic() < give_up
        time.sleep(0.05)


def test_what_the_broker_does_not_take_waits_in_the_outbox(store, two_lanes, waiting):
    dispatcher(store, Wire(TransportDown), two_lanes).fill("climeri")
    assert [work.id for _, work in store.outgoing()] == waiting[:2]


def test_what_no_message_can_carry_fails_and_lets_the_next_one_go(store, two_lanes, waiting):
    dispatcher(store, Wire(BadMessage), two_lanes).fill("climeri")
    assert store.get(waiting[0]).state is State.FAILED


def test_loads_say_what_waits_in_the_store_too(store, two_lanes, waiting):
    seen = with_lengths({"climeri": replace(UP, waiting={"batch": 1})}, two_lanes, store)["climeri"]
    assert seen.waiting == {"interactive": 0, "batch": 3}
    assert seen.slots_in == {"interactive": 4, "batch": 2}

"""What happens before a job is recorded, and what the next request sees of it."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from gaia_config.catalogue import Federation
from gaia_config.settings import Settings
from gaia_processes.process import Process
from gaia_processes.reading import read_inputs
from gaia_server.demands import Understood, estimate
from gaia_server.errors import CostOverLimit, StoreDown
from gaia_server.jobs.records import Demand, Job, RequestedOutput
from gaia_server.jobs.sent import SentOrders
from gaia_server.jobs.store import Store
from gaia_server.services import Services
from gaia_server.submission import Submission
from gaia_workers.contract import Load, TransportDown

HELLO = Demand(inputs={"message": "hello"}, outputs=(RequestedOutput(id="message", format="text"),))
SUBSET = Demand(inputs={"dataset": "tas-monthly"}, outputs=(RequestedOutput(id="data", format="netcdf"),))


class Wire:
    """A transport on which nothing is ever taken up: every centre is idle whenever it is looked at."""

    def __init__(self, *away: str) -> None:
        self.away = away
        self.sent: list[str] = []

    def load(self, centre: str) -> Load:
        if centre in self.away:
            raise TransportDown
        return Load(alive=True, slots=1)

    def send(self, order) -> None:
        self.sent.append(order.centre)


def understand(services: Services, process: Process, demand: Demand) -> Understood:
    inputs = read_inputs(process, demand.inputs)
    cost = estimate(process, inputs, demand, services.federation)
    return Understood(demand=demand, inputs=inputs, estimate=cost)


@pytest.fixture
def submit(services, tmp_path: Path):
    def make(wire: Wire, **limits: int):
        made = Submission(
            settings=Settings(home=tmp_path / "home", **limits),
            store=services.store,
            transport=wire,
            federation=Federation(services.centres),
            centres=services.centres,
        )

        def submit(process: str, demand: Demand):
            chosen: Process = services.processes[process]
            return made.submit(chosen, understand(services, chosen, demand), owner="anna", synchronous=False)

        return submit

    return make


def test_requests_that_come_at_once_spread_over_the_centres(submit) -> None:
    send = submit(Wire())
    demands = [replace(HELLO, inputs={"message": f"hello {number}"}) for number in range(4)]
    assert [send("echo", demand).centre for demand in demands] == ["climeri", "theia", "climeri", "theia"]


def test_equal_requests_send_one_order(submit) -> None:
    wire = Wire()
    send = submit(wire)
    jobs = [send("echo", HELLO) for _ in range(3)]
    assert len(wire.sent) == 1
    assert {job.work_id for job in jobs} == {jobs[0].id}


def test_what_would_read_or_write_too_much_is_refused_before_it_is_recorded(submit, services) -> None:
    wire = Wire()
    for limit in ("input_limit", "output_limit"):
        with pytest.raises(CostOverLimit, match="Ask for fewer variables"):
            submit(wire, **{limit: 1})("subset", SUBSET)
    assert wire.sent == []
    assert services.store.unfinished() == ()


def test_whoever_only_tells_of_the_centres_waits_for_no_broker(services, tmp_path: Path) -> None:
    answers = Event()

    class Slow(Wire):
        def load(self, centre: str) -> Load:
            answers.wait(10)
            return super().load(centre)

    made = Submission(
        settings=Settings(home=tmp_path / "home"), store=services.store, transport=Slow(),
        federation=Federation(services.centres), centres=services.centres,
    )  # fmt: skip
    assert made.last_loads() == {}
    answers.set()
    give_up = time.monotonic() + 10
    while set(made.last_loads()) != set(services.centres):
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_what_is_within_the_limits_is_sent_to_the_centre_with_the_data(submit) -> None:
    wire = Wire()
    submit(wire)("subset", SUBSET)
    assert wire.sent == ["theia"]


def test_a_choice_names_the_centre_with_the_data_and_why(services, tmp_path: Path) -> None:
    made = Submission(
        settings=Settings(home=tmp_path / "home"), store=services.store, transport=Wire(),
        federation=Federation(services.centres), centres=services.centres,
    )  # fmt: skip
    subset = services.processes["subset"]
    choice = made.choose(subset, understand(services, subset, SUBSET)).choice
    assert choice.centre == "theia"
    assert choice.reason.en.startswith("theia holds the data")


def test_a_run_that_goes_on_is_answered_for_also_while_the_store_takes_no_writing(
    submit, services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Store, job: Job) -> None:
        raise StoreDown

    monkeypatch.setattr(Store, "turn_asynchronous", refuse)
    made = Submission(
        settings=Settings(home=tmp_path / "home"), store=services.store, transport=Wire(),
        federation=Federation(services.centres), centres=services.centres,
    )  # fmt: skip
    echo = services.processes["echo"]
    job = made.submit(echo, understand(services, echo, HELLO), owner="anna", synchronous=True)
    assert made.go_on(job) == job


def test_nobody_waits_again_for_a_broker_that_was_away_a_moment_ago(submit, services) -> None:
    wire = Wire("climeri", "theia")
    job = submit(wire)("echo", HELLO)
    assert wire.sent == []
    assert [waiting.id for waiting in services.store.unfinished()] == [job.id]


def test_orders_that_were_sent_are_taken_out_of_the_outbox_together() -> None:
    class Noted:
        def __init__(self) -> None:
            self.batches: list[list[tuple[str, int]]] = []

        def orders_sent(self, sent: list[tuple[str, int]]) -> None:
            self.batches.append(sent)
            if len(self.batches) == 1:
                raise StoreDown

    noted = Noted()
    sent = SentOrders(noted, pause_s=0.05)
    sent.note("a", 1)
    sent.note("b", 1)
    _wait_for(lambda: noted.batches == [[("a", 1), ("b", 1)]])
    sent.note("c", 2)
    _wait_for(lambda: noted.batches[1:] == [[("c", 2)]])


def _wait_for(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from gaia_config.settings import Settings
from gaia_server.jobs.reconciler import Fail, Reconciler, Resend, Seen, Wait, decide
from gaia_server.jobs.states import State
from gaia_workers.contract import BadMessage, Kind, Load, Report, Trace, TransportDown, Words, utc_now

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LEASE_S = 3.0
UP = Load(alive=True, waiting={"interactive": 1}, running=1, slots=1)
IDLE = Load(alive=True, waiting={"interactive": 0}, running=0, slots=1)
DOWN = Load(alive=False)
UNREACHABLE = Load(alive=False, reachable=False)
CLAIMED = Trace(sent=1, claimed=1, leased=True)
SILENT = Trace(sent=1, claimed=1, leased=False)
WAITING = Trace(sent=1)
FORGOTTEN = Trace()


@pytest.fixture
def decided(make_job):
    """Decide about a job that was sent at noon."""

    def decide_about(
        *, lost: int = 0, attempt: int = 1, state: State = State.RUNNING, sent=NOON, after_s: float = 1,
        said: Words | None = None, **seen,
    ):  # fmt: skip
        heard = {} if said is None else {"reason": said, "seen": NOON}
        job = make_job(sent=sent, lost=lost, attempt=attempt, state=state, **heard)
        known = {"now": NOON + timedelta(seconds=after_s), "trace": CLAIMED, "load": UP} | seen
        return decide(job, Seen(**known), lease_s=LEASE_S, attempts=3)

    return decide_about


def test_what_is_at_work_is_left_alone(decided) -> None:
    assert decided() == Wait()


def test_what_waits_in_the_outbox_is_left_to_it(decided) -> None:
    assert decided(sent=None, trace=FORGOTTEN) == Wait()


def test_what_waits_in_a_queue_is_left_alone(decided) -> None:
    assert decided(trace=WAITING, after_s=3600) == Wait()


def test_a_worker_that_is_silent_for_less_than_a_lease_is_waited_for(decided) -> None:
    assert decided(trace=SILENT, unleased_s=0.9) == Wait()


def test_a_worker_that_is_silent_for_a_lease_is_lost(decided) -> None:
    decision = decided(trace=SILENT, unleased_s=1.0)
    assert isinstance(decision, Resend)
    assert decision.lost


def test_a_worker_whose_reports_are_not_yet_written_down_is_not_lost(decided) -> None:
    busy_recorder = replace(UP, behind_s=6.0)
    assert decided(trace=SILENT, unleased_s=6.9, load=busy_recorder) == Wait()
    assert isinstance(decided(trace=SILENT, unleased_s=7.0, load=busy_recorder), Resend)


def test_the_third_lost_attempt_is_the_last(decided) -> None:
    decision = decided(trace=Trace(sent=3, claimed=3), attempt=3, lost=2, unleased_s=3.0)
    assert isinstance(decision, Fail)
    assert decision.failure.code == "worker-lost"


def test_an_order_that_the_broker_forgot_is_sent_again_and_does_not_count_as_lost(decided) -> None:
    decision = decided(state=State.ACCEPTED, trace=FORGOTTEN)
    assert isinstance(decision, Resend)
    assert not decision.lost


def test_work_that_the_broker_forgot_is_given_a_lease_to_show_that_it_goes_on(decided) -> None:
    assert decided(trace=FORGOTTEN, unleased_s=2.9) == Wait()
    assert isinstance(decided(trace=FORGOTTEN, unleased_s=3.0), Resend)


def test_an_order_that_left_the_queue_and_reached_nobody_is_sent_again(decided) -> None:
    decision = decided(state=State.ACCEPTED, trace=WAITING, load=IDLE, after_s=6.1)
    assert isinstance(decision, Resend)
    assert not decision.lost
    assert decided(state=State.ACCEPTED, trace=WAITING, load=IDLE, after_s=5.9) == Wait()


def test_an_order_that_a_worker_left_and_said_why_is_sent_again_later_for_the_same_reason(decided) -> None:
    why = Words(en="waits until climeri is upgraded", fr="attend la mise à jour de climeri")
    left = {"state": State.ACCEPTED, "trace": WAITING, "load": IDLE, "said": why}
    assert decided(**left, after_s=8 * LEASE_S - 0.1) == Wait()
    assert decided(**left, after_s=8 * LEASE_S + 0.1) == Resend(lost=False, reason=why)


def test_work_at_a_centre_that_is_cut_off_is_waited_for_and_the_reason_is_shown(decided) -> None:
    for load, trace in ((DOWN, SILENT), (UNREACHABLE, FORGOTTEN)):
        decision = decided(load=load, trace=trace, unleased_s=1000)
        assert isinstance(decision, Wait)
        assert decision.reason is not None
        assert "no contact with climeri since" in decision.reason.en


def test_a_centre_that_has_been_silent_since_the_lease_ran_out_is_cut_off_and_not_dead(decided) -> None:
    decision = decided(trace=SILENT, unleased_s=4.0, load=replace(UP, silent_s=4.1))
    assert isinstance(decision, Wait)
    assert decision.reason is not None
    assert isinstance(decided(trace=SILENT, unleased_s=4.0, load=replace(UP, silent_s=3.9)), Resend)


def test_work_at_a_dead_centre_moves_to_one_that_lives_and_has_the_data(decided) -> None:
    decision = decided(load=DOWN, trace=SILENT, unleased_s=3.0, elsewhere=True)
    assert isinstance(decision, Resend)


def test_an_order_waiting_for_a_dead_centre_moves_too(decided) -> None:
    assert isinstance(decided(state=State.ACCEPTED, load=DOWN, trace=WAITING, elsewhere=True), Resend)
    stays = decided(state=State.ACCEPTED, load=DOWN, trace=WAITING)
    assert isinstance(stays, Wait)
    assert stays.reason is not None


def test_an_order_for_a_centre_that_cannot_use_its_folders_waits_and_says_so(decided) -> None:
    troubled = Load(alive=False, trouble=("the results folder cannot be written",))
    stays = decided(state=State.ACCEPTED, load=troubled, trace=WAITING)
    assert isinstance(stays, Wait)
    assert stays.reason is not None
    assert "cannot read its data or write results" in stays.reason.en
    assert isinstance(decided(state=State.ACCEPTED, load=troubled, trace=WAITING, elsewhere=True), Resend)


def test_after_its_deadline_a_job_fails_whatever_else_is_true(decided) -> None:
    for load in (UP, DOWN, UNREACHABLE):
        decision = decided(load=load, after_s=86400)
        assert isinstance(decision, Fail)
        assert decision.failure.code == "deadline"


class Wire:
    """A transport that remembers what it was given; `away` names centres whose broker does not answer."""

    def __init__(self, *away: str, too_large: tuple[str, ...] = ()) -> None:
        self.away = away
        self.too_large = too_large
        self.given: list[tuple[str, str, int]] = []

    def send(self, order) -> None:
        if order.job_id in self.too_large:
            raise BadMessage
        self._give(order.centre, "order", order.attempt)

    def dismiss(self, centre: str, dismissal) -> None:
        self._give(centre, "aside" if dismissal.aside else "dismissal", dismissal.attempt)

    def _give(self, centre: str, kind: str, attempt: int) -> None:
        if centre in self.away:
            raise TransportDown
        self.given.append((centre, kind, attempt))


class Crooked(Wire):
    """A transport whose broker says of one job what makes no sense."""

    def __init__(self, job_id: str) -> None:
        super().__init__()
        self.job_id = job_id

    def load(self, centre: str) -> Load:
        return UP

    def trace(self, centre: str, job_ids: tuple[str, ...]) -> dict:
        return {job_id: None if job_id == self.job_id else CLAIMED for job_id in job_ids}


class Forgetful(Wire):
    """A transport whose brokers are away until they come back empty, beside workers that live."""

    now, is_back = 0.0, False

    def load(self, centre: str) -> Load:
        return UP if self.is_back else UNREACHABLE

    def trace(self, centre: str, job_ids: tuple[str, ...]) -> dict:
        return dict.fromkeys(job_ids, FORGOTTEN)


@pytest.fixture
def reconciler(store, centres):
    """Give a reconciler over a store, the wire it sends by, and what it had discarded."""

    def make(wire: Wire, **more):
        discarded: list[tuple[str, int]] = []
        made = Reconciler(
            settings=Settings(),
            store=store,
            transport=wire,
            federation=None,
            centres=centres,
            discard=lambda job, attempt: discarded.append((job, attempt)),
            **more,
        )
        return made, discarded

    return make


def test_what_an_abandoned_attempt_delivered_is_removed_here_and_at_its_centre(store, make_job, reconciler) -> None:
    job = store.accept(make_job())
    store.sent(job.id, 1)
    store.resend(job, lost=True, centre="theia", queue="batch", reason=Words(en="w", fr="p"))
    wire = Wire()
    made, discarded = reconciler(wire)
    made.publish()
    assert wire.given == [("climeri", "dismissal", 1), ("theia", "order", 2)]
    assert discarded == [(job.id, 1)]
    assert store.outgoing() == ()


def test_what_died_once_follows_at_once_and_what_died_twice_rests_before(
    store, make_job, reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = store.accept(make_job())
    wire, died = Wire(), Words(en="died", fr="mort")
    made, _ = reconciler(wire)
    for attempt in (1, 2):
        store.sent(job.id, attempt)
        (work,) = store.unfinished()
        store.resend(work, lost=True, centre="climeri", queue="interactive", reason=died)
        made.publish()
    assert [each for each in wire.given if each[1] == "order"] == [("climeri", "order", 2)]
    monkeypatch.setattr("gaia_server.jobs.reconciler.BACKOFF_S", (0.0, 0.0))
    made.publish()
    assert wire.given[-1] == ("climeri", "order", 3)


def test_files_of_which_nothing_is_known_are_put_aside_at_their_centre_and_not_removed_here(store, reconciler) -> None:
    store.apply([Report(job_id="nobody", part=0, attempt=3, centre="theia", kind=Kind.HELD)], attempts=3)
    wire = Wire()
    made, discarded = reconciler(wire)
    made.publish()
    assert (wire.given, discarded, store.outgoing()) == ([("theia", "aside", 3)], [], ())


def test_a_broker_that_is_away_holds_up_nobody_else_and_loses_nothing(store, make_job, reconciler) -> None:
    here, there = store.accept(make_job()), store.accept(make_job(centre="theia"))
    wire = Wire("climeri")
    made, _ = reconciler(wire)
    for job in (here, there):
        store.resend(job, lost=False, centre=job.centre, queue="interactive", reason=Words(en="w", fr="p"))
    made.publish()
    assert ("theia", "order", 2) in wire.given
    assert {(out.centre, out.kind) for out, _ in store.outgoing()} == {("climeri", "dismissal"), ("climeri", "order")}


def test_an_order_that_can_never_be_sent_ends_its_job_and_holds_up_nobody(store, make_job, reconciler) -> None:
    endless, good = store.accept(make_job()), store.accept(make_job())
    wire = Wire(too_large=(endless.id,))
    made, _ = reconciler(wire)
    made.publish()
    assert wire.given == [("climeri", "order", 1)]
    assert store.find(endless.id, owner="anna").state is State.FAILED
    assert store.find(good.id, owner="anna").state is State.ACCEPTED


def test_a_job_that_cannot_be_looked_at_keeps_no_other_waiting(store, make_job, reconciler, caplog) -> None:
    broken, late = store.accept(make_job()), store.accept(make_job(deadline=NOON))
    made, _ = reconciler(Crooked(broken.id))
    assert made.reconcile() == (late.id,)
    assert store.find(late.id, owner="anna").state is State.FAILED


def test_work_has_a_lease_to_show_itself_from_when_an_emptied_broker_is_back_and_not_from_when_it_went(
    store, make_job, reconciler
) -> None:
    job = store.accept(make_job(deadline=utc_now() + timedelta(days=1)))
    wire = Forgetful()
    store.sent(job.id, 1)
    store.apply([Report(job_id=job.id, part=0, attempt=1, centre="climeri", kind=Kind.STARTED)], attempts=3)
    made, _ = reconciler(wire, clock=lambda: wire.now)
    for wire.now, wire.is_back in ((0.0, False), (1000.0, False), (1000.1, True)):
        made.reconcile()
    assert store.find(job.id, owner="anna").attempt == 1
    wire.now += Settings().lease_s
    made.reconcile()
    assert store.find(job.id, owner="anna").attempt == 2


def test_a_first_order_is_left_to_the_web_process_for_a_moment(store, make_job, reconciler) -> None:
    store.accept(make_job(created=datetime.now(UTC)))
    wire = Wire()
    made, _ = reconciler(wire)
    made.publish()
    assert wire.given == []


def test_a_centre_that_is_no_longer_configured_is_told_of_once_and_holds_up_nobody(store, make_job, reconciler) -> None:
    store.accept(make_job(centre="closed"))
    store.accept(make_job())
    wire = Wire()
    made, _ = reconciler(wire)
    with capture_logs() as said:
        for _ in range(3):
            made.publish()
    assert [line["centre"] for line in said if "not in the configuration" in line["event"]] == ["closed"]
    assert wire.given == [("climeri", "order", 1)]
    assert [out.centre for out, _ in store.outgoing()] == ["closed"]

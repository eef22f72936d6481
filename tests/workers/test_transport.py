import base64
import json
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from redis.connection import SSLConnection

from gaia_config.centres import Centre
from gaia_workers.contract import (
    BadMessage,
    Dismissal,
    Kind,
    Order,
    Presence,
    Report,
    Trace,
    TransportDown,
    seal,
    unseal,
)
from gaia_workers.messages import write_message
from gaia_workers.transport import AGENTS, RECORDER, CeleryTransport, Line

JOB = "11111111-1111-4111-8111-111111111111"
LEASE_S = 5.0


def report(**change: object) -> Report:
    values: dict[str, object] = {"job_id": JOB, "part": 0, "attempt": 1, "centre": "climeri", "kind": Kind.STARTED}
    return Report(**(values | change))  # type: ignore[arg-type]  # a test says what it changes


def order(**change: object) -> Order:
    now = datetime.now(UTC)
    values: dict[str, object] = {
        "job_id": str(uuid4()), "part": 0, "attempt": 1, "process_id": "echo", "process_version": "1.0.0",
        "inputs": {"message": "hi"}, "formats": {"message": "text"}, "accepted": now,
        "queue_deadline": now + timedelta(hours=1), "time_limit_s": 60.0, "memory_limit_bytes": 2**31,
        "centre": "climeri", "queue": "interactive",
    }  # fmt: skip
    return Order(**(values | change))  # type: ignore[arg-type]  # a test says what it changes


@pytest.fixture
def transport(centre: Centre, redis_url: str) -> Iterator[CeleryTransport]:
    opened = CeleryTransport.open({centre.id: centre}, redis_url)
    yield opened
    opened.close()


def test_an_attempt_is_claimed_once(line: Line) -> None:
    assert line.claim(JOB, 1, LEASE_S)
    assert not line.claim(JOB, 1, LEASE_S)


def test_a_later_attempt_takes_over_and_the_earlier_one_can_renew_no_more(line: Line) -> None:
    line.claim(JOB, 1, LEASE_S)
    assert line.renew(JOB, 1, LEASE_S)
    assert line.claim(JOB, 2, LEASE_S)
    assert not line.renew(JOB, 1, LEASE_S)
    assert not line.claim(JOB, 1, LEASE_S)


def test_a_lease_that_is_let_go_is_gone_and_the_claim_stays(line: Line) -> None:
    line.put_order(order(job_id=JOB))
    line.claim(JOB, 1, LEASE_S)
    assert line.traces((JOB,)) == {JOB: Trace(sent=1, claimed=1, leased=True)}
    line.release(JOB, 1)
    assert line.traces((JOB,)) == {JOB: Trace(sent=1, claimed=1, leased=False)}


def test_an_old_attempt_cannot_let_go_of_a_new_ones_lease(line: Line) -> None:
    line.claim(JOB, 1, LEASE_S)
    line.claim(JOB, 2, LEASE_S)
    line.release(JOB, 1)
    assert line.traces((JOB,))[JOB].leased


def test_a_broker_that_forgot_everything_gets_the_lease_back_with_the_next_heartbeat(line: Line, broker) -> None:
    line.claim(JOB, 3, LEASE_S)
    for key in broker.keys(f"{line.centre.prefix}*"):
        broker.delete(key)
    assert line.traces((JOB,)) == {JOB: Trace()}
    assert line.renew(JOB, 3, LEASE_S)
    assert line.traces((JOB,)) == {JOB: Trace(claimed=3, leased=True)}


def test_a_dismissal_reaches_the_holder_and_the_agents(line: Line) -> None:
    line.put_dismissal(Dismissal(job_id=JOB, attempt=2))
    assert line.dismissed(JOB, 1)
    assert line.dismissed(JOB, 2)
    assert not line.dismissed(JOB, 3)
    taken = _take(line, "dismissals", AGENTS, Dismissal)
    assert [message for _, message in taken] == [Dismissal(job_id=JOB, attempt=2)]


def test_what_was_dismissed_is_not_taken_and_holds_no_lease(line: Line) -> None:
    line.put_dismissal(Dismissal(job_id=JOB, attempt=2))
    assert not line.claim(JOB, 1, LEASE_S)
    assert not line.traces((JOB,))[JOB].leased
    assert line.claim(JOB, 3, LEASE_S)


def test_a_dismissal_is_heard_with_the_next_heartbeat(line: Line) -> None:
    assert line.claim(JOB, 1, LEASE_S)
    line.put_dismissal(Dismissal(job_id=JOB, attempt=1))
    assert not line.renew(JOB, 1, LEASE_S)


def test_the_last_reports_let_go_of_the_lease(line: Line) -> None:
    line.claim(JOB, 1, LEASE_S)
    line.put_reports([report()], release=(JOB, 1))
    assert not line.traces((JOB,))[JOB].leased
    assert [message for _, message in _take(line, "reports", RECORDER, Report)] == [report()]


def test_a_forged_dismissal_stops_nothing(line: Line, broker) -> None:
    forged = json.dumps(seal(Dismissal(job_id=JOB, attempt=9), b"x" * 32))
    broker.hset(line.key("job", JOB), "dismissal", forged)
    assert not line.dismissed(JOB, 1)


def test_a_dismissal_of_another_job_stops_nothing(line: Line, broker) -> None:
    other = json.dumps(seal(Dismissal(job_id=str(uuid4()), attempt=9), line.centre.key))
    broker.hset(line.key("job", JOB), "dismissal", other)
    assert not line.dismissed(JOB, 1)


def test_reports_come_again_until_they_are_acknowledged(line: Line) -> None:
    line.put_reports([report()])
    first = _take(line, "reports", RECORDER, Report)
    assert _take(line, "reports", RECORDER, Report) == first
    line.acknowledge("reports", RECORDER, tuple(number for number, _ in first))
    assert line.take("reports", RECORDER, Report, wait_s=0, limit=9) == ()


def test_a_load_tells_how_old_the_oldest_report_is_that_nobody_has_dealt_with(line: Line) -> None:
    assert line.load().behind_s == 0
    line.put_reports([report(), report()])
    time.sleep(0.05)
    assert 0.04 < line.load().behind_s < 10
    line.acknowledge("reports", RECORDER, tuple(number for number, _ in _take(line, "reports", RECORDER, Report)))
    assert line.load().behind_s == 0


def test_a_forged_report_arrives_as_what_it_is(line: Line, broker) -> None:
    envelope = seal(report(), b"x" * 32)
    broker.xadd(line.key("reports"), {"envelope": json.dumps(envelope)})
    broker.xadd(line.key("reports"), {"envelope": "no JSON"})
    broker.xadd(line.key("reports"), {"else": "1"})
    taken = _take(line, "reports", RECORDER, Report)
    assert [type(message) for _, message in taken] == [BadMessage] * 3


DEEP = "[" * 200_000


@pytest.mark.parametrize(
    "rubbish", [b"\xff\xfe", DEEP.encode(), b'{"contract": 3, "kind": "a", "body": "\\ud800", "signature": "b"}']
)
def test_whatever_somebody_lays_into_the_broker_keeps_nobody_from_the_rest(
    line: Line, transport: CeleryTransport, broker, rubbish: bytes
) -> None:
    broker.xadd(line.key("reports"), {"envelope": rubbish})
    broker.hset(line.key("job", JOB), "dismissal", rubbish)
    broker.sadd(line.key("workers"), "somebody")
    broker.set(line.key("presence", "somebody"), rubbish, px=10_000)
    line.put_reports([report()])
    taken = _take(line, "reports", RECORDER, Report)
    assert [type(message) for _, message in taken] == [BadMessage, Report]
    assert line.claim(JOB, 1, LEASE_S)
    assert not transport.load("climeri").alive


def test_a_centre_is_alive_while_a_worker_says_so(line: Line, transport: CeleryTransport) -> None:
    assert not transport.load("climeri").alive
    presence = Presence(worker="w", centre="climeri", queues=("interactive",), running=("a/1",), slots=2)
    line.show_presence(presence)
    load = transport.load("climeri")
    assert (load.alive, load.running, load.slots) == (True, 1, 2)
    line.leave("w")
    assert not transport.load("climeri").alive


def test_a_worker_in_trouble_does_not_count_as_alive(line: Line, transport: CeleryTransport) -> None:
    line.show_presence(
        Presence(
            worker="w", centre="climeri", queues=(), running=(), slots=2, trouble="the results folder is read-only"
        )
    )
    load = transport.load("climeri")
    assert (load.alive, load.trouble) == (False, ("the results folder is read-only",))


def test_a_sent_order_waits_on_its_queue_below_the_prefix(transport: CeleryTransport, centre: Centre, broker) -> None:
    transport.send(order())
    assert transport.load("climeri").waiting == {"interactive": 1}
    assert broker.llen(f"{centre.prefix}climeri.interactive") == 1


def test_several_orders_go_out_together_and_in_their_order(transport: CeleryTransport, centre: Centre, broker) -> None:
    first, second = order(), order(inputs={"message": "é\r\n$3"})
    transport.send(first, second)
    waiting = broker.lrange(f"{centre.prefix}climeri.interactive", 0, -1)
    bodies = [json.loads(base64.b64decode(json.loads(message)["body"])) for message in reversed(waiting)]
    assert [json.loads(body[0][0]["body"])["job_id"] for body in bodies] == [first.job_id, second.job_id]
    traces = transport.trace("climeri", (first.job_id, second.job_id))
    assert [trace.sent for trace in traces.values()] == [1, 1]


def test_what_the_broker_refuses_is_said_and_spoils_nothing_that_follows(
    transport: CeleryTransport, centre: Centre, broker
) -> None:
    queue = f"{centre.prefix}climeri.interactive"
    broker.set(queue, "no list")
    with pytest.raises(TransportDown, match="refuses"):
        transport.send(order(), order())
    broker.delete(queue)
    transport.send(order())
    assert broker.llen(queue) == 1


def test_an_order_leaves_its_queue_and_is_claimed_in_one_step(line: Line) -> None:
    one = order()
    line.put_order(one)
    taken = line.take_order(["interactive"], LEASE_S)
    assert taken is not None
    assert taken.claim is not None
    assert (taken.claim.job_id, taken.claim.attempt) == (one.job_id, 1)
    assert unseal(taken.envelope(), line.centre.key, Order) == one
    assert line.confirm(taken.claim)
    assert line.traces((one.job_id,)) == {one.job_id: Trace(sent=1, claimed=1, leased=True)}
    assert line.take_order(["interactive"], LEASE_S) is None
    assert not line.claim(one.job_id, 1, LEASE_S)


def test_an_order_that_was_taken_before_or_never_sent_is_not_claimed_with_its_queue(line: Line, broker) -> None:
    """A label with a high number would else keep the real attempts of a job out, and stop the one that runs."""
    sent, queue = order(), line.key("climeri.interactive")
    line.put_order(sent)
    message = broker.lindex(queue, 0)
    assert line.take_order(["interactive"], LEASE_S)
    for again in (
        message,
        write_message({}, queue, label=f"{sent.job_id}/9"),
        write_message({}, queue, label=f"{JOB}/1"),
    ):
        broker.lpush(queue, again)
        taken = line.take_order(["interactive"], LEASE_S)
        assert taken is not None
        assert taken.claim is None
    assert line.renew(sent.job_id, 1, LEASE_S)
    assert line.traces((JOB,)) == {JOB: Trace()}


def test_an_order_that_was_dismissed_on_its_queue_is_let_go(line: Line) -> None:
    one = order()
    line.put_order(one)
    line.put_dismissal(Dismissal(job_id=one.job_id, attempt=1))
    taken = line.take_order(["interactive"], LEASE_S)
    assert taken is not None
    assert taken.claim is not None
    assert not line.confirm(taken.claim)
    assert line.traces((one.job_id,)) == {one.job_id: Trace(sent=1, claimed=1, leased=False)}


def test_a_claim_that_is_undone_leaves_what_was_there_before(line: Line) -> None:
    one = order()
    for attempt, before in ((1, Trace(sent=1)), (3, Trace(sent=3, claimed=2, leased=False))):
        line.put_order(replace(one, attempt=attempt))
        taken = line.take_order(["interactive"], LEASE_S)
        assert taken is not None
        assert taken.claim is not None
        line.undo(taken.claim)
        assert line.traces((one.job_id,)) == {one.job_id: before}
        assert line.claim(one.job_id, 2, LEASE_S) is (attempt == 1)


def test_a_broker_that_is_away_is_said_in_time(centre: Centre) -> None:
    away = replace(centre, broker_url="redis://127.0.0.1:1/0")
    transport = CeleryTransport.open({centre.id: away}, away.broker_url)
    with pytest.raises(TransportDown):
        transport.send(order())
    with pytest.raises(TransportDown):
        transport.load("climeri")
    with pytest.raises(TransportDown):
        transport.announce((JOB,))
    transport.close()


def test_a_change_is_heard_by_those_who_listen(transport: CeleryTransport) -> None:
    import threading

    heard: list[tuple[str, ...]] = []
    listener = threading.Thread(target=lambda: heard.append(next(transport.changes())), daemon=True)
    listener.start()
    for _ in range(200):
        transport.announce((JOB,))
        listener.join(timeout=0.05)
        if heard:
            break
    assert heard == [(JOB,)]


def _take(line: Line, stream, group: str, expect):
    """The first call of all makes the group."""
    return line.take(stream, group, expect, wait_s=0.1, limit=9) or line.take(
        stream, group, expect, wait_s=0.1, limit=9
    )


def test_a_broker_behind_tls_is_asked_who_it_is_on_every_connection(centre: Centre) -> None:
    line = Line(replace(centre, broker_url="rediss://:word@broker.example:6379/0"))
    for connection in (line._redis.connection_pool.make_connection(), line._exchange._connection()):
        assert isinstance(connection, SSLConnection)
        assert connection.cert_reqs == ssl.CERT_REQUIRED
        assert connection.check_hostname
    line.close()


def test_a_broker_that_was_started_anew_is_given_the_scripts_again(line: Line, broker) -> None:
    assert line.claim(JOB, 1, LEASE_S)
    broker.script_flush()
    assert line.renew(JOB, 1, LEASE_S)


def test_an_exchange_that_broke_off_leaves_no_answer_for_the_next_one(line: Line, broker) -> None:
    assert line.claim(JOB, 1, LEASE_S)
    for name in [each["id"] for each in broker.client_list() if each["id"] != str(broker.client_id())]:
        broker.client_kill_filter(_id=name)
    assert line.renew(JOB, 1, LEASE_S)  # the connection was seen to be closed, and another one opened
    broker.lpush(line.key("lease", "x"), "no lease")
    with pytest.raises(TransportDown, match="refuses"):
        line.release("x", 1)
    assert line.renew(JOB, 1, LEASE_S)

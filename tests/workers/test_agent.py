"""Whose orders an agent believes, and when it takes none."""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
import redis

from gaia_config.catalogue import write_empty
from gaia_config.centres import Centre
from gaia_config.settings import Settings
from gaia_workers import agent as agents
from gaia_workers.agent import Agent
from gaia_workers.contract import Dismissal, Kind, Order, Report, Trace, seal
from gaia_workers.messages import write_message
from gaia_workers.transport import Taken
from orders import order

Carried = list[Order]
LABEL = "11111111-1111-4111-8111-111111111111/1"


@pytest.fixture
def agent(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Agent, Carried]]:
    """Give an agent that notes what it would carry out."""
    write_empty(centre)
    made, carried = Agent(centre, Settings()), Carried()
    monkeypatch.setattr(made, "_carry_out", lambda order, _: carried.append(order))
    monkeypatch.setattr(agents, "PAUSE_S", 0.0)
    yield made, carried
    made._line.close()


def arriving(envelope: object) -> Taken:
    """Put an envelope into a message, as it comes off a queue."""
    return Taken(message=write_message(envelope, "climeri.interactive", label=LABEL))  # type: ignore[arg-type]  # forged


def altered(change: Callable[[dict[str, Any]], object]) -> Callable[[Centre], dict[str, Any]]:
    """Sign an order as the server does, and change it afterwards."""

    def make(centre: Centre) -> dict[str, Any]:
        envelope = seal(order(), centre.key)
        change(envelope)
        return envelope

    return make


def with_body(**members: object) -> Callable[[Centre], dict[str, Any]]:
    def change(envelope: dict[str, Any]) -> None:
        envelope["body"] = json.dumps(json.loads(envelope["body"]) | members)

    return altered(change)


NOT_BELIEVED: dict[str, Callable[[Centre], Any]] = {
    "nothing": lambda _: {},
    "a text": lambda _: "run this",
    "unsigned": altered(lambda envelope: envelope.pop("signature")),
    "signed with another key": lambda _: seal(order(), b"x" * 32),
    "another job": with_body(job_id=str(uuid4())),
    "a later attempt": with_body(attempt=2),
    "another process": with_body(process_id="subset"),
    "other inputs": with_body(inputs={"message": "something else"}),
    "more memory": with_body(memory_limit_bytes=2**60),
    "another contract": altered(lambda envelope: envelope.update(contract=1)),
    "another kind": altered(lambda envelope: envelope.update(kind="report")),
    "a dismissal in its place": lambda centre: seal(Dismissal(job_id=str(uuid4()), attempt=1), centre.key),
    "for another centre": lambda centre: seal(order(centre="theia"), centre.key),
    "a signature that is no text": altered(lambda envelope: envelope.update(signature=5)),
}


@pytest.mark.parametrize("forged", NOT_BELIEVED.values(), ids=NOT_BELIEVED.keys())
def test_a_forged_or_altered_order_runs_nothing(
    agent: tuple[Agent, Carried], centre: Centre, forged: Callable[[Centre], Any]
) -> None:
    it, carried = agent
    it._take(arriving(forged(centre)))
    assert carried == []


@pytest.mark.parametrize(
    "message", ["", "{", "[]", "null", '{"body": 5}', '{"body": "W10=", "properties": {}}', "[" * 100_000]
)
def test_what_is_no_message_of_a_task_runs_nothing(agent: tuple[Agent, Carried], message: str) -> None:
    it, carried = agent
    it._take(Taken(message=message))
    assert carried == []


def test_a_genuine_order_is_carried_out(agent: tuple[Agent, Carried], centre: Centre) -> None:
    it, carried = agent
    one = order()
    it._take(arriving(seal(one, centre.key)))
    assert carried == [one]


def test_a_claim_by_a_label_that_the_order_does_not_bear_out_is_undone(
    agent: tuple[Agent, Carried], centre: Centre, broker: redis.Redis
) -> None:
    it, carried = agent
    victim, other = order(), order()
    it._line.put_order(victim)
    queue = f"{centre.prefix}climeri.interactive"
    genuine = broker.lpop(queue)
    label = f"{victim.job_id}/{victim.attempt}"
    for envelope in ({"forged": True}, seal(other, centre.key)):
        broker.lpush(queue, write_message(envelope, queue, label=label))
        it._serve_once()
        assert it._line.traces((victim.job_id,)) == {victim.job_id: Trace(sent=1, claimed=0, leased=False)}
    assert carried == [other]  # the second was signed: it runs as what it is
    broker.lpush(queue, genuine)
    it._serve_once()
    assert carried == [other, victim]


def test_an_order_that_was_signed_but_not_labelled_is_taken_as_the_version_before_sends_it(
    agent: tuple[Agent, Carried], centre: Centre, broker: redis.Redis
) -> None:
    it, carried = agent
    one, queue = order(), f"{centre.prefix}climeri.interactive"
    message = json.loads(write_message(seal(one, centre.key), queue, label=LABEL))
    broker.lpush(queue, json.dumps({name: value for name, value in message.items() if name != "order"}))
    it._serve_once()
    assert carried == [one]


def test_an_order_of_a_newer_process_is_left_and_its_job_told_what_it_waits_for(
    agent: tuple[Agent, Carried], centre: Centre
) -> None:
    it, carried = agent
    newer = order(process_version="99.0.0")
    it._line.put_order(newer)
    it._serve_once()
    assert carried == []
    assert it._line.traces((newer.job_id,)) == {newer.job_id: Trace(sent=1)}
    ((_, said),) = it._line.take("reports", "recorder", Report, wait_s=0, limit=9) or it._line.take(
        "reports", "recorder", Report, wait_s=0, limit=9
    )
    assert isinstance(said, Report)
    assert (said.kind, said.job_id, said.attempt) == (Kind.WAITING, newer.job_id, 1)
    assert said.words is not None
    assert said.words.en.startswith("waits until climeri is upgraded")


def test_an_agent_whose_folders_cannot_be_used_takes_no_order(agent: tuple[Agent, Carried], centre: Centre) -> None:
    it, carried = agent
    assert centre.results is not None
    it._results = type(it._results)(centre.results / "a file")
    (centre.results / "a file").write_text("in the way")
    assert it._self_test() is not None
    one = replace(order(), attempt=2)
    it._line.put_order(one)
    it._serve_once()
    assert carried == []
    assert it._line.load().waiting == {"interactive": 1}
    it._take(arriving(seal(order(), centre.key)))  # it was on its way already
    assert carried == []
    (centre.results / "a file").unlink()
    assert it._self_test() is None
    it._serve_once()
    assert carried == [one]


def test_what_was_removed_is_told_and_what_could_not_be_is_tried_again(
    agent: tuple[Agent, Carried], centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    it, _ = agent
    told: list[Report] = []
    monkeypatch.setattr(it._line, "put_reports", told.extend)
    assert centre.results is not None
    job = str(uuid4())
    place = centre.results / job / "1"
    place.mkdir(parents=True)
    it._results.prepare()
    it._heed(Dismissal(job_id=job, attempt=1))
    assert not place.exists()
    assert [(report.kind, report.job_id, report.attempt) for report in told] == [(Kind.REMOVED, job, 1)]

    place.mkdir(parents=True)
    (place / "a.txt").write_text("a")
    it._heed(Dismissal(job_id=job, attempt=1, aside=True))
    assert (centre.results / ".quarantine" / f"{job}-1" / "a.txt").read_text() == "a"
    assert (place.exists(), len(told)) == (False, 2)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "no")

    place.mkdir(parents=True)
    with monkeypatch.context() as read_only:
        read_only.setattr(it._results, "remove", refuse)
        it._heed(Dismissal(job_id=job, attempt=1))
        it._remove_again()
        assert len(told) == 2
    it._remove_again()
    assert (place.exists(), len(told)) == (False, 3)
    it._remove_again()
    assert len(told) == 3


def test_what_has_lain_here_for_a_while_is_told_to_the_server(
    agent: tuple[Agent, Carried], centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    it, _ = agent
    told: list[Report] = []
    monkeypatch.setattr(it._line, "put_reports", told.extend)
    assert centre.results is not None
    old, young = str(uuid4()), str(uuid4())
    for name, age_s in ((f"{old}/2", 2 * agents.SETTLED_S), (f"{young}/1", 0), ("notes/1", 2 * agents.SETTLED_S)):
        (centre.results / name).mkdir(parents=True)
        when = time.time() - age_s
        os.utime(centre.results / name, (when, when))
    it._take_stock()
    assert [(report.kind, report.job_id, report.attempt) for report in told] == [(Kind.HELD, old, 2)]


def test_a_draft_that_nobody_holds_at_two_looks_is_removed_and_one_that_is_leased_stays(agent) -> None:
    it, _ = agent
    held, idle = str(uuid4()), str(uuid4())
    it._results.prepare()
    for job in (held, idle):
        (it._results.root / ".drafts" / f"{job}-1-aaaa").mkdir()
    it._line.claim(held, 1, 60)
    it._sweep_drafts()
    assert len(it._results.drafts()) == 2
    it._sweep_drafts()
    assert [folder.name[:36] for folder in it._results.drafts()] == [held]

"""Whose orders an agent believes, and when it takes none."""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from gaia_config.catalogue import write_empty
from gaia_config.centres import Centre
from gaia_config.settings import Settings
from gaia_workers import agent as agents
from gaia_workers.agent import Agent
from gaia_workers.contract import Dismissal, Kind, Order, Report, seal
from orders import order

Carried = list[Order]


@pytest.fixture
def agent(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Agent, Carried]]:
    """Give an agent that notes what it would carry out."""
    write_empty(centre)
    made, carried = Agent(centre, Settings()), Carried()
    monkeypatch.setattr(made, "_carry_out", carried.append)
    monkeypatch.setattr(agents, "PAUSE_S", 0.0)
    yield made, carried
    made._line.close()


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
    it._take(forged(centre))
    assert carried == []


def test_a_genuine_order_is_carried_out(agent: tuple[Agent, Carried], centre: Centre) -> None:
    it, carried = agent
    one = order()
    it._take(seal(one, centre.key))
    assert carried == [one]


def test_an_order_of_a_newer_process_is_left_and_its_job_told_what_it_waits_for(
    agent: tuple[Agent, Carried], centre: Centre
) -> None:
    it, carried = agent
    newer = order(process_version="99.0.0")
    it._take(seal(newer, centre.key))
    assert carried == []
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
    it._take(seal(order(), centre.key))
    assert carried == []
    (centre.results / "a file").unlink()
    assert it._self_test() is None
    one = replace(order(), attempt=2)
    it._take(seal(one, centre.key))
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

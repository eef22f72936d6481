"""Forks that wait for an errand, with a real warm parent."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import gaia_workers.forks as forks_module
from gaia_config.centres import Centre
from gaia_workers.agent import warm_up
from gaia_workers.contract import Result
from gaia_workers.errands import Errand
from gaia_workers.forks import Fork, Forks
from gaia_workers.limits import Allowance
from gaia_workers.results import Results
from orders import order


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    warm_up()


@pytest.fixture
def forks() -> Iterator[Forks]:
    made = Forks(ready=2)
    yield made
    made.close()


@pytest.fixture
def errand(centre: Centre) -> Errand:
    assert centre.results is not None
    Results(centre.results).prepare()
    allowance = Allowance(time_s=60, cpu_s=60, memory_bytes=2**31, scratch_bytes=2**30)
    return Errand(order=order(), allowance=allowance, files={}, results=centre.results, centre=centre, server_url=None)


def outcome_of(fork: Fork) -> object:
    for _ in range(100):
        news = fork.hear(0.1)
        if isinstance(news, Result):
            return news
    raise AssertionError("it said nothing")


def waiting(forks: Forks) -> list[int]:
    return [fork._child.pid for fork in forks._waiting]  # type: ignore[misc]  # begun, so they have one


def test_one_that_waits_is_sent_out_and_the_next_takes_its_place(forks: Forks, errand: Errand) -> None:
    forks.refill()
    first, second = waiting(forks)
    fork = forks.send_out(errand)
    assert fork._child.pid == first
    assert isinstance(outcome_of(fork), Result)
    forks.end(fork)
    assert waiting(forks) == [second]
    forks.refill()
    assert len(waiting(forks)) == 2


def test_one_that_is_out_keeps_its_place(forks: Forks, errand: Errand) -> None:
    forks.refill()
    first, second = waiting(forks)
    one, other = forks.send_out(errand), forks.send_out(replace(errand, order=order()))
    assert isinstance(outcome_of(one), Result)
    forks.take_back(one)
    forks.refill()  # the other one will come back too
    assert waiting(forks) == [first]
    assert isinstance(outcome_of(other), Result)
    forks.take_back(other)
    assert waiting(forks) == [second, first]


def test_one_that_died_while_it_waited_is_passed_over(forks: Forks, errand: Errand) -> None:
    forks.refill()
    for pid, fork in zip(waiting(forks), forks._waiting, strict=True):
        os.kill(pid, signal.SIGKILL)
        fork._child.join(5)
    fork = forks.send_out(errand)
    assert isinstance(outcome_of(fork), Result)
    forks.end(fork)


def test_one_that_did_its_errand_well_is_sent_out_again(forks: Forks, errand: Errand) -> None:
    forks.refill()
    first, second = waiting(forks)
    fork = forks.send_out(errand)
    assert isinstance(outcome_of(fork), Result)
    forks.take_back(fork)
    assert waiting(forks) == [first, second]
    again = forks.send_out(replace(errand, order=order()))
    assert again is fork
    assert isinstance(outcome_of(again), Result)
    forks.end(again)


@pytest.mark.parametrize(("limit", "value"), [("ERRANDS_EACH", 1), ("GROWTH_LIMIT_BYTES", -1), ("ERRANDS_EACH", 2)])
def test_one_that_was_out_often_or_grew_or_left_a_process_behind_is_replaced(
    forks: Forks, errand: Errand, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(forks_module, limit, value)
    forks.refill()
    _, second = waiting(forks)
    fork = forks.send_out(errand)
    pid = fork._child.pid
    assert isinstance(outcome_of(fork), Result)
    assert fork._alone
    if limit == "GROWTH_LIMIT_BYTES":
        fork._idle_bytes = 1
    elif value == 2:
        fork._alone = False  # as the fork says where `has_children` does
    forks.take_back(fork)
    assert waiting(forks) == [second]
    forks.refill()
    assert not Path(f"/proc/{pid}").exists()
    assert len(waiting(forks)) == 2


def test_none_is_left_when_they_are_closed(forks: Forks) -> None:
    forks.refill()
    pids = waiting(forks)
    forks.close()
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    forks.refill()
    assert waiting(forks) == []

"""An order from the queue to the published result, with a real broker and real forks."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gaia_config.catalogue import write_empty
from gaia_config.centres import Centre
from gaia_workers.agent import warm_up
from gaia_workers.attempt import Attempt, Bench
from gaia_workers.contract import MESSAGE_LIMIT_BYTES, Dismissal, Kind, Order, Receipt, Report, Result, Words
from gaia_workers.holdings import Holdings
from gaia_workers.results import MANIFEST, Results, digest
from gaia_workers.transport import RECORDER, Line
from orders import order


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    warm_up()


@pytest.fixture
def bench(centre: Centre, line: Line) -> Iterator[Bench]:
    write_empty(centre)
    assert centre.results is not None
    results = Results(centre.results)
    results.prepare()
    made = Bench(centre=centre, line=line, holdings=Holdings(centre), results=results, server_url=None, lease_s=1.5)
    yield made
    made.forks.close()


@pytest.fixture
def told(line: Line) -> Callable[[], list[Report]]:
    def take() -> list[Report]:
        line.take("reports", RECORDER, Report, wait_s=0.1, limit=100)
        return [
            each
            for _, each in line.take("reports", RECORDER, Report, wait_s=0.1, limit=100)
            if isinstance(each, Report)
        ]

    return take


def slow(seconds: float, **change: object) -> Order:
    return order(inputs={"message": "hi", "pause": seconds}, **change)


def files_below(bench: Bench) -> list[Path]:
    return [path for path in bench.results.root.rglob("*") if path.is_file()]


@pytest.fixture
def in_background() -> Iterator[Callable[[Attempt], threading.Thread]]:
    threads: list[threading.Thread] = []

    def begin(attempt: Attempt) -> threading.Thread:
        thread = threading.Thread(target=attempt.carry_out, daemon=True)
        thread.start()
        threads.append(thread)
        return thread

    yield begin
    for thread in threads:
        thread.join(timeout=10)
        assert not thread.is_alive()


def task_of() -> int:
    """Wait for the process that computes, and give its pid."""
    give_up = time.monotonic() + 30  # the warm parent may still be importing
    while time.monotonic() < give_up:
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and _is_task(entry):
                return int(entry.name)
        time.sleep(0.02)
    raise AssertionError("no task began")


def _is_task(entry: Path) -> bool:
    """Tell whether this is a task: it leads a process group of its own, and is the child of our warm parent."""
    try:
        stat = (entry / "stat").read_text().rpartition(")")[2].split()
        parent = Path(f"/proc/{stat[1]}")
        grandparent = int((parent / "stat").read_text().rpartition(")")[2].split()[1])
        warm = b"forkserver" in (parent / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return warm and grandparent == os.getpid() and int(stat[2]) == int(entry.name) and stat[0] != "Z"


def test_an_order_becomes_a_published_result_with_its_manifest(bench: Bench, told) -> None:
    one = order()
    Attempt(one, bench).carry_out()
    kinds = {report.kind: report for report in told()}
    result = kinds[Kind.FINISHED].result
    assert result is not None
    (output,) = result.outputs
    path = bench.results.root / output.location
    assert path.read_text() == output.value == "hi"
    manifest = json.loads((path.parent / MANIFEST).read_text())
    assert [entry["sha256"] for entry in manifest["files"]] == [output.sha256] == [digest(path)]
    assert bench.line.traces((one.job_id,))[one.job_id].leased is False
    assert bench.results.drafts() == ()


def test_what_happened_while_nobody_listened_is_told_with_its_age(bench: Bench, told) -> None:
    Attempt(order(), bench, clock=iter(range(1000)).__next__).carry_out()
    ages = [(report.kind, report.age_s) for report in told()]
    assert [kind for kind, _ in ages] == [Kind.STARTED, Kind.FINISHED]
    assert ages[0][1] > ages[1][1] > 0


def test_the_same_order_twice_is_carried_out_once(bench: Bench, told) -> None:
    one = order()
    Attempt(one, bench).carry_out()
    before = {path: path.stat().st_mtime_ns for path in files_below(bench)}
    Attempt(one, bench).carry_out()
    assert [report.kind for report in told()].count(Kind.FINISHED) == 1
    assert {path: path.stat().st_mtime_ns for path in files_below(bench)} == before


def test_a_dismissed_order_never_begins(bench: Bench, told) -> None:
    one = order()
    bench.line.put_dismissal(Dismissal(job_id=one.job_id, attempt=1))
    Attempt(one, bench).carry_out()
    assert told() == []


def test_a_dismissal_ends_the_process_that_computes_within_two_seconds(bench: Bench, told, in_background) -> None:
    one = slow(30)
    thread = in_background(Attempt(one, bench))
    pid = task_of()
    begun = time.monotonic()
    bench.line.put_dismissal(Dismissal(job_id=one.job_id, attempt=1))
    thread.join(timeout=5)
    assert time.monotonic() - begun < 2
    assert not Path(f"/proc/{pid}").exists()
    assert Kind.FINISHED not in [report.kind for report in told()]
    assert files_below(bench) == []


def test_a_killed_process_is_reported_as_worth_another_try(bench: Bench, told, in_background) -> None:
    thread = in_background(Attempt(slow(30), bench))
    os.kill(task_of(), signal.SIGKILL)
    thread.join(timeout=5)
    failure = told()[-1].failure
    assert failure is not None
    assert (failure.code, failure.retry) == ("worker-lost", True)


def test_an_attempt_that_was_overtaken_stops(bench: Bench, told, in_background) -> None:
    one = slow(30)
    thread = in_background(Attempt(one, bench))
    task_of()
    assert bench.line.claim(one.job_id, 2, 5)
    thread.join(timeout=5)
    assert not thread.is_alive()
    assert [report.kind for report in told()] == [Kind.STARTED] + [Kind.PROGRESS] * (len(told()) - 1)


def test_work_over_its_time_ends_with_a_reason(bench: Bench, told) -> None:
    Attempt(slow(30, time_limit_s=0.5), bench).carry_out()
    failure = told()[-1].failure
    assert failure is not None
    assert (failure.code, failure.retry) == ("timeout", False)
    assert "0.5 s" in failure.words.en


def test_work_over_its_memory_ends_with_a_reason(bench: Bench, told) -> None:
    Attempt(slow(30, memory_limit_bytes=2**20), bench).carry_out()
    failure = told()[-1].failure
    assert failure is not None
    assert (failure.code, failure.retry) == ("memory-limit", False)


def test_an_order_for_data_or_a_process_that_are_not_here_fails_in_words(bench: Bench, told) -> None:
    Attempt(order(process_id="subset", inputs={"dataset": "nowhere"}), bench).carry_out()
    Attempt(order(process_id="unheard-of"), bench).carry_out()
    failures = [report.failure for report in told() if report.failure]
    assert ["nowhere" in failures[0].words.en, "unheard-of" in failures[1].words.en] == [True, True]


def test_an_order_of_a_newer_version_of_the_process_is_refused_in_words(bench: Bench, told) -> None:
    Attempt(order(process_version="99.0.0"), bench).carry_out()
    failure = told()[-1].failure
    assert failure is not None
    assert "99.0.0" in failure.words.en


def test_progress_is_told_and_never_goes_back(bench: Bench, told) -> None:
    Attempt(slow(2), bench).carry_out()
    progress = [report.progress for report in told() if report.kind is Kind.PROGRESS]
    assert len(progress) >= 4
    assert progress == sorted(progress)


def test_a_task_dies_with_its_agent(bench: Bench) -> None:
    """The agent is killed the hard way: the warm parent and the task go with it."""
    child = os.fork()
    if child == 0:
        import multiprocessing.forkserver as forkserver

        forkserver._forkserver = forkserver.ForkServer()  # type: ignore[attr-defined]  # an agent with a warm parent of its own
        forkserver.ensure_running = forkserver._forkserver.ensure_running
        forkserver.connect_to_new_process = forkserver._forkserver.connect_to_new_process
        forkserver._forkserver.set_forkserver_preload(["gaia_workers.warm"])
        Attempt(slow(30), replace(bench, line=Line(bench.centre))).carry_out()
        os._exit(0)
    give_up = time.monotonic() + 90  # the warm parent imports much
    while len(_descendants(child)) < 2 and time.monotonic() < give_up:
        time.sleep(0.05)
    family = _descendants(child)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert len(family) >= 2
    give_up = time.monotonic() + 15
    while any(_alive(pid) for pid in family) and time.monotonic() < give_up:
        time.sleep(0.05)
    assert [pid for pid in family if _alive(pid)] == []


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _descendants(pid: int) -> list[int]:
    try:
        children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return children + [grand for each in children for grand in _descendants(each)]


def test_what_no_message_can_carry_ends_the_job_with_a_reason(bench: Bench, told) -> None:
    attempt = Attempt(order(), bench)
    attempt._note(Kind.LOG, words=Words(en="x" * MESSAGE_LIMIT_BYTES, fr="x"))
    attempt._note(Kind.FINISHED, result=Result(outputs=(), receipt=Receipt(), extent={"x": "x" * MESSAGE_LIMIT_BYTES}))
    attempt._flush()
    line, end = told()
    assert line.kind is Kind.LOG
    assert end.kind is Kind.FAILED
    assert end.failure is not None
    assert "larger than a message" in end.failure.words.en

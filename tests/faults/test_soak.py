"""Scenarios that take their time: 11 (power cuts), 23 and 24 (slow clients), 38 (a rolling restart)."""

import random
import socket
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psutil
import pytest

from rig import HOST, Rig
from wire import Answer

pytestmark = pytest.mark.soak

CUTS = 10
SEED = 20260131
SLOW_CLIENTS = 200
ROLL_S = 60.0
ROLL_PERIOD_S = 0.2
LARGE_MIB = 1024
GROWTH_MIB = 64


def busy(mark: str, seconds: float = 0.2) -> dict[str, Any]:
    return {"seconds": seconds, "mark": mark}


@pytest.mark.timeout(1200)
def test_scenario_11_power_cuts_at_ten_seeded_moments_lose_nothing(rig: Rig, record_property) -> None:
    """Everything is killed at once, the broker with all that it holds; each time all that was accepted ends well."""
    record_property("seed", SEED)
    choose = random.Random(SEED)
    for cut in range(CUTS):
        jobs = rig.submit_all("busy", [busy(f"11 {cut} {number}", choose.uniform(0, 1)) for number in range(20)])
        time.sleep(choose.uniform(0, 3))
        rig.kill(*rig.programs)
        rig.heal()
        assert rig.ends_of(jobs, limit_s=90) == {"successful": 20}, cut
        assert [rig.result(job) for job in jobs] == [f"busy 11 {cut} {number}" for number in range(20)]
        rig.check()


def answer_times_s(rig: Rig, count: int) -> list[float]:
    times = []
    for _ in range(count):
        begun = time.monotonic()
        assert rig.client().get("/processes").status == 200
        times.append(time.monotonic() - begun)
    return times


def p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def test_scenario_23_clients_that_send_a_byte_a_second_hold_nobody_up(rig: Rig) -> None:
    idle = p95(answer_times_s(rig, 200))
    stop = threading.Event()
    slow = [socket.create_connection((HOST, rig.ports["web a"])) for _ in range(SLOW_CLIENTS)]

    def drip() -> None:
        text = b"POST /processes/echo/execution HTTP/1.1\r\nHost: localhost\r\n" + b"X-Slow: " + b"x" * 200
        for place in range(len(text)):
            for each in slow:
                with suppress(OSError):  # the server has given it up, as it may
                    each.send(text[place : place + 1])
            if stop.wait(1):
                return

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    try:
        time.sleep(2)
        held_up = p95(answer_times_s(rig, 200))
    finally:
        stop.set()
        thread.join()
        for each in slow:
            each.close()
    assert held_up < 2 * max(idle, 0.005), (idle, held_up)


@pytest.mark.parametrize("way", ["streamed by the server", "handed out by the depot"])
def test_scenario_24_a_slow_reader_of_a_large_result_takes_no_memory_and_no_worker(
    other_rig: Callable[..., Rig], way: str
) -> None:
    streamed = way == "streamed by the server"
    more = {"GAIA_REDIRECT_ABOVE_BYTES": "8GiB" if streamed else "1MiB"}
    rig = other_rig(webs=("a",), more=more)
    job = rig.submit("write", {"megabytes": LARGE_MIB, "seed": 24})
    assert rig.end_of(job, limit_s=240)["status"] == "successful", rig.problem(job)
    program = "web a" if streamed else "depot north"
    before = resident_mib(rig, program)
    (link,) = rig.client().get(f"/jobs/{job}/results?f=json").json.values()
    address = link["href"].removeprefix(rig.client().base_url)
    port = rig.ports[program]
    if not streamed:
        address = location_of(rig, address)
    readers = [slow_reader(port, address) for _ in range(4)]
    most = 0.0
    until = time.monotonic() + 20
    while time.monotonic() < until:
        for reader in readers:
            assert reader.recv(65536)
        most = max(most, resident_mib(rig, program))
        assert max(answer_times_s(rig, 5)) < 1
        time.sleep(0.1)
    for reader in readers:
        reader.close()
    assert most - before < GROWTH_MIB, (before, most)


def location_of(rig: Rig, address: str) -> str:
    """Follow the server's word to the depot; give what to ask it for."""
    with socket.create_connection((HOST, rig.ports["web a"])) as line:
        line.sendall(f"GET {address} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        head = line.recv(65536).decode()
    assert " 307 " in head.splitlines()[0], head
    (there,) = (row.partition(": ")[2] for row in head.splitlines() if row.lower().startswith("location:"))
    return "/" + there.split("/", 3)[3]


def slow_reader(port: int, address: str) -> socket.socket:
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    line.connect((HOST, port))
    line.sendall(f"GET {address} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert b" 200 " in line.recv(4096)[:20]
    return line


def resident_mib(rig: Rig, program: str) -> float:
    return sum(psutil.Process(pid).memory_info().rss for pid in rig.family(program)) / 2**20


def test_scenario_38_a_rolling_restart_under_load_fails_no_request_and_loses_no_job(rig: Rig) -> None:
    """Clients do as a load balancer does: a server that takes no connection is passed over."""
    outcomes: Counter[int] = Counter()
    jobs: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        number = 0
        while not stop.wait(ROLL_PERIOD_S):
            number += 1
            answer = balanced(rig, lambda web, number=number: rig.ask("busy", busy(f"38 {number}", 0.3), web=web))
            outcomes[answer.status] += 1
            if answer.status == 201:
                jobs.append(answer.json["jobID"])
                outcomes[balanced(rig, lambda web: rig.client(web).get(f"/jobs/{jobs[-1]}")).status] += 1

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    until = time.monotonic() + ROLL_S
    while time.monotonic() < until:
        for name in ("web a", "web b", "worker north", "recorder"):
            rig.terminate(name)
            rig.start(name)
            rig.wait_until(rig.is_up, limit_s=60)
    stop.set()
    thread.join()
    assert set(outcomes) == {200, 201}, outcomes
    assert rig.ends_of(jobs, limit_s=120) == {"successful": len(jobs)}


def balanced(rig: Rig, ask: Callable[[str], Answer]) -> Answer:
    """Ask the first server that takes a connection."""
    for web in ("a", "b", "a", "b"):
        try:
            socket.create_connection((HOST, rig.ports[f"web {web}"]), timeout=1).close()
        except OSError:
            continue
        return ask(web)
    raise AssertionError("no server takes a connection")

"""The web process as gunicorn runs it: a real socket, one worker, no broker."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
import redis
from gunicorn.http.errors import InvalidResponseHeader

from gaia_config.errors import ConfigurationError
from gaia_processes.catalogue import CATALOGUE, by_id
from gaia_server import web
from gaia_server.jobs.records import Demand, Job, RequestedOutput
from gaia_server.jobs.states import State
from gaia_server.jobs.store import Store
from gaia_server.refusals import render_refusal
from gaia_workers.contract import Kind, Receipt, Report, Result, utc_now


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("web")
    catalogue = {"type": "Catalog", "id": "theia", "stac_version": "1.1.0", "description": "none", "links": []}
    (folder / "catalog.json").write_text(json.dumps(catalogue))
    (folder / "centres.yml").write_text(
        "centres:\n"
        "  - {id: theia, title: Theia, broker_url: 'redis://127.0.0.1:1/0', key: " + "k" * 32 + ", delivery: push,"
        " catalogue: catalog.json}\n"
    )
    return folder


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server(home: Path, port: int, **more: str):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GAIA_")}
    environ |= {"GAIA_HOME": str(home), "GAIA_PORT": str(port), "GAIA_WEB_WORKERS": "1"} | more
    start = "import sys; from gaia_server.web import command; command()"
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", start], env=environ, stderr=log, stdout=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def port(home) -> int:
    port = free_port()
    with server(home, port):
        await_answer(port)
        yield port


def await_answer(port: int) -> None:
    give_up = time.monotonic() + 20
    while True:
        try:
            return get(port, "/health/live")
        except OSError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)


def get(port: int, path: str) -> http.client.HTTPResponse:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer


def latency_s(port: int) -> float:
    began = time.monotonic()
    assert get(port, "/health/live").status == 200
    return time.monotonic() - began


def test_half_sent_requests_and_slow_readers_hold_nobody_else(port):
    clients = []
    for number in range(120):
        client = socket.create_connection(("127.0.0.1", port))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        whole = b"GET /openapi HTTP/1.1\r\nHost: x\r\n\r\n"
        client.sendall(whole * 20 if number % 2 else whole[:20])
        clients.append(client)
    try:
        assert sorted(latency_s(port) for _ in range(20))[10] < 0.5
    finally:
        for client in clients:
            client.close()


def test_a_chunked_body_without_end_is_refused(port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(
            b"POST /processes/echo/execution HTTP/1.1\r\nHost: x\r\n"
            b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        answer = b""
        try:
            for _ in range(64):
                client.sendall(chunk)
            answer = client.recv(4096)
        except ConnectionError:
            answer = answer or client.recv(4096)
        assert b" 413 " in answer


@pytest.mark.parametrize("megabytes", [3, 100])
def test_a_body_that_is_far_too_large_is_refused_quickly_and_the_client_hears_it(port, megabytes):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    began = time.monotonic()
    headers = {"Content-Type": "application/json", "Connection": "close"}
    connection.request("POST", "/processes/echo/execution", b" " * (megabytes * 2**20), headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 413
    assert time.monotonic() - began < 2


def test_answers_are_http_1_1(port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_no_version_is_told(port):
    assert get(port, "/").getheader("Server") == "gunicorn"


def test_a_strange_request_is_answered_and_not_repeated(port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        assert b"400" in client.recv(4096)


def refuse(port: int, sent: bytes) -> http.client.HTTPResponse:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(sent)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        answer.body = answer.read()
        return answer


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        (b"\x16\x03\x01 nonsense\r\n\r\n", 400, "GET /path HTTP/1.1"),
        (b"GET / HTTP/7.9\r\n\r\n", 400, '"7.9"'),
        (b"GET / HTTP/1.1\r\nHost: x\r\nBad Name: 1\r\n\r\n", 400, '"Bad Name"'),
        (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n", 414, "POST"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nExpect: cake\r\n\r\n", 417, '"cake"'),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 9000 + b"\r\n\r\n", 431, "8190 bytes"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: smoke\r\n\r\n", 501, "chunks"),
    ],
)
def test_what_is_no_request_is_answered_with_a_problem_in_both_languages(port, sent, status, said):
    answer = refuse(port, sent)
    problem = json.loads(answer.body)
    assert (answer.status, problem["status"], answer.getheader("Content-Type")) == (status, status, "application/json")
    assert set(problem) == {"type", "title", "status", "detail"}
    assert said in problem["detail"]
    english, _, french = problem["title"].partition(" / ")
    assert english != french


def test_what_went_wrong_behind_is_not_told():
    answer = render_refusal(OSError("/srv/secret"))
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"secret" not in answer
    assert render_refusal(InvalidResponseHeader("X")).startswith(b"HTTP/1.1 500 ")


def test_it_stops_in_time_even_while_somebody_is_connected(home):
    port = free_port()
    with server(home, port) as process:
        await_answer(port)
        with socket.create_connection(("127.0.0.1", port)):
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0
            assert time.monotonic() - began < 3.5


def test_a_port_in_use_is_one_sentence(home):
    with closing(web.bind("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            ConfigurationError, match=f"127.0.0.1:{port} cannot be listened on .* set another GAIA_PORT"
        ):
            web.bind("127.0.0.1", port)


def test_an_address_of_another_machine_is_one_sentence():
    with pytest.raises(ConfigurationError, match="GAIA_HOST"):
        web.bind("no.such.host.invalid", 5000)


def test_gunicorn_is_told_what_matters(settings):
    told = web.gunicorn_settings(settings, 7)
    assert told["bind"] == "fd://7"
    assert (told["workers"], told["worker_class"], told["keepalive"]) == (2, web.Worker, 10)
    assert told["control_socket_disable"] is True


STREAMS = 200


def accept_job(store: Store) -> Job:
    now, echo = utc_now(), by_id(CATALOGUE)["echo"]
    return store.accept(
        Job(
            id=str(uuid4()), owner="anonymous", process_id="echo", process_version=echo.version,
            demand=Demand(inputs={"message": "hello"}, outputs=(RequestedOutput(id="message", format="text"),)),
            content_key=uuid4().hex, accepted=now, synchronous=False, state=State.ACCEPTED, created=now, updated=now,
            deadline=now + timedelta(hours=1), centre="theia", queue="interactive",
        )
    )  # fmt: skip


def open_stream(port: int, job: Job) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    client.sendall(f"GET /jobs/{job.id}/events HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return client


def read_until(client: socket.socket, words: bytes) -> bytes:
    heard = b""
    while words not in heard:
        piece = client.recv(65536)
        assert piece, heard
        heard += piece
    return heard


def poll_times_s(port: int, job: Job, count: int) -> list[float]:
    times = []
    for _ in range(count):
        began = time.monotonic()
        assert get(port, f"/jobs/{job.id}").status == 200
        times.append(time.monotonic() - began)
    return sorted(times)


def wait_until(holds, limit_s: float) -> None:
    give_up = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def test_many_event_streams_hear_every_change_hold_nobody_up_and_leave_nothing(home, redis_url):
    port = free_port()
    with (
        server(home, port, GAIA_BROKER_URL=redis_url, GAIA_HEARTBEAT_S="0.5") as process,
        redis.Redis.from_url(redis_url) as hub,
    ):
        await_answer(port)
        store = Store.open(f"sqlite:///{home / 'store' / 'jobs.sqlite'}")
        job = accept_job(store)
        (worker,) = psutil.Process(process.pid).children()
        idle_s = poll_times_s(port, job, 40)
        open_files = worker.num_fds()
        clients = [open_stream(port, job) for _ in range(STREAMS)]
        for client in clients:
            read_until(client, b'"status": "accepted"')
        busy_s = poll_times_s(port, job, 40)
        assert worker.num_fds() < open_files + STREAMS + 10  # no connection to the store beside each client's own

        started = Report(job_id=job.id, part=0, attempt=1, centre="theia", kind=Kind.PROGRESS, progress=40)
        began = time.monotonic()
        store.apply([started], attempts=1)
        hub.publish("gaia:changes", json.dumps([job.id]))
        for client in clients:
            read_until(client, b'"progress": 40')
        heard_s = time.monotonic() - began

        for client in clients[1:]:
            client.close()
        wait_until(lambda: worker.num_fds() < open_files + 10, limit_s=10)
        done = Report(
            job_id=job.id, part=0, attempt=1, centre="theia", kind=Kind.FINISHED,
            result=Result(outputs=(), receipt=Receipt()),
        )  # fmt: skip
        store.apply([done], attempts=1)
        hub.publish("gaia:changes", json.dumps([job.id]))
        assert read_until(clients[0], b"0\r\n\r\n").count(b'"status": "successful"') == 1
        clients[0].close()
        store.close()
    assert heard_s < 3
    assert busy_s[20] < 2 * idle_s[20] + 0.05

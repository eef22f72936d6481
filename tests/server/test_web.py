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
from pathlib import Path

import pytest

from gaia_config.errors import ConfigurationError
from gaia_server import web


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
def server(home: Path, port: int):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GAIA_")}
    environ |= {"GAIA_HOME": str(home), "GAIA_PORT": str(port), "GAIA_WEB_WORKERS": "1"}
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
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
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


def test_no_version_is_told(port):
    assert get(port, "/").getheader("Server") == "gunicorn"


def test_a_strange_request_is_answered_and_not_repeated(port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        assert b"400" in client.recv(4096)


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

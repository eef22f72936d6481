import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gaia_config.demo.tour import INPUTS, curl, is_ready, take_tour


class Server(BaseHTTPRequestHandler):
    """A server that finishes a job at the second look."""

    ending = "successful"
    looks = 0

    def do_GET(self) -> None:
        job = f"http://{self.headers['Host']}/jobs/1"
        if self.path.startswith("/jobs/1/results"):
            return self.answer(200, {"data": {"href": f"{job}/results/data"}})
        if self.path.startswith("/jobs/1"):
            type(self).looks += 1
            return self.answer(200, {"status": "running" if self.looks % 2 else self.ending, "gaia:centre": "climeri"})
        return self.answer(200 if self.path == "/health/ready" else 404, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        wanted = body == {"inputs": INPUTS} and self.headers["Prefer"] == "respond-async"
        self.answer(201 if wanted else 400, {"status": "accepted", "jobID": "1"})

    def answer(self, status: int, body: object) -> None:
        self.send_response(status)
        self.send_header("Location", f"http://{self.headers['Host']}/jobs/1")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_tour_ends_with_a_link_to_the_result(address):
    looks: list[int] = []
    tour = take_tour(address, limit_s=10, watch=lambda: looks.append(1))
    assert tour is not None
    assert tour.result == f"{address}/jobs/1/results/data"
    assert tour.status["gaia:centre"] == "climeri"
    assert looks


def test_a_job_that_fails_has_no_result(address, monkeypatch):
    monkeypatch.setattr(Server, "ending", "failed")
    tour = take_tour(address, limit_s=10, watch=lambda: None)
    assert tour is not None
    assert tour.result is None


def test_a_job_that_takes_too_long_is_left_alone(address, monkeypatch):
    monkeypatch.setattr(Server, "ending", "running")
    assert take_tour(address, limit_s=0.1, watch=lambda: None) is None


def test_a_server_that_is_away_is_said(address):
    assert is_ready(address)
    assert not is_ready("http://127.0.0.1:9")
    tour = take_tour("http://127.0.0.1:9", limit_s=1, watch=lambda: None)
    assert tour is not None
    assert "did not answer" in tour.status["message"]


def test_the_curl_says_the_same_request():
    assert json.dumps({"inputs": INPUTS}) in curl("http://h:1")

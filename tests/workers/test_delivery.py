"""How a centre pushes a file, to a server that answers as it is told."""

import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from gaia_workers import delivery
from gaia_workers.contract import OutputFile
from gaia_workers.delivery import Push

WHOLE = b"0123456789"


@dataclass
class Server:
    """Takes files as the server does, or answers with what is laid ready."""

    address: str = ""
    arrived: bytes = b""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    ready: list[tuple[int, dict[str, str]]] = field(default_factory=list)

    def answer(self, method: str, content_range: str | None, body: bytes) -> tuple[int, dict[str, str]]:
        self.asked.append((method, content_range))
        if self.ready:
            return self.ready.pop(0)
        if method == "PUT":
            self.arrived += body
        return 200, {"Gaia-Offset": str(len(self.arrived))}


@pytest.fixture
def server() -> Iterator[Server]:
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers = told.answer(self.command, self.headers.get("Content-Range"), body)
            self.send_response_only(status)
            for name, value in {"Date": formatdate(usegmt=True), "Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        do_PUT = do_HEAD = _handle  # noqa: N815 - the names of the standard library

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        told.address = f"http://127.0.0.1:{listening.server_port}"
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield told
        listening.shutdown()
        thread.join()


@pytest.fixture
def send(server: Server, centre, tmp_path: Path):
    def send() -> None:
        path = tmp_path / "data.nc"
        path.write_bytes(WHOLE)
        file = OutputFile(
            output="data", name="data.nc", media_type="application/x-netcdf", size_bytes=len(WHOLE),
            sha256=hashlib.sha256(WHOLE).hexdigest(), location="job/1/data.nc", store="centre",
        )  # fmt: skip
        with requests.Session() as session:
            Push(centre, server.address, give_up_s=5.0)._send(session, path, file)

    return send


def test_a_small_file_takes_one_request(server: Server, send) -> None:
    send()
    assert (server.asked, server.arrived) == ([("PUT", "bytes 0-9/10")], WHOLE)


def test_what_the_server_has_already_is_not_sent_again(server: Server, send) -> None:
    server.arrived, server.ready = WHOLE[:3], [(409, {"Gaia-Offset": "3"})]
    send()
    assert server.asked == [("PUT", "bytes 0-9/10"), ("PUT", "bytes 3-9/10")]
    assert server.arrived == WHOLE


def test_a_large_file_is_asked_for_first_and_goes_in_pieces(
    server: Server, send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "PIECE_BYTES", 4)
    server.arrived = WHOLE[:4]
    send()
    assert server.asked == [("HEAD", None), ("PUT", "bytes 4-7/10"), ("PUT", "bytes 8-9/10")]


def test_a_refusal_by_a_clock_that_is_apart_is_tried_again_by_the_servers_time(server: Server, send) -> None:
    server.ready = [(403, {"Date": formatdate(time.time() + 7200, usegmt=True)})]
    send()
    assert [method for method, _ in server.asked] == ["PUT", "PUT"]
    assert server.arrived == WHOLE


def test_a_refusal_that_no_clock_explains_is_the_end(server: Server, send) -> None:
    server.ready = [(403, {})]
    with pytest.raises(delivery.DeliveryFailed):
        send()
    assert len(server.asked) == 1


def test_a_server_that_cannot_now_is_asked_again(server: Server, send) -> None:
    server.ready = [(503, {}), (507, {})]
    send()
    assert server.arrived == WHOLE

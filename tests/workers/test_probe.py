import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
import typer
from typer.testing import CliRunner

from gaia_config.centres import Centre
from gaia_workers.contract import Presence, Report
from gaia_workers.depot import make_depot
from gaia_workers.probe import Unwell, ask, ask_recorder, ask_worker, command
from gaia_workers.transport import RECORDER, Line


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def presence(pid: int, host: str = "", trouble: str | None = None) -> Presence:
    name = f"climeri@{host or socket.gethostname()}:{pid}"
    return Presence(worker=name, centre="climeri", queues=(), running=(), slots=1, trouble=trouble)


@pytest.fixture
def depot(centre: Centre) -> Iterator[WSGIServer]:
    server = make_server("127.0.0.1", 0, make_depot(centre), handler_class=Quiet)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join(5)
    server.server_close()


def test_what_answers_is_well(depot: WSGIServer) -> None:
    ask(f"http://127.0.0.1:{depot.server_port}")


def test_what_does_not_answer_is_not() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Unwell, match="does not answer"):
            ask(f"http://127.0.0.1:{taken.getsockname()[1]}")


def test_a_worker_is_well_while_it_gives_signs_of_life(line: Line) -> None:
    with pytest.raises(Unwell, match="no worker of climeri"):
        ask_worker(line)
    line.show_presence(presence(os.getpid()))
    ask_worker(line)


def test_a_worker_in_trouble_is_not_well(line: Line) -> None:
    line.show_presence(presence(os.getpid(), trouble="the results folder cannot be written"))
    with pytest.raises(Unwell, match="cannot be written"):
        ask_worker(line)


@pytest.mark.parametrize("worker", [presence(2**22 + 1), presence(os.getpid(), host="elsewhere")])
def test_signs_of_life_of_a_dead_worker_and_of_another_host_do_not_count(line: Line, worker: Presence) -> None:
    line.show_presence(worker)
    with pytest.raises(Unwell, match="no worker of climeri"):
        ask_worker(line)


def test_a_recorder_is_well_while_it_asks_for_reports(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unwell, match="no recorder"):
        ask_recorder(line)
    for _ in range(2):  # the first call of all makes the group
        line.take("reports", RECORDER, Report, wait_s=0, limit=1)
    ask_recorder(line)
    monkeypatch.setattr("gaia_workers.probe.LATE_S", -1.0)
    with pytest.raises(Unwell, match="no recorder"):
        ask_recorder(line)


def test_the_command_says_it_by_its_exit_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, redis_url: str) -> None:
    (tmp_path / "centres.yml").write_text(
        f"centres:\n  - {{id: climeri, title: C, broker_url: '{redis_url}', key: {'k' * 32}, delivery: push, "
        "catalogue: c.json}\n  - {id: other, title: O, broker_url: 'file:absent', key: 'file:absent', delivery: push, "
        "catalogue: o.json}\n"
    )
    monkeypatch.setenv("GAIA_CENTRES", str(tmp_path / "centres.yml"))
    monkeypatch.setenv("GAIA_CENTRE", "climeri")
    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, ["worker"])
    assert (done.exit_code, done.stderr) == (
        1,
        "worker is not well: no worker of climeri on this machine gives a sign of life\n",
    )

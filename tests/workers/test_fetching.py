"""Files of users, as a centre fetches them from a server."""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

from gaia_config.centres import Centre
from gaia_processes.errors import DatasetUnsuitable
from gaia_workers import fetching
from gaia_workers.contract import Brought, Uploaded, link_holds
from gaia_workers.fetching import Fetcher, FetchFailed, FileGone
from orders import order

CONTENT = b"CDF\x01" + b"x" * 1000
REFERENCE = "upload:8f14e45f-ceea-467f-a8e3-2f0d3f3f2d11"
UPLOAD = Uploaded(
    reference=REFERENCE, sha256=hashlib.sha256(CONTENT).hexdigest(), size_bytes=len(CONTENT), media_type="x"
)


COVER = Brought(
    reference="cover@1", part="3fa85f64-5717-4562-b3fc-2c963f66afa6", centre="theia", sha256=UPLOAD.sha256, size_bytes=len(CONTENT)
)  # fmt: skip


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class Giver:
    """A server that gives one file; what it answers next can be changed."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.answers: list[tuple[str, bytes]] = []
        self.leads_to: str | None = None

    def __call__(self, environ: dict[str, str], start: Callable[..., object]) -> list[bytes]:
        self.asked.append(environ)
        status, content = self.answers.pop(0) if self.answers else ("200 OK", CONTENT)
        if self.leads_to and "/store/" in environ["PATH_INFO"]:
            status, content = "307 Temporary Redirect", b""
        start(
            status, [("Content-Length", str(len(content))), *([("Location", self.leads_to)] if self.leads_to else [])]
        )
        return [content]


@pytest.fixture
def giver() -> Giver:
    return Giver()


@pytest.fixture
def server(giver: Giver) -> Iterator[WSGIServer]:
    made = make_server("127.0.0.1", 0, giver, handler_class=Quiet)
    thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join(5)


@pytest.fixture
def fetcher(centre: Centre, server: WSGIServer, tmp_path: Path) -> Callable[..., Fetcher]:
    def make(give_up_s: float = 5.0, server_url: str | None = f"http://127.0.0.1:{server.server_port}/") -> Fetcher:
        one = order(uploads=(UPLOAD,), brought=(COVER,))
        return Fetcher(one, centre=centre, root=tmp_path / "results", server_url=server_url, give_up_s=give_up_s)

    return make


def test_a_file_is_fetched_once_and_its_bytes_are_counted(fetcher, giver: Giver) -> None:
    first, second = fetcher(), fetcher()
    assert first.fetch(REFERENCE).read_bytes() == CONTENT
    assert second.fetch(REFERENCE).read_bytes() == CONTENT
    assert len(giver.asked) == 1
    assert (first.bytes_moved, second.bytes_moved) == (len(CONTENT), 0)


def test_the_address_is_signed_for_this_attempt_of_this_job(fetcher, giver: Giver, centre: Centre) -> None:
    fetcher().fetch(REFERENCE)
    (asked,) = giver.asked
    query = {name: values[0] for name, values in parse_qs(asked["QUERY_STRING"]).items()}
    location = asked["PATH_INFO"].removeprefix("/store/")
    assert location.startswith(f"uploads/{UPLOAD.id}/")
    assert location.endswith("/1")
    assert link_holds(
        centre.key, query["signature"], method="GET", location=location, expires=int(query["expires"]), now=time.time()
    )


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"x", b"y" * len(CONTENT)], ids=["cut", "longer", "other"])
def test_what_arrives_damaged_is_fetched_again(fetcher, giver: Giver, content: bytes) -> None:
    giver.answers = [("200 OK", content)]
    assert fetcher().fetch(REFERENCE).read_bytes() == CONTENT
    assert len(giver.asked) == 2


def test_a_server_in_trouble_is_asked_again(fetcher, giver: Giver) -> None:
    giver.answers = [("503 Busy", b"")]
    assert fetcher().fetch(REFERENCE).read_bytes() == CONTENT


def test_a_server_that_stays_in_trouble_is_a_failure_worth_another_try(fetcher, giver: Giver) -> None:
    giver.answers = [("503 Busy", b"")] * 50
    with pytest.raises(FetchFailed):
        fetcher(give_up_s=0.5).fetch(REFERENCE)


def test_what_the_server_has_no_more_is_gone(fetcher, giver: Giver, tmp_path: Path) -> None:
    giver.answers = [("404 Not Found", b"")]
    with pytest.raises(FileGone, match="upload the file again"):
        fetcher().fetch(REFERENCE)
    assert list((tmp_path / "results" / fetching.FOLDER).iterdir()) == []


def test_what_the_order_does_not_name_is_not_fetched(fetcher, giver: Giver) -> None:
    with pytest.raises(DatasetUnsuitable):
        fetcher().fetch(REFERENCE.replace("8f", "00"))
    with pytest.raises(DatasetUnsuitable, match="nobody said where from"):
        fetcher(server_url=None).fetch(REFERENCE)
    assert giver.asked == []


def test_what_another_centre_made_ready_is_fetched_where_the_server_leads(fetcher, giver: Giver, server) -> None:
    giver.leads_to = f"http://127.0.0.1:{server.server_port}/results/depot?signature=x"
    one = fetcher()
    assert one.brings(COVER.reference)
    assert not one.brings("tas@1")
    assert one.fetch(COVER.reference).read_bytes() == CONTENT
    asked, led = giver.asked
    assert asked["PATH_INFO"].startswith(f"/store/parts/{COVER.part}/")
    assert (led["PATH_INFO"], "HTTP_GAIA_CENTRE" in led) == ("/results/depot", False)


def test_a_centre_that_does_not_give_what_it_made_ready_is_named(fetcher, giver: Giver) -> None:
    giver.answers = [("503 Busy", b"")] * 50
    with pytest.raises(FetchFailed, match="cover@1, which theia had made ready"):
        fetcher(give_up_s=0.5).fetch(COVER.reference)
    giver.answers = [("410 Gone", b"")]
    with pytest.raises(FileGone, match="ask again"):
        fetcher().fetch(COVER.reference)


def test_what_there_is_no_room_for_goes_first_that_was_used_longest_ago(
    fetcher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "results" / fetching.FOLDER
    folder.mkdir(parents=True)
    for age_s, name in enumerate(("new", "old"), start=1):
        (folder / name).write_bytes(b"xx")
        os.utime(folder / name, (time.time() - 100 * age_s,) * 2)
    monkeypatch.setattr(fetching, "KEPT_BYTES", 3)
    monkeypatch.setattr(fetching, "SPARED_S", 10.0)
    kept = fetcher().fetch(REFERENCE)
    assert sorted(folder.iterdir()) == sorted([folder / "new", kept])


def test_what_nobody_used_for_a_day_makes_room(fetcher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "results" / fetching.FOLDER
    folder.mkdir(parents=True)
    (folder / "old").write_bytes(b"x")
    monkeypatch.setattr(fetching, "KEPT_S", -1.0)
    kept = fetcher().fetch(REFERENCE)
    assert list(folder.iterdir()) == [kept]

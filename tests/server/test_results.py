"""One output, raw: `/jobs/{jobID}/results/{outputID}`."""

import base64
import hashlib
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from gaia_server.results import ResultFiles
from gaia_workers.contract import link_holds

CONTENT = b"CDF-0123456789"
KEY = b"k" * 32
LONG_AGO = "Mon, 01 Jan 2001 00:00:00 GMT"


@pytest.fixture
def job(desk):
    return desk.finish(desk.accept("data", process="subset"), data=CONTENT)


@pytest.fixture
def get(client, job):
    def get(method="GET", **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.open(f"/jobs/{job.id}/results/data", method=method, headers=named)

    return get


def test_all_of_it_with_everything_about_it(get):
    answer = get()
    sha256 = hashlib.sha256(CONTENT)
    assert (answer.status_code, answer.data) == (200, CONTENT)
    assert answer.headers["Content-Type"] == "application/x-netcdf"
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["ETag"] == f'"{sha256.hexdigest()}"'
    assert answer.headers["Repr-Digest"] == f"sha-256=:{base64.b64encode(sha256.digest()).decode()}:"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="data.nc"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.last_modified is not None
    assert "Link" not in answer.headers


@pytest.mark.parametrize("name", ["data", "data.nc"])
def test_an_output_has_several_names(client, job, name):
    assert client.get(f"/jobs/{job.id}/results/{name}").data == CONTENT


def test_head_is_get_without_the_bytes(get):
    asked, got = get(method="HEAD"), get()
    assert asked.data == b""
    assert dict(asked.headers) == dict(got.headers)


@pytest.mark.parametrize(
    ("asked", "content_range", "part"),
    [
        ("bytes=0-3", "bytes 0-3/14", CONTENT[:4]),
        ("bytes=4-", "bytes 4-13/14", CONTENT[4:]),
        ("bytes=-2", "bytes 12-13/14", CONTENT[-2:]),
        ("bytes=10-99", "bytes 10-13/14", CONTENT[10:]),
        ("bytes=-99999999", "bytes 0-13/14", CONTENT),
    ],
)
def test_a_range_gives_a_part(get, asked, content_range, part):
    answer = get(Range=asked)
    assert (answer.status_code, answer.data) == (206, part)
    assert answer.headers["Content-Range"] == content_range
    assert answer.headers["Content-Length"] == str(len(part))


@pytest.mark.parametrize("asked", ["bytes=0-1,4-5", "lines=0-3", "bytes=x", ""])
def test_a_range_that_is_not_read_gives_all(get, asked):
    assert (get(Range=asked).status_code, get(Range=asked).data) == (200, CONTENT)


def test_a_range_outside_says_how_much_there_is(get):
    answer = get(Range="bytes=14-")
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */14")


def test_what_the_client_has_is_not_sent_again(get):
    answer = get(If_None_Match=get().headers["ETag"])
    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == get().headers["ETag"]


def test_a_range_is_given_only_if_it_is_still_the_same(get):
    same, other = get().headers["ETag"], '"another"'
    assert get(Range="bytes=0-3", If_Range=same).status_code == 206
    assert get(Range="bytes=0-3", If_Range=other).status_code == 200
    assert get(Range="bytes=0-3", If_Range=f"W/{same}").status_code == 200
    assert get(Range="bytes=0-3", If_Range=get().headers["Last-Modified"]).status_code == 206


def test_a_weak_tag_of_the_same_is_the_same_and_a_list_is_read(get):
    tag = get().headers["ETag"]
    assert get(If_None_Match=f"W/{tag}").status_code == 304
    assert get(If_None_Match=f'"another", {tag}').status_code == 304
    assert get(If_None_Match="*").status_code == 304
    assert get(If_None_Match='W/"another"').status_code == 200


def test_what_has_not_changed_since_is_not_sent_again_unless_a_tag_says_otherwise(get):
    since = get().headers["Last-Modified"]
    assert get(If_Modified_Since=since).status_code == 304
    assert get(If_Modified_Since=LONG_AGO).status_code == 200
    assert get(If_Modified_Since="yesterday").status_code == 200
    assert get(If_Modified_Since=since, If_None_Match='"another"').status_code == 200


def test_another_result_than_the_client_means_is_refused(get):
    tag, since = get().headers["ETag"], get().headers["Last-Modified"]
    assert [get(If_Match=each).status_code for each in (tag, "*", f"W/{tag}", '"another"')] == [200, 200, 412, 412]
    assert [get(If_Unmodified_Since=each).status_code for each in (since, "soon", LONG_AGO)] == [200, 200, 412]
    assert get(If_Match=tag, If_Unmodified_Since=LONG_AGO).status_code == 200
    assert get(If_Match='"another"', If_None_Match=tag, Range="bytes=99-").status_code == 412


def test_what_is_gone_is_gone(get, settings, job):
    (settings.home / "store-results" / job.id / "1" / "data.nc").unlink()
    assert (get().status_code, get(method="HEAD").status_code) == (410, 410)


@pytest.mark.parametrize(
    "conditions", [{"Range": "bytes=0-1"}, {"Range": "bytes=99-"}, {"If-None-Match": "*"}, {"If-Match": '"another"'}]
)
def test_conditions_and_ranges_count_only_where_a_result_is_read(client, desk, services, conditions):
    services.submission.work = lambda job: desk.finish(job, message=b"hello") and None
    asked = {"inputs": {"message": "hello"}, "outputs": {"message": {}}}
    answer = client.post("/processes/echo/execution", json=asked, headers=conditions)
    assert (answer.status_code, answer.data) == (200, b"hello")


def test_a_result_may_not_lie_outside_its_jobs_place(client, desk, settings):
    other = desk.finish(desk.accept("data", process="subset"), data=b"secret")
    mine = desk.accept("data", process="subset")
    theirs = desk.describe(other, "data", b"secret")
    desk.end(mine, theirs)
    assert client.get(f"/jobs/{mine.id}/results/data").status_code == 410


class Depot(BaseHTTPRequestHandler):
    """A centre's depot, that keeps what it was asked."""

    asked: ClassVar[list[tuple[str, str | None]]] = []
    status = 206

    def do_HEAD(self):
        self.asked.append((self.path, self.headers["Range"]))
        self.send_response(200 if self.status == 206 else self.status)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()

    def do_GET(self):
        self.asked.append((self.path, self.headers["Range"]))
        first, last = (int(end) for end in self.headers["Range"].removeprefix("bytes=").split("-"))
        part = CONTENT[first : last + 1]
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def depot(services):
    Depot.asked, Depot.status = [], 206
    with ThreadingHTTPServer(("127.0.0.1", 0), Depot) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        here = replace(services.centres["theia"], public_url=f"http://127.0.0.1:{server.server_port}")
        services.centres["theia"] = here
        yield Depot
        server.shutdown()
        thread.join()


@pytest.fixture
def remote(desk):
    """A job whose result lies at its centre."""
    job = desk.accept("data", process="subset")
    return desk.end(job, replace(desk.describe(job, "data", CONTENT), store="centre"))


@pytest.fixture(autouse=True)
def _close_connections(services):
    yield
    services.files.close()


def test_a_result_at_its_centre_is_passed_on(client, depot, remote):
    with client.get(f"/jobs/{remote.id}/results/data") as answer:
        assert (answer.status_code, answer.data) == (200, CONTENT)
    (path, asked), *_ = depot.asked
    place, query = urlsplit(path).path, parse_qs(urlsplit(path).query)
    assert place == f"/results/{remote.id}/1/data.nc"
    assert asked == "bytes=0-13"
    assert link_holds(
        KEY,
        query["signature"][0],
        method="GET",
        location=f"{remote.id}/1/data.nc",
        expires=int(query["expires"][0]),
        now=0,
    )


def test_a_range_is_passed_on(client, depot, remote):
    with client.get(f"/jobs/{remote.id}/results/data", headers={"Range": "bytes=2-5"}) as answer:
        assert (answer.status_code, answer.data) == (206, CONTENT[2:6])
    assert depot.asked[0][1] == "bytes=2-5"


def test_head_asks_the_centre_for_no_bytes(client, depot, remote):
    answer = client.head(f"/jobs/{remote.id}/results/data")
    assert (answer.status_code, answer.headers["Content-Length"]) == (200, "14")
    assert [asked for _, asked in depot.asked] == [None]


@pytest.mark.parametrize(("there", "here"), [(404, 410), (410, 410), (403, 503), (500, 503), (201, 503)])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_the_centre_answers_is_understood(client, depot, remote, there, here, method):
    depot.status = there
    with client.open(f"/jobs/{remote.id}/results/data", method=method) as answer:
        assert answer.status_code == here


def test_a_large_result_is_fetched_from_its_centre(app, services, remote):
    app.extensions["gaia"] = replace(
        services, settings=services.settings.model_copy(update={"redirect_above_bytes": 10})
    )
    answer = app.test_client().get(f"/jobs/{remote.id}/results/data")
    assert answer.status_code == 307
    assert answer.headers["Location"].startswith(f"http://127.0.0.1:9/depot/results/{remote.id}/1/data.nc?expires=")
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_centre_that_pushes_has_no_address(services, remote):
    pushing = {"theia": replace(services.centres["theia"], public_url=None)}
    files = ResultFiles(
        store=services.settings.home, centres=pushing, link_lifetime_s=60, lose=services.store.retention.lose
    )
    assert files.address(remote, remote.result.outputs[0]) is None
    files.close()


def test_a_small_value_needs_no_centre(client, desk):
    job = desk.accept("message")
    desk.end(job, replace(desk.describe(job, "message", "hé".encode()), store="centre", value="hé"))
    answer = client.get(f"/jobs/{job.id}/results/message")
    assert (answer.status_code, answer.data.decode()) == (200, "hé")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_a_value_that_is_not_the_file_is_not_given_for_it(client, desk):
    job = desk.accept("message")
    file = replace(desk.keep(job, "message", b"true"), value="false")
    desk.end(job, file)
    assert client.get(f"/jobs/{job.id}/results/message").data == b"true"

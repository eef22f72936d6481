"""
What hostile, broken and careless clients send: scenarios 40 to 46 of the reliability reference, by their numbers.

Nothing here may be answered with a 5xx, grow the server, or write more than a line into its log.
"""

import gzip
import http.client
import json
import os
import re
import select
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, urlsplit

import netCDF4
import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from real_box import Box
from wire import ASYNC, Answer, Client

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

LARGE_BYTES = 100 * 1000 * 1000
GROWTH_LIMIT_BYTES = 10 * 1000 * 1000
CASES = int(os.environ.get("GAIA_CASES", "200"))  # 2,000 on demand
JSON = {"Content_Type": "application/json"}
SST = "sst-ostia-monthly"
SECRETS = re.compile(r"Traceback|site-packages|/home/|/tmp/|\.py\b")


def refuse_constant(token: str) -> NoReturn:
    pytest.fail(f"{token} in an answer")


def strict(content: bytes) -> Any:
    """Read JSON that holds no NaN and no infinity."""
    return json.loads(content, parse_constant=refuse_constant)


def assert_refused(answer: Answer, *statuses: int) -> None:
    assert answer.status in statuses, (answer.status, answer.content[:500])
    assert answer.headers["Content-Type"] == "application/json"
    told = strict(answer.content)
    assert told["status"] == answer.status
    assert told["detail"]
    assert not SECRETS.search(answer.content.decode())


# --- 40: large bodies -----------------------------------------------------------------------------------------------


class Memory:
    """The resident memory of the processes that answer HTTP: how far it rose, peaks included."""

    def __init__(self, box: Box) -> None:
        parent = psutil.Process(box.processes()["server"])
        self.processes = [parent, *parent.children(recursive=True)]
        for process in self.processes:
            Path(f"/proc/{process.pid}/clear_refs").write_text("5")  # the peak is counted from now on
        self.before = [process.memory_info().rss for process in self.processes]

    def growth_bytes(self) -> int:
        return max(
            _peak_bytes(process.pid) - before for process, before in zip(self.processes, self.before, strict=True)
        )


def _peak_bytes(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", text)[1]) * 1024  # type: ignore[index]


def send_large(base_url: str, path: str, *, chunked: bool) -> tuple[bytes, float]:
    """Send a hundred megabytes to the end; give the first line of the answer, and when it was there to be read."""
    at = urlsplit(base_url)
    piece = b"x" * 1_000_000
    framed = b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece
    size = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {LARGE_BYTES}"
    head = f"POST {path} HTTP/1.1\r\nHost: {at.netloc}\r\nContent-Type: application/json\r\n{size}\r\n\r\n"
    heard_s = None
    with closing(socket.create_connection((at.hostname, at.port), timeout=20)) as connection:
        connection.sendall(head.encode())
        began = time.monotonic()
        for _ in range(LARGE_BYTES // len(piece)):
            connection.sendall(framed)
            if heard_s is None and select.select([connection], [], [], 0)[0]:
                heard_s = time.monotonic() - began
        connection.sendall(b"0\r\n\r\n" if chunked else b"")
        line = connection.makefile("rb").readline()
        return line, heard_s or time.monotonic() - began


@pytest.mark.parametrize("chunked", [False, True], ids=["with Content-Length", "chunked"])
@pytest.mark.parametrize("path", ["/processes/echo/execution", "/processes/subset/constraints"])
def test_scenario_40_a_body_of_100_mb_is_413_within_a_second_and_leaves_no_memory(box, path, chunked):
    memory = Memory(box)
    took_s = []
    for _ in range(2):
        line, seconds = send_large(box.base_url, path, chunked=chunked)
        assert line.startswith(b"HTTP/1.1 413 "), line
        took_s.append(seconds)
    assert min(took_s) <= 1
    assert memory.growth_bytes() < GROWTH_LIMIT_BYTES


def test_scenario_40_a_client_that_asks_first_is_told_before_it_sends(box):
    at = urlsplit(box.base_url)
    head = f"POST /processes/echo/execution HTTP/1.1\r\nHost: {at.netloc}\r\nContent-Type: application/json\r\n"
    with closing(socket.create_connection((at.hostname, at.port), timeout=20)) as connection:
        connection.sendall(f"{head}Content-Length: {LARGE_BYTES}\r\nExpect: 100-continue\r\n\r\n".encode())
        began, heard = time.monotonic(), b""
        while b" 413 " not in heard:
            piece = connection.recv(65536)
            assert piece, heard
            heard += piece
        assert time.monotonic() - began <= 1


def test_scenario_40_inputs_that_no_order_can_carry_are_413_and_leave_no_job(client):
    """A body may be larger than a message to a centre; what fits into a message comes back whole."""
    whole = "x" * 200_000
    assert client.execute("echo", {"inputs": {"message": whole}, "outputs": {"message": {}}}).content == whole.encode()
    before = client.count_jobs()
    for mode in ({}, ASYNC):
        assert_refused(client.execute("echo", {"inputs": {"message": "é" * 150_000}}, **mode), 413)
    assert client.count_jobs() == before


# --- 41: broken JSON ------------------------------------------------------------------------------------------------

BROKEN = {
    "lists 100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "objects 100,000 deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "inputs 100,000 deep": b'{"inputs": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "never closed": b"[" * 100_000,
    "a list": b"[1]",
    "null": b"null",
    "an empty text": b'""',
    "a number": b"1",
    "nothing": b"",
    "blanks": b"  \n",
    "invalid UTF-8": b'{"inputs": {"message": "\xff\xfe"}}',
    "a byte cut in two": '{"inputs": {"message": "é"}}'.encode()[:-4],
    "UTF-16": '{"inputs": {"message": "x"}}'.encode("utf-16"),
    "a byte-order mark": b"\xef\xbb\xbf" + b'{"inputs": {"message": "x"}}',
    "half a surrogate pair": b'{"inputs": {"message": "\\ud800"}}',
    "a member twice": b'{"inputs": {"message": "a", "message": "b"}}',
    "single quotes": b"{'inputs': {}}",
    "a comment": b'{"inputs": {} /* nothing */}',
    "half a body": b'{"inputs": {"mess',
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("route", ["execution", "estimate", "constraints"])
def test_scenario_41_a_body_that_is_no_json_object_is_400(client, route, content):
    for process in ("echo", "subset"):
        assert_refused(client.send("POST", f"/processes/{process}/{route}", content, **JSON), 400)


# --- 42: numbers that are none --------------------------------------------------------------------------------------

NOT_FINITE = ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000, "1." + "9" * 5000, "1e" + "9" * 400]
PLACES = {
    "pause": '{"message": "x", "pause": %s}',
    "one of the values": '{"message": "x", "values": [1, %s]}',
    "an edge of a box": '{"message": "x", "area": {"bbox": [1, 2, %s, 4]}}',
    "an edge of a bare box": '{"message": "x", "area": [1, 2, %s, 4]}',
    "a qualified value": '{"message": "x", "pause": {"value": %s}}',
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("as_text", [False, True], ids=["as a number", "as text"])
def test_scenario_42_a_number_that_is_not_finite_or_has_5000_digits_is_400(client, place, as_text):
    for number in NOT_FINITE:
        content = '{"inputs": %s}' % (place % (f'"{number}"' if as_text else number))
        assert_refused(client.send("POST", "/processes/echo/execution", content.encode(), **JSON), 400)


def test_scenario_42_no_answer_holds_a_number_that_is_not_finite(client):
    """The edges of this box are missing values in the data; what is told of the result are numbers all the same."""
    job = client.job("subset", {"inputs": {"dataset": SST, "bbox": [-10, -5, 10, 5]}})
    client.end_of(job)
    for path in (job, f"{job}/results?f=json", f"{job}/log?f=json", f"{job}/definition", "/jobs", "/processes/subset"):
        strict(client.get(path).content)


# --- 43: odd ids ----------------------------------------------------------------------------------------------------

NOBODY = "00000000-0000-4000-8000-000000000000"
MARK = "a-forged-line"
ODD_IDS = {
    "letters of other alphabets": quote("données-日本-Ω"),
    "a way out": "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "a way out, encoded twice": "%252e%252e%252fetc%252fpasswd",
    "a way out, with backslashes": "..%5c..%5cetc",
    "dots": "%2e%2e",
    "NUL": "%00",
    "NUL in the middle": f"{NOBODY}%00.nc",
    "a mark that turns the writing": quote("\u202e" + "cba"),
    "a zero-width blank": quote(f"{NOBODY}\u200b"),
    "a trailing dot": "echo.",
    "trailing dots": f"{NOBODY}...",
    "a trailing blank": "echo%20",
    "a line of a log": quote(f'x\n{{"event": "{MARK}", "level": "info"}}\r\n'),
    "a separator of lines": quote(f"x\u2028{MARK}"),
    "bytes that are no UTF-8": "%ff%fe",
    "a percent sign": "%25",
    "half of an escape": "%e2%82",
    "letters in capitals": "ECHO",
    "digits of another alphabet": NOBODY.replace("0", "%d9%a0"),
    "SQL": quote("' OR '1'='1"),
    "a tag": quote("<script>alert(1)</script>"),
    "a template": quote("{{7*7}}{0}%s"),
    "10 kB": "x" * 10_000,
}
ROUTES = [
    ("GET", "/processes/{id}"),
    ("POST", "/processes/{id}/execution"),
    ("POST", "/processes/{id}/estimate"),
    ("POST", "/processes/{id}/constraints"),
    ("GET", "/jobs/{id}"),
    ("DELETE", "/jobs/{id}"),
    ("GET", "/jobs/{id}/results"),
    ("GET", "/jobs/{id}/results/message"),
    ("GET", "/jobs/{id}/log"),
    ("GET", "/jobs/{id}/events"),
    ("GET", "/jobs/{id}/definition"),
    ("GET", "/jobs/{id}/inputs"),
    ("GET", "{job}/results/{id}"),
    ("GET", "/centres/{id}"),
    ("GET", "/collections/{id}"),
    ("GET", "/stac/{id}"),
    ("GET", "/store/{id}/1/data.nc"),
    ("PUT", "/store/{id}/1/data.nc"),
    ("GET", "/assets/1/{id}"),
    ("GET", "/{id}"),
]


@pytest.fixture(scope="module")
def done(box: Box) -> str:
    """Give the path of a job that has ended."""
    service = Client(box.base_url)
    job = service.job("echo", {"inputs": {"message": "x"}})
    service.end_of(job)
    return job.removeprefix(box.base_url)


@pytest.fixture(scope="module")
def connection(box: Box) -> Iterator[http.client.HTTPConnection]:
    at = urlsplit(box.base_url)
    with closing(http.client.HTTPConnection(at.hostname or "", at.port, timeout=20)) as opened:
        yield opened


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None, **headers: str
) -> Answer:
    """Send a path just as it stands, whatever is in it."""
    connection._validate_path = lambda url: None  # type: ignore[attr-defined,method-assign]  # http.client is too polite
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    except (OSError, http.client.HTTPException):
        connection.close()
        raise


@pytest.mark.parametrize("odd", ODD_IDS.values(), ids=ODD_IDS)
def test_scenario_43_an_odd_id_is_404_on_every_route_and_one_line_in_the_log(box, connection, done, odd):
    log = box.home / "logs" / "server.log"
    before = log.stat().st_size
    for method, route in ROUTES:
        body = b'{"inputs": {"message": "x"}}' if method == "POST" else b"x" if method == "PUT" else None
        kind = {"Content_Type": "application/json"} if method == "POST" else {}
        path = route.format(id=odd, job=done)
        answer = ask(connection, method, path, body, **kind)
        refused = (
            {400, 404, 405} | ({401, 403, 411} if "/store/" in path else set()) | ({414} if len(odd) > 4000 else set())
        )
        assert answer.status in refused, (method, path[:200], answer.status, answer.content[:300])
        assert not SECRETS.search(answer.content.decode(errors="replace")), answer.content
    with log.open("rb") as opened:
        opened.seek(before)
        assert_whole_lines(opened.read())


def assert_whole_lines(written: bytes) -> None:
    """Hold each line of the log to being an entry of its own; a forged one would be an entry, too, or half of one."""
    for line in written.decode().splitlines():
        entry = json.loads(line)
        assert entry["event"] != MARK


# --- 44: odd boxes --------------------------------------------------------------------------------------------------


EARTH = "ten-degrees"
LONGITUDES, LATITUDES = np.arange(5.0, 360, 10), np.arange(-85.0, 90, 10)


@pytest.fixture(scope="module")
def earth(box: Box, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Publish a field over the whole earth in cells of ten degrees; a value is its latitude and, behind it, its longitude."""
    path = tmp_path_factory.mktemp("earth") / f"{EARTH}.nc"
    with netCDF4.Dataset(path, "w") as data:
        for name, values, units in (("lat", LATITUDES, "degrees_north"), ("lon", LONGITUDES, "degrees_east")):
            data.createDimension(name, len(values))
            axis = data.createVariable(name, "f8", (name,))
            axis.units = units
            axis[:] = values
        data.createVariable("tas", "f8", ("lat", "lon"))[:] = value_at(LATITUDES[:, None], LONGITUDES[None, :])
    done = box.run("catalogue", "add", str(path), "--centre", "theia")
    assert done.returncode == 0, done.stderr
    box.wait_until(lambda: EARTH in box.get("/processes/subset")["inputs"]["dataset"]["schema"]["enum"], limit_s=5)
    return EARTH


def value_at(latitude: Any, longitude: Any) -> Any:
    return latitude * 1000 + longitude % 360


NORTHERN = np.arange(-175.0, 180, 10)
RIGHT = {
    "the whole earth": ([-180, -90, 180, 90], LATITUDES, NORTHERN),
    "the whole earth from Greenwich": ([0, -90, 360, 90], LATITUDES, LONGITUDES),
    "over the antimeridian": ([170, -10, -170, 10], [-5, 5], [175, 185]),
    "over the antimeridian, written on": ([170, -10, 190, 10], [-5, 5], [175, 185]),
    "over the antimeridian from the west": ([-190, -10, -170, 10], [-5, 5], [-185, -175]),
    "over Greenwich, east before west": ([350, -10, 10, 10], [-5, 5], [355, 365]),
    "the north pole": ([-180, 80, 180, 90], [85], NORTHERN),
    "the south pole": ([-180, -90, 180, -80], [-85], NORTHERN),
    "a line through centres": ([-25, -40, -25, 40], np.arange(-35, 40, 10), [-25]),
    "a point": ([-28, 12, -28, 12], [15], [-25]),
    "the pole itself": ([4, 90, 4, 90], [85], [5]),
    "smaller than a cell": ([1, 1, 2, 2], [5], [5]),
}


@pytest.mark.parametrize(("sent", "rows", "columns"), RIGHT.values(), ids=RIGHT)
def test_scenario_44_an_odd_box_gives_the_right_cells(client, earth, sent, rows, columns):
    answer = client.execute("subset", {"inputs": {"dataset": earth, "bbox": sent}})
    assert answer.status == 200, answer.content
    with netCDF4.Dataset("result.nc", memory=answer.content) as data:
        found = {name: np.atleast_1d(data[name][:]) for name in ("lat", "lon", "tas")}
    np.testing.assert_array_equal(found["lat"], rows)
    np.testing.assert_array_equal(found["lon"], columns)
    wanted = value_at(np.array(rows)[:, None], np.array(columns)[None, :])
    np.testing.assert_array_equal(found["tas"].reshape(wanted.shape), wanted)


REFUSED = {
    "upside down": [0, 10, 10, -10],
    "beyond the pole": [0, 0, 10, 91],
    "beyond all longitudes": [-361, 0, 10, 10],
    "huge": [-1e300, -1e300, 1e300, 1e300],
    "as the official suite sends it": {"bbox": [345345345] * 4, "crs": "urn:ogc:def:crs:EPSG:6.6:4326"},
    "in metres, said to be degrees": [500000, 4000000, 600000, 5000000],
    "in a system where it is not defined": {
        "bbox": [1e9, 1e9, 2e9, 2e9],
        "crs": "http://www.opengis.net/def/crs/EPSG/0/2154",
    },
    "a system that is an address": {"bbox": [1, 2, 3, 4], "crs": "http://127.0.0.1:1/crs"},
    "a system that is a file": {"bbox": [1, 2, 3, 4], "crs": "file:///etc/passwd"},
    "of texts": ["west", "south", "east", "north"],
    "of lists": [[1], [2], [3], [4]],
    "of seven numbers": [1, 2, 3, 4, 5, 6, 7],
    "of no numbers": [],
}


@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED)
def test_scenario_44_a_box_that_is_none_is_refused_with_what_would_be_right(client, sent):
    for route in ("execution", "estimate"):
        answer = client.send(
            "POST",
            f"/processes/subset/{route}",
            json.dumps({"inputs": {"dataset": SST, "bbox": sent}}).encode(),
            **JSON,
        )
        assert_refused(answer, 400)
        assert answer.json["errors"][0]["input"] == "bbox"


# --- 45: bombs ------------------------------------------------------------------------------------------------------

ZEROS = bytes(LARGE_BYTES)
BOMBS = {
    "gzip": gzip.compress(ZEROS, 6),
    "deflate": zlib.compress(ZEROS, 6),
    "gzip, gzip": gzip.compress(gzip.compress(ZEROS, 6)),
    "identity, gzip": gzip.compress(ZEROS, 6),
    "GZIP": gzip.compress(ZEROS, 6),
    "br": b"\x8b\x02\x80" * 1000,
}


@pytest.mark.parametrize("encoding", BOMBS)
def test_scenario_45_a_compressed_body_is_refused_and_never_unpacked(box, client, encoding):
    memory = Memory(box)
    for route in ("execution", "estimate", "constraints"):
        began = time.monotonic()
        answer = client.send("POST", f"/processes/echo/{route}", BOMBS[encoding], Content_Encoding=encoding, **JSON)
        assert_refused(answer, 413, 415)
        assert time.monotonic() - began <= 1
    assert memory.growth_bytes() < GROWTH_LIMIT_BYTES


def test_scenario_45_a_compressed_transfer_is_refused(box):
    at = urlsplit(box.base_url)
    head = f"POST /processes/echo/execution HTTP/1.1\r\nHost: {at.netloc}\r\nContent-Type: application/json\r\n"
    with closing(socket.create_connection((at.hostname, at.port), timeout=20)) as connection:
        connection.sendall(f"{head}Transfer-Encoding: gzip, chunked\r\n\r\n".encode())
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(b"%x\r\n%b\r\n0\r\n\r\n" % (len(BOMBS["gzip"]), BOMBS["gzip"]))
        assert re.match(rb"HTTP/1.1 4\d\d ", connection.recv(65536))


# --- 46: anything at all --------------------------------------------------------------------------------------------

NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(max_size=30) | st.sampled_from(
    [
        "",
        "..",
        "1990/2000",
        "../..",
        "850 hPa",
        SST,
        f"{SST}@1",
        "touch",
        "1e999",
        "NaN",
        "\x00",
        "-0",
        "\u0661",
        "2000-13",
    ]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.sampled_from(["value", "href", "type", "bbox", "crs", "mediaType", "format"]) | TEXTS, inner, max_size=4
        )
    ),
    max_leaves=8,
)
BOXES = st.lists(st.floats(-400, 400) | NUMBERS | TEXTS, min_size=3, max_size=7) | st.builds(
    lambda bbox, crs: {"bbox": bbox, "crs": crs},
    st.lists(st.floats(-100, 100), min_size=4, max_size=6),
    st.sampled_from(["EPSG:4326", "EPSG:2154", "EPSG:3857", "EPSG:27700", "EPSG:32661", "OGC:CRS84", "EPSG:0"]) | TEXTS,
)
NAMES = {
    "echo": ["message", "pause", "values", "area"],
    "subset": ["dataset", "variables", "bbox", "datetime", "levels", "inclusion"],
}
LIKELY = {"dataset": st.just(SST), "message": st.text(max_size=20), "bbox": BOXES, "area": BOXES}


def inputs_of(process: str) -> st.SearchStrategy[Any]:
    named = {name: LIKELY.get(name, ANYTHING) | ANYTHING for name in NAMES[process]}
    return st.fixed_dictionaries({}, optional=named) | st.dictionaries(TEXTS, ANYTHING, max_size=3) | ANYTHING


def body_of(process: str) -> st.SearchStrategy[Any]:
    outputs = st.dictionaries(
        st.sampled_from(["message", "values", "area", "data"]) | TEXTS,
        st.fixed_dictionaries({}, optional={"transmissionMode": ANYTHING, "format": ANYTHING}) | ANYTHING,
        max_size=3,
    )
    return st.fixed_dictionaries(
        {"inputs": inputs_of(process)},
        optional={"outputs": outputs | ANYTHING, "response": st.sampled_from(["raw", "document"]) | ANYTHING},
    )


REQUESTS = st.sampled_from(sorted(NAMES)).flatmap(lambda process: st.tuples(st.just(process), body_of(process)))
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Prefer": st.sampled_from(
            ["respond-async", "respond-sync;;wait=1", "wait=99999999999", ',;"=', "return=minimal, x"]
        ),
        "Accept": st.sampled_from(["/*", "application/json", "text/html", ";;q=2", "image/png, */*;q=0", "*/*"]),
        "Accept-Language": st.sampled_from(["fr", "fr-CH;q=nan", "*", "xx", "en;q=0"]),
    },
)


@given(
    request=REQUESTS,
    route=st.sampled_from(["estimate", "estimate", "constraints", "execution"]),
    headers=HEADERS,
)
@example(request=("echo", {"inputs": {"message": "x", "pause": 1e308}}), route="execution", headers={})
@example(request=("echo", {"inputs": {"message": "x" * 500_000}}), route="execution", headers=ASYNC)
@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=CASES <= 200)
def test_scenario_46_whatever_is_sent_is_answered_and_never_with_a_5xx(connection, request, route, headers):
    process, body = request
    content = json.dumps(body).encode()
    answer = ask(
        connection, "POST", f"/processes/{process}/{route}", content, **{"Content_Type": "application/json"} | headers
    )
    assert answer.status < 500, answer.content
    if location := answer.headers["Location"]:
        ask(connection, "DELETE", urlsplit(location).path)
    if answer.status >= 400:
        wants_page = "text/html" in headers.get("Accept", "")
        assert answer.headers.get_content_type() == ("text/html" if wants_page else "application/json")
        assert not SECRETS.search(answer.content.decode())
    if answer.headers.get_content_type() == "application/json":
        strict(answer.content)

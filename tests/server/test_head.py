"""`HEAD` answers as `GET` does, on every route that there is."""

import re

import pytest

from gaia_server.operations import OPERATIONS

OF_EACH_ANSWER = {"Date"}


@pytest.fixture
def addresses(client, desk):
    """The address of every operation that reads, each of a thing that is there."""
    ended = desk.finish(desk.accept("message", response="raw"), message=b"hello")
    failed = desk.fail(desk.accept("message"), "timeout")
    ids = {"processID": "echo", "jobID": ended.id, "outputID": "message", "centreID": "theia", "collectionID": "x",
           "tileMatrixSetID": "WebMercatorQuad",
           "uploadID": client.post("/uploads", data=b"CDF\x01").get_json()["uploadID"]}  # fmt: skip
    told = [operation.path for operation in OPERATIONS if operation.method == "get"]
    paths = [re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], path) for path in told]
    return [
        *paths,
        f"/jobs/{failed.id}/results",
        f"/jobs/{failed.id}",
        "/jobs?limit=0",
        "/nothing",
        "/static/img/logo.png",
    ]


@pytest.mark.parametrize("accept", [None, "application/json", "text/html", "/*"])
def test_head_says_what_get_says_without_a_body(client, addresses, accept):
    headers = {} if accept is None else {"Accept": accept}
    for path in addresses:
        with client.get(path, headers=headers) as get, client.head(path, headers=headers) as head:
            assert head.status_code == get.status_code, path
            assert head.data == b"", path
            assert told(head) == told(get), path
            assert path.endswith("/events") or "Content-Length" in head.headers, path


def told(response):
    return sorted((name, value) for name, value in response.headers if name not in OF_EACH_ANSWER)


READ = {each.path for each in OPERATIONS if each.method == "get"}


@pytest.mark.parametrize("path", sorted({each.path for each in OPERATIONS} - READ))
def test_there_is_no_head_where_there_is_no_get(client, path):
    answer = client.head(path.replace("{processID}", "echo"))
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}


def test_head_of_a_range_says_its_length(client, desk):
    job = desk.finish(desk.accept("message", response="raw"), message=b"hello")
    answer = client.head(f"/jobs/{job.id}/results/message", headers={"Range": "bytes=1-3"})
    assert (answer.status_code, answer.headers["Content-Length"], answer.headers["Content-Range"]) == (
        206,
        "3",
        "bytes 1-3/5",
    )

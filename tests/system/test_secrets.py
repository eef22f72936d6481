"""
Secrets stay where they are: none of those that a federation has, or that a client sends, stands in a log, a store, a result or an answer.

It runs in the box that all system tests share, so that it also finds what went wrong before it.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from real_box import Box
from wire import ASYNC, Client

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

PAGES = (
    "/", "/conformance", "/openapi", "/processes", "/processes/echo", "/processes/subset", "/collections", "/jobs", "/centres",
    "/centres/climeri", "/health", "/health/live", "/health/ready", "/metrics", "/nowhere",
)  # fmt: skip


@pytest.fixture
def planted() -> dict[str, str]:
    """Give secrets that a client sends along, each in a place where clients keep them."""
    return {name: f"canary-{uuid4().hex}" for name in ("Authorization", "Cookie", "Proxy-Authorization", "X-Api-Key")}


def secrets_of(box: Box) -> dict[str, str]:
    """Read the keys of the centres and of the callbacks, and the broker's password."""
    found = {path.name: path.read_text().strip() for path in (box.home / "keys").iterdir() if path.name != "broker"}
    password = urlsplit((box.home / "keys" / "broker").read_text().strip()).password
    return found | ({"broker": password} if password else {})


def answers(client: Client, planted: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """Do what clients do, well and badly, with secrets in the headers; give all that comes back."""
    headers = {name.replace("-", "_"): value for name, value in planted.items()}
    for page in PAGES:
        for accept in ("application/json", "text/html"):
            answer = client.get(page, Accept=accept, **headers)
            yield f"{page} as {accept}", answer.content + str(answer.headers).encode()
    for body in ({"inputs": {"message": "hello"}}, {"inputs": {"message": 5, "pause": -1}}, {"inputs": []}):
        answer = client.execute("echo", body, **headers)
        yield f"execution of {body}", answer.content + str(answer.headers).encode()
    job = client.job("echo", {"inputs": {"message": "job", "pause": 0.2}}, **headers)
    client.end_of(job)
    for page in ("", "/results", "/log", "/definition", "/provenance"):
        answer = client.get(f"{job}{page}", **headers)
        yield f"job{page}", answer.content + str(answer.headers).encode()
    gone = client.job("echo", {"inputs": {"message": "gone", "pause": 30}}, **headers)
    yield "dismissal", client.send("DELETE", gone, **headers).content


def kept_files(box: Box) -> Iterator[Path]:
    """List all that the federation writes, but for the keys themselves and the samples."""
    folders = [
        box.home / "logs",
        box.home / "store",
        box.home / "store-results",
        *(box.home / "centres").glob("*/results"),
    ]
    yield from (path for folder in folders for path in folder.rglob("*") if path.is_file())
    yield box.screen


def test_no_secret_stands_in_a_log_a_store_a_result_or_an_answer(
    box: Box, client: Client, planted: dict[str, str]
) -> None:
    os.kill(box.processes()["broker"], signal.SIGKILL)  # errors of connections like to name whom they could not reach
    waits = client.execute("echo", {"inputs": {"message": "without a broker"}}, **ASYNC)
    assert waits.status in (201, 503)
    box.wait_until(box.is_up, limit_s=60)
    told = list(answers(client, planted))
    secrets = secrets_of(box) | planted
    assert len(secrets) >= 7
    hits = [
        f"{name} in {place}" for place, content in told for name, value in secrets.items() if value.encode() in content
    ]
    for path in kept_files(box):
        content = path.read_bytes() if path.exists() else b""
        hits += [f"{name} in {path.name}" for name, value in secrets.items() if value.encode() in content]
    assert hits == []


def test_the_search_itself_finds_what_stands_there(box: Box) -> None:
    """The store holds what users asked for: so does the search."""
    word = f"word-{uuid4().hex}"
    Client(box.base_url).end_of(Client(box.base_url).job("echo", {"inputs": {"message": word}}))
    assert any(word.encode() in path.read_bytes() for path in kept_files(box) if path.exists())

"""
The clients that exist, unchanged, against a real box.

Those that pip brings run themselves. The others are written down as the requests that they send and what they read of the
answers; where a client's source is the measure, its file is named.
"""

import pytest

from real_box import Box
from wire import Client


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the clients from asking a proxy of the machine for the loopback."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def base_url(box: Box) -> str:
    return box.base_url


@pytest.fixture
def client(box: Box) -> Client:
    return Client(box.base_url)

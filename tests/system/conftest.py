"""A client of the box."""

import pytest

from real_box import Box
from wire import Client


@pytest.fixture
def client(box: Box) -> Client:
    return Client(box.base_url)

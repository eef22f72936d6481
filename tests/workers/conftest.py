"""A centre with folders, a key and a broker of its own."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import redis

from gaia_config.centres import Centre, Queue
from gaia_workers.transport import Line


@pytest.fixture
def centre(tmp_path: Path, redis_url: str) -> Centre:
    """Give a centre below a temporary folder, alone below its prefix."""
    for name in ("data", "results"):
        (tmp_path / name).mkdir()
    return Centre(
        id="climeri",
        title="CLIMERI",
        broker_url=redis_url,
        prefix=f"test-{uuid4().hex[:8]}:",
        key=b"k" * 32,
        queues=(Queue(name="interactive", concurrency=2, executor="process"),),
        delivery="serve",
        public_url="http://127.0.0.1:5999",
        catalogue=tmp_path / "catalog.json",
        data=tmp_path / "data",
        results=tmp_path / "results",
    )


@pytest.fixture
def line(centre: Centre) -> Iterator[Line]:
    """Give the centre's line to its broker."""
    opened = Line(centre)
    yield opened
    opened.close()


@pytest.fixture
def broker(redis_url: str) -> Iterator[redis.Redis]:
    """Give the broker as somebody sees it who has no key of ours."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client

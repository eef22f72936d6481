"""A job store in a temporary file, and jobs to put into it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from gaia_server.jobs.records import Demand, Job, RequestedOutput
from gaia_server.jobs.states import State
from gaia_server.jobs.store import Store

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)

type MakeJob = Callable[..., Job]


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Give an empty store, once for each database that we support."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/store/jobs.sqlite"
    else:
        url = request.getfixturevalue("fresh_postgres")
    opened = Store.open(url)
    yield opened
    opened.close()


@pytest.fixture
def make_job() -> MakeJob:
    """Give a maker of accepted jobs."""

    def make(**change: object) -> Job:
        values: dict[str, object] = {
            "id": str(uuid4()),
            "owner": "anna",
            "process_id": "echo",
            "process_version": "1.0.0",
            "demand": Demand(inputs={"message": "hello"}, outputs=(RequestedOutput(id="message", format="text"),)),
            "content_key": uuid4().hex,
            "accepted": NOON,
            "synchronous": False,
            "state": State.ACCEPTED,
            "created": NOON,
            "updated": NOON,
            "deadline": NOON + timedelta(days=1),
            "centre": "climeri",
            "queue": "interactive",
        }
        return Job(**(values | change))  # type: ignore[arg-type]  # a test says what it changes

    return make

"""A job store in a temporary file, and jobs to put into it."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, event, inspect

from gaia_server.jobs import engine as database
from gaia_server.jobs.records import Demand, Job, RequestedOutput
from gaia_server.jobs.states import State
from gaia_server.jobs.store import Store
from gaia_server.jobs.tables import compatibility, metadata

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)

type MakeJob = Callable[..., Job]


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path, empty_store: Path) -> Iterator[Store]:
    """Give an empty store, once for each database that we support; migrations have a test of their own."""
    if request.param == "sqlite":
        engine = database.open_engine(f"sqlite:///{shutil.copy(empty_store, tmp_path / 'jobs.sqlite')}")
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    else:
        engine = emptied(request.getfixturevalue("postgres").url)
    opened = Store(engine)
    yield opened
    opened.close()


def emptied(url: str) -> Engine:
    """Open a database of PostgreSQL; the rows of the test before are deleted, which is quicker than making them anew."""
    engine = database.open_engine(url)
    if not inspect(engine).has_table(metadata.sorted_tables[0].name):
        database.migrate(engine)
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            if table is not compatibility:
                connection.execute(table.delete())  # of few rows quicker than TRUNCATE, which makes files anew
    return engine


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

"""A server without a socket: the real store in a temporary folder, and centres that are only written down."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gaia_config.catalogue import Federation, publish, write_empty
from gaia_config.centres import Centre, Queue
from gaia_config.datasets import Dataset, Replica
from gaia_config.settings import Settings
from gaia_processes.catalogue import CATALOGUE, by_id
from gaia_processes.cube import Axis, Cube, Variable
from gaia_processes.process import Process
from gaia_server.app import make_app
from gaia_server.errors import NoSuchJob
from gaia_server.jobs.records import Demand, Job
from gaia_server.jobs.states import State
from gaia_server.jobs.store import Store
from gaia_server.push import Deliveries
from gaia_server.results import STORE, ResultFiles
from gaia_server.services import Services
from gaia_workers.contract import Load, Report, Words, utc_now

KEY = b"k" * 32
CUBE = Cube(
    dimensions={
        "time": Axis(
            type="temporal", extent=("2000-01-16T00:00:00", "2000-12-16T00:00:00"), size=12, calendar="360_day"
        ),
        "lat": Axis(type="spatial", axis="y", extent=(30.0, 60.0), size=4, unit="degrees_north"),
        "lon": Axis(type="spatial", axis="x", extent=(-10.0, 20.0), size=4, unit="degrees_east"),
    },
    variables={"tas": Variable(dimensions=("time", "lat", "lon"), shape=(12, 4, 4), unit="K", stored_bytes=768)},
    grid="regular",
    bbox=(-10.0, 30.0, 20.0, 60.0),
)


@dataclass(slots=True)
class MemorySubmission:
    """The way of a job without a broker: jobs are recorded, and a test says what becomes of them."""

    store: Store
    loads_now: dict[str, Load] = field(default_factory=dict)
    work: Callable[[Job], Report | None] = lambda job: None
    refusal: Exception | None = None

    def submit(self, process: Process, demand: Demand, *, owner: str, synchronous: bool) -> Job:
        """Record a job."""
        if self.refusal is not None:
            raise self.refusal
        return self.store.accept(new_job(process, demand, owner=owner, synchronous=synchronous))

    def wait(self, job_id: str, *, owner: str, timeout_s: float) -> Job:
        """Do the work at once, as the test has it."""
        job = self.store.find(job_id, owner=owner)
        if job is None:
            raise NoSuchJob
        report = self.work(job)
        if report is not None:
            self.store.apply([report], attempts=1)
        return self.store.find(job_id, owner=owner) or job

    def dismiss(self, job_id: str, *, owner: str) -> Job | None:
        """Dismiss a job."""
        return self.store.dismiss(job_id, owner=owner)

    def loads(self) -> dict[str, Load]:
        """See how the centres are."""
        return self.loads_now


def new_job(process: Process, demand: Demand, *, owner: str, synchronous: bool) -> Job:
    """Make a job that was accepted just now, at the centre `theia`."""
    now = utc_now()
    return Job(
        id=str(uuid4()),
        owner=owner,
        process_id=process.id,
        process_version=process.version,
        demand=demand,
        content_key=uuid4().hex,
        accepted=now,
        synchronous=synchronous,
        state=State.ACCEPTED,
        created=now,
        updated=now,
        deadline=now + timedelta(hours=1),
        centre="theia",
        queue="interactive",
        reason=Words(en="theia holds the data", fr="theia détient les données"),
    )


def make_centre(folder: Path, id: str = "theia", **members: Any) -> Centre:
    """Make a centre whose catalogue is empty."""
    catalogue = folder / id / "catalog.json"
    centre = Centre(
        id=id,
        title=id.title(),
        broker_url="redis://127.0.0.1:1/0",
        prefix=f"{id}:",
        key=KEY,
        queues=(Queue(name="interactive", concurrency=1, executor="process"),),
        delivery="serve",
        public_url="http://127.0.0.1:9/depot",
        catalogue=catalogue,
        data=folder / id / "data",
        results=folder / id / "results",
    )
    centre = replace(centre, **members)
    write_empty(centre)
    return centre


def make_dataset(id: str = "tas-monthly", cube: Cube = CUBE, centre: str = "theia") -> Dataset:
    """Make a dataset of the catalogue."""
    return Dataset(
        id=id,
        version="1",
        title=id,
        description=id,
        licence="other",
        keywords=(),
        bbox=cube.bbox,
        interval=(None, None),
        properties=cube.to_stac(),
        replicas=(
            Replica(centre=centre, href="a.nc", media_type="application/x-netcdf", size_bytes=1, sha256="0" * 64),
        ),
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", public_url="https://gaia.test/api", sync_limit_s=8)


@pytest.fixture
def centres(tmp_path: Path) -> dict[str, Centre]:
    return {id: make_centre(tmp_path, id) for id in ("theia", "climeri")}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture
def submission(store: Store) -> MemorySubmission:
    return MemorySubmission(store, loads_now={"theia": Load(alive=True, slots=1), "climeri": Load(alive=True, slots=1)})


@pytest.fixture
def services(settings: Settings, store: Store, submission: MemorySubmission, centres: dict[str, Centre]) -> Services:
    publish(centres["theia"], make_dataset())
    kept = settings.home / STORE
    return Services(
        settings=settings,
        store=store,
        submission=submission,
        federation=Federation(centres),
        centres=centres,
        processes=by_id(CATALOGUE),
        files=ResultFiles(store=kept, centres=centres, link_lifetime_s=60),
        deliveries=Deliveries(store=kept, jobs=store, centres=centres),
    )


@pytest.fixture
def app(services: Services) -> Flask:
    return make_app(services)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()

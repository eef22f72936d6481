"""A server without a socket: the real store in a temporary folder, and centres that are only written down."""

import hashlib
import json
import shutil
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import trustme
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import event
from werkzeug.test import TestResponse

from gaia_config.catalogue import Federation, publish, write_empty
from gaia_config.centres import Centre, Queue
from gaia_config.datasets import Dataset, Replica
from gaia_config.settings import Settings
from gaia_processes.catalogue import CATALOGUE, by_id
from gaia_processes.cube import Axis, Cube, Variable
from gaia_processes.process import Process
from gaia_server.app import draw_app, settle
from gaia_server.demands import Understood
from gaia_server.errors import NoSuchJob
from gaia_server.events import Feeds, Wakes
from gaia_server.jobs.engine import open_engine
from gaia_server.jobs.outlook import Outlooks
from gaia_server.jobs.records import Demand, Job, Once, RequestedOutput
from gaia_server.jobs.states import State
from gaia_server.jobs.store import Store
from gaia_server.outbound import open_outbound
from gaia_server.push import Deliveries
from gaia_server.repeats import require_same
from gaia_server.results import STORE, ResultFiles
from gaia_server.routing import Choice
from gaia_server.services import Services
from gaia_server.submission import Plan
from gaia_server.uploads.uploads import open_uploads
from gaia_workers.contract import (
    Failure,
    Kind,
    Load,
    OutputFile,
    Receipt,
    Report,
    Result,
    SideFile,
    Words,
    sign_link,
    utc_now,
)
from gaia_workers.downloads import digest_header

KEY = b"k" * 32
CATALOGUE_BY_ID = by_id(CATALOGUE)
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

    def submit(
        self,
        process: Process,
        understood: Understood,
        *,
        owner: str,
        synchronous: bool,
        fresh: bool = False,
        once: Once | None = None,
    ) -> Job:
        """Record a job."""
        if self.refusal is not None:
            raise self.refusal
        job = new_job(process, understood.demand, owner=owner, synchronous=synchronous)
        accepted = self.store.accept(replace(job, once=once), fresh=fresh)
        return require_same(accepted, once) if once else accepted

    def find_once(self, once: Once, *, owner: str) -> Job | None:
        """Find what an earlier request made."""
        earlier = self.store.find_once(once.key, owner=owner)
        return None if earlier is None else require_same(earlier, once)

    def wait(self, job_id: str, *, owner: str, timeout_s: float) -> Job:
        """Do the work at once, as the test has it."""
        job = self.store.find(job_id, owner=owner)
        if job is None:
            raise NoSuchJob
        report = self.work(job)
        if report is not None:
            self.store.apply([report], attempts=1)
        return self.store.find(job_id, owner=owner) or job

    def go_on(self, job: Job) -> Job:
        """Have a job listed."""
        self.store.turn_asynchronous(job)
        return replace(job, synchronous=False)

    def dismiss(self, job_id: str, *, owner: str) -> Job | None:
        """Dismiss a job."""
        return self.store.dismiss(job_id, owner=owner)

    def loads(self) -> dict[str, Load]:
        """See how the centres are."""
        return self.loads_now

    def choose(self, process: Process, understood: Understood) -> Plan:
        """Choose the one centre that there is."""
        reason = Words(en="it is near", fr="il est proche")
        return Plan(choice=Choice(centre="theia", queue="interactive", reason=reason))


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


def output_file(job: Job, output: str, content: bytes) -> OutputFile:
    """Say of a file what a centre would say of it."""
    formats = CATALOGUE_BY_ID[job.process_id].outputs[output].formats
    name = f"{output}{formats[0].extension}"
    return OutputFile(
        output=output,
        name=name,
        media_type=formats[0].media_type,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        location=f"{job.id}/1/{name}",
        store="server",
    )


def finished(job: Job, *files: OutputFile) -> Report:
    """Make the report of a job that ended well."""
    result = Result(
        outputs=tuple(file for file in files if not isinstance(file, SideFile)),
        sides=tuple(file for file in files if isinstance(file, SideFile)),
        receipt=Receipt(bytes_read=5, cpu_s=0.5),
    )
    return Report(job_id=job.id, part=0, attempt=1, centre=job.centre, kind=Kind.FINISHED, result=result)


@dataclass(frozen=True, slots=True)
class Desk:
    """Jobs as a test wants them."""

    services: Services

    def accept(self, *outputs: str, process: str = "echo", inputs: dict[str, Any] | None = None, **members: Any) -> Job:
        """Record a job that asks for outputs; `transmission` and `response` go into its demand."""
        transmission, response = members.pop("transmission", None), members.pop("response", None)
        offered = self.services.processes[process].outputs
        demand = Demand(
            inputs=inputs or {"message": "hello"},
            outputs=tuple(
                RequestedOutput(id=id, format=offered[id].formats[0].id, transmission=transmission) for id in outputs
            ),
            response=response,
        )
        job = new_job(self.services.processes[process], demand, owner="anonymous", synchronous=False)
        return self.services.store.accept(replace(job, **members))

    def finish(self, job: Job, **contents: bytes) -> Job:
        """Let a job end well, with files in the server's own store."""
        files = tuple(self.keep(job, output, content) for output, content in contents.items())
        return self.end(job, *files)

    def keep(self, job: Job, output: str, content: bytes, **members: Any) -> OutputFile:
        """Put a file into the server's own store."""
        file = replace(output_file(job, output, content), **members)
        path = self.services.settings.home / STORE / file.location
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return file

    def keep_side(self, job: Job, output: str, told: dict[str, Any], **members: Any) -> SideFile:
        """Put a preview into the server's own store."""
        content, name = json.dumps(told).encode(), f"{output}.preview.json"
        side = SideFile(
            output=output,
            ending="preview.json",
            name=name,
            media_type="application/json",
            size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            location=f"{job.id}/1/{name}",
            store="server",
        )
        path = self.services.settings.home / STORE / side.location
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return replace(side, **members)

    def describe(self, job: Job, output: str, content: bytes) -> OutputFile:
        """Say of a file what a centre would say of it."""
        return output_file(job, output, content)

    def end(self, job: Job, *files: OutputFile) -> Job:
        """Let a job end well, with files that may lie anywhere."""
        return self.report(job, finished(job, *files))

    def fail(self, job: Job, code: str) -> Job:
        """Let a job fail."""
        words = Words(en=f"It failed: {code}.", fr=f"Échec : {code}.")
        failure = Failure(code=code, words=words)
        return self.report(
            job, Report(job_id=job.id, part=0, attempt=1, centre=job.centre, kind=Kind.FAILED, failure=failure)
        )

    def report(self, job: Job, report: Report) -> Job:
        """Let the centre say something."""
        self.services.store.apply([report], attempts=1)
        found = self.services.store.find(job.id, owner=job.owner)
        assert found is not None
        return found


@pytest.fixture(scope="session", autouse=True)
def no_power_cuts() -> Iterator[None]:
    """Let files be written without bringing them to the disk: no test here can tell, and it takes longer than most of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session")
def usual_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Give settings that were read and judged once, which takes longer than many a test."""
    return Settings(home=tmp_path_factory.mktemp("usual"), public_url="https://gaia.test/api", sync_limit_s=8)


@pytest.fixture
def settings(usual_settings: Settings, tmp_path: Path) -> Settings:
    home = tmp_path / "home"
    below = {"store_url": SecretStr(f"sqlite:///{home / 'store' / 'jobs.sqlite'}"), "centres": home / "centres.yml"}
    return usual_settings.model_copy(update={"home": home, **below})


@pytest.fixture
def centres(tmp_path: Path) -> dict[str, Centre]:
    return {id: make_centre(tmp_path, id) for id in ("theia", "climeri")}


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of a store that went through all migrations once, to be copied: they cost more than most tests."""
    path = tmp_path_factory.mktemp("store") / "jobs.sqlite"
    Store.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Iterator[Store]:
    copied = shutil.copy(empty_store, tmp_path / "jobs.sqlite")
    engine = open_engine(f"sqlite:///{copied}")
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    opened = Store(engine)
    yield opened
    opened.close()


@pytest.fixture
def submission(store: Store) -> MemorySubmission:
    return MemorySubmission(store, loads_now={"theia": Load(alive=True, slots=1), "climeri": Load(alive=True, slots=1)})


@dataclass(slots=True)
class Ears:
    """Hears of changes when a test says so."""

    waiting: dict[str, list[Wakes]] = field(default_factory=dict)

    def enter(self, job_id: str, event: Wakes) -> None:
        """Begin to tell an event of a job's changes."""
        self.waiting.setdefault(job_id, []).append(event)

    def leave(self, job_id: str, event: Wakes) -> None:
        """Stop telling it."""
        self.waiting[job_id].remove(event)

    def announce(self, job_id: str) -> None:
        """Say that a job changed."""
        for each in self.waiting.get(job_id, ()):
            each.set()


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
def services(
    settings: Settings, store: Store, submission: MemorySubmission, centres: dict[str, Centre], ears: Ears
) -> Services:
    publish(centres["theia"], make_dataset())
    kept = settings.home / STORE
    return Services(
        settings=settings,
        store=store,
        submission=submission,
        federation=Federation(centres),
        centres=centres,
        processes=CATALOGUE_BY_ID,
        files=ResultFiles(store=kept, centres=centres, link_lifetime_s=60, lose=store.retention.lose),
        deliveries=Deliveries(store=kept, jobs=store, centres=centres),
        feeds=Feeds(store, ears, look_s=0.2),
        outlooks=Outlooks(store.lanes, submission.loads),
        outbound=open_outbound(settings),
        uploads=open_uploads(settings, store.engine),
    )


@pytest.fixture(scope="session")
def drawn_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """Give an application with its routes, which take most of the time; each test gives it what it works with."""
    return draw_app(Settings(home=tmp_path_factory.mktemp("front")))


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority of a test's own."""

    made: trustme.CA
    path: Path

    def vouch(self, *names: str, **how: Any) -> ssl.SSLContext:
        """Give what a server of these names shows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.made.issue_cert(*names, **how).configure_cert(context)
        return context


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made, path = trustme.CA(), tmp_path_factory.mktemp("authority") / "ca.pem"
    made.cert_pem.write_to_path(path)
    return Authority(made, path)


@pytest.fixture
def app(drawn_app: Flask, services: Services) -> Flask:
    settle(drawn_app, services)
    return drawn_app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def desk(services: Services) -> Desk:
    return Desk(services)


@pytest.fixture
def deliver(client: FlaskClient, settings: Settings) -> Callable[..., TestResponse]:
    """Push a file, or a piece of one, as a centre does."""

    def deliver(
        job: Job,
        name: str,
        piece: bytes,
        *,
        whole: bytes | None = None,
        offset: int = 0,
        digest_of: bytes | None = None,
        centre: str = "theia",
        attempt: int = 1,
        signature: str | None = None,
        expires: int | None = None,
        headers: dict[str, str | None] | None = None,
        method: str = "PUT",
    ) -> TestResponse:
        whole = piece if whole is None else whole
        location = f"{job.id}/{attempt}/{name}"
        expires = int(time.time()) + 60 if expires is None else expires
        signature = signature or sign_link(KEY, method="PUT", location=location, expires=expires)
        last = offset + len(piece) - 1
        sent: dict[str, str | None] = {
            "Gaia-Centre": centre,
            "Repr-Digest": digest_header(hashlib.sha256(whole if digest_of is None else digest_of).hexdigest()),
            "Content-Range": f"bytes {offset}-{last}/{len(whole)}" if piece else "bytes */0",
        }
        return client.open(
            f"/store/{location}",
            method=method,
            query_string={"expires": str(expires), "signature": signature},
            headers={name: value for name, value in (sent | (headers or {})).items() if value is not None},
            data=piece,
        )

    return deliver

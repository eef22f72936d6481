"""Every older store is brought up with what is in it, also where jobs run; each step leaves the version before able to go on."""

import itertools
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from gaia_config.errors import ConfigurationError
from gaia_server.jobs import engine as database
from gaia_server.jobs.records import Job
from gaia_server.jobs.states import State
from gaia_server.jobs.store import Store
from gaia_server.jobs.tables import compatibility
from gaia_workers.contract import Kind, OutputFile, Receipt, Report, Result

REVISIONS = [each.revision for each in ScriptDirectory.from_config(database.migrations()).walk_revisions()][::-1]
BEFORE_THE_FIRST_RELEASE = frozenset({"0001", "0002", "0003", "0004"})
"""Nobody has a store of these; from the next revision on, a step must leave the version before it able to work."""


def move(engine: sa.Engine, go: Callable[..., None], revision: str) -> None:
    """Bring a database to a revision, up or down."""
    config = database.migrations()
    with database.writing(engine) as connection:
        config.attributes["connection"] = connection
        go(config, revision)


def report(job: Job, kind: Kind, result: Result | None = None) -> Report:
    return Report(
        job_id=job.id, part=0, attempt=job.attempt, centre=job.centre, kind=kind, result=result
    )  # fmt: skip


def result_of(job: Job) -> Result:
    file = OutputFile(
        output="message", name="m.txt", media_type="text/plain", size_bytes=2, sha256="a" * 64,
        location=f"{job.id}/1/m.txt", store="centre", value=job.id,
    )  # fmt: skip
    return Result(outputs=(file,), receipt=Receipt())


@pytest.mark.slow
@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_jobs_that_ran_in_an_older_store_finish_after_its_migration(store: Store, make_job, revision: str) -> None:
    jobs = [store.accept(make_job(content_key=f"{number:064}")) for number in range(20)]
    for job in jobs:
        store.sent(job.id, 1)
    store.apply([report(job, Kind.STARTED) for job in jobs], attempts=3)
    engine = store._engine
    move(engine, command.downgrade, revision)
    database.migrate(engine)
    found = [store.find(job.id, owner="anna") for job in jobs]
    assert {each.state for each in found if each} == {State.RUNNING}
    store.apply([report(job, Kind.FINISHED, result_of(job)) for job in jobs], attempts=3)
    ends = [store.find(job.id, owner="anna") for job in jobs]
    assert [each.result.outputs[0].value for each in ends if each and each.result] == [job.id for job in jobs]


def test_a_step_lets_the_version_before_it_write_and_read_what_it_knows(store: Store, make_job) -> None:
    """
    Columns that a step adds are optional or have a value of their own; what it no longer needs goes a step later.

    A step that takes something away says so: it is the oldest with which its store can be used from then on.
    """
    engine = store._engine
    job = store.accept(make_job())
    for before, after in itertools.pairwise(REVISIONS):
        if after in BEFORE_THE_FIRST_RELEASE:
            continue
        move(engine, command.downgrade, before)
        known = known_of(engine)
        move(engine, command.upgrade, after)
        if oldest_of(engine) == after:
            continue
        for table in known.tables.values():
            if table.name in ("alembic_version", "compatibility"):
                continue
            with database.writing(engine) as connection:
                row = connection.execute(sa.select(table)).mappings().first()
                if row is not None and "id" in row:
                    connection.execute(sa.delete(table).where(table.c.id == row["id"]))
                    connection.execute(sa.insert(table).values(**row))
    database.migrate(engine)
    assert store.find(job.id, owner="anna") is not None


def known_of(engine: sa.Engine) -> sa.MetaData:
    """Give the tables that there are, which write nothing as NULL, as every version of ours does, and not as JSON's null."""
    known = sa.MetaData()
    known.reflect(engine)
    for column in (column for table in known.tables.values() for column in table.columns):
        if isinstance(column.type, sa.JSON):
            column.type.none_as_null = True
    return known


def oldest_of(engine: sa.Engine) -> str | None:
    """Read what a store says of who may use it; None before it said so."""
    if not sa.inspect(engine).has_table(compatibility.name):
        return None
    with database.reading(engine) as connection:
        return connection.execute(sa.select(compatibility.c.oldest)).scalar_one()


@pytest.fixture
def migrated_by_a_newer(store: Store) -> Callable[[str], sa.Engine]:
    """Give a store as a version to come leaves it: with a column, an index and a table more."""

    def migrate(oldest: str) -> sa.Engine:
        with database.writing(store._engine) as connection:
            connection.execute(sa.text("ALTER TABLE works ADD COLUMN tides INTEGER NOT NULL DEFAULT 2"))
            connection.execute(sa.text("CREATE INDEX works_by_tides ON works (tides)"))
            connection.execute(sa.text("CREATE TABLE moons (id INTEGER PRIMARY KEY)"))
            connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
            connection.execute(sa.update(compatibility).values(oldest=oldest))
        return store._engine

    return migrate


@pytest.fixture
def put_back(store: Store) -> Iterator[None]:
    """Leave the database as it was: that of PostgreSQL is the next test's too."""
    oldest = oldest_of(store._engine)
    yield
    with database.writing(store._engine) as connection:
        connection.execute(sa.text("DROP INDEX works_by_tides"))
        connection.execute(sa.text("ALTER TABLE works DROP COLUMN tides"))
        connection.execute(sa.text("DROP TABLE moons"))
        connection.execute(sa.text(f"UPDATE alembic_version SET version_num = '{REVISIONS[-1]}'"))
        connection.execute(sa.update(compatibility).values(oldest=oldest))


@pytest.mark.usefixtures("put_back")
def test_a_server_that_runs_goes_on_while_a_newer_one_migrates_its_store(
    store: Store, make_job, migrated_by_a_newer: Callable[[str], sa.Engine]
) -> None:
    """Its connections are open and their statements prepared before; jobs of before and after end well."""
    begun = [store.accept(make_job(content_key=f"{number:064}")) for number in range(10)]
    store.apply([report(job, Kind.STARTED) for job in begun], attempts=3)
    migrated_by_a_newer(REVISIONS[-1])
    later = store.accept(make_job(content_key="f" * 64))
    store.apply([report(job, Kind.FINISHED, result_of(job)) for job in (*begun, later)], attempts=3)
    found = [store.find(job.id, owner="anna") for job in (*begun, later)]
    assert [each.state for each in found if each] == [State.SUCCESSFUL] * 11


@pytest.mark.usefixtures("put_back")
def test_a_server_that_is_started_again_goes_on_with_a_store_that_a_newer_one_migrated(
    make_job, migrated_by_a_newer: Callable[[str], sa.Engine]
) -> None:
    engine = migrated_by_a_newer(REVISIONS[-1])
    database.migrate(engine)
    started_again = Store(engine)
    job = started_again.accept(make_job())
    started_again.apply([report(job, Kind.FINISHED, result_of(job))], attempts=3)
    found = started_again.find(job.id, owner="anna")
    assert found is not None
    assert found.state is State.SUCCESSFUL
    assert oldest_of(engine) == REVISIONS[-1]


@pytest.mark.usefixtures("put_back")
def test_a_store_from_which_a_newer_version_took_something_away_is_refused_in_a_sentence(
    migrated_by_a_newer: Callable[[str], sa.Engine],
) -> None:
    engine = migrated_by_a_newer("9998")
    with pytest.raises(ConfigurationError, match="revision 9999, which this version of gaia does not know"):
        database.migrate(engine)

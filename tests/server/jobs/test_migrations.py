"""Every older store is brought up with what is in it, also where jobs run; each step leaves the version before able to go on."""

import itertools
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from gaia_config.errors import ConfigurationError
from gaia_server.jobs import engine as database
from gaia_server.jobs.records import Job
from gaia_server.jobs.states import State
from gaia_server.jobs.store import Store
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
    """Columns that a step adds are optional or have a value of their own; what it no longer needs goes a step later."""
    engine = store._engine
    job = store.accept(make_job())
    for before, after in itertools.pairwise(REVISIONS):
        if after in BEFORE_THE_FIRST_RELEASE:
            continue
        move(engine, command.downgrade, before)
        known = sa.MetaData()
        known.reflect(engine)
        move(engine, command.upgrade, after)
        for table in known.tables.values():
            if table.name == "alembic_version":
                continue
            with database.writing(engine) as connection:
                row = connection.execute(sa.select(table)).mappings().first()
                if row is not None and "id" in row:
                    connection.execute(sa.delete(table).where(table.c.id == row["id"]))
                    connection.execute(sa.insert(table).values(**row))
    database.migrate(engine)
    assert store.find(job.id, owner="anna") is not None


def test_a_store_of_a_newer_version_is_refused_in_a_sentence(store: Store) -> None:
    with database.writing(store._engine) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="revision 9999, which this version of gaia does not know"):
        database.migrate(store._engine)

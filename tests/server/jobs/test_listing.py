"""Lists of jobs: what a filter keeps, and that an index answers every one of them, on the first page and on the last."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Select, text

from gaia_server.jobs import engine as database
from gaia_server.jobs.listing import Choice, Mark, ids, page, values
from gaia_server.jobs.states import State
from gaia_server.jobs.store import Store
from gaia_workers.contract import Failure, Kind, Report, Words, utc_now
from real_postgres import Postgres

MANY = 100_000
LIMIT = 100
START = datetime(2026, 1, 1, tzinfo=UTC)
FAILURE = Failure(code="x", words=Words(en="why", fr="pourquoi"), retry=False)


def chosen(store: Store, **members: Any) -> list[str]:
    return [job.id for job in store.jobs(owner="anna", limit=99, choice=Choice(**members))]


def test_filters_choose_any_of_theirs_and_all_of_each_other(store: Store, make_job) -> None:
    echo, subset, failed = (store.accept(make_job(process_id=id)) for id in ("echo", "subset", "subset"))
    store.apply([report(failed, Kind.FAILED, failure=FAILURE)], attempts=1)
    assert chosen(store, processes=("subset",), states=(State.FAILED,)) == [failed.id]
    assert set(chosen(store, processes=("subset", "echo"))) == {echo.id, subset.id, failed.id}
    assert set(chosen(store, states=(State.ACCEPTED, State.RUNNING))) == {echo.id, subset.id}
    assert chosen(store, processes=("echo",), states=(State.FAILED,)) == []
    assert len(chosen(store, states=tuple(State))) == 3


def test_a_period_holds_its_beginning_and_not_its_end(store: Store, make_job) -> None:
    job = store.accept(make_job())
    second = timedelta(seconds=1)
    assert chosen(store, since=job.created, before=job.created + second) == [job.id]
    assert chosen(store, before=job.created) == []
    assert chosen(store, since=job.created + second) == []


def test_a_running_job_lasts_until_now_and_an_ended_one_until_its_end(store: Store, make_job) -> None:
    hour = timedelta(hours=1)
    running, ended, waiting = (store.accept(make_job(started=utc_now() - hour)) for _ in range(3))
    never = store.accept(make_job())
    store.apply([report(running, Kind.STARTED)], attempts=1)
    store.apply([report(ended, Kind.FAILED, failure=FAILURE)], attempts=1)
    store.dismiss(never.id, owner="anna")
    assert set(chosen(store, least_s=3600)) == {running.id, ended.id}
    assert set(chosen(store, least_s=3600, most_s=3700)) == {running.id, ended.id}
    assert chosen(store, least_s=3700) == []
    assert chosen(store, most_s=3500) == []
    assert chosen(store, least_s=1, states=(State.RUNNING,)) == [running.id]
    assert chosen(store, least_s=0, states=(State.ACCEPTED,)) == [], "what has not begun has no duration"
    assert waiting.id not in chosen(store, least_s=0)


def report(job: Any, kind: Kind, **members: Any) -> Report:
    return Report(job_id=job.id, part=0, attempt=job.attempt, centre=job.centre, kind=kind, **members)


# --- a hundred thousand jobs -------------------------------------------------------------------------------------------

_STATES = "(CASE n % 5 WHEN 0 THEN 'failed' WHEN 1 THEN 'running' WHEN 2 THEN 'accepted' ELSE 'successful' END)"
_COLUMNS = (
    "id, owner, process_id, process_version, demand, synchronous, state, created, updated, started, finished, duration_s, "
    "progress, results_removed, work_id, subscribed"
)
_VALUES = (
    "{id}, 'anna', (CASE n % 3 WHEN 0 THEN 'subset' ELSE 'echo' END), '1', '{{}}', {false}, {state}, {moment}, {moment}, "
    "{moment}, {moment}, n % 7, 0, {false}, '', {false}"
)
_FILL = {
    "sqlite": "INSERT INTO jobs ({columns}) WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted "
    "WHERE n < {many}) SELECT {values} FROM counted",
    "postgresql": "INSERT INTO jobs ({columns}) SELECT {values} FROM generate_series(1, {many}) AS n",
}
_OWN = {
    "sqlite": {
        "id": "printf('%08x-0000-4000-8000-000000000000', n)",
        "moment": "strftime('%Y-%m-%dT%H:%M:%S.000000Z', '2026-01-01', n || ' seconds')",
        "false": "0",
    },
    "postgresql": {
        "id": "lpad(to_hex(n), 8, '0') || '-0000-4000-8000-000000000000'",
        "moment": """to_char(timestamp '2026-01-01' + n * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS"."US"Z"')""",
        "false": "false",
    },
}


def fill(engine: Engine) -> None:
    kind = engine.dialect.name
    values = _VALUES.format(state=_STATES, **_OWN[kind])
    with database.writing(engine) as connection:
        connection.execute(text(_FILL[kind].format(columns=_COLUMNS, values=values, many=MANY).replace(":", r"\:")))


@pytest.fixture(scope="module")
def large_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = database.open_engine(f"sqlite:///{tmp_path_factory.mktemp('large')}/jobs.sqlite")
    database.migrate(engine)
    fill(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def large_postgres(postgres: Postgres) -> Iterator[Engine]:
    from sqlalchemy import create_engine

    admin = create_engine(postgres.url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE large")
    engine = create_engine(admin.url.set(database="large"))
    database.migrate(engine)
    fill(engine)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE jobs")
    yield engine
    engine.dispose()
    admin.dispose()


LAST = Mark(created=START + timedelta(seconds=2000), id="000007d0-0000-4000-8000-000000000000")
PROCESSES: list[tuple[str, ...]] = [(), ("subset",), ("echo", "subset"), ("gone",)]
STATES: list[tuple[State, ...]] = [(), (State.FAILED,), (State.ACCEPTED, State.RUNNING, State.DISMISSED)]
PERIODS: list[dict[str, Any]] = [
    {},
    {"since": START + timedelta(seconds=500)},
    {"since": START + timedelta(seconds=500), "before": START + timedelta(seconds=90_000)},
]
UNTIMED = [
    Choice(processes=processes, states=states, **period)
    for processes, states, period in product(PROCESSES, STATES, PERIODS)
]
TIMED = [
    Choice(
        processes=choice.processes, states=choice.states, since=choice.since, before=choice.before, least_s=3, most_s=6
    )
    for choice in UNTIMED
]
AFTERS = (None, LAST)


def query_of(choice: Choice, after: Mark | None) -> Select[Any]:
    return with_values(ids(choice, after), choice, after)


def with_values(query: Select[Any] | None, choice: Choice, after: Mark | None) -> Select[Any]:
    assert query is not None
    return query.params(values("anna", choice, after=after, limit=LIMIT, now=START + timedelta(days=2)))


@pytest.mark.slow
def test_an_index_answers_every_filter_on_every_page_in_sqlite(large_sqlite: Engine) -> None:
    with large_sqlite.connect() as connection:
        for choice, after in product(UNTIMED + TIMED, AFTERS):
            words = query_of(choice, after).compile(large_sqlite, compile_kwargs={"literal_binds": True})
            plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}")]
            reads = [line for line in plan if " jobs" in line]
            assert reads
            assert all(line.startswith("SEARCH jobs USING COVERING INDEX jobs_listed") for line in reads), plan
            assert not any("TEMP B-TREE" in line for line in plan) or len(reads) > 1, (
                "only the few of a union are sorted"
            )


def test_a_job_of_a_page_is_read_by_its_id_in_sqlite(large_sqlite: Engine) -> None:
    with large_sqlite.connect() as connection:
        for choice, after in product((*UNTIMED, *TIMED)[::5], AFTERS):
            query = with_values(page(choice, after), choice, after)
            words = query.compile(large_sqlite, compile_kwargs={"literal_binds": True})
            plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}")]
            whole = [line for line in plan if " jobs" in line and "jobs_listed" not in line]
            assert len(whole) == 1
            assert whole[0].startswith("SEARCH jobs USING INDEX sqlite_autoindex_jobs_1 (id=?)"), plan


def test_the_last_page_costs_what_the_first_does_in_sqlite(large_sqlite: Engine) -> None:
    for choice in UNTIMED:
        first, last = (steps(large_sqlite, query_of(choice, after)) for after in AFTERS)
        parts = max(1, len(choice.processes)) * max(1, len(choice.considered()))
        assert last <= 2 * first, choice  # a bound more to compare with, and no job more to pass
        assert first <= 100 * LIMIT * parts, choice


def steps(engine: Engine, query: Select[Any]) -> int:
    """Count the instructions of SQLite's virtual machine: a cost that no other program on the machine changes."""
    counted = [0]

    def count() -> int:
        counted[0] += 1
        return 0

    with engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        raw.set_progress_handler(count, 10)
        rows = connection.execute(query).all()
        raw.set_progress_handler(None, 0)
    assert len(rows) <= LIMIT
    return counted[0] * 10


def test_an_index_answers_every_filter_on_every_page_in_postgresql(large_postgres: Engine) -> None:
    with large_postgres.connect() as connection:
        for choice, after in product(UNTIMED + TIMED, AFTERS):
            words = query_of(choice, after).compile(large_postgres, compile_kwargs={"literal_binds": True})
            plan = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {str(words).replace('%', '%%')}")
            reads = [node for node in walk(plan.scalar_one()[0]["Plan"]) if "Relation Name" in node]
            assert reads
            for node in reads:
                assert node["Node Type"] in ("Index Scan", "Index Only Scan"), json.dumps(node)
                assert choice.timed or node["Actual Rows"] <= LIMIT
                assert choice.timed or not node.get("Rows Removed by Filter"), json.dumps(node)


def test_no_page_reads_all_jobs_in_postgresql(large_postgres: Engine) -> None:
    with large_postgres.connect() as connection:
        for choice, after in product((*UNTIMED, *TIMED)[::5], AFTERS):
            query = with_values(page(choice, after), choice, after)
            words = query.compile(large_postgres, compile_kwargs={"literal_binds": True})
            plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {str(words).replace('%', '%%')}")
            reads = [node for node in walk(plan.scalar_one()[0]["Plan"]) if node.get("Relation Name") == "jobs"]
            assert reads
            assert not any(node["Node Type"] == "Seq Scan" for node in reads), json.dumps(reads)


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from walk(inner)


def test_all_pages_together_are_the_whole_list(large_sqlite: Engine) -> None:
    choice = Choice(
        processes=("echo", "subset"), states=(State.FAILED, State.RUNNING), before=START + timedelta(seconds=3001)
    )
    seen, after = [], None
    with large_sqlite.connect() as connection:
        while rows := connection.execute(query_of(choice, after)).all():
            seen += [row.id for row in rows]
            after = Mark(created=rows[-1].created, id=rows[-1].id)
    assert len(seen) == 2 * 3000 / 5
    assert seen == sorted(set(seen), reverse=True)


def test_the_migration_says_how_long_older_jobs_lasted(tmp_path: Path, make_job: Callable[..., Any]) -> None:
    from alembic import command
    from alembic.config import Config

    engine = database.open_engine(f"sqlite:///{tmp_path}/jobs.sqlite")
    database.migrate(engine)
    store = Store(engine)
    job = store.accept(make_job(started=START, finished=START + timedelta(seconds=90), state=State.SUCCESSFUL))
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    with database.writing(engine) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    database.migrate(engine)
    assert [found.duration_s for found in store.jobs(owner="anna", limit=9)] == [90]
    assert chosen(store, least_s=90) == [job.id]
    store.close()

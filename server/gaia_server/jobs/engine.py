"""How the job store's database is opened: SQLite in WAL mode or PostgreSQL, and brought to the newest migration."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from weakref import WeakKeyDictionary

import structlog
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from gevent.monkey import is_module_patched
from sqlalchemy import Connection, Engine, RootTransaction, Select, create_engine, event, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from gaia_config.errors import ConfigurationError
from gaia_config.filesystems import refuse_network
from gaia_server.disk import off_the_loop
from gaia_server.errors import StoreDown
from gaia_server.jobs.tables import compatibility

_log = structlog.get_logger()

BUSY_WAIT_S = 5.0
MAPPED_BYTES = 256 * 2**20
CACHED_KIB = 8 * 1024
"""Of a connection: the inner pages of the indexes of 10^5 jobs, which every look at one of them goes through."""
_BUSY_STEPS_S = (0.001, 0.001, 0.002)
_BUSY_LONGEST_STEP_S = 0.004
BUSY_WAIT_IN_C_MS = 10
"""For what is no writer's beginning: a reader that meets the end of a checkpoint, or a recovery."""
LONGEST_WAL_PAGES = 10_000
"""SQLite's log is copied into the database by the recorder, once a second (`checkpoint`); only beyond this by whoever writes."""


class _Writer:
    """The one writer that an SQLite database has in this process: whose turn it is, and the connection that all use in turn."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self._connection: Connection | None = None

    def connection(self, engine: Engine) -> Connection:
        """Give the connection, which waits for nobody: to take one out of the pool and give it back takes longer than a statement."""
        if self._connection is None:
            self._connection = engine.connect()
            cursor = self._connection.connection.cursor()
            cursor.execute("PRAGMA busy_timeout=0")
            cursor.close()
        return self._connection

    def drop(self) -> None:
        """Let go of a connection that may not be as it should; the next one who writes gets another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()  # it is set up otherwise than those of the pool
            connection.close()


_WRITERS: WeakKeyDictionary[Engine, _Writer] = WeakKeyDictionary()


def open_engine(url: str) -> Engine:
    """
    Open the database, make its folder, refuse what cannot work.

    Parameters
    ----------
    url : str
        SQLAlchemy URL; `sqlite:///…` or `postgresql+psycopg://…`.

    Raises
    ------
    gaia_config.errors.ConfigurationError
        For SQLite on a network file system, where WAL does not work.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        path = Path(str(parsed.database))
        refuse_network(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        # The connection that was used last has the pages at hand that are wanted next.
        engine = create_engine(parsed, pool_size=20, max_overflow=100, pool_use_lifo=True)
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    return create_engine(parsed, pool_size=5, max_overflow=20, pool_pre_ping=True, pool_timeout=BUSY_WAIT_S)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """
    Take transactions into our own hands: sqlite3's own begin too late, and wait inside C where greenlets cannot.

    Each is begun below, not by an event of the engine: whoever listens to an engine slows down every statement of it.
    """
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={BUSY_WAIT_IN_C_MS}",
        "foreign_keys=ON",
        f"mmap_size={MAPPED_BYTES}",
        f"cache_size=-{CACHED_KIB}",
        f"wal_autocheckpoint={LONGEST_WAL_PAGES}",
    ):
        connection.execute(f"PRAGMA {pragma}")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Read from one consistent state."""
    with _as_store_down(), engine.connect() as connection, connection.begin():
        if is_sqlite(engine):
            connection.exec_driver_sql("BEGIN")
        yield connection


@contextmanager
def looking(engine: Engine) -> Iterator[Connection]:
    """Read with one statement, which sees one state by itself: polls are many, and a transaction for each would be half of them."""
    with _as_store_down(), engine.connect() as connection:
        yield connection


def checkpoint(engine: Engine) -> None:
    """
    Copy what SQLite has logged into the database, as far as nobody is held up by it; PostgreSQL does so by itself.

    Whoever writes the thousandth page would else do it for all, before he hears that his own is written.
    """
    if is_sqlite(engine):
        with looking(engine) as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")


class Glance:
    """
    A statement that gives one row, and the plain values of its columns, as the database has them.

    What is asked with every poll is asked of the driver itself: SQLAlchemy's part in it takes three times as long as SQLite's.
    """

    def __init__(self, query: Select[Any]) -> None:
        self._query = query
        self._written: dict[str, tuple[str, list[str] | None]] = {}

    def first(self, engine: Engine, **values: str) -> tuple[Any, ...] | None:
        """
        Give the first row; None where there is none.

        Parameters
        ----------
        values : str
            All that the statement is bound to, by name.

        Raises
        ------
        StoreDown
            If the database does not answer.
        """
        statement, order = self._written.get(engine.dialect.name) or self._write(engine)
        try:
            connection = engine.raw_connection()
            try:
                cursor = connection.cursor()
                cursor.execute(statement, values if order is None else [values[name] for name in order])
                row: tuple[Any, ...] | None = cursor.fetchone()
                cursor.close()
            finally:
                connection.close()
        except (DBAPIError, _driver_error(engine)) as error:
            raise StoreDown from error
        return row

    def _write(self, engine: Engine) -> tuple[str, list[str] | None]:
        """Write it for a database, with the order of the values where they have no names there."""
        compiled = self._query.compile(dialect=engine.dialect)
        written = self._written[engine.dialect.name] = (str(compiled), compiled.positiontup)
        return written


def _driver_error(engine: Engine) -> type[Exception]:
    driver = engine.dialect.dbapi
    return cast("type[Exception]", driver.Error) if driver is not None else DBAPIError


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Write in one transaction; wait for one's turn and for the lock no longer than `BUSY_WAIT_S` together."""
    if is_sqlite(engine):
        with _writing_in_turn(engine, time.monotonic() + BUSY_WAIT_S) as connection:
            yield connection
        return
    with _as_store_down(), engine.connect() as connection, connection.begin() as transaction:
        yield connection
        _commit(transaction)


@contextmanager
def _writing_in_turn(engine: Engine, give_up: float) -> Iterator[Connection]:
    """
    Let the writers of one process go one after the other.

    SQLite has one writer anyway; who waits for another process asks again and again, and who waits for its own is told.
    """
    writer = _WRITERS.get(engine) or _WRITERS.setdefault(engine, _Writer())
    if not writer.turn.acquire(timeout=max(give_up - time.monotonic(), 0)):
        raise StoreDown
    try:
        connection = writer.connection(engine)
        with connection.begin() as transaction:
            _take_lock(connection, give_up)
            yield connection
            _commit(transaction)
    except BaseException as error:
        writer.drop()
        if isinstance(error, DBAPIError):
            raise StoreDown from error
        raise
    finally:
        writer.turn.release()


def close(engine: Engine) -> None:
    """Give the connections of a database back."""
    if (writer := _WRITERS.pop(engine, None)) is not None:
        writer.drop()
    engine.dispose()


def _commit(transaction: RootTransaction) -> None:
    """Bring a transaction to the disk, which takes longer than all the rest of it: in a web process others go on meanwhile."""
    if is_module_patched("threading") and transaction.is_active:
        off_the_loop(transaction.commit)
    elif transaction.is_active:
        transaction.commit()


def is_sqlite(engine: Engine) -> bool:
    """Tell whether it is SQLite, which has one writer at a time."""
    return engine.dialect.name == "sqlite"


def _take_lock(connection: Connection, give_up: float) -> None:
    """
    Let a writer take the lock at once and wait for it in Python, so that other greenlets go on.

    It is asked through its driver, for most of the tries fail while another process writes, and each failure would go through all of
    SQLAlchemy.
    """
    cursor, steps_s = connection.connection.cursor(), iter(_BUSY_STEPS_S)
    try:
        while True:
            try:
                cursor.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if time.monotonic() > give_up:
                    raise StoreDown from error
                time.sleep(next(steps_s, _BUSY_LONGEST_STEP_S))
            else:
                return
    finally:
        cursor.close()


@contextmanager
def _as_store_down() -> Iterator[None]:
    try:
        yield
    except (OperationalError, DBAPIError) as error:
        raise StoreDown from error


def migrate(engine: Engine) -> None:
    """
    Bring the tables to the newest migration; two processes that start at once do it one after the other.

    What a newer version has migrated is left as it is, where that says that this version can go on with it (decision 41).

    Raises
    ------
    gaia_config.errors.ConfigurationError
        If a newer version of this program has been at work here, and this one is too old for what it left.
    """
    config = migrations()
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7203451)")
        if _is_newer(connection, ScriptDirectory.from_config(config)):
            return
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def migrations() -> Config:
    """Say where the migrations are, to alembic."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _is_newer(connection: Connection, scripts: ScriptDirectory) -> bool:
    """Tell whether a newer version has migrated the store; refuse it where that version took away what this one needs."""
    known = {each.revision for each in scripts.walk_revisions()}
    found = MigrationContext.configure(connection).get_current_revision()
    if found is None or found in known:
        return False
    oldest = connection.execute(select(compatibility.c.oldest)).scalar_one_or_none()
    if oldest not in known:
        raise ConfigurationError(
            f"the job store is at revision {found}, which this version of gaia does not know; run the version that made it, or a newer one"
        )
    _log.info("the job store was migrated by a newer version, and this one goes on with it", revision=found)
    return True

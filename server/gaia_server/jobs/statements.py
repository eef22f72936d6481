"""
Statements of the way of every job, written once for each kind of database and then handed to its driver.

SQLAlchemy writes them, and knows how each value stands in the tables; having it carry each out takes several times as long as the
database needs for it. Rows come as the driver has them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import JSON, Connection, Delete, Insert, Select, Update
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from gaia_server.jobs.tables import Moment, write_moment

type _Writes = Callable[[Any], Any] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Written:
    """
    A statement as one kind of database takes it.

    Attributes
    ----------
    slots : tuple of tuple
        What it takes, in its order: the name of each value, and what makes of it what the driver takes.
    named : bool
        Whether values have names there, or places.
    fixed : dict
        Values that never change, as the driver takes them.
    """

    text: str
    slots: tuple[tuple[str, _Writes], ...]
    named: bool
    fixed: dict[str, Any]

    def bind(self, values: Mapping[str, Any]) -> Any:
        """Make the values into what the driver takes."""
        given = {**values, **self.fixed} if self.fixed else values
        bound = [given[name] if writes is None else writes(given[name]) for name, writes in self.slots]
        return dict(zip((name for name, _ in self.slots), bound, strict=True)) if self.named else bound


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
        return self._carry_out(connection, values, _count)

    def all(self, connection: Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Give the rows that it finds."""
        return self._carry_out(connection, values, _rows)

    def first(self, connection: Connection, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Give the first row that it finds."""
        return self._carry_out(connection, values, _row)

    def _carry_out[T](self, connection: Connection, values: Mapping[str, Any], take: Callable[[DBAPICursor], T]) -> T:
        dialect, key = connection.dialect, (connection.dialect.name, tuple(values))
        written = self._written.get(key) or self._written.setdefault(key, self._write(dialect, key[1]))
        bound, cursor = written.bind(values), connection.connection.cursor()
        try:
            cursor.execute(written.text, bound)
            return take(cursor)
        except dialect.loaded_dbapi.Error as error:
            raise DBAPIError.instance(
                written.text, bound, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect
            ) from error
        finally:
            cursor.close()

    def _write(self, dialect: Dialect, names: tuple[str, ...]) -> _Written:
        compiled = self._statement.compile(dialect=dialect, column_keys=None if self._reads else list(names))
        binds = {compiled.bind_names[bind]: bind for bind in compiled.binds.values()}
        writers = {name: _writer(bind.type, dialect) for name, bind in binds.items()}
        order = compiled.positiontup
        fixed = {name: bind.value for name, bind in binds.items() if name not in names}
        return _Written(
            text=str(compiled),
            slots=tuple((name, None if name in fixed else writers[name]) for name in order or binds),
            named=order is None,
            fixed={name: _written(value, writers[name]) for name, value in fixed.items()},
        )

    @property
    def _reads(self) -> bool:
        return isinstance(self._statement, Select | Delete)


def _count(cursor: DBAPICursor) -> int:
    return int(cursor.rowcount)


def _rows(cursor: DBAPICursor) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in cursor.fetchall()]


def _row(cursor: DBAPICursor) -> tuple[Any, ...] | None:
    row: tuple[Any, ...] | None = cursor.fetchone()
    return row


def _writer(kind: TypeEngine[Any], dialect: Dialect) -> _Writes:
    """Give what makes of a value of a type what the driver takes; what is missing stays so without a call of several functions."""
    writes = write_moment if isinstance(kind, Moment) else kind.dialect_impl(dialect).bind_processor(dialect)
    if writes is None or (isinstance(kind, JSON) and not kind.none_as_null):
        return writes
    return partial(_unless_missing, writes)


def _unless_missing(writes: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else writes(value)


def _written(value: Any, writes: _Writes) -> Any:
    return value if writes is None else writes(value)

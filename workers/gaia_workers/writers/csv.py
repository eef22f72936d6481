"""
Writes a lazily read dataset as a table in long form: a row a cell and step, in the order of the data; nothing is left out.

Columns: `time`, `level`, `latitude`, `longitude` where the data have them, further dimensions by their names, then a column
a variable. Variables that lie along other dimensions follow in rows of their own. What is missing is empty. RFC 4180.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.shared.table import Table
from gaia_workers.writers.fields import Field, decode, fields_of, places_of, read_times, slabs
from gaia_workers.writers.finishing import Counter
from gaia_workers.writers.tables import csv as tables
from gaia_workers.writers.whole import whole_or_nothing

_PIECE_ROWS = 2**14
_COORDINATES = ("time", "level", "latitude", "longitude")

type Column = NDArray[Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """How a table is written."""

    delimiter: str = ","
    decimal: str = "."
    encoding: str = "utf-8"


PLAIN = Dialect()


def write(
    dataset: xr.Dataset | Table,
    path: Path,
    *,
    progress: Callable[[int, int], None],
    history: str,  # noqa: ARG001 a writer's signature
    dialect: Dialect = PLAIN,
) -> None:
    """
    Write a dataset in long form, or a table as it is.

    Parameters
    ----------
    dataset : xarray.Dataset or Table
        Undecoded; its values are read stretch by stretch.
    path : Path
        Is overwritten. Nothing is left there when writing fails.
    progress : callable
        Gets bytes of values done and in all.
    history : str
        Has no place in a table.
    dialect : Dialect
        Delimiter, decimal sign, encoding.
    """
    if isinstance(dataset, Table):
        tables.write(
            dataset, path, progress=progress,
            delimiter=dialect.delimiter, decimal=dialect.decimal, encoding=dialect.encoding,
        )  # fmt: skip
        return
    fields = fields_of(dataset)
    columns = columns_of(fields)
    count = Counter(progress, sum(field.variable.nbytes for field in fields))
    with whole_or_nothing(path), path.open("w", encoding=dialect.encoding, newline="") as stream:
        stream.write(dialect.delimiter.join(_quote(np.array(columns, dtype=object), dialect)) + "\r\n")
        for group in _groups(fields):
            _write_group(stream, group, columns, dialect, count)


def columns_of(fields: tuple[Field, ...]) -> tuple[str, ...]:
    """Name the columns of a table."""
    there = {
        "time": any(field.time for field in fields),
        "level": any(field.level for field in fields),
        "latitude": any(_has_places(field) for field in fields),
        "longitude": any(_has_places(field) for field in fields),
    }
    others = dict.fromkeys(dim for field in fields for dim in field.other_dims)
    names = tuple(field.name for field in fields)
    return (*(name for name in _COORDINATES if there[name]), *(dim for dim in others if dim not in names), *names)


def _has_places(field: Field) -> bool:
    return field.grid.kind in {"rotated", "projected"} or None not in (field.grid.longitude, field.grid.latitude)


def _groups(fields: tuple[Field, ...]) -> Iterator[tuple[Field, ...]]:
    """Put fields together that lie along the same dimensions and at the same places."""
    found: dict[Any, list[Field]] = {}
    for field in fields:
        found.setdefault((field.variable.dims, field.grid, field.time, field.level), []).append(field)
    yield from map(tuple, found.values())


def _write_group(
    stream: TextIO, group: tuple[Field, ...], columns: tuple[str, ...], dialect: Dialect, count: Counter
) -> None:
    first = group[0]
    along = _along_dims(first, dialect)
    for box in slabs(first.variable.shape):
        shape = tuple(each.stop - each.start for each in box)
        cells = {name: np.broadcast_to(texts[_within(box, texts)], shape) for name, texts in along.items()}
        places = places_of(first, box)
        degrees = {} if places is None else dict(zip(("latitude", "longitude"), places, strict=True))
        numbers = {name: np.broadcast_to(values, shape) for name, values in degrees.items()}
        stored = {field.name: np.asarray(field.variable[box].values) for field in group}
        for start in range(0, math.prod(shape), _PIECE_ROWS):
            piece = slice(start, start + _PIECE_ROWS)
            told = {name: each.reshape(-1)[piece].tolist() for name, each in cells.items()}
            told |= {name: _numbers(_masked(each.reshape(-1)[piece]), dialect) for name, each in numbers.items()}
            told |= {
                field.name: _values(stored[field.name].reshape(-1)[piece], field.variable, dialect) for field in group
            }
            _write_rows(stream, [told.get(name) for name in columns], dialect)
        count.add(sum(each.nbytes for each in stored.values()))


def _within(box: tuple[slice, ...], texts: Column) -> tuple[slice, ...]:
    """Give the part of something that is told once along some dimensions which belongs to a box."""
    return tuple(each if size > 1 else slice(None) for each, size in zip(box, texts.shape, strict=True))


def _write_rows(stream: TextIO, columns: list[list[str] | None], dialect: Dialect) -> None:
    rows = next(len(each) for each in columns if each is not None)
    full = ([""] * rows if each is None else each for each in columns)
    stream.write("".join(f"{dialect.delimiter.join(row)}\r\n" for row in zip(*full, strict=True)))


def _along_dims(field: Field, dialect: Dialect) -> dict[str, Column]:
    """Write what lies along one dimension, or along none, once: texts that broadcast to the shape of the field."""
    dims = [str(dim) for dim in field.variable.dims]
    found: dict[str, Column] = {}

    def put(column: str, dim: str | None, texts: list[str]) -> None:
        shape = [len(texts) if each == dim else 1 for each in dims]
        found[column] = np.array(texts, dtype=object).reshape(shape)

    times = read_times(field)
    if times is not None:
        told = times if isinstance(times, list) else _numbers(_masked(times), dialect)
        put("time", field.dim_of(field.time), told)
    if field.level is not None:
        put("level", field.dim_of(field.level), _own_values(field.dataset.variables[field.level], dialect))
    for dim in field.other_dims:
        own = field.dataset.variables.get(dim)
        if own is not None and own.dims == (dim,):
            put(dim, dim, _own_values(own, dialect))
        else:
            put(dim, dim, [str(at) for at in range(field.dataset.sizes[dim])])
    return found


def _own_values(coordinate: xr.Variable, dialect: Dialect) -> list[str]:
    return _values(np.atleast_1d(np.asarray(coordinate.values)), coordinate, dialect)


# --- cells -----------------------------------------------------------------------------------------------------------


def _masked(values: NDArray[np.float64]) -> NDArray[Any]:
    return np.ma.masked_invalid(values)


def _values(stored: NDArray[Any], variable: xr.Variable, dialect: Dialect) -> list[str]:
    if stored.dtype.kind not in "iuf":
        return _quote(stored, dialect)
    return _numbers(decode(stored, variable), dialect)


def _numbers(values: NDArray[Any], dialect: Dialect) -> list[str]:
    """Write numbers with as many digits as tell them from their neighbours; what is missing is empty."""
    texts = np.ma.getdata(values).astype(str).astype(object)
    texts[np.ma.getmaskarray(values)] = ""
    plain: list[str] = texts.tolist()
    if dialect.decimal == ".":
        return plain
    return [each.replace(".", dialect.decimal) for each in plain]


def _quote(texts: NDArray[Any], dialect: Dialect) -> list[str]:
    plain = (each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in texts.ravel())
    special = re.compile(f'[{re.escape(dialect.delimiter)}"\r\n]')
    return [f'"{each.replace(chr(34), chr(34) * 2)}"' if special.search(each) else each for each in plain]

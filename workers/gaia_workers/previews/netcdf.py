"""
A small picture of a NetCDF result: a coarse map of its first step, or a series where space is one cell.

It is read from the written file, a few chunks of one variable, with bounded memory.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.shared.axes import Grid, data_variables, find_grid, find_time, find_vertical, text_of
from gaia_processes.shared.cells import read_cells
from gaia_processes.shared.times import read_time, render
from gaia_processes.shared.values import read_numbers
from gaia_workers.previews.painting import Picture, paint, unwrap
from gaia_workers.readers.netcdf import open_dataset

COLUMNS, ROWS, STEPS = 180, 90, 1000
READ_LIMIT_BYTES = 64 * 2**20
BAND_BYTES = 4 * 2**20
DIGITS = 7

type Places = Mapping[str, NDArray[np.intp]]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Subject:
    """What is shown: a variable and what its dimensions mean."""

    dataset: xr.Dataset
    name: str
    grid: Grid
    time: str | None
    vertical: str | None

    @property
    def variable(self) -> xr.Variable:
        """The data."""
        return self.dataset.variables[self.name]

    @property
    def odd(self) -> bool:
        """Whether there is a long dimension that is neither space nor time."""
        known = {self.grid.x_dim, self.grid.y_dim, *_own(self, self.time), *_own(self, self.vertical)}
        return any(self.long(str(dim)) for dim in self.variable.dims if dim not in known)

    def long(self, dim: str | None) -> bool:
        """Whether there is more than one step along a dimension."""
        return dim in self.variable.dims and self.dataset.sizes[str(dim)] > 1


def preview(path: Path) -> dict[str, Any] | None:
    """
    Describe a file by a map, a series or a value; None where it holds no numbers.

    Raises
    ------
    gaia_processes.errors.GaiaError
        If the file cannot be read.
    """
    with open_dataset(path, threads=1) as dataset:
        subject = _choose(dataset)
        if subject is None:
            return None
        grid = subject.grid
        if subject.long(grid.x_dim) and (subject.long(grid.y_dim) or grid.kind == "unstructured"):
            return _map(subject)
        axes = (*_own(subject, subject.time), grid.x_dim, grid.y_dim, *_own(subject, subject.vertical))
        along = next((dim for dim in axes if subject.long(dim)), None)
        along = along or next((str(dim) for dim in subject.variable.dims if subject.long(str(dim))), None)
        return _value(subject) if along is None else _series(subject, str(along))


def _choose(dataset: xr.Dataset) -> _Subject | None:
    """Take the first variable that lies on a grid and has no odd dimension, else one that lies on a grid, else any."""
    names = [name for name in data_variables(dataset) if dataset.variables[name].dtype.kind in "iuf"]
    subjects = [_subject(dataset, name) for name in names if dataset.variables[name].size]
    return max(subjects, key=lambda each: (each.grid.kind != "none", not each.odd), default=None)


def _subject(dataset: xr.Dataset, name: str) -> _Subject:
    return _Subject(
        dataset=dataset,
        name=name,
        grid=find_grid(dataset, name),
        time=find_time(dataset, name),
        vertical=next(iter(find_vertical(dataset, name)), None),
    )


def _own(subject: _Subject, coordinate: str | None) -> tuple[str, ...]:
    """Give the dimension of a 1-D coordinate."""
    return () if coordinate is None else tuple(str(dim) for dim in subject.dataset.variables[coordinate].dims)


# --- kinds -----------------------------------------------------------------------------------------------------------


def _map(subject: _Subject) -> dict[str, Any]:
    grid, sizes = subject.grid, subject.dataset.sizes
    x_dim, y_dim = str(grid.x_dim), grid.y_dim
    if y_dim is None:
        points = {x_dim: _spread(sizes[x_dim], COLUMNS * ROWS)}
        picture = _painted_points(subject, points)
    else:
        places = _affordable(
            subject.variable, {y_dim: _spread(sizes[y_dim], ROWS), x_dim: _spread(sizes[x_dim], COLUMNS)}
        )
        picture = _plain(subject, places) if _is_plain(subject) else _painted_cells(subject, places)
    return {"kind": "map"} | _head(subject, {x_dim, y_dim}) | render_picture(picture)


def _series(subject: _Subject, along: str) -> dict[str, Any]:
    places = _affordable(subject.variable, {along: _spread(subject.dataset.sizes[along], STEPS)})
    values = _sample(subject.variable, places)
    return (
        {"kind": "series"}
        | _head(subject, {along})
        | {"x": _axis(subject, along, places[along]), "values": [plain_number(each) for each in values]}
        | value_range(values)
    )


def _value(subject: _Subject) -> dict[str, Any]:
    """Give a result of one number as a table of one row."""
    (value,) = np.atleast_1d(_sample(subject.variable, {})).ravel()
    head = _head(subject, set())
    columns = [*(each["name"] for each in head["at"]), subject.name]
    return {
        "kind": "table",
        "columns": columns,
        "rows": [[*(each["value"] for each in head["at"]), plain_number(value)]],
        "units": head["variable"]["units"],
    }


# --- maps ------------------------------------------------------------------------------------------------------------


def _is_plain(subject: _Subject) -> bool:
    """Tell whether rows and columns are those of longitude and latitude, in order."""
    grid = subject.grid
    if grid.kind != "regular" or grid.longitude is None or grid.latitude is None:
        return False
    axes = (read_numbers(subject.dataset.variables[name]) for name in (grid.longitude, grid.latitude))
    return all(bool(np.all(np.diff(axis) > 0) or np.all(np.diff(axis) < 0)) for axis in axes)


def _plain(subject: _Subject, places: Places) -> Picture:
    """Take the cells as they are, north at the top and west on the left."""
    grid = subject.grid
    x_dim, y_dim = str(grid.x_dim), str(grid.y_dim)
    x = unwrap(read_numbers(subject.dataset.variables[str(grid.longitude)]))[places[x_dim]]
    y = read_numbers(subject.dataset.variables[str(grid.latitude)])[places[y_dim]]
    values = _sample(subject.variable, places)
    across, down = np.argsort(x), np.argsort(-y)
    return Picture(x=x[across], y=y[down], values=values[np.ix_(down, across)])


def _painted_cells(subject: _Subject, places: Places) -> Picture:
    """Paint the sampled cells of a 2-D grid onto longitude and latitude."""
    grid = subject.grid
    x_dim, y_dim = str(grid.x_dim), str(grid.y_dim)
    if grid.kind == "regular":
        x, y = (read_numbers(subject.dataset.variables[str(name)]) for name in (grid.longitude, grid.latitude))
        longitude, latitude = np.meshgrid(x[places[x_dim]], y[places[y_dim]])
    else:
        longitude, latitude = _centres(subject, places[y_dim], places[x_dim])
    return paint(longitude, latitude, _sample(subject.variable, places), columns=COLUMNS, rows=ROWS)


def _centres(
    subject: _Subject, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read where the sampled cells of a 2-D grid lie, some rows at a time."""
    cells = read_cells(subject.dataset, subject.grid)
    at_once = max(BAND_BYTES // (16 * cells.shape[1]), 1)
    found = []
    for band in _bands(rows, at_once):
        longitude, latitude = cells.rows(slice(int(band[0]), int(band[-1]) + 1))
        inner = np.ix_(band - band[0], columns)
        found.append((longitude[inner], latitude[inner]))
    return np.vstack([each for each, _ in found]), np.vstack([each for _, each in found])


def _painted_points(subject: _Subject, places: Places) -> Picture:
    grid, (where,) = subject.grid, places.values()
    longitude, latitude = (
        read_numbers(subject.dataset.variables[str(name)])[where][None, :] for name in (grid.longitude, grid.latitude)
    )
    return paint(longitude, latitude, _sample(subject.variable, places)[None, :], columns=COLUMNS, rows=ROWS)


def render_picture(picture: Picture) -> dict[str, Any]:
    """
    Write a picture: its axes as numbers, its values as 16-bit steps between the least and the largest.

    0 is a missing value, 1 the least, 65535 the largest; little-endian, row by row from the north, in base64.
    """
    told = value_range(picture.values)
    low, high = told.get("minimum", 0.0), told.get("maximum", 0.0)
    width = (high - low) or 1.0
    missing = ~np.isfinite(picture.values)
    steps = 1 + np.rint((np.where(missing, low, picture.values) - low) / width * 65534)
    codes = np.where(missing, 0, np.clip(steps, 1, 65535)).astype("<u2")
    return told | {
        "x": {"name": "longitude", "units": "degrees_east", "values": _round(picture.x)},
        "y": {"name": "latitude", "units": "degrees_north", "values": _round(picture.y)},
        "cells": {
            "shape": list(picture.values.shape),
            "encoding": "uint16le",
            "data": base64.b64encode(codes.tobytes()).decode(),
        },
    }


# --- reading ---------------------------------------------------------------------------------------------------------


def _spread(size: int, most: int) -> NDArray[np.intp]:
    """Choose at most so many places, evenly and from the middle of each stretch."""
    step = -(-size // most)
    return np.arange((min(step, size) - 1) // 2, size, step, dtype=np.intp)


def _band_rows(variable: xr.Variable, first: str) -> int:
    """Say how many places along a dimension are read at once: a chunk, or a few MiB."""
    chunks = variable.encoding.get("chunksizes")
    place = variable.dims.index(first)
    if chunks is not None and len(chunks) == variable.ndim:
        return int(chunks[place])
    row_bytes = variable.dtype.itemsize * int(np.prod(list(variable.shape[place + 1 :])))
    return int(max(BAND_BYTES // max(row_bytes, 1), 1))


def _affordable(variable: xr.Variable, places: Places) -> Places:
    """Choose fewer places along the first dimension where reading all bands would cost too much."""
    first = next(iter(places))
    chunks = variable.encoding.get("chunksizes") or (1,) * variable.ndim
    at_once = _band_rows(variable, first)
    others = [
        size if str(dim) in places else int(chunk)
        for dim, size, chunk in zip(variable.dims, variable.shape, chunks, strict=True)
        if str(dim) != first
    ]
    band_bytes = variable.dtype.itemsize * min(at_once, variable.sizes[first]) * int(np.prod(others))
    bands = len(np.unique(places[first] // at_once))
    fewer = -(-bands * band_bytes // READ_LIMIT_BYTES)
    return {**places, first: places[first][::fewer]} if fewer > 1 else places


def _bands(places: NDArray[np.intp], at_once: int) -> Iterator[NDArray[np.intp]]:
    """Part places into those that lie in the same stretch."""
    stretches = places // at_once
    yield from np.split(places, np.flatnonzero(np.diff(stretches)) + 1)


def _sample(variable: xr.Variable, places: Places) -> NDArray[np.float64]:
    """Read values at places along some dimensions, at the first step along the others; in the order of the places."""
    first = next(iter(places), None)
    key: dict[str, Any] = {str(dim): places.get(str(dim), 0) for dim in variable.dims}
    if first is None:
        return read_numbers(variable.isel(key))
    bands = _bands(places[first], _band_rows(variable, first))
    read = [variable.isel({**key, first: band}).transpose(*places) for band in bands]
    return np.concatenate([read_numbers(each) for each in read])


# --- words -----------------------------------------------------------------------------------------------------------


def _head(subject: _Subject, shown: set[str | None]) -> dict[str, Any]:
    """Say what is shown, and at which step of what is not."""
    variable = subject.variable
    title = text_of(variable, "long_name") or text_of(variable, "standard_name").replace("_", " ") or subject.name
    hidden = [coordinate for coordinate in (subject.time, subject.vertical) if coordinate is not None]
    at = [
        _at(subject, coordinate)
        for coordinate in hidden
        if not shown & set(_own(subject, coordinate)) and subject.dataset.variables[coordinate].size
    ]
    return {
        "variable": {"name": subject.name, "title": title, "units": text_of(variable, "units")},
        "variables": list(data_variables(subject.dataset)),
        "at": at,
    }


def _at(subject: _Subject, coordinate: str) -> dict[str, Any]:
    own = _own(subject, coordinate)
    where = np.zeros(1, dtype=np.intp)
    told = _coordinate(subject, coordinate, where)
    (value,) = told.pop("values")
    return told | {"value": value, "steps": subject.dataset.sizes[own[0]] if own else 1}


def _axis(subject: _Subject, dim: str, where: NDArray[np.intp]) -> dict[str, Any]:
    """Describe what lies along a dimension: its coordinate, else the count of steps."""
    grid = subject.grid
    candidates = (subject.time, subject.vertical, grid.longitude, grid.latitude, dim)
    for name in candidates:
        if name in subject.dataset.variables and subject.dataset.variables[name].dims == (dim,):
            return _coordinate(subject, str(name), where)
    return {"name": dim, "units": "", "values": where.tolist()}


def _coordinate(subject: _Subject, name: str, where: NDArray[np.intp]) -> dict[str, Any]:
    variable = subject.dataset.variables[name]
    if name == subject.time:
        try:
            axis = read_time(subject.dataset, name)
        except DatasetUnsuitable:
            pass  # no CF time: its numbers are shown as they are
        else:
            texts = [render(axis, float(value)) for value in axis.values[where]]
            return {"name": name, "units": "", "calendar": axis.calendar, "values": texts}
    values = np.atleast_1d(read_numbers(variable))[where]
    return {"name": name, "units": text_of(variable, "units"), "values": _round(values)}


def value_range(values: NDArray[np.float64]) -> dict[str, float]:
    """Give the least and the largest of the values that are there; nothing where none is."""
    finite = values[np.isfinite(values)]
    return {"minimum": _digits(finite.min()), "maximum": _digits(finite.max())} if finite.size else {}


def _round(values: NDArray[np.float64]) -> list[float | None]:
    return [plain_number(each) for each in values]


def plain_number(value: float) -> float | None:
    """Give a number with the digits that are worth sending; None where it is missing."""
    return _digits(value) if np.isfinite(value) else None


def _digits(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")

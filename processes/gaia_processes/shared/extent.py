"""
The extent that a dataset really has, for its metadata.

References
----------
Attribute Convention for Data Discovery (ACDD) 1.3: `geospatial_*`, `time_coverage_*`.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.shared.axes import Grid, data_variables, find_grid, find_time, find_vertical
from gaia_processes.shared.cells import Cells, read_cells
from gaia_processes.shared.longitude import shift, turn_from
from gaia_processes.shared.times import extent as time_extent
from gaia_processes.shared.times import read_time
from gaia_processes.shared.values import read_numbers
from gaia_processes.shared.vertical import read_vertical

_FEW_CELLS = 2**16
"""So many are all looked at."""
_LATTICE = 65
"""So many rows and columns of a larger grid tell whether longitudes go on without a jump between its edges."""
_ON_A_PLANE = frozenset({"rotated", "curvilinear", "projected"})

# What the source may say of itself that is not made anew here, and would be wrong of a part.
STALE = ("geospatial_bounds", "geospatial_bounds_crs", "time_coverage_duration")

type Inside = Mapping[tuple[str, str], NDArray[np.bool_]]
"""By the dimensions of the rows and columns of a 2-D grid: True for the cells that count."""


def describe_extent(
    dataset: xr.Dataset, *, inside: Inside | None = None, frame_start: float | None = None
) -> dict[str, Any]:
    """
    Say in ACDD attributes what extent a dataset has.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.
    inside : mapping, optional
        The cells of 2-D grids that count; default all.
    frame_start : float, optional
        Where the 360 degrees begin into which longitudes of 2-D grids are brought; default as they are.

    Returns
    -------
    dict
        Global attributes; those that cannot be told are left out.
    """
    names = data_variables(dataset)
    return (
        _horizontal(dataset, names, inside or {}, frame_start) | _vertical(dataset, names) | _temporal(dataset, names)
    )


def _horizontal(dataset: xr.Dataset, names: Iterable[str], inside: Inside, frame_start: float | None) -> dict[str, Any]:
    for name in names:
        grid = find_grid(dataset, name)
        edges = (
            _plane_edges(dataset, grid, inside, frame_start) if grid.kind in _ON_A_PLANE else _axis_edges(dataset, grid)
        )
        if edges is not None:
            west, south, east, north = edges
            return {
                "geospatial_lon_min": west,
                "geospatial_lon_max": east,
                "geospatial_lon_units": "degrees_east",
                "geospatial_lat_min": south,
                "geospatial_lat_max": north,
                "geospatial_lat_units": "degrees_north",
            }
    return {}


def _axis_edges(dataset: xr.Dataset, grid: Grid) -> tuple[float, float, float, float] | None:
    if grid.longitude is None or grid.latitude is None:
        return None
    found = []
    for name in (grid.longitude, grid.latitude):
        values = read_numbers(dataset.variables[name])
        known = values[np.isfinite(values)]
        if not known.size:
            return None
        found.append((float(known.min()), float(known.max())))
    (west, east), (south, north) = found
    return west, south, east, north


def _plane_edges(
    dataset: xr.Dataset, grid: Grid, inside: Inside, frame_start: float | None
) -> tuple[float, float, float, float] | None:
    try:
        cells = read_cells(dataset, grid)
    except DatasetUnsuitable:
        return None  # a mapping that is not known: there is no extent to state
    mask = inside.get((str(grid.y_dim), str(grid.x_dim)))
    if (
        mask is None
        and math.prod(cells.shape) > _FEW_CELLS
        and (around := _frame_edges(cells, frame_start)) is not None
    ):
        return around
    return _all_edges(cells, mask, frame_start)


def _all_edges(
    cells: Cells, mask: NDArray[np.bool_] | None, frame_start: float | None
) -> tuple[float, float, float, float] | None:
    """Find the edges of the cells that count by looking at each."""
    edges = np.array([np.inf, np.inf, -np.inf, -np.inf])
    for which in cells.blocks():
        longitude, latitude = cells.rows(which)
        known = np.isfinite(longitude) & (True if mask is None else mask[which])
        if not known.any():
            continue
        turned = _in_frame(longitude[known], frame_start)
        edges[:2] = np.minimum(edges[:2], [turned.min(), latitude[known].min()])
        edges[2:] = np.maximum(edges[2:], [turned.max(), latitude[known].max()])
    if not np.isfinite(edges).all():
        return None
    west, south, east, north = (float(edge) for edge in edges)
    return west, south, east, north


def _in_frame(longitude: NDArray[np.float64], start: float | None) -> NDArray[np.float64]:
    return longitude if start is None else shift(longitude, turn_from(longitude, start))


def _frame_edges(cells: Cells, frame_start: float | None) -> tuple[float, float, float, float] | None:
    """
    Find the edges of computed cells by those of the outermost rows and columns alone.

    Neither longitude nor latitude has an extreme inside of a part of the earth without a pole, as long as longitudes go on
    without a jump. None where that is not sure: a pole lies in or near the rectangle, longitudes jump (the antimeridian
    crosses it), or it is larger than what the mapping shows.
    """
    if cells.places is None:
        return None
    height, width = cells.shape
    if any(-2 <= row <= height + 1 and -2 <= column <= width + 1 for row, column in cells.pole_places):
        return None
    rows, columns = (np.unique(np.linspace(0, size - 1, _LATTICE).astype(np.intp)) for size in cells.shape)
    every_row, every_column = np.arange(height), np.arange(width)
    parts = (
        (rows[:, np.newaxis], columns[np.newaxis]),
        (np.array([[0], [height - 1]]), every_column[np.newaxis]),
        (every_row[:, np.newaxis], np.array([[0, width - 1]])),
    )
    found = [cells.places(*part) for part in parts]
    if not all(np.isfinite(longitude).all() for longitude, _ in found):
        return None
    longitudes = [_in_frame(longitude, frame_start) for longitude, _ in found]
    lattice, across, along = longitudes
    steps = (np.diff(lattice, axis=0), np.diff(lattice, axis=1), np.diff(across, axis=1), np.diff(along, axis=0))
    if any(np.abs(each).max(initial=0.0) > 180.0 for each in steps):
        return None
    latitudes = [latitude for _, latitude in found]
    west, east = min(float(each.min()) for each in longitudes), max(float(each.max()) for each in longitudes)
    return west, min(float(each.min()) for each in latitudes), east, max(float(each.max()) for each in latitudes)


def _vertical(dataset: xr.Dataset, names: Iterable[str]) -> dict[str, Any]:
    for name in names:
        coordinates = find_vertical(dataset, name)
        if coordinates:
            axis = read_vertical(dataset, coordinates[0])
            known = axis.values[np.isfinite(axis.values)]
            if not known.size:
                return {}
            attributes: dict[str, Any] = {
                "geospatial_vertical_min": float(known.min()),
                "geospatial_vertical_max": float(known.max()),
            }
            attributes |= {"geospatial_vertical_units": axis.unit} if axis.unit else {}
            attributes |= {"geospatial_vertical_positive": axis.positive} if axis.positive else {}
            return attributes
    return {}


def _temporal(dataset: xr.Dataset, names: Iterable[str]) -> dict[str, Any]:
    for name in names:
        coordinate = find_time(dataset, name)
        if coordinate is None:
            continue
        try:
            axis = read_time(dataset, coordinate)
        except DatasetUnsuitable:
            return {}  # a time that cannot be read as dates is kept as it is, and has no coverage to state
        if not len(axis.values):
            return {}
        first, last = time_extent(axis)
        return {"time_coverage_start": first, "time_coverage_end": last}
    return {}

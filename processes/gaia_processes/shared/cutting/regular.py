"""A box cut out of a grid with one longitude a column and one latitude a row."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.shared.axes import Grid
from gaia_processes.shared.bounds import find_bounds_of, latitude_bounds, longitude_bounds, precision_of_bounds
from gaia_processes.shared.cells import (
    widest_gap,
)
from gaia_processes.shared.cutting.parts import Inclusion, Warn, replace, take
from gaia_processes.shared.cutting.words import holder_given, outside
from gaia_processes.shared.latitude import find_row_holder, find_rows_touched, latitudes_between
from gaia_processes.shared.longitude import (
    Columns,
    beside,
    select_centres,
    select_holder,
    select_touched,
    shift,
)
from gaia_processes.shared.values import MISSING, PACKING, precision_of, read_numbers
from gaia_processes.text import Text


def cut_regular(dataset: xr.Dataset, grid: Grid, bbox: Bbox, inclusion: Inclusion, warn: Warn) -> xr.Dataset:
    """Cut the box out of a grid with one longitude a column and one latitude a row."""
    x, y = str(grid.longitude), str(grid.latitude)
    longitudes, latitudes = _read_axis(dataset, x), _read_latitudes(dataset, y)
    columns, held_column = _select_columns(dataset, x, longitudes, bbox, inclusion)
    rows, held_row = _select_rows(dataset, y, latitudes, bbox, inclusion)
    if not len(columns.indices) or not len(rows):
        raise outside(bbox, _regular_extent(longitudes, latitudes))
    if held_column or held_row:
        warn(holder_given(bbox))
    if columns.repeated:
        warn(
            Text(
                en=f"Longitude {x!r} repeats {columns.repeated} of its columns: each is given once.",
                fr=f"La longitude {x!r} répète {columns.repeated} de ses colonnes : chacune est donnée une fois.",
            )
        )
    if inclusion == "touch" or held_column or held_row:
        dataset = _show_bounds(dataset, {x: longitude_bounds(dataset, x), y: latitude_bounds(dataset, y)})
    part = take(dataset, {str(grid.x_dim): columns.indices, str(grid.y_dim): rows})
    return _turn_longitudes(part, x, columns.turns)


def _read_axis(dataset: xr.Dataset, name: str) -> NDArray[np.float64]:
    values = read_numbers(dataset.variables[name])
    if np.isnan(values).any():
        raise DatasetUnsuitable(
            Text(
                en=f"No box can be cut out: coordinate {name!r} has missing values.",
                fr=f"Aucun rectangle ne peut être découpé : la coordonnée {name!r} a des valeurs manquantes.",
            )
        )
    return values


def _read_latitudes(dataset: xr.Dataset, name: str) -> NDArray[np.float64]:
    values = _read_axis(dataset, name)
    _check_latitudes(values, name)
    return values


def _check_latitudes(values: NDArray[np.float64], name: str) -> None:
    if values.size and float(np.nanmax(np.abs(values))) > 90.0 + 1e-3:
        worst = float(values.flat[int(np.nanargmax(np.abs(values)))])
        raise DatasetUnsuitable(
            Text(
                en=f"No box can be cut out: latitude {name!r} has values outside -90 to 90 ({worst:g}).",
                fr=f"Aucun rectangle ne peut être découpé : la latitude {name!r} a des valeurs hors de -90 à 90 ({worst:g}).",
            )
        )


def _show_bounds(dataset: xr.Dataset, edges: dict[str, NDArray[np.float64]]) -> xr.Dataset:
    """Write out bounds that were made, where cells were chosen by them."""
    changed: dict[str, xr.Variable] = {}
    for name, bounds in edges.items():
        own, side = f"{name}_bnds", "bnds"
        taken = own in dataset.variables or dataset.sizes.get(side, 2) != 2
        if find_bounds_of(dataset, name) is not None or taken:
            continue
        coordinate = dataset.variables[name]
        if any(each in coordinate.attrs for each in PACKING):
            continue  # bounds are packed as their coordinate is
        changed[name] = xr.Variable(
            coordinate.dims, coordinate.values, {**coordinate.attrs, "bounds": own}, coordinate.encoding
        )
        changed[own] = xr.Variable((*coordinate.dims, side), bounds)
    return replace(dataset, changed) if changed else dataset


def _regular_extent(
    longitudes: NDArray[np.float64], latitudes: NDArray[np.float64]
) -> tuple[float, float, float, float] | None:
    if not longitudes.size or not latitudes.size:
        return None
    west, east = widest_gap(longitudes)
    return west, float(latitudes.min()), east, float(latitudes.max())


def _select_columns(
    dataset: xr.Dataset, name: str, longitudes: NDArray[np.float64], bbox: Bbox, inclusion: Inclusion
) -> tuple[Columns, bool]:
    """Select columns, and tell whether only the one that holds the middle of the box was found."""
    west, east = bbox.west, bbox.east
    if inclusion == "centre":
        columns = select_centres(longitudes, west=west, east=east, stored=precision_of(dataset.variables[name]))
        if len(columns.indices) or not len(longitudes):
            return columns, False
    edges, stored = longitude_bounds(dataset, name), precision_of_bounds(dataset, name)
    if inclusion == "touch":
        columns = select_touched(longitudes, edges, west=west, east=east, stored=stored)
        if len(columns.indices) or not len(longitudes):
            return columns, False
    return select_holder(longitudes, edges, west=west, east=east, stored=stored), True


def _select_rows(
    dataset: xr.Dataset, name: str, latitudes: NDArray[np.float64], bbox: Bbox, inclusion: Inclusion
) -> tuple[NDArray[np.intp], bool]:
    """Select rows in the order of the source, and tell whether only the one that holds the middle was found."""
    south, north = bbox.south, bbox.north
    if inclusion == "centre":
        stored = precision_of(dataset.variables[name])
        inside = latitudes_between(latitudes, south=south, north=north, stored=stored)
        if inside.any() or not len(latitudes):
            return np.flatnonzero(inside), False
    edges, stored = latitude_bounds(dataset, name), precision_of_bounds(dataset, name)
    if inclusion == "touch":
        inside = find_rows_touched(edges, south=south, north=north, stored=stored)
        if inside.any() or not len(latitudes):
            return np.flatnonzero(inside), False
    return find_row_holder(edges, south=south, north=north, stored=stored), True


def _turn_longitudes(dataset: xr.Dataset, name: str, turns: NDArray[np.int64]) -> xr.Dataset:
    """Bring the longitudes of the chosen columns, and their bounds, into the frame of the request."""
    variable = dataset.variables[name]
    centres = shift(read_numbers(variable), turns)
    own = find_bounds_of(dataset, name)
    changed = {name: _rewrite(variable, centres) if turns.any() else variable}
    if own is not None:
        bounds = dataset.variables[own]
        stored = read_numbers(bounds)
        near = beside(stored, centres)
        changed[own] = bounds if np.array_equal(near, stored) else _rewrite(bounds, near)
    return replace(dataset, changed)


def _rewrite(variable: xr.Variable, values: NDArray[np.float64]) -> xr.Variable:
    """Give a coordinate new values, in its own type where it is not packed."""
    if any(name in variable.attrs for name in PACKING):
        attrs = {name: value for name, value in variable.attrs.items() if name not in (*PACKING, *MISSING)}
        return xr.Variable(variable.dims, values, attrs, {**variable.encoding, "dtype": values.dtype})
    return xr.Variable(variable.dims, values.astype(variable.dtype), variable.attrs, variable.encoding)

"""A box cut out of a grid whose cells have two-dimensional longitudes and latitudes: a window, and a mask of what lies in the box."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.inputs.bbox import Bbox
from gaia_processes.shared.axes import Grid, data_variables
from gaia_processes.shared.bounds import find_bounds_of
from gaia_processes.shared.cells import (
    Cells,
    find_extent,
    find_fresh_columns,
    find_holder,
    mask_centres,
    mask_touched,
    read_cells,
)
from gaia_processes.shared.cutting.parts import Inclusion, Mask, Warn, replace, take
from gaia_processes.shared.cutting.words import holder_given, outside
from gaia_processes.shared.lazy import map_lazily
from gaia_processes.shared.longitude import (
    beside,
    shift,
    span,
    turn_from,
)
from gaia_processes.shared.meshes import find_in_box
from gaia_processes.shared.references import references_of
from gaia_processes.shared.values import PACKING, fill_of, find_missing, read_numbers, with_room_for_missing
from gaia_processes.text import Text


def cut_plane(
    dataset: xr.Dataset, grid: Grid, bbox: Bbox, inclusion: Inclusion, *, drop_halo: bool, warn: Warn
) -> tuple[xr.Dataset, Mask]:
    """Cut the smallest window out of a 2-D grid that has all cells in the box."""
    cells = read_cells(dataset, grid)
    mask = mask_touched(cells, bbox) if inclusion == "touch" else mask_centres(cells, bbox)
    if not mask.any():
        middle = bbox.west + span(bbox.west, bbox.east) / 2
        holder = find_holder(cells, middle, (bbox.south + bbox.north) / 2)
        if holder is None:
            raise outside(bbox, find_extent(cells))
        mask[holder] = True
        warn(holder_given(bbox))
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    window = slice(int(rows[0]), int(rows[-1]) + 1)
    across = np.arange(columns[0], columns[-1] + 1)
    across = _without_halo(cells, mask, window, across, drop_halo=drop_halo, warn=warn)
    chosen = {str(grid.y_dim): np.arange(window.start, window.stop), str(grid.x_dim): across}
    return _turn_cells(take(dataset, chosen), grid, bbox), mask[window][:, across]


def cut_mesh(dataset: xr.Dataset, grid: Grid, bbox: Bbox, inclusion: Inclusion, warn: Warn) -> xr.Dataset:
    """Take the cells of an unstructured grid that lie in the box."""
    mask = find_in_box(dataset, grid, bbox, inclusion, warn)
    return _turn_cells(take(dataset, {str(grid.x_dim): np.flatnonzero(mask)}), grid, bbox)


def _without_halo(
    cells: Cells, mask: Mask, window: slice, across: NDArray[np.intp], *, drop_halo: bool, warn: Warn
) -> NDArray[np.intp]:
    """Find columns that repeat another one, and leave them out or say so."""
    fresh = find_fresh_columns(cells, window, across)
    repeated = int(np.count_nonzero(~fresh & mask[window][:, across].any(axis=0)))
    if drop_halo:
        return across[fresh]
    if repeated:
        warn(
            Text(
                en=f"{repeated} columns of the grid repeat others (a halo): their cells are given twice.",
                fr=f"{repeated} colonnes de la grille en répètent d'autres (un halo) : leurs mailles sont données deux fois.",
            )
        )
    return across


def _turn_cells(dataset: xr.Dataset, grid: Grid, bbox: Bbox) -> xr.Dataset:
    """Bring 2-D longitudes and their corners into the frame that is centred on the box."""
    if grid.longitude is None:
        return dataset
    variable = dataset.variables[grid.longitude]
    if any(name in variable.attrs for name in PACKING):
        return dataset
    centres = _turned(variable, frame_start(bbox))
    changed = {grid.longitude: centres}
    own = find_bounds_of(dataset, grid.longitude)
    if own is not None:

        def near(values: NDArray[Any], places: list[NDArray[np.intp]]) -> NDArray[Any]:
            owners = read_numbers(centres[tuple(places[: centres.ndim])])
            moved = beside(values.astype(np.float64), np.nan_to_num(owners))
            return np.where(np.isfinite(owners)[..., np.newaxis], moved, values).astype(values.dtype)

        changed[own] = map_lazily(dataset.variables[own], near)
    return replace(dataset, changed)


def frame_start(bbox: Bbox) -> float:
    """Say where the 360 degrees begin that are centred on a box."""
    return bbox.west + span(bbox.west, bbox.east) / 2 - 180.0


def _turned(variable: xr.Variable, start: float) -> xr.Variable:
    attrs = dict(variable.attrs)

    def turn(values: NDArray[Any], _places: list[NDArray[np.intp]]) -> NDArray[Any]:
        missing = find_missing(values, attrs)
        exact = np.where(missing, start, values).astype(np.float64)
        moved = shift(exact, turn_from(exact, start))
        return np.where(missing, values, moved.astype(values.dtype))

    return map_lazily(variable, turn)


def mask_outside_box(dataset: xr.Dataset, masks: dict[tuple[str, str], Mask]) -> xr.Dataset:
    """Make the cells missing that lie in the window of a 2-D grid but not in the box."""
    data = set(data_variables(dataset))
    ancillary = {
        each
        for name in data
        for each in references_of(dataset.variables[name], ("ancillary_variables",))
        if each in dataset.variables
    }
    changed = {}
    for name in data | ancillary:
        variable = dataset.variables[name]
        for (y_dim, x_dim), inside in masks.items():
            if {y_dim, x_dim} <= set(variable.dims) and not inside.all():
                changed[name] = _hide(variable, y_dim, x_dim, inside)
    return replace(dataset, changed) if changed else dataset


def _hide(variable: xr.Variable, y_dim: str, x_dim: str, inside: Mask) -> xr.Variable:
    variable = with_room_for_missing(variable)
    fill = fill_of(variable)
    if fill is None:
        return variable
    rows, columns = variable.dims.index(y_dim), variable.dims.index(x_dim)

    def hide(values: NDArray[Any], places: list[NDArray[np.intp]]) -> NDArray[Any]:
        seen = inside[np.ix_(places[rows], places[columns])]
        seen = seen if rows < columns else seen.T
        shape = [len(each) if at in {rows, columns} else 1 for at, each in enumerate(places)]
        return np.where(seen.reshape(shape), values, fill)

    hidden = map_lazily(variable, hide)
    hidden.attrs = {"_FillValue": fill, **variable.attrs}
    return hidden

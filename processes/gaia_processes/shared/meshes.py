"""
Grids without rows and columns (ICON, MPAS, FESOM): cells along one dimension, each with a longitude, a latitude and corners.

Laid in one row they are what `cells` and `curvilinear` know: places and polygons, of which neither needs a neighbour.
"""

import numpy as np
import xarray as xr

from gaia_processes.inputs.bbox import Bbox
from gaia_processes.shared.axes import Grid, find_grid
from gaia_processes.shared.bounds import find_bounds_of
from gaia_processes.shared.cells import Cells, find_extent, mask_centres, mask_touched, read_cells
from gaia_processes.shared.cutting.parts import Inclusion, Mask, Warn, name_measured, replace
from gaia_processes.shared.cutting.words import holder_given, outside
from gaia_processes.shared.lazy import lay_in_rows
from gaia_processes.shared.longitude import span

_ROW = "row_of_cells"
_SPOT_DEG = 1e-4


def lay_in_a_row(dataset: xr.Dataset) -> xr.Dataset:
    """
    Give the cells of unstructured grids a dimension of rows, of which there is one.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.

    Returns
    -------
    xarray.Dataset
        The same where all grids have rows and columns; values are read when they are needed.
    """
    grids = [find_grid(dataset, name) for name in name_measured(dataset)]
    dims = {str(grid.x_dim) for grid in grids if grid.kind == "unstructured"}
    changed: dict[str, xr.Variable] = {}
    for name, variable in dataset.variables.items():
        own = next((str(dim) for dim in variable.dims if dim in dims), None)
        if own is not None:
            changed[str(name)] = lay_in_rows(variable, own, _ROW)
    return replace(dataset, changed) if changed else dataset


def find_in_box(dataset: xr.Dataset, grid: Grid, bbox: Bbox, inclusion: Inclusion, warn: Warn) -> Mask:
    """
    Mark the cells of an unstructured grid that lie in a box.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.
    grid : Grid
        Unstructured.
    bbox : Bbox
        Degrees.
    inclusion : {"centre", "touch"}
        `touch` needs the corners of the file; where it has none, centres are looked at.
    warn : callable
        Is told where the box is smaller than a cell.

    Returns
    -------
    array of bool, shape (cells,)

    Raises
    ------
    SelectionEmpty
        No cell lies in it, nor is there one that the middle of the box lies in.
    """
    names = [str(grid.longitude), str(grid.latitude)]
    owns = [own for name in names if (own := find_bounds_of(dataset, name)) is not None]
    row = xr.Dataset(
        {own: lay_in_rows(dataset.variables[own], str(grid.x_dim), _ROW) for own in owns},
        xr.Coordinates(
            {name: lay_in_rows(dataset.variables[name], str(grid.x_dim), _ROW) for name in names}, indexes={}
        ),
    )
    laid = Grid(kind="curvilinear", longitude=grid.longitude, latitude=grid.latitude, x_dim=grid.x_dim, y_dim=_ROW)
    cells = read_cells(row, laid)
    touched = inclusion == "touch" and cells.corners is not None
    mask = mask_touched(cells, bbox) if touched else mask_centres(cells, bbox)
    if not mask.any() and cells.corners is not None:
        mask = _mask_holder(cells, bbox)
        if mask.any():
            warn(holder_given(bbox))
    if not mask.any():
        raise outside(bbox, find_extent(cells))
    found: Mask = np.asarray(mask[0])
    return found


def _mask_holder(cells: Cells, bbox: Bbox) -> Mask:
    """Mark the cell that holds the middle of a box; the first of those that meet there."""
    x, y = bbox.west + span(bbox.west, bbox.east) / 2, (bbox.south + bbox.north) / 2
    spot = Bbox(west=x - _SPOT_DEG, south=max(y - _SPOT_DEG, -90.0), east=x + _SPOT_DEG, north=min(y + _SPOT_DEG, 90.0))
    held = mask_touched(cells, spot)
    held[0, np.flatnonzero(held[0])[1:]] = False
    return held

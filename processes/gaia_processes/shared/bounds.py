"""Edges of cells: as a file has them, else made from the centres."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.shared.longitude import unrolled
from gaia_processes.shared.references import references_of
from gaia_processes.shared.values import precision_of, read_numbers


def find_bounds_of(dataset: xr.Dataset, name: str) -> str | None:
    """Find the variable with the bounds of a coordinate, where it has the shape that bounds have."""
    variable = dataset.variables[name]
    for each in references_of(variable, ("bounds",)):
        if each in dataset.variables:
            found = dataset.variables[each]
            if found.dims[: variable.ndim] == variable.dims and found.ndim == variable.ndim + 1:
                return each
    return None


def make_edges(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Make the edges of cells along one axis: midway between the centres, half steps mirrored at the ends.

    Parameters
    ----------
    centres : array of float, shape (n,)
        Ascending or descending.

    Returns
    -------
    array of float, shape (n, 2)
        In the order of the centres; a single cell has no width.
    """
    if len(centres) < 2:
        return np.stack([centres, centres], axis=-1)
    middles = (centres[:-1] + centres[1:]) / 2
    first, last = 2 * centres[0] - middles[0], 2 * centres[-1] - middles[-1]
    edges = np.concatenate([[first], middles, [last]])
    return np.stack([edges[:-1], edges[1:]], axis=-1)


def show_bounds(coordinates: dict[str, xr.Variable], steps: dict[str, float]) -> dict[str, xr.Variable]:
    """
    Give bounds to coordinates of a single cell, whose size its centre does not tell.

    Parameters
    ----------
    coordinates : dict of xarray.Variable
        1-D, by name; those of one value are told the name of their bounds.
    steps : dict of float
        The size of the cell along each.

    Returns
    -------
    dict of xarray.Variable
        The bounds by name; none where there are more cells.
    """
    made = {}
    for name, step in steps.items():
        axis = coordinates[name]
        if axis.size == 1:
            axis.attrs["bounds"] = f"{name}_bnds"
            edges = axis.values[:, np.newaxis] + np.array([-step / 2, step / 2])
            made[f"{name}_bnds"] = xr.Variable((*axis.dims, "bnds"), edges, encoding={"chunksizes": None})
    return made


def lone_step(dataset: xr.Dataset, name: str) -> float | None:
    """Give the size of the only cell along a coordinate, by its bounds in the unit of the coordinate; None without any."""
    own = find_pairs(dataset, name)
    if dataset.variables[name].size != 1 or own is None:
        return None
    low, high = read_numbers(dataset.variables[own])[0]
    return float(high - low) if np.isfinite(high - low) and high != low else None


def latitude_bounds(dataset: xr.Dataset, name: str) -> NDArray[np.float64]:
    """
    Give the edges of the rows of a grid.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.
    name : str
        The 1-D latitude.

    Returns
    -------
    array of float, shape (rows, 2)
        Degrees; made ones end at the poles.
    """
    own = find_pairs(dataset, name)
    if own is not None:
        return read_numbers(dataset.variables[own])
    return np.clip(make_edges(read_numbers(dataset.variables[name])), -90.0, 90.0)


def longitude_bounds(dataset: xr.Dataset, name: str) -> NDArray[np.float64]:
    """
    Give the edges of the columns of a grid.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.
    name : str
        The 1-D longitude; its columns may lie in any order.

    Returns
    -------
    array of float, shape (columns, 2)
        Degrees, beside the centres.
    """
    own = find_pairs(dataset, name)
    if own is not None:
        return read_numbers(dataset.variables[own])
    centres = read_numbers(dataset.variables[name])
    framed = unrolled(centres)
    steps = np.diff(framed)
    in_order = np.all(steps > 0) or np.all(steps < 0)
    order = np.arange(len(framed)) if in_order else np.argsort(framed, kind="stable")
    edges = np.empty((len(framed), 2))
    edges[order] = make_edges(framed[order])
    return edges + (centres - framed)[:, np.newaxis]


def precision_of_bounds(dataset: xr.Dataset, name: str) -> np.dtype[Any]:
    """
    Say in which type the edges of the cells along a 1-D coordinate are known.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.
    name : str
        The coordinate.

    Returns
    -------
    numpy.dtype
        That of its bounds; of the coordinate itself where bounds are made from it.
    """
    return precision_of(dataset.variables[find_pairs(dataset, name) or name])


def find_pairs(dataset: xr.Dataset, name: str) -> str | None:
    """Find the bounds of a 1-D coordinate, two edges a cell."""
    own = find_bounds_of(dataset, name)
    return own if own is not None and dataset.variables[own].shape[-1] == 2 else None


def make_corners(centres: NDArray[np.float64], *, period: float | None = None) -> NDArray[np.float64]:
    """
    Make the corners of the cells of a 2-D grid: the mean of the four centres around, extrapolated where some are missing.

    Parameters
    ----------
    centres : array of float, shape (rows, columns)
        Longitudes or latitudes; at least 2 x 2; NaN where there is no cell.
    period : float, optional
        Of longitudes: each corner is then made in the frame of its own cell, so that jumps do not matter.

    Returns
    -------
    array of float, shape (rows, columns, 4)
        Going round each cell; NaN where it has no centre, or no neighbour along one of the dimensions.
    """
    padded = np.pad(centres, 1, mode="reflect", reflect_type="odd")
    rows, columns = centres.shape

    def step(down: int, right: int) -> NDArray[np.float64]:
        moved = padded[1 + down : 1 + down + rows, 1 + right : 1 + right + columns] - centres
        return moved if period is None else (moved + period / 2) % period - period / 2

    def mirrored(down: int, right: int) -> NDArray[np.float64]:
        ahead, back = step(down, right), step(-down, -right)
        return np.where(np.isnan(ahead), -back, ahead)

    corners = []
    for down, right in ((-1, -1), (-1, 1), (1, 1), (1, -1)):
        beside, below, across = mirrored(0, right), mirrored(down, 0), step(down, right)
        across = np.where(np.isnan(across), beside + below, across)
        corners.append(centres + (beside + below + across) / 4)
    return np.stack(corners, axis=-1)

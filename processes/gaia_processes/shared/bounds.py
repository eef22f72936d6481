"""Edges of cells: as a file has them, else made from the centres."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.shared.references import references_of
from gaia_processes.shared.values import read_numbers


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
    own = find_bounds_of(dataset, name)
    if own is not None and dataset.variables[own].shape[-1] == 2:
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
        The 1-D longitude; its axis may jump by 360 degrees once.

    Returns
    -------
    array of float, shape (columns, 2)
        Degrees, beside the centres.
    """
    own = find_bounds_of(dataset, name)
    if own is not None and dataset.variables[own].shape[-1] == 2:
        return read_numbers(dataset.variables[own])
    centres = read_numbers(dataset.variables[name])
    unrolled = np.unwrap(centres, period=360.0)
    return make_edges(unrolled) + (centres - unrolled)[:, np.newaxis]


def make_corners(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Make the corners of the cells of a 2-D grid: the mean of the four centres around, extrapolated at the rim.

    Parameters
    ----------
    centres : array of float, shape (rows, columns)
        Longitudes (without jumps) or latitudes; at least 2 x 2.

    Returns
    -------
    array of float, shape (rows, columns, 4)
        Going round each cell.
    """
    padded = np.pad(centres, 1, mode="reflect", reflect_type="odd")
    nodes = (padded[:-1, :-1] + padded[:-1, 1:] + padded[1:, :-1] + padded[1:, 1:]) / 4
    return np.stack([nodes[:-1, :-1], nodes[:-1, 1:], nodes[1:, 1:], nodes[1:, :-1]], axis=-1)

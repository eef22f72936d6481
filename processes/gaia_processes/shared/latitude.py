"""Which rows of a grid lie in a box, in the order of the source."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaia_processes.shared.edges import slack


def latitudes_between(
    latitudes: NDArray[np.float64], *, south: float, north: float, stored: np.dtype[Any]
) -> NDArray[np.bool_]:
    """
    Find the latitudes that lie in the closed stretch from `south` to `north`.

    Parameters
    ----------
    latitudes : array of float
        Degrees, of any shape.
    south, north : float
        Degrees.
    stored : numpy.dtype
        In which the latitudes are stored.

    Returns
    -------
    array of bool
        Of the same shape; False where the latitude is NaN.
    """
    below, above = (slack(edge, latitudes, stored) for edge in (south, north))
    inside: NDArray[np.bool_] = (latitudes >= south - below) & (latitudes <= north + above)
    return inside


def find_rows_touched(
    bounds: NDArray[np.float64], *, south: float, north: float, stored: np.dtype[Any]
) -> NDArray[np.bool_]:
    """
    Find the rows whose cells share more than an edge with the box.

    Parameters
    ----------
    bounds : array of float, shape (rows, 2)
        Edges of the cells in degrees, in any order.
    south, north : float
        Degrees.
    stored : numpy.dtype
        In which the bounds are stored.

    Returns
    -------
    array of bool, shape (rows,)
    """
    low, high = bounds.min(axis=1), bounds.max(axis=1)
    least = slack(max(abs(south), abs(north)), np.abs(bounds).max(axis=1), stored)
    touched: NDArray[np.bool_] = np.minimum(high, north) - np.maximum(low, south) > least
    return touched


def find_row_holder(
    bounds: NDArray[np.float64], *, south: float, north: float, stored: np.dtype[Any]
) -> NDArray[np.intp]:
    """
    Find the one row whose cell holds the middle of the box; none where it lies outside of all.

    Parameters
    ----------
    bounds : array of float, shape (rows, 2)
        Edges of the cells in degrees, in any order.
    south, north : float
        Degrees.
    stored : numpy.dtype
        In which the bounds are stored.

    Returns
    -------
    array of int
        One place or none.
    """
    middle = (south + north) / 2
    low, high = bounds.min(axis=1), bounds.max(axis=1)
    nearly = slack(middle, np.abs(bounds).max(axis=1), stored)
    holds = (low <= middle + nearly) & (middle <= high + nearly)
    # On an edge the cell to the north is meant, whatever the order of the source.
    found = [int(np.argmax(np.where(holds, low, -np.inf)))] if holds.any() else []
    return np.array(found, dtype=np.intp)

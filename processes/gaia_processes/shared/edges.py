"""
When a number lies on the edge of a box.

A float32 axis of 0.1 degrees means 359.9 and holds 359.899994; people ask for the one or the other. Both are the same
number to such an axis, so an edge lies on a cell as soon as the type of the axis cannot tell them apart.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

EPSILON_DEG = 1e-6
"""A cell this near to the edge of a box lies on it, whatever its type: what computing with decimals may spoil lies below."""


def slack(edge_deg: float, values: NDArray[np.float64], stored: np.dtype[Any]) -> NDArray[np.float64]:
    """
    Say how near to an edge numbers count as on it.

    Parameters
    ----------
    edge_deg : float
        One edge of a box, in the frame of the request.
    values : array of float
        Degrees, in the frame in which they are stored.
    stored : numpy.dtype
        In which they are stored, as `gaia_processes.shared.values.precision_of` tells.

    Returns
    -------
    array of float
        Degrees, one for each value: `EPSILON_DEG`, and half the distance to the next number of a type with fewer bits
        than float64. Of edge and value the larger counts, for they may lie in different frames.
    """
    if stored.kind != "f" or stored.itemsize >= np.dtype(np.float64).itemsize:
        return np.full(values.shape, EPSILON_DEG)
    largest = np.maximum(np.abs(values), abs(edge_deg)).astype(stored)
    return EPSILON_DEG + np.spacing(largest).astype(np.float64) / 2

"""The nearest of some points on the sphere; of equally near ones the first."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

_NEARLY = 1e-9
_TIES = 4

type Floats = NDArray[np.float64]
type Places = NDArray[np.intp]


def first_of_nearest(names: Places, points: Floats, wanted: Floats, within: float = np.inf) -> Places:
    """
    Find the nearest of some points; of equally near ones the one that comes first.

    Parameters
    ----------
    names : array of int, shape (points,)
        How the points are called, ascending.
    points, wanted : array of float, shape (n, 3)
        Vectors of length 1.
    within : float
        Longest chord.

    Returns
    -------
    array of int
        The name of a point for each that is wanted; -1 where none is near enough.
    """
    made = np.full(len(wanted), -1, dtype=np.intp)
    known = np.isfinite(wanted[:, 0])
    if not len(points) or not known.any():
        return made
    near = list(range(1, min(_TIES, len(names)) + 1))
    distance, found = cKDTree(points).query(wanted[known], k=near, distance_upper_bound=within + _NEARLY)
    absent = np.iinfo(np.intp).max
    equal = np.isfinite(distance) & (distance <= distance[:, :1] + _NEARLY)
    first = np.where(equal, np.append(names, absent)[found], absent).min(axis=1)
    made[known] = np.where(first == absent, -1, first)
    return made

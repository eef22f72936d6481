"""Coordinates of points, some of which may lie nowhere."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray


def coordinates_of(points: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Give x and y of points.

    Parameters
    ----------
    points : array-like of shapely.Point, shape (points,)
        Those that are missing or empty lie nowhere; GEOS itself would refuse to say where an empty point is.

    Returns
    -------
    x, y : array of float, shape (points,)
        NaN where a point lies nowhere.
    """
    shapes = np.asarray(points, dtype=object)
    known = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    x, y = np.full(shapes.shape, np.nan), np.full(shapes.shape, np.nan)
    x[known], y[known] = shapely.get_x(shapes[known]), shapely.get_y(shapes[known])
    return x, y

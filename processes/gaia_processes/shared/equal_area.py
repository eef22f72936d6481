"""
The plane of EPSG:6933 (EASE-Grid 2.0, cylindrical equal-area of WGS 84 with true scale at 30°), in closed form.

Formulas: Snyder (1987), Map Projections - A Working Manual, eq. 3-12, 10-13 to 10-17; Brodzik et al. (2012).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]

SEMI_MAJOR_M = 6378137.0
_FLATTENING = 1 / 298.257223563
_E2 = _FLATTENING * (2 - _FLATTENING)
_E = float(np.sqrt(_E2))
_TRUE = np.radians(30.0)
_K0 = float(np.cos(_TRUE) / np.sqrt(1 - _E2 * np.sin(_TRUE) ** 2))


def project(longitude: Any, latitude: Any) -> tuple[Floats, Floats]:
    """
    Give the plane coordinates of points.

    Parameters
    ----------
    longitude, latitude : array of float
        Degrees; longitudes of either convention give the same place.

    Returns
    -------
    tuple of array of float
        x and y in metres; -180 and 180 are the two edges.
    """
    east = np.asarray(longitude, np.float64)
    inside = np.where(np.abs(east) > 180.0, (east + 180.0) % 360.0 - 180.0, east)
    sine = np.sin(np.radians(np.asarray(latitude, np.float64)))
    q = (1 - _E2) * (sine / (1 - _E2 * sine**2) + np.arctanh(_E * sine) / _E)
    return SEMI_MAJOR_M * _K0 * np.radians(inside), SEMI_MAJOR_M * q / (2 * _K0)

"""Points on a sphere: distances, and vectors of length 1 that know no seam and no pole."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

EARTH_RADIUS_KM = 6371.0

type Floats = NDArray[np.float64]


def distance_km(longitude: Any, latitude: Any, to_longitude: Any, to_latitude: Any) -> Floats:
    """
    Give the great-circle distance of points (haversine formula).

    Parameters
    ----------
    longitude, latitude, to_longitude, to_latitude : array of float
        Degrees; shapes that broadcast.

    Returns
    -------
    array of float
        km on a sphere of 6371 km.
    """
    lam, phi, to_lam, to_phi = (np.radians(each) for each in (longitude, latitude, to_longitude, to_latitude))
    half = np.sin((phi - to_phi) / 2) ** 2 + np.cos(phi) * np.cos(to_phi) * np.sin((lam - to_lam) / 2) ** 2
    distance: Floats = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
    return distance


def unit_vectors(longitude: Floats, latitude: Floats) -> Floats:
    """
    Give the vectors from the centre of the sphere to points on it.

    Parameters
    ----------
    longitude, latitude : array of float
        Degrees, of one shape.

    Returns
    -------
    array of float, shape (..., 3)
        Of length 1.
    """
    lam, phi = np.radians(longitude), np.radians(latitude)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)


def chord(km: float) -> float:
    """Give the length of the straight line between two points of the unit sphere that are so far apart on the earth."""
    return float(2.0 * np.sin(min(km / EARTH_RADIUS_KM, np.pi) / 2.0))

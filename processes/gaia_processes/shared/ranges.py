"""Where a species lives: area of occupancy and extent of occurrence (IUCN Standards and Petitions Committee 2024, §4.9, §4.10)."""

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod

from gaia_processes.shared.sphere import unit_vectors

type Floats = NDArray[np.float64]
type Longs = NDArray[np.int64]

AOO_CELL_M = 2000.0
AOO_CELL_KM2 = 4.0
SHIFT_M = 200.0
"""AOO is looked for with origins of the grid moved by this, in both directions: 10 x 10 of them."""
_SHIFTS = round(AOO_CELL_M / SHIFT_M)
_WIDTH = 2**32
_GEOD = Geod(ellps="WGS84")


def shift_cells(x_m: Floats, y_m: Floats) -> Longs:
    """
    Give numbers to the squares of 200 m in which points lie.

    Parameters
    ----------
    x_m, y_m : array of float, shape (points,)
        On the plane of EPSG:6933.

    Returns
    -------
    array of int64, shape (points,)
        0 or more; what `area_of_occupancy_km2` reads.
    """
    half = _WIDTH // 4  # so that both fit into 63 bits
    column = np.floor(x_m / SHIFT_M).astype(np.int64) + half
    row = np.floor(y_m / SHIFT_M).astype(np.int64) + half
    return np.asarray((row << 32) | column, np.int64)


def area_of_occupancy_km2(cells: Longs) -> tuple[float, float]:
    """
    Give the area of 2 km squares that a species occupies.

    Parameters
    ----------
    cells : array of int64
        Squares of 200 m with the species, from `shift_cells`.

    Returns
    -------
    tuple of float
        With the origin of the grid at 0, 0; and the least over 10 x 10 origins, 200 m apart.

    Examples
    --------
    >>> xs, ys = np.array([100.0, 1900.0, 2100.0, -1.0]), np.array([100.0, 1900.0, 100.0, 0.0])
    >>> area_of_occupancy_km2(shift_cells(xs, ys))[0]
    12.0
    """
    half = _WIDTH // 4  # so that both fit into 63 bits
    column, row = (cells & (_WIDTH - 1)) - half, (cells >> 32) - half
    counts = [
        len(np.unique(((row + down) // _SHIFTS) * _WIDTH + (column + right) // _SHIFTS))
        for down in range(_SHIFTS)
        for right in range(_SHIFTS)
    ]
    return AOO_CELL_KM2 * counts[0], AOO_CELL_KM2 * min(counts)


def extent_of_occurrence_km2(longitude: Floats, latitude: Floats) -> float:
    """
    Give the area of the convex hull of points on the earth.

    The hull is found on a Lambert azimuthal equal-area plane around the mean of the points, so that it knows no seam and no
    pole; its area is that of the geodesic polygon on WGS 84 (Karney 2013).

    Parameters
    ----------
    longitude, latitude : array of float, shape (points,)
        Degrees.

    Returns
    -------
    float
        0 for fewer than three distinct points, and for points on a line.
    """
    x, y = _around_the_mean(longitude, latitude)
    hull = shapely.convex_hull(shapely.multipoints(np.column_stack([x, y])))
    if hull.geom_type != "Polygon":
        return 0.0
    vertices = shapely.get_coordinates(hull)
    place = {(a, b): at for at, (a, b) in enumerate(zip(x, y, strict=True))}
    chosen = [place[a, b] for a, b in vertices[:-1]]
    area_m2, _ = _GEOD.polygon_area_perimeter(longitude[chosen], latitude[chosen])
    return abs(area_m2) / 1e6


def _around_the_mean(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Project to the Lambert azimuthal equal-area plane of the sphere (Snyder 1987, eq. 24-2 to 24-4)."""
    mean = unit_vectors(longitude, latitude).mean(axis=0)
    length = float(np.linalg.norm(mean))
    if length < 1e-9:  # points all round the earth have no middle: any will do
        mean, length = np.array([1.0, 0.0, 0.0]), 1.0
    lam0, phi0 = np.arctan2(mean[1], mean[0]), np.arcsin(mean[2] / length)
    lam, phi = np.radians(longitude) - lam0, np.radians(latitude)
    cosine = np.sin(phi0) * np.sin(phi) + np.cos(phi0) * np.cos(phi) * np.cos(lam)
    scale = np.sqrt(2.0 / np.maximum(1.0 + cosine, 1e-12))
    x = scale * np.cos(phi) * np.sin(lam)
    y = scale * (np.cos(phi0) * np.sin(phi) - np.sin(phi0) * np.cos(phi) * np.cos(lam))
    return x, y

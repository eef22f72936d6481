"""
Cells that lie anywhere, painted onto a coarse regular grid of longitude and latitude: each place shows its nearest cell.

References
----------
Rong & Tan (2006), Jump flooding in GPU with applications to Voronoi diagram and distance transform.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

LEAST_DEG = 0.01
TINY_DEG = 1e-9
WIDER = 1.5
REACH = 0.8
"""A place farther from its nearest cell than so many diagonals of the cells there shows nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """
    Values on a regular grid.

    Attributes
    ----------
    x : array, shape (columns,)
        Longitudes, ascending, degrees east.
    y : array, shape (rows,)
        Latitudes, descending, degrees north.
    values : array, shape (rows, columns)
        NaN where there is none.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    values: NDArray[np.float64]


def paint(
    longitude: NDArray[np.float64],
    latitude: NDArray[np.float64],
    values: NDArray[np.float64],
    *,
    columns: int,
    rows: int,
) -> Picture:
    """
    Paint cells onto a regular grid around them.

    Parameters
    ----------
    longitude, latitude : array, shape (m, n)
        Centres of cells in degrees; NaN where a cell has no place. One row of points is fine.
    values : array, shape (m, n)
        NaN where missing: painted as such.
    columns, rows : int
        The most that the picture may have.

    Returns
    -------
    Picture
        About as fine as the cells.
    """
    placed = np.isfinite(longitude) & np.isfinite(latitude)
    if not placed.any():
        raise ValueError("no cell has a place")
    reach = _reach(longitude, latitude)[placed]
    x, y, shown = unwrap(longitude[placed]), latitude[placed], values[placed]
    (west, east), (south, north) = _ends(x), _ends(y)
    fine = np.sqrt((east - west) * (north - south) / x.size)
    across = np.linspace(west, east, int(np.clip(round((east - west) / fine) + 1, 2, columns)))
    down = np.linspace(north, south, int(np.clip(round((north - south) / fine) + 1, 2, rows)))
    nearest = _flood(_seed(x, y, across, down), x, y, across, down)
    distance = _distance(nearest, x, y, across, down)
    near = distance <= np.maximum(reach[nearest], 0.75 * np.hypot(across[1] - across[0], down[0] - down[1]))
    return Picture(x=across, y=down, values=np.where(near, shown[nearest], np.nan))


def _ends(values: NDArray[np.float64]) -> tuple[float, float]:
    """Give the ends of a stretch; one that has no length gets some."""
    low, high = float(values.min()), float(values.max())
    return (low, high) if high - low > LEAST_DEG else (low - LEAST_DEG, high + LEAST_DEG)


def unwrap(longitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Put longitudes into one frame without a hole in it: where they meet over its edge, it begins behind their widest gap.

    Parameters
    ----------
    longitude : array
        Degrees east, in any frame; none missing.

    Returns
    -------
    array
        From -180 to 540, in the order of the input.

    Examples
    --------
    >>> unwrap(np.array([0.5, 325.5, 340.5])).tolist()
    [0.5, -34.5, -19.5]
    >>> unwrap(np.array([160.0, 180.0, 200.0])).tolist()
    [160.0, 180.0, 200.0]
    """
    turned = np.unique(longitude % 360.0)
    gaps = np.diff(turned, append=turned[0] + 360.0)
    width = float(np.ptp(longitude))
    if width < 360.0 and gaps.max() < WIDER * (360.0 - width):
        return longitude
    start = turned[(int(np.argmax(gaps)) + 1) % turned.size]
    start = start - 360.0 if start >= 180.0 else start
    return np.asarray(start + (longitude - start + TINY_DEG) % 360.0 - TINY_DEG, dtype=np.float64)


def _reach(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Say how far each cell reaches, degrees: a share of the diagonal to its neighbours; nothing for loose points."""
    if min(longitude.shape) < 2:
        return np.zeros(longitude.shape)
    narrow = np.cos(np.radians(latitude))
    steps = []
    for axis in (0, 1):
        east = (np.diff(longitude, axis=axis) + 180.0) % 360.0 - 180.0
        along = np.take(narrow, range(1, longitude.shape[axis]), axis=axis)
        step = np.hypot(east * along, np.diff(latitude, axis=axis))
        steps.append(np.concatenate([np.take(step, [0], axis=axis), step], axis=axis))
    reach: NDArray[np.float64] = np.nan_to_num(REACH * np.hypot(*steps), nan=0.0)
    return reach


def _seed(
    x: NDArray[np.float64], y: NDArray[np.float64], across: NDArray[np.float64], down: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Give each place one of the cells in it, the nearest to its middle; -1 where there is none."""
    column = (x - across[0]) / (across[1] - across[0])
    row = (down[0] - y) / (down[0] - down[1])
    at_column, at_row = np.rint(column).astype(np.intp), np.rint(row).astype(np.intp)
    far_first = np.argsort(-np.hypot(column - at_column, row - at_row), kind="stable")
    nearest = np.full((down.size, across.size), -1, dtype=np.intp)
    nearest[at_row[far_first], at_column[far_first]] = far_first
    return nearest


def _flood(
    nearest: NDArray[np.intp],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    across: NDArray[np.float64],
    down: NDArray[np.float64],
) -> NDArray[np.intp]:
    """Let places pass on their cells, over shorter and shorter distances, and keep the nearest."""
    jump = 1 << (max(nearest.shape) - 1).bit_length()
    while jump := jump // 2:
        for up, left in product((-jump, 0, jump), repeat=2):
            offered = _shifted(nearest, up, left)
            closer = _distance(offered, x, y, across, down) < _distance(nearest, x, y, across, down)
            nearest = np.where(closer, offered, nearest)
    return nearest


def _shifted(nearest: NDArray[np.intp], up: int, left: int) -> NDArray[np.intp]:
    rows, columns = nearest.shape
    moved = np.full_like(nearest, -1)
    if abs(up) < rows and abs(left) < columns:
        to = (slice(max(-up, 0), rows - max(up, 0)), slice(max(-left, 0), columns - max(left, 0)))
        fro = (slice(max(up, 0), rows - max(-up, 0)), slice(max(left, 0), columns - max(-left, 0)))
        moved[to] = nearest[fro]
    return moved


def _distance(
    nearest: NDArray[np.intp],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    across: NDArray[np.float64],
    down: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Measure from each place to its cell, degrees of a great circle (about); infinite where it has none."""
    east = (x[nearest] - across[None, :]) * np.cos(np.radians(down))[:, None]
    return np.where(nearest < 0, np.inf, np.hypot(east, y[nearest] - down[:, None]))

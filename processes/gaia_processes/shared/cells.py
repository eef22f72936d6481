"""
Cells of grids whose longitude and latitude vary along both dimensions: curvilinear, rotated and projected ones.

Coordinates are read in blocks of rows, so that a mask is the only thing as large as the grid.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.shared.axes import Grid, text_of
from gaia_processes.shared.bounds import find_bounds_of, make_corners
from gaia_processes.shared.edges import slack
from gaia_processes.shared.latitude import latitudes_between
from gaia_processes.shared.longitude import beside, longitudes_between, span
from gaia_processes.shared.mappings import plane_unit, read_crs
from gaia_processes.shared.values import precision_of, read_numbers
from gaia_processes.text import Text

_BLOCK_CELLS = 2**19
_EXACT = np.dtype(np.float64)
_EARTH_RADIUS_KM = 6371.0

type Rows = Callable[[slice], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Gives longitudes and latitudes of some rows, each of shape (rows, columns)."""

type Places = Callable[[NDArray[np.intp], NDArray[np.intp]], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Gives longitudes and latitudes of cells by their rows and columns, of the shape that these have together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cells:
    """
    The cells of a 2-D grid.

    Attributes
    ----------
    rows : callable
        Gives longitude and latitude of the centres of some rows; NaN where there is none.
    corners : callable or None
        Gives longitude and latitude of the corners, shape (rows, columns, corners); None where the file has none.
    shape : tuple of int
        Rows, columns.
    places : callable or None
        Gives longitude and latitude of any centres, where they are computed and not stored.
    pole_places : tuple of (float, float)
        Row and column of the poles, counted from the first centre, where they are points of the plane.
    stored, corners_stored : numpy.dtype
        In which centres and corners are stored; those that were computed are as exact as float64.
    """

    rows: Rows
    corners: Rows | None
    shape: tuple[int, int]
    places: Places | None = None
    pole_places: tuple[tuple[float, float], ...] = ()
    stored: np.dtype[Any] = _EXACT
    corners_stored: np.dtype[Any] = _EXACT

    def blocks(self, window: slice | None = None) -> Iterator[slice]:
        """Give stretches of rows of a bounded size, of all rows or of a window of them."""
        first, last = (0, self.shape[0]) if window is None else (window.start, window.stop)
        step = max(_BLOCK_CELLS // max(self.shape[1], 1), 1)
        for at in range(first, last, step):
            yield slice(at, min(at + step, last))


def read_cells(dataset: xr.Dataset, grid: Grid) -> Cells:
    """
    Prepare to read the cells of a 2-D grid.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.
    grid : Grid
        Rotated, curvilinear or projected.

    Returns
    -------
    Cells
        Centres from the file, else computed from the grid mapping's CF attributes.

    Raises
    ------
    DatasetUnsuitable
        The grid mapping is not known.
    """
    shape = (dataset.sizes[str(grid.y_dim)], dataset.sizes[str(grid.x_dim)])
    if grid.longitude is None or grid.latitude is None:
        return _mapped_cells(dataset, grid, shape)
    names = (grid.longitude, grid.latitude)
    owns = [find_bounds_of(dataset, name) for name in names]
    corners = [str(own) for own in owns] if all(owns) else None
    return Cells(
        rows=_stored_rows(dataset, grid, list(names)),
        corners=None if corners is None else _stored_rows(dataset, grid, corners),
        shape=shape,
        stored=_coarsest(dataset, names),
        corners_stored=_coarsest(dataset, corners or names),
    )


def _coarsest(dataset: xr.Dataset, names: Iterable[str]) -> np.dtype[Any]:
    """Give the type of the least exact of some variables."""
    return min(
        (precision_of(dataset.variables[name]) for name in names), key=lambda kind: (kind.kind != "f", kind.itemsize)
    )


def _stored_rows(dataset: xr.Dataset, grid: Grid, names: list[str]) -> Rows:
    variables = [dataset.variables[name].transpose(grid.y_dim, grid.x_dim, ...) if
                 dataset.variables[name].dims[:2] != (grid.y_dim, grid.x_dim) else dataset.variables[name]
                 for name in names]  # fmt: skip

    def rows(which: slice) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        longitude, latitude = (read_numbers(each[which]) for each in variables)
        hidden = ~(np.isfinite(longitude) & np.isfinite(latitude))
        longitude[hidden] = latitude[hidden] = np.nan
        return longitude, latitude

    return rows


def _unknown_mapping(name: str) -> DatasetUnsuitable:
    return DatasetUnsuitable(
        Text(
            en=f"No box can be cut out: the grid mapping {name!r} is not known, and the file has no longitude and latitude.",
            fr=f"Aucun rectangle ne peut être découpé : la projection {name!r} est inconnue, et le fichier n'a ni longitude ni latitude.",
        )
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaneMapping:
    """
    How the plane of a grid mapping and the earth belong together.

    Attributes
    ----------
    to_plane, to_earth : Transformer
        From longitude and latitude to the plane, and back.
    x_m, y_m : float
        What one of the unit of each coordinate is in that of the plane.
    """

    to_plane: Transformer
    to_earth: Transformer
    x_m: float
    y_m: float


def read_mapping(dataset: xr.Dataset, grid: Grid) -> PlaneMapping:
    """
    Read the grid mapping of a grid with coordinates in a plane.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.
    grid : Grid
        With `x`, `y` and `mapping`.

    Returns
    -------
    PlaneMapping
        From the CF attributes; of a raster, whose reader made them, from its reference system.

    Raises
    ------
    DatasetUnsuitable
        The grid mapping is not known.
    """
    mapping = dataset.variables[str(grid.mapping)]
    name, is_image = text_of(mapping, "grid_mapping_name"), "GeoTransform" in mapping.attrs
    try:
        crs = read_crs(mapping)
        # Models count degrees on their own sphere, images on the earth as it is. The base of a rotated pole is the earth;
        # its own `geodetic_crs` is the rotated one.
        earth = CRS("OGC:CRS84") if is_image else crs.source_crs or crs.geodetic_crs
        to_plane = Transformer.from_crs(earth, crs, always_xy=True)
        to_earth = Transformer.from_crs(crs, earth, always_xy=True)
    except (DatasetUnsuitable, ProjError) as error:
        raise _unknown_mapping(name) from error
    x_m, y_m = (plane_unit(dataset.variables[str(each)], crs) for each in (grid.x, grid.y))
    return PlaneMapping(to_plane=to_plane, to_earth=to_earth, x_m=x_m, y_m=y_m)


def _mapped_cells(dataset: xr.Dataset, grid: Grid, shape: tuple[int, int]) -> Cells:
    mapping = read_mapping(dataset, grid)
    x, y = (read_numbers(dataset.variables[str(each)]) for each in (grid.x, grid.y))
    x, y = x * mapping.x_m, y * mapping.y_m

    def places(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        across, along = np.broadcast_arrays(x[columns], y[rows])
        longitude, latitude = mapping.to_earth.transform(across, along, errcheck=False)
        hidden = ~(np.isfinite(longitude) & np.isfinite(latitude))
        return np.where(hidden, np.nan, longitude), np.where(hidden, np.nan, latitude)

    def rows(which: slice) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return places(np.arange(*which.indices(shape[0]))[:, np.newaxis], np.arange(shape[1])[np.newaxis])

    return Cells(rows=rows, corners=None, shape=shape, places=places, pole_places=_find_poles(mapping, x, y))


def _find_poles(
    mapping: PlaneMapping, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[tuple[float, float], ...]:
    """Find the rows and columns of the poles that are points of the plane; of cylindrical mappings they are lines."""
    if min(len(x), len(y)) < 2:
        return ()
    steps = ((x[-1] - x[0]) / (len(x) - 1), (y[-1] - y[0]) / (len(y) - 1))
    found = []
    for latitude in (-90.0, 90.0):
        across, along = mapping.to_plane.transform([0.0, 90.0, 180.0], [latitude] * 3, errcheck=False)
        columns, rows = (np.asarray(across) - x[0]) / steps[0], (np.asarray(along) - y[0]) / steps[1]
        if np.isfinite([columns, rows]).all() and max(np.ptp(columns), np.ptp(rows)) < 1.0:
            found.append((float(rows[0]), float(columns[0])))
    return tuple(found)


def mask_centres(cells: Cells, box: Bbox) -> NDArray[np.bool_]:
    """
    Mark the cells whose centre lies in the closed box.

    Parameters
    ----------
    cells : Cells
        Of the grid.
    box : Bbox
        Degrees.

    Returns
    -------
    array of bool, shape (rows, columns)
        Cells without coordinates are never marked.
    """
    mask = np.zeros(cells.shape, dtype=bool)
    for which in cells.blocks():
        longitudes, latitudes = cells.rows(which)
        mask[which] = longitudes_between(longitudes, west=box.west, east=box.east, stored=cells.stored)
        mask[which] &= latitudes_between(latitudes, south=box.south, north=box.north, stored=cells.stored)
    return mask


def mask_touched(cells: Cells, box: Bbox) -> NDArray[np.bool_]:
    """
    Mark the cells that share more than an edge with the box, on the plane of longitude and latitude.

    Parameters
    ----------
    cells : Cells
        Of the grid; corners are extrapolated from the centres where the file has none.
    box : Bbox
        Degrees.

    Returns
    -------
    array of bool, shape (rows, columns)
        Cells of more than four corners are taken as convex.
    """
    mask = np.zeros(cells.shape, dtype=bool)
    width = span(box.west, box.east)
    edges = (box.west, box.south, box.west + width, box.north)
    middle = box.west + width / 2
    for which in cells.blocks():
        longitudes, _ = cells.rows(which)
        corner_longitudes, corner_latitudes = _corners(cells, which)
        least = slack(max(map(abs, edges)), np.abs(corner_longitudes).max(axis=-1), cells.corners_stored)
        known = np.isfinite(longitudes) & np.isfinite(corner_latitudes).all(axis=-1)
        turned = beside(np.nan_to_num(longitudes)[..., np.newaxis], np.full(longitudes.shape, middle))[..., 0]
        near = beside(np.nan_to_num(corner_longitudes), turned)
        for lap in (-360.0, 0.0, 360.0):
            polygons = np.stack([near + lap, corner_latitudes], axis=-1)
            places = np.nonzero(known & _may_overlap(polygons, edges))
            for part in _convex_parts(polygons[places]):
                mask[which][places] |= _overlaps(part, edges, least[places])
    return mask


def _corners(cells: Cells, which: slice) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if cells.corners is not None:
        return cells.corners(which)
    around = slice(max(which.start - 1, 0), min(which.stop + 1, cells.shape[0]))
    longitudes, latitudes = cells.rows(around)
    if min(longitudes.shape) < 2:
        return longitudes[..., np.newaxis], latitudes[..., np.newaxis]
    own = slice(which.start - around.start, which.stop - around.start)
    return make_corners(longitudes, period=360.0)[own], make_corners(latitudes)[own]


def _may_overlap(polygons: NDArray[np.float64], box: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    """Tell of which polygons the frame overlaps a box; few of a large grid's do, and only those need a closer look."""
    low, high = polygons.min(axis=-2), polygons.max(axis=-2)
    west, south, east, north = box
    met: NDArray[np.bool_] = (low < [east, north]).all(axis=-1) & (high > [west, south]).all(axis=-1)
    return met


def _convex_parts(polygons: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Split quadrilaterals, which may have a corner that points inwards, into two triangles; leave others as they are."""
    if polygons.shape[-2] != 4:
        return (polygons,)
    a, b, c, d = (polygons[..., at, :] for at in range(4))
    # The diagonal that lies inside has the other two corners on its two sides; both do where no corner points inwards.
    inner = (_turn(a, c, b) * _turn(a, c, d) <= 0)[..., np.newaxis]
    return (
        np.stack([a, b, np.where(inner, c, d)], axis=-2),
        np.stack([c, d, np.where(inner, a, b)], axis=-2),
    )


def _turn(start: NDArray[np.float64], end: NDArray[np.float64], point: NDArray[np.float64]) -> NDArray[np.float64]:
    """Say on which side of a line points lie: by the sign of twice the area of the triangle."""
    along, aside = end - start, point - start
    turn: NDArray[np.float64] = along[..., 0] * aside[..., 1] - along[..., 1] * aside[..., 0]
    return turn


def _overlaps(
    polygons: NDArray[np.float64], box: tuple[float, float, float, float], least: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """
    Tell which convex polygons overlap a box: no line separates them (separating axis theorem).

    Parameters
    ----------
    polygons : array of float, shape (..., corners, 2)
        Corners going round.
    box : tuple of 4 float
        West, south, east, north.
    least : array of float, shape (...)
        Degrees by which they must overlap.
    """
    west, south, east, north = box
    frame = np.array([[west, south], [east, south], [east, north], [west, north]])
    edges = np.roll(polygons, -1, axis=-2) - polygons
    lengths = np.linalg.norm(edges, axis=-1)
    normals = np.stack([edges[..., 1], -edges[..., 0]], axis=-1) / np.where(lengths > 0, lengths, 1.0)[..., np.newaxis]
    axes = [np.broadcast_to(each, polygons[..., 0, :].shape) for each in np.eye(2)]
    axes += [normals[..., at, :] for at in range(polygons.shape[-2])]
    together = np.ones(polygons.shape[:-2], dtype=bool)
    for at, axis in enumerate(axes):
        own = np.einsum("...kc,...c->...k", polygons, axis)
        other = np.einsum("kc,...c->...k", frame, axis)
        shared = np.minimum(own.max(-1), other.max(-1)) - np.maximum(own.min(-1), other.min(-1))
        degenerate = lengths[..., at - 2] == 0 if at >= 2 else False
        together &= (shared > least) | degenerate
    return together


def find_holder(cells: Cells, longitude_deg: float, latitude_deg: float) -> tuple[int, int] | None:
    """
    Find the cell that holds a point.

    Parameters
    ----------
    cells : Cells
        Of the grid.
    longitude_deg, latitude_deg : float
        The point.

    Returns
    -------
    (int, int) or None
        Row and column of the nearest centre; None where the point is farther from it than a cell reaches.
    """
    best, place = np.inf, None
    for which in cells.blocks():
        distance = _distance_km(*cells.rows(which), longitude_deg, latitude_deg)
        if np.isnan(distance).all():
            continue
        at = np.unravel_index(int(np.nanargmin(distance)), distance.shape)
        if distance[at] < best:
            best, place = float(distance[at]), (which.start + int(at[0]), int(at[1]))
    if place is None or best > _reach_km(cells, place):
        return None
    return place


def _reach_km(cells: Cells, place: tuple[int, int]) -> float:
    """Give how far a cell reaches: half the diagonal of a square as wide as its farthest neighbour is away."""
    row, column = place
    first = max(row - 1, 0)
    longitude, latitude = cells.rows(slice(first, min(row + 2, cells.shape[0])))
    own = row - first
    near = [(own + 1, column), (own - 1, column), (own, column + 1), (own, column - 1)]
    steps = [
        float(_distance_km(longitude[at], latitude[at], float(longitude[own, column]), float(latitude[own, column])))
        for at in near
        if 0 <= at[0] < longitude.shape[0] and 0 <= at[1] < longitude.shape[1]
    ]
    known = [step for step in steps if np.isfinite(step)]
    return max(known, default=0.0) / math.sqrt(2.0)


def _distance_km(
    longitude: NDArray[np.float64], latitude: NDArray[np.float64], to_longitude: float, to_latitude: float
) -> NDArray[np.float64]:
    """Great-circle distance on a sphere (haversine formula)."""
    lam, phi, to_lam, to_phi = (np.radians(each) for each in (longitude, latitude, to_longitude, to_latitude))
    half = np.sin((phi - to_phi) / 2) ** 2 + np.cos(phi) * np.cos(to_phi) * np.sin((lam - to_lam) / 2) ** 2
    distance: NDArray[np.float64] = 2 * _EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
    return distance


def find_extent(cells: Cells) -> tuple[float, float, float, float] | None:
    """Give west, south, east, north of all centres, in -180 to 180; None where there are none."""
    blocks = list(cells.blocks())
    longitudes, south, north = np.zeros(0), np.inf, -np.inf
    for which in blocks:
        longitude, latitude = cells.rows(which)
        known = np.isfinite(longitude)
        if known.any():
            # Of grids that do not fit into one block only the thousandths are kept: memory stays bounded.
            turned = longitude[known] if len(blocks) == 1 else np.round(longitude[known] % 360.0, 3)
            longitudes = np.union1d(longitudes, turned)
            south, north = min(south, float(latitude[known].min())), max(north, float(latitude[known].max()))
    if not longitudes.size:
        return None
    west, east = widest_gap(longitudes, least_gap_deg=5.0)
    return west, south, east, north


def find_fresh_columns(cells: Cells, window: slice, across: NDArray[np.intp]) -> NDArray[np.bool_]:
    """
    Find the columns that do not repeat one before them (ORCA grids have such halos).

    Parameters
    ----------
    cells : Cells
        Of the grid.
    window : slice
        Rows that are looked at.
    across : array of int
        Columns that are looked at.

    Returns
    -------
    array of bool
        One for each of `across`; columns without coordinates repeat nothing.
    """
    digests = [blake2b(digest_size=16) for _ in across]
    known = np.zeros(len(across), dtype=bool)
    for which in cells.blocks(window):
        longitude, latitude = (each[:, across] for each in cells.rows(which))
        known |= np.isfinite(longitude).any(axis=0)
        rounded = np.stack([np.round(longitude % 360.0, 4) % 360.0, np.round(latitude, 4)]).transpose(2, 0, 1).copy()
        for digest, column in zip(digests, rounded, strict=True):
            digest.update(column)
    keys = [digest.digest() for digest in digests]
    first = {key: at for at, key in reversed(list(enumerate(keys)))}
    fresh: NDArray[np.bool_] = np.array([first[key] == at for at, key in enumerate(keys)], dtype=bool)
    fresh |= ~known
    return fresh


def widest_gap(longitudes: NDArray[np.float64], *, least_gap_deg: float = 0.0) -> tuple[float, float]:
    """
    Give the ends of the smallest arc that holds all longitudes.

    Parameters
    ----------
    longitudes : array of float
        Degrees in any frame, at least one; no NaN.
    least_gap_deg : float
        Narrower gaps do not count: scattered centres leave some by chance.

    Returns
    -------
    (float, float)
        West and east in -180 to 180; west > east crosses the antimeridian. -180 and 180 where the longitudes go round
        the earth without a gap that is much wider than their spacing.
    """
    turned = np.unique(np.round((longitudes + 180.0) % 360.0 - 180.0, 9))
    if len(turned) == 1:
        return float(turned[0]), float(turned[0])
    gaps = np.diff(np.append(turned, turned[0] + 360.0))
    widest = int(np.argmax(gaps))
    others = np.delete(gaps, widest)
    if gaps[widest] <= 1.5 * float(others.max(initial=0.0)) or gaps[widest] < least_gap_deg:
        return -180.0, 180.0
    return float(turned[(widest + 1) % len(turned)]), float(turned[widest])

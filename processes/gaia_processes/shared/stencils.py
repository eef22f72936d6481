"""
Which cells of a grid a point on the earth takes its value from, and how much each counts.

A grid of rows and columns is asked along its axes, in degrees or in the plane of its mapping; a grid with a longitude and a
latitude for each cell by the vectors to its centres. Both say the same of a point: its nearest cell, whether it lies in the
grid, the four centres around it, and which cells lie within a distance.

References
----------
As in `rectilinear` and `curvilinear`. Pixels of rasters are half-open: one holds its western and its northern edge (GDAL
raster data model; OGC GeoTIFF 1.1, raster space).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.spatial import cKDTree

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.shared.axes import Grid
from gaia_processes.shared.bounds import make_edges
from gaia_processes.shared.cells import read_mapping
from gaia_processes.shared.curvilinear import Curvilinear, corners_around, nearest_to, read_curvilinear
from gaia_processes.shared.edges import EPSILON_DEG
from gaia_processes.shared.rectilinear import (
    Rectilinear,
    between,
    inside_columns,
    inside_rows,
    interpolate_columns,
    interpolate_rows,
    nearest_columns,
    nearest_places,
)
from gaia_processes.shared.sphere import distance_km, unit_vectors
from gaia_processes.shared.targets import read_source
from gaia_processes.shared.values import read_numbers
from gaia_processes.text import Text

type Floats = NDArray[np.float64]
type Places = NDArray[np.intp]
type Mask = NDArray[np.bool_]

KINDS = frozenset({"regular", "rotated", "curvilinear", "projected"})
"""Kinds of grid on which points can be looked for."""

_CANDIDATES = 2**21
_FIRST_NEAR = 32
_KM_PER_DEG = np.pi / 180.0 * 6371.0
_POLE = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class PoleShare:
    """
    What points beyond the outermost row of a global grid take from the pole: the mean of that row.

    Attributes
    ----------
    cells : array of int
        The cells of that row, each once, counted row by row.
    shares : array of float, shape (points,)
        How much a point takes of the mean; the rest comes from its corners.
    """

    cells: Places
    shares: Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class Corners:
    """
    The centres around points.

    Attributes
    ----------
    places : array of int, shape (points, 4)
        Cells, counted row by row.
    shares : array of float, shape (points, 4)
        They sum to 1; to 0 where no four centres are around a point.
    poles : tuple of PoleShare
        Beside them.
    """

    places: Places
    shares: Floats
    poles: tuple[PoleShare, ...] = ()


class Horizontal(Protocol):
    """A horizontal grid that is asked about points. Cells are counted row by row."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""

    def nearest(self, longitudes: Floats, latitudes: Floats) -> tuple[Places, Mask]:
        """Find the cell that is nearest to each point (-1: none is there), and whether the point lies in the grid."""

    def corners(self, longitudes: Floats, latitudes: Floats) -> Corners:
        """Find the centres around each point."""

    def centres(self, places: Places) -> tuple[Floats, Floats]:
        """Give longitude and latitude of the centres of cells; NaN for -1."""

    def around(self, longitudes: Floats, latitudes: Floats, within_km: float) -> Iterator[tuple[Places, Places]]:
        """
        Give the cells within a distance of each point, the nearest first.

        Yields
        ------
        tuple of array of int
            Which of the points, and their cells, shape (points, n); -1 where there are no more. Points may come again, with
            cells that are farther away.
        """


def find_horizontal(dataset: xr.Dataset, grid: Grid) -> Horizontal:
    """
    Make the grid of some variables ready for points.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.
    grid : Grid
        Of one of `KINDS`.

    Returns
    -------
    Horizontal

    Raises
    ------
    DatasetUnsuitable
        Another kind of grid, or a mapping that is not known.
    """
    if grid.kind not in KINDS:
        raise DatasetUnsuitable(
            Text(
                en=f"No values can be taken at points: the grid is of the kind {grid.kind!r}; a grid of rows and columns is right.",
                fr=f"Aucune valeur ne peut être prise en des points : la grille est du genre « {grid.kind} » ; il faut une grille de lignes et de colonnes.",
            )
        )
    if grid.kind == "regular":
        return Meridians(grid=read_source(dataset, grid), pixels=is_raster(dataset, grid))
    if grid.longitude is not None and grid.latitude is not None:
        return Net(read_curvilinear(dataset, grid))
    mapping = read_mapping(dataset, grid)
    x, y = (read_numbers(dataset.variables[str(name)]) for name in (grid.x, grid.y))
    if grid.kind == "rotated":
        edges = np.clip(np.sort(make_edges(y), axis=1), -90.0, 90.0)
        turned = Rectilinear(
            longitudes=x, latitudes=y, longitude_edges=np.sort(make_edges(x), axis=1), latitude_edges=edges
        )
        return Meridians(grid=turned, into=mapping.to_plane, back=mapping.to_earth)
    return Pixels(x=x * mapping.x_m, y=y * mapping.y_m, into=mapping.to_plane, back=mapping.to_earth)


def is_raster(dataset: xr.Dataset, grid: Grid) -> bool:
    """Tell whether the cells are pixels of an image: their mapping says how the image lies (GDAL's `GeoTransform`)."""
    return grid.mapping is not None and "GeoTransform" in dataset.variables[grid.mapping].attrs


# --- rows and columns on the sphere ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Meridians:
    """
    A grid with one longitude a column and one latitude a row, on the earth or on a turned sphere.

    Attributes
    ----------
    grid : Rectilinear
        Degrees.
    pixels : bool
        Whether a point belongs to the pixel that holds it; else to the nearest centre.
    into, back : Transformer or None
        To the turned sphere and back; None where it is not turned.
    """

    grid: Rectilinear
    pixels: bool = False
    into: Transformer | None = None
    back: Transformer | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.grid.shape

    def nearest(self, longitudes: Floats, latitudes: Floats) -> tuple[Places, Mask]:
        """Find the nearest cell of each point, and whether it lies in the grid."""
        x, y = _turned(self.into, longitudes, latitudes)
        known = np.isfinite(x) & np.isfinite(y)
        x, y = np.where(known, x, self.grid.longitudes[0]), np.where(known, y, self.grid.latitudes[0])
        inside = inside_columns(self.grid, x) & inside_rows(self.grid, y) & known
        rows, columns = self._pixel(x, y) if self.pixels else self._nearest(x, y)
        return np.where(known, rows * self.shape[1] + columns, -1).astype(np.intp), inside

    def _nearest(self, x: Floats, y: Floats) -> tuple[Places, Places]:
        """As `rectilinear.nearest` for all pairs: the nearest meridian, and on it the row nearest to the foot of the point."""
        columns, apart = nearest_columns(self.grid.longitudes, x)
        phi = np.radians(y)
        foot = np.degrees(np.arctan2(np.sin(phi), np.cos(phi) * np.cos(np.radians(apart))))
        rows = nearest_places(self.grid.latitudes, foot)
        at_pole = (90.0 - np.abs(self.grid.latitudes[rows]) < _POLE) | (90.0 - np.abs(y) < _POLE)
        return rows, np.where(at_pole, 0, columns)

    def _pixel(self, x: Floats, y: Floats) -> tuple[Places, Places]:
        middle = float(self.grid.longitude_edges.min() + self.grid.longitude_edges.max()) / 2
        framed = middle - 180.0 + (x - middle + 180.0) % 360.0
        return _hold(self.grid.latitude_edges, y, upper=True), _hold(self.grid.longitude_edges, framed, upper=False)

    def corners(self, longitudes: Floats, latitudes: Floats) -> Corners:
        """Find the four centres around each point, across the seam, and what the poles give."""
        x, y = _turned(self.into, longitudes, latitudes)
        across = interpolate_columns(self.grid, np.nan_to_num(x))
        along, caps = interpolate_rows(self.grid, np.nan_to_num(y))
        columns = self.shape[1]
        places = along.places[:, :, np.newaxis] * columns + across.places[:, np.newaxis, :]
        shares = along.shares[:, :, np.newaxis] * across.shares[:, np.newaxis, :]
        known = np.isfinite(x) & np.isfinite(y) & (across.coverage > 0)
        poles = tuple(
            PoleShare(cells=cap.row * columns + cap.columns, shares=np.where(known, cap.shares, 0.0)) for cap in caps
        )
        shares = shares.reshape(len(x), -1) * known[:, np.newaxis]
        return Corners(places=places.reshape(len(x), -1), shares=shares, poles=poles)

    def centres(self, places: Places) -> tuple[Floats, Floats]:
        """Give longitude and latitude of the centres of cells."""
        rows, columns = np.divmod(places, self.shape[1])
        x, y = self.grid.longitudes[columns], self.grid.latitudes[rows]
        return _back(self.back, np.where(places < 0, np.nan, x), np.where(places < 0, np.nan, y))

    def around(self, longitudes: Floats, latitudes: Floats, within_km: float) -> Iterator[tuple[Places, Places]]:
        """Give the cells within a distance, from the rows and columns that can be that near."""
        x, y = _turned(self.into, longitudes, latitudes)
        reach_deg = within_km / _KM_PER_DEG
        rows = _windows(self.grid.latitudes, y, np.full(len(y), reach_deg), period=None)
        farthest = np.minimum(np.abs(y) + reach_deg, 90.0)
        shrink = np.cos(np.radians(farthest))
        wide = np.where(shrink > 1e-6, np.minimum(reach_deg / np.maximum(shrink, 1e-6), 180.0), 180.0)
        columns = _windows(self.grid.longitudes, x, wide, period=360.0)
        yield from _ranked(self, longitudes, latitudes, rows, columns, within_km)


# --- rows and columns in a plane ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Pixels:
    """
    A grid of rows and columns in the plane of a projection.

    Attributes
    ----------
    x, y : array of float
        Centres in the unit of the plane, ascending or descending.
    into, back : Transformer
        From longitude and latitude to the plane, and back.
    """

    x: Floats
    y: Floats
    into: Transformer
    back: Transformer

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.y), len(self.x)

    def nearest(self, longitudes: Floats, latitudes: Floats) -> tuple[Places, Mask]:
        """Find the pixel that holds each point."""
        x, y = _turned(self.into, longitudes, latitudes)
        columns, rows = (np.sort(make_edges(each), axis=1) for each in (self.x, self.y))
        known = np.isfinite(x) & np.isfinite(y)
        inside = known & (x >= columns.min()) & (x <= columns.max()) & (y >= rows.min()) & (y <= rows.max())
        places = _hold(rows, np.nan_to_num(y), upper=True) * len(self.x) + _hold(columns, np.nan_to_num(x), upper=False)
        return np.where(known, places, -1).astype(np.intp), inside

    def corners(self, longitudes: Floats, latitudes: Floats) -> Corners:
        """Find the four centres around each point in the plane."""
        x, y = _turned(self.into, longitudes, latitudes)
        known = np.isfinite(x) & np.isfinite(y)
        across, along = (
            between(own[order], order.astype(np.intp), np.nan_to_num(wanted), size=len(own))
            for own, wanted in ((self.x, x), (self.y, y))
            for order in (np.argsort(own, kind="stable"),)
        )
        places = along.places[:, :, np.newaxis] * len(self.x) + across.places[:, np.newaxis, :]
        shares = along.shares[:, :, np.newaxis] * across.shares[:, np.newaxis, :]
        return Corners(places=places.reshape(len(x), -1), shares=shares.reshape(len(x), -1) * known[:, np.newaxis])

    def centres(self, places: Places) -> tuple[Floats, Floats]:
        """Give longitude and latitude of the centres of pixels."""
        rows, columns = np.divmod(places, self.shape[1])
        x, y = self.x[columns], self.y[rows]
        return _back(self.back, np.where(places < 0, np.nan, x), np.where(places < 0, np.nan, y))

    def around(self, longitudes: Floats, latitudes: Floats, within_km: float) -> Iterator[tuple[Places, Places]]:
        """Give the pixels within a distance, from a square around each point that holds them."""
        x, y = _turned(self.into, longitudes, latitudes)
        reach = self._reach(longitudes, latitudes, x, y, within_km)
        rows, columns = (_windows(own, wanted, reach, period=None) for own, wanted in ((self.y, y), (self.x, x)))
        yield from _ranked(self, longitudes, latitudes, rows, columns, within_km)

    def _reach(self, longitudes: Floats, latitudes: Floats, x: Floats, y: Floats, within_km: float) -> Floats:
        """Say how far a distance on the earth reaches in the plane, by points that far to the four sides."""
        step = within_km / _KM_PER_DEG
        wide = np.minimum(step / np.maximum(np.cos(np.radians(latitudes)), 1e-3), 90.0)
        sides = ((wide, 0.0), (-wide, 0.0), (0.0, step), (0.0, -step))
        ends = [
            _turned(self.into, longitudes + across, np.clip(latitudes + along, -90.0, 90.0)) for across, along in sides
        ]
        apart = [np.hypot(end_x - x, end_y - y) for end_x, end_y in ends]
        farthest: Floats = 1.1 * np.nan_to_num(np.stack(apart)).max(axis=0)
        return farthest


def _hold(edges: Floats, wanted: Floats, *, upper: bool) -> Places:
    """Find the stretch that holds each number; of two that meet there the lower one where `upper` ends belong to it."""
    order = np.argsort(edges[:, 0], kind="stable")
    low, high = edges[order, 0], edges[order, 1]
    found = np.searchsorted(high, wanted, side="left") if upper else np.searchsorted(low, wanted, side="right") - 1
    return order[np.clip(found, 0, len(order) - 1)].astype(np.intp)


def _turned(into: Transformer | None, longitudes: Floats, latitudes: Floats) -> tuple[Floats, Floats]:
    """Give points in the grid's own plane; NaN where it does not reach."""
    if into is None:
        return longitudes, latitudes
    x, y = into.transform((longitudes + 180.0) % 360.0 - 180.0, latitudes, errcheck=False)
    there = np.isfinite(x) & np.isfinite(y)
    return np.where(there, x, np.nan), np.where(there, y, np.nan)


def _back(back: Transformer | None, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    if back is None:
        return x, y
    longitudes, latitudes = back.transform(x, y, errcheck=False)
    there = np.isfinite(longitudes) & np.isfinite(latitudes)
    return np.where(there, longitudes, np.nan), np.where(there, latitudes, np.nan)


def _windows(centres: Floats, wanted: Floats, reach: Floats, *, period: float | None) -> Places:
    """
    Name the places along an axis that are near enough to each number.

    Returns
    -------
    array of int, shape (numbers, n)
        -1 where there are no more.
    """
    turned = centres if period is None else centres % period
    order = np.argsort(turned, kind="stable")
    axis, places = turned[order], order
    middle = wanted if period is None else wanted % period
    if period is not None:
        axis = np.concatenate([axis - period, axis, axis + period])
        places = np.concatenate([places, places, places])
    first = np.searchsorted(axis, middle - reach - EPSILON_DEG, side="left")
    count = np.searchsorted(axis, middle + reach + EPSILON_DEG, side="right") - first
    count = np.where(np.isfinite(middle), np.minimum(count, len(centres)), 0)
    steps = np.arange(int(count.max(initial=0)))
    met = np.minimum(first[:, np.newaxis] + steps, len(places) - 1)
    return np.where(steps < count[:, np.newaxis], places[met], -1).astype(np.intp)


def _ranked(
    grid: Meridians | Pixels, longitudes: Floats, latitudes: Floats, rows: Places, columns: Places, within_km: float
) -> Iterator[tuple[Places, Places]]:
    """Order the cells of windows by their distance, as many points at once as memory allows."""
    each = max(rows.shape[1] * columns.shape[1], 1)
    step = max(_CANDIDATES // each, 1)
    for start in range(0, len(longitudes), step):
        some = slice(start, min(start + step, len(longitudes)))
        met = rows[some, :, np.newaxis] * grid.shape[1] + columns[some, np.newaxis, :]
        there = (rows[some, :, np.newaxis] >= 0) & (columns[some, np.newaxis, :] >= 0)
        places = np.where(there, met, -1).reshape(some.stop - start, -1)
        yield np.arange(start, some.stop), _by_distance(grid, longitudes[some], latitudes[some], places, within_km)


def _by_distance(grid: Horizontal, longitudes: Floats, latitudes: Floats, places: Places, within_km: float) -> Places:
    """Order candidates of points by their distance, of equally near ones the first; -1 for those too far away."""
    x, y = grid.centres(places)
    apart = np.round(distance_km(longitudes[:, np.newaxis], latitudes[:, np.newaxis], x, y), 9)
    apart = np.where((places >= 0) & (apart <= within_km), apart, np.inf)
    order = np.lexsort((places, apart), axis=1)
    ranked = np.take_along_axis(np.where(np.isfinite(apart), places, -1), order, axis=1)
    most = int((ranked >= 0).sum(axis=1).max(initial=0))
    return ranked[:, :most]


# --- any other grid -------------------------------------------------------------------------------------------------


class Net:
    """A grid with a longitude and a latitude for each cell."""

    def __init__(self, source: Curvilinear) -> None:
        self.source = source
        self._tree: cKDTree | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.source.shape

    def nearest(self, longitudes: Floats, latitudes: Floats) -> tuple[Places, Mask]:
        """Find the nearest cell of each point; a point lies in the grid where that cell reaches so far."""
        points = unit_vectors(longitudes, latitudes)
        held = nearest_to(self.source, points)
        inside = held >= 0
        lost = np.flatnonzero(~inside & np.isfinite(points[:, 0]))
        if lost.size:
            fresh, tree = self.source.fresh, self._find_tree()
            held[lost] = fresh[tree.query(points[lost])[1]]
        return held, inside

    def corners(self, longitudes: Floats, latitudes: Floats) -> Corners:
        """Find the four centres around each point."""
        count = len(longitudes)
        owners, places, shares = corners_around(self.source, unit_vectors(longitudes, latitudes))
        order = np.argsort(owners, kind="stable")
        owners, places, shares = owners[order], places[order], shares[order]
        corner = np.arange(len(owners)) - np.searchsorted(owners, owners) if len(owners) else owners
        most = max(int(corner.max(initial=0)) + 1, 1)
        found, weights = np.zeros((count, most), dtype=np.intp), np.zeros((count, most))
        found[owners, corner], weights[owners, corner] = places, shares
        return Corners(places=found, shares=weights)

    def centres(self, places: Places) -> tuple[Floats, Floats]:
        """Give longitude and latitude of the centres of cells."""
        x, y = (each.reshape(-1)[places] for each in (self.source.longitudes, self.source.latitudes))
        return np.where(places < 0, np.nan, x), np.where(places < 0, np.nan, y)

    def around(self, longitudes: Floats, latitudes: Floats, within_km: float) -> Iterator[tuple[Places, Places]]:
        """Give the cells within a distance, more of them each time, until there are no more for any point."""
        fresh, tree = self.source.fresh, self._find_tree()
        points = unit_vectors(longitudes, latitudes)
        left = np.flatnonzero(np.isfinite(points[:, 0]))
        begin, wanted = 1, min(_FIRST_NEAR, len(fresh))
        while left.size and begin <= len(fresh):
            for some in np.array_split(left, -(-left.size * (wanted - begin + 1) // _CANDIDATES)):
                _, found = tree.query(points[some], k=np.arange(begin, wanted + 1))
                yield some, _by_distance(self, longitudes[some], latitudes[some], fresh[found], within_km)
            farthest = tree.query(points[left], k=[wanted])[1][:, 0]
            x, y = self.centres(fresh[farthest])
            left = left[distance_km(longitudes[left], latitudes[left], x, y) <= within_km]
            begin, wanted = wanted + 1, min(4 * wanted, len(fresh))

    def _find_tree(self) -> cKDTree:
        if self._tree is None:
            self._tree = cKDTree(self.source.vectors.reshape(-1, 3)[self.source.fresh])
        return self._tree

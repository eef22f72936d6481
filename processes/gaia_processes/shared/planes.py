"""
The plane in which the cells of a grid are rows and columns, and how large its cells are.

Regular grids lie in longitude and latitude, rotated ones in those of their own pole, projected ones in their projection. Of
other grids each cell is a polygon on the plane of longitude and latitude.

References
----------
Area of a cell between parallels and meridians of an ellipsoid: Snyder, J. P. (1987), Map projections - a working manual,
USGS Professional Paper 1395, equation 3-12 (authalic latitude).
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray
from pyproj import CRS, Geod, Proj, Transformer
from pyproj.exceptions import CRSError

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.shared.areas import cell_areas
from gaia_processes.shared.axes import Grid, find_mapping, text_of
from gaia_processes.shared.bounds import find_bounds_of, make_corners, make_edges
from gaia_processes.shared.coverage import Coverage, Floats, Places, cover
from gaia_processes.shared.curvilinear import read_curvilinear
from gaia_processes.shared.edges import EPSILON_DEG
from gaia_processes.shared.longitude import beside, unrolled
from gaia_processes.shared.targets import read_rectilinear
from gaia_processes.shared.values import read_numbers
from gaia_processes.text import Text

LONGITUDE_LATITUDE = CRS.from_user_input("OGC:CRS84")
_TURN_DEG = 360.0
_TOUCH = 1e-5
_EVEN = 1e-7
_LONGEST = 64
_SPHERE_KM = 6371.0072
_METRES = {"km": 1e3, "kilometre": 1e3, "kilometer": 1e3, "kilometres": 1e3, "kilometers": 1e3}
_CRS_TEXTS = ("crs_wkt", "spatial_ref")


@dataclass(frozen=True, kw_only=True, slots=True)
class Plane:
    """
    Cells in rows and columns of a plane.

    Attributes
    ----------
    crs : pyproj.CRS
        Of the plane, x before y.
    x_edges, y_edges : array of float, shape (columns + 1,), (rows + 1,)
        Ascending; in the unit of the plane.
    x_order, y_order : array of int
        Where the columns and rows are stored; -1 for a gap between cells.
    shape : tuple of int
        Rows and columns as stored.
    period : float or None
        360 where columns are longitudes.
    on_sphere : bool
        Whether cells are weighed by their area on the sphere.
    """

    crs: CRS
    x_edges: Floats
    y_edges: Floats
    x_order: Places
    y_order: Places
    shape: tuple[int, int]
    period: float | None
    on_sphere: bool

    @property
    def steps(self) -> tuple[float, float]:
        """Width and height of the smallest cells."""
        return float(np.diff(self.x_edges).min()), float(np.diff(self.y_edges).min())

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """The outline: least x and y, greatest x and y."""
        return float(self.x_edges[0]), float(self.y_edges[0]), float(self.x_edges[-1]), float(self.y_edges[-1])

    def cover(self, polygons: NDArray[Any]) -> Coverage:
        """Find the cells, as they are stored, that polygons in the plane cover."""
        found = cover(polygons, self.x_edges, self.y_edges, period=self.period)
        rows = self.y_order[found.rows]
        if _is_ascending(self.x_order):
            found = replace(found, rows=rows, first=found.first + self.x_order[0], last=found.last + self.x_order[0])
        else:
            found = split(found, 1)
            columns = self.x_order[found.first]
            found = replace(found, rows=self.y_order[found.rows], first=columns, last=columns + 1)
        return replace(_without(found, (found.rows < 0) | (found.first < 0)), shape=self.shape)

    def weigh(self, coverage: Coverage, *, by_area: bool) -> tuple[Coverage, Floats]:
        """Give the weight of the cells of each stretch, and the stretches cut so that it is one for all their cells."""
        if not by_area:
            return coverage, np.ones(len(coverage.rows))
        heights = _by_place(self.y_order, _heights(self.y_edges, on_sphere=self.on_sphere), self.shape[0])
        widths = _by_place(self.x_order, np.diff(self.x_edges), self.shape[1])
        known = widths[widths > 0]
        if known.max() - known.min() > _EVEN * known.max():
            coverage = split(coverage, 1)
        # Relative to the tallest and widest, so that weights of a plane grid are what they are without.
        weights = heights[coverage.rows] / heights.max() * (widths[coverage.first] / known.max())
        return coverage, weights

    def measure_km2(self, coverage: Coverage) -> tuple[Coverage, Floats]:
        """Give the area of the cells of each stretch in km2, and the stretches cut so that it is one for all their cells."""
        coverage = split(coverage, _LONGEST if self.period is None else 1)
        widths = _by_place(self.x_order, np.diff(self.x_edges), self.shape[1])[coverage.first]
        if self.period is not None:
            rows = (
                _zone_km2(self.y_edges)
                if self.crs.is_geographic
                else _SPHERE_KM**2 * _heights(self.y_edges, on_sphere=True)
            )
            return coverage, _by_place(self.y_order, rows, self.shape[0])[coverage.rows] * np.radians(widths)
        heights = _by_place(self.y_order, np.diff(self.y_edges), self.shape[0])[coverage.rows]
        metres = self.crs.axis_info[0].unit_conversion_factor if self.crs.axis_info else 1.0
        return coverage, widths * heights * metres**2 / 1e6 / self._areal_scale(coverage)

    def _areal_scale(self, coverage: Coverage) -> Floats:
        """Say how much larger the projection shows areas than they are, in the middle of each stretch."""
        x = (_centres(self.x_order, self.x_edges, self.shape[1])[coverage.first]
             + _centres(self.x_order, self.x_edges, self.shape[1])[coverage.last - 1]) / 2  # fmt: skip
        y = _centres(self.y_order, self.y_edges, self.shape[0])[coverage.rows]
        back = Transformer.from_crs(self.crs, self.crs.geodetic_crs, always_xy=True)
        return np.asarray(Proj(self.crs).get_factors(*back.transform(x, y)).areal_scale, dtype=np.float64)


@dataclass(frozen=True, kw_only=True, slots=True)
class Quadrilaterals:
    """
    Cells that are polygons on the plane of longitude and latitude.

    Attributes
    ----------
    cells : array of shapely polygons, shape (cells,)
    places : array of int, shape (cells,)
        Which cells, counted row by row.
    areas : array of float, shape (rows, columns)
        On the sphere; ratios alone matter.
    shape : tuple of int
        Rows and columns.
    """

    cells: NDArray[Any]
    places: Places
    areas: Floats
    shape: tuple[int, int]
    crs: CRS = LONGITUDE_LATITUDE

    @property
    def steps(self) -> tuple[float, float]:
        """Width and height of usual cells, in degrees."""
        bounds = shapely.bounds(self.cells)
        return float(np.median(bounds[:, 2] - bounds[:, 0])), float(np.median(bounds[:, 3] - bounds[:, 1]))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """The whole plane: such grids may go round the earth in any frame."""
        return -180.0, -90.0, 180.0, 90.0

    @property
    def period(self) -> float:
        """Columns are longitudes."""
        return _TURN_DEG

    def cover(self, polygons: NDArray[Any]) -> Coverage:
        """Find the cells that polygons cover: their overlap, as a share of each cell."""
        tree = shapely.STRtree(self.cells)
        outer = shapely.bounds(self.cells)
        west, east = float(np.nanmin(outer[:, 0])), float(np.nanmax(outer[:, 2]))
        owners, places, shares = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
        own = shapely.area(self.cells)
        for turn in range(-2, 3):
            moved = shapely.transform(polygons, lambda points, by=turn * _TURN_DEG: np.add(points, [by, 0.0]))
            bounds = shapely.bounds(moved)
            near = np.flatnonzero((bounds[:, 0] <= east) & (bounds[:, 2] >= west))
            shapely.prepare(moved[near])
            zone, cell = tree.query(moved[near], predicate="intersects")
            inside = shapely.contains_properly(moved[near][zone], self.cells[cell])
            share = np.ones(len(zone))
            share[~inside] = (
                shapely.area(shapely.intersection(moved[near][zone[~inside]], self.cells[cell[~inside]]))
                / own[cell[~inside]]
            )
            owners.append(near[zone])
            places.append(self.places[cell])
            shares.append(share)
        return _gather(
            np.concatenate(owners), np.concatenate(places), np.concatenate(shares), len(polygons), self.shape
        )

    def weigh(self, coverage: Coverage, *, by_area: bool) -> tuple[Coverage, Floats]:
        """Give the weight of each cell."""
        if not by_area:
            return coverage, np.ones(len(coverage.rows))
        areas = self.areas / self.areas.max()
        return coverage, areas[coverage.rows, coverage.first]

    def measure_km2(self, coverage: Coverage) -> tuple[Coverage, Floats]:
        """Give the area of each cell in km2, on a sphere as large as the earth."""
        bounds = self.areas[coverage.rows, coverage.first]
        return coverage, bounds * _SPHERE_KM**2


def split(coverage: Coverage, longest: int) -> Coverage:
    """Cut stretches into pieces of some cells at most."""
    lengths = coverage.last - coverage.first
    pieces = -(-lengths // longest)
    if len(lengths) == 0 or pieces.max() <= 1:
        return coverage
    owners = np.repeat(np.arange(len(lengths)), pieces)
    ends = np.cumsum(pieces)
    at = np.arange(len(owners)) - np.repeat(ends - pieces, pieces)
    first = coverage.first[owners] + at * longest
    return Coverage(
        shape=coverage.shape,
        starts=np.concatenate([[0], ends])[coverage.starts].astype(np.int64),
        rows=coverage.rows[owners],
        first=first,
        last=np.minimum(first + longest, coverage.last[owners]),
        shares=coverage.shares[owners],
    )


def _without(coverage: Coverage, gone: NDArray[np.bool_]) -> Coverage:
    if not gone.any():
        return coverage
    heaps = np.concatenate([[0], np.cumsum(~gone)])
    return Coverage(
        shape=coverage.shape, starts=heaps[coverage.starts].astype(np.int64), rows=coverage.rows[~gone],
        first=coverage.first[~gone], last=coverage.last[~gone], shares=coverage.shares[~gone],
    )  # fmt: skip


def _gather(owners: Places, places: Places, shares: Floats, zones: int, shape: tuple[int, int]) -> Coverage:
    """Order single cells by zone and place, those of several turns added up."""
    keys = owners * (shape[0] * shape[1]) + places
    unique, where = np.unique(keys[shares > 0], return_inverse=True)
    added = np.minimum(np.bincount(where, shares[shares > 0], minlength=len(unique)), 1.0)
    unique, added = unique[added > _TOUCH**2], added[added > _TOUCH**2]
    zone, place = np.divmod(unique, shape[0] * shape[1])
    rows, columns = np.divmod(place, shape[1])
    starts = np.searchsorted(zone, np.arange(zones + 1)).astype(np.int64)
    return Coverage(shape=shape, starts=starts, rows=rows, first=columns, last=columns + 1, shares=added)


def _is_ascending(order: Places) -> bool:
    return bool(len(order) > 0 and order[0] >= 0 and np.all(np.diff(order) == 1))


def _by_place(order: Places, values: Floats, size: int) -> Floats:
    """Bring values along the edges to where the cells are stored."""
    made = np.zeros(size)
    made[order[order >= 0]] = values[order >= 0]
    return made


def _centres(order: Places, edges: Floats, size: int) -> Floats:
    return _by_place(order, (edges[:-1] + edges[1:]) / 2, size)


def _heights(edges: Floats, *, on_sphere: bool) -> Floats:
    return np.diff(np.sin(np.radians(np.clip(edges, -90.0, 90.0)))) if on_sphere else np.diff(edges)


def _zone_km2(edges_deg: Floats) -> Floats:
    """Give the area between parallels of WGS84 for each radian of longitude, in km2."""
    geod = Geod(ellps="WGS84")
    sine, e = np.sin(np.radians(np.clip(edges_deg, -90.0, 90.0))), np.sqrt(geod.es)
    below = geod.b**2 / 2 * (sine / (1 - geod.es * sine**2) + np.arctanh(e * sine) / e)
    return np.asarray(np.diff(below) / 1e6, dtype=np.float64)


# --- reading --------------------------------------------------------------------------------------------------------


def read_plane(dataset: xr.Dataset, name: str, grid: Grid) -> Plane | Quadrilaterals:
    """
    Find the cells of a variable.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.
    name : str
        The variable.
    grid : Grid
        Its grid.

    Raises
    ------
    DatasetUnsuitable
        It has no grid, an unknown projection, or cells without a size.
    """
    if grid.kind == "regular":
        return _read_regular(dataset, name, grid)
    crs = _crs_of(dataset, grid)
    if crs is not None and grid.x is not None and grid.y is not None and grid.kind in {"rotated", "projected"}:
        return _read_projected(dataset, grid, crs)
    if grid.kind in {"curvilinear", "rotated", "projected"} and grid.longitude is not None:
        return _read_cells(dataset, name, grid)
    raise DatasetUnsuitable(
        Text(
            en=f"Zones cannot be laid over {name!r}: its grid ({grid.kind}) has no rows and columns of cells that are known.",
            fr=f"Des zones ne peuvent être posées sur {name!r} : sa grille ({grid.kind}) n'a pas de lignes et de colonnes "
            "de mailles connues.",
        )
    )


def _read_regular(dataset: xr.Dataset, name: str, grid: Grid) -> Plane:
    found = read_rectilinear(dataset, str(grid.longitude), str(grid.latitude))
    places, centres = _ordered_longitudes(found.longitudes)
    near = np.sort(beside(found.longitude_edges[places], centres), axis=1)
    wide = near[:, 1] - near[:, 0] <= 0
    if wide.any() and len(centres) == 1:
        near = found.longitude_edges[places]
    x_edges, x_order = _join_edges(near, places, name)
    rows = np.argsort(found.latitudes, kind="stable")
    y_edges, y_order = _join_edges(found.latitude_edges[rows], rows, name)
    mapping = find_mapping({str(key): each for key, each in dataset.variables.items()}, name)
    return Plane(
        crs=_geographic_crs(dataset, mapping), x_edges=x_edges, y_edges=y_edges, x_order=x_order, y_order=y_order,
        shape=found.shape, period=_TURN_DEG, on_sphere=True,
    )  # fmt: skip


def _ordered_longitudes(longitudes: Floats) -> tuple[Places, Floats]:
    """Give the columns from west to east in one frame, each once."""
    framed = unrolled(longitudes)
    places = np.argsort(framed, kind="stable")
    ordered = framed[places]
    fresh = np.concatenate([[True], np.diff(ordered) > EPSILON_DEG]) & (ordered - ordered[0] < _TURN_DEG - EPSILON_DEG)
    return places[fresh].astype(np.int64), ordered[fresh]


def _join_edges(pairs: Floats, places: NDArray[np.integer], name: str) -> tuple[Floats, Places]:
    """Make one row of edges of those of cells that follow on each other; between cells that do not touch lies a gap."""
    widths = pairs[:, 1] - pairs[:, 0]
    if not len(pairs) or np.any(widths <= 0):
        raise DatasetUnsuitable(
            Text(
                en=f"Zones cannot be laid over {name!r}: its cells have no size; a grid of one row or column needs bounds.",
                fr=f"Des zones ne peuvent être posées sur {name!r} : ses mailles n'ont pas de taille ; une grille d'une "
                "seule ligne ou colonne doit avoir des bornes.",
            )
        )
    edges, order = [pairs[0, 0]], list[int]()
    for at, place in enumerate(places):
        apart = pairs[at, 0] - edges[-1]
        if apart > _TOUCH * widths[at]:
            edges.append(pairs[at, 0])
            order.append(-1)
        elif at:
            edges[-1] = pairs[at, 0] if abs(apart) <= _TOUCH * widths[at] else (pairs[at, 0] + edges[-1]) / 2
        edges.append(pairs[at, 1])
        order.append(int(place))
    return np.array(edges), np.array(order, dtype=np.int64)


def _geographic_crs(dataset: xr.Dataset, mapping: str | None) -> CRS:
    """Give the geographic system that a file names by its well-known text; else longitude and latitude of WGS84."""
    found = None if mapping is None else _crs_of_text(dataset.variables[mapping])
    return found if found is not None and found.is_geographic and found.to_epsg() is not None else LONGITUDE_LATITUDE


def _crs_of_text(mapping: xr.Variable) -> CRS | None:
    for each in _CRS_TEXTS:
        text = text_of(mapping, each)
        if text:
            try:
                return CRS.from_user_input(text)
            except CRSError:
                continue
    return None


def _crs_of(dataset: xr.Dataset, grid: Grid) -> CRS | None:
    """Give the system of a projected or rotated grid: by its CF attributes, else by its well-known text."""
    if grid.mapping is None:
        return None
    mapping = dataset.variables[grid.mapping]
    attributes = {
        key: value.tolist() if isinstance(value, np.ndarray | np.generic) else value
        for key, value in mapping.attrs.items()
        if key not in {*_CRS_TEXTS, "GeoTransform"}
    }
    by_text = _crs_of_text(mapping)
    if by_text is not None and by_text.is_projected:
        return by_text
    try:
        return CRS.from_cf(attributes)
    except (CRSError, KeyError, TypeError, ValueError):
        return by_text


def _read_projected(dataset: xr.Dataset, grid: Grid, crs: CRS) -> Plane:
    x, y = str(grid.x), str(grid.y)
    axes = []
    for name in (x, y):
        variable = dataset.variables[name]
        own = find_bounds_of(dataset, name)
        values = read_numbers(variable)
        paired = own is not None and dataset.variables[own].shape[-1] == 2
        edges = np.sort(read_numbers(dataset.variables[str(own)]) if paired else make_edges(values), axis=1)
        factor = _METRES.get(text_of(variable, "units").lower(), 1.0)
        order = np.argsort(values, kind="stable")
        axes.append(_join_edges(edges[order] * factor, order, name))
    rotated = grid.kind == "rotated"
    return Plane(
        crs=crs, x_edges=axes[0][0], y_edges=axes[1][0], x_order=axes[0][1], y_order=axes[1][1],
        shape=(dataset.sizes[str(grid.y_dim)], dataset.sizes[str(grid.x_dim)]),
        period=_TURN_DEG if rotated else None, on_sphere=rotated,
    )  # fmt: skip


def _read_cells(dataset: xr.Dataset, name: str, grid: Grid) -> Quadrilaterals:
    found = read_curvilinear(dataset, grid)
    x, y = found.corner_longitudes, found.corner_latitudes
    if x is None or y is None:
        if min(found.shape) < 2:
            raise DatasetUnsuitable(
                Text(
                    en=f"Zones cannot be laid over {name!r}: its cells have no corners, and none can be made.",
                    fr=f"Des zones ne peuvent être posées sur {name!r} : ses mailles n'ont pas de coins, et aucun ne peut être fait.",
                )
            )
        x, y = make_corners(found.longitudes, period=_TURN_DEG), make_corners(found.latitudes)
    corners = x.shape[-1]
    places = found.fresh
    x, y = x.reshape(-1, corners)[places], np.clip(y.reshape(-1, corners)[places], -90.0, 90.0)
    there = np.isfinite(x).all(axis=1) & np.isfinite(y).all(axis=1)
    places, x, y = places[there], x[there], y[there]
    centres = (found.longitudes.reshape(-1)[places] + 180.0) % _TURN_DEG - 180.0
    cells = shapely.polygons(np.stack([beside(x, centres), y], axis=-1))
    whole = shapely.is_valid(cells)
    cells[~whole] = shapely.convex_hull(cells[~whole])
    sized = shapely.area(cells) > 0
    areas = cell_areas(dataset, name, grid, drop_halo=True).transpose(str(grid.y_dim), str(grid.x_dim)).values
    return Quadrilaterals(cells=cells[sized], places=places[sized].astype(np.int64), areas=areas, shape=found.shape)

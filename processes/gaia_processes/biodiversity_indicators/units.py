"""
Where records belong: zones, cells of an equal-area grid, H3 cells, sites, bins of the environment, or all together.

A unit has a whole number while records are counted; its name and its place on the earth are found at the end, for those that occur.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, override

import geopandas as gpd
import numpy as np
import pandas as pd
import polars as pl
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from gaia_processes.biodiversity_indicators.records import Block
from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.shared.equal_area import project
from gaia_processes.shared.record_loops import cells_of_degrees, read_only
from gaia_processes.text import Text

type Floats = NDArray[np.float64]
type Longs = NDArray[np.int64]

NOWHERE = -1
EASE_GRID = 6933
_COLUMN_BITS = 22
_EDGE_PARTS = 8
_EASE_HALF_M = 17_367_531.0


class Units(ABC):
    """A way to divide records."""

    @abstractmethod
    def place(self, block: Block) -> Longs:
        """Give the unit of each record, `NOWHERE` where it has none."""

    @abstractmethod
    def name(self, units: Longs) -> list[str]:
        """Name units."""

    def all(self, found: Longs) -> Longs:
        """Give all units that there are, ascending, when these were found."""
        return found

    def frame(self, units: Longs) -> "pd.DataFrame | gpd.GeoDataFrame":
        """Give what else is known of units, a row for each: properties and places."""
        return pd.DataFrame(index=range(len(units)))


class Everything(Units):
    """All records are one unit."""

    @override
    def place(self, block: Block) -> Longs:
        return np.zeros(len(block.species), np.int64)

    @override
    def all(self, found: Longs) -> Longs:
        return np.zeros(1, np.int64)

    @override
    def name(self, units: Longs) -> list[str]:
        return ["all"] * len(units)


class _Cells(Units):
    """Squares in columns and rows; few bits for the column make numbers small, which are counted faster."""

    _column_bits = _COLUMN_BITS

    @override
    def name(self, units: Longs) -> list[str]:
        return [f"{column}_{row}" for column, row in zip(*self._split(units), strict=True)]

    def _split(self, units: Longs) -> tuple[list[int], list[int]]:
        mask, offset = 2**self._column_bits - 1, 2 ** (self._column_bits - 1)
        return ((units & mask) - offset).tolist(), ((units >> self._column_bits) - offset).tolist()

    def _number(self, column: Floats, row: Floats, inside: NDArray[np.bool_]) -> Longs:
        offset = 2 ** (self._column_bits - 1)
        places = ((row.astype(np.int64) + offset) << self._column_bits) | (column.astype(np.int64) + offset)
        return np.where(inside, places, NOWHERE)


class Grid(_Cells):
    """
    Squares of a projected grid, half-open, with its origin at 0, 0.

    Parameters
    ----------
    size_m : float
        Of a side.
    epsg : int
        Of the plane; 6933 and 3035 have equal areas.
    """

    def __init__(self, size_m: float, *, epsg: int = EASE_GRID) -> None:
        self._size_m = size_m
        self._epsg = epsg
        if epsg == EASE_GRID:
            self._column_bits = _bits_for(_EASE_HALF_M / size_m)
        self._there = None if epsg == EASE_GRID else Transformer.from_crs("OGC:CRS84", epsg, always_xy=True)
        self._back = Transformer.from_crs(epsg, "OGC:CRS84", always_xy=True)

    @override
    def place(self, block: Block) -> Longs:
        x, y = self._project(block.longitude, block.latitude)
        inside = np.isfinite(x) & np.isfinite(y)
        column, row = (np.floor(np.where(inside, each, 0.0) / self._size_m) for each in (x, y))
        return self._number(column, row, inside)

    @override
    def frame(self, units: Longs) -> gpd.GeoDataFrame:
        column, row = (np.array(each, np.float64) for each in self._split(units))
        return gpd.GeoDataFrame(geometry=self._squares(column, row), crs="OGC:CRS84")

    def _project(self, longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
        if self._there is None:
            return project(longitude, latitude)
        x, y = self._there.transform(longitude, latitude)
        return np.asarray(x, np.float64), np.asarray(y, np.float64)

    def _squares(self, column: Floats, row: Floats) -> NDArray[Any]:
        """Draw cells in degrees; where sides are no meridians and parallels, they get points between the corners."""
        parts = 1 if self._epsg == EASE_GRID else _EDGE_PARTS
        along = np.arange(parts) / parts
        none, full = np.zeros(parts), np.ones(parts)
        right = np.concatenate([along, full, 1 - along, none, [0.0]])
        up = np.concatenate([none, along, full, 1 - along, [0.0]])
        x, y = (column[:, None] + right) * self._size_m, (row[:, None] + up) * self._size_m
        longitude, latitude = (np.asarray(each).reshape(x.shape) for each in self._back.transform(x.ravel(), y.ravel()))
        # The last column of the world ends where the first begins: its edge keeps its own side.
        side = np.broadcast_to(np.copysign(180.0, np.median(longitude, axis=1))[:, None], x.shape)
        longitude = np.where(np.abs(longitude) > 179.999999, side, longitude)
        latitude = np.where(np.isfinite(latitude), latitude, np.copysign(90.0, row)[:, None])
        squares: NDArray[Any] = shapely.polygons(np.stack([longitude, latitude], axis=2))
        return squares


class Degrees(_Cells):
    """
    Cells of longitude and latitude, half-open; their areas differ.

    Parameters
    ----------
    size_deg : float
        Of a side.
    """

    def __init__(self, size_deg: float) -> None:
        self._size_deg = size_deg
        self._column_bits = _bits_for(180.0 / size_deg)

    @override
    def place(self, block: Block) -> Longs:
        units = np.empty(len(block.longitude), np.int64)
        bits = self._column_bits
        places = read_only(block.longitude), read_only(block.latitude)
        cells_of_degrees(units, *places, self._size_deg, bits, 2 ** (bits - 1))
        return units

    @override
    def frame(self, units: Longs) -> gpd.GeoDataFrame:
        size = self._size_deg
        column, row = (np.array(each, np.float64) for each in self._split(units))
        boxes = shapely.box(column * size, row * size, (column + 1) * size, (row + 1) * size)
        return gpd.GeoDataFrame(geometry=boxes, crs="OGC:CRS84")


class Hexagons(Units):
    """
    Cells of H3 (Uber); their areas differ by up to a factor of two.

    Parameters
    ----------
    resolution : int
        0 to 15.
    """

    def __init__(self, resolution: int) -> None:
        self._resolution = resolution
        self._known = Codes()

    @override
    def place(self, block: Block) -> Longs:
        from h3.api import numpy_int as h3

        inside = np.isfinite(block.longitude) & np.isfinite(block.latitude)
        resolution = self._resolution
        cells = [
            h3.latlng_to_cell(y, x, resolution)
            for y, x in zip(block.latitude[inside], block.longitude[inside], strict=True)
        ]
        units = np.full(len(inside), NOWHERE, np.int64)
        units[inside] = self._known.code(np.array(cells, np.uint64))
        return units

    @override
    def name(self, units: Longs) -> list[str]:
        return [f"{int(self._known.values[unit]):x}" for unit in units]

    @override
    def frame(self, units: Longs) -> gpd.GeoDataFrame:
        from h3.api import basic_str as h3

        rings = [[(x, y) for y, x in h3.cell_to_boundary(name)] for name in self.name(units)]
        return gpd.GeoDataFrame(geometry=[_across(ring) for ring in rings], crs="OGC:CRS84")


class Sites(Units):
    """Records of one site belong together, by the name of the site."""

    def __init__(self) -> None:
        self._known = Codes()

    @override
    def place(self, block: Block) -> Longs:
        if block.site is None:
            raise DatasetUnsuitable(
                Text(
                    en="The occurrences have no column that names sites: eventID or locationID, or another that `site` names.",
                    fr="Les occurrences n'ont pas de colonne qui nomme les sites : eventID ou locationID, ou une autre que `site` nomme.",
                )
            )
        there = (block.site.is_not_null() & (block.site != "")).fill_null(value=False).to_numpy()
        units = np.full(len(there), NOWHERE, np.int64)
        units[there] = self._known.code(np.array(block.site.filter(pl.Series(there)).to_list(), dtype=object))
        return units

    @override
    def name(self, units: Longs) -> list[str]:
        return [str(self._known.values[unit]) for unit in units]


class Zones(Units):
    """
    Polygons; a record belongs to the first that holds it, in the order of the zones, its edge included.

    Parameters
    ----------
    zones : geopandas.GeoDataFrame
        In any reference system.
    zone_id : str, optional
        The property that names them; by default their place, from 0.
    """

    def __init__(self, zones: gpd.GeoDataFrame, *, zone_id: str | None = None) -> None:
        self._zones = _in_degrees(zones)
        self._names = [str(each) for each in (zones[zone_id] if zone_id else range(len(zones)))]
        self._tree = shapely.STRtree(self._zones.geometry.to_numpy())
        self._bounds = self._zones.total_bounds

    @override
    def place(self, block: Block) -> Longs:
        units = np.full(len(block.longitude), NOWHERE, np.int64)
        for turn in (0.0, 360.0, -360.0):
            longitude = block.longitude + turn
            left = np.flatnonzero(
                (units == NOWHERE) & (longitude >= self._bounds[0]) & (longitude <= self._bounds[2])
                & (block.latitude >= self._bounds[1]) & (block.latitude <= self._bounds[3])
            )  # fmt: skip
            if not len(left):
                continue
            points = shapely.points(longitude[left], block.latitude[left])
            at, zone = self._tree.query(points, predicate="intersects")
            first = np.full(len(left), len(self._names), np.int64)
            np.minimum.at(first, at, zone)
            inside = first < len(self._names)
            units[left[inside]] = first[inside]
        return units

    @override
    def all(self, found: Longs) -> Longs:
        return np.arange(len(self._names), dtype=np.int64)

    @override
    def name(self, units: Longs) -> list[str]:
        return [self._names[unit] for unit in units]

    @override
    def frame(self, units: Longs) -> gpd.GeoDataFrame:
        return self._zones.iloc[units].reset_index(drop=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Factor:
    """
    One variable of the environment, divided into bins.

    Attributes
    ----------
    name, unit : str
        Of the variable.
    edges : array of float or None
        Of the bins, ascending, half-open, the last closed; None takes each value for itself (classes).
    values : callable
        (longitude, latitude, month) -> its value at records.
    """

    name: str
    unit: str
    edges: Floats | None
    values: Any


class Environments(Units):
    """Records belong together whose environment is of the same bin."""

    def __init__(self, factors: Sequence[Factor]) -> None:
        self._factors = tuple(factors)
        self._known = Codes()
        self.without_value = 0

    @override
    def place(self, block: Block) -> Longs:
        bins = [self._bin(factor, block) for factor in self._factors]
        there = np.all([np.isfinite(each) for each in bins], axis=0)
        self.without_value += int(np.count_nonzero(~there))
        units = np.full(len(there), NOWHERE, np.int64)
        labels = np.empty(int(np.count_nonzero(there)), dtype=object)
        labels[:] = list(zip(*(each[there].tolist() for each in bins), strict=True))
        units[there] = self._known.code(labels)
        return units

    @override
    def all(self, found: Longs) -> Longs:
        order = sorted(found.tolist(), key=lambda unit: self._known.values[unit])
        return np.array(sorted(order), np.int64)

    @override
    def name(self, units: Longs) -> list[str]:
        return [
            " & ".join(
                f"{factor.name} {self._label(factor, at)}"
                for factor, at in zip(self._factors, self._known.values[unit], strict=True)
            )
            for unit in units
        ]

    @override
    def frame(self, units: Longs) -> pd.DataFrame:
        columns: dict[str, list[float]] = {}
        for place, factor in enumerate(self._factors):
            bins = [self._known.values[unit][place] for unit in units]
            if factor.edges is None:
                columns[factor.name] = [float(each) for each in bins]
            else:
                columns[f"{factor.name}_from"] = [float(factor.edges[int(each)]) for each in bins]
                columns[f"{factor.name}_to"] = [float(factor.edges[int(each) + 1]) for each in bins]
        return pd.DataFrame(columns, index=range(len(units)))

    def _bin(self, factor: Factor, block: Block) -> Floats:
        values = factor.values(block.longitude, block.latitude)
        if factor.edges is None:
            return np.asarray(values, np.float64)
        edges = factor.edges
        place = np.searchsorted(edges, values, side="right").astype(np.float64) - 1
        place[values == edges[-1]] = len(edges) - 2
        inside = np.isfinite(values) & (values >= edges[0]) & (values <= edges[-1])
        return np.where(inside, place, np.nan)

    def _label(self, factor: Factor, at: float) -> str:
        if factor.edges is None:
            return f"{at:g}"
        last = int(at) == len(factor.edges) - 2
        return f"{factor.edges[int(at)]:g}-{factor.edges[int(at) + 1]:g}{' (closed)' if last else ''}"


class Codes:
    """Numbers for values, as they first come."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}
        self.values: list[Any] = []

    def code(self, values: NDArray[Any]) -> Longs:
        """Give numbers to values."""
        codes, unique = pd.factorize(values)
        table = np.fromiter((self._number(each) for each in unique), np.int64, count=len(unique))
        return table[codes] if len(unique) else np.empty(0, np.int64)

    def _number(self, value: Any) -> int:
        number = self._numbers.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number


def _bits_for(half: float) -> int:
    """Say how many bits number so many columns on either side of 0, and as many rows."""
    return (2 * int(half) + 4).bit_length()


def _in_degrees(zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Bring zones to longitude and latitude, and mend what crosses itself."""
    zones = (
        zones
        if zones.crs is None or (CRS(zones.crs).is_geographic and CRS(zones.crs).to_epsg() == 4326)
        else zones.to_crs("OGC:CRS84")
    )
    wrong = ~zones.geometry.is_valid & zones.geometry.notna()
    if wrong.any():
        zones = zones.copy()
        zones.loc[wrong, zones.geometry.name] = shapely.make_valid(zones.geometry[wrong].to_numpy())
    return zones


def _across(ring: list[tuple[float, float]]) -> Any:
    """Draw a ring that may cross the antimeridian: in two parts there."""
    east = np.array([x for x, _ in ring])
    if east.max() - east.min() <= 180:
        return shapely.Polygon(ring)
    whole = shapely.Polygon([(x + 360 if x < 0 else x, y) for x, y in ring])
    left = shapely.intersection(whole, shapely.box(0, -90, 180, 90))
    right = shapely.intersection(whole, shapely.box(180, -90, 540, 90))
    moved = shapely.transform(right, lambda points: points - [360, 0])
    return shapely.MultiPolygon(
        [part for each in (left, moved) for part in shapely.get_parts(each) if not part.is_empty]
    )

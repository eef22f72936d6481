"""Rasters as places: rows and columns of even steps in a reference system, read from a dataset or chosen for a result."""

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from rasterio.errors import RasterioError
from rasterio.warp import calculate_default_transform

from gaia_processes.errors import DatasetUnsuitable, SelectionEmpty
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.shared.axes import Grid
from gaia_processes.shared.bounds import lone_step
from gaia_processes.shared.longitude import span, unrolled
from gaia_processes.shared.mappings import crs_of, plane_unit, read_plane
from gaia_processes.shared.values import read_numbers
from gaia_processes.text import Text

_UNEVEN = 1e-3
"""Steps between columns may differ by this share: axes are stored in float32."""
_WHOLE = 1e-6
_LATTICE = 101
"""So many points along each side of a raster or a box tell where it lies in another system."""
_GAP_DEG = 5.0
MOST_CELLS = 4_000_000_000

type Edges = tuple[float, float, float, float]
"""West, south, east, north in the units of a reference system."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Raster:
    """
    Where the cells of a raster lie.

    Attributes
    ----------
    crs : pyproj.CRS
        x before y, whatever its authority says.
    x, y : float
        Corner of the first column and row.
    x_step, y_step : float
        From one column or row to the next; negative rows go south.
    width, height : int
        Columns and rows.
    """

    crs: CRS
    x: float
    y: float
    x_step: float
    y_step: float
    width: int
    height: int

    @property
    def transform(self) -> Affine:
        """From column and row to the plane."""
        return Affine(self.x_step, 0.0, self.x, 0.0, self.y_step, self.y)

    def at(
        self, columns: NDArray[np.float64], rows: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give x and y of places that are counted in columns and rows from the first corner."""
        return self.x + columns * self.x_step, self.y + rows * self.y_step

    def is_on(self, other: "Raster") -> bool:
        """Tell whether its cells are cells of another raster, or would be if that went on."""
        if not self.crs.equals(other.crs, ignore_axis_order=True):
            return False
        apart = ((self.x - other.x) / other.x_step, (self.y - other.y) / other.y_step)
        sizes = (abs(self.x_step / other.x_step) - 1, abs(self.y_step / other.y_step) - 1)
        return (
            max(abs(each - round(each)) for each in apart) < _WHOLE
            and max(abs(size) * count for size, count in zip(sizes, (self.width, self.height), strict=True))
            < _WHOLE * 1e3
        )

    @property
    def edges(self) -> Edges:
        """The box around all cells."""
        x, y = self.x + self.width * self.x_step, self.y + self.height * self.y_step
        return min(self.x, x), min(self.y, y), max(self.x, x), max(self.y, y)

    @property
    def is_turning(self) -> bool:
        """Tell whether its columns are longitudes, which come again after 360 degrees."""
        return bool(self.crs.is_geographic) and not self.crs.is_derived

    @property
    def is_cyclic(self) -> bool:
        """Tell whether its columns go round the earth."""
        return self.is_turning and abs(self.width * abs(self.x_step) - 360.0) < abs(self.x_step) / 2


def read_raster(dataset: xr.Dataset, grid: Grid) -> Raster:
    """
    Read where the cells of a grid lie.

    Raises
    ------
    DatasetUnsuitable
        Its rows and columns are not even in a reference system.
    """
    regular = grid.kind == "regular"
    names = (grid.longitude, grid.latitude) if regular else (grid.x, grid.y)
    if grid.kind not in {"regular", "projected", "rotated"} or None in names:
        raise _no_raster(grid.kind)
    crs = crs_of(dataset, grid)
    x, y = (
        read_numbers(dataset.variables[str(name)]) if regular else read_plane(dataset.variables[str(name)], crs)
        for name in names
    )
    if regular:
        x = unrolled(x)
    x_step, y_step = (
        _step(values, str(name)) if alone is None else alone
        for name, values in zip(names, (x, y), strict=True)
        for alone in (_lone_step(dataset, str(name), crs),)
    )
    if grid.kind == "rotated":  # turned longitudes of some models go on beyond 360, and PROJ ends at 180
        x = x - 360.0 * round((x[0] + x[-1]) / 720.0)
    return Raster(
        crs=crs, x=float(x[0]) - x_step / 2, y=float(y[0]) - y_step / 2, x_step=x_step, y_step=y_step,
        width=len(x), height=len(y),
    )  # fmt: skip


def _lone_step(dataset: xr.Dataset, name: str, crs: CRS) -> float | None:
    """Give the size of the only column or row, in the unit of the reference system."""
    alone = lone_step(dataset, name)
    return None if alone is None else alone * plane_unit(dataset.variables[name], crs)


def _step(values: NDArray[np.float64], name: str) -> float:
    steps = np.diff(values)
    if (
        len(values) < 2
        or not np.isfinite(values).all()
        or not steps.mean()
        or np.ptp(steps) > _UNEVEN * abs(steps.mean())
    ):
        raise DatasetUnsuitable(
            Text(
                en=f"Nothing can be reprojected: the values of {name!r} are not evenly spaced, two at least; use regrid.",
                fr=f"Rien ne peut être reprojeté : les valeurs de {name!r} ne sont pas régulières, deux au moins ; utilisez regrid.",
            )
        )
    return float(values[-1] - values[0]) / (len(values) - 1)


def _no_raster(kind: str) -> DatasetUnsuitable:
    return DatasetUnsuitable(
        Text(
            en=f"Nothing can be reprojected: the grid is {kind}, without even rows and columns; use regrid.",
            fr=f"Rien ne peut être reprojeté : la grille est {kind}, sans lignes ni colonnes régulières ; utilisez regrid.",
        )
    )


def choose_raster(
    source: Raster,
    crs: CRS,
    *,
    resolution: tuple[float, float] | None,
    size: tuple[int, ...] | None = None,
    aligned: bool,
    bbox: Bbox | None,
) -> Raster:
    """
    Choose the raster of a result.

    Parameters
    ----------
    source : Raster
    crs : pyproj.CRS
        Of the result.
    resolution : (float, float), optional
        Width and height of cells; default those that GDAL suggests, or the source's own in its own reference system.
    size : tuple of int, optional
        Columns and rows, or columns alone, with rows so that cells are about square; instead of a resolution.
    aligned : bool
        Whether corners are whole multiples of the resolution.
    bbox : Bbox, optional
        Only what lies in it.

    Raises
    ------
    SelectionEmpty
        The box and the source do not meet, or the source lies where the reference system is not defined.
    DatasetUnsuitable
        The raster would have too many cells.
    """
    same = crs.equals(source.crs, ignore_axis_order=True)
    edges = source.edges if same else edges_in(source, crs)
    if bbox is not None:
        edges = _meet(edges, _box_edges(bbox, crs), crs, bbox)
    if size is not None:
        return _bounded(_divided(crs, edges, size))
    if resolution is None and same:
        return _cropped(source, edges)
    if resolution is None and bbox is None and (suggested := _suggest(source, crs, edges)) is not None:
        return suggested
    x_step, y_step = resolution or (_equal_step(source, crs, edges),) * 2
    west, south, east, north = edges
    if aligned:
        west, east = (math.floor(west / x_step + _WHOLE) * x_step, math.ceil(east / x_step - _WHOLE) * x_step)
        south, north = (math.floor(south / y_step + _WHOLE) * y_step, math.ceil(north / y_step - _WHOLE) * y_step)
    return _bounded(
        Raster(
            crs=crs, x=west, y=north, x_step=x_step, y_step=-y_step,
            width=max(math.ceil((east - west) / x_step - _WHOLE), 1), height=max(math.ceil((north - south) / y_step - _WHOLE), 1),
        )
    )  # fmt: skip


def _divided(crs: CRS, edges: Edges, size: tuple[int, ...]) -> Raster:
    """Divide a box into columns and rows."""
    west, south, east, north = edges
    x_step = (east - west) / size[0]
    height = size[1] if len(size) > 1 else max(round((north - south) / x_step), 1)
    return Raster(
        crs=crs, x=west, y=north, x_step=x_step, y_step=-(north - south) / height, width=size[0], height=height
    )


def crop_raster(raster: Raster, bbox: Bbox) -> Raster:
    """Keep the cells of a raster that a box meets."""
    return _cropped(raster, _meet(raster.edges, _box_edges(bbox, raster.crs), raster.crs, bbox))


def _bounded(raster: Raster) -> Raster:
    if raster.width * raster.height > MOST_CELLS:
        raise DatasetUnsuitable(
            Text(
                en=f"The result would have {raster.width} x {raster.height} cells, and at most {MOST_CELLS} are made: ask for a coarser resolution or a smaller box.",
                fr=f"Le résultat aurait {raster.width} x {raster.height} mailles, et au plus {MOST_CELLS} sont faites : demandez une résolution plus grossière ou une boîte plus petite.",
            )
        )
    return raster


def _cropped(raster: Raster, edges: Edges) -> Raster:
    """Keep whole cells of a raster around a box; the first row is the northern one."""
    west, _, _, north = raster.edges
    wide, high = abs(raster.x_step), abs(raster.y_step)
    first, last = math.floor((edges[0] - west) / wide + _WHOLE), math.ceil((edges[2] - west) / wide - _WHOLE)
    top, bottom = math.floor((north - edges[3]) / high + _WHOLE), math.ceil((north - edges[1]) / high - _WHOLE)
    return Raster(
        crs=raster.crs, x=west + first * wide, y=north - top * high, x_step=wide, y_step=-high,
        width=max(last - first, 1), height=max(bottom - top, 1),
    )  # fmt: skip


def edges_in(source: Raster, crs: CRS) -> Edges:
    """
    Give the box around a raster in another reference system, as far as that is defined.

    Longitudes ascend from west to east, beyond 180 where the raster crosses the antimeridian.

    Raises
    ------
    SelectionEmpty
        No part of it lies where the system is defined.
    """
    west, south, east, north = source.edges
    x, y = np.meshgrid(np.linspace(west, east, _LATTICE), np.linspace(south, north, _LATTICE))
    earth = Transformer.from_crs(source.crs, "OGC:CRS84", always_xy=True)
    longitude, latitude = earth.transform(x.ravel(), y.ravel())
    known = np.isfinite(longitude) & np.isfinite(latitude) & _in_use(crs, longitude, latitude)
    across, along = Transformer.from_crs(source.crs, crs, always_xy=True).transform(x.ravel(), y.ravel())
    known &= np.isfinite(across) & np.isfinite(along)
    if not known.any():
        area = crs.area_of_use
        where = area.name if area else crs.name
        raise SelectionEmpty(
            Text(
                en=f"No part of the data lies where {crs.name} is defined ({where}); choose another reference system.",
                fr=f"Aucune partie des données n'est là où {crs.name} est défini ({where}) ; choisissez un autre système.",
            )
        )
    across, along = across[known], along[known]
    if not crs.is_geographic:
        return float(across.min()), float(along.min()), float(across.max()), float(along.max())
    poles = [pole for pole in (-90.0, 90.0) if _holds(source, 0.0, pole)]
    if poles or source.is_cyclic:
        low, high = min([float(along.min()), *poles]), max([float(along.max()), *poles])
        start = west if source.is_cyclic else -180.0
        return start, low, start + 360.0, high
    low_x, high_x = _arc(across)
    return low_x, float(along.min()), high_x, float(along.max())


def _in_use(crs: CRS, longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Mark the places at which a projected system may be used; a little beyond is no harm."""
    area = crs.area_of_use
    if area is None or crs.is_geographic:
        return np.ones(longitude.shape, dtype=bool)
    wide = span(area.west, area.east)
    spare = max(wide, 6.0) / 2  # a zone serves its neighbours too
    inside: NDArray[np.bool_] = (latitude >= area.south - 0.05) & (latitude <= area.north + 0.05)
    if wide + 2 * spare < 360.0:
        inside &= (longitude - (area.west - spare)) % 360.0 <= wide + 2 * spare
    return inside


def _holds(source: Raster, longitude: float, latitude: float) -> bool:
    x, y = Transformer.from_crs("OGC:CRS84", source.crs, always_xy=True).transform(longitude, latitude)
    west, south, east, north = source.edges
    return not source.is_turning and west <= x <= east and south <= y <= north


def _arc(longitudes: NDArray[np.float64]) -> tuple[float, float]:
    """Give the ends of the smallest arc around longitudes, the west in -180 to 180."""
    turned = np.unique((longitudes + 180.0) % 360.0 - 180.0)
    gaps = np.diff(np.append(turned, turned[0] + 360.0))
    widest = int(np.argmax(gaps))
    if gaps[widest] < _GAP_DEG:
        return -180.0, 180.0
    west = float(turned[(widest + 1) % len(turned)])
    return west, west + float((turned[widest] - west) % 360.0)


def _box_edges(bbox: Bbox, crs: CRS) -> Edges:
    """Give the box around a box on the earth in a reference system."""
    wide = span(bbox.west, bbox.east)
    if crs.is_geographic:
        return bbox.west, bbox.south, bbox.west + wide, bbox.north
    longitude, latitude = np.meshgrid(
        np.linspace(bbox.west, bbox.west + wide, _LATTICE), np.linspace(bbox.south, bbox.north, _LATTICE)
    )
    x, y = Transformer.from_crs("OGC:CRS84", crs, always_xy=True).transform(longitude.ravel(), latitude.ravel())
    known = np.isfinite(x) & np.isfinite(y)
    if not known.any():
        raise _apart(bbox)
    return float(x[known].min()), float(y[known].min()), float(x[known].max()), float(y[known].max())


def _meet(edges: Edges, box: Edges, crs: CRS, bbox: Bbox) -> Edges:
    """Give what two boxes share; longitudes in the frame of the second."""
    turns = (-720.0, -360.0, 0.0, 360.0, 720.0) if crs.is_geographic else (0.0,)
    shared = [
        (max(edges[0] + turn, box[0]), max(edges[1], box[1]), min(edges[2] + turn, box[2]), min(edges[3], box[3]))
        for turn in turns
    ]
    met = [each for each in shared if each[0] < each[2] and each[1] < each[3]]
    if not met:
        raise _apart(bbox)
    return (
        min(each[0] for each in met), met[0][1], max(each[2] for each in met), met[0][3],
    )  # fmt: skip


def _apart(bbox: Bbox) -> SelectionEmpty:
    box = f"[{bbox.west:g}, {bbox.south:g}, {bbox.east:g}, {bbox.north:g}]"
    return SelectionEmpty(
        Text(
            en=f"No cell lies in {box}: the data do not meet it.",
            fr=f"Aucune maille dans {box} : les données ne la rencontrent pas.",
        )
    )


def _suggest(source: Raster, crs: CRS, edges: Edges) -> Raster | None:
    """Take the raster that GDAL suggests; None where it loses its way, at the antimeridian and the poles."""
    try:
        transform, width, height = calculate_default_transform(
            source.crs.to_wkt(), crs.to_wkt(), source.width, source.height, *source.edges
        )
    except (RasterioError, CRSError, ValueError):
        return None
    if width is None or height is None:
        return None
    found = Raster(
        crs=crs, x=transform.c, y=transform.f, x_step=transform.a, y_step=transform.e, width=width, height=height
    )
    room = (0.02 * (edges[2] - edges[0]), 0.02 * (edges[3] - edges[1]))
    near = all(abs(own - other) <= room[at % 2] for at, (own, other) in enumerate(zip(found.edges, edges, strict=True)))
    return _bounded(found) if near else None


def _equal_step(source: Raster, crs: CRS, edges: Edges) -> float:
    """Give the side of a square that has the area of a source cell, in the middle of the result."""
    x, y = (edges[0] + edges[2]) / 2, (edges[1] + edges[3]) / 2
    small = min(edges[2] - edges[0], edges[3] - edges[1]) * 1e-4
    back = Transformer.from_crs(crs, source.crs, always_xy=True)
    across, along = back.transform([x - small, x + small, x, x], [y, y, y - small, y + small])
    if not np.isfinite([*across, *along]).all():
        return max(edges[2] - edges[0], edges[3] - edges[1]) / max(source.width, source.height)
    columns, rows = np.array(across) / source.x_step, np.array(along) / source.y_step
    area = abs((columns[1] - columns[0]) * (rows[3] - rows[2]) - (columns[3] - columns[2]) * (rows[1] - rows[0]))
    return float(2 * small / math.sqrt(area))

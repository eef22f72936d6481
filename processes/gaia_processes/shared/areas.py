"""
How large the cells of a grid are beside each other: areas on the sphere, widths of columns and rows, thickness of levels.

Only ratios matter here, so the sphere has the radius 1 (the areas of a sphere weigh means; areas that are reported are
geodesic, elsewhere). Bounds of the file come first, then what `bounds` and `cells` make.

References
----------
Eriksson, F. (1990): On the measure of solid angles. Mathematics Magazine 63(3), 184-187 (area of a spherical triangle).
CF conventions 1.12, section 7.2 (cell measures).
"""

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.shared.axes import Grid, text_of
from gaia_processes.shared.bounds import find_bounds_of, latitude_bounds, longitude_bounds, make_corners, make_edges
from gaia_processes.shared.cells import Cells, find_fresh_columns, read_cells
from gaia_processes.shared.values import read_numbers
from gaia_processes.text import Text

_CIRCLE_DEG = 360.0
_DECIMALS = 6


def row_widths(dataset: xr.Dataset, latitude: str) -> NDArray[np.float64]:
    """
    Give the share that each row of a regular grid has of the sphere between the poles.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.
    latitude : str
        The 1-D coordinate.

    Returns
    -------
    array of float, shape (rows,)
        Difference of the sines of its edges; 1 where a lone row has no bounds.
    """
    edges = np.clip(latitude_bounds(dataset, latitude), -90.0, 90.0)
    return _or_ones(np.abs(np.diff(np.sin(np.radians(edges)), axis=1)[:, 0]))


def column_widths(dataset: xr.Dataset, longitude: str, *, once: bool = False) -> NDArray[np.float64]:
    """
    Give the width of each column of a regular grid.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.
    longitude : str
        The 1-D coordinate.
    once : bool
        Give columns no width that repeat one before them, as 360 repeats 0.

    Returns
    -------
    array of float, shape (columns,)
        Radians; 1 where a lone column has no bounds.
    """
    widths = np.abs(np.diff(longitude_bounds(dataset, longitude), axis=1)[:, 0])
    if len(widths) > 1:
        # Bounds of a column across the seam may lie in two frames: 359.5 and 0.5.
        widths = np.where(widths > _CIRCLE_DEG / 2, np.abs(_CIRCLE_DEG - widths), widths)
    widths = _or_ones(np.radians(widths))
    return np.where(_is_fresh(dataset, longitude), widths, 0.0) if once else widths


def _is_fresh(dataset: xr.Dataset, longitude: str) -> NDArray[np.bool_]:
    """Tell which columns repeat none before them, a turn later or not."""
    turned = np.round(read_numbers(dataset.variables[longitude]) % _CIRCLE_DEG, _DECIMALS) % _CIRCLE_DEG
    fresh = np.zeros(len(turned), dtype=bool)
    fresh[np.unique(turned, return_index=True)[1]] = True
    return fresh


def thicknesses(dataset: xr.Dataset, vertical: str) -> NDArray[np.float64]:
    """
    Give the thickness of each level, in the unit of its coordinate; of the file's bounds, else midway between levels.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.
    vertical : str
        The 1-D coordinate.
    """
    own = find_bounds_of(dataset, vertical)
    values = read_numbers(dataset.variables[vertical])
    paired = own is not None and dataset.variables[own].shape[-1] == 2
    edges = read_numbers(dataset.variables[str(own)]) if paired else make_edges(values)
    return _or_ones(np.abs(np.diff(edges, axis=1)[:, 0]))


def _or_ones(widths: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ones_like(widths) if not np.any(widths > 0) else widths


def cell_areas(dataset: xr.Dataset, name: str, grid: Grid, *, drop_halo: bool) -> xr.Variable:
    """
    Give the areas of the cells of a grid, for weights.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.
    name : str
        The variable whose cells they are.
    grid : Grid
        Its grid.
    drop_halo : bool
        Give columns no area that repeat another one (ORCA halos, 360 beside 0), so that no cell counts twice.

    Returns
    -------
    xarray.Variable
        Along the dimensions of the grid: the file's own cell areas where it has them, else steradians on the sphere.
        0 where there is no cell.

    Raises
    ------
    DatasetUnsuitable
        There is no grid, or its cells have neither bounds nor areas and none can be made.
    """
    stored = _stored_areas(dataset, name, grid)
    if grid.kind == "regular":
        if stored is not None:
            if not drop_halo:
                return stored
            return stored * xr.Variable((str(grid.x_dim),), _is_fresh(dataset, str(grid.longitude)))
        rows = row_widths(dataset, str(grid.latitude))
        columns = column_widths(dataset, str(grid.longitude), once=drop_halo)
        return xr.Variable((str(grid.y_dim), str(grid.x_dim)), rows[:, np.newaxis] * columns)
    if grid.kind == "unstructured":
        return stored if stored is not None else _unstructured_areas(dataset, grid)
    if grid.kind == "none":
        raise _no_areas("the data have no grid", "les données n'ont pas de grille")
    cells = read_cells(dataset, grid)
    areas = stored if stored is not None else _plane_areas(dataset, grid, cells)
    if not drop_halo:
        return areas
    fresh = find_fresh_columns(cells, slice(0, cells.shape[0]), np.arange(cells.shape[1]))
    return areas.transpose(str(grid.y_dim), str(grid.x_dim)).copy(
        data=np.where(fresh, areas.transpose(str(grid.y_dim), str(grid.x_dim)).values, 0.0)
    )


def _stored_areas(dataset: xr.Dataset, name: str, grid: Grid) -> xr.Variable | None:
    """Find the areas that the file itself gives for the cells of a variable (CF 7.2)."""
    words = text_of(dataset.variables[name], "cell_measures").split()
    own = next((words[at + 1] for at, word in enumerate(words[:-1]) if word == "area:"), None)
    dims = {dim for dim in (grid.x_dim, grid.y_dim) if dim is not None}
    if own is None or own not in dataset.variables or set(dataset.variables[own].dims) != dims:
        return None
    areas = read_numbers(dataset.variables[own])
    return xr.Variable(dataset.variables[own].dims, np.where(areas > 0, areas, 0.0))


def _unstructured_areas(dataset: xr.Dataset, grid: Grid) -> xr.Variable:
    owns = [find_bounds_of(dataset, str(each)) for each in (grid.longitude, grid.latitude)]
    if not all(owns):
        raise _no_areas("its cells have neither bounds nor areas", "ses mailles n'ont ni bornes ni surfaces")
    longitude, latitude = (read_numbers(dataset.variables[str(own)]) for own in owns)
    return xr.Variable((str(grid.x_dim),), polygon_areas(longitude, latitude))


def _plane_areas(dataset: xr.Dataset, grid: Grid, cells: Cells) -> xr.Variable:
    dims = (str(grid.y_dim), str(grid.x_dim))
    if grid.kind == "rotated" and grid.x is not None and grid.y is not None:
        # Turning the sphere changes no area. Rotated coordinates are regular and exact; corners are neither, and real
        # CORDEX files have some that lie a continent away.
        rows, columns = row_widths(dataset, grid.y), column_widths(dataset, grid.x)
        return xr.Variable(dims, rows[:, np.newaxis] * columns)
    if cells.corners is None and min(cells.shape) < 2:
        return xr.Variable(dims, np.ones(cells.shape))
    areas = np.empty(cells.shape)
    for which, longitude, latitude in _corner_blocks(cells):
        areas[which] = polygon_areas(longitude, latitude)
    return xr.Variable(dims, areas)


def _corner_blocks(cells: Cells) -> Iterator[tuple[slice, NDArray[np.float64], NDArray[np.float64]]]:
    for which in cells.blocks():
        if cells.corners is not None:
            yield which, *cells.corners(which)
            continue
        around = slice(max(which.start - 1, 0), min(which.stop + 1, cells.shape[0]))
        longitude, latitude = cells.rows(around)
        own = slice(which.start - around.start, which.stop - around.start)
        yield which, make_corners(longitude, period=_CIRCLE_DEG)[own], make_corners(latitude)[own]


def polygon_areas(longitude_deg: NDArray[np.float64], latitude_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Give the areas of polygons on the unit sphere whose edges are great circles.

    Parameters
    ----------
    longitude_deg, latitude_deg : array of float, shape (..., corners)
        Corners going round, either way; a corner may be repeated.

    Returns
    -------
    array of float, shape (...)
        Steradians; 0 where a corner is missing.

    Notes
    -----
    The polygon is a fan of triangles, each of which has the solid angle E with tan(E/2) = a.(b x c) / (1 + a.b + b.c +
    c.a) (Eriksson 1990); those of a corner that points inwards count negative.
    """
    lam, phi = np.radians(longitude_deg), np.radians(np.clip(latitude_deg, -90.0, 90.0))
    points = np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)
    total = np.zeros(points.shape[:-2])
    a = points[..., 0, :]
    for at in range(1, points.shape[-2] - 1):
        b, c = points[..., at, :], points[..., at + 1, :]
        triple = np.einsum("...i,...i->...", a, np.cross(b - a, c - a))
        beside = 1.0 + np.einsum("...i,...i->...", a, b) + np.einsum("...i,...i->...", b, c)
        total += 2.0 * np.arctan2(triple, beside + np.einsum("...i,...i->...", c, a))
    return np.nan_to_num(np.abs(total))


def _no_areas(en: str, fr: str) -> DatasetUnsuitable:
    return DatasetUnsuitable(
        Text(
            en=f"No mean over an area can be weighed: {en}.",
            fr=f"Aucune moyenne sur une surface ne peut être pondérée : {fr}.",
        )
    )

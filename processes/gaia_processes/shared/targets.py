"""
The grids that data are brought to: by the size of their cells, by lists of centres, or like those of another dataset.

A target is a small dataset of its own: longitudes, latitudes and the bounds of both, as they are written in the end.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.inputs.resolution import Resolution
from gaia_processes.shared.axes import Grid, data_variables, find_grid
from gaia_processes.shared.bounds import find_bounds_of, find_pairs, latitude_bounds, longitude_bounds, make_edges
from gaia_processes.shared.longitude import beside
from gaia_processes.shared.rectilinear import Rectilinear, is_cyclic
from gaia_processes.shared.values import MISSING, read_numbers
from gaia_processes.text import Text

type Floats = NDArray[np.float64]

LONGITUDE_ATTRS = {"standard_name": "longitude", "long_name": "longitude", "units": "degrees_east", "axis": "X"}
LATITUDE_ATTRS = {"standard_name": "latitude", "long_name": "latitude", "units": "degrees_north", "axis": "Y"}
_SIDES = "bnds"
_CIRCLE_DEG = 360.0
_DECIMALS = 10
_EVEN_DEG = 5e-5  # what single precision leaves of a longitude, and some


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """
    A grid of rows and columns.

    Attributes
    ----------
    dataset : xarray.Dataset
        The coordinates, each along a dimension of its name, and their bounds.
    longitude, latitude : str
        Names of the coordinates.
    """

    dataset: xr.Dataset
    longitude: str
    latitude: str

    @property
    def dims(self) -> tuple[str, str]:
        """Dimensions of rows and columns."""
        return self.latitude, self.longitude

    @property
    def grid(self) -> Rectilinear:
        """Centres and edges."""
        return read_rectilinear(self.dataset, self.longitude, self.latitude)


def target_of_resolution(resolution: Resolution) -> Target:
    """Make the grid of the whole earth with cells of one size; the first column begins at Greenwich, the first row at the South Pole."""
    east, north = resolution.longitude_step_deg, resolution.latitude_step_deg
    longitudes = np.round((np.arange(resolution.columns) + 0.5) * east, _DECIMALS)
    latitudes = np.round((np.arange(resolution.rows) + 0.5) * north - 90.0, _DECIMALS)
    x_edges = np.round(np.arange(resolution.columns + 1) * east, _DECIMALS)
    y_edges = np.round(np.arange(resolution.rows + 1) * north - 90.0, _DECIMALS)
    return _assemble(longitudes, latitudes, _pairs(x_edges), _pairs(y_edges))


def target_of_centres(
    longitudes: tuple[float, ...],
    latitudes: tuple[float, ...],
    longitude_edges: tuple[tuple[float, float], ...] | None = None,
    latitude_edges: tuple[tuple[float, float], ...] | None = None,
) -> Target:
    """
    Make the grid that has these centres.

    Parameters
    ----------
    longitudes, latitudes : tuple of float
        Degrees.
    longitude_edges, latitude_edges : tuple of pairs of float, optional
        West and east, south and north of each; default midway between the centres.
    """
    x, y = np.array(longitudes, dtype=np.float64), np.array(latitudes, dtype=np.float64)
    if longitude_edges is None:
        x_edges = make_edges(x)
    else:
        given = np.array(longitude_edges, dtype=np.float64)
        widths = (given[:, 1] - given[:, 0]) % _CIRCLE_DEG
        widths[(widths == 0) & (given[:, 1] != given[:, 0])] = _CIRCLE_DEG
        # The cell begins so that it lies around its centre, in the centre's frame.
        west = x - (x - given[:, 0]) % _CIRCLE_DEG
        x_edges = np.stack([west, west + widths], axis=1)
    if latitude_edges is None:
        y_edges = np.sort(np.clip(make_edges(y), -90.0, 90.0), axis=1)
        y_edges = _up_to_poles(y, y_edges) if is_cyclic(x) else y_edges
    else:
        y_edges = np.array(latitude_edges, dtype=np.float64)
    return _assemble(x, y, x_edges, y_edges)


def target_like(dataset: xr.Dataset) -> Target:
    """
    Take the grid of another dataset, its coordinates with their names and attributes.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.

    Raises
    ------
    DatasetUnsuitable
        None of its variables lies on a grid of rows and columns.
    """
    grids = [find_grid(dataset, name) for name in data_variables(dataset) or tuple(map(str, dataset.variables))]
    grid = next((each for each in grids if each.kind == "regular"), None)
    if grid is None or grid.longitude is None or grid.latitude is None:
        raise DatasetUnsuitable(
            Text(
                en="The dataset of `like` has no grid with one longitude a column and one latitude a row.",
                fr="Le jeu de données de `like` n'a pas de grille avec une longitude par colonne et une latitude par ligne.",
            )
        )
    found = read_source(dataset, grid)
    return _assemble(
        found.longitudes, found.latitudes, found.longitude_edges, found.latitude_edges,
        names=(grid.longitude, grid.latitude),
        attrs=(dict(dataset.variables[grid.longitude].attrs), dict(dataset.variables[grid.latitude].attrs)),
    )  # fmt: skip


def read_source(dataset: xr.Dataset, grid: Grid) -> Rectilinear:
    """
    Read the centres and edges of a grid with one longitude a column and one latitude a row.

    Raises
    ------
    DatasetUnsuitable
        A coordinate has missing values, or a latitude beyond the poles.
    """
    return read_rectilinear(dataset, str(grid.longitude), str(grid.latitude))


def read_written_out(dataset: xr.Dataset, grid: Grid) -> Rectilinear | None:
    """
    Read a grid of rows and columns whose coordinates are written out for every cell, without corners.

    Its corners follow from the centres, as of any grid of rows and columns.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.
    grid : Grid
        Of any kind.

    Returns
    -------
    Rectilinear or None
        None where rows or columns bend, centres are missing, or the file has corners.
    """
    if grid.kind != "curvilinear" or None in (grid.longitude, grid.latitude):
        return None
    names = str(grid.longitude), str(grid.latitude)
    if any(find_bounds_of(dataset, name) for name in names):
        return None
    dims = str(grid.y_dim), str(grid.x_dim)
    x, y = (dataset.variables[name].transpose(*dims) for name in names)
    longitudes, latitudes = read_numbers(x), read_numbers(y)
    if not (np.isfinite(longitudes).all() and np.isfinite(latitudes).all()):
        return None
    off = beside(longitudes.T, longitudes[0]) - longitudes[0][:, np.newaxis]
    if np.abs(off).max() > _EVEN_DEG or np.ptp(latitudes, axis=1).max() > _EVEN_DEG:
        return None
    plain = xr.Dataset(
        coords=xr.Coordinates({"lon": ("lon", read_numbers(x[0])), "lat": ("lat", read_numbers(y[:, 0]))}, indexes={})
    )
    return read_rectilinear(plain, "lon", "lat")


def read_rectilinear(dataset: xr.Dataset, longitude: str, latitude: str) -> Rectilinear:
    """
    Read centres and edges by the names of the coordinates.

    Notes
    -----
    Edges that a file lacks are midway between the centres. Those of the outermost rows of a global grid are then the poles
    when no more than half a row lies beyond: on Gaussian grids a mirrored half step would leave a gap there. Edges that a file
    has are its own, wherever they end.
    """
    x, y = (_centres(dataset, name) for name in (longitude, latitude))
    if y.size and np.abs(y).max() > 90.0 + 1e-3:
        worst = float(y[int(np.argmax(np.abs(y)))])
        raise DatasetUnsuitable(
            Text(
                en=f"Nothing can be regridded: latitude {latitude!r} has values outside -90 to 90 ({worst:g}).",
                fr=f"Rien ne peut être interpolé : la latitude {latitude!r} a des valeurs hors de -90 à 90 ({worst:g}).",
            )
        )
    across = longitude_bounds(dataset, longitude)
    west_east = np.sort(across, axis=1)
    wide = (west_east[:, 1] - west_east[:, 0] > 180.0) & (west_east[:, 1] - west_east[:, 0] < _CIRCLE_DEG - 1e-6)
    west_east[wide] = np.sort(beside(across[wide], x[wide]), axis=1)
    south_north = np.sort(np.clip(latitude_bounds(dataset, latitude), -90.0, 90.0), axis=1)
    if is_cyclic(x) and not find_pairs(dataset, latitude):
        south_north = _up_to_poles(y, south_north)
    return Rectilinear(longitudes=x, latitudes=y, longitude_edges=west_east, latitude_edges=south_north)


def _up_to_poles(centres: Floats, edges: Floats) -> Floats:
    """Let the outermost rows end at the poles where less than half a row is left."""
    closed = edges.copy()
    for row, side, pole in ((int(np.argmin(centres)), 0, -90.0), (int(np.argmax(centres)), 1, 90.0)):
        if abs(pole - closed[row, side]) < (closed[row, 1] - closed[row, 0]) / 2:
            closed[row, side] = pole
    return closed


def _centres(dataset: xr.Dataset, name: str) -> Floats:
    values = read_numbers(dataset.variables[name])
    if np.isnan(values).any():
        raise DatasetUnsuitable(
            Text(
                en=f"Nothing can be regridded: coordinate {name!r} has missing values.",
                fr=f"Rien ne peut être interpolé : la coordonnée {name!r} a des valeurs manquantes.",
            )
        )
    return values


def _pairs(edges: Floats) -> Floats:
    return np.stack([edges[:-1], edges[1:]], axis=1)


def _assemble(
    x: Floats,
    y: Floats,
    x_edges: Floats,
    y_edges: Floats,
    *,
    names: tuple[str, str] = ("lon", "lat"),
    attrs: tuple[dict[str, Any], dict[str, Any]] = (LONGITUDE_ATTRS, LATITUDE_ATTRS),
) -> Target:
    variables = {}
    for name, values, edges, own in zip(names, (x, y), (x_edges, y_edges), attrs, strict=True):
        plain = {key: value for key, value in own.items() if key not in (*MISSING, "scale_factor", "add_offset")}
        variables[name] = xr.Variable((name,), values, {**plain, "bounds": f"{name}_bnds"})
        variables[f"{name}_bnds"] = xr.Variable((name, _SIDES), edges)
    coordinates = xr.Coordinates({name: variables[name] for name in names}, indexes={})
    others = {name: each for name, each in variables.items() if name not in names}
    return Target(dataset=xr.Dataset(others, coordinates), longitude=names[0], latitude=names[1])

"""
Values at points as a discrete sampling geometry, for NetCDF: series of stations, or single observations.

Values are read from the same cells as the rows, some points at a time, when they are written.

References
----------
CF conventions 1.12, chapter 9 (discrete sampling geometries), appendices H.1 (points) and H.2.1 (orthogonal
multidimensional array of time series).
"""

from collections.abc import Callable, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core.indexing import ExplicitIndexer, IndexingSupport, LazilyIndexedArray, explicit_indexing_adapter

from gaia_processes.extract_points.found import BAD_COORDINATE, INSIDE, MISSING_VALUE, OUTSIDE, STATUSES, Axis, Found
from gaia_processes.extract_points.samples import Sampled
from gaia_processes.shared.bounds import find_bounds_of
from gaia_processes.shared.lazy import Key
from gaia_processes.shared.sphere import distance_km
from gaia_processes.shared.table import Block
from gaia_processes.shared.values import DEFAULT_FILLS

type Blocks = Callable[[slice], NDArray[Any]]

_KEPT = ("units", "long_name", "standard_name", "cell_methods", "flag_values", "flag_meanings", "flag_masks", "comment")
_POINTS_AT_ONCE = 2**10
_TEXT_GONE = ""


class PointArray(BackendArray):
    """An array whose first dimension are points, made some points at a time when it is read."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], give: Blocks) -> None:
        self.shape, self.dtype = shape, dtype
        self.chunk_shape = (min(_POINTS_AT_ONCE, max(shape[0], 1)), *(max(size, 1) for size in shape[1:]))
        self._give = give

    def __getitem__(self, key: ExplicitIndexer) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.BASIC, self._read)

    def _read(self, key: Key) -> NDArray[Any]:
        first, *rest = key
        if isinstance(first, slice):
            start, stop, step = first.indices(self.shape[0])
            return self._give(slice(start, max(stop, start)))[(slice(None, None, step), *rest)]
        place = int(np.asarray(first).item()) % self.shape[0]
        return self._give(slice(place, place + 1))[(0, *rest)]


def make_series(
    points: Block,
    dataset: xr.Dataset,
    sampled: Mapping[str, Sampled],
    found: Found,
    axes: tuple[Axis, ...],
    attributes: Mapping[str, str],
) -> xr.Dataset:
    """
    Make a dataset of stations, or of observations where each point has its own time.

    Parameters
    ----------
    points : DataFrame
        With their own columns, each of one dtype.
    dataset : xarray.Dataset
        Undecoded, of the attributes and coordinates.
    sampled, found, axes
        As of the rows.
    attributes : mapping of str to str
        Of the whole.

    Returns
    -------
    xarray.Dataset
        Undecoded and lazy.
    """
    times = [each for each in axes if each.kind == "time"]
    single = bool(times) and not times[0].spread
    dim = "obs" if single else "station"
    taken: set[str] = set()
    variables: dict[str, xr.Variable] = {}

    def add(name: str, variable: xr.Variable) -> str:
        while name in taken:
            name = f"grid_{name}"
        taken.add(name)
        variables[name] = variable
        return name

    named = _coordinates(dim, found, dataset, axes, add)
    for name, each in sampled.items():
        add(name, _values(name, dim, each, dataset.variables[name], axes, named))
    _describe_cells(dim, sampled, found, axes, named, add)
    _describe_points(dim, points, add)
    feature = "point" if single else "timeSeries" if times else None
    whole = dict(attributes) | {"Conventions": "CF-1.12"} | ({} if feature is None else {"featureType": feature})
    made = xr.Dataset({}, attrs=whole)
    made = made.assign({name: each for name, each in variables.items() if each.dims != (name,)})
    own = xr.Coordinates({name: each for name, each in variables.items() if each.dims == (name,)}, indexes={})
    made = made.assign_coords(own)
    made.encoding = {"order": tuple(variables)}
    return made


def _coordinates(
    dim: str, found: Found, dataset: xr.Dataset, axes: tuple[Axis, ...], add: Callable[[str, xr.Variable], str]
) -> tuple[str, ...]:
    """Add what says where and when the points are; give the names that data variables refer to."""
    count = len(found.longitudes)
    add(dim, xr.Variable((dim,), np.arange(count, dtype=np.int32), _role(dim)))
    named = [
        add("longitude", _numbers(dim, found.longitudes, "longitude", "degrees_east")),
        add("latitude", _numbers(dim, found.latitudes, "latitude", "degrees_north")),
    ]
    for axis in axes:
        if axis.variable is None:
            continue
        variable = dataset.variables[axis.variable]
        if axis.spread:
            _add_axis(axis, dataset, add)
            continue
        named.append(add(axis.name, _chosen(dim, variable, found.chosen[axis.dim])))
    return tuple(named)


def _role(dim: str) -> dict[str, Any]:
    role = {"cf_role": "timeseries_id"} if dim == "station" else {}
    return {"long_name": "place of the point in the order in which it was given", **role}


def _add_axis(axis: Axis, dataset: xr.Dataset, add: Callable[[str, xr.Variable], str]) -> None:
    """Add a coordinate of the data that every point has all steps of, and its bounds."""
    variable = dataset.variables[str(axis.variable)]
    bounds = find_bounds_of(dataset, str(axis.variable))
    add(str(axis.variable), _held(variable))
    if bounds is not None:
        add(bounds, _held(dataset.variables[bounds]))


def _held(variable: xr.Variable) -> xr.Variable:
    return xr.Variable(variable.dims, variable.values, dict(variable.attrs))


def _chosen(dim: str, variable: xr.Variable, places: NDArray[np.intp]) -> xr.Variable:
    """Give the coordinate of the step that was chosen for each point; the mark of missing ones where there is none."""
    values = np.asarray(variable.values)
    kind = np.dtype(np.float64) if values.dtype.kind in "iu" else values.dtype.newbyteorder("=")
    fill = kind.type(DEFAULT_FILLS[kind.str[1:]])
    taken = values.astype(kind)[np.maximum(places, 0)] if len(values) else np.full(len(places), fill)
    attrs = {key: value for key, value in variable.attrs.items() if key not in {"bounds", "climatology", "_FillValue"}}
    return xr.Variable((dim,), np.where(places >= 0, taken, fill).astype(kind), {"_FillValue": fill, **attrs})


def _numbers(dim: str, values: NDArray[np.float64], name: str, units: str) -> xr.Variable:
    fill = np.float64(DEFAULT_FILLS["f8"])
    attrs = {"_FillValue": fill, "standard_name": name, "long_name": f"{name} of the point", "units": units}
    return xr.Variable((dim,), np.where(np.isfinite(values), values, fill), attrs)


def _dims(dim: str, rest: tuple[str, ...], axes: tuple[Axis, ...]) -> tuple[str, ...]:
    return (dim, *(each.dim for each in axes if each.spread and each.dim in rest))


def _values(
    name: str, dim: str, sampled: Sampled, variable: xr.Variable, axes: tuple[Axis, ...], named: tuple[str, ...]
) -> xr.Variable:
    """Let a variable be read some points at a time."""
    dims = _dims(dim, sampled.rest, axes)
    order = [0, *(sampled.rest.index(each) + 1 for each in dims[1:])]
    fill = sampled.dtype.type(DEFAULT_FILLS[sampled.dtype.str[1:]])

    def give(points: slice) -> NDArray[Any]:
        values, missing = sampled.values(points)
        return np.where(missing, fill, values).transpose(order)

    shape = (sampled.count, *(sampled.shape[at - 1] for at in order[1:]))
    attrs = {key: value for key, value in variable.attrs.items() if key in _KEPT}
    attrs = {"_FillValue": fill, "long_name": name} | attrs | {"coordinates": " ".join(named)}
    array = PointArray(shape, sampled.dtype, give)
    return xr.Variable(dims, LazilyIndexedArray(array), attrs, {"zlib": True, "complevel": 1, "shuffle": True})


def _describe_cells(
    dim: str,
    sampled: Mapping[str, Sampled],
    found: Found,
    axes: tuple[Axis, ...],
    named: tuple[str, ...],
    add: Callable[[str, xr.Variable], str],
) -> None:
    """Add where the nearest cell of each point is, and what its values are."""
    x, y = found.centres(found.nearest)
    apart = distance_km(found.longitudes, found.latitudes, x, y)
    # In plain degrees: a second latitude of a station, in degrees_north, would be taken for where the station is (CF 9.2).
    for name, values, units, title in (
        ("distance_km", apart, "km", "distance from the point to the centre of the nearest cell"),
        ("grid_longitude", x, "degrees", "longitude of the centre of the nearest cell"),
        ("grid_latitude", y, "degrees", "latitude of the centre of the nearest cell"),
    ):
        fill = np.float64(DEFAULT_FILLS["f8"])
        attrs = {"_FillValue": fill, "long_name": title, "units": units}
        add(name, xr.Variable((dim,), np.where(np.isfinite(values), values, fill), attrs))
    rest = {each for one in sampled.values() for each in one.rest}
    dims = _dims(dim, tuple(rest), axes)
    sizes = {each.dim: len(each.labels) for each in axes}

    def give(points: slice) -> NDArray[Any]:
        shape = (points.stop - points.start, *(sizes[each] for each in dims[1:]))
        state = np.broadcast_to(found.state[points].reshape(-1, *(1 for _ in dims[1:])), shape).copy()
        for each in sampled.values():
            _, missing = each.values(points)
            order = [0, *(each.rest.index(name) + 1 for name in dims[1:] if name in each.rest)]
            wide = [len(missing), *(sizes[name] if name in each.rest else 1 for name in dims[1:])]
            state[(state == INSIDE) & missing.transpose(order).reshape(wide)] = MISSING_VALUE
        return state

    attrs = {
        "long_name": "what the values of the point are",
        "flag_values": np.array([INSIDE, MISSING_VALUE, OUTSIDE, BAD_COORDINATE], dtype=np.int8),
        "flag_meanings": " ".join(STATUSES),
        "coordinates": " ".join(named),
    }
    count = len(found.longitudes)
    array = PointArray((count, *(sizes[each] for each in dims[1:])), np.dtype(np.int8), give)
    packed = {"zlib": True, "complevel": 1, "shuffle": False}
    add("status", xr.Variable(dims, LazilyIndexedArray(array), attrs, packed))


def _describe_points(dim: str, points: Block, add: Callable[[str, xr.Variable], str]) -> None:
    """Add the points' own columns."""
    geometry = points.active_geometry_name if isinstance(points, gpd.GeoDataFrame) else None
    for name in points.columns:
        if name != geometry:
            add(_safe(str(name)), _column(dim, points[name], str(name)))


def _safe(name: str) -> str:
    """Make a name that NetCDF allows."""
    kept = "".join(each if each.isalnum() or each in "_-.+@" else "_" for each in name)
    return kept if kept[:1].isalnum() or kept[:1] == "_" else f"_{kept}"


def _column(dim: str, values: "pd.Series[Any]", title: str) -> xr.Variable:
    """Make a variable of a column: numbers as they are, all else as text."""
    attrs: dict[str, Any] = {"long_name": title}
    if pd.api.types.is_bool_dtype(values.dtype) or not pd.api.types.is_numeric_dtype(values.dtype):
        texts = values.astype("string").fillna(_TEXT_GONE).to_numpy(dtype=object)
        return xr.Variable((dim,), texts, attrs)
    kind: np.dtype[Any] = np.dtype(np.float64 if pd.api.types.is_float_dtype(values.dtype) else np.int64)
    fill = kind.type(DEFAULT_FILLS[kind.str[1:]])
    gone = values.isna().to_numpy()
    numbers = values.fillna(0).to_numpy(dtype=kind)
    return xr.Variable((dim,), np.where(gone, fill, numbers), {"_FillValue": fill, **attrs})

"""The table of statistics of zones: a row for each zone, time step and level, block by block."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionArray

from gaia_processes.shared.aside import let_go, read_lazily
from gaia_processes.shared.axes import find_time, find_vertical
from gaia_processes.shared.coverage import Floats
from gaia_processes.shared.points import coordinates_of
from gaia_processes.shared.table import BLOCK_ROWS, Block, Column, Table, settle
from gaia_processes.shared.times import TimeAxis, counts_dates, read_time, render_all
from gaia_processes.shared.values import MISSING, read_numbers
from gaia_processes.text import Text
from gaia_processes.zonal_statistics.words import describe

_KEPT = (
    "title",
    "institution",
    "source",
    "license",
    "references",
    "comment",
    "history",
    "creator_name",
    "publisher_name",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """
    A dimension of the data beside rows and columns.

    Attributes
    ----------
    dim : str
    kind : {"time", "level", "other"}
    name : str
        Of the column in the table.
    variable : str or None
        The coordinate.
    labels : array, shape (steps,)
        What stands in the column: dates as ISO 8601 text in the calendar of the data, held by Arrow in a third of the memory.
    """

    dim: str
    kind: Literal["time", "level", "other"]
    name: str
    variable: str | None
    labels: NDArray[Any] | ExtensionArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistics:
    """What was computed of a variable: its leading dimensions, and columns of the shape (*steps, zones)."""

    dims: tuple[str, ...]
    columns: Mapping[str, Floats]


def read_axis(part: xr.Dataset, names: tuple[str, ...], dim: str) -> Axis:
    """Say what the steps along a dimension are called."""
    time = next(
        (found for name in names if (found := find_time(part, name)) and part.variables[found].dims == (dim,)), None
    )
    if time is not None and counts_dates(part.variables[time]):
        axis = read_time(part, time)
        return Axis(dim=dim, kind="time", name="time", variable=time, labels=_dates(axis))
    for name in names:
        level = next(iter(find_vertical(part, name)), None)
        if level is not None and part.variables[level].dims == (dim,):
            return Axis(dim=dim, kind="level", name="level", variable=level, labels=read_numbers(part.variables[level]))
    own = part.variables.get(dim)
    labels = np.arange(part.sizes[dim]) if own is None else np.asarray(own.values)
    return Axis(dim=dim, kind="other", name=dim, variable=None if own is None else dim, labels=labels)


def _dates(axis: TimeAxis) -> ExtensionArray:
    """Write the dates of an axis; a long one in pieces, of which Python's own texts go again."""
    pieces = [
        pd.array(render_all(replace(axis, values=axis.values[at : at + BLOCK_ROWS], bounds=None)), dtype="string")
        for at in range(0, max(len(axis.values), 1), BLOCK_ROWS)
    ]
    joined: ExtensionArray = pd.concat([pd.Series(piece) for piece in pieces], ignore_index=True).array
    return joined


def make_table(
    zones: gpd.GeoDataFrame,
    found: Mapping[str, Statistics],
    axes: tuple[Axis, ...],
    part: xr.Dataset,
    *,
    zone_id: str | None,
    warn: Callable[[Text], None],
) -> Table:
    """
    Put statistics beside the zones' own properties.

    Parameters
    ----------
    zones : geopandas.GeoDataFrame
        In the order of the request.
    found : mapping of Statistics
        By variable.
    axes : tuple of Axis
        What rows are counted along beside zones, the slowest first.
    part : xarray.Dataset
        The data.
    zone_id : str, optional
        The column that names zones in a series.
    warn : callable
        Is told of columns that had to be called differently.
    """
    rows = _Rows(zones, found, axes, warn)
    columns = [_axis_column(axis, rows.names[axis.name], part) for axis in axes]
    columns += [
        describe(rows.names[f"{name}_{ending}"], name, ending, part.variables[name])
        for name, each in found.items()
        for ending in each.columns
    ]
    shown = next((f"{name}_{ending}" for name, each in found.items() for ending in each.columns if ending != "coverage"),
                 next(f"{name}_coverage" for name in found))  # fmt: skip
    attributes = {name: text for name in _KEPT if isinstance(text := part.attrs.get(name), str) and text.strip()}
    return Table(
        frames=rows.blocks,
        rows=rows.count,
        columns=tuple(columns),
        shown=rows.names[shown],
        attributes=attributes,
        report={"zones": len(zones)},
        series=lambda: _series(rows, columns, part, zone_id),
    )


class _Rows:
    def __init__(
        self, zones: gpd.GeoDataFrame, found: Mapping[str, Statistics], axes: tuple[Axis, ...],
        warn: Callable[[Text], None],
    ) -> None:  # fmt: skip
        self.zones, self.found, self.axes = settle(zones), found, axes
        self.shape = tuple(len(axis.labels) for axis in axes)
        self.each = int(np.prod(self.shape, dtype=np.int64))
        self.count = len(zones) * self.each
        computed = [
            *(axis.name for axis in axes),
            *(f"{name}_{end}" for name, each in found.items() for end in each.columns),
        ]
        self.names = _fresh_names(computed, [str(name) for name in zones.columns], warn)

    def values(self, zones: slice, steps: slice) -> Iterator[tuple[str, Floats]]:
        """Give the columns of some zones and some steps of the first axis, shape (zones, *steps)."""
        shape = (*(len(range(*steps.indices(size))) for size in self.shape[:1]), *self.shape[1:])
        for name, each in self.found.items():
            order = [each.dims.index(axis.dim) for axis in self.axes if axis.dim in each.dims]
            there = [axis.dim in each.dims for axis in self.axes]
            own_shape = [size if has else 1 for size, has in zip(shape, there, strict=True)]
            for ending, numbers in each.columns.items():
                own = numbers[..., zones].transpose(numbers.ndim - 1, *order)
                own = own[:, steps] if there and there[0] else own
                spread = np.broadcast_to(own.reshape(len(own), *own_shape), (len(own), *shape))
                yield self.names[f"{name}_{ending}"], spread

    def blocks(self) -> Iterator[Block]:
        """Give the rows, those of a zone behind each other; where these are many, some steps of a zone at a time."""
        zones = max(BLOCK_ROWS // max(self.each, 1), 1)
        first = self.shape[0] if self.shape else 1
        steps = first if self.each <= BLOCK_ROWS else max(BLOCK_ROWS * first // self.each, 1)
        for start in range(0, max(len(self.zones), 1), zones):
            for step in range(0, max(first, 1), steps or 1):
                yield self._block(slice(start, min(start + zones, len(self.zones))), slice(step, step + (steps or 1)))

    def _block(self, zones: slice, steps: slice) -> Block:
        labels = [axis.labels[steps] if at == 0 else axis.labels for at, axis in enumerate(self.axes)]
        sizes = tuple(map(len, labels))
        count = int(np.prod(sizes, dtype=np.int64))
        own = self.zones.iloc[np.repeat(np.arange(zones.start, zones.stop), count)].reset_index(drop=True)
        made: dict[str, Any] = {}
        for at, axis in enumerate(self.axes):
            spread = [1] * (len(self.axes) + 1)
            spread[at + 1] = sizes[at]
            places = np.arange(sizes[at]).reshape(spread)
            own_places = np.broadcast_to(places, (zones.stop - zones.start, *sizes)).reshape(-1)
            named = labels[at].take(own_places)
            made[self.names[axis.name]] = pd.array(named, dtype="string") if named.dtype == object else named
        for name, values in self.values(zones, steps):
            made[name] = np.array(values).reshape(-1)
            self._let_go()
        joined = pd.concat([own, pd.DataFrame(made, index=own.index)], axis=1)
        return gpd.GeoDataFrame(joined, geometry=self.zones.active_geometry_name, crs=self.zones.crs)

    def _let_go(self) -> None:
        for each in self.found.values():
            for numbers in each.columns.values():
                let_go(numbers)


def _fresh_names(computed: list[str], own: list[str], warn: Callable[[Text], None]) -> dict[str, str]:
    """Give computed columns names that the zones do not have already."""
    names: dict[str, str] = {}
    for name in computed:
        new = name
        while new in own or new in names.values():
            new = f"data_{new}"
        names[name] = new
    changed = ", ".join(f"{name} → {new}" for name, new in names.items() if name != new)
    if changed:
        warn(
            Text(
                en=f"The zones have columns of these names already; ours are called differently: {changed}.",
                fr=f"Les zones ont déjà des colonnes de ces noms ; les nôtres s'appellent autrement : {changed}.",
            )
        )
    return names


def _axis_column(axis: Axis, name: str, part: xr.Dataset) -> Column:
    attributes = {} if axis.variable is None else part.variables[axis.variable].attrs
    said = str(attributes.get("long_name") or attributes.get("standard_name") or axis.name)
    if axis.kind == "time":
        calendar = str(attributes.get("calendar") or "standard")
        return Column(
            name=name, title=Text(en="Time", fr="Temps"), unit=None,
            definition=Text(
                en=f"Time of the step, in the calendar of the data ({calendar}).",
                fr=f"Date du pas, dans le calendrier des données ({calendar}).",
            ),
        )  # fmt: skip
    unit = attributes.get("units")
    return Column(
        name=name, title=Text(en=said, fr=said), unit=unit if isinstance(unit, str) and unit else None,
        definition=Text(en=f"Coordinate {axis.name!r} of the data.", fr=f"Coordonnée {axis.name!r} des données."),
    )  # fmt: skip


# --- as a series ----------------------------------------------------------------------------------------------------


def _series(rows: _Rows, columns: list[Column], part: xr.Dataset, zone_id: str | None) -> xr.Dataset:
    """Give the same along zones and steps (CF 9, time series at places; a point inside each zone is its place)."""
    dims = ("zone", *(axis.name for axis in rows.axes))
    told = {column.name: column for column in columns}
    made: dict[str, xr.Variable] = {}
    for name, values in rows.values(slice(None), slice(None)):
        attributes = {"long_name": told[name].title.en, "coordinates": "lon lat zone_name"}
        if told[name].unit is not None:
            attributes["units"] = str(told[name].unit)
        made[name] = read_lazily(values, dims, dims, np.float64(np.nan))
        made[name].attrs = attributes | {"comment": told[name].definition.en}
    made |= _places(rows.zones, zone_id)
    for axis in rows.axes:
        own = None if axis.variable is None else part.variables[axis.variable]
        attributes = (
            {} if own is None else {k: v for k, v in own.attrs.items() if k not in {"bounds", "climatology", *MISSING}}
        )
        labels = axis.labels if own is None else own.values
        made[axis.name] = xr.Variable((axis.name,), labels, attributes)
    coordinates = {name: made.pop(name) for name in [axis.name for axis in rows.axes]}
    dataset = xr.Dataset(made, xr.Coordinates(coordinates, indexes={}))
    dataset.attrs = {"Conventions": "CF-1.11"}
    if [axis.kind for axis in rows.axes] == ["time"]:
        dataset.attrs["featureType"] = "timeSeries"
    return dataset


def _places(zones: gpd.GeoDataFrame, zone_id: str | None) -> dict[str, xr.Variable]:
    inside = shapely.point_on_surface(np.asarray(zones.geometry.array, dtype=object))
    points = gpd.GeoSeries(inside, crs=zones.crs)
    if zones.crs is not None and not zones.crs.is_geographic:
        points = points.to_crs("OGC:CRS84")
    x, y = coordinates_of(points.values)
    names = (
        np.arange(len(zones)).astype(str)
        if zone_id is None
        else zones[zone_id].astype("string").fillna("").to_numpy(dtype=object)
    )
    return {
        "zone_name": xr.Variable(
            ("zone",), names.astype(object), {"long_name": "name of the zone", "cf_role": "timeseries_id"}
        ),
        "lon": xr.Variable(
            ("zone",),
            x,
            {"standard_name": "longitude", "units": "degrees_east", "long_name": "longitude of a point in the zone"},
        ),
        "lat": xr.Variable(
            ("zone",),
            y,
            {"standard_name": "latitude", "units": "degrees_north", "long_name": "latitude of a point in the zone"},
        ),
    }

"""The table of values at points: block by block, a row for each point, or for each point and step."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.extract_points.found import BAD_COORDINATE, INSIDE, MISSING_VALUE, OUTSIDE, STATUSES, Axis, Found
from gaia_processes.extract_points.samples import Sampled
from gaia_processes.extract_points.series import make_series
from gaia_processes.shared.axes import text_of
from gaia_processes.shared.sphere import distance_km
from gaia_processes.shared.table import BLOCK_ROWS, Block, Column, Table, settle
from gaia_processes.text import Text

type Floats = NDArray[np.float64]
type Mask = NDArray[np.bool_]


def make_table(
    points: gpd.GeoDataFrame,
    dataset: xr.Dataset,
    sampled: Mapping[str, Sampled],
    found: Found,
    axes: tuple[Axis, ...],
    warn: Callable[[Text], None],
) -> Table:
    """
    Put rows together.

    Parameters
    ----------
    points : geopandas.GeoDataFrame
        With their own columns.
    dataset : xarray.Dataset
        Of the attributes.
    sampled : dict of Sampled
        By variable.
    found : Found
    axes : tuple of Axis
        Time before levels before others, those of the first variable first.
    warn : callable
        Is told of columns that were renamed.

    Returns
    -------
    Table
        Blocks are made when they are asked for.
    """
    settled = settle(points)
    rows = _Rows(settled, sampled, found, axes, warn)
    attributes = _attributes(dataset)
    return Table(
        frames=rows.blocks,
        rows=rows.count,
        columns=rows.columns(dataset),
        shown=rows.names[next(iter(sampled))],
        attributes=attributes,
        report={"points": _count_states(found)},
        series=lambda: make_series(settled, dataset, sampled, found, axes, attributes),
    )


def _count_states(found: Found) -> dict[str, int]:
    counts = np.bincount(found.state, minlength=len(STATUSES))
    return {
        "inside": int(counts[INSIDE]), "outside": int(counts[OUTSIDE]), "bad_coordinate": int(counts[BAD_COORDINATE])
    }  # fmt: skip


def _attributes(dataset: xr.Dataset) -> dict[str, str]:
    """Keep what the data say of themselves that holds for their values too."""
    kept = (
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
    return {name: text for name in kept if isinstance(text := dataset.attrs.get(name), str) and text.strip()}


class _Rows:
    """Blocks of rows, and what their columns are called."""

    def __init__(
        self,
        points: Block,
        sampled: Mapping[str, Sampled],
        found: Found,
        axes: tuple[Axis, ...],
        warn: Callable[[Text], None],
    ) -> None:
        self.points = points
        self.sampled = sampled
        self.found = found
        self.axes = axes
        self.spread = tuple(each for each in axes if each.spread)
        self.shape = tuple(len(each.labels) for each in self.spread)
        self.each = int(np.prod(self.shape, dtype=np.int64))
        self.count = len(points) * self.each
        computed = [*sampled, "distance_km", "grid_longitude", "grid_latitude", *self._axis_names(), "status"]
        self.names = _fresh_names(computed, [str(name) for name in points.columns], warn)

    def _axis_names(self) -> list[str]:
        order = {"time": 0, "level": 1, "other": 2}
        return [each.name for each in sorted(self.axes, key=lambda each: order[each.kind])]

    def blocks(self) -> Iterator[Block]:
        """Give the rows, those of a point behind each other."""
        step = max(BLOCK_ROWS // max(self.each, 1), 1)
        if not len(self.points):
            yield self._block(slice(0, 0))
        for start in range(0, len(self.points), step):
            yield self._block(slice(start, min(start + step, len(self.points))))

    def _block(self, points: slice) -> Block:
        own = self.points.iloc[np.repeat(np.arange(points.start, points.stop), self.each)].reset_index(drop=True)
        values = {name: each.values(points) for name, each in self.sampled.items()}
        state = self._state(points, {name: missing for name, (_, missing) in values.items()})
        made: dict[str, Any] = {}
        for name, (numbers, missing) in values.items():
            each = self.sampled[name]
            made[name] = _column(self._spread(numbers, each), self._spread(missing, each), whole=each.is_whole)
        made |= self._cells(points)
        made |= dict(self._steps(points))
        made["status"] = pd.array(np.array(STATUSES, dtype=object)[state], dtype="string")
        ordered = {self.names[name]: made[name] for name in self.names}
        added = pd.DataFrame(ordered, index=own.index)
        joined = pd.concat([own, added], axis=1)
        if isinstance(self.points, gpd.GeoDataFrame):
            return gpd.GeoDataFrame(joined, geometry=self.points.active_geometry_name, crs=self.points.crs)
        return joined

    def _spread(self, values: NDArray[Any], sampled: Sampled) -> NDArray[Any]:
        """Give values a place for each row, repeated along dimensions that a variable lacks."""
        order = [sampled.rest.index(each.dim) + 1 for each in self.spread if each.dim in sampled.rest]
        turned = values.transpose(0, *order)
        shape = [len(values)] + [len(each.labels) if each.dim in sampled.rest else 1 for each in self.spread]
        return np.broadcast_to(turned.reshape(shape), (len(values), *self.shape)).reshape(-1)

    def _state(self, points: slice, missing: Mapping[str, Mask]) -> NDArray[np.int8]:
        """Say of each row what its values are: all there, or not, and why."""
        state = np.repeat(self.found.state[points], self.each)
        gone = np.zeros(len(state), dtype=bool)
        for name, each in missing.items():
            gone |= self._spread(each, self.sampled[name])
        return np.where(gone & (state == INSIDE), MISSING_VALUE, state).astype(np.int8)

    def _cells(self, points: slice) -> dict[str, Floats]:
        """Say where the cell of each row is."""
        first = next(iter(self.sampled.values()))
        nearest = self.found.nearest
        used = self._spread(first.used(points, nearest), first)
        x, y = self.found.centres(used)
        longitudes, latitudes = (
            np.repeat(each[points], self.each) for each in (self.found.longitudes, self.found.latitudes)
        )
        apart = np.round(distance_km(longitudes, latitudes, x, y), 6)  # to a millimetre
        return {"distance_km": apart, "grid_longitude": x, "grid_latitude": y}

    def _steps(self, points: slice) -> Iterator[tuple[str, Any]]:
        """Say which step of each axis each row is of."""
        count = points.stop - points.start
        for axis in self.axes:
            if axis.spread:
                at = self.spread.index(axis)
                shape = [1] * (len(self.shape) + 1)
                shape[at + 1] = len(axis.labels)
                labels = np.broadcast_to(axis.labels.reshape(shape), (count, *self.shape)).reshape(-1)
                yield axis.name, _labels(labels, np.zeros(len(labels), dtype=bool))
            else:
                places = np.repeat(self.found.chosen[axis.dim][points], self.each)
                labels = axis.labels[np.maximum(places, 0)] if len(axis.labels) else np.full(len(places), None)
                yield axis.name, _labels(labels, places < 0)

    def columns(self, dataset: xr.Dataset) -> tuple[Column, ...]:
        """Say what the computed columns are."""
        made = {name: _variable_column(name, dataset.variables[name], self.found.is_nearest) for name in self.sampled}
        made |= _CELL_COLUMNS | {each.name: _axis_column(each, dataset) for each in self.axes}
        return tuple(
            Column(name=new, title=made[old].title, unit=made[old].unit, definition=made[old].definition)
            for old, new in self.names.items()
        )


def _fresh_names(computed: list[str], own: list[str], warn: Callable[[Text], None]) -> dict[str, str]:
    """Give computed columns names that the points do not have already."""
    names: dict[str, str] = {}
    for name in computed:
        new = name
        while new in own or new in names.values():
            new = f"grid_{new}"
        names[name] = new
    changed = {name: new for name, new in names.items() if name != new}
    if changed:
        listed = ", ".join(f"{name} → {new}" for name, new in changed.items())
        warn(
            Text(
                en=f"The points have columns of these names already; ours are called differently: {listed}.",
                fr=f"Les points ont déjà des colonnes de ces noms ; les nôtres s'appellent autrement : {listed}.",
            )
        )
    return names


def _column(values: NDArray[Any], missing: Mask, *, whole: bool) -> Any:
    """Make a column of numbers; whole ones stay whole, with their gaps."""
    if whole:
        return pd.arrays.IntegerArray(np.where(missing, values.dtype.type(0), values), missing)
    gaps: NDArray[Any] = np.where(missing, values.dtype.type(np.nan), values)
    return gaps


def _labels(labels: NDArray[Any], missing: Mask) -> Any:
    """Make a column of what steps are called."""
    if labels.dtype.kind in "OSU":
        return pd.array(_with_gaps(labels, missing), dtype="string")
    return np.where(missing, np.nan, labels) if labels.dtype.kind == "f" else _column(labels, missing, whole=True)


def _with_gaps(labels: NDArray[Any], missing: Mask) -> NDArray[Any]:
    made = labels.astype(object)
    made[missing] = None
    return made


# --- what columns are -----------------------------------------------------------------------------------------------


def _variable_column(name: str, variable: xr.Variable, is_nearest: bool) -> Column:
    title = text_of(variable, "long_name") or text_of(variable, "standard_name").replace("_", " ") or name
    standard = text_of(variable, "standard_name")
    en = (
        f"{title} in the cell of the point"
        if is_nearest
        else f"{title}, interpolated between the centres around the point"
    )
    fr = f"{title}, dans la maille du point" if is_nearest else f"{title}, interpolé entre les centres autour du point"
    told = f" (CF: {standard})" if standard else ""
    return Column(
        name=name,
        title=Text(en=title, fr=title),
        unit=text_of(variable, "units") or None,
        definition=Text(en=f"{en}{told}.", fr=f"{fr}{told}."),
    )


def _axis_column(axis: Axis, dataset: xr.Dataset) -> Column:
    variable = None if axis.variable is None else dataset.variables[axis.variable]
    if axis.kind == "time":
        calendar = ("" if variable is None else text_of(variable, "calendar")) or "standard"
        return Column(
            name=axis.name,
            title=Text(en="Time of the data", fr="Temps des données"),
            unit=None,
            definition=Text(
                en=f"Time coordinate of the value, ISO 8601 in the calendar of the data ({calendar}).",
                fr=f"Coordonnée de temps de la valeur, ISO 8601 dans le calendrier des données ({calendar}).",
            ),
        )
    title = axis.name if variable is None else text_of(variable, "long_name") or axis.name
    return Column(
        name=axis.name,
        title=Text(en=title, fr=title),
        unit=None if variable is None else text_of(variable, "units") or None,
        definition=Text(
            en=f"Place of the value along {axis.variable or axis.dim}.",
            fr=f"Place de la valeur le long de {axis.variable or axis.dim}.",
        ),
    )


_CELL_COLUMNS = {
    "distance_km": Column(
        name="distance_km",
        title=Text(en="Distance", fr="Distance"),
        unit="km",
        definition=Text(
            en="Great-circle distance from the point to the centre of the nearest cell, on a sphere of 6371 km.",
            fr="Distance orthodromique du point au centre de la maille la plus proche, sur une sphère de 6371 km.",
        ),
    ),
    "grid_longitude": Column(
        name="grid_longitude",
        title=Text(en="Longitude of the cell", fr="Longitude de la maille"),
        unit="degrees_east",
        definition=Text(
            en="Longitude of the centre of the nearest cell, in the frame of the data.",
            fr="Longitude du centre de la maille la plus proche, dans le repère des données.",
        ),
    ),
    "grid_latitude": Column(
        name="grid_latitude",
        title=Text(en="Latitude of the cell", fr="Latitude de la maille"),
        unit="degrees_north",
        definition=Text(
            en="Latitude of the centre of the nearest cell.",
            fr="Latitude du centre de la maille la plus proche.",
        ),
    ),
    "status": Column(
        name="status",
        title=Text(en="Status", fr="État"),
        unit=None,
        definition=Text(
            en="`ok`; `missing_value`: a variable has no value here or at this time; `outside`: the point lies in no cell; "
            "`bad_coordinate`: it is no place on the earth.",
            fr="`ok` ; `missing_value` : une variable n'a pas de valeur ici ou à ce temps ; `outside` : le point n'est dans "
            "aucune maille ; `bad_coordinate` : il n'est aucun lieu de la terre.",
        ),
    ),
}

"""What a file says of itself, for the catalogue: axes, variables, extent, licence; only headers and coordinates are read."""

import calendar
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_config.datasets import digest_of_parts
from gaia_processes.cube import Axis, Cube, GridKind, Variable
from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.shared.axes import Grid, data_variables, find_grid, find_time, find_vertical, text_of
from gaia_processes.shared.cells import find_extent, read_cells, widest_gap
from gaia_processes.shared.times import TimeAxis, extent, read_time, render, unit_s
from gaia_processes.shared.values import is_categorical, read_numbers
from gaia_processes.shared.vertical import VerticalAxis, read_vertical
from gaia_workers.readers.opening import reader_of
from gaia_workers.readers.series import open_series
from gaia_workers.readers.zarr_stores import digest_of, size_of

_DAY_S = 86400.0
_LISTED_STEPS = 400
_LISTED_LEVELS = 10_000
_LOOKED_AT = 1_000
"""So many rows and columns of a projected grid tell its extent."""

type Box = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """
    What a catalogue publishes of a file.

    Attributes
    ----------
    cube : Cube
        Axes and variables.
    title, licence : str or None
        As the file says.
    bbox : tuple of 4 float or None
        West, south, east, north in degrees, -180 to 180; west > east crosses the antimeridian.
    interval : tuple of 2 str or None
        First and last instant in UTC, for discovery: dates of other calendars go to the nearest that exists.
    size_bytes : int
        Of the file, or of all.
    sha256 : str
        Of the file, hexadecimal; of a folder as `gaia_workers.readers.zarr_stores.digest_of` says, of several as `gaia_config.datasets.digest_of_parts` says.
    digests : tuple of str
        Of each file.
    media_type : str
        Of each file.
    keywords : tuple of str
        The file's own, and the standard names of its data.
    variables : tuple of str
        Names of the data variables.
    """

    cube: Cube
    title: str | None
    licence: str | None
    bbox: Box | None
    interval: tuple[str | None, str | None]
    size_bytes: int
    sha256: str
    digests: tuple[str, ...]
    media_type: str
    keywords: tuple[str, ...]
    variables: tuple[str, ...]


def read_header(*paths: Path) -> Header:
    """
    Read what a file, or a series of files along time, says of itself.

    Parameters
    ----------
    *paths : Path
        A file of any format that is read (NetCDF, GeoTIFF, Zarr), or files in the order of time.

    Returns
    -------
    Header
        For the catalogue.

    Raises
    ------
    UnreadableData
        As `gaia_workers.readers.series.open_series`.
    """
    with open_series(paths, threads=1) as dataset:
        names = data_variables(dataset)
        grids = {name: find_grid(dataset, name) for name in names}
        grid = _main_grid(grids)
        times = _read_times(dataset, names)
        bbox = _find_bbox(dataset, grid)
        cube = Cube.from_stac(
            {
                "cube:dimensions": _axes(dataset, names, grids, times),
                "cube:variables": _variables(dataset, names, _stored_bytes(paths)),
                "gaia:grid": grid.kind,
                "gaia:bbox": bbox,
            }
        )
        attrs = dict(dataset.attrs)
        keywords = _keywords(dataset, names)
    digests = tuple(digest_of(path) for path in paths)
    return Header(
        cube=cube,
        title=_text(attrs, "title"),
        licence=_text(attrs, "license") or _text(attrs, "licence"),
        bbox=bbox,
        interval=_interval(times),
        size_bytes=sum(size_of(path) for path in paths),
        sha256=digest_of_parts(digests),
        digests=digests,
        media_type=reader_of(paths[0])[1],
        keywords=keywords,
        variables=names,
    )


def _stored_bytes(paths: Sequence[Path]) -> dict[str, int]:
    """Add up what the values of each variable take in all files; what is the same in each is read of the first alone."""
    sizes = Counter[str]()
    for path in paths:
        sizes.update(reader_of(path)[0].stored_bytes(path))
    return dict(sizes)


def _text(attrs: dict[str, Any], name: str) -> str | None:
    value = attrs.get(name)
    return value.strip() or None if isinstance(value, str) else None


def _keywords(dataset: xr.Dataset, names: tuple[str, ...]) -> tuple[str, ...]:
    own = (_text(dict(dataset.attrs), "keywords") or "").split(",")
    standard = [text_of(dataset.variables[name], "standard_name") for name in names]
    return tuple(dict.fromkeys(word.strip() for word in (*own, *standard) if word.strip()))


def _main_grid(grids: dict[str, Grid]) -> Grid:
    """Give the grid that most of the data lie on."""
    kinds: Counter[GridKind] = Counter(grid.kind for grid in grids.values() if grid.kind != "none")
    if not kinds:
        return next(iter(grids.values()), Grid(kind="none"))
    common = kinds.most_common(1)[0][0]
    return next(grid for grid in grids.values() if grid.kind == common)


def _find_bbox(dataset: xr.Dataset, grid: Grid) -> Box | None:
    """Give the box around the centres of the cells; None where there are none that make sense."""
    try:
        found = _extent_of(dataset, grid)
    except DatasetUnsuitable:
        return None  # an unknown grid mapping: the data are published all the same
    if found is None or not all(np.isfinite(found)) or found[1] < -90.001 or found[3] > 90.001:
        return None
    west, south, east, north = (round(edge, 6) for edge in found)
    return west, max(south, -90.0), east, min(north, 90.0)


def _extent_of(dataset: xr.Dataset, grid: Grid) -> Box | None:
    if grid.kind in {"rotated", "curvilinear", "projected"}:
        return find_extent(read_cells(_thinned(dataset, grid), grid))
    if grid.longitude is None or grid.latitude is None:
        return None
    longitudes, latitudes = (read_numbers(dataset.variables[each]).ravel() for each in (grid.longitude, grid.latitude))
    if grid.kind == "regular" and np.isnan([*longitudes, *latitudes]).any():
        return None
    known = np.isfinite(longitudes[: len(latitudes)]).any() and np.isfinite(latitudes).any()
    if not known:
        return None
    west, east = widest_gap(longitudes[np.isfinite(longitudes)], least_gap_deg=0.0 if grid.kind == "regular" else 5.0)
    return west, float(np.nanmin(latitudes)), east, float(np.nanmax(latitudes))


def _thinned(dataset: xr.Dataset, grid: Grid) -> xr.Dataset:
    """Leave out rows and columns of a large plane that nothing but its mapping places: its edges are in the extent all the same."""
    if grid.longitude is not None:
        return dataset
    kept = {
        dim: np.unique(np.linspace(0, dataset.sizes[dim] - 1, _LOOKED_AT).round().astype(np.intp))
        for dim in (str(grid.y_dim), str(grid.x_dim))
        if dataset.sizes[dim] > _LOOKED_AT
    }
    return dataset.isel(kept)


# --- axes -----------------------------------------------------------------------------------------------------------


def _read_times(dataset: xr.Dataset, names: tuple[str, ...]) -> dict[str, TimeAxis | None]:
    """Give the time coordinates of the data by name; None for those that are no dates."""
    found: dict[str, TimeAxis | None] = {}
    for name in names:
        coordinate = find_time(dataset, name)
        if coordinate is None or coordinate in found:
            continue
        try:
            found[coordinate] = read_time(dataset, coordinate)
        except DatasetUnsuitable:
            found[coordinate] = None  # published as an axis without dates; a request for dates says why
    return found


def _axes(
    dataset: xr.Dataset, names: tuple[str, ...], grids: dict[str, Grid], times: dict[str, TimeAxis | None]
) -> dict[str, Axis]:
    axes: dict[str, Axis] = {}
    for name, axis in times.items():
        variable = dataset.variables[name]
        if variable.ndim:
            axes[str(variable.dims[0])] = _time_axis(variable, axis)
    for name in names:
        axes |= {dim: axis for dim, axis in _spatial_axes(dataset, name, grids[name]).items() if dim not in axes}
    for name in names:
        for dim in map(str, dataset.variables[name].dims):
            axes.setdefault(dim, Axis(type="other", size=dataset.sizes[dim]))
    return axes


def _time_axis(variable: xr.Variable, axis: TimeAxis | None) -> Axis:
    unit, size = text_of(variable, "units") or None, int(variable.size)
    calendar_name = text_of(variable, "calendar").lower() or None
    if axis is None or not len(axis.values):
        return Axis(type="temporal", unit=unit, size=size, calendar=calendar_name)
    listed = _render_all(axis, axis.values) if size <= _LISTED_STEPS else None
    return Axis(
        type="temporal",
        extent=extent(axis),
        values=listed,
        unit=unit,
        size=size,
        calendar=axis.calendar,
        bounds=_render_bounds(axis) if listed is not None else None,
        step_days=_step_days(axis),
    )


def _step_days(axis: TimeAxis) -> float | None:
    """Give the median distance of neighbouring steps; None of a single instant."""
    apart = np.diff(np.unique(axis.values))
    return round(float(np.median(apart)) * unit_s(axis.units) / _DAY_S, 6) if len(apart) else None


def _render_all(axis: TimeAxis, values: NDArray[np.float64]) -> tuple[str, ...]:
    return tuple(render(axis, float(value)) for value in values)


def _render_bounds(axis: TimeAxis) -> tuple[tuple[str, str], ...] | None:
    """Give the bounds of each step; None where text does not tell the steps exactly, so that nobody judges by it."""
    if not axis.is_of_whole_seconds:
        return None
    if axis.bounds is None:
        return ()
    return tuple(zip(_render_all(axis, axis.bounds[:, 0]), _render_all(axis, axis.bounds[:, 1]), strict=True))


def _spatial_axes(dataset: xr.Dataset, name: str, grid: Grid) -> dict[str, Axis]:
    axes = {}
    own = (
        ("x", grid.x_dim, grid.longitude if grid.kind == "regular" else grid.x),
        ("y", grid.y_dim, grid.latitude if grid.kind == "regular" else grid.y),
    )
    for which, dim, coordinate in own:
        if dim is not None and grid.y_dim is not None:
            axes[dim] = _plane_axis(dataset, which, dim, coordinate)
    vertical = find_vertical(dataset, name)
    if vertical:
        levels, *others = (read_vertical(dataset, each) for each in vertical)
        axes[levels.dim] = _vertical_axis(levels).model_copy(update={"others": tuple(map(_vertical_axis, others))})
    return axes


def _plane_axis(dataset: xr.Dataset, which: Any, dim: str, coordinate: str | None) -> Axis:
    size = dataset.sizes[dim]
    if coordinate is None:
        return Axis(type="spatial", axis=which, size=size)
    variable = dataset.variables[coordinate]
    return Axis(
        type="spatial",
        axis=which,
        size=size,
        unit=text_of(variable, "units") or None,
        extent=_ends(read_numbers(variable)),
    )


def _ends(values: NDArray[np.float64]) -> tuple[float, float] | None:
    known = values[np.isfinite(values)]
    return (float(known.min()), float(known.max())) if known.size else None


def _vertical_axis(levels: VerticalAxis) -> Axis:
    known = levels.values[np.isfinite(levels.values)][:_LISTED_LEVELS]
    return Axis(
        type="spatial",
        axis="z",
        size=len(levels.values),
        unit=levels.unit or None,
        positive="down" if levels.positive == "down" else "up" if levels.positive == "up" else None,
        extent=_ends(levels.values),
        values=tuple(float(value) for value in known),
    )


# --- variables ------------------------------------------------------------------------------------------------------


def _variables(dataset: xr.Dataset, names: tuple[str, ...], sizes: dict[str, int]) -> dict[str, Variable]:
    return {
        name: _variable(dataset.variables[name], is_data=name in names, size_bytes=sizes[name])
        for name in dataset.encoding["order"]
    }


def _variable(variable: xr.Variable, *, is_data: bool, size_bytes: int) -> Variable:
    return Variable(
        dimensions=tuple(str(dim) for dim in variable.dims),
        type="data" if is_data else "auxiliary",
        unit=text_of(variable, "units") or None,
        description=text_of(variable, "long_name") or text_of(variable, "standard_name") or None,
        standard_name=text_of(variable, "standard_name") or None,
        cell_methods=text_of(variable, "cell_methods") or None,
        shape=variable.shape,
        chunks=variable.encoding["chunksizes"],
        dtype="string" if variable.dtype.kind == "O" else variable.dtype.name,
        stored_bytes=size_bytes,
        categorical=True if is_categorical(variable) else None,
    )


# --- time for discovery ---------------------------------------------------------------------------------------------


def _interval(times: dict[str, TimeAxis | None]) -> tuple[str | None, str | None]:
    """Give the first and the last instant of all time axes in the calendar of the world."""
    ends = [extent(axis) for axis in times.values() if axis is not None and len(axis.values)]
    if not ends:
        return None, None
    return _as_utc(min(first for first, _ in ends)), _as_utc(max(last for _, last in ends))


def _as_utc(text: str) -> str | None:
    """Bring a date of any calendar to the nearest day before that exists; None beyond the years that RFC 3339 has."""
    date, clock = text.split("T")
    if date.startswith("-"):
        return None
    year, month, day = (int(part) for part in date.split("-"))
    if not 1 <= year <= 9999:
        return None
    return f"{year:04d}-{month:02d}-{min(day, calendar.monthrange(year, month)[1]):02d}T{clock}Z"

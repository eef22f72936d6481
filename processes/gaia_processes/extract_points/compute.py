"""
Values of gridded data at points: of the nearest cell, or interpolated between the centres around.

Points keep their order, their repetitions and their columns. What is read of the data is read once, chunk by chunk. Rules:
`docs/science.md` and the modules of `gaia_processes.shared`, one a subject.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.errors import DatasetUnsuitable, Fault, InvalidInputs
from gaia_processes.extract_points.found import BAD_COORDINATE, INSIDE, OUTSIDE, Axis, Found
from gaia_processes.extract_points.rows import make_table
from gaia_processes.extract_points.samples import Chosen, Layout, Sampled, Shares, search_coast
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.duration import Duration
from gaia_processes.inputs.interval import Interval
from gaia_processes.inputs.levels import Levels
from gaia_processes.shared.axes import Grid, data_variables, find_grid, find_time, find_vertical
from gaia_processes.shared.cutting.cut import cut
from gaia_processes.shared.latitude import latitudes_between
from gaia_processes.shared.longitude import longitudes_between
from gaia_processes.shared.moments import TimeMethod, match_steps, read_moments
from gaia_processes.shared.points import coordinates_of
from gaia_processes.shared.sphere import distance_km
from gaia_processes.shared.stencils import KINDS, Corners, Horizontal, PoleShare, find_horizontal
from gaia_processes.shared.table import Table
from gaia_processes.shared.times import TimeAxis, counts_dates, read_time, render
from gaia_processes.shared.values import read_numbers
from gaia_processes.shared.vertical import VerticalAxis, read_vertical
from gaia_processes.text import Text

type Method = Literal["nearest", "bilinear"]
type Warn = Callable[[Text], None]
type Progress = Callable[[float, float], None]
type Floats = NDArray[np.float64]
type Places = NDArray[np.intp]
type Mask = NDArray[np.bool_]

_EXACT = np.dtype(np.float64)
_LEVEL_RELATIVE = 1e-3
_POINTS_AT_ONCE = 2**17


def _no_progress(done: float, total: float) -> None:
    """Tell nobody."""


def compute(
    dataset: xr.Dataset,
    points: gpd.GeoDataFrame,
    *,
    method: Method = "nearest",
    variables: tuple[str, ...] | None = None,
    bbox: Bbox | None = None,
    datetime: Interval | None = None,
    levels: Levels | None = None,
    nearest_level: bool = False,
    match_time: str | None = None,
    time_method: TimeMethod | None = None,
    time_tolerance: Duration | None = None,
    match_level: str | None = None,
    min_valid_fraction: float = 0.5,
    max_distance_km: float | None = None,
    nearest_valid_km: float | None = None,
    encoding: str = "utf-8",  # noqa: ARG001 - heeded by whoever opens the points
    warn: Warn,
    progress: Progress = _no_progress,
) -> Table:
    """
    Take values at points.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded (as `gaia_workers.readers` gives it).
    points : geopandas.GeoDataFrame
        Points in any reference system, with columns of their own; a missing or empty geometry is a bad coordinate.
    method : {"nearest", "bilinear"}
        The nearest cell (of an image the pixel that holds the point), or between the four centres around.
    variables, datetime, levels, nearest_level
        As of `subset`; with `match_level`, `nearest_level` takes the nearest level where none is equal.
    bbox : Bbox, optional
        Points that do not lie in it are outside.
    match_time, match_level : str, optional
        Columns of the points with the time and the level (in the unit of the data) of each. Default: all of them.
    time_method : {"nearest", "containing", "linear"}, optional
        How a time chooses a step. Default: `containing` where the data have bounds of time, else `nearest`.
    time_tolerance : Duration, optional
        How far a step may be from a time. Default: half a step.
    min_valid_fraction : float
        With `bilinear`: share of the weight that must hold values.
    max_distance_km : float, optional
        How far the nearest centre may be. Default: its cell must hold the point.
    nearest_valid_km : float, optional
        How far away a value is looked for where the nearest cell holds none. Default: nowhere.
    encoding : str
        Of points that are text: they arrive opened by it.
    warn, progress : callable
        Are told what a person should know, and how much is read.

    Returns
    -------
    Table
        The points' own columns, the variables, `distance_km`, `grid_longitude`, `grid_latitude`, `time`, `status`; a row for
        each point, or for each point and step (and level).

    Raises
    ------
    InvalidInputs
        A variable or a column that is not there.
    SelectionEmpty
        No step or level is left.
    DatasetUnsuitable
        The data have no grid, several grids, or no time or level to choose by.
    """
    _demand_columns(points, match_time=match_time, match_level=match_level)
    part = cut(dataset, variables=variables, datetime=datetime, levels=levels, nearest_level=nearest_level, warn=warn)
    names, grid = _find_variables(part, warn)
    horizontal = find_horizontal(part, grid)
    where = _locate(points, horizontal, bbox, max_distance_km)
    chosen = _choose(
        part, names, points,
        times=_Times(column=match_time, method=time_method, tolerance=time_tolerance),
        level_column=match_level, nearest_level=nearest_level, warn=warn,
    )  # fmt: skip
    shares = _shares(horizontal, where, method)
    reading = _Reading(
        method=method, least=min_valid_fraction, within_km=nearest_valid_km, where=where, shares=shares, chosen=chosen
    )
    sampled = {
        name: _sample(part.variables[name], grid, horizontal, reading, _portion(progress, at, len(names)))
        for at, name in enumerate(names)
    }
    _tell(where, chosen, warn)
    found = Found(
        longitudes=where.longitudes,
        latitudes=where.latitudes,
        nearest=where.nearest,
        state=where.state,
        centres=horizontal.centres,
        chosen={each.dim: each.first for each in chosen.values()},
        is_nearest=method == "nearest",
    )
    return make_table(points, part, sampled, found, _axes(part, names, sampled, chosen), warn)


# --- points ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _Where:
    """
    Where the points lie.

    Attributes
    ----------
    longitudes, latitudes : array of float, shape (points,)
        Degrees; NaN for bad coordinates.
    nearest : array of int, shape (points,)
        The nearest cell, counted row by row; -1 for bad coordinates.
    state : array of int, shape (points,)
        `INSIDE`, `OUTSIDE` or `BAD_COORDINATE`.
    """

    longitudes: Floats
    latitudes: Floats
    nearest: Places
    state: NDArray[np.int8]


def _demand_columns(points: gpd.GeoDataFrame, **columns: str | None) -> None:
    own = [str(name) for name in points.columns if name != points.active_geometry_name]
    faults = [
        Fault(
            input=name,
            pointer=f"/inputs/{name}",
            given=column,
            allowed=tuple(own),
            problem=Text(
                en=f"The points have no column {column!r}; they have {', '.join(own) or 'none'}.",
                fr=f"Les points n'ont pas de colonne {column!r} ; ils ont {', '.join(own) or 'aucune'}.",
            ),
        )
        for name, column in columns.items()
        if column is not None and column not in own
    ]
    if faults:
        raise InvalidInputs(faults)


def _positions(points: gpd.GeoDataFrame) -> tuple[Floats, Floats]:
    """Give longitudes and latitudes; NaN where they are no place on the earth."""
    geometry = points.geometry
    if geometry.crs is not None and not geometry.crs.is_geographic:
        geometry = geometry.to_crs("OGC:CRS84")
    x, y = coordinates_of(geometry.to_numpy())
    good = np.isfinite(x) & np.isfinite(y) & (np.abs(y) <= 90.0) & (np.abs(x) <= 360.0)
    return np.where(good, x, np.nan), np.where(good, y, np.nan)


def _locate(
    points: gpd.GeoDataFrame, horizontal: Horizontal, bbox: Bbox | None, max_distance_km: float | None
) -> _Where:
    """Find the nearest cell of every point, and whether it counts."""
    longitudes, latitudes = _positions(points)
    nearest, inside = np.full(len(longitudes), -1, dtype=np.intp), np.zeros(len(longitudes), dtype=bool)
    for some in _blocks(len(longitudes)):
        nearest[some], inside[some] = horizontal.nearest(longitudes[some], latitudes[some])
    bad = ~np.isfinite(longitudes)
    nearest[bad] = -1
    if max_distance_km is not None:
        x, y = horizontal.centres(nearest)
        inside = distance_km(longitudes, latitudes, x, y) <= max_distance_km
    if bbox is not None:
        inside &= longitudes_between(longitudes, west=bbox.west, east=bbox.east, stored=_EXACT)
        inside &= latitudes_between(latitudes, south=bbox.south, north=bbox.north, stored=_EXACT)
    state = np.where(bad, BAD_COORDINATE, np.where(inside & (nearest >= 0), INSIDE, OUTSIDE)).astype(np.int8)
    return _Where(longitudes=longitudes, latitudes=latitudes, nearest=nearest, state=state)


def _blocks(count: int) -> Iterator[slice]:
    for start in range(0, count, _POINTS_AT_ONCE):
        yield slice(start, min(start + _POINTS_AT_ONCE, count))


# --- what is chosen along time and levels ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _Times:
    """By which column, and how, times choose steps."""

    column: str | None
    method: TimeMethod | None
    tolerance: Duration | None


def _choose(
    part: xr.Dataset,
    names: tuple[str, ...],
    points: gpd.GeoDataFrame,
    *,
    times: _Times,
    level_column: str | None,
    nearest_level: bool,
    warn: Warn,
) -> dict[str, Chosen]:
    """Choose a step and a level for each point where it has a column for them: by `time` and `level`."""
    chosen: dict[str, Chosen] = {}
    if times.column is not None:
        chosen["time"] = _choose_steps(_time_axis(part, names), points[times.column], times, warn)
    if level_column is not None:
        chosen["level"] = _choose_levels(_vertical_axis(part, names), points[level_column], nearest=nearest_level)
    return chosen


def _time_axis(part: xr.Dataset, names: tuple[str, ...]) -> TimeAxis:
    found = {each for each in (find_time(part, name) for name in names) if each and part.variables[each].ndim}
    if len(found) != 1:
        there = ", ".join(sorted(found)) or "-"
        raise DatasetUnsuitable(
            Text(
                en=f"match_time needs variables with one axis of time; here there are {len(found)} ({there}). Name variables that share one, or leave match_time out.",
                fr=f"match_time demande des variables avec un seul axe de temps ; il y en a {len(found)} ({there}). Nommez des variables qui en partagent un, ou omettez match_time.",
            )
        )
    return read_time(part, found.pop())


def _choose_steps(axis: TimeAxis, column: "pd.Series[Any]", times: _Times, warn: Warn) -> Chosen:
    moments = read_moments(column, axis)
    unread = int(np.count_nonzero(~np.isfinite(moments.start)))
    if unread:
        warn(
            Text(
                en=f"{unread} points have no time in {times.column} that can be read (as 2001-03-05 or 2001-03-05T12:00:00Z); their values are missing.",
                fr=f"{unread} points n'ont pas dans {times.column} de temps lisible (comme 2001-03-05 ou 2001-03-05T12:00:00Z) ; leurs valeurs sont manquantes.",
            )
        )
    method = times.method or ("containing" if axis.bounds is not None else "nearest")
    if method == "containing" and axis.bounds is None:
        raise DatasetUnsuitable(
            Text(
                en=f"time_method containing needs bounds of time, which {axis.name!r} does not have; nearest and linear are right.",
                fr=f"time_method containing demande des bornes de temps, que {axis.name!r} n'a pas ; nearest et linear conviennent.",
            )
        )
    tolerance_s = None if times.tolerance is None else times.tolerance.seconds
    steps = match_steps(axis, moments, method, tolerance_s)
    return Chosen(dim=str(axis.dim), first=steps.first, second=steps.second, share=steps.share)


def _vertical_axis(part: xr.Dataset, names: tuple[str, ...]) -> VerticalAxis:
    found = {each[0] for each in (find_vertical(part, name) for name in names) if each}
    if len(found) != 1:
        there = ", ".join(sorted(found)) or "-"
        raise DatasetUnsuitable(
            Text(
                en=f"match_level needs variables with one axis of levels; here there are {len(found)} ({there}). Name variables that share one, or leave match_level out.",
                fr=f"match_level demande des variables avec un seul axe de niveaux ; il y en a {len(found)} ({there}). Nommez des variables qui en partagent un, ou omettez match_level.",
            )
        )
    return read_vertical(part, found.pop())


def _choose_levels(axis: VerticalAxis, column: "pd.Series[Any]", *, nearest: bool) -> Chosen:
    """Choose the nearest level, equal to a thousandth unless any is right."""
    wanted = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    order = np.argsort(axis.values, kind="stable")
    values = axis.values[order]
    behind = np.clip(np.searchsorted(values, wanted), 1, max(len(values) - 1, 1))
    before, behind = behind - 1, np.minimum(behind, len(values) - 1)
    at = np.where(np.abs(wanted - values[before]) <= np.abs(values[behind] - wanted), before, behind)
    near = np.isfinite(wanted)
    if not nearest:
        near &= np.abs(values[at] - wanted) <= _LEVEL_RELATIVE * np.abs(wanted) + 1e-12
    return Chosen.at(axis.dim, np.where(near, order[at], -1).astype(np.intp))


# --- variables ------------------------------------------------------------------------------------------------------


def _find_variables(part: xr.Dataset, warn: Warn) -> tuple[tuple[str, ...], Grid]:
    """Find the variables with values at points, and the one grid on which they lie."""
    grids = {name: find_grid(part, name) for name in data_variables(part) if part.variables[name].dtype.kind in "iuf"}
    on_grid = {name: each for name, each in grids.items() if each.kind in KINDS}
    dims = {(each.y_dim, each.x_dim) for each in on_grid.values()}
    if not on_grid:
        kinds = ", ".join(sorted({each.kind for each in grids.values()})) or "none"
        raise DatasetUnsuitable(
            Text(
                en=f"No values can be taken at points: no variable lies on a grid of rows and columns (here: {kinds}).",
                fr=f"Aucune valeur ne peut être prise en des points : aucune variable n'est sur une grille de lignes et de colonnes (ici : {kinds}).",
            )
        )
    if len(dims) > 1:
        listed = "; ".join(f"{name} ({each.y_dim}, {each.x_dim})" for name, each in on_grid.items())
        raise DatasetUnsuitable(
            Text(
                en=f"The variables lie on several grids: {listed}. Name those of one grid in variables.",
                fr=f"Les variables sont sur plusieurs grilles : {listed}. Nommez celles d'une seule dans variables.",
            )
        )
    lost = [name for name in data_variables(part) if name not in on_grid]
    if lost:
        warn(
            Text(
                en=f"Left out, for they do not lie on rows and columns: {', '.join(lost)}.",
                fr=f"Laissées de côté, car elles ne sont pas sur des lignes et des colonnes : {', '.join(lost)}.",
            )
        )
    return tuple(on_grid), next(iter(on_grid.values()))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reading:
    """How values are taken, and where."""

    method: Method
    least: float
    within_km: float | None
    where: _Where
    shares: Shares
    chosen: Mapping[str, Chosen]


def _shares(horizontal: Horizontal, where: _Where, method: Method) -> Shares:
    """Say which cells each point takes from."""
    wanted = where.state == INSIDE
    if method == "nearest":
        return Shares.of_nearest(np.where(wanted, where.nearest, -1))
    parts = [horizontal.corners(where.longitudes[some], where.latitudes[some]) for some in _blocks(len(wanted))]
    return Shares.of_corners(_joined(parts), wanted) if parts else Shares.of_nearest(where.nearest)


def _joined(parts: list[Corners]) -> Corners:
    """Put corners that were found block by block behind each other."""
    most = max(each.places.shape[1] for each in parts)
    widened = [
        [np.pad(each, ((0, 0), (0, most - each.shape[1]))) for each in (part.places, part.shares)] for part in parts
    ]
    places, shares = (np.concatenate(each) for each in zip(*widened, strict=True))
    ends = np.cumsum([0, *(len(part.places) for part in parts)])
    poles = []
    for at, part in enumerate(parts):
        for pole in part.poles:
            whole = np.zeros(len(places))
            whole[ends[at] : ends[at + 1]] = pole.shares
            poles.append(PoleShare(cells=pole.cells, shares=whole))
    return Corners(places=places, shares=shares, poles=tuple(poles))


def _sample(
    variable: xr.Variable, grid: Grid, horizontal: Horizontal, reading: _Reading, progress: Progress
) -> Sampled:
    """Read the values of one variable."""
    own = tuple(each for each in reading.chosen.values() if each.dim in variable.dims)
    layout = Layout(y_dim=str(grid.y_dim), x_dim=str(grid.x_dim), columns=horizontal.shape[1], chosen=own)
    least = None if reading.method == "nearest" or _is_categorical(variable) else reading.least
    shares = reading.shares
    if reading.method == "bilinear" and least is None:
        shares = Shares.of_nearest(np.where(reading.where.state == INSIDE, reading.where.nearest, -1))
    sampled = Sampled(variable, layout, shares, least=least, progress=progress)
    if reading.within_km is not None:
        wanted = reading.where.state == INSIDE
        for each in own:
            wanted = wanted & (each.first >= 0)
        where = reading.where
        sampled.coast = search_coast(
            sampled, variable, layout, horizontal, where.longitudes, where.latitudes, wanted, reading.within_km
        )
    return sampled


def _is_categorical(variable: xr.Variable) -> bool:
    return "flag_values" in variable.attrs


def _portion(progress: Progress, at: int, count: int) -> Progress:
    """Let one of several variables tell how far it is as a portion of all."""

    def tell(done: float, total: float) -> None:
        progress(at + done / max(total, 1.0), count)

    return tell


def _axes(
    part: xr.Dataset, names: tuple[str, ...], sampled: Mapping[str, Sampled], chosen: Mapping[str, Chosen]
) -> tuple[Axis, ...]:
    """Say what the rows of a point are counted along, and what the steps and levels that were chosen are called."""
    rest = tuple(dict.fromkeys(dim for each in sampled.values() for dim in each.rest))
    by_dim = {each.dim for each in chosen.values()}
    return tuple(_axis(part, names, dim, spread=dim in rest) for dim in dict.fromkeys((*by_dim, *rest)))


def _axis(part: xr.Dataset, names: tuple[str, ...], dim: str, *, spread: bool) -> Axis:
    size = part.sizes[dim]
    time = next(
        (found for name in names if (found := find_time(part, name)) and part.variables[found].dims == (dim,)), None
    )
    if time is not None and counts_dates(part.variables[time]):
        axis = read_time(part, time)
        labels = np.array([render(axis, float(value)) for value in axis.values], dtype=object)
        return Axis(dim=dim, kind="time", name="time", variable=time, labels=labels, spread=spread)
    level = next((axes[0] for name in names if (axes := find_vertical(part, name))), None)
    if level is not None and part.variables[level].dims == (dim,):
        return Axis(
            dim=dim, kind="level", name="level", variable=level,
            labels=read_numbers(part.variables[level]), spread=spread,
        )  # fmt: skip
    own = part.variables.get(dim)
    labels = np.arange(size) if own is None else np.asarray(own.values)
    return Axis(dim=dim, kind="other", name=dim, variable=None if own is None else dim, labels=labels, spread=spread)


def _tell(where: _Where, chosen: Mapping[str, Chosen], warn: Warn) -> None:
    """Say how many points have no values, and why."""
    bad, outside = (int(np.count_nonzero(where.state == each)) for each in (BAD_COORDINATE, OUTSIDE))
    count = len(where.state)
    if bad:
        warn(
            Text(
                en=f"{bad} of {count} points have coordinates that are no place on the earth; their rows have no values.",
                fr=f"{bad} des {count} points ont des coordonnées qui ne sont aucun lieu de la terre ; leurs lignes sont sans valeurs.",
            )
        )
    if outside:
        warn(
            Text(
                en=f"{outside} of {count} points lie outside of the grid; their rows have no values.",
                fr=f"{outside} des {count} points sont hors de la grille ; leurs lignes sont sans valeurs.",
            )
        )
    for name, each in chosen.items():
        unmatched = int(np.count_nonzero((each.first < 0) & (where.state == INSIDE)))
        if unmatched:
            warn(
                Text(
                    en=f"{unmatched} of {count} points match no {name} of the data; their values are missing.",
                    fr=f"{unmatched} des {count} points ne correspondent à aucun {'temps' if name == 'time' else 'niveau'} des données ; leurs valeurs sont manquantes.",
                )
            )

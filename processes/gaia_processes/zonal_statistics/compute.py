"""
Statistics of gridded data in zones: exact shares of cells, area weights, every step of a series.

The shares are found once, and added up block by block along what is stored. Rules: `docs/science.md` and the modules of
`gaia_processes.shared`, one a subject.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr

from gaia_processes.errors import DatasetUnsuitable, Fault, InvalidInputs
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.interval import Interval
from gaia_processes.inputs.levels import Levels
from gaia_processes.shared.aside import HELD_BYTES, let_go
from gaia_processes.shared.axes import Grid, data_variables, find_grid
from gaia_processes.shared.coverage import Coverage, cover
from gaia_processes.shared.cutting.choice import select
from gaia_processes.shared.cutting.cut import cut
from gaia_processes.shared.planes import Plane, Quadrilaterals, read_plane, split
from gaia_processes.shared.table import Table
from gaia_processes.shared.zonal import Stretches, add_block, gather_block, start_sums
from gaia_processes.shared.zones import Geometries, cover_zones, read_zones
from gaia_processes.text import Text
from gaia_processes.zonal_statistics.maps import Maps
from gaia_processes.zonal_statistics.names import BY_WEIGHTS, Statistic, Weighting
from gaia_processes.zonal_statistics.rows import Statistics, make_table, read_axis
from gaia_processes.zonal_statistics.statistics import (
    Columns,
    Wanted,
    Weighed,
    is_laid_aside,
    make_column,
    statistics_of,
)

type Warn = Callable[[Text], None]
type Progress = Callable[[float, float], None]

_ZONES_AT_ONCE = 4096
_MOST_STRETCHES = 2**20
_SAMPLED = 64


def compute(
    dataset: xr.Dataset,
    zones: gpd.GeoDataFrame,
    *,
    variables: tuple[str, ...] | None = None,
    bbox: Bbox | None = None,
    datetime: Interval | None = None,
    levels: Levels | None = None,
    nearest_level: bool = False,
    zone_id: str | None = None,
    statistics: tuple[Statistic, ...] = ("mean",),
    quantiles: tuple[float, ...] | None = None,
    classes: tuple[float, ...] | None = None,
    weighting: Weighting = "area",
    weights: str | None = None,
    min_valid_fraction: float | None = None,
    warn: Warn,
    progress: Progress | None = None,
) -> Table:
    """
    Compute statistics of data in zones.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded (as `gaia_workers.readers` gives it).
    zones : geopandas.GeoDataFrame
        Polygons in any reference system, a row a zone.
    variables, bbox, datetime, levels, nearest_level : optional
        Which part of the data; as in `subset`. Cells that touch the box count.
    zone_id : str, optional
        The column of the zones that names them.
    statistics : tuple of str
        Which.
    quantiles : tuple of float, optional
        0 to 1; of the statistic `quantile`.
    classes : tuple of float, optional
        Values that have a column of `fractions` and `areas`; default: those of the file's `flag_values`, else all there are.
    weighting : {"area", "cells"}
        Whether a cell counts by its area, or each as one.
    weights : str, optional
        The variable of weights of `weighted_mean` and `weighted_sum`.
    min_valid_fraction : float, optional
        Below this share of valid cells a statistic is missing; default 0.
    warn : callable
        Is told what a person should know of the result.
    progress : callable, optional
        Is told how much is done, and of how much.

    Returns
    -------
    Table
        A row for each zone, time step and level, zones in their order.

    Raises
    ------
    InvalidInputs
        A zone without a polygon, a column or variable that is not there, quantiles that are missing.
    DatasetUnsuitable
        The data have no grid of cells.
    """
    _check_options(zones, statistics, quantiles, weights, zone_id)
    geometries = read_zones(zones, zone_id=zone_id, warn=warn)
    chosen = None if variables is None or weights is None else (*variables, *({weights} - set(variables)))
    part = _part(dataset, chosen or variables, bbox, datetime, levels, nearest_level=nearest_level, warn=warn)
    names = tuple(name for name in data_variables(part) if name != weights and (variables is None or name in variables))
    grids = {name: grid for name in names if _is_gridded(grid := find_grid(part, name), part, name)}
    if not grids:
        raise _no_grid(names)
    work = _Work(part, zones, geometries, weights=weights, weighting=weighting, statistics=statistics)
    wanted = {
        name: Wanted(
            statistics=statistics, quantiles=quantiles or (), classes=_classes(part.variables[name], classes),
            least=min_valid_fraction or 0.0,
        )
        for name in grids
    }  # fmt: skip
    found = dict(work.results(grids, wanted, progress or _silent))
    leading = [dim for name in found for dim in found[name].dims]
    axes = tuple(read_axis(part, tuple(grids), dim) for dim in dict.fromkeys(leading))
    ordered = tuple(sorted(axes, key=lambda axis: ("other", "time", "level").index(axis.kind)))
    return make_table(zones, found, ordered, part, zone_id=zone_id, warn=warn)


def warm() -> None:
    """Compile the loops, before tasks are forked."""
    edges = np.array([0.0, 1.0, 2.0])
    coverage = split(cover(np.array([shapely.box(0.5, 0.5, 1.5, 1.5)]), edges, edges), 1)
    own = Stretches.of(coverage, np.ones(len(coverage.rows)))
    for dtype in (np.float32, np.float64):
        for steps in (1, 4):
            maps = np.zeros((steps, 2, 2), dtype)
            add_block(maps, (0, 0), own, start_sums(steps, 1), squares=True, extremes=True)
        gather_block(maps, (0, 0), own, 0, np.empty((4, 4)))


def _silent(_done: float, _total: float) -> None:
    """Tell nobody."""


def _check_options(
    zones: gpd.GeoDataFrame, statistics: tuple[Statistic, ...], quantiles: tuple[float, ...] | None, weights: str | None,
    zone_id: str | None,
) -> None:  # fmt: skip
    faults = []
    if "quantile" in statistics and not quantiles:
        faults.append(Fault(input="quantiles", pointer="/inputs/quantiles", problem=MISSING_QUANTILES))
    if BY_WEIGHTS & set(statistics) and weights is None:
        faults.append(Fault(input="weights", pointer="/inputs/weights", problem=MISSING_WEIGHTS))
    if zone_id is not None and zone_id not in zones.columns:
        columns = tuple(str(name) for name in zones.columns if name != zones.active_geometry_name)
        faults.append(
            Fault(
                input="zone_id", pointer="/inputs/zone_id", given=zone_id, allowed=columns,
                problem=Text(
                    en=f"The zones have no property {zone_id!r}; they have {', '.join(columns) or 'none'}.",
                    fr=f"Les zones n'ont pas de propriété {zone_id!r} ; elles ont {', '.join(columns) or 'aucune'}.",
                ),
            )
        )  # fmt: skip
    if faults:
        raise InvalidInputs(faults)


MISSING_QUANTILES = Text(
    en="The statistic quantile needs the input quantiles, numbers from 0 to 1, as [0.25, 0.975].",
    fr="La statistique quantile demande l'entrée quantiles, des nombres de 0 à 1, comme [0.25, 0.975].",
)
MISSING_WEIGHTS = Text(
    en="weighted_mean and weighted_sum need the input weights, the name of a variable of the dataset.",
    fr="weighted_mean et weighted_sum demandent l'entrée weights, le nom d'une variable du jeu de données.",
)


def _part(
    dataset: xr.Dataset, variables: tuple[str, ...] | None, bbox: Bbox | None, datetime: Interval | None,
    levels: Levels | None, *, nearest_level: bool, warn: Warn,
) -> xr.Dataset:  # fmt: skip
    if bbox is None:
        return select(
            dataset, variables=variables, datetime=datetime, levels=levels, nearest_level=nearest_level, warn=warn
        )
    return cut(
        dataset, variables=variables, bbox=bbox, datetime=datetime, levels=levels, nearest_level=nearest_level,
        inclusion="touch", warn=warn,
    )  # fmt: skip


def _is_gridded(grid: Grid, part: xr.Dataset, name: str) -> bool:
    variable = part.variables[name]
    return grid.x_dim is not None and grid.y_dim is not None and grid.kind != "none" and variable.dtype.kind in "iuf"


def _no_grid(names: tuple[str, ...]) -> DatasetUnsuitable:
    listed = ", ".join(names) or "-"
    return DatasetUnsuitable(
        Text(
            en=f"Zones need numbers on a grid of rows and columns; these variables have none: {listed}.",
            fr=f"Les zones demandent des nombres sur une grille de lignes et de colonnes ; ces variables n'en ont pas : {listed}.",
        )
    )


def _classes(variable: xr.Variable, asked: tuple[float, ...] | None) -> tuple[float, ...] | None:
    """Give the classes that have a column: those asked for, else those that the file lists."""
    if asked is not None:
        return asked
    flags = variable.attrs.get("flag_values")
    return None if flags is None or isinstance(flags, str) else tuple(float(each) for each in np.atleast_1d(flags))


class _Work:
    """One request: zones, the grids under them, and what is wanted."""

    def __init__(
        self, part: xr.Dataset, zones: gpd.GeoDataFrame, geometries: Geometries, *, weights: str | None,
        weighting: Weighting, statistics: tuple[Statistic, ...],
    ) -> None:  # fmt: skip
        self._part, self._crs, self._geometries = part, zones.crs, geometries
        self._weights, self._by_area, self._areas = weights, weighting == "area", "areas" in statistics

    def results(
        self, grids: dict[str, Grid], wanted: dict[str, Wanted], progress: Progress
    ) -> Iterator[tuple[str, Statistics]]:
        """Give the statistics of each variable, those on one grid together."""
        alike: dict[tuple[Any, ...], list[str]] = {}
        for name, grid in grids.items():
            alike.setdefault((grid.y_dim, grid.x_dim, grid.longitude, grid.latitude, grid.x, grid.y), []).append(name)
        found: dict[str, Columns] = {name: {} for name in grids}
        units, done = len(grids) * max(len(self._geometries), 1), 0.0
        maps = {name: self._maps(name, grids[name]) for name in grids}
        for names in alike.values():
            plane = read_plane(self._part, names[0], grids[names[0]])
            is_series = any(maps[name].leading for name in names)
            for places, coverage in self._batches(plane, is_series=is_series):
                zones = self._weigh(plane, coverage)
                for name in names:
                    made = statistics_of(
                        maps[name], zones, wanted[name], weights=self._weight_maps(grids[name], maps[name]),
                        tell=_portion(progress, done, len(places), units),
                    )  # fmt: skip
                    _scatter(found[name], made, places, len(self._geometries), maps[name].shape)
                    done += len(places)
        unlocated = shapely.get_type_id(self._geometries) < 0
        for name in grids:
            for ending in {"count", "sum", "variety", "weighted_sum"} & found[name].keys():
                found[name][ending][..., unlocated] = np.nan
            yield name, Statistics(dims=maps[name].leading, columns=_in_order(found[name], wanted[name]))

    def _maps(self, name: str, grid: Grid) -> Maps:
        zones = min(len(self._geometries), _ZONES_AT_ONCE)
        return Maps(self._part.variables[name], str(grid.y_dim), str(grid.x_dim), zones)

    def _weight_maps(self, grid: Grid, maps: Maps) -> Maps | None:
        if self._weights is None:
            return None
        variable = self._part.variables[self._weights]
        found = Maps(variable, str(grid.y_dim), str(grid.x_dim), 1)
        if not {grid.y_dim, grid.x_dim} <= set(variable.dims) or (found.leading and found.leading != maps.leading):
            raise InvalidInputs([
                Fault(
                    input="weights", pointer="/inputs/weights", given=self._weights,
                    problem=Text(
                        en=f"{self._weights!r} lies on other cells or steps than the data; weights must lie on the same.",
                        fr=f"{self._weights!r} est sur d'autres mailles ou pas que les données ; les poids doivent être sur les mêmes.",
                    ),
                )
            ])  # fmt: skip
        return found

    def _batches(self, plane: Plane | Quadrilaterals, *, is_series: bool) -> Iterator[tuple[Any, Coverage]]:
        """Lay zones over the grid, so many at once that their stretches, and their sums of some steps, fit into memory."""
        held, places = list[Coverage](), list[Any]()
        for some in self._near(self._zones_at_once(plane)):
            held.append(cover_zones(self._geometries[some], self._crs, plane))
            places.append(some)
            if is_series or sum(len(each.rows) for each in held) > _MOST_STRETCHES:
                yield np.concatenate(places), Coverage.join(held, plane.shape)
                held, places = [], []
        if held:
            yield np.concatenate(places), Coverage.join(held, plane.shape)

    def _zones_at_once(self, plane: Plane | Quadrilaterals) -> int:
        """Say how many zones are laid over the grid at once, by the stretches that some of them have."""
        some = self._geometries[:: max(len(self._geometries) // _SAMPLED, 1)]
        each = len(cover_zones(some, self._crs, plane).rows) / max(len(some), 1)
        return int(min(_ZONES_AT_ONCE, max(_MOST_STRETCHES / max(each, 1.0), 1.0)))

    def _near(self, at_once: int) -> Iterator[Any]:
        """Give zones that lie near each other together: what is read for some of them is read for few others."""
        count = len(self._geometries)
        if count <= at_once:
            yield np.arange(count)
            return
        bounds = np.nan_to_num(shapely.bounds(self._geometries))
        x, y = bounds[:, 0] + bounds[:, 2], bounds[:, 1] + bounds[:, 3]
        strips = int(np.ceil(np.sqrt(count / at_once)))
        strip = np.minimum(np.argsort(np.argsort(y, kind="stable")) * strips // count, strips - 1)
        order = np.lexsort((x, strip))
        yield from (order[at : at + at_once] for at in range(0, count, at_once))

    def _weigh(self, plane: Plane | Quadrilaterals, coverage: Coverage) -> Weighed:
        if not self._areas:
            coverage, weights = plane.weigh(coverage, by_area=self._by_area)
            return Weighed(coverage=coverage, weights=weights, areas_km2=None)
        coverage, areas = plane.measure_km2(coverage)
        longest = int((coverage.last - coverage.first).max(initial=1))
        finer, weights = plane.weigh(coverage, by_area=self._by_area)
        if len(finer.rows) != len(coverage.rows) and longest > 1:
            areas = np.repeat(areas, coverage.last - coverage.first)
        return Weighed(coverage=finer, weights=weights, areas_km2=areas)


def _portion(progress: Progress, before: float, size: int, units: float) -> Callable[[float], None]:
    """Let one of several parts of the work tell how far it is as a portion of all."""

    def tell(share: float) -> None:
        progress(before + share * size, units)

    return tell


def _scatter(found: Columns, made: Columns, places: Any, zones: int, shape: tuple[int, ...]) -> None:
    """Put the results of some zones where they belong; a class that other zones do not have is 0 there."""
    if len(places) == zones and not found and np.array_equal(places, np.arange(zones)):
        found |= made
        return
    in_file = is_laid_aside(len(made), shape, zones)
    at_once = max(HELD_BYTES // (8 * math.prod(shape)), 1)
    for name, values in made.items():
        if name not in found:
            found[name] = make_column(shape, zones, in_file=in_file)
        for some in range(0, len(places), at_once):
            found[name][..., places[some : some + at_once]] = values[..., some : some + at_once]
            let_go(found[name])
            let_go(values)


def _in_order(columns: Columns, wanted: Wanted) -> Columns:
    """Put the columns in the order in which the statistics were asked for; classes by their value, coverage last."""
    endings: list[str] = []
    for each in wanted.statistics:
        if each == "quantile":
            endings += [name for name in columns if name.startswith("q") and name[1:2].isdigit()]
        elif each in {"fractions", "areas"}:
            prefix = "frac_" if each == "fractions" else "area_"
            own = [name for name in columns if name.startswith(prefix)]
            endings += sorted(own, key=lambda name: float(name.split("_", 1)[1].replace("_", ".")))
        else:
            endings.append(each)
    return {name: columns[name] for name in dict.fromkeys([*endings, "coverage"])}

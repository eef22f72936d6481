"""Variables, times and levels chosen, cells left as they are."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.errors import DatasetUnsuitable, Fault, InvalidInputs
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.interval import Interval
from gaia_processes.inputs.levels import Levels
from gaia_processes.shared.axes import data_variables, find_auxiliary, find_grid, find_time, find_vertical
from gaia_processes.shared.cutting.parts import Warn, name_coordinates, name_measured, replace, take
from gaia_processes.shared.references import BOUNDS, close_over, references_of
from gaia_processes.shared.times import read_time, select_steps
from gaia_processes.shared.vertical import (
    UNITS,
    VerticalAxis,
    fits,
    is_length,
    read_vertical,
    select_range,
)
from gaia_processes.shared.vertical import select_levels as select_on_axis
from gaia_processes.text import Text


def select(
    dataset: xr.Dataset,
    *,
    variables: tuple[str, ...] | None,
    datetime: Interval | None,
    levels: Levels | None,
    nearest_level: bool = False,
    warn: Warn,
) -> xr.Dataset:
    """
    Choose variables, times and levels, and leave the cells as they are.

    Parameters and errors are those of `gaia_processes.shared.cutting.cut.cut`; the extent is not stated anew, which on large grids takes its time.
    """
    part = _hold_axes(_keep_variables(dataset.drop_indexes(list(dataset.xindexes)), variables))
    if datetime is not None:
        part = _select_time(part, datetime, warn)
    return part if levels is None else _select_levels(part, levels, nearest=nearest_level)


def _keep_variables(dataset: xr.Dataset, wanted: tuple[str, ...] | None) -> xr.Dataset:
    """Keep the variables that were asked for and all that belongs to them."""
    if wanted is None:
        return dataset
    there = data_variables(dataset)
    faults = [
        Fault(
            input="variables",
            pointer=f"/inputs/variables/{at}",
            given=name,
            allowed=there,
            problem=Text(
                en=f"There is no variable {name!r}; the dataset has {', '.join(there)}.",
                fr=f"Il n'y a pas de variable {name!r} ; le jeu de données a {', '.join(there)}.",
            ),
        )
        for at, name in enumerate(wanted)
        if name not in dataset.variables
    ]
    if faults:
        raise InvalidInputs(faults)
    named = {str(name): each for name, each in dataset.variables.items()}
    grids = [find_grid(dataset, name) for name in wanted]
    times = [find_time(dataset, name) for name in wanted]
    needed = [each for grid in grids for each in (grid.longitude, grid.latitude) if each]
    kept = close_over(named, [*wanted, *needed, *(each for each in times if each)])
    return dataset.drop_vars([name for name in dataset.variables if name not in kept])


def _hold_axes(dataset: xr.Dataset) -> xr.Dataset:
    """Read the axes and their bounds once; they are looked at several times, and small beside the data."""
    named = {str(name): each for name, each in dataset.variables.items()}
    axes = {name for name in name_coordinates(dataset) | find_auxiliary(dataset) if named[name].ndim == 1}
    edges = {each for name in axes for each in references_of(named[name], BOUNDS) if each in named}
    held = {
        name: xr.Variable(named[name].dims, named[name].values, named[name].attrs, named[name].encoding)
        for name in axes | edges
        if named[name].ndim <= 2
    }
    return replace(dataset, held)


def _select_time(dataset: xr.Dataset, interval: Interval, warn: Warn) -> xr.Dataset:
    found = {find_time(dataset, name) for name in name_measured(dataset)} - {None}
    if not found:
        raise DatasetUnsuitable(
            Text(
                en="No dates can be selected: the dataset has no time axis.",
                fr="Aucune date ne peut être choisie : le jeu de données n'a pas d'axe de temps.",
            )
        )
    chosen: dict[str, NDArray[np.intp]] = {}
    for name in sorted(str(each) for each in found):
        axis = read_time(dataset, name)
        steps = select_steps(axis, interval, warn)
        if axis.dim is not None:
            chosen[axis.dim] = steps
    return take(dataset, chosen)


def _vertical_axes(dataset: xr.Dataset) -> dict[str, list[VerticalAxis]]:
    """Give the vertical coordinates by their dimension."""
    axes: dict[str, list[VerticalAxis]] = {}
    for name in name_measured(dataset):
        coordinates = [read_vertical(dataset, each) for each in find_vertical(dataset, name)]
        if coordinates:
            axes[coordinates[0].dim] = coordinates
    return axes


def _select_levels(dataset: xr.Dataset, levels: Levels, *, nearest: bool) -> xr.Dataset:
    axes = _vertical_axes(dataset)
    if not axes:
        raise DatasetUnsuitable(
            Text(
                en="No levels can be selected: none of the variables has levels.",
                fr="Aucun niveau ne peut être choisi : aucune des variables n'a de niveaux.",
            )
        )
    fitting = {dim: next((each for each in found if fits(each, levels)), None) for dim, found in axes.items()}
    if not any(fitting.values()):
        select_on_axis(next(iter(axes.values()))[0], levels)  # raises: says which units differ
    return take(
        dataset,
        {dim: select_on_axis(axis, levels, nearest=nearest) for dim, axis in fitting.items() if axis is not None},
    )


def select_heights(dataset: xr.Dataset, bbox: Bbox) -> xr.Dataset:
    """Select by the heights of a six-number box."""
    if bbox.bottom is None or bbox.top is None:
        return dataset
    axes = {
        dim: axis for dim, found in _vertical_axes(dataset).items() if (axis := next(filter(_is_height, found), None))
    }
    if not axes:
        raise DatasetUnsuitable(
            Text(
                en="A box of six numbers selects heights in m, but the data have no axis of heights or depths.",
                fr="Un rectangle de six nombres choisit des hauteurs en m, mais les données n'ont pas d'axe de hauteurs ou de profondeurs.",
            )
        )
    return take(dataset, {dim: _heights_of(axis, bbox.bottom, bbox.top) for dim, axis in axes.items()})


def _is_height(axis: VerticalAxis) -> bool:
    return is_length(axis.unit)


def _heights_of(axis: VerticalAxis, bottom_m: float, top_m: float) -> NDArray[np.intp]:
    metres = UNITS[axis.unit.lower()][1]
    low, high = (-top_m, -bottom_m) if axis.positive == "down" else (bottom_m, top_m)
    return select_range(axis, low / metres, high / metres)

"""Coordinates of what was reduced: time with its bounds, scalars for the stretch of other axes."""

from collections.abc import Iterable

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.aggregate.attributes import OF_STORED_NUMBERS
from gaia_processes.aggregate.division import Division
from gaia_processes.aggregate.options import Options
from gaia_processes.aggregate.roles import Roles, roles_of
from gaia_processes.shared.axes import text_of
from gaia_processes.shared.bounds import find_bounds_of, latitude_bounds, longitude_bounds
from gaia_processes.shared.periods import limits_of
from gaia_processes.shared.references import BOUNDS, references_of


def make_coordinates(
    part: xr.Dataset, made: dict[str, xr.Variable], times: Iterable[Division], options: Options
) -> dict[str, xr.Variable]:
    """Make the coordinates of what was reduced: time with its bounds, scalars for the stretch of other axes."""
    fresh: dict[str, xr.Variable] = {}
    for time in times:
        fresh |= _time_coordinate(part, time, options)
    for name, variable in made.items():
        roles = roles_of(part, name)
        stretches = _stretches(part, roles, options.over)
        for coordinate, edges in stretches.items():
            fresh |= _scalar(part, coordinate, edges)
        named = text_of(variable, "coordinates").split()
        missing = [each for each in stretches if each not in named]
        if missing:
            variable.attrs["coordinates"] = " ".join([*named, *missing])
    return fresh


def _stretches(part: xr.Dataset, roles: Roles, over: tuple[str, ...]) -> dict[str, NDArray[np.float64]]:
    """Give the edges of the axes that were reduced as a whole, by the name of the coordinate."""
    grid = roles.grid
    found: dict[str, NDArray[np.float64]] = {}
    if grid.kind == "regular" and {"area", "longitude"} & set(over):
        found[str(grid.longitude)] = longitude_bounds(part, str(grid.longitude))
    if grid.kind == "regular" and {"area", "latitude"} & set(over):
        found[str(grid.latitude)] = latitude_bounds(part, str(grid.latitude))
    if "level" in over and roles.vertical is not None:
        own = find_bounds_of(part, roles.vertical)
        found[roles.vertical] = np.asarray(part.variables[own or roles.vertical].values, dtype=np.float64)
    return found


def _time_coordinate(part: xr.Dataset, time: Division, options: Options) -> dict[str, xr.Variable]:
    """Make the time coordinate of the result and its bounds; climatological ones where years are put together."""
    source = part.variables[time.name]
    result, climatological = time.result, options.climatology or options.pools or time.of_normals
    own = next(iter(bounds_names({str(n): v for n, v in part.variables.items()}, time.name)), f"{time.name}_bnds")
    role = "climatology" if climatological else "bounds"
    if climatological and not own.startswith("climatology") and role not in source.attrs:
        own = "climatology_bounds" if "climatology_bounds" not in part.variables else own
    attrs = {key: value for key, value in source.attrs.items() if key not in {*OF_STORED_NUMBERS, *BOUNDS}}
    attrs[role] = own
    if time.axis.units != text_of(source, "units"):  # of months, whose middles are no even numbers
        attrs["units"] = time.axis.units
    middles = result.bounds.mean(axis=1)
    if climatological:
        middles = _climatological_middles(time, options)
    encoding = {
        key: value for key, value in source.encoding.items() if key not in {"dtype", "chunksizes", "original_shape"}
    }
    return {
        time.name: xr.Variable((time.dim,), middles, attrs, encoding),
        own: xr.Variable((time.dim, _side(part)), result.bounds),
    }


def _climatological_middles(time: Division, options: Options) -> NDArray[np.float64]:
    """Give the middle of each period in one year, that in the middle of those that are put together."""
    result = time.result
    years = time.steps.year if time.over_years is None else time.periods.year[time.over_years.owner >= 0]
    year = int((years.min() + years.max()) // 2)
    step = "year" if options.step == "all" else options.step  # all of a climatology
    limits = [limits_of(time.axis, step, options.all_seasons, year, int(key)) for key in result.key]
    return np.array([(begin + end) / 2 for begin, end in limits])


def _scalar(part: xr.Dataset, name: str, edges: NDArray[np.float64]) -> dict[str, xr.Variable]:
    """Make a scalar coordinate of an axis that was reduced: the middle of its stretch, which the global attributes state."""
    source = part.variables[name]
    parametric = {"formula_terms", "standard_name"} if "formula_terms" in source.attrs else set()
    dropped = {*OF_STORED_NUMBERS, *BOUNDS, *parametric}
    attrs = {key: value for key, value in source.attrs.items() if key not in dropped}
    return {name: xr.Variable((), np.float64((np.nanmin(edges) + np.nanmax(edges)) / 2), attrs)}


def _side(part: xr.Dataset) -> str:
    """Name the dimension of two edges that the data have, or a new one."""
    named = {str(name): each for name, each in part.variables.items()}
    sides = [
        str(named[own].dims[-1])
        for each in named.values()
        for own in references_of(each, BOUNDS)
        if own in named and named[own].ndim and named[own].shape[-1] == 2
    ]
    free = next(name for name in ("bnds", "nv", "bounds_edges") if part.sizes.get(name, 2) == 2)
    return sides[0] if sides else free


def bounds_names(named: dict[str, xr.Variable], name: str) -> tuple[str, ...]:
    """Name the bounds that a coordinate has."""
    return tuple(own for own in references_of(named[name], BOUNDS) if own in named) if name in named else ()

"""The dataset that a reduction gives: what was made, and what of the source still fits to it."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import xarray as xr

from gaia_processes.aggregate.coordinates import bounds_names, make_coordinates
from gaia_processes.aggregate.division import Division
from gaia_processes.aggregate.options import Options
from gaia_processes.shared.axes import data_variables, text_of
from gaia_processes.shared.methods import append_methods
from gaia_processes.shared.periods import Periods
from gaia_processes.shared.references import BOUNDS, references_of
from gaia_processes.shared.times import render

_REFERRING = ("coordinates", "ancillary_variables", "cell_measures", "grid_mapping", "formula_terms")


def assemble(
    part: xr.Dataset, made: dict[str, xr.Variable], gone: set[str], times: Sequence[Division], options: Options
) -> xr.Dataset:
    """
    Put the result together: what was made, what of the source still fits, and new coordinates.

    Parameters
    ----------
    part : xarray.Dataset
        The source.
    made : dict of xarray.Variable
        By name.
    gone : set of str
        Dimensions that were reduced.
    times : sequence of Division
        Of the time axes that were reduced.
    options : Options
    """
    fresh = make_coordinates(part, made, times, options)
    named = {str(name): each for name, each in part.variables.items()}
    serving = {name for name in named if name not in data_variables(part)}
    kept = {name: each for name, each in named.items() if name not in made and not gone & set(map(str, each.dims))}
    replaced = {own for name in fresh for own in bounds_names(named, name)}
    kept = {name: each for name, each in kept.items() if name not in replaced}
    variables = kept | made | fresh
    if not options.is_anomaly:
        variables |= _year_counts(variables, made, times)
    variables = {name: _referring_only_to(each, variables) for name, each in variables.items()}
    needed = {each for variable in variables.values() for each in references_of(variable)}
    orphans = {
        name for name in serving & kept.keys()
        if name not in needed and name in {own for each in named.values() for own in references_of(each)}
    }  # fmt: skip
    return _as_dataset(part, {name: each for name, each in variables.items() if name not in orphans}, times)


def _as_dataset(part: xr.Dataset, variables: dict[str, xr.Variable], times: Sequence[Division]) -> xr.Dataset:
    coordinates = {name: each for name, each in variables.items() if each.dims == (name,)}
    others = {name: each for name, each in variables.items() if name not in coordinates}
    attrs = {name: value for name, value in part.attrs.items() if name != "frequency" or not times}
    result = xr.Dataset(others, xr.Coordinates(coordinates, indexes={}), attrs | _coverage(times))
    order = [name for name in part.encoding.get("order", tuple(map(str, part.variables))) if name in variables]
    order += [name for name in variables if name not in order]
    result.encoding = {**part.encoding, "order": tuple(order)}
    return result


def _coverage(times: Sequence[Division]) -> dict[str, Any]:
    """State from when to when the periods of the result go (ACDD 1.3)."""
    if not times:
        return {}
    time = times[0]
    bounds = time.result.bounds
    return {
        "time_coverage_start": render(time.axis, float(bounds[:, 0].min())),
        "time_coverage_end": render(time.axis, float(bounds[:, 1].max())),
    }


def _year_counts(
    variables: dict[str, xr.Variable], made: dict[str, xr.Variable], times: Sequence[Division]
) -> dict[str, xr.Variable]:
    """Say beside a climatology how many years each of its periods has."""
    added: dict[str, xr.Variable] = {}
    for number, time in enumerate(time for time in times if time.over_years is not None):
        years = cast("Periods", time.over_years)
        name = "n_years" if not number else f"n_years_{time.name}"
        attrs = {"long_name": "number of years", "units": "1"}
        added[name] = xr.Variable((time.dim,), years.whole.astype(np.int32), attrs)
        for own in made:
            if time.dim in variables[own].dims:
                before = text_of(variables[own], "ancillary_variables")
                variables[own].attrs["ancillary_variables"] = append_methods(before, name)
    return added


def _referring_only_to(variable: xr.Variable, there: dict[str, xr.Variable]) -> xr.Variable:
    """Take references off to what the result does not have."""
    changed = dict(variable.attrs)
    for attribute in (*_REFERRING, *BOUNDS):
        text = changed.get(attribute)
        if not isinstance(text, str):
            continue
        names = references_of(variable, (attribute,))
        if all(name in there for name in names):
            continue
        left = [name for name in names if name in there]
        if attribute in {"coordinates", "ancillary_variables"} and left:
            changed[attribute] = " ".join(left)
        else:
            del changed[attribute]
            # The names of parametric levels mean nothing without their terms (CF 4.3.3).
            if attribute == "formula_terms":
                changed.pop("standard_name", None)
    made = variable.copy(deep=False)
    made.attrs = changed
    return made

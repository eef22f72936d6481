"""What a reduced variable says of itself: its type, attributes, cell methods and how it is stored."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from gaia_processes.aggregate.division import Division
from gaia_processes.aggregate.options import Options, find_rate
from gaia_processes.aggregate.roles import Roles, method_dim
from gaia_processes.shared.axes import text_of
from gaia_processes.shared.methods import (
    METHODS,
    append_methods,
    as_anomaly,
    as_count,
    as_difference,
    as_ratio,
    climatology_methods,
    squared,
    time_methods,
)
from gaia_processes.shared.reduction import Reduction
from gaia_processes.shared.values import MISSING, PACKING, fill_of, precision_of, roomy_type

_ROOMY = np.dtype(np.float32)
OF_STORED_NUMBERS = (
    *PACKING,
    *MISSING,
    "valid_range",
    "valid_min",
    "valid_max",
    "actual_range",
    "unpacked_dtype",
    "dtype",
)
"""Attributes that speak of numbers as they are stored."""
_OF_CLASSES = ("flag_values", "flag_masks", "flag_meanings")


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """
    How a variable was reduced.

    Attributes
    ----------
    roles : Roles
    cells : tuple of str
        Dimensions of the cells that were reduced.
    time : Division or None
        Where steps were reduced.
    time_name : str
        What cell methods call the time.
    share : float
        The quantile.
    """

    roles: Roles
    cells: tuple[str, ...]
    time: Division | None
    time_name: str
    share: float


def type_of(source: xr.Variable, options: Options) -> np.dtype[Any]:
    """Say in which type a result is written."""
    statistic = options.statistic
    if statistic == "count":
        # Means over years, and what is apart from them, are no whole numbers.
        return np.dtype(np.float64 if options.climatology or options.is_anomaly else np.int32)
    kind = np.dtype(precision_of(source))
    if kind.kind == "f":
        return kind.newbyteorder("=")
    if statistic in {"min", "max"} and not options.climatology and not options.is_anomaly:
        marked = any(name in source.attrs for name in MISSING)
        return (kind if marked else roomy_type(kind)).newbyteorder("=")
    return np.dtype(np.float64) if statistic == "sum" else _ROOMY


def attributes_of(source: xr.Variable, options: Options, made: Made, dtype: np.dtype[Any], fill: Any) -> dict[str, Any]:
    """Say what a result is: the attributes of its source as they hold for the statistic (CF 3.5, 7.3, 7.4)."""
    exact = options.statistic in {"min", "max"}
    drop = {*OF_STORED_NUMBERS, *(() if exact else _OF_CLASSES)}
    if made.roles.grid.kind != "regular" and made.roles.grid.x_dim in made.cells:
        drop.add("grid_mapping")  # of a plane of which no place is left
    attrs = {key: value for key, value in source.attrs.items() if key not in drop}
    attrs = _with_units(attrs, source, options)
    attrs["cell_methods"] = _methods(source, options, made)
    if not attrs["cell_methods"]:
        del attrs["cell_methods"]
    if options.statistic == "quantile" and "long_name" in attrs:
        attrs["long_name"] = f"{attrs['long_name']} (quantile {made.share:g})"
    if options.is_anomaly and made.time is not None:
        attrs = as_ratio(attrs) if options.ratio else as_anomaly(attrs)
    if dtype.kind == "f" or options.statistic != "count" or options.least(0.0) > 0:
        attrs = {"_FillValue": dtype.type(fill), **attrs}
    return attrs


def _with_units(attrs: dict[str, Any], source: xr.Variable, options: Options) -> dict[str, Any]:
    statistic, units = options.statistic, text_of(source, "units")
    if statistic == "count":
        return as_count(attrs)
    if statistic == "var" and units:
        return as_difference(attrs) | {"units": squared(units)}
    if statistic == "std":
        return as_difference(attrs)
    rate = find_rate(units)
    if options.integrate and rate is not None:
        return {key: value for key, value in attrs.items() if key != "standard_name"} | {"units": rate.amount}
    return attrs


def _methods(source: xr.Variable, options: Options, made: Made) -> str:
    time = made.time
    before, method = text_of(source, "cell_methods"), METHODS.get(options.statistic)
    together = time is not None and (options.climatology or options.pools or time.of_normals)
    if method is None:
        # CF has no name for it; and what the steps were says nothing of a number of them, or of several years.
        return "" if options.statistic == "count" or together else before
    spatial = [f"{method_dim(each, made.roles)}: {method}" for each in options.over if each != "time" and made.cells]
    written = append_methods(before, *spatial)
    if time is None:
        return written
    if time.of_normals:
        # Means of the parts of a year that are means over years are means over years of the whole.
        is_same = method == "mean" and written.endswith("over years")
        return written if is_same else append_methods(written, f"{made.time_name}: {method}")
    if together:
        over = "mean" if options.climatology else method
        return climatology_methods(written, made.time_name, method, over, daily=time.is_daily)
    longer = options.step in {"all", "year", "season", "month"}
    return time_methods(written, made.time_name, method, daily=time.is_daily and longer)


def encoding_of(source: xr.Variable, reduction: Reduction, dtype: np.dtype[Any]) -> dict[str, Any]:
    """Say how a result is stored: as its source, but in its own type and with chunks of one period."""
    encoding = {
        key: value for key, value in source.encoding.items() if key not in {"dtype", "chunksizes", "original_shape"}
    }
    chunks = source.encoding.get("chunksizes")
    if chunks is not None:
        own = dict(zip((str(dim) for dim in source.dims), chunks, strict=True))
        if reduction.time is not None:
            own[reduction.time] = 1
        encoding["chunksizes"] = tuple(own[dim] for dim in reduction.result_dims) or None
    return encoding | {"dtype": dtype}


def fill_for(source: xr.Variable, dtype: np.dtype[Any]) -> Any:
    """Give the value that marks missing cells of a result: the source's where it is of the same type."""
    if source.dtype == dtype and not any(name in source.attrs for name in PACKING):
        mark = fill_of(source)
        if mark is not None:
            return mark
    return fill_of(xr.Variable((), np.zeros((), dtype)))

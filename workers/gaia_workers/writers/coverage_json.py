"""
Writes a small lazily read dataset as CoverageJSON: a coverage of the domain type Grid, or a collection of several.

It is meant for browsers, which read a document whole: larger selections are refused before anything is written.

References
----------
OGC 21-069r2, CoverageJSON Community Standard 1.0.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.inputs.holding import explain_large, explain_no_coverage
from gaia_processes.shared.axes import text_of
from gaia_processes.shared.history import append_history
from gaia_processes.shared.times import calendar_of
from gaia_processes.shared.values import read_numbers
from gaia_workers.writers.fields import Field, decode, fields_of, read_times
from gaia_workers.writers.finishing import Counter
from gaia_workers.writers.whole import whole_or_nothing

_CRS84 = {"type": "GeographicCRS", "id": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}
_GREGORIAN = frozenset({"", "standard", "gregorian", "proleptic_gregorian"})
_CALENDARS = "https://cfconventions.org/cf-conventions/cf-conventions.html#calendar-"


def write(dataset: xr.Dataset, path: Path, *, progress: Callable[[int, int], None], history: str) -> None:
    """
    Write a dataset as CoverageJSON; what is missing is null.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded, on a regular grid of longitude and latitude, or without a grid.
    path : Path
        Is overwritten. Nothing is left there when writing fails.
    progress : callable
        Gets bytes of values done and in all.
    history : str
        A line for the member `gaia:history`.

    Raises
    ------
    DatasetUnsuitable
        More values than a browser should load, or a grid that has no axes of longitude and latitude.
    """
    fields = tuple(field for field in fields_of(dataset) if field.variable.dtype.kind in "iuf")
    _refuse(fields)
    count = Counter(progress, sum(field.variable.nbytes for field in fields))
    parameters = {field.name: _parameter(field) for field in fields}
    coverages = [_coverage(group, count) for group in _groups(fields)]
    told = append_history(dataset.attrs, history)["history"]
    document: dict[str, Any] = (
        {**coverages[0], "parameters": parameters, "gaia:history": told}
        if len(coverages) == 1
        else {
            "type": "CoverageCollection",
            "parameters": parameters,
            "coverages": coverages,
            "gaia:history": told,
        }
    )
    with whole_or_nothing(path), path.open("w", encoding="utf-8") as stream:
        json.dump(document, stream, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _refuse(fields: tuple[Field, ...]) -> None:
    unfit = [explain_no_coverage(field.grid.kind) for field in fields]
    for text in (explain_large(sum(field.variable.size for field in fields)), *unfit):
        if text is not None:
            raise DatasetUnsuitable(text)


def _groups(fields: tuple[Field, ...]) -> list[tuple[Field, ...]]:
    found: dict[Any, list[Field]] = {}
    for field in fields:
        found.setdefault((field.variable.dims, field.grid, field.time, field.level), []).append(field)
    return [tuple(group) for group in found.values()]


def _parameter(field: Field) -> dict[str, Any]:
    standard_name = text_of(field.variable, "standard_name")
    observed: dict[str, Any] = {"label": {"en": field.title}}
    if standard_name:
        observed["id"] = f"http://vocab.nerc.ac.uk/standard_name/{standard_name}/"
    units = {"unit": {"symbol": field.units}} if field.units else {}
    return {"type": "Parameter", "description": {"en": field.title}, "observedProperty": observed, **units}


def _coverage(group: tuple[Field, ...], count: Counter) -> dict[str, Any]:
    first = group[0]
    names = _axis_names(first)
    axes = {names[str(dim)]: _axis(first, str(dim)) for dim in first.variable.dims}
    times = read_times(first)
    if times is not None and "t" not in axes:
        axes["t"] = {"values": _times(times)}
    if "x" not in axes:
        axes |= _places_of_one(first)
    ranges = {}
    for field in group:
        ranges[field.name] = _range(field, [names[str(dim)] for dim in field.variable.dims])
        count.add(field.variable.nbytes)
    is_grid = {"x", "y"} <= axes.keys() <= {"x", "y", "z", "t"}
    kind = {"domainType": "Grid"} if is_grid else {}  # others have no type that the standard knows
    domain = {"type": "Domain", **kind, "axes": axes, "referencing": _referencing(first, axes)}
    return {"type": "Coverage", "domain": domain, "ranges": ranges}


def _axis_names(field: Field) -> dict[str, str]:
    """Name the dimensions as the standard does."""
    known = {
        field.grid.x_dim: "x",
        field.grid.y_dim: "y",
        field.dim_of(field.time): "t",
        field.dim_of(field.level): "z",
    }
    return {str(dim): known.get(str(dim), str(dim)) for dim in field.variable.dims}


def _axis(field: Field, dim: str) -> dict[str, Any]:
    if dim == field.dim_of(field.time):
        times = read_times(field)
        return {"values": [] if times is None else _times(times)}
    names = {field.grid.x_dim: field.grid.longitude, field.grid.y_dim: field.grid.latitude}
    names[field.dim_of(field.level)] = field.level
    own = names.get(dim) or dim
    if own not in field.dataset.variables or field.dataset.variables[own].dtype.kind not in "iuf":
        return {"values": list(range(field.dataset.sizes[dim]))}
    values = read_numbers(field.dataset.variables[own])
    known = bool(np.isfinite(values).all())
    return {"values": values.tolist() if known else list(range(len(values)))}


def _times(times: Any) -> list[Any]:
    return list(times) if isinstance(times, list) else np.asarray(times).tolist()


def _places_of_one(field: Field) -> dict[str, Any]:
    """Give the place of data that lie at one."""
    names = (("x", field.grid.longitude), ("y", field.grid.latitude))
    alone = {axis: name for axis, name in names if name and not field.dataset.variables[name].ndim}
    return {axis: {"values": [float(read_numbers(field.dataset.variables[name]))]} for axis, name in alone.items()}


def _referencing(field: Field, axes: dict[str, Any]) -> list[dict[str, Any]]:
    systems: list[dict[str, Any]] = []
    if {"x", "y"} <= axes.keys():
        systems.append({"coordinates": ["x", "y"], "system": _CRS84})
    if "t" in axes and field.time is not None:
        calendar = calendar_of(field.dataset.variables[field.time])
        named = "Gregorian" if calendar in _GREGORIAN else _CALENDARS + calendar
        systems.append({"coordinates": ["t"], "system": {"type": "TemporalRS", "calendar": named}})
    if "z" in axes and field.level is not None:
        own = field.dataset.variables[field.level]
        down = text_of(own, "positive").lower() == "down"
        axis = {
            "name": {"en": text_of(own, "long_name") or text_of(own, "standard_name") or field.level},
            "direction": "down" if down else "up",
            "unit": {"symbol": text_of(own, "units") or "1"},
        }
        systems.append({"coordinates": ["z"], "system": {"type": "VerticalCRS", "cs": {"csAxes": [axis]}}})
    return systems


def _range(field: Field, names: list[str]) -> dict[str, Any]:
    stored = np.asarray(field.variable.values)
    numbers = decode(stored, field.variable)
    whole = numbers.dtype.kind in "iu"
    values = numbers.ravel().tolist() if whole else _shortest(numbers)
    told: dict[str, Any] = {"type": "NdArray", "dataType": "integer" if whole else "float", "values": values}
    return told if not stored.ndim else told | {"axisNames": names, "shape": list(stored.shape)}


def _shortest(numbers: Any) -> list[float | None]:
    """Give numbers that JSON writes with as many digits as the type of the data has."""
    texts = np.ma.getdata(numbers).ravel().astype(str)
    missing = np.ma.getmaskarray(numbers).ravel()
    values = (None if gone else float(text) for gone, text in zip(missing.tolist(), texts.tolist(), strict=True))
    return [each if each is None or math.isfinite(each) else None for each in values]

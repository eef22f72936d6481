"""
Whether files make one dataset along time: the same variables, types, packing and grid, no gap and no overlap.

Judged when they are published, in words for the operator; `readers.series` reads them afterwards.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cftime
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_config.errors import ConfigurationError
from gaia_processes.errors import GaiaError
from gaia_processes.shared.periods import read_steps
from gaia_processes.shared.times import TimeAxis, read_time, render
from gaia_processes.shared.values import MISSING, PACKING
from gaia_workers.readers.opening import open_dataset
from gaia_workers.readers.series import Clock, find_clock, open_series

_MEANING = ("units", "calendar", "standard_name", "cell_methods", *PACKING, *MISSING)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """One file: its first instant, and what must be the same in all files."""

    path: Path
    begin: Any
    clock: Clock
    sizes: dict[str, int]
    kinds: dict[str, tuple[tuple[str, ...], str]]
    meanings: dict[str, dict[str, Any]]
    fixed: dict[str, NDArray[Any]]


def order_files(paths: Sequence[Path]) -> tuple[Path, ...]:
    """
    Put files into the order of time, and see that they make one dataset.

    Parameters
    ----------
    paths : sequence of Path
        At least two NetCDF files, in any order.

    Returns
    -------
    tuple of Path
        In the order of time.

    Raises
    ------
    ConfigurationError
        They do not; names the file, what is wrong, and what would be right.
    """
    parts = sorted((_look(path) for path in paths), key=lambda part: (_sortable(part.begin), part.path.name))
    first, *others = parts
    for other in others:
        problem = next(_differences(first, other), None)
        if problem is not None:
            raise ConfigurationError(f"{other.path.name}: {problem}; files of one dataset differ in their times alone")
    ordered = tuple(part.path for part in parts)
    _check_joints(ordered)
    return ordered


def _sortable(date: Any) -> tuple[int, ...]:
    return (date.year, date.month, date.day, date.hour, date.minute, date.second)


def _look(path: Path) -> _Part:
    try:
        with open_dataset(path, threads=1) as dataset:
            clock = find_clock(dataset)
            if clock is None or not dataset.sizes[clock.dim]:
                problem = "has no steps of time, so nothing can follow it; publish it alone"
                raise ConfigurationError(f"{path.name}: {problem}")
            axis = read_time(dataset, clock.coordinates[0])
            return _part(path, dataset, clock, axis)
    except GaiaError as error:
        raise ConfigurationError(f"{path.name}: {error.text.en}") from None


def _part(path: Path, dataset: xr.Dataset, clock: Clock, axis: TimeAxis) -> _Part:
    named = {str(name): variable for name, variable in dataset.variables.items()}
    fixed = {name: np.asarray(each.values) for name, each in named.items() if clock.dim not in each.dims}
    begin = cftime.num2date(float(axis.values.min()), axis.units, axis.calendar, only_use_cftime_datetimes=True)
    return _Part(
        path=path,
        begin=begin,
        clock=clock,
        sizes={str(dim): size for dim, size in dataset.sizes.items() if dim != clock.dim},
        kinds={name: (tuple(map(str, each.dims)), str(each.dtype)) for name, each in named.items()},
        meanings={name: _meaning(name, each, clock) for name, each in named.items()},
        fixed=fixed,
    )


def _meaning(name: str, variable: xr.Variable, clock: Clock) -> dict[str, Any]:
    """Give the attributes without which the numbers of two files are not the same quantity."""
    told = {key: variable.attrs[key] for key in _MEANING if key in variable.attrs}
    if name in clock.coordinates:
        told.pop("units", None)  # counted from another day, times are brought into the units of the first file
    return told


def _differences(first: _Part, other: _Part) -> Iterator[str]:
    missing = [name for name in first.kinds if name not in other.kinds]
    more = [name for name in other.kinds if name not in first.kinds]
    if missing or more:
        lacks = f"lacks {', '.join(missing)}" if missing else ""
        has = f"has {', '.join(more)}, which is not in {first.path.name}" if more else ""
        yield " and ".join(filter(None, (lacks, has)))
    for dim, size in first.sizes.items():
        if other.sizes.get(dim) != size:
            yield f"has another grid: {dim} has {other.sizes.get(dim, 'no')} steps, in {first.path.name} {size}"
    for name, kind in first.kinds.items():
        if name in other.kinds and other.kinds[name] != kind:
            yield f"stores {name} as {_kind_text(other.kinds[name])}, {first.path.name} as {_kind_text(kind)}"
    for name, meaning in first.meanings.items():
        yield from _different_meanings(name, meaning, other.meanings.get(name, {}), first.path.name)
    for name, values in first.fixed.items():
        if name in other.fixed and not _equal(values, other.fixed[name]):
            yield f"has other values of {name} than {first.path.name}: the grids or fixed fields differ"


def _kind_text(kind: tuple[tuple[str, ...], str]) -> str:
    dims, dtype = kind
    return f"{dtype} ({', '.join(dims)})"


def _different_meanings(name: str, meaning: dict[str, Any], other: dict[str, Any], first: str) -> Iterator[str]:
    for key in dict.fromkeys([*meaning, *other]):
        if key not in meaning or key not in other or not _equal(np.asarray(meaning[key]), np.asarray(other[key])):
            yield f"has {key} {_shown(other.get(key))} for {name}, {first} has {_shown(meaning.get(key))}"


def _shown(value: Any) -> str:
    return "none" if value is None else repr(value.item() if hasattr(value, "item") else value)


def _equal(values: NDArray[Any], other: NDArray[Any]) -> bool:
    if values.dtype.kind == "f":
        return np.array_equal(values, other, equal_nan=True)
    return np.array_equal(values, other)


def _check_joints(paths: tuple[Path, ...]) -> None:
    """Refuse a series in which a step is missing or comes twice between two files."""
    with open_series(paths, threads=1) as dataset:
        clock = find_clock(dataset)
        if clock is None:
            raise ConfigurationError(f"{paths[0].name}: has no steps of time")
        axis = read_time(dataset, clock.coordinates[0])
        lengths = [_steps_of(path, clock) for path in paths]
    steps = read_steps(axis)
    ends = np.cumsum(lengths)[:-1]
    for number, place in enumerate(ends):
        before, after = slice(int(place) - lengths[number], int(place)), int(place)
        end, begin = float(steps.bounds[before, 1].max()), float(steps.bounds[after, 0])
        apart = begin - end
        names = f"{paths[number].name} and {paths[number + 1].name}"
        last, first = float(axis.values[before].max()), float(axis.values[after])
        if apart < -_slack(axis, steps.bounds) or first <= last:
            raise ConfigurationError(
                f"{names} overlap: one goes to {render(axis, end)}, the other begins with {render(axis, begin)}; "
                "each step may come once"
            )
        if apart > _slack(axis, steps.bounds):
            raise ConfigurationError(
                f"between {names} there is a gap, from {render(axis, end)} to {render(axis, begin)}; add the file that is "
                "missing, or publish what is on each side as a dataset of its own"
            )


def _slack(axis: TimeAxis, bounds: NDArray[np.float64]) -> float:
    """Give how far apart two steps may seem without being so: a hundredth of a step."""
    return max(2 * axis.tolerance, 0.01 * float(np.median(np.diff(bounds, axis=1))))


def _steps_of(path: Path, clock: Clock) -> int:
    with open_dataset(path, threads=1) as dataset:
        return int(dataset.sizes[clock.dim])

"""The data variables of a dataset as people think of them: over time, level, latitude and longitude, as numbers and text."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.shared.axes import Grid, data_variables, find_grid, find_time, find_vertical, text_of
from gaia_processes.shared.cells import read_cells
from gaia_processes.shared.normals import read_spans
from gaia_processes.shared.times import read_time, render, unit_s
from gaia_processes.shared.values import find_invalid, precision_of, read_numbers, unpack

_ON_A_PLANE = frozenset({"rotated", "curvilinear", "projected"})
_SLAB_CELLS = 2**19
_DAY_S = 86400.0

type Numbers = NDArray[Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """
    A data variable and what its dimensions mean.

    Attributes
    ----------
    time, level : str or None
        Coordinates along a dimension of it; `time` may be a scalar.
    """

    dataset: xr.Dataset
    name: str
    grid: Grid
    time: str | None
    level: str | None

    @property
    def variable(self) -> xr.Variable:
        """The data, undecoded."""
        return self.dataset.variables[self.name]

    @property
    def title(self) -> str:
        """What a person calls it."""
        own = self.variable
        return text_of(own, "long_name") or text_of(own, "standard_name").replace("_", " ") or self.name

    @property
    def units(self) -> str:
        """As the file says them; empty where it does not."""
        return text_of(self.variable, "units")

    def dim_of(self, coordinate: str | None) -> str | None:
        """Give the dimension of a 1-D coordinate."""
        if coordinate is None or self.dataset.variables[coordinate].ndim != 1:
            return None
        return str(self.dataset.variables[coordinate].dims[0])

    @property
    def other_dims(self) -> tuple[str, ...]:
        """Dimensions that are neither time, nor level, nor space."""
        known = {self.dim_of(self.time), self.dim_of(self.level), self.grid.x_dim, self.grid.y_dim}
        known |= {self.dim_of(self.grid.longitude), self.dim_of(self.grid.latitude)}
        return tuple(str(dim) for dim in self.variable.dims if dim not in known)


def fields_of(dataset: xr.Dataset) -> tuple[Field, ...]:
    """Give the data variables that hold numbers or text, in the order of the file."""
    return tuple(
        Field(
            dataset=dataset,
            name=name,
            grid=find_grid(dataset, name),
            time=find_time(dataset, name),
            level=next(iter(find_vertical(dataset, name)), None),
        )
        for name in data_variables(dataset)
    )


def read_times(field: Field) -> list[str] | Numbers | None:
    """
    Read the times of a field.

    Returns
    -------
    list of str, array or None
        ISO 8601 in the data's own calendar; numbers as they are where they are no CF time; None where there is no time.
    """
    if field.time is None:
        return None
    try:
        axis = read_time(field.dataset, field.time)
    except DatasetUnsuitable:
        return np.atleast_1d(read_numbers(field.dataset.variables[field.time]))
    return [f"{render(axis, float(value))}Z" for value in axis.values]


def read_stretches(field: Field) -> list[tuple[str, str]] | None:
    """
    Read from which day to which the steps of a field go.

    Returns
    -------
    list of (str, str) or None
        Dates in the data's own calendar, the last one included, of bounds or climatology bounds; None where there are none, or
        where steps are no longer than a day.
    """
    if field.time is None:
        return None
    try:
        axis = read_time(field.dataset, field.time)
    except DatasetUnsuitable:
        return None
    spans = axis.bounds if axis.bounds is not None else read_spans(field.dataset, axis)
    second = 1.0 / unit_s(axis.units)
    if spans is None or not len(spans) or np.diff(spans, axis=1).min() < (_DAY_S + 1) * second:
        return None
    return [(render(axis, float(begin))[:10], render(axis, float(end) - second)[:10]) for begin, end in spans]


def decode(stored: Numbers, variable: xr.Variable) -> Numbers:
    """
    Give numbers as they are meant, in the precision in which they are known.

    Parameters
    ----------
    stored : array
        Numbers of the variable as stored, any shape.
    variable : xarray.Variable
        Says how they are packed and which are missing.

    Returns
    -------
    masked array
        Integers stay integers where they are not packed; what is missing is masked.
    """
    native = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    missing = find_invalid(native, variable.attrs)
    kind = precision_of(variable)
    numbers = unpack(native, variable.attrs).astype(kind, copy=False) if kind != variable.dtype else native
    return np.ma.MaskedArray(numbers, mask=missing)


def slabs(shape: tuple[int, ...], most_cells: int = _SLAB_CELLS) -> Iterator[tuple[slice, ...]]:
    """
    Cut an array into stretches that follow one another as its cells do, row by row.

    Parameters
    ----------
    shape : tuple of int
        Of the array.
    most_cells : int
        Of one stretch, where one step along the last dimension is not more.

    Yields
    ------
    tuple of slice
        Whole along the last dimensions, one step along the first ones.
    """
    if 0 in shape:
        return
    inner, split = 1, len(shape)
    while split and inner * shape[split - 1] <= most_cells:
        split -= 1
        inner *= shape[split]
    if not split:
        yield tuple(slice(0, size) for size in shape)
        return
    step = max(most_cells // inner, 1)
    starts = [range(0, size, step if at == split - 1 else 1) for at, size in enumerate(shape[:split])]
    whole = [slice(0, size) for size in shape[split:]]
    for corner in product(*starts):
        lengths = [1] * (split - 1) + [step]
        yield (*(slice(a, min(a + n, s)) for a, n, s in zip(corner, lengths, shape[:split], strict=True)), *whole)


def places_of(field: Field, box: tuple[slice, ...]) -> tuple[Numbers, Numbers] | None:
    """
    Read latitudes and longitudes of the cells of a box.

    Parameters
    ----------
    field : Field
    box : tuple of slice
        One for each dimension of the variable.

    Returns
    -------
    (array, array) or None
        Latitudes and longitudes, in degrees; they broadcast to the shape of the box. None where the data have no place.
    """
    dims = [str(dim) for dim in field.variable.dims]
    by_dim = dict(zip(dims, box, strict=True))
    grid = field.grid
    if grid.kind in _ON_A_PLANE:
        y_dim, x_dim = str(grid.y_dim), str(grid.x_dim)
        longitude, latitude = read_cells(field.dataset, grid).rows(by_dim[y_dim])
        across = by_dim[x_dim]
        return tuple(  # type: ignore[return-value]  # mypy loses the length
            _spread(values[:, across], (y_dim, x_dim), dims) for values in (latitude, longitude)
        )
    if grid.longitude is None or grid.latitude is None:
        return None
    found = []
    for name in (grid.latitude, grid.longitude):
        own = field.dataset.variables[name]
        values = read_numbers(own[tuple(by_dim[str(dim)] for dim in own.dims)])
        found.append(_spread(values, tuple(str(dim) for dim in own.dims), dims))
    return found[0], found[1]


def _spread(values: Numbers, own: tuple[str, ...], dims: list[str]) -> Numbers:
    """Give an array dimensions of one where it lacks some, in the order of others."""
    ordered = np.transpose(values, [own.index(dim) for dim in dims if dim in own])
    shape = iter(ordered.shape)
    return ordered.reshape([next(shape) if dim in own else 1 for dim in dims])

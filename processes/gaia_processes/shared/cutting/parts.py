"""Small steps that every kind of cutting takes on a dataset: places along dimensions, variables exchanged, which are which."""

from collections.abc import Callable, Iterable
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.shared.axes import data_variables
from gaia_processes.shared.references import references_of
from gaia_processes.text import Text

type Inclusion = Literal["centre", "touch"]
type Warn = Callable[[Text], None]
type Mask = NDArray[np.bool_]


def take(dataset: xr.Dataset, chosen: dict[str, NDArray[np.intp]]) -> xr.Dataset:
    """Take places along dimensions, as slices where they are neighbours."""
    return dataset.isel({dim: _as_slice(places) for dim, places in chosen.items()})


def _as_slice(places: NDArray[np.intp]) -> slice | NDArray[np.intp]:
    if len(places) and np.all(np.diff(places) == 1):
        return slice(int(places[0]), int(places[-1]) + 1)
    return places


def replace(dataset: xr.Dataset, changed: dict[str, xr.Variable]) -> xr.Dataset:
    """Exchange or add variables, without making indexes and without forgetting how things are stored."""
    coordinates = xr.Coordinates(
        {str(name): changed.get(str(name), dataset.variables[name]) for name in dataset.coords}, indexes={}
    )
    others = {str(name): changed.get(str(name), dataset.variables[name]) for name in dataset.data_vars}
    added = {name: variable for name, variable in changed.items() if name not in dataset.variables}
    made = xr.Dataset(others | added, coordinates, dataset.attrs)
    made.encoding = dict(dataset.encoding)
    return made


def name_measured(dataset: xr.Dataset) -> tuple[str, ...]:
    """Name the variables whose axes are looked at: the data, or all where everything serves something else."""
    return data_variables(dataset) or tuple(str(name) for name in dataset.variables)


def name_coordinates(dataset: xr.Dataset) -> frozenset[str]:
    """Name the coordinates: of dimensions, and those that variables name."""
    named: Iterable[str] = (
        each for variable in dataset.variables.values() for each in references_of(variable, ("coordinates",))
    )
    own = (str(name) for name, each in dataset.variables.items() if each.dims == (name,))
    return frozenset(name for name in (*named, *own) if name in dataset.variables)

"""The variables that are the quantities which indices need: found, daily, on one grid and in one calendar."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from gaia_processes.climate_indices.days import DAY_S, number_days
from gaia_processes.climate_indices.indices import Index
from gaia_processes.climate_indices.quantities import (
    UNITS,
    Described,
    Quantity,
    find_conversion,
    find_quantities,
)
from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.shared.axes import data_variables, find_grid, find_time, text_of
from gaia_processes.shared.periods import Steps, read_steps
from gaia_processes.shared.times import read_time
from gaia_processes.shared.values import read_numbers
from gaia_processes.text import Text

type Warn = Callable[[Text], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A variable that is a quantity, and its days."""

    quantity: Quantity
    name: str
    part: xr.Dataset
    steps: Steps
    scale: float
    offset: float

    @property
    def variable(self) -> xr.Variable:
        """Undecoded."""
        return self.part.variables[self.name]

    @property
    def time_dim(self) -> str:
        """Along which its days lie."""
        return str(self.steps.axis.dim)

    @property
    def precision(self) -> np.dtype[Any]:
        """In which its values are known."""
        return np.dtype(np.float32 if self.variable.dtype == np.float32 else np.float64)

    @property
    def by_time(self) -> xr.Variable:
        """The same with its days first."""
        return self.variable.transpose(self.time_dim, *self.cell_dims)

    @property
    def cell_dims(self) -> tuple[str, ...]:
        """All others."""
        return tuple(str(dim) for dim in self.variable.dims if dim != self.time_dim)

    @property
    def cell_shape(self) -> tuple[int, ...]:
        """How many cells lie along each of these."""
        return tuple(self.variable.sizes[dim] for dim in self.cell_dims)


def find_sources(parts: list[xr.Dataset], asked: tuple[Index, ...], warn: Warn) -> dict[Quantity, Source]:
    """Find the variable of each quantity that is needed; a mean that is not there is made of the extremes."""
    found: dict[Quantity, list[tuple[xr.Dataset, str]]] = {}
    for part in parts:
        described = {name: _described(part.variables[name], name) for name in data_variables(part)}
        for quantity, names in find_quantities(described).items():
            found.setdefault(quantity, []).extend((part, name) for name in names)
    wanted = dict.fromkeys(quantity for index in asked for quantity in index.needs)
    if "tas" in wanted and "tas" not in found and {"tasmax", "tasmin"} <= found.keys():
        del wanted["tas"]
        wanted |= dict.fromkeys(("tasmax", "tasmin"))
        warn(
            Text(
                en="There is no daily mean temperature; half the sum of maximum and minimum stands for it.",
                fr="Il n'y a pas de température moyenne journalière ; la demi-somme du maximum et du minimum en tient lieu.",
            )
        )
    sources = {quantity: _source(quantity, found.get(quantity, [])) for quantity in wanted}
    _check_grids(list(sources.values()))
    return sources


def _described(variable: xr.Variable, name: str) -> Described:
    texts = (text_of(variable, attribute) or None for attribute in ("standard_name", "cell_methods", "units"))
    standard_name, cell_methods, unit = texts
    return Described(name=name, standard_name=standard_name, cell_methods=cell_methods, unit=unit)


def _source(quantity: Quantity, places: list[tuple[xr.Dataset, str]]) -> Source:
    if not places:
        raise DatasetUnsuitable(
            Text(
                en=f"The data have no daily {quantity}; name a dataset that has it beside this one.",
                fr=f"Les données n'ont pas de {quantity} journalier ; nommez aussi un jeu de données qui l'a.",
            )
        )
    if len(places) > 1:
        names = ", ".join(name for _, name in places)
        raise DatasetUnsuitable(
            Text(
                en=f"{names} could all be {quantity}; say which is meant in variables.",
                fr=f"{names} pourraient tous être {quantity} ; indiquez lequel dans variables.",
            )
        )
    part, name = places[0]
    unit = text_of(part.variables[name], "units")
    conversion = find_conversion(quantity, unit)
    if conversion is None:
        known = ", ".join(UNITS[quantity])
        raise DatasetUnsuitable(
            Text(
                en=f"The unit {unit!r} of {name} is not known for {quantity}; known are {known}.",
                fr=f"L'unité {unit!r} de {name} n'est pas connue pour {quantity} ; sont connues {known}.",
            )
        )
    time = find_time(part, name)
    if time is None or part.variables[time].ndim != 1:
        raise _not_daily(name, None)
    steps = read_steps(read_time(part, time))
    _check_daily(name, steps)
    return Source(
        quantity=quantity, name=name, part=part, steps=steps, scale=conversion.scale, offset=conversion.offset
    )


def _check_daily(name: str, steps: Steps) -> None:
    keys = number_days(steps)
    if len(np.unique(keys)) != len(keys) or not steps.known or abs(np.median(steps.lengths_s) - DAY_S) > 1.0:
        raise _not_daily(name, float(np.median(steps.lengths_s)) / DAY_S if steps.known else None)


def _not_daily(name: str, days: float | None) -> DatasetUnsuitable:
    length = "" if days is None else f" ({days:g})"
    return DatasetUnsuitable(
        Text(
            en=f"The indices are of daily data, and the steps of {name} are no days{length}; aggregate to days first.",
            fr=f"Les indices se font de données journalières, et les pas de {name} ne sont pas des jours{length} ; agrégez "
            "d'abord par jour.",
        )
    )


def _check_grids(sources: list[Source]) -> None:
    first = sources[0]
    for other in sources[1:]:
        if other.cell_shape != first.cell_shape or not _same_places(first, other):
            raise DatasetUnsuitable(
                Text(
                    en=f"{other.name} lies on another grid than {first.name}; regrid one like the other first.",
                    fr=f"{other.name} est sur une autre grille que {first.name} ; mettez d'abord l'un sur la grille de l'autre.",
                )
            )
        if other.steps.axis.calendar != first.steps.axis.calendar:
            calendars = f"{other.steps.axis.calendar} / {first.steps.axis.calendar}"
            raise DatasetUnsuitable(
                Text(
                    en=f"{other.name} and {first.name} have different calendars ({calendars}).",
                    fr=f"{other.name} et {first.name} ont des calendriers différents ({calendars}).",
                )
            )


def _same_places(first: Source, other: Source) -> bool:
    """Tell whether two quantities lie at the same places, to a thousandth of a degree or metre."""
    for which in ("latitude", "longitude", "x", "y"):
        names = [getattr(find_grid(each.part, each.name), which) for each in (first, other)]
        if None in names:
            continue
        here, there = (
            read_numbers(each.part.variables[name]) for each, name in zip((first, other), names, strict=True)
        )
        if here.shape != there.shape or not np.allclose(here, there, atol=1e-3, equal_nan=True):
            return False
    return True

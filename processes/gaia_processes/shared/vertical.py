"""Vertical levels: units that can be compared, and which levels of an axis are meant."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.errors import DatasetUnsuitable, SelectionEmpty
from gaia_processes.inputs.levels import Levels, plain_unit
from gaia_processes.shared.axes import text_of
from gaia_processes.shared.values import read_numbers
from gaia_processes.text import Text

_RELATIVE = 1e-3
_RANGE_RELATIVE = 1e-6

# What one of each is in Pa or in m.
UNITS: dict[str, tuple[str, float]] = {
    "pa": ("pressure", 1.0),
    "pascal": ("pressure", 1.0),
    "pascals": ("pressure", 1.0),
    "hpa": ("pressure", 1e2),
    "mbar": ("pressure", 1e2),
    "mb": ("pressure", 1e2),
    "millibar": ("pressure", 1e2),
    "millibars": ("pressure", 1e2),
    "kpa": ("pressure", 1e3),
    "dbar": ("pressure", 1e4),
    "decibar": ("pressure", 1e4),
    "decibars": ("pressure", 1e4),
    "bar": ("pressure", 1e5),
    "atm": ("pressure", 101325.0),
    "m": ("length", 1.0),
    "meter": ("length", 1.0),
    "meters": ("length", 1.0),
    "metre": ("length", 1.0),
    "metres": ("length", 1.0),
    "km": ("length", 1e3),
    "kilometre": ("length", 1e3),
    "kilometres": ("length", 1e3),
    "kilometer": ("length", 1e3),
    "kilometers": ("length", 1e3),
    "cm": ("length", 1e-2),
    "mm": ("length", 1e-3),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class VerticalAxis:
    """A vertical coordinate along a dimension: values in `unit`, `positive` up or down or unknown."""

    name: str
    dim: str
    values: NDArray[np.float64]
    unit: str
    positive: str


def read_vertical(dataset: xr.Dataset, name: str) -> VerticalAxis:
    """Read a 1-D vertical coordinate of an undecoded dataset."""
    variable = dataset.variables[name]
    positive = text_of(variable, "positive").lower()
    if positive not in {"up", "down"}:
        downward = text_of(variable, "standard_name").startswith("depth") or is_pressure(text_of(variable, "units"))
        positive = "down" if downward else ""
    return VerticalAxis(
        name=name,
        dim=str(variable.dims[0]),
        values=read_numbers(variable),
        unit=text_of(variable, "units"),
        positive=positive,
    )


def is_pressure(unit: str) -> bool:
    """Tell whether a unit is one of pressure."""
    return UNITS.get(unit.lower(), ("", 0.0))[0] == "pressure"


def is_length(unit: str) -> bool:
    """Tell whether a unit is one of length."""
    return UNITS.get(unit.lower(), ("", 0.0))[0] == "length"


def find_factor(unit: str, into: str) -> float | None:
    """
    Find the number that converts from one unit into another.

    Parameters
    ----------
    unit, into : str
        Units of pressure or of length, or any two that are spelt alike.

    Returns
    -------
    float or None
        None where they cannot be compared.
    """
    if unit.lower() == into.lower():
        return 1.0
    (kind, size), (other_kind, other_size) = (UNITS.get(each.lower(), ("", 0.0)) for each in (unit, into))
    return size / other_size if kind and kind == other_kind else None


def fits(axis: VerticalAxis, levels: Levels) -> bool:
    """Tell whether levels can be looked for on an axis."""
    return levels.unit is None or find_factor(levels.unit, axis.unit) is not None


def select_levels(axis: VerticalAxis, levels: Levels, *, nearest: bool = False) -> NDArray[np.intp]:
    """
    Select the levels of an axis that were asked for.

    Parameters
    ----------
    axis : VerticalAxis
        Of the data.
    levels : Levels
        Values, or a closed range.
    nearest : bool
        Take the nearest level where none is equal.

    Returns
    -------
    array of int
        Places in the order of the source, each once.

    Raises
    ------
    DatasetUnsuitable
        The units cannot be compared.
    SelectionEmpty
        A value is no level of the data, or no level lies in the range; the text names those that there are.
    """
    factor = 1.0 if levels.unit is None else find_factor(levels.unit, axis.unit)
    if factor is None:
        raise _units_differ(axis, levels)
    if levels.span is not None:
        return select_range(axis, levels.span[0] * factor, levels.span[1] * factor)
    return _select_values(axis, [value * factor for value in levels.values], nearest=nearest)


def select_range(axis: VerticalAxis, low: float, high: float) -> NDArray[np.intp]:
    """Select the levels in a closed range, in the unit of the axis."""
    slack = _RANGE_RELATIVE * max(abs(low), abs(high))
    found = np.flatnonzero((axis.values >= low - slack) & (axis.values <= high + slack))
    if not len(found):
        raise _no_level(axis, f"{low:g}/{high:g}")
    return found


def _select_values(axis: VerticalAxis, wanted: list[float], *, nearest: bool) -> NDArray[np.intp]:
    found = set()
    for value in wanted:
        distance = np.abs(axis.values - value)
        if not len(distance) or np.isnan(distance).all():
            raise _no_level(axis, f"{value:g}")
        best = int(np.nanargmin(distance))
        if not nearest and distance[best] > _RELATIVE * abs(value) + 1e-12:
            raise _no_level(axis, f"{value:g}")
        found.add(best)
    return np.array(sorted(found), dtype=np.intp)


def _list(axis: VerticalAxis) -> str:
    shown = [f"{value:g}" for value in axis.values[:50]] + ["…"] * (len(axis.values) > 50)
    return f"{', '.join(shown)} {plain_unit(axis.unit) or ''}".rstrip()


def _no_level(axis: VerticalAxis, asked: str) -> SelectionEmpty:
    unit = f" {axis.unit}" if plain_unit(axis.unit) else ""
    return SelectionEmpty(
        Text(
            en=f"There is no level {asked}{unit} on {axis.name!r}; the levels are {_list(axis)}.",
            fr=f"Il n'y a pas de niveau {asked}{unit} sur {axis.name!r} ; les niveaux sont {_list(axis)}.",
        )
    )


def _units_differ(axis: VerticalAxis, levels: Levels) -> DatasetUnsuitable:
    return DatasetUnsuitable(
        Text(
            en=f"Levels in {levels.unit!r} cannot be compared with {axis.name!r}, whose unit is {axis.unit or 'none'!r}; its levels are {_list(axis)}.",
            fr=f"Des niveaux en {levels.unit!r} ne peuvent être comparés à {axis.name!r}, dont l'unité est {axis.unit or 'aucune'!r} ; ses niveaux sont {_list(axis)}.",
        )
    )

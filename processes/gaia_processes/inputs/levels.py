"""Vertical levels: what the input `levels` means everywhere."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gaia_processes.inputs.bad_value import BadValue, show
from gaia_processes.inputs.number import read_number

_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?"
_PART = re.compile(rf"(?P<number>{_NUMBER})\s*(?P<unit>[A-Za-z%°µ][A-Za-z0-9%°µ^*. _-]{{0,30}})?", re.ASCII)
_EXAMPLES = "850, 1000,850,500 hPa, 850/500 hPa, 0/50 m"
_COUNT_LIMIT = 1000

type Quantity = Literal["pressure", "length"]

UNITS: dict[str, tuple[Quantity, float]] = {
    **dict.fromkeys(("pa", "pascal", "pascals"), ("pressure", 1.0)),
    **dict.fromkeys(("hpa", "hectopascal", "mbar", "mb", "millibar", "millibars"), ("pressure", 1e2)),
    "kpa": ("pressure", 1e3),
    **dict.fromkeys(("dbar", "decibar", "decibars"), ("pressure", 1e4)),
    "bar": ("pressure", 1e5),
    "atm": ("pressure", 101325.0),
    **dict.fromkeys(("m", "metre", "metres", "meter", "meters"), ("length", 1.0)),
    **dict.fromkeys(("km", "kilometre", "kilometres", "kilometer", "kilometers"), ("length", 1e3)),
    "cm": ("length", 1e-2),
    "mm": ("length", 1e-3),
}
"""What vertical units measure, and what one of each is in Pa or in m; by their name in small letters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Levels:
    """
    Levels asked for: single values, or a closed range in either order.

    Attributes
    ----------
    values : tuple of float
        Empty where a range was given.
    span : tuple of 2 float or None
        The ends of a range, ascending.
    unit : str or None
        Unit of the numbers; None means the data's own.
    """

    values: tuple[float, ...] = ()
    span: tuple[float, float] | None = None
    unit: str | None = None

    def as_text(self) -> str:
        """Write it so that it is read as the same again."""
        text = "/".join(map(_write, self.span)) if self.span else ",".join(map(_write, self.values))
        return f"{text} {self.unit}" if self.unit else text


def parse_levels(value: object) -> Levels:
    """
    Read levels.

    Parameters
    ----------
    value : object
        Text of numbers apart by commas, or of two numbers apart by a slash, with or without a unit; or a number;
        or an array of numbers.

    Raises
    ------
    BadValue
        If it is anything else, or units are mixed.
    """
    if isinstance(value, Levels):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Levels(values=(float(read_number(value)),))
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = ",".join(map(str, value))
    if not isinstance(value, str):
        raise _not_levels(value)
    ranged = "/" in value
    parts = [_PART.fullmatch(part.strip()) for part in value.split("/" if ranged else ",")]
    if not all(parts) or (ranged and len(parts) != 2) or len(parts) > _COUNT_LIMIT:
        raise _not_levels(value)
    matches = [part for part in parts if part]
    unit = _common_unit(matches, value)
    numbers = [float(read_number(match["number"])) for match in matches]
    if ranged:
        return Levels(span=(min(numbers), max(numbers)), unit=unit)
    return Levels(values=tuple(dict.fromkeys(numbers)), unit=unit)


def plain_unit(unit: str | None) -> str | None:
    """Give a unit as people say it: `1` is none."""
    return None if unit is None or unit.strip() in {"", "1"} else unit


def convert(number: float, source: str | None, target: str | None) -> float | None:
    """
    Take a level from one unit to another.

    Parameters
    ----------
    source, target : str or None
        Units; None means the same as the other.

    Returns
    -------
    float or None
        None where the units measure different things or are not known.
    """
    if source is None or target is None or _key(source) == _key(target):
        return number
    if quantity_of(source) is None or quantity_of(source) != quantity_of(target):
        return None
    return number * UNITS[_key(source)][1] / UNITS[_key(target)][1]


def quantity_of(unit: str | None) -> Quantity | None:
    """Tell what a vertical unit measures; None where it is not known."""
    return UNITS[_key(unit)][0] if unit is not None and _key(unit) in UNITS else None


def same_level(first: float, second: float) -> bool:
    """Tell whether two levels in one unit are meant to be the same: within a thousandth."""
    return abs(first - second) <= 1e-3 * max(abs(first), abs(second))


def _key(unit: str) -> str:
    return unit.strip().lower()


def _common_unit(matches: Sequence[re.Match[str]], value: str) -> str | None:
    units = list(dict.fromkeys(match["unit"].strip() for match in matches if match["unit"]))
    if len(units) > 1:
        raise BadValue.of(
            f"{show(value)} mixes the units {' and '.join(units)}; one unit for all the levels is right.",
            f"{show(value)} mélange les unités {' et '.join(units)} ; il faut une seule unité pour tous les niveaux.",
            given=value,
        )
    return units[0] if units else None


def _write(number: float) -> str:
    return repr(number).removesuffix(".0")


def _not_levels(value: object) -> BadValue:
    return BadValue.of(
        f"{show(value)} does not name levels; right is for example {_EXAMPLES}.",
        f"{show(value)} ne désigne pas de niveaux ; par exemple : {_EXAMPLES}.",
        given=value,
    )

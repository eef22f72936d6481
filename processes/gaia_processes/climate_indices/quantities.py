"""
Which variables of the data are daily temperatures and precipitation, and how their units become °C and mm a day.

Light: read from the catalogue before anything is queued, and by the work from the file itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

type Quantity = Literal["tasmax", "tasmin", "tas", "pr"]

NAMES: dict[str, Quantity] = {
    "tasmax": "tasmax", "tx": "tasmax", "tmax": "tasmax", "mx2t": "tasmax",
    "tasmin": "tasmin", "tn": "tasmin", "tmin": "tasmin", "mn2t": "tasmin",
    "tas": "tas", "tg": "tas", "tmean": "tas", "t2m": "tas", "tm": "tas",
    "pr": "pr", "rr": "pr", "precip": "pr", "tp": "pr", "prcp": "pr", "ppt": "pr",
}  # fmt: skip
"""Names of variables, in small letters, that say what a variable is."""

_TEMPERATURE, _PRECIPITATION = "air_temperature", frozenset(
    {
        "precipitation_flux", "precipitation_amount", "lwe_precipitation_rate", "lwe_thickness_of_precipitation_amount",
        "lwe_thickness_of_precipitation_rate", "convective_precipitation_flux_and_large_scale_precipitation_flux",
    }
)  # fmt: skip

_DAY_S = 86400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversion:
    """`scale` times a number plus `offset` is °C, or mm a day."""

    scale: float = 1.0
    offset: float = 0.0


_CELSIUS = Conversion()
_TEMPERATURES: dict[str, Conversion] = {
    **dict.fromkeys(("K", "kelvin", "Kelvin", "degK", "deg_K"), Conversion(offset=-273.15)),
    **dict.fromkeys(
        (
            "degC",
            "deg_C",
            "C",
            "°C",
            "Celsius",
            "celsius",
            "degree_Celsius",
            "degrees_Celsius",
            "degree_C",
            "degrees_C",
        ),
        _CELSIUS,
    ),
    **dict.fromkeys(
        ("degF", "F", "°F", "fahrenheit", "degree_Fahrenheit"), Conversion(scale=5 / 9, offset=-32 * 5 / 9)
    ),
}
_PER_SECOND, _PER_DAY = Conversion(scale=_DAY_S), Conversion()
_RAINS: dict[str, Conversion] = {
    **dict.fromkeys(("kg m-2 s-1", "kg/m2/s", "kg m^-2 s^-1", "kg/(m2 s)", "mm s-1", "mm/s"), _PER_SECOND),
    **dict.fromkeys(("m s-1", "m/s"), Conversion(scale=1000 * _DAY_S)),
    **dict.fromkeys(
        ("mm day-1", "mm/day", "mm d-1", "mm/d", "kg m-2 day-1", "kg m-2 d-1", "mm", "kg m-2", "kg/m2"), _PER_DAY
    ),
    **dict.fromkeys(("m", "m day-1", "m/day", "m d-1"), Conversion(scale=1000)),
    **dict.fromkeys(("cm", "cm day-1", "cm/day"), Conversion(scale=10)),
}
UNITS: dict[Quantity, dict[str, Conversion]] = {
    "tasmax": _TEMPERATURES, "tasmin": _TEMPERATURES, "tas": _TEMPERATURES, "pr": _RAINS,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """What is known of a variable."""

    name: str
    standard_name: str | None
    cell_methods: str | None
    unit: str | None


def quantity_of(described: Described) -> Quantity | None:
    """
    Say which quantity a variable is.

    Returns
    -------
    str or None
        By its name where that is one of `NAMES`, else by standard name and cell methods; None for anything else. A
        temperature of which it is not said what of the day it is, is a mean.
    """
    named = NAMES.get(described.name.lower())
    if named is not None and (described.unit or "").strip() in UNITS[named]:
        return named
    if described.standard_name in _PRECIPITATION:
        return "pr"
    if described.standard_name != _TEMPERATURE:
        return named
    methods = described.cell_methods or ""
    return "tasmax" if "time: max" in methods else "tasmin" if "time: min" in methods else "tas"


def find_conversion(quantity: Quantity, unit: str) -> Conversion | None:
    """
    Find how numbers in a unit become °C or mm a day.

    Parameters
    ----------
    quantity : str
    unit : str
        As the file says it. `mm` and `kg m-2` are amounts of a day, `kg m-2 s-1` and `mm s-1` rates: a day has 86,400 s.

    Returns
    -------
    Conversion or None
        None where the unit is not known: it is not guessed.
    """
    return UNITS[quantity].get(" ".join(unit.replace("**", "^").split()))


def find_quantities(variables: Mapping[str, Described]) -> dict[Quantity, tuple[str, ...]]:
    """Give the names of the variables of each quantity; several, where it is not clear which is meant."""
    found: dict[Quantity, tuple[str, ...]] = {}
    for name, described in variables.items():
        quantity = quantity_of(described)
        if quantity is not None:
            found[quantity] = (*found.get(quantity, ()), name)
    return found

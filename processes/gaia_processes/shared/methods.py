"""
What a statistic makes of the attributes of a variable: cell methods, unit, names.

References
----------
CF conventions 1.12, sections 7.3 (cell methods), 7.4 (climatological statistics), 3.3 and appendix C (standard name
modifiers), 3.1.2 (`units_metadata`); appendix E (names of methods).
"""

import re
from typing import Any

METHODS = {
    "mean": "mean",
    "sum": "sum",
    "min": "minimum",
    "max": "maximum",
    "std": "standard_deviation",
    "var": "variance",
    "median": "median",
}
"""CF's names; it has none for a number of values or for quantiles other than the median."""

_DAILY_EXTREME = re.compile(r"(?P<dim>\w+): (?P<method>maximum|minimum)(?P<rest>(?: \([^)]*\))?)$")
_WITHIN_DAYS = re.compile(r"within days(?: \([^)]*\))?$")
_LAST_OVER_TIME = re.compile(r"(?P<dim>\w+): (?P<method>\w+)(?: \([^)]*\))?$")
_TEMPERATURES = frozenset({"K", "kelvin", "Kelvin", "degK", "degC", "deg_C", "Celsius", "celsius", "degree_Celsius", "degrees_Celsius", "C"})  # fmt: skip
_WITH_ANOMALY = frozenset({"air_pressure", "air_temperature", "geopotential_height", "surface_temperature"})


def append_methods(before: str, *methods: str) -> str:
    """Write cell methods after those that a variable has already, in the order in which they were applied."""
    return " ".join(each for each in (before.strip(), *methods) if each)


def time_methods(before: str, dim: str, method: str, *, daily: bool) -> str:
    """
    Write the cell methods of a statistic over time.

    Parameters
    ----------
    before : str
        Those of the source.
    dim : str
        The time dimension.
    method : str
        CF's name of the statistic.
    daily : bool
        Whether the steps are days: a mean of daily extremes is one within days and over days.
    """
    if daily and _WITHIN_DAYS.search(before.strip()):
        return append_methods(before, f"{dim}: {method} over days")
    match = _DAILY_EXTREME.search(before.strip())
    if daily and match and match["dim"] in {dim, "time"}:
        within = f"{match['dim']}: {match['method']} within days{match['rest']}"
        return append_methods(before.strip()[: match.start()], within, f"{dim}: {method} over days")
    return append_methods(before, f"{dim}: {method}")


def climatology_methods(before: str, dim: str, within: str, over: str, *, daily: bool) -> str:
    """
    Write the cell methods of a statistic of each year and one over the years.

    Parameters
    ----------
    before : str
        Those of the source. A method that is the same goes into the new one: the mean of means is a mean.
    dim : str
        The time dimension.
    within, over : str
        CF's names of the statistics.
    daily : bool
        Whether the steps are days: of daily extremes CF has a form with three parts.
    """
    if daily and _WITHIN_DAYS.search(before.strip()):
        return append_methods(before, f"{dim}: {within} over days", f"{dim}: {over} over years")
    match = _LAST_OVER_TIME.search(before.strip())
    own = match is not None and match["dim"] in {dim, "time"}
    rest = before.strip()[: match.start()] if match is not None and own else before
    if match is not None and own and match["method"] == within:
        return append_methods(rest, f"{dim}: {within} within years", f"{dim}: {over} over years")
    if match is not None and own and daily and match["method"] in {"maximum", "minimum"}:
        days = f"{dim}: {match['method']} within days", f"{dim}: {within} over days"
        return append_methods(rest, *days, f"{dim}: {over} over years")
    return append_methods(before, f"{dim}: {within} within years", f"{dim}: {over} over years")


def squared(units: str) -> str:
    """Write the square of a unit; that of a temperature scale is of its differences."""
    if units in _TEMPERATURES:
        return "K2"
    if units in {"", "1"}:
        return units
    return f"{units}2" if units.isalpha() else f"({units})2"


def as_difference(attrs: dict[str, Any]) -> dict[str, Any]:
    """Say of a temperature that it is a difference of temperatures."""
    if attrs.get("units") in _TEMPERATURES:
        return attrs | {"units_metadata": "temperature: difference"}
    return attrs


def as_anomaly(attrs: dict[str, Any]) -> dict[str, Any]:
    """Name what is apart from a climatology."""
    named = {name: value for name, value in attrs.items() if name != "standard_name"}
    if attrs.get("standard_name") in _WITH_ANOMALY:
        named["standard_name"] = f"{attrs['standard_name']}_anomaly"
    if "long_name" in attrs:
        named["long_name"] = f"{attrs['long_name']} anomaly"
    return as_difference(named)


def as_ratio(attrs: dict[str, Any]) -> dict[str, Any]:
    """Name a share of a climatology."""
    named = {name: value for name, value in attrs.items() if name != "standard_name"} | {"units": "1"}
    if "long_name" in attrs:
        named["long_name"] = f"{attrs['long_name']} as a share of the climatology"
    return named


def as_count(attrs: dict[str, Any]) -> dict[str, Any]:
    """Name a number of values."""
    named = attrs | {"units": "1"}
    if "standard_name" in attrs:
        named["standard_name"] = f"{str(attrs['standard_name']).split()[0]} number_of_observations"
    return named

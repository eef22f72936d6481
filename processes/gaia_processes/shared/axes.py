"""
Which variable is longitude, latitude, time or height, and on what kind of grid the data lie.

The criteria are those of CF (units, `standard_name`, `axis`), then names in common use (those that cf-xarray and the
NetCDF-Java library know). Attributes win over names; nothing is read here.

References
----------
CF conventions 1.12, section 4 (coordinate types); https://cf-xarray.readthedocs.io/en/latest/coord_axes.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import xarray as xr

from gaia_processes.cube import GridKind
from gaia_processes.shared.references import find_bounds, find_referenced, references_of

_PROJECTED = ("PROJCRS", "PROJCS", "BOUNDCRS[SOURCECRS[PROJCRS")
"""How the well-known text of a projected system begins."""

_DEGREES = frozenset({"", "degree", "degrees", "deg"})
_PRESSURE = frozenset({"pa", "hpa", "kpa", "mbar", "millibar", "millibars", "mb", "bar", "dbar", "decibar", "decibars"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Criteria:
    """What makes a variable a coordinate of one kind."""

    standard_names: frozenset[str]
    units: re.Pattern[str]
    name: re.Pattern[str]
    axis: str = ""
    javaname: str = ""
    plain_units: frozenset[str] | None = None


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


LONGITUDE = Criteria(
    standard_names=frozenset({"longitude"}),
    units=_pattern(r"degrees?_?(east|e)"),
    name=_pattern(r"x?(nav_lon|long|lon|glam)(gitude)?s?[a-z0-9]?(_?\w)?"),
    javaname="Lon",
    plain_units=_DEGREES,
)
LATITUDE = Criteria(
    standard_names=frozenset({"latitude"}),
    units=_pattern(r"degrees?_?(north|n)"),
    name=_pattern(r"y?(nav_lat|lat|gphi)(itude)?s?[a-z0-9]?(_?\w)?"),
    javaname="Lat",
    plain_units=_DEGREES,
)
TIME = Criteria(
    standard_names=frozenset({"time"}),
    units=_pattern(r"\w+ +since .*"),
    name=_pattern(r"t|time[a-z0-9_]*|dates?"),
    axis="T",
    javaname="Time",
)
VERTICAL = Criteria(
    standard_names=frozenset({
        "air_pressure", "height", "altitude", "depth", "geopotential_height", "model_level_number",
        "height_above_geopotential_datum", "height_above_reference_ellipsoid", "height_above_mean_sea_level",
        "height_above_sea_floor", "depth_below_geoid", "atmosphere_ln_pressure_coordinate", "atmosphere_sigma_coordinate",
        "atmosphere_hybrid_sigma_pressure_coordinate", "atmosphere_hybrid_height_coordinate",
        "atmosphere_sleve_coordinate", "ocean_sigma_coordinate", "ocean_s_coordinate", "ocean_s_coordinate_g1",
        "ocean_s_coordinate_g2", "ocean_sigma_z_coordinate", "ocean_double_sigma_coordinate", "air_potential_temperature",
        "depth_below_sea_floor", "sea_water_pressure",
    }),
    units=_pattern("|".join(re.escape(unit) for unit in sorted(_PRESSURE)) + "|sigma_level|level|layer"),
    name=_pattern(r"z|z?lev(el)?s?\w?|plevs?|p?lev\d+|nav_lev|depth\w?|heights?|altitude|alt|isobaric\w*|pressure\w*|bottom_top|sigma|olevel|gdep\w*"),
    axis="Z",
    javaname="Height",
)  # fmt: skip

_PLANE: dict[str, tuple[frozenset[str], re.Pattern[str]]] = {
    "X": (frozenset({"projection_x_coordinate", "grid_longitude", "projection_x_angular_coordinate"}), _pattern(r"x[a-z0-9]?|rlon|grid_longitude|nx|i")),
    "Y": (frozenset({"projection_y_coordinate", "grid_latitude", "projection_y_angular_coordinate"}), _pattern(r"y[a-z0-9]?|rlat|grid_latitude|ny|j")),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """
    The horizontal grid of one variable.

    Attributes
    ----------
    kind : str
        As `gaia:grid` of a cube.
    longitude, latitude : str or None
        Variables in degrees, 1-D or 2-D; None where they must be computed from the mapping.
    x_dim, y_dim : str or None
        Dimensions along which the columns and the rows lie.
    x, y : str or None
        Coordinates in the plane of the mapping.
    mapping : str or None
        The grid mapping variable.
    """

    kind: GridKind
    longitude: str | None = None
    latitude: str | None = None
    x_dim: str | None = None
    y_dim: str | None = None
    x: str | None = None
    y: str | None = None
    mapping: str | None = None


def text_of(variable: xr.Variable, attribute: str) -> str:
    """Give an attribute as text; empty where it is absent."""
    value = variable.attrs.get(attribute, "")
    return value.strip() if isinstance(value, str) else ""


def rank(name: str, variable: xr.Variable, criteria: Criteria) -> int:
    """
    Say how surely a variable is a coordinate of a kind.

    Parameters
    ----------
    name : str
        Its name.
    variable : xarray.Variable
        Undecoded.
    criteria : Criteria
        What makes the kind.

    Returns
    -------
    int
        0 it is not; 1 by its name alone; 2 by units or axis; 3 by its standard name.
    """
    standard_name, units = text_of(variable, "standard_name"), text_of(variable, "units")
    if standard_name:
        return 3 if standard_name in criteria.standard_names else 0
    if criteria.units.fullmatch(units) or text_of(variable, "_CoordinateAxisType") == criteria.javaname:
        return 2
    if criteria.axis and text_of(variable, "axis").upper() == criteria.axis:
        return 2
    fits = criteria.plain_units is None or units.lower() in criteria.plain_units
    return 1 if fits and criteria.name.fullmatch(name) else 0


def _candidates(variables: Mapping[str, xr.Variable], name: str, most_dims: int) -> dict[str, xr.Variable]:
    """Give the variables that can be coordinates of a variable: on some of its dimensions, no bounds."""
    dims, bounds = set(variables[name].dims), find_bounds(variables)
    return {
        other: each
        for other, each in variables.items()
        if other != name and other not in bounds and 0 < each.ndim <= most_dims and set(each.dims) <= dims
    }


def _best(variables: Mapping[str, xr.Variable], name: str, criteria: Criteria, most_dims: int) -> str | None:
    """Find the surest coordinate of a kind; those that the variable names itself come first."""
    named = set(references_of(variables[name], ("coordinates",)))
    found = [
        (rank(other, each, criteria), other in named or each.dims == (other,), other)
        for other, each in _candidates(variables, name, most_dims).items()
    ]
    sure = [each for each in found if each[0]]
    return max(sure, key=lambda each: (each[1], each[0]))[2] if sure else None


def find_mapping(variables: Mapping[str, xr.Variable], name: str) -> str | None:
    """Find the grid mapping variable of a variable."""
    named = references_of(variables[name], ("grid_mapping",))
    marks = ("grid_mapping_name", "crs_wkt")  # CF has no name for some mappings (EPSG:3857): text alone tells them
    return next(
        (each for each in named if each in variables and any(mark in variables[each].attrs for mark in marks)), None
    )


def _mapping_kind(variables: Mapping[str, xr.Variable], mapping: str | None) -> GridKind | None:
    """Tell what a grid mapping makes of a grid; None where it has none or is plain longitude and latitude."""
    name = text_of(variables[mapping], "grid_mapping_name") if mapping else ""
    if not name and mapping and text_of(variables[mapping], "crs_wkt").startswith(_PROJECTED):
        return "projected"
    if name in {"", "latitude_longitude"}:
        return None
    return "rotated" if name == "rotated_latitude_longitude" else "projected"


def _find_plane(variables: Mapping[str, xr.Variable], name: str, axis: str) -> str | None:
    """Find the 1-D coordinate along one axis of the plane of a grid mapping."""
    standard_names, names = _PLANE[axis]
    ranked = [
        (3 if text_of(each, "standard_name") in standard_names else 2 if text_of(each, "axis") == axis else 1, other)
        for other, each in _candidates(variables, name, 1).items()
        if text_of(each, "standard_name") in standard_names
        or (not text_of(each, "standard_name") and (text_of(each, "axis") == axis or names.fullmatch(other)))
    ]
    return max(ranked)[1] if ranked else None


def _is_points(dataset: xr.Dataset, dimension: str) -> bool:
    """Tell whether the steps along a dimension are stations or profiles, not cells."""
    own = dataset.variables.get(dimension)
    if isinstance(dataset.attrs.get("featureType"), str) or (own is not None and own.dtype.kind in "OSU"):
        return True
    return any("cf_role" in each.attrs and dimension in each.dims for each in dataset.variables.values())


def find_grid(dataset: xr.Dataset, name: str) -> Grid:
    """
    Find the horizontal grid of a variable.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.
    name : str
        One of its variables.

    Returns
    -------
    Grid
        Kind `none` where there is no grid: its longitude and latitude then say what was found all the same.
    """
    variables: Mapping[str, xr.Variable] = {str(key): each for key, each in dataset.variables.items()}
    longitude, latitude = _best(variables, name, LONGITUDE, 2), _best(variables, name, LATITUDE, 2)
    mapping = find_mapping(variables, name)
    kind = _mapping_kind(variables, mapping)
    x, y = (_find_plane(variables, name, axis) for axis in ("X", "Y"))
    if longitude and latitude:
        return _grid_of(dataset, name, longitude, latitude, kind, mapping, x, y)
    if kind and x and y and variables[x].dims != variables[y].dims:
        x_dim, y_dim = str(variables[x].dims[0]), str(variables[y].dims[0])
        return Grid(kind=kind, x_dim=x_dim, y_dim=y_dim, x=x, y=y, mapping=mapping)
    return Grid(kind="none", longitude=longitude, latitude=latitude)


def _grid_of(
    dataset: xr.Dataset,
    name: str,
    longitude: str,
    latitude: str,
    kind: GridKind | None,
    mapping: str | None,
    x: str | None,
    y: str | None,
) -> Grid:
    lon, lat = dataset.variables[longitude], dataset.variables[latitude]
    if lon.ndim == 1 and lat.ndim == 1:
        x_dim, y_dim = str(lon.dims[0]), str(lat.dims[0])
        if x_dim != y_dim:
            return Grid(
                kind="regular", longitude=longitude, latitude=latitude, x_dim=x_dim, y_dim=y_dim, mapping=mapping
            )
        points = _is_points(dataset, x_dim)
        return Grid(kind="none" if points else "unstructured", longitude=longitude, latitude=latitude, x_dim=x_dim)
    if lon.ndim != 2 or set(lon.dims) != set(lat.dims):
        return Grid(kind="none", longitude=longitude, latitude=latitude)
    # Rows before columns, as the data variable has them, unless the plane's coordinates say otherwise.
    first, second = (str(dim) for dim in dataset.variables[name].dims if dim in lon.dims)
    if x == first or y == second:
        first, second = second, first
    return Grid(
        kind=kind or "curvilinear", longitude=longitude, latitude=latitude, x_dim=second, y_dim=first, mapping=mapping,
        x=x, y=y,
    )  # fmt: skip


def find_time(dataset: xr.Dataset, name: str) -> str | None:
    """
    Find the time coordinate of a variable: along one of its dimensions, else a scalar that it names.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.
    name : str
        One of its variables.

    Returns
    -------
    str or None
        Name of the coordinate; it may lack usable units.
    """
    variables: Mapping[str, xr.Variable] = {str(key): each for key, each in dataset.variables.items()}
    found = {
        other: (bool(TIME.units.fullmatch(text_of(each, "units"))), rank(other, each, TIME), each.dims == (other,))
        for other, each in _candidates(variables, name, 1).items()
        if rank(other, each, TIME)
    }
    if found:
        return max(found, key=lambda other: found[other])
    named = references_of(variables[name], ("coordinates",))
    scalars = [each for each in named if each in variables and not variables[each].ndim]
    return next((each for each in scalars if rank(each, variables[each], TIME) == 3), None)


def find_vertical(dataset: xr.Dataset, name: str) -> tuple[str, ...]:
    """
    Find the vertical coordinates along one dimension of a variable.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.
    name : str
        One of its variables.

    Returns
    -------
    tuple of str
        1-D coordinates of the same dimension, the surest first (a dimension's own before others); empty for none.
    """
    variables: Mapping[str, xr.Variable] = {str(key): each for key, each in dataset.variables.items()}
    others = {find_time(dataset, name), *(_best(variables, name, each, 1) for each in (LONGITUDE, LATITUDE))}
    taken = {dim for other in others if other is not None for dim in variables[other].dims}
    found = [
        (each.dims == (other,), rank_vertical(other, each), other)
        for other, each in _candidates(variables, name, 1).items()
        if each.dims[0] not in taken and rank_vertical(other, each)
    ]
    found.sort(key=lambda each: (each[0], each[1]), reverse=True)
    dims = [variables[other].dims for *_, other in found]
    return tuple(other for (*_, other), own in zip(found, dims, strict=True) if own == dims[0])


def rank_vertical(name: str, variable: xr.Variable) -> int:
    """Say how surely a variable is a vertical coordinate; `positive` makes one too (CF 4.3)."""
    if text_of(variable, "axis").upper() == "Z" or text_of(variable, "positive").lower() in {"up", "down"}:
        return 3
    if text_of(variable, "axis").upper() in {"X", "Y", "T"} or TIME.units.fullmatch(text_of(variable, "units")):
        return 0
    return rank(name, variable, VERTICAL)


def find_auxiliary(dataset: xr.Dataset) -> frozenset[str]:
    """
    Name the variables that serve others: coordinates, bounds, mappings, measures, ancillaries, terms.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.

    Returns
    -------
    frozenset of str
        All that are not data.
    """
    variables: Mapping[str, xr.Variable] = {str(key): each for key, each in dataset.variables.items()}
    serving = find_referenced(variables)
    own = {
        name
        for name, each in variables.items()
        if each.dims == (name,)
        or "grid_mapping_name" in each.attrs
        or "cf_role" in each.attrs
        or "formula_terms" in each.attrs
        or (each.ndim <= 2 and any(rank(name, each, kind) > 1 for kind in (LONGITUDE, LATITUDE, TIME)))
    }
    return serving | frozenset(own)


def data_variables(dataset: xr.Dataset) -> tuple[str, ...]:
    """Name the variables that hold data, in the order of the file."""
    auxiliary = find_auxiliary(dataset)
    order = dataset.encoding.get("order") or tuple(str(name) for name in dataset.variables)
    return tuple(name for name in order if name in dataset.variables and name not in auxiliary)

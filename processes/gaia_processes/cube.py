"""
What a catalogue knows of a gridded dataset: its axes and variables, without opening it.

It is read from, and written as, the members of the STAC Datacube extension (v2.2) `cube:dimensions` and `cube:variables`,
with a few members of ours behind the prefix `gaia:`.
"""

from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

type GridKind = Literal["regular", "rotated", "curvilinear", "projected", "unstructured", "none"]

_SHAPE = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class Axis(BaseModel):
    """
    One dimension of a dataset.

    Attributes
    ----------
    type : str
        `spatial`, `temporal`, or anything else for a dimension without meaning here.
    axis : str or None
        `x`, `y` or `z` of a spatial dimension.
    extent : tuple or None
        First and last value, ascending: degrees, the axis' unit, or for time ISO 8601 text in the data's own calendar.
    values : tuple or None
        All the values, where they are few (levels always).
    unit : str or None
        Unit of the values, as the file says it.
    size : int
        Number of steps.
    calendar : str or None
        CF calendar of a time axis.
    positive : str or None
        `up` or `down` of a vertical axis.
    bounds : tuple or None
        Begin and end of each of `values` of a time axis, empty where the file has none; None where it is not known, or
        whole seconds do not tell the steps exactly.
    step_days : float or None
        How far the steps of a time axis are apart, by the median: where a record has gaps, extent and size do not tell it.
    others : tuple or None
        Further vertical coordinates along the same dimension (heights beside the numbers of levels); None where it is
        not known whether there are some.
    """

    model_config = _SHAPE

    type: str
    axis: Literal["x", "y", "z"] | None = None
    extent: tuple[float | str | None, float | str | None] | None = None
    values: tuple[float | str, ...] | None = None
    unit: str | None = None
    size: int = Field(alias="gaia:size", default=0)
    calendar: str | None = Field(alias="gaia:calendar", default=None)
    positive: Literal["up", "down"] | None = Field(alias="gaia:positive", default=None)
    bounds: tuple[tuple[str, str], ...] | None = Field(alias="gaia:bounds", default=None)
    step_days: float | None = Field(alias="gaia:stepDays", default=None)
    others: "tuple[Axis, ...] | None" = Field(alias="gaia:otherCoordinates", default=None)


class Variable(BaseModel):
    """
    One data variable: its dimensions in the order of storage, unit, CF names, and size uncompressed and on disk.

    `categorical` tells that its numbers name classes (CF `flag_values`), which are never averaged; None where nothing says so.
    """

    model_config = _SHAPE

    dimensions: tuple[str, ...]
    type: Literal["data", "auxiliary"] = "data"
    unit: str | None = None
    description: str | None = None
    standard_name: str | None = Field(alias="gaia:standardName", default=None)
    cell_methods: str | None = Field(alias="gaia:cellMethods", default=None)
    shape: tuple[int, ...] = Field(alias="gaia:shape", default=())
    chunks: tuple[int, ...] | None = Field(alias="gaia:chunks", default=None)
    dtype: str = Field(alias="gaia:dtype", default="float32")
    stored_bytes: int = Field(alias="gaia:storedBytes", default=0)
    categorical: bool | None = Field(alias="gaia:categorical", default=None)


class Cube(BaseModel):
    """
    The axes and variables of a dataset.

    Attributes
    ----------
    dimensions : dict of Axis
        By the name of the dimension in the file.
    variables : dict of Variable
        By the name of the variable in the file.
    grid : str
        What kind of horizontal grid it is; `none` for data without one.
    bbox : tuple of 4 float or None
        West, south, east, north in degrees, of the cell centres; west > east crosses the antimeridian.
        A global axis has west -180 and east 180.
    """

    model_config = _SHAPE

    dimensions: dict[str, Axis] = Field(alias="cube:dimensions")
    variables: dict[str, Variable] = Field(alias="cube:variables")
    grid: GridKind = Field(alias="gaia:grid", default="none")
    bbox: tuple[float, float, float, float] | None = Field(alias="gaia:bbox", default=None)

    @classmethod
    def from_stac(cls, properties: dict[str, Any]) -> Self:
        """Read it from the members of a STAC collection or of an item's properties."""
        return cls.model_validate(properties)

    def to_stac(self) -> dict[str, Any]:
        """Write it as members of a STAC collection or of an item's properties."""
        return self.model_dump(by_alias=True, exclude_none=True, mode="json")

    def find_axis(self, kind: Literal["x", "y", "z", "t"]) -> tuple[str, Axis] | None:
        """Find the first dimension of a kind, with its name."""
        for name, axis in self.dimensions.items():
            if (kind == "t" and axis.type == "temporal") or (kind != "t" and axis.axis == kind):
                return name, axis
        return None

    @property
    def data_variables(self) -> tuple[str, ...]:
        """Names of the variables that hold data (not bounds, not grid mappings)."""
        return tuple(name for name, variable in self.variables.items() if variable.type == "data")


def join_cubes(cubes: Sequence[Cube]) -> Cube:
    """
    Join what is known of several datasets that are worked on together.

    Parameters
    ----------
    cubes : sequence of Cube
        At least one, in the order of the request.

    Returns
    -------
    Cube
        All the axes and variables; of equal names those of the first dataset that has them, as is the grid.
    """
    first, *others = cubes
    if not others:
        return first
    dimensions, variables = dict(first.dimensions), dict(first.variables)
    for cube in others:
        dimensions |= {name: axis for name, axis in cube.dimensions.items() if name not in dimensions}
        variables |= {name: variable for name, variable in cube.variables.items() if name not in variables}
    return first.model_copy(update={"dimensions": dimensions, "variables": variables})

"""
What a catalogue knows of a dataset that is rows: features or a table, without opening it.

It is read from, and written as, the members of the STAC Table extension (v1.2) `table:columns` and `table:row_count`, with a few
members of ours behind the prefix `gaia:`.
"""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from gaia_processes.inputs.dialect import find_coordinates
from gaia_processes.kinds import TAKEN, Role

KIND_MEMBER = "gaia:kind"
"""Where a STAC collection names the kind of the file (`gaia_processes.kinds`); data on a grid need not have it."""

_GEOMETRY: dict[Role, frozenset[str]] = {
    "zones": frozenset({"Polygon", "MultiPolygon", "GeometryCollection"}),
    "points": frozenset({"Point"}),
}
_SHAPE = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class RowColumn(BaseModel):
    """One column: its name, its type (`string`, `int64`, `double`, `boolean`, `datetime`, `geometry`), and what it means."""

    model_config = _SHAPE

    name: str
    type: str | None = None
    description: str | None = None


class Rows(BaseModel):
    """
    The columns of a dataset of features or of a table.

    Attributes
    ----------
    kind : str
        Id of a kind of `gaia_processes.kinds`.
    columns : tuple of RowColumn
        In the order of the file, without the geometry.
    count : int or None
        Number of rows.
    geometry : tuple of str
        Types of the geometries that there are, as `Polygon`; empty for a table without.
    crs : str or None
        Of the geometries, as `EPSG:2154`, or its name.
    """

    model_config = _SHAPE

    kind: str = Field(alias=KIND_MEMBER)
    columns: tuple[RowColumn, ...] = Field(alias="table:columns", default=())
    count: int | None = Field(alias="table:row_count", default=None)
    geometry: tuple[str, ...] = Field(alias="gaia:geometryTypes", default=())
    crs: str | None = Field(alias="gaia:crs", default=None)

    @classmethod
    def from_stac(cls, properties: dict[str, Any]) -> Self | None:
        """Read it from the members of a STAC collection; None where that describes no rows."""
        return cls.model_validate(properties) if "table:columns" in properties else None

    def to_stac(self) -> dict[str, Any]:
        """Write it as members of a STAC collection."""
        return self.model_dump(by_alias=True, exclude_none=True, mode="json")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    def fits(self, role: Role) -> bool:
        """Tell whether an input of a role can take it: the kind of its file, and polygons or points where these are wanted."""
        if self.kind not in {kind.id for kind in TAKEN[role]}:
            return False
        if role == "community":
            return len(self.columns) > 1 and find_coordinates(self.names) is None and "scientificName" not in self.names
        wanted = _GEOMETRY.get(role)
        if wanted is None:
            return True
        return bool(wanted & set(self.geometry)) or (role == "points" and find_coordinates(self.names) is not None)

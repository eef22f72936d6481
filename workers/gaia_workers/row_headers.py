"""What a file of features or of a table says of itself, for the catalogue: columns, rows, extent. It is read whole, so that what is published can be used."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import polars as pl

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.inputs.dialect import find_coordinates
from gaia_processes.kinds import DARWIN_CORE, PARQUET, TABLE, Kind, Role
from gaia_processes.rows import RowColumn, Rows
from gaia_processes.shared.parquet_rows import ParquetRows
from gaia_processes.text import Text
from gaia_workers.readers.rows import open_rows

type Box = tuple[float, float, float, float]

_DATE = r"^\s*(\d{4})(-\d{2})?(-\d{2})?"
_TYPES = (
    (pd.api.types.is_bool_dtype, "boolean"),
    (pd.api.types.is_integer_dtype, "int64"),
    (pd.api.types.is_float_dtype, "double"),
    (pd.api.types.is_datetime64_any_dtype, "datetime"),
)
_KNOWN_TERMS = {
    "scientificName": "Full scientific name of the lowest taxon to which it was identified",
    "decimalLatitude": "Geographic latitude of the centre of the location, in degrees",
    "decimalLongitude": "Geographic longitude of the centre of the location, in degrees",
    "eventDate": "Date or interval of the observation (ISO 8601)",
    "individualCount": "Number of individuals at the time of the observation",
    "basisOfRecord": "Specific nature of the record",
    "occurrenceID": "Identifier of the occurrence",
    "coordinateUncertaintyInMeters": "Radius around the coordinates that holds the whole location, in metres",
}
"""Definitions of Darwin Core, shortened."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RowsHeader:
    """
    What a catalogue publishes of a file of features or of a table.

    Attributes
    ----------
    rows : Rows
        Columns, count, geometries, reference system.
    bbox : tuple of 4 float or None
        West, south, east, north in degrees.
    interval : tuple of 2 str or None
        First and last day of `eventDate`, where there is one.
    """

    rows: Rows
    bbox: Box | None
    interval: tuple[str | None, str | None]
    size_bytes: int
    sha256: str
    media_type: str


def read_rows_header(path: Path, kind: Kind) -> RowsHeader:
    """
    Read what a file says of itself.

    Raises
    ------
    DatasetUnsuitable, UnreadableData
        If it is not right, or damaged.
    """
    with _opened(path, kind) as found:
        opened = found.table if isinstance(found, ParquetRows) else found
        rows, bbox, interval = (
            _of_table(opened, kind) if isinstance(opened, pl.LazyFrame) else _of_features(opened, kind)
        )
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return RowsHeader(
        rows=rows, bbox=bbox, interval=interval, size_bytes=path.stat().st_size, sha256=sha256,
        media_type=kind.media_type,
    )  # fmt: skip


@contextmanager
def _opened(path: Path, kind: Kind) -> Iterator[Any]:
    """Open a file as that which it is: a table, zones, or points where it has no polygons."""
    roles: tuple[Role, ...] = ("occurrences",) if kind in (TABLE, DARWIN_CORE) else ("zones", "points")
    if kind is PARQUET and not _has_places(path):
        roles = ("occurrences",)
    try:
        with open_rows(path, roles[0], note=_hear_nothing) as opened:
            yield opened
            return
    except DatasetUnsuitable as unsuitable:
        if len(roles) == 1 or not _is_of_points(unsuitable):
            raise
    with open_rows(path, roles[1], note=_hear_nothing) as opened:
        yield opened


def _has_places(path: Path) -> bool:
    import pyarrow.parquet

    return b"geo" in (pyarrow.parquet.read_schema(path).metadata or {})


def _hear_nothing(text: Text) -> None:
    """Leave notes alone: the file is only described."""


def _is_of_points(unsuitable: DatasetUnsuitable) -> bool:
    return bool(re.search(r"has the geometry \"?(Multi)?Point", unsuitable.text.en))


def _of_features(features: gpd.GeoDataFrame, kind: Kind) -> tuple[Rows, Box | None, tuple[str | None, str | None]]:
    place = str(features.active_geometry_name)
    columns = tuple(
        RowColumn(name=str(name), type=_type_of(features[name])) for name in features.columns if name != place
    )
    known = features.geometry[~(features.geometry.is_empty | features.geometry.isna())]
    code = features.crs.to_authority()
    rows = Rows(
        kind=kind.id,
        columns=columns,
        count=len(features),
        geometry=tuple(sorted(known.geom_type.unique())),
        crs=":".join(code) if code else str(features.crs.name),
    )
    return rows, _box_of(known), (None, None)


def _type_of(column: "pd.Series[Any]") -> str:
    return next((name for is_type, name in _TYPES if is_type(column.dtype)), "string")


def _box_of(places: gpd.GeoSeries) -> Box | None:
    """Give the box in degrees; what is beyond the earth is none."""
    if not len(places):
        return None
    found = np.asarray(places.to_crs("OGC:CRS84").total_bounds, dtype=float)
    if not np.isfinite(found).all():
        return None
    # Countries that end at the date line are a little beyond it, by the last digits.
    west, south, east, north = (round(float(each), 6) + 0.0 for each in found)
    inside = -180 <= west <= east <= 180 and -90 <= south <= north <= 90
    return (west, south, east, north) if inside else None


def _of_table(table: pl.LazyFrame, kind: Kind) -> tuple[Rows, Box | None, tuple[str | None, str | None]]:
    schema = table.collect_schema()
    columns = tuple(
        RowColumn(name=name, type=_polars_type(dtype), description=_KNOWN_TERMS.get(name))
        for name, dtype in schema.items()
    )
    count = int(table.select(pl.len()).collect().item())
    return Rows(kind=kind.id, columns=columns, count=count), _box_of_columns(table), _interval_of(table)


def _polars_type(dtype: pl.DataType) -> str:
    if dtype == pl.Boolean:
        return "boolean"
    if dtype.is_integer():
        return "int64"
    if dtype.is_float():
        return "double"
    return "datetime" if dtype.is_temporal() else "string"


def _box_of_columns(table: pl.LazyFrame) -> Box | None:
    found = find_coordinates(table.collect_schema().names())
    if found is None:
        return None
    x, y = (pl.col(name).cast(pl.Float64, strict=False) for name in found)
    inside = (x.abs() <= 180) & (y.abs() <= 90) & ~((x == 0) & (y == 0))
    ends = table.select(x=x.filter(inside), y=y.filter(inside)).select(
        west=pl.col("x").min(), south=pl.col("y").min(), east=pl.col("x").max(), north=pl.col("y").max()
    )
    west, south, east, north = ends.collect().row(0)
    return None if west is None else (west, south, east, north)


def _interval_of(table: pl.LazyFrame) -> tuple[str | None, str | None]:
    """Give the first and the last day of `eventDate`, for discovery; a date without a day counts as its first."""
    schema = table.collect_schema()
    if schema.get("eventDate") != pl.String:
        return None, None
    text = pl.col("eventDate").str.extract_groups(_DATE)
    day = text.struct.field("1") + text.struct.field("2").fill_null("-01") + text.struct.field("3").fill_null("-01")
    days = table.select(day=day.str.to_date("%Y-%m-%d", strict=False))
    first, last = days.select(pl.col("day").min().alias("a"), pl.col("day").max().alias("b")).collect().row(0)
    return (None, None) if first is None else (f"{first}T00:00:00Z", f"{last}T00:00:00Z")

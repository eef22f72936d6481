"""Opens what inputs take that want features or tables: from a file that was recognised by content, or from the request itself."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import shapely

from gaia_processes.errors import DatasetUnsuitable, UnreadableData
from gaia_processes.inputs.bad_value import BadValue
from gaia_processes.inputs.dialect import UNREAD, find_coordinates
from gaia_processes.inputs.sources import Inline, InlineFeatures, explain_no_coordinates
from gaia_processes.kinds import DARWIN_CORE, PARQUET, TABLE, Kind, Role
from gaia_processes.shared.parquet_rows import ParquetRows
from gaia_processes.shared.points import coordinates_of
from gaia_processes.text import Text
from gaia_workers.readers.darwin_core import write_core
from gaia_workers.readers.recognising import recognise_for
from gaia_workers.readers.text_table import Layout, write_parquet
from gaia_workers.readers.vector import frame_of, no_point, read_features

NUMERIC_TERMS = frozenset(
    {
        "decimallatitude", "decimallongitude", "coordinateuncertaintyinmeters", "individualcount", "organismquantity",
        "latitude", "longitude", "lat", "lon", "x", "y", "minimumelevationinmeters", "maximumelevationinmeters",
        "minimumdepthinmeters", "maximumdepthinmeters", "year", "month", "day",
    }
)  # fmt: skip
"""Columns of occurrences that hold numbers: there `48,1` is 48.1."""
_COMMA = r"^\s*([+-]?\d*),(\d+)\s*$"
_WHOLE = r"^-?(0|[1-9]\d{0,17})$"
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_PLAIN_NUMBER = r"^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$"
_TOLD_CELLS = 5

type Opened = gpd.GeoDataFrame | pl.LazyFrame | ParquetRows | pl.DataFrame
type Notes = Callable[[Text], None]


@contextmanager
def open_rows(
    path: Path, role: Role, *, encoding: str = "utf-8", note: Notes, tolerant: bool = False
) -> Iterator[Opened]:
    """
    Open a file.

    Parameters
    ----------
    role : str
        `zones` and `points` give a `GeoDataFrame`, `occurrences` a `LazyFrame`, or `ParquetRows`
        where the file is such a table as it is, `community` a `DataFrame`.
    encoding : str
        Of tables as text.
    note : callable
        Hears what was left out or chosen.
    tolerant : bool
        Whether occurrences may have rows of another length than their header: these are set apart in the column `UNREAD`.

    Raises
    ------
    DatasetUnsuitable, UnreadableData
        If it is another kind of file, not right, or damaged; says why.
    """
    kind = recognise_for(path, role)
    with TemporaryDirectory(prefix="rows-") as folder:
        layout = Layout(encoding=encoding, tolerant=tolerant and role == "occurrences")
        yield _open(path, kind, role, Path(folder), layout, note)


@contextmanager
def open_inline(value: Inline, role: Role) -> Iterator[Opened]:
    """Open what a request brought along."""
    if isinstance(value, InlineFeatures):
        yield frame_of(value.collection, role)
        return
    with TemporaryDirectory(prefix="rows-") as folder:
        target = Path(folder, "table.parquet")
        write_parquet(io.BytesIO(value.content), target, Layout())
        yield _of_texts(target, role)


def _open(path: Path, kind: Kind, role: Role, folder: Path, layout: Layout, note: Notes) -> Opened:
    target = folder / "table.parquet"
    if kind is DARWIN_CORE:
        defaults = write_core(path, target, note=note, tolerant=layout.tolerant)
        return _with_defaults(_texts(target), defaults)
    if kind is TABLE:
        with path.open("rb") as stream:
            write_parquet(stream, target, layout)
        return _of_texts(target, role)
    if kind is PARQUET and not (role == "zones" or _is_geoparquet(path)):
        return _of_parquet(path, role)
    if role in ("zones", "points"):
        return read_features(path, kind, role, note=note)
    return _of_parquet(path, role)


# --- tables -----------------------------------------------------------------------------------------------------------


def _of_texts(target: Path, role: Role) -> Opened:
    """Give a table of texts as an input wants it."""
    if role == "occurrences":
        return _with_points(_texts(target))
    table = pl.read_parquet(target).drop(UNREAD)
    if role == "community":
        return _community(table)
    return _points(table)


def _texts(target: Path) -> pl.LazyFrame:
    """Open a table of texts; where all its rows could be read, nothing is said of those that could not."""
    table = _scan(target)
    unread = table.select(pl.col(UNREAD).is_not_null().any()).collect().item()
    return table if unread else table.drop(UNREAD)


def _of_parquet(path: Path, role: Role) -> Opened:
    _check_parquet(path)
    if role == "occurrences":
        return _located(_scan(path)) if _is_geoparquet(path) else ParquetRows(path, _scan(path))
    table = pl.read_parquet(path, glob=False, hive_partitioning=False)
    return _community(table) if role == "community" else _points(table)


def _scan(path: Path) -> pl.LazyFrame:
    return pl.scan_parquet(path, glob=False, hive_partitioning=False)


def _check_parquet(path: Path) -> None:
    try:
        rows = pa.parquet.read_metadata(path).num_rows
    except (pa.ArrowException, OSError, ValueError):
        raise UnreadableData(
            Text(
                en="The Parquet file cannot be read: it is truncated or damaged.",
                fr="Le fichier Parquet est illisible : il est tronqué ou endommagé.",
            )
        ) from None
    if not rows:
        raise DatasetUnsuitable(Text(en="The table has no rows.", fr="Le tableau n'a aucune ligne."))


def _is_geoparquet(path: Path) -> bool:
    _check_parquet(path)
    return b"geo" in (pa.parquet.read_metadata(path).metadata or {})


def _with_points(table: pl.LazyFrame) -> pl.LazyFrame:
    """Write decimal points where a spreadsheet wrote decimal commas, and no blanks around, in columns that hold numbers."""
    names = [name for name in table.collect_schema().names() if name.strip().lower() in NUMERIC_TERMS]
    return table.with_columns(pl.col(names).str.strip_chars().str.replace(_COMMA, "${1}.${2}")) if names else table


def _with_defaults(table: pl.LazyFrame, defaults: dict[str, str]) -> pl.LazyFrame:
    """Fill in what `meta.xml` says of records that say nothing themselves."""
    known = table.collect_schema().names()
    filled = [
        (pl.col(term).fill_null(value) if term in known else pl.lit(value)).alias(term)
        for term, value in defaults.items()
    ]
    return table.with_columns(filled) if filled else table


def _located(table: pl.LazyFrame) -> pl.LazyFrame:
    """Give GeoParquet the columns of coordinates that it has as geometries only."""
    names = table.collect_schema().names()
    if "geometry" not in names:
        return table
    if find_coordinates(names):
        return table.drop("geometry")
    return table.map_batches(_coordinates_of, schema=_located_schema(table))


def _located_schema(table: pl.LazyFrame) -> pl.Schema:
    schema = {name: kind for name, kind in table.collect_schema().items() if name != "geometry"}
    return pl.Schema({**schema, "decimalLongitude": pl.Float64(), "decimalLatitude": pl.Float64()})


def _coordinates_of(table: pl.DataFrame) -> pl.DataFrame:
    x, y = coordinates_of(shapely.from_wkb(table["geometry"].to_numpy()))
    longitude = pl.Series("decimalLongitude", x).fill_nan(None)
    latitude = pl.Series("decimalLatitude", y).fill_nan(None)
    return table.drop("geometry").with_columns(longitude, latitude)


def _community(table: pl.DataFrame) -> pl.DataFrame:
    """Read the counts of a community table; the first column stays as it is."""
    site, *species = table.columns
    if not species:
        raise DatasetUnsuitable(
            Text(
                en=f"The table has the one column {site!r}; a community table has a column of sites and one for each species.",
                fr=f"Le tableau a la seule colonne {site!r} ; un tableau de communautés a une colonne de sites et une par espèce.",
            )
        )
    texts = [name for name in species if table.schema[name] == pl.String]
    others = [name for name in species if not (table.schema[name].is_numeric() or name in texts)]
    if others:
        raise _no_count(others[0], 1, str(table[others[0]][0]))
    if not texts:
        return table
    plain = table.with_columns(pl.col(texts).str.strip_chars().str.replace(_COMMA, "${1}.${2}"))
    for name in texts:
        wrong = plain[name].str.contains(_NUMBER).not_().fill_null(value=False)
        if wrong.any():
            place = wrong.arg_max() or 0
            raise _no_count(name, place + 1, str(plain[name][place]))
    return plain.with_columns(pl.col(texts).cast(pl.Float64))


def _no_count(column: str, row: int, value: str) -> DatasetUnsuitable:
    return DatasetUnsuitable(
        Text(
            en=f"The column {column!r} of the community table has {value[:40]!r} in row {row} of its sites; a number is needed, or nothing.",
            fr=f"La colonne {column!r} du tableau de communautés a {value[:40]!r} à la ligne {row} de ses sites ; il faut un nombre, ou rien.",
        )
    )


def _points(table: pl.DataFrame) -> gpd.GeoDataFrame:
    """Make points of the columns of coordinates; a row whose coordinates are none lies nowhere."""
    found = find_coordinates(table.columns)
    if found is None:
        bad: BadValue = explain_no_coordinates(tuple(table.columns))
        raise DatasetUnsuitable(bad.faults[0].problem)
    longitude, latitude = (_numbers(table[name]) for name in found)
    wrong = ~((np.abs(longitude) <= 360) & (np.abs(latitude) <= 90))
    points = shapely.points(np.where(wrong, np.nan, longitude), np.where(wrong, np.nan, latitude))
    points[wrong] = no_point()
    own = pd.DataFrame({name: _own(table[name]) for name in table.columns})
    place = "geometry" if "geometry" not in own else "geometry_"
    own[place] = points
    return gpd.GeoDataFrame(own, geometry=place, crs="OGC:CRS84")


def _numbers(column: pl.Series) -> np.ndarray[Any, np.dtype[np.float64]]:
    if column.dtype == pl.String:
        column = column.str.strip_chars().str.replace(_COMMA, "${1}.${2}").cast(pl.Float64, strict=False)
    elif not column.dtype.is_numeric():
        return np.full(len(column), np.nan)
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _own(column: pl.Series) -> Any:
    """Give a column as it came; texts that are all plain numbers are numbers, others (`007`, `48N`) stay texts."""
    if column.dtype != pl.String:
        return column.to_pandas()
    known = column.drop_nulls()
    if not len(known):
        return column.to_pandas()
    if known.str.contains(_WHOLE).all():
        whole = column.cast(pl.Int64)
        return whole.to_pandas() if not whole.null_count() else pd.array(whole.to_list(), dtype="Int64")
    if known.str.contains(_PLAIN_NUMBER).all():
        return column.cast(pl.Float64).to_pandas()
    return np.array(column.to_list(), dtype=object)

"""
Writes a table as a GeoPackage that QGIS opens coloured: one layer in the table's own reference system, and its style.

Titles and definitions of columns stand in `gpkg_data_columns`, the report and the attributes in `gpkg_metadata`, the style
in `layer_styles`, as QGIS keeps it. The moment that GeoPackage wants to know of each change is that of the job's
acceptance, so that the same request gives the same bytes.

References
----------
OGC 12-128r19, GeoPackage Encoding Standard 1.4.
"""

import re
import sqlite3
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.raw import write_arrow
from pyproj import CRS

from gaia_processes.shared.table import Block, Column, Table
from gaia_workers.tables.arrow import Stream, stream
from gaia_workers.tables.cells import CRS84, column_names, geometries_of
from gaia_workers.tables.report import as_members
from gaia_workers.tables.rows import counted
from gaia_workers.tables.styles import Styles, make_styles
from gaia_workers.tables.watched import FAMILIES, Seen, Watched, watch
from gaia_workers.writers.whole import whole_or_nothing

LAYER = "table"
EPOCH = "1970-01-01T00:00:00Z"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_MULTI = {"point": "MultiPoint", "line": "MultiLineString", "polygon": "MultiPolygon"}
_GATHER: dict[str, Callable[[Any], Any]] = {
    "point": lambda one: shapely.MultiPoint([one]),
    "line": lambda one: shapely.MultiLineString([one]),
    "polygon": lambda one: shapely.MultiPolygon([one]),
}
_SINGLE = {0: "point", 1: "line", 2: "line", 3: "polygon"}
_STYLES = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
    f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
    useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME
)
"""


def write(table: Table, path: Path, *, progress: Callable[[int, int], None], history: str) -> None:
    """
    Write a table as a GeoPackage, block by block.

    Parameters
    ----------
    table : Table
        Without geometries it becomes a table of attributes.
    path : Path
        Is overwritten. Nothing is left there when writing fails.
    progress : callable
        Gets rows done and in all.
    history : str
        Begins with the moment at which the job was accepted.
    """
    watched = watch(table)
    found = _MOMENT.match(history)
    moment = found[0] if found else EPOCH
    path.unlink(missing_ok=True)
    with whole_or_nothing(path):
        with _at(moment):
            layer, shape = _write_layer(watched, path, progress, history)
        with closing(sqlite3.connect(path)) as package, package:
            if layer.geometry is not None:
                shape.declare(package, watched.last)
            styles = make_styles(watched, LAYER)
            if styles is not None and layer.geometry is not None:
                _add_style(package, styles, layer.geometry, moment)


@contextmanager
def _at(moment: str) -> Iterator[None]:
    """Let GDAL take a moment for now."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": moment})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _write_layer(
    table: Watched, path: Path, progress: Callable[[int, int], None], history: str
) -> "tuple[Stream, _Shape]":
    described = {column.name: _described(column) for column in table.columns}
    shape = _Shape()
    rows = stream(
        counted(table, progress),
        names=_distinct,
        describe=lambda name: described.get(name, {}),
        reshape=shape.promote,
        geometry=lambda block: _free("geom", block),
    )
    shape.choose(rows.first)
    title = table.attributes.get("title", "")
    options = {"FID": _free("fid", rows.first), "IDENTIFIER": title, "DESCRIPTION": table.attributes.get("summary", "")}
    with warnings.catch_warnings():
        # Geometries of another type than the first block's: the type of the layer is put right afterwards.
        # And files that have another name until they are whole.
        warnings.filterwarnings("ignore", category=RuntimeWarning, message=".*([Gg]eometry|filename extension).*")
        write_arrow(
            pa.RecordBatchReader.from_batches(rows.schema, rows.batches),
            path,
            layer=LAYER,
            driver="GPKG",
            geometry_name=rows.geometry,
            geometry_type=shape.name if rows.geometry else None,
            crs=_wkt(rows.first) if rows.geometry else None,
            layer_options={key: value for key, value in options.items() if value},
            layer_metadata={name.replace(":", "_"): text for name, text in as_members(table, history).items()},
        )
    return rows, shape


def _described(column: Column) -> dict[str, str]:
    unit = f" [{column.unit}]" if column.unit and column.unit != "1" else ""
    return {
        "GDAL:OGR:alternative_name": f"{column.title.en}{unit} ({column.name})",  # unique in a layer, as it must be
        "GDAL:OGR:comment": column.definition.en,
    }


def _distinct(names: list[str]) -> list[str]:
    """Tell names apart that SQLite would take for the same, whatever their case."""
    taken: set[str] = set()
    told = []
    for name in names:
        new, at = name, 2
        while new.lower() in taken:
            new, at = f"{name}_{at}", at + 1
        taken.add(new.lower())
        told.append(new)
    return told


def _free(name: str, block: Block) -> str:
    """Find a name that no column has."""
    taken = {str(each).lower() for each in column_names(block)}
    return next(each for each in (name, *(f"{name}_{at}" for at in range(2, 1000))) if each not in taken)


def _wkt(block: Block) -> str:
    crs = CRS.from_user_input(CRS84 if block.crs is None else block.crs)
    return "EPSG:4326" if crs == CRS84 else str(crs.to_wkt())  # in a GeoPackage x comes first in any system


# --- geometries ------------------------------------------------------------------------------------------------------


class _Shape:
    """What the geometries of a layer are: single points, or several points, lines or polygons, whichever the first are."""

    def __init__(self) -> None:
        self.name = "Unknown"
        self._family: str | None = None

    def choose(self, block: Block) -> None:
        types = set(shapely.get_type_id(geometries_of(block)).tolist()) - {-1}
        families = {FAMILIES.get(each) for each in types}
        family = next(iter(families)) if len(families) == 1 else None
        if types == {0}:
            self.name = "Point"
        elif family is not None:
            self.name, self._family = _MULTI[family], family

    def promote(self, geometries: NDArray[Any]) -> NDArray[Any]:
        """Make single geometries several of one, where the layer has such."""
        if self._family is None:
            return geometries
        single = [_SINGLE.get(each) == self._family for each in shapely.get_type_id(geometries).tolist()]
        gather = _GATHER[self._family]
        promoted = np.empty(len(geometries), dtype=object)
        promoted[:] = [gather(each) if alone else each for each, alone in zip(geometries, single, strict=True)]
        return promoted

    def declare(self, package: sqlite3.Connection, seen: Seen) -> None:
        """Put the declared type right, now that all rows were seen."""
        several = {FAMILIES.get(each) for each in seen.types} - {self._family}
        if (seen.types - {0}) if self.name == "Point" else several:
            package.execute("UPDATE gpkg_geometry_columns SET geometry_type_name = 'GEOMETRY'")
        if seen.has_z:
            package.execute("UPDATE gpkg_geometry_columns SET z = 2")


def _add_style(package: sqlite3.Connection, styles: Styles, geometry: str, moment: str) -> None:
    package.execute(_STYLES)
    package.execute(
        "INSERT INTO layer_styles VALUES (NULL, '', '', ?, ?, ?, ?, ?, 1, ?, '', NULL, ?)",
        [LAYER, geometry, styles.title[:30], styles.qml, styles.sld, styles.title, moment],
    )
    package.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change, srs_id)"
        " VALUES ('layer_styles', 'attributes', 'layer_styles', 'Styles of layers, as QGIS keeps them', ?, 0)",
        [moment],
    )

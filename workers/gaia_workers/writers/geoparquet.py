"""
Writes a table as GeoParquet 1.1: geometries as WKB in the table's own reference system, a row group a block.

The metadata of the file say what the columns mean and what was found out about the whole input (`gaia:columns`,
`gaia:report`, `gaia:attributes`); without geometries it is plain Parquet with the same.

References
----------
OGC GeoParquet 1.1.0.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from pyproj import CRS

from gaia_processes.shared.table import Column, Table
from gaia_workers.tables.arrow import stream
from gaia_workers.tables.cells import CRS84
from gaia_workers.tables.report import as_json, as_members
from gaia_workers.tables.rows import counted
from gaia_workers.tables.watched import Seen, watch
from gaia_workers.writers.whole import whole_or_nothing

TYPES = {
    0: "Point", 1: "LineString", 2: "LineString", 3: "Polygon",
    4: "MultiPoint", 5: "MultiLineString", 6: "MultiPolygon", 7: "GeometryCollection",
}  # fmt: skip
"""By shapely's number; a ring is a line to everybody else."""


def write(table: Table, path: Path, *, progress: Callable[[int, int], None], history: str) -> None:
    """
    Write a table as GeoParquet, block by block.

    Parameters
    ----------
    path : Path
        Is overwritten. Nothing is left there when writing fails.
    progress : callable
        Gets rows done and in all.
    history : str
        A line for `gaia:attributes`.
    """
    watched = watch(table)
    described = {column.name: _described(column) for column in table.columns}
    with whole_or_nothing(path):
        rows = stream(counted(watched, progress), describe=lambda name: described.get(name, {}))
        with pq.ParquetWriter(path, rows.schema, compression="zstd", version="2.6", store_schema=True) as target:
            for batch in rows.batches:
                target.write_batch(batch)
            metadata = dict(as_members(table, history))
            if rows.geometry is not None:
                metadata["geo"] = as_json(_geo(rows.geometry, rows.first.crs, watched.last))
            target.add_key_value_metadata(metadata)


def _described(column: Column) -> dict[str, str]:
    return {"long_name": column.title.en, "units": column.unit or "", "description": column.definition.en}


def _geo(column: str, crs: Any, seen: Seen) -> dict[str, Any]:
    """Write the metadata that GeoParquet demands."""
    known = CRS.from_user_input(CRS84 if crs is None else crs)
    told: dict[str, Any] = {
        "encoding": "WKB",
        # With heights in some rows and not in others the standard's word is "not known".
        "geometry_types": [] if seen.has_z else sorted({TYPES[each] for each in seen.types}),
        "crs": known.to_json_dict(),
    }
    if np.isfinite(seen.bounds).all():
        told["bbox"] = seen.bounds.tolist()
    return {"version": "1.1.0", "primary_column": column, "columns": {column: told}}

"""
Writes a table as a GeoJSON FeatureCollection: a feature a row, on longitudes and latitudes, outer rings counterclockwise.

What is missing is null. Beside the features stand `gaia:report`, `gaia:columns` and `gaia:attributes`.

References
----------
RFC 7946, The GeoJSON Format.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import shapely

from gaia_processes.shared.table import Block, Table
from gaia_workers.tables.cells import column_names, geometries_of, in_degrees, plain_column
from gaia_workers.tables.report import as_json, as_members
from gaia_workers.tables.rows import counted
from gaia_workers.writers.whole import whole_or_nothing


def write(table: Table, path: Path, *, progress: Callable[[int, int], None], history: str) -> None:
    """
    Write a table as GeoJSON, block by block.

    Parameters
    ----------
    table : Table
        In any known reference system.
    path : Path
        Is overwritten. Nothing is left there when writing fails.
    progress : callable
        Gets rows done and in all.
    history : str
        A line for `gaia:attributes`.
    """
    members = "".join(f",{as_json(name)}:{text}" for name, text in as_members(table, history).items())
    with whole_or_nothing(path), path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(f'{{"type":"FeatureCollection"{members},"features":[')
        separator = "\n"
        for block in counted(table, progress):
            for feature in _features(block):
                stream.write(separator + feature)
                separator = ",\n"
        stream.write("\n]}\n")


def _features(block: Block) -> Iterator[str]:
    names = [str(name) for name in column_names(block)]
    columns = [plain_column(block[name]) for name in column_names(block)]
    geometries = shapely.to_geojson(_oriented(geometries_of(in_degrees(block))))
    rows = zip(*columns, strict=True) if columns else (() for _ in range(len(block)))
    for geometry, row in zip(geometries, rows, strict=True):
        properties = as_json(dict(zip(names, row, strict=True)))
        yield f'{{"type":"Feature","geometry":{geometry or "null"},"properties":{properties}}}'


def _oriented(
    geometries: "np.ndarray[tuple[int, ...], np.dtype[np.object_]]",
) -> "np.ndarray[tuple[int, ...], np.dtype[np.object_]]":
    """Turn outer rings counterclockwise and holes clockwise (the right-hand rule)."""
    return np.asarray(shapely.orient_polygons(geometries), dtype=object)

"""A coarse map of a GeoTIFF result's first band, on longitude and latitude; from its overviews, where it has some."""

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT

from gaia_workers.previews.netcdf import COLUMNS, ROWS, render_picture
from gaia_workers.previews.painting import Picture

CRS = "EPSG:4326"


def preview(path: Path) -> dict[str, Any] | None:
    """Describe the first band by a map; None where the file does not say where it lies."""
    with rasterio.open(path) as source:
        if source.crs is None:
            return None
        with WarpedVRT(source, crs=CRS, resampling=Resampling.nearest) as warped:
            return _describe(source, warped)


def _describe(source: Any, warped: Any) -> dict[str, Any]:
    rows, columns = min(warped.height, ROWS), min(warped.width, COLUMNS)
    read = warped.read(1, out_shape=(rows, columns), masked=True)
    values = read.astype(np.float64).filled(np.nan) * source.scales[0] + source.offsets[0]
    west, south, east, north = warped.bounds
    picture = Picture(
        x=west + (np.arange(columns) + 0.5) * (east - west) / columns,
        y=north - (np.arange(rows) + 0.5) * (north - south) / rows,
        values=values,
    )
    name = source.descriptions[0] or "band 1"
    tags = source.tags()
    names = [each or f"band {at}" for at, each in enumerate(source.descriptions, start=1)]
    return {
        "kind": "map",
        "variable": {
            "name": name,
            "title": tags.get(f"{name}#long_name", name),
            "units": source.units[0] or tags.get(f"{name}#units", ""),
        },
        "variables": names[:1],
        "at": [],
    } | render_picture(picture)

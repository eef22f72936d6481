"""The cells of a block of rows, as plain values or as texts, and its geometries, as every format of rows wants them."""

import datetime as dt
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gaia_processes.shared.table import Block, as_text

CRS84 = "OGC:CRS84"


def geometry_name(block: Block) -> str | None:
    """Name the column of geometries; None where rows have no place."""
    return (
        str(block.active_geometry_name) if isinstance(block, gpd.GeoDataFrame) and block.active_geometry_name else None
    )


def column_names(block: Block) -> list[Any]:
    """Name the columns but that of the geometries."""
    geometry = geometry_name(block)
    return [name for name in block.columns if name != geometry]


def geometries_of(block: Block) -> NDArray[Any]:
    """Give the geometries; None where there is none, it is empty, or its coordinates are no numbers."""
    if geometry_name(block) is None:
        return np.full(len(block), None, dtype=object)
    found = np.asarray(block.geometry.array, dtype=object)
    placed = np.isfinite(shapely.bounds(found)).all(axis=1) if len(found) else np.zeros(0, dtype=bool)
    return np.array([each if here else None for each, here in zip(found, placed, strict=True)], dtype=object)


def in_degrees(block: Block) -> Block:
    """Give the block with longitudes and latitudes on WGS 84, in this order; one that does not say what it has, has them."""
    crs = block.crs if isinstance(block, gpd.GeoDataFrame) and geometry_name(block) else None
    if crs is None or crs == CRS84 or crs.to_epsg() == 4326:
        return block
    return gpd.GeoDataFrame(block).to_crs(CRS84)


def plain_column(values: "pd.Series[Any]") -> list[Any]:
    """
    Give the cells of a column as JSON has them; None where they are missing or no finite numbers.

    Examples
    --------
    >>> plain_column(pd.Series([0.1, float("nan")], dtype="float32"))
    [0.1, None]
    >>> plain_column(pd.to_datetime(pd.Series(["2001-02-03T04:05:06Z"])))
    ['2001-02-03T04:05:06Z']
    """
    missing = values.isna().to_numpy(dtype=bool)
    return [None if gone else cell for gone, cell in zip(missing, _cells(values), strict=True)]


def _cells(values: "pd.Series[Any]") -> list[Any]:
    kind = values.dtype.kind
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return _times(values.dt.tz_convert("UTC").dt.tz_localize(None), "Z")
    if kind == "M":
        return _times(values, "")
    if kind == "f":
        return _floats(values)
    return values.tolist() if kind in "iub" else [_plain(cell) for cell in values.tolist()]


def _times(values: "pd.Series[Any]", zone: str) -> list[Any]:
    texts = np.datetime_as_string(values.to_numpy().astype("datetime64[us]"), unit="us")
    return [f"{text.removesuffix('.000000')}{zone}" for text in texts.tolist()]


def _floats(values: "pd.Series[Any]") -> list[Any]:
    """Give floats with as many digits as their type has."""
    numbers = values.to_numpy(dtype=np.dtype(str(values.dtype).lower()), na_value=np.nan)
    told = numbers.astype(str).astype(np.float64) if numbers.dtype.itemsize < 8 else numbers
    return [cell if np.isfinite(cell) else None for cell in told.tolist()]


def _plain(cell: Any) -> Any:
    if isinstance(cell, bool | str):
        return cell
    if isinstance(cell, int | float) and np.isfinite(cell):
        return cell
    if isinstance(cell, dt.datetime) and cell.tzinfo is not None:
        return cell.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    return None if isinstance(cell, float) else as_text(cell)

"""
What a process gives whose result are rows: zones, points, species, … with numbers beside them.

Rows come in blocks, so that a table larger than memory can be written. What a column means, its unit, and what was found
out about the whole input, travel with it into every format that has a place for it.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import pandas as pd
import xarray as xr

from gaia_processes.text import Text

BLOCK_ROWS = 2**14
_SCALARS = (str, bool, int, float, dt.date, dt.time)

type Block = pd.DataFrame | gpd.GeoDataFrame
"""Some rows of a table; a geometry column makes it a GeoDataFrame."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """
    A column that was computed.

    Attributes
    ----------
    name : str
        As in the rows: `tas_mean`.
    title : Text
        What a person calls it.
    unit : str or None
        As UDUNITS writes it; None where there is none (text, names), `1` for numbers without a dimension.
    definition : Text
        What it is, in a sentence; with the formula and its source where there is one.
    """

    name: str
    title: Text
    unit: str | None
    definition: Text


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """
    Rows with a meaning.

    Attributes
    ----------
    frames : callable
        Gives the blocks, one after the other, again at each call; at least one, which may have no rows. Every block has the
        same columns with the same dtypes (`settle` sees to those that pandas leaves open), and the same `crs`. What is missing is
        NaN, NA, NaT or None, and a missing geometry None. Times are aware (UTC); a naive one is written without a zone.
        The index says nothing and is not written.
    rows : int
        How many there are in all; what progress counts. About is enough.
    columns : tuple of Column
        What was computed. Columns of the rows that are not among them are the user's own.
    shown : str or None
        The column of numbers that a map colours.
    report : Mapping
        What was found out about the whole input, as JSON: values of the whole, what cleaning removed, warnings.
    attributes : Mapping of str to str
        Of the table as a whole, in the words of ACDD: `title`, `source`, `license`, `references`, `history`, …
    series : callable or None
        Gives the same as a dataset for NetCDF, where that makes sense.
    """

    frames: Callable[[], Iterator[Block]]
    rows: int
    columns: tuple[Column, ...] = ()
    shown: str | None = None
    report: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    series: Callable[[], xr.Dataset] | None = None

    @classmethod
    def of(
        cls,
        frame: Block,
        *,
        columns: tuple[Column, ...] = (),
        shown: str | None = None,
        report: Mapping[str, Any] | None = None,
        attributes: Mapping[str, str] | None = None,
        series: Callable[[], xr.Dataset] | None = None,
    ) -> "Table":
        """
        Make a table of rows in memory.

        Examples
        --------
        >>> table = Table.of(pd.DataFrame({"zone": ["a", "b"], "tas_mean": [281.5, None]}), shown="tas_mean")
        >>> table.rows, [len(block) for block in table.frames()]
        (2, [2])
        """
        settled = settle(frame)
        return cls(
            frames=lambda: cut(settled),
            rows=len(settled),
            columns=columns,
            shown=shown,
            report=report or {},
            attributes=attributes or {},
            series=series,
        )


def cut(frame: Block, *, rows: int = BLOCK_ROWS) -> Iterator[Block]:
    """Cut rows into blocks; where there are none, one block without rows says which columns there are."""
    for start in range(0, max(len(frame), 1), rows):
        yield frame.iloc[start : start + rows]


def settle(frame: Block) -> Block:
    """
    Give columns of Python objects one dtype each, by all that is in them, so that every stretch of the rows has the same.

    Numbers, truths and texts with gaps become the nullable dtypes of pandas; dates stay; what is mixed or nested becomes text,
    nested values as JSON.

    Examples
    --------
    >>> settle(pd.DataFrame({"a": pd.Series([1, None], dtype=object), "b": [{"c": 1}, "d"]})).dtypes.astype(str).tolist()
    ['Int64', 'string']
    """
    geometry = frame.geometry.name if isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name else None
    settled = frame.copy(deep=False)
    for name in frame.columns:
        if name != geometry and frame[name].dtype == object:
            settled[name] = _settled(frame[name])
    return settled


def _settled(values: "pd.Series[Any]") -> "pd.Series[Any]":
    there = values[values.notna()]
    kinds = {_kind(value) for value in there}
    if kinds == {bool}:
        return values.where(values.notna(), None).astype("boolean")
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in there):
        return values.where(values.notna(), None).astype("Int64")
    if float in kinds and kinds <= {int, float}:
        return pd.Series(pd.to_numeric(values, errors="coerce"), index=values.index, dtype="float64")
    if kinds == {dt.date} or kinds == {dt.datetime}:
        return values
    texts = [as_text(value) if is_there else None for value, is_there in zip(values, values.notna(), strict=True)]
    return pd.Series(texts, index=values.index, dtype="string")


def _kind(value: Any) -> type:
    plain = value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value
    return next((kind for kind in (bool, int, float, dt.datetime, dt.date, str) if isinstance(plain, kind)), dict)


def as_text(value: Any) -> str:
    """Write a value of somebody's own as text: scalars as they are, everything nested as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, _SCALARS):
        return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)
    plain = value.tolist() if hasattr(value, "tolist") else value
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False, default=str)

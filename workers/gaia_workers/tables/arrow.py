"""A table as a stream of Arrow record batches, from which GeoPackage and GeoParquet are written."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from gaia_processes.shared.table import Block, as_text
from gaia_workers.tables.cells import column_names, geometries_of, geometry_name

type Describe = Callable[[str], dict[str, str]]
"""Gives what stands beside a column, by its name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """
    Record batches.

    Attributes
    ----------
    schema : pyarrow.Schema
        Geometries are WKB (ISO), in the last column; there is none where rows have no place.
    batches : iterator of pyarrow.RecordBatch
        Block by block.
    first : frame
        The first block, by which the schema was made.
    geometry : str or None
        Name of the column of geometries.
    """

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    first: Block
    geometry: str | None


def stream(
    blocks: Iterable[Block],
    *,
    names: Callable[[list[str]], list[str]] = list,
    describe: Describe = lambda _name: {},
    reshape: Callable[[NDArray[Any]], NDArray[Any]] = lambda geometries: geometries,
    geometry: Callable[[Block], str | None] = geometry_name,
) -> Stream:
    """
    Turn blocks into record batches, with the schema of the first.

    Parameters
    ----------
    names : callable
        Gives the names that the columns get.
    describe : callable
        Gives the metadata of a column.
    reshape : callable
        What geometries become.
    geometry : callable
        Gives the name that their column gets, as in the block where this is left out.

    Raises
    ------
    pyarrow.ArrowInvalid
        Where a later block has other dtypes: an error of the process.
    """
    coming = iter(blocks)
    first = next(coming)
    shown = names([str(name) for name in column_names(first)])
    place = geometry(first) if geometry_name(first) is not None else None
    fields = [
        pa.field(new, _type(first[old]), metadata=describe(str(old)) or None)
        for old, new in zip(column_names(first), shown, strict=True)
    ]
    schema = pa.schema([*fields, *([] if place is None else [pa.field(place, pa.binary())])])

    def batches() -> Iterator[pa.RecordBatch]:
        for block in chain([first], coming):
            arrays = [_array(block[name], field.type) for name, field in zip(column_names(block), fields, strict=True)]
            places = [] if place is None else [_geometries(reshape(geometries_of(block)))]
            yield pa.RecordBatch.from_arrays([*arrays, *places], schema=schema)

    return Stream(schema=schema, batches=batches(), first=first, geometry=place)


def _geometries(geometries: NDArray[Any]) -> pa.Array:
    return pa.array(shapely.to_wkb(geometries, flavor="iso"), type=pa.binary())


def _type(values: "pd.Series[Any]") -> pa.DataType:
    """Choose what a column is stored as."""
    dtype: Any = values.dtype
    if isinstance(dtype, pd.DatetimeTZDtype):
        return pa.timestamp("ms", tz="UTC")
    if dtype.kind == "M":
        return pa.timestamp("ms")
    if dtype.kind == "b":
        return pa.bool_()
    if dtype.kind == "f":
        return pa.float32() if dtype.itemsize < 8 else pa.float64()
    if dtype.kind in "iu":
        return pa.int64() if dtype.itemsize > 4 or dtype == "uint32" else pa.int32()
    is_dates = pd.api.types.is_object_dtype(dtype) and pd.api.types.infer_dtype(values, skipna=True) == "date"
    return pa.date32() if is_dates else pa.string()


def _array(values: "pd.Series[Any]", kind: pa.DataType) -> pa.Array:
    missing = values.isna().to_numpy(dtype=bool)
    if pa.types.is_floating(kind):
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        return pa.array(numbers, mask=~np.isfinite(numbers)).cast(kind)
    if pa.types.is_string(kind):
        texts = [None if gone else as_text(value) for value, gone in zip(values.tolist(), missing, strict=True)]
        return pa.array(texts, type=kind)
    if pa.types.is_timestamp(kind):
        return pa.Array.from_pandas(values).cast(kind, safe=False)
    return pa.Array.from_pandas(values, type=kind)

"""
Reads the columns of a table in batches: texts as numbers into what is written in them, all else as floating-point numbers.

A text is looked at once in a batch, however many rows have it; where a Parquet file keeps texts that way, none is made at all.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from gaia_processes.shared.parquet_rows import ParquetRows
from gaia_processes.shared.record_loops import read_only

type Floats = NDArray[np.float64]
type Codes = NDArray[np.int32]

BLOCK_ROWS = 2**19
_BUFFER_BYTES = 2**20
"""A column of a group of rows is read in such pieces, however large it is."""
_HASH_SEED = 1


class Texts:
    """
    The texts of some rows.

    Attributes
    ----------
    values : polars.Series
        What is written; each text once.
    codes : array of int32
        The place in `values` of the text of each row, `len(values)` where it has none.
    """

    def __init__(self, values: pl.Series, codes: Codes) -> None:
        self.values = values
        self.codes = codes

    def table(self, of_value: pl.Series, of_none: Any, dtype: Any) -> NDArray[Any]:
        """Turn something known of each value into an array that codes point into."""
        filled = of_value if of_none is None else of_value.fill_null(of_none)
        return np.append(filled.to_numpy(), of_none).astype(dtype)

    def numbers(self) -> Floats:
        """Read texts as numbers; NaN where one is none."""
        read = self.values.cast(pl.Float64, strict=False)
        found: Floats = self.table(read, np.nan, np.float64)[self.codes]
        return found

    def rows(self, values: pl.Series) -> pl.Series:
        """Give each row its own of other values, null where it has none."""
        return values.extend_constant(None, 1).gather(pl.Series(self.codes))


class Batch:
    """
    Some rows of a table.

    Parameters
    ----------
    rows : int
        How many.
    column : callable
        Gives a column by its name.
    """

    def __init__(self, rows: int, column: Callable[[str], "pa.Array[Any]"]) -> None:
        self.rows = rows
        self._column = column
        self._texts: dict[str, Texts] = {}
        self._numbers: dict[str, Floats] = {}

    def texts(self, name: str) -> Texts:
        """Give a column as texts, whatever it is."""
        if name not in self._texts:
            self._texts[name] = _texts_of(self._column(name))
        return self._texts[name]

    def numbers(self, name: str) -> Floats:
        """Give a column as numbers, NaN where there is none; not to be written to."""
        if name not in self._numbers:
            column = self._column(name)
            found = self.texts(name).numbers() if _is_coded(column) else _numbers_of(column)
            self._numbers[name] = read_only(found)
        return self._numbers[name]

    def prints(self, name: str) -> NDArray[np.uint64]:
        """Give a number of 64 bits for the value of each row, the same for the same value."""
        column = self._column(name)
        if _is_text(column):
            texts = self.texts(name)
            prints: NDArray[np.uint64] = np.append(texts.values.hash(_HASH_SEED).to_numpy(), np.uint64(0))
            return prints[texts.codes]
        return np.asarray(_series(column).hash(_HASH_SEED).to_numpy())


def read_batches(source: pl.LazyFrame | ParquetRows, columns: Sequence[str], texts: Sequence[str]) -> Iterator[Batch]:
    """
    Read some columns, in the order of the rows.

    Parameters
    ----------
    texts : sequence of str
        Those of `columns` that will be asked for as texts.
    """
    if isinstance(source, ParquetRows):
        return _of_parquet(source, columns, texts)
    return _of_frames(source, columns)


def count_rows(source: pl.LazyFrame | ParquetRows) -> int:
    """Count the rows, where that is known without reading them; else 0."""
    return pa.parquet.read_metadata(source.path).num_rows if isinstance(source, ParquetRows) else 0


def _of_parquet(source: ParquetRows, columns: Sequence[str], texts: Sequence[str]) -> Iterator[Batch]:
    schema = pa.parquet.read_schema(source.path)
    coded = [name for name in texts if _is_plain_text(schema.field(name).type)]
    with pa.parquet.ParquetFile(source.path, read_dictionary=coded, buffer_size=_BUFFER_BYTES) as file:
        for group in range(file.num_row_groups):
            # One group at a time: a batch of rows of two groups would be put together from both, with their texts.
            for batch in file.iter_batches(BLOCK_ROWS, row_groups=[group], columns=list(columns), use_threads=False):
                if batch.num_rows:
                    yield Batch(batch.num_rows, batch.column)


def _of_frames(source: pl.LazyFrame, columns: Sequence[str]) -> Iterator[Batch]:
    for frame in source.select(columns).collect_batches(chunk_size=BLOCK_ROWS, maintain_order=True):
        if len(frame):
            yield Batch(len(frame), _columns_of(frame))


def _columns_of(frame: pl.DataFrame) -> Callable[[str], "pa.Array[Any]"]:
    return lambda name: frame[name].to_arrow(compat_level=pl.CompatLevel.newest())


def _is_plain_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_coded(column: "pa.Array[Any]") -> bool:
    return bool(pa.types.is_dictionary(column.type))


def _is_text(column: "pa.Array[Any]") -> bool:
    return _is_coded(column) or _is_plain_text(column.type) or bool(pa.types.is_string_view(column.type))


def _series(column: "pa.Array[Any]") -> pl.Series:
    found: Any = pl.from_arrow(column)
    return cast("pl.Series", found)


def _texts_of(column: "pa.Array[Any]") -> Texts:
    if not _is_text(column):
        column = _series(column).cast(pl.String, strict=False).to_arrow(compat_level=pl.CompatLevel.newest())
    coded: Any = column if _is_coded(column) else column.dictionary_encode()
    values = _series(coded.dictionary).cast(pl.String, strict=False).fill_null("")
    codes = coded.indices.cast(pa.int32())
    return Texts(values, codes.fill_null(len(values)).to_numpy() if codes.null_count else codes.to_numpy())


def _numbers_of(column: "pa.Array[Any]") -> Floats:
    if pa.types.is_float64(column.type) and not column.null_count:
        return np.asarray(column.to_numpy(), np.float64)
    return _series(column).cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()

"""Rows that lie in a Parquet file as they are wanted."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class ParquetRows:
    """
    A table that nothing was done to since it was stored, so that whoever wants can read the file itself.

    Its texts lie there as numbers into a list of what is written (dictionary pages), and counting needs no more than these numbers.

    Attributes
    ----------
    path : Path
        The file.
    table : polars.LazyFrame
        The same rows.
    """

    path: Path
    table: "pl.LazyFrame"

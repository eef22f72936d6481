"""Writes a table as CSV: its columns without the geometry, a line a row. What is missing is empty. RFC 4180."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gaia_processes.shared.table import Table
from gaia_workers.tables.cells import column_names, plain_column
from gaia_workers.tables.rows import counted
from gaia_workers.writers.whole import whole_or_nothing


def write(
    table: Table, path: Path, *, progress: Callable[[int, int], None], delimiter: str, decimal: str, encoding: str
) -> None:
    """
    Write a table.

    Parameters
    ----------
    path : Path
        Is overwritten. Nothing is left there when writing fails.
    progress : callable
        Gets rows done and in all.
    delimiter, decimal, encoding : str
        The dialect.
    """
    with whole_or_nothing(path), path.open("w", encoding=encoding, newline="") as stream:
        lines = csv.writer(stream, delimiter=delimiter, lineterminator="\r\n")
        for at, block in enumerate(counted(table, progress)):
            names = column_names(block)
            if at == 0:
                lines.writerow(names)
            columns = [_texts(plain_column(block[name]), decimal) for name in names]
            lines.writerows(zip(*columns, strict=True))


def _texts(cells: list[Any], decimal: str) -> list[str]:
    kinds = set(map(type, cells))
    if kinds <= {float} and decimal == ".":
        return list(map(repr, cells))
    if kinds <= {int, str}:
        return list(map(str, cells))
    return [_text(cell, decimal) for cell in cells]


def _text(cell: Any, decimal: str) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return repr(cell) if decimal == "." else repr(cell).replace(".", decimal)
    return str(cell)

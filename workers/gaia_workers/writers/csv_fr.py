"""Writes a table as spreadsheets in French read it: semicolons, decimal commas, a byte-order mark."""

from collections.abc import Callable
from pathlib import Path

import xarray as xr

from gaia_processes.shared.table import Table
from gaia_workers.writers import csv

FRENCH = csv.Dialect(delimiter=";", decimal=",", encoding="utf-8-sig")


def write(dataset: xr.Dataset | Table, path: Path, *, progress: Callable[[int, int], None], history: str) -> None:
    """Write a dataset or a table as `csv.write` does, in the French dialect."""
    csv.write(dataset, path, progress=progress, history=history, dialect=FRENCH)

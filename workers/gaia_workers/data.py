"""Opened datasets for a task, from the files that its agent found."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import xarray as xr

from gaia_processes.inputs.dataset import DatasetReference
from gaia_workers.readers.netcdf import open_dataset


class DataAccess:
    """
    The datasets of one task.

    Parameters
    ----------
    files : mapping of Path
        By the reference, as text.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files

    @contextmanager
    def open(self, reference: DatasetReference) -> Iterator[xr.Dataset]:
        """Open a dataset, undecoded and lazy."""
        with open_dataset(self._files[str(reference)]) as dataset:
            yield dataset

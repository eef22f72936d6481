"""Opened datasets for a task, from the files that its agent found."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import xarray as xr

from gaia_processes.inputs.dataset import DatasetReference
from gaia_workers.readers.chunks import ByteCounter
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
        self._counter = ByteCounter()

    @property
    def bytes_read(self) -> int:
        """Bytes that were read for values until now, of all datasets."""
        return self._counter.total

    @contextmanager
    def open(self, reference: DatasetReference) -> Iterator[xr.Dataset]:
        """Open a dataset, undecoded and lazy."""
        with open_dataset(self._files[str(reference)], counter=self._counter) as dataset:
            yield dataset

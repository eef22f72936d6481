"""Opened datasets for a task, from the files that its agent found."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import xarray as xr

from gaia_processes.inputs.dataset import DatasetReference, UploadRef
from gaia_workers.fetching import Fetcher
from gaia_workers.readers.chunks import ByteCounter
from gaia_workers.readers.netcdf import open_dataset


class DataAccess:
    """
    The datasets of one task.

    Parameters
    ----------
    files : mapping of Path
        By the reference, as text.
    fetcher : Fetcher, optional
        Gets those that are no files here: uploads.
    """

    def __init__(self, files: Mapping[str, Path], fetcher: Fetcher | None = None) -> None:
        self._files = files
        self._fetcher = fetcher
        self._counter = ByteCounter()

    @property
    def bytes_read(self) -> int:
        """Bytes that were read for values until now, of all datasets."""
        return self._counter.total

    @property
    def bytes_moved(self) -> int:
        """Bytes that came over the network until now."""
        return self._fetcher.bytes_moved if self._fetcher else 0

    @contextmanager
    def open(self, reference: DatasetReference) -> Iterator[xr.Dataset]:
        """Open a dataset, undecoded and lazy."""
        with open_dataset(self._path(reference), counter=self._counter) as dataset:
            yield dataset

    def _path(self, reference: DatasetReference) -> Path:
        if isinstance(reference, UploadRef) and self._fetcher is not None:
            return self._fetcher.fetch(str(reference))
        return self._files[str(reference)]

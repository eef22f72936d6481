"""Opened datasets for a task, from the files that its agent found."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from gaia_processes.inputs.dataset import DatasetReference, UploadRef
from gaia_processes.inputs.sources import Inline, InlineFeatures, InlineTable
from gaia_processes.kinds import Role
from gaia_processes.text import Text
from gaia_workers.fetching import Fetcher
from gaia_workers.readers.chunks import ByteCounter
from gaia_workers.readers.series import open_series

if TYPE_CHECKING:
    from gaia_workers.readers.rows import Opened


class DataAccess:
    """
    The datasets of one task.

    Parameters
    ----------
    files : mapping of tuple of Path
        By the reference, as text; several are a series along time.
    fetcher : Fetcher, optional
        Gets those that are no files here: uploads, and what comes from other centres.
    """

    def __init__(self, files: Mapping[str, tuple[Path, ...]], fetcher: Fetcher | None = None) -> None:
        self._files = files
        self._fetcher = fetcher
        self._counter = ByteCounter()
        self._rows_bytes = 0

    @property
    def bytes_read(self) -> int:
        """Bytes that were read for values until now, of all datasets."""
        return self._counter.total + self._rows_bytes

    @property
    def bytes_moved(self) -> int:
        """Bytes that came over the network until now."""
        return self._fetcher.bytes_moved if self._fetcher else 0

    @contextmanager
    def open(self, reference: DatasetReference) -> Iterator[xr.Dataset]:
        """Open a dataset, undecoded and lazy."""
        with open_series(self._paths(reference), counter=self._counter) as dataset:
            yield dataset

    @contextmanager
    def open_rows(
        self, source: DatasetReference | Inline, role: Role, *, encoding: str, note: Callable[[Text], None]
    ) -> Iterator["Opened"]:
        """Open features or a table: of a dataset, an upload, or those that the request brought along."""
        # What reads rows is large, and most tasks need none of it.
        from gaia_workers.readers.rows import open_inline, open_rows

        if isinstance(source, InlineFeatures | InlineTable):
            with open_inline(source, role) as rows:
                yield rows
            return
        with open_rows(self.file(source), role, encoding=encoding, note=note, tolerant=True) as rows:
            yield rows

    def file(self, reference: DatasetReference) -> Path:
        """Give the file of a dataset that is one."""
        path = self._paths(reference)[0]
        self._rows_bytes += path.stat().st_size
        return path

    def _paths(self, reference: DatasetReference) -> tuple[Path, ...]:
        name = str(reference)
        if self._fetcher is not None and (isinstance(reference, UploadRef) or self._fetcher.brings(name)):
            return (self._fetcher.fetch(name),)
        return self._files[name]

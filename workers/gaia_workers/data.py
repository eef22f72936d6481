"""Opened datasets for a task, from the files that its agent found."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from gaia_processes.errors import UnreadableData, UnreadableUpload
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
        self._read_later: list[DatasetReference] = []

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
        with ExitStack() as opened:
            with _blaming(reference):
                dataset = opened.enter_context(open_series(self._paths(reference), counter=self._counter))
            self._read_later.append(reference)
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
        with ExitStack() as opened:
            with _blaming(source):
                rows = opened.enter_context(
                    open_rows(self._file(source), role, encoding=encoding, note=note, tolerant=True)
                )
            yield rows

    def file(self, reference: DatasetReference) -> Path:
        """Give the file of a dataset that is one."""
        self._read_later.append(reference)
        return self._file(reference)

    @contextmanager
    def blaming_uploads(self) -> Iterator[None]:
        """
        Tell a file that its owner must mend from one that a centre must, where it proves unreadable in the midst of the work.

        Raises
        ------
        UnreadableUpload
            In place of `UnreadableData`, where nothing but uploads is read by then; rows were read when they were opened.
        """
        try:
            yield
        except UnreadableData as error:
            if self._read_later and all(isinstance(each, UploadRef) for each in self._read_later):
                raise UnreadableUpload(error.text) from error
            raise

    def _file(self, reference: DatasetReference) -> Path:
        path = self._paths(reference)[0]
        self._rows_bytes += path.stat().st_size
        return path

    def _paths(self, reference: DatasetReference) -> tuple[Path, ...]:
        name = str(reference)
        if self._fetcher is not None and (isinstance(reference, UploadRef) or self._fetcher.brings(name)):
            return (self._fetcher.fetch(name),)
        return self._files[name]


@contextmanager
def _blaming(reference: DatasetReference) -> Iterator[None]:
    """Say of an upload that cannot be opened that it is one."""
    try:
        yield
    except UnreadableData as error:
        if isinstance(reference, UploadRef):
            raise UnreadableUpload(error.text) from error
        raise

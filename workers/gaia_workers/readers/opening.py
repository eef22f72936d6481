"""Opens a dataset of any format that is read: which reader it is, the first bytes say, never a name."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType

import xarray as xr

from gaia_processes.formats import GEOTIFF, NETCDF, ZARR
from gaia_processes.kinds import is_archive
from gaia_workers.readers import geotiff, netcdf, zarr
from gaia_workers.readers.chunks import ByteCounter
from gaia_workers.readers.signs import with_true_signs

ZARR_FOLDER_TYPE = "application/vnd.zarr"
"""Media type of a Zarr store that is a folder."""

_START_BYTES = 8


def reader_of(path: Path) -> tuple[ModuleType, str]:
    """
    Choose the reader of a file; what is nothing that is known is the NetCDF reader's to refuse.

    Returns
    -------
    (module, str)
        The module has `open_dataset` and `stored_bytes`; the media type of what it reads.
    """
    if path.is_dir():
        return zarr, ZARR_FOLDER_TYPE
    if path.is_file():
        with path.open("rb") as stream:
            start = stream.read(_START_BYTES)
        if start.startswith(geotiff.MAGIC):
            return geotiff, GEOTIFF.media_type
        if is_archive(start):
            return zarr, ZARR.media_type
    return netcdf, NETCDF.media_type


@contextmanager
def open_dataset(path: Path, *, threads: int = 2, counter: ByteCounter | None = None) -> Iterator[xr.Dataset]:
    """
    Open a file as a dataset that is not decoded and not yet read.

    Parameters
    ----------
    path : Path
        NetCDF, GeoTIFF, or Zarr (a folder, or a zip file).
    threads : int
        Threads that inflate; the values do not depend on it.
    counter : ByteCounter, optional
        Counts the bytes that are read for values.

    Yields
    ------
    xarray.Dataset
        Values as stored, read when they are indexed; without indexes. What `_Unsigned` says is in the types already. Not
        usable after the context.

    Raises
    ------
    UnreadableData
        As the reader of the format says.
    """
    reader, _ = reader_of(path)
    opening: AbstractContextManager[xr.Dataset] = reader.open_dataset(path, threads=threads, counter=counter)
    with opening as dataset:
        yield with_true_signs(dataset)

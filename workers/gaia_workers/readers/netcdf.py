"""
NetCDF files as undecoded, lazily read datasets: packed data stay packed, times stay numbers.

NetCDF-4 variables in plain, shuffled or deflated chunks go the fast way (`chunks.py`), and headers that hold nothing special
too (`hdf5_headers.py`), all else through the NetCDF library. Both give the values that the NetCDF library gives without masking and scaling.
"""

import os
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import h5py
import netCDF4
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core.indexing import ExplicitIndexer, IndexingSupport, LazilyIndexedArray, explicit_indexing_adapter

from gaia_processes.errors import UnreadableData
from gaia_processes.shared.lazy import Key, index_vectors
from gaia_workers.readers import refusals
from gaia_workers.readers.chunks import (
    CHUNK_LIMIT_BYTES,
    ByteCounter,
    ChunkedArray,
    ChunkReader,
    Layout,
    Table,
    find_layout,
    read_table,
)
from gaia_workers.readers.classic import declared_bytes
from gaia_workers.readers.hdf5_headers import Header, StoredVariable, read_header
from gaia_workers.readers.kernel import Watch
from gaia_workers.readers.stretches import read_stretches

NETCDF_LOCK = threading.RLock()
"""The NetCDF library may be used by one thread at a time, for all its files; its writers take the lock too."""

_CLASSIC_VERSIONS = {b"CDF\x01": 1, b"CDF\x02": 2, b"CDF\x05": 5}
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_TABLES_BYTES = 2**20
_NO_COORDINATE = "_nc4_non_coord_"  # how the NetCDF library stores a variable named as a dimension it does not describe


class _OpenFile:
    """What the arrays of one open file share; closed once, by the context that opened it."""

    def __init__(self, path: Path, *, threads: int, counter: ByteCounter, stack: ExitStack) -> None:
        self.counter = counter
        self.descriptor = os.open(path, os.O_RDONLY)
        stack.callback(os.close, self.descriptor)
        self._path = path
        self._threads = threads
        self._stack = stack
        self._pool: ThreadPoolExecutor | None = None
        self._hdf5: h5py.File | None = None

    def pool(self) -> ThreadPoolExecutor | None:
        """Give the threads that inflate; they start with the first read, so that a fork before it is safe."""
        if self._threads > 1 and self._pool is None:
            self._pool = self._stack.enter_context(ThreadPoolExecutor(self._threads))
        return self._pool

    def hdf5(self) -> h5py.File:
        """Open the file with the HDF5 library, once."""
        if self._hdf5 is None:
            self._hdf5 = self._stack.enter_context(h5py.File(self._path, "r", locking=False))
            _hold_little(self._hdf5)
        return self._hdf5


def _hold_little(file: h5py.File) -> None:
    """Let HDF5 keep 1 MiB of its own tables, not 32: indexes of chunks are read once, and grow with the record."""
    config = file.id.get_mdc_config()
    config.set_initial_size, config.initial_size = True, _TABLES_BYTES
    config.min_size, config.max_size = _TABLES_BYTES, _TABLES_BYTES
    file.id.set_mdc_config(config)


class PlainArray(BackendArray):
    """A variable that the NetCDF or the HDF5 library reads, in slices."""

    def __init__(self, name: str, variable: Any, chunk_shape: tuple[int, ...] | None, counter: ByteCounter) -> None:
        self._name = name
        self._variable = variable
        self._counter = counter
        self._was_read = False
        self.shape: tuple[int, ...] = variable.shape
        self.dtype = np.dtype(object) if variable.dtype is str else np.dtype(variable.dtype)
        self.chunk_shape = chunk_shape

    def __getitem__(self, key: ExplicitIndexer) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.OUTER, self._read)

    def _read(self, key: Key) -> Any:
        try:
            with NETCDF_LOCK:
                watch = Watch()
                values = self._read_slices(index_vectors(key, self.shape))
                read_bytes = watch.read_bytes()
        except (OSError, RuntimeError) as error:
            raise refusals.refuse_damaged_variable(self._name) from error
        self._count(values, read_bytes)
        return values[tuple(0 if isinstance(each, int | np.integer) else slice(None) for each in key)]

    def _count(self, values: NDArray[Any], read_bytes: int | None) -> None:
        """Count what the library read; the values themselves where the kernel is silent, or they came with the header."""
        came_along = read_bytes == 0 and not self._was_read
        self._was_read = True
        self._counter.add(values.nbytes if read_bytes is None or came_along else read_bytes)

    def _read_slices(self, indices: list[NDArray[np.intp]]) -> NDArray[Any]:
        if not indices:
            return np.asarray(self._variable[...], dtype=self.dtype)
        return read_stretches(lambda box: np.asarray(self._variable[box]), indices, self.shape, self.dtype)


def _check_beginning(path: Path) -> bool:
    """Refuse what is no NetCDF file by its first bytes and its size; tell whether it is HDF5."""
    size_bytes = path.stat().st_size
    with path.open("rb") as stream:
        start = stream.read(refusals.START_BYTES)
        if not start:
            raise UnreadableData(refusals.EMPTY)
        if start.startswith(_HDF5_MAGIC):
            return True
        version = _CLASSIC_VERSIONS.get(start[:4])
        if version is None:
            raise UnreadableData(refusals.explain_start(start))
        stream.seek(4)
        needed = declared_bytes(stream, version=version, size_bytes=size_bytes)
    if size_bytes < needed:
        raise refusals.refuse_short_file(size_bytes, needed)
    return False


def _check_members(group: h5py.Group) -> None:
    """Refuse a file of which a part lies in another file, before a library follows it there."""
    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise refusals.refuse_outside_reference(name)
        if isinstance(link, h5py.SoftLink):
            continue
        member = group[name]
        if isinstance(member, h5py.Group):
            _check_members(member)
        elif isinstance(member, h5py.Dataset):
            creation = member.id.get_create_plist()
            if creation.get_external_count() or creation.get_layout() == h5py.h5d.VIRTUAL:
                raise refusals.refuse_outside_reference(name)
            if creation.get_layout() == h5py.h5d.CHUNKED:
                chunk_bytes = int(np.prod(creation.get_chunk(), dtype=np.float64)) * member.id.get_type().get_size()
                if chunk_bytes > CHUNK_LIMIT_BYTES:
                    raise refusals.refuse_huge_chunk(name, chunk_bytes, CHUNK_LIMIT_BYTES)


def _string_attributes(item: Any) -> tuple[str, ...]:
    """Name the text attributes that are stored as strings, not as characters, so that a copy can do the same."""
    names = []
    for name in item.attrs:
        kind = h5py.h5a.open(item.id, name.encode()).get_type()
        if isinstance(kind, h5py.h5t.TypeStringID) and kind.is_variable_str():
            names.append(name)
    return tuple(names)


def _read_attributes(item: Any) -> dict[str, Any]:
    return {name: item.getncattr(name) for name in item.ncattrs()}


def _encoding_of(variable: Any) -> dict[str, Any]:
    """Give how a variable is stored, in the words of xarray's encoding."""
    encoding: dict[str, Any] = {"dtype": variable.dtype, "endian": variable.endian()}
    chunks = variable.chunking() if variable.ndim else "contiguous"
    encoding["chunksizes"] = tuple(chunks) if isinstance(chunks, list | tuple) else None
    filters = variable.filters() or {}
    encoding |= {name: filters.get(name, False) for name in ("zlib", "shuffle", "fletcher32")}
    encoding["complevel"] = filters.get("complevel", 0)
    if any(filters.get(name) for name in ("zstd", "bzip2", "szip", "blosc")):
        # The result is read by many programs: it is deflated where the source has a filter that few of them know.
        encoding |= {"zlib": True, "shuffle": True, "complevel": max(int(encoding["complevel"]), 1)}
    return encoding


def _make_array(name: str, variable: Any, opened: _OpenFile, *, hdf5: bool) -> BackendArray:
    if hdf5 and variable.ndim:
        dataset = _find_hdf5(opened.hdf5(), name, variable.shape)
        layout = None if dataset is None else find_layout(dataset)
        if dataset is not None and layout is not None and layout.dtype == variable.dtype:
            return _make_chunked(name, dataset, layout, opened)
    chunks = variable.chunking() if variable.ndim else None
    return PlainArray(name, variable, tuple(chunks) if isinstance(chunks, list | tuple) else None, opened.counter)


def _make_chunked(name: str, dataset: h5py.Dataset, layout: Layout, opened: _OpenFile) -> ChunkedArray:
    table = _table_reader(dataset, layout)
    reader = ChunkReader(name=name, layout=layout, table=table, file=opened.descriptor, counter=opened.counter)
    return ChunkedArray(reader, opened.pool)


def _table_reader(dataset: h5py.Dataset, layout: Layout) -> Callable[[], Table]:
    return lambda: read_table(dataset, layout)


def _find_hdf5(file: h5py.File, name: str, shape: tuple[int, ...]) -> h5py.Dataset | None:
    """Find the HDF5 dataset of a variable, unless it is shorter than the dimension that it shares with others."""
    for stored in (_NO_COORDINATE + name, name):
        if stored in file:
            found = file[stored]
            return found if isinstance(found, h5py.Dataset) and found.shape == shape else None
    return None


def _make_variable(name: str, variable: Any, opened: _OpenFile, *, hdf5: bool) -> xr.Variable:
    if variable.dtype is not str and np.dtype(variable.dtype).kind not in "iufS":
        raise refusals.refuse_type(name, type(variable.datatype).__name__)
    variable.set_auto_maskandscale(False)
    variable.set_auto_chartostring(False)
    array = _make_array(name, variable, opened, hdf5=hdf5)
    encoding = _encoding_of(variable)
    if hdf5 and (stored := _find_hdf5(opened.hdf5(), name, variable.shape)) is not None:
        encoding["string_attributes"] = _string_attributes(stored)
    return xr.Variable(variable.dimensions, LazilyIndexedArray(array), _read_attributes(variable), encoding)


def _make_stored(name: str, stored: StoredVariable, opened: _OpenFile) -> xr.Variable:
    """Make a variable of what the HDF5 library says of it."""
    array = (
        PlainArray(name, stored.dataset, None, opened.counter)
        if stored.layout is None
        else _make_chunked(name, stored.dataset, stored.layout, opened)
    )
    encoding = {**stored.encoding, "string_attributes": stored.attributes.strings}
    return xr.Variable(stored.dims, LazilyIndexedArray(array), stored.attributes.values, encoding)


def _assemble_stored(header: Header, opened: _OpenFile) -> xr.Dataset:
    variables = {name: _make_stored(name, each, opened) for name, each in header.variables.items()}
    dataset = _make_dataset(variables, header.attributes.values)
    dataset.encoding |= {"unlimited_dims": set(header.unlimited), "string_attributes": header.attributes.strings}
    return dataset


def _assemble(source: Any, opened: _OpenFile, *, hdf5: bool) -> xr.Dataset:
    if source.groups and all(name in source.dimensions for name in source.variables):
        raise UnreadableData(refusals.GROUPS_ONLY)
    variables = {name: _make_variable(name, each, opened, hdf5=hdf5) for name, each in source.variables.items()}
    dataset = _make_dataset(variables, _read_attributes(source))
    dataset.encoding |= {
        "unlimited_dims": {name for name, each in source.dimensions.items() if each.isunlimited()},
        "string_attributes": _string_attributes(opened.hdf5()) if hdf5 else (),
    }
    return dataset


def _make_dataset(variables: dict[str, xr.Variable], attributes: dict[str, Any]) -> xr.Dataset:
    # No index is made: it would read the coordinates, and repeated or unordered steps must not matter here.
    coordinates = {name: each for name, each in variables.items() if each.dims == (name,)}
    others = {name: each for name, each in variables.items() if name not in coordinates}
    dataset = xr.Dataset(others, xr.Coordinates(coordinates, indexes={}), attributes)
    dataset.encoding = {"order": tuple(variables)}
    return dataset


def _open_netcdf(path: Path) -> Any:
    with NETCDF_LOCK:
        return netCDF4.Dataset(str(path.absolute()), mode="r")


def _close_netcdf(source: Any) -> None:
    with NETCDF_LOCK:
        source.close()


def _open_plain(opened: _OpenFile) -> xr.Dataset | None:
    """Open an HDF5 file without the NetCDF library; where that must say what it holds, see that it may be asked."""
    header = read_header(opened.hdf5())
    if header is not None and header.variables:
        return _assemble_stored(header, opened)
    _check_members(opened.hdf5())
    return None


@contextmanager
def open_dataset(path: Path, *, threads: int = 2, counter: ByteCounter | None = None) -> Iterator[xr.Dataset]:
    """
    Open a NetCDF file as a dataset that is not decoded and not yet read.

    Parameters
    ----------
    path : Path
        An existing regular file; never a URL.
    threads : int
        Threads that inflate chunks; the values do not depend on it.
    counter : ByteCounter, optional
        Counts the bytes that are read from the file for values; not those for headers and indexes of chunks.

    Yields
    ------
    xarray.Dataset
        Values as stored (`_FillValue`, `scale_factor` and times are attributes, not applied), read when they are
        indexed; without indexes. `encoding` says how they are stored. Not usable after the context.

    Raises
    ------
    UnreadableData
        No file, empty, no NetCDF, truncated, damaged, of unknown types, or with parts in other files.
    """
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        raise UnreadableData(refusals.NOT_A_FILE) from error
    if not regular:
        raise UnreadableData(refusals.NOT_A_FILE)
    hdf5 = _check_beginning(path)
    with ExitStack() as stack:
        opened = _OpenFile(path, threads=threads, counter=counter or ByteCounter(), stack=stack)
        try:
            dataset = _open_plain(opened) if hdf5 else None
            if dataset is None:
                source = _open_netcdf(path)
                stack.callback(_close_netcdf, source)
                dataset = _assemble(source, opened, hdf5=hdf5)
        except (OSError, RuntimeError, KeyError, UnicodeDecodeError) as error:
            raise UnreadableData(refusals.DAMAGED) from error
        yield dataset


def stored_bytes(path: Path) -> dict[str, int]:
    """
    Say how many bytes the values of each variable take in a file that `open_dataset` accepts.

    Parameters
    ----------
    path : Path
        A NetCDF file.

    Returns
    -------
    dict of int
        By the name of the variable; compressed where they are.
    """
    with open_dataset(path, threads=1) as dataset:
        sizes = {str(name): int(each.nbytes) for name, each in dataset.variables.items()}
        if not _check_beginning(path):
            return sizes
        with h5py.File(path, "r", locking=False) as file:
            for name, each in dataset.variables.items():
                stored = _find_hdf5(file, str(name), each.shape)
                sizes[str(name)] = sizes[str(name)] if stored is None else int(stored.id.get_storage_size())
    return sizes

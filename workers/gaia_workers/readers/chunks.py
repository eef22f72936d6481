"""
The chunks of one HDF5 dataset, read past the HDF5 library: `pread`, inflate, and unshuffle of the box alone.

HDF5's global lock keeps its own readers on one core. Here inflating (libdeflate) and copying release the interpreter's
lock, so that two threads share the chunks; bytes of the box that was not asked for are never put in order.
"""

import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any

import deflate
import h5py
import numpy as np
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core.indexing import ExplicitIndexer, IndexingSupport, explicit_indexing_adapter

from gaia_processes.shared.lazy import Key, index_vectors
from gaia_workers.readers import refusals

CHUNK_LIMIT_BYTES = 2**30
"""Chunks that inflate to more are refused."""

_THREADED_LIMIT_BYTES = 2**27
"""Larger chunks are inflated one at a time, so that memory stays at one of them."""

_BATCH = 16
_RUNS_LIMIT = 8

type Index = slice | NDArray[np.intp]
type Piece = tuple[Index, Index]
"""Where a part of the selection goes in the result, and where it lies in the chunk."""


class ByteCounter:
    """Counts the bytes that were read from a file, from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._total = 0

    def add(self, count: int) -> None:
        """Count some more bytes."""
        with self._lock:
            self._total += count

    @property
    def total(self) -> int:
        """Bytes read until now."""
        return self._total


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """
    How a chunked HDF5 dataset is stored.

    Attributes
    ----------
    shape, chunk_shape : tuple of int
        In elements.
    dtype : numpy.dtype
        As stored, with its byte order.
    filters : tuple of str
        `shuffle` and `deflate`, in the order in which they were applied.
    fill : numpy scalar
        Value of the chunks that were never written.
    """

    shape: tuple[int, ...]
    chunk_shape: tuple[int, ...]
    dtype: np.dtype[Any]
    filters: tuple[str, ...]
    fill: Any

    @property
    def chunk_bytes(self) -> int:
        """Bytes of one inflated chunk."""
        return math.prod(self.chunk_shape) * self.dtype.itemsize

    @property
    def grid(self) -> tuple[int, ...]:
        """Number of chunks along each dimension."""
        return tuple(-(-size // chunk) for size, chunk in zip(self.shape, self.chunk_shape, strict=True))


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Where the chunks lie: their numbers in ascending order, offset and size in bytes, filters that were skipped."""

    numbers: NDArray[np.int64]
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]
    masks: NDArray[np.int64]

    def find(self, number: int) -> tuple[int, int, int] | None:
        """Find offset, size and filter mask of a chunk; None where it was never written."""
        at = int(np.searchsorted(self.numbers, number))
        if at == len(self.numbers) or self.numbers[at] != number:
            return None
        return int(self.offsets[at]), int(self.sizes[at]), int(self.masks[at])


def read_table(dataset: h5py.Dataset, layout: Layout) -> Table:
    """Read the chunk index of a dataset in one walk."""
    found: list[tuple[tuple[int, ...], int, int, int]] = []

    def note(info: Any) -> None:
        found.append((info.chunk_offset, info.byte_offset, info.size, info.filter_mask))

    dataset.id.chunk_iter(note)
    starts = np.array([each[0] for each in found], dtype=np.int64).reshape(len(found), len(layout.shape))
    numbers = np.zeros(len(found), dtype=np.int64)
    for place, (chunk, count) in enumerate(zip(layout.chunk_shape, layout.grid, strict=True)):
        numbers = numbers * count + starts[:, place] // chunk
    places = np.array([each[1:] for each in found], dtype=np.int64).reshape(len(found), 3)
    order = np.argsort(numbers)
    offsets, sizes, masks = places[order].T
    return Table(numbers=numbers[order], offsets=offsets, sizes=sizes, masks=masks)


def _as_slice(indices: NDArray[np.intp]) -> slice | None:
    """Give a forward slice that names the same places, where there is one."""
    if len(indices) == 1:
        return slice(int(indices[0]), int(indices[0]) + 1)
    step = int(indices[1] - indices[0])
    if step < 1 or np.any(np.diff(indices) != step):
        return None
    return slice(int(indices[0]), int(indices[-1]) + 1, step)


def _runs(places: NDArray[np.intp], inner: NDArray[np.intp]) -> Iterator[Piece]:
    """Split a selection within one chunk into few stretches, else give it as it is."""
    cuts = np.flatnonzero((np.diff(inner) != 1) | (np.diff(places) != 1)) + 1
    if len(cuts) < _RUNS_LIMIT:
        parts = list(zip(np.split(places, cuts), np.split(inner, cuts), strict=True))
    else:
        parts = [(places, inner)]
    for part_places, part_inner in parts:
        to, fro = _as_slice(part_places), _as_slice(part_inner)
        yield (part_places if to is None else to), (part_inner if fro is None else fro)


def pieces_by_chunk(indices: NDArray[np.intp], chunk: int) -> list[tuple[int, list[Piece]]]:
    """
    Group the places along one dimension by the chunk in which they lie.

    Parameters
    ----------
    indices : array of int
        Places that are asked for, in any order.
    chunk : int
        Length of a chunk.

    Returns
    -------
    list of (int, list of pieces)
        Number of the chunk along this dimension, and where its parts go.
    """
    owners = indices // chunk
    order = np.argsort(owners, kind="stable")
    edges = np.flatnonzero(np.diff(owners[order])) + 1
    groups = np.split(order, edges) if len(order) else []
    return [(int(owners[group[0]]), list(_runs(group, indices[group] - owners[group[0]] * chunk))) for group in groups]


def _select(array: NDArray[Any], index: tuple[Index, ...]) -> NDArray[Any] | None:
    """Give a view where slices suffice."""
    return array[index] if all(isinstance(each, slice) for each in index) else None


def _mesh(index: tuple[Index, ...], shape: tuple[int, ...]) -> tuple[NDArray[np.intp], ...]:
    """Make an open mesh of slices and arrays, for orthogonal indexing."""
    spread = [
        np.arange(*each.indices(size)) if isinstance(each, slice) else each
        for each, size in zip(index, shape, strict=True)
    ]
    return np.ix_(*spread)


def _copy(target: NDArray[Any], to: tuple[Index, ...], source: NDArray[Any], fro: tuple[Index, ...]) -> None:
    window = _select(source, fro)
    if window is None:
        window = source[_mesh(fro, source.shape)]
    if _select(target, to) is None:
        target[_mesh(to, target.shape)] = window
    else:
        target[to] = window


class ChunkReader:
    """Reads boxes of one dataset from an open file."""

    def __init__(
        self, *, name: str, layout: Layout, table: Callable[[], Table], file: int, counter: ByteCounter
    ) -> None:
        self.name = name
        self.layout = layout
        self._find_table = table
        self._table: Table | None = None
        self._file = file
        self._counter = counter

    def read(self, indices: list[NDArray[np.intp]], pool: ThreadPoolExecutor | None) -> NDArray[Any]:
        """
        Read the box that the index vectors span.

        Parameters
        ----------
        indices : list of int arrays
            One for each dimension.
        pool : ThreadPoolExecutor or None
            Inflates several chunks at once.

        Returns
        -------
        numpy.ndarray
            Shape as the lengths of `indices`, type as stored.

        Raises
        ------
        UnreadableData
            A chunk is cut, damaged or too large.
        """
        if self.layout.chunk_bytes > CHUNK_LIMIT_BYTES:
            raise refusals.refuse_huge_chunk(self.name, self.layout.chunk_bytes, CHUNK_LIMIT_BYTES)
        if self._table is None:
            self._table = self._find_table()
        result: NDArray[Any] = np.empty([len(each) for each in indices], dtype=self.layout.dtype)
        grouped = [pieces_by_chunk(each, chunk) for each, chunk in zip(indices, self.layout.chunk_shape, strict=True)]
        jobs = list(product(*grouped))
        if pool is None or len(jobs) == 1 or self.layout.chunk_bytes > _THREADED_LIMIT_BYTES:
            self._fill(result, jobs)
        else:
            batches = [jobs[at : at + _BATCH] for at in range(0, len(jobs), _BATCH)]
            for _ in pool.map(lambda batch: self._fill(result, batch), batches):
                pass
        return result

    def _fill(self, result: NDArray[Any], jobs: Iterable[tuple[tuple[int, list[Piece]], ...]]) -> None:
        """Bring some chunks into the result; each writes its own cells only."""
        read_bytes = 0
        for job in jobs:
            number = 0
            for (along, _), count in zip(job, self.layout.grid, strict=True):
                number = number * count + along
            boxes = list(product(*(pieces for _, pieces in job)))
            read_bytes += self._fill_chunk(result, number, boxes)
        self._counter.add(read_bytes)

    def _fill_chunk(self, result: NDArray[Any], number: int, boxes: list[tuple[Piece, ...]]) -> int:
        """Bring one chunk into the result, and say how many bytes were read."""
        assert self._table is not None  # noqa: S101  # set by read
        place = self._table.find(number)
        if place is None:
            for box in boxes:
                fill = np.broadcast_to(self.layout.fill, self.layout.chunk_shape)
                _copy(result, tuple(to for to, _ in box), fill, tuple(fro for _, fro in box))
            return 0
        offset, size, mask = place
        raw = os.pread(self._file, size, offset)
        if len(raw) != size:
            raise refusals.refuse_damaged_variable(self.name)
        applied = [name for bit, name in enumerate(self.layout.filters) if not mask >> bit & 1]
        data = self._inflate(raw) if "deflate" in applied else raw
        if len(data) != self.layout.chunk_bytes:
            raise refusals.refuse_damaged_variable(self.name)
        self._place(result, data, boxes, shuffled="shuffle" in applied)
        return size

    def _inflate(self, raw: bytes) -> bytes | bytearray:
        try:
            inflated: bytearray = deflate.zlib_decompress(raw, self.layout.chunk_bytes)
        except deflate.DeflateError as error:
            raise refusals.refuse_damaged_variable(self.name) from error
        return inflated

    def _place(
        self, result: NDArray[Any], data: bytes | bytearray, boxes: list[tuple[Piece, ...]], *, shuffled: bool
    ) -> None:
        width = self.layout.dtype.itemsize
        if not shuffled or width == 1:
            values = np.frombuffer(data, self.layout.dtype).reshape(self.layout.chunk_shape)
            for box in boxes:
                _copy(result, tuple(to for to, _ in box), values, tuple(fro for _, fro in box))
            return
        planes = np.frombuffer(data, np.uint8).reshape(width, *self.layout.chunk_shape)
        target = result.view(np.uint8).reshape(*result.shape, width)
        for box in boxes:
            to, fro = tuple(to for to, _ in box), tuple(fro for _, fro in box)
            for byte in range(width):
                _copy(target[..., byte], to, planes[byte], fro)


class ChunkedArray(BackendArray):
    """A chunked dataset as xarray indexes it: nothing is read before values are asked for."""

    def __init__(self, reader: ChunkReader, pool: Callable[[], ThreadPoolExecutor | None]) -> None:
        self._reader = reader
        self._pool = pool
        self.shape = reader.layout.shape
        self.dtype = reader.layout.dtype
        self.chunk_shape: tuple[int, ...] | None = reader.layout.chunk_shape

    def __getitem__(self, key: ExplicitIndexer) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.OUTER, self._read)

    def _read(self, key: Key) -> NDArray[Any]:
        values = self._reader.read(index_vectors(key, self.shape), self._pool())
        dropped = tuple(0 if isinstance(each, int | np.integer) else slice(None) for each in key)
        return values[dropped]


FAST_FILTERS: dict[int, str] = {h5py.h5z.FILTER_SHUFFLE: "shuffle", h5py.h5z.FILTER_DEFLATE: "deflate"}


def find_layout(dataset: h5py.Dataset) -> Layout | None:
    """Find how a dataset is stored, if this module can read it: chunks of numbers, with shuffle and deflate at most."""
    creation = dataset.id.get_create_plist()
    filters = [creation.get_filter(at)[0] for at in range(creation.get_nfilters())]
    simple = creation.get_layout() == h5py.h5d.CHUNKED and all(code in FAST_FILTERS for code in filters)
    # Shuffle before deflate, each once: the order in which `_fill_chunk` undoes them.
    names = tuple(FAST_FILTERS[code] for code in filters) if simple else ()
    if not simple or names not in {(), ("shuffle",), ("deflate",), ("shuffle", "deflate")}:
        return None
    if dataset.dtype.kind not in "iuf" or dataset.dtype.metadata or dataset.dtype.byteorder == ">":
        return None
    return Layout(
        shape=dataset.shape, chunk_shape=dataset.chunks, dtype=dataset.dtype, filters=names, fill=dataset.fillvalue
    )

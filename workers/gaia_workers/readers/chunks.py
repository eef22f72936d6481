"""
The chunks of one HDF5 dataset, read past the HDF5 library: `pread`, inflate, and unshuffle of the box alone.

HDF5's global lock keeps its own readers on one core. Here inflating (libdeflate) and copying release the interpreter's
lock, so that two threads share the chunks; bytes of the box that was not asked for are never put in order.
"""

import math
import os
import threading
from array import array
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import batched, product
from typing import Any, NamedTuple, Self

import deflate
import h5py
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core.indexing import ExplicitIndexer, IndexingSupport, explicit_indexing_adapter

from gaia_processes.shared.lazy import Inflated, Key, Take, find_stored, index_vectors
from gaia_workers.readers import refusals
from gaia_workers.readers.tiny import read_chunks, tile, unshuffle

CHUNK_LIMIT_BYTES = 2**30
"""Chunks that inflate to more are refused."""

_THREADED_LIMIT_BYTES = 2**27
"""Larger chunks are inflated one at a time, so that memory stays at one of them."""

_TINY_BYTES = 2**11
_TINY_BATCH = 2**12
_BATCH = 16
_THREADS = 2  # of a pool that are given work; more would wait for the interpreter
_NEAR_BYTES = 2**19  # of inflated chunks that wait for their turn, a thread
_SHARES = 8  # so many batches at least, where there are chunks enough, that no thread waits long for another
_RUNS_LIMIT = 8
_NOTED = 2**10  # chunks of an index whose places are reckoned at once

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

    def find(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Find offsets, sizes and filter masks of chunks; the size is -1 where a chunk was never written."""
        if not len(self.numbers):
            absent = np.full(len(numbers), -1, dtype=np.int64)
            return absent, absent, absent
        places = np.minimum(np.searchsorted(self.numbers, numbers), len(self.numbers) - 1)
        written = self.numbers[places] == numbers
        return self.offsets[places], np.where(written, self.sizes[places], -1), self.masks[places]


def read_table(dataset: h5py.Dataset, layout: Layout) -> Table:
    """Read the chunk index of a dataset in one walk; it takes 32 bytes a chunk."""
    strides = np.array([math.prod(layout.grid[place + 1 :]) for place in range(len(layout.grid))])
    steps = np.array(layout.chunk_shape)
    found, waiting = array("q"), list[tuple[int, ...]]()

    def note(info: Any) -> None:
        waiting.append((info.byte_offset, info.size, info.filter_mask, *info.chunk_offset))
        if len(waiting) == _NOTED:
            put_down()

    def put_down() -> None:
        rows = np.array(waiting, dtype=np.int64).reshape(-1, 3 + len(steps))
        numbers = (rows[:, 3:] // steps) @ strides
        found.frombytes(np.column_stack([numbers, rows[:, :3]]).tobytes())
        waiting.clear()

    dataset.id.chunk_iter(note)
    put_down()
    rows = np.frombuffer(found, np.int64).reshape(-1, 4)
    if np.any(np.diff(rows[:, 0]) < 0):
        rows = rows[np.argsort(rows[:, 0])]
    return Table(numbers=np.ascontiguousarray(rows[:, 0]), offsets=rows[:, 1], sizes=rows[:, 2], masks=rows[:, 3])


def _as_slice(indices: NDArray[np.intp]) -> slice | None:
    """Give a forward slice that names the same places, where there is one."""
    if len(indices) == 1:
        return slice(int(indices[0]), int(indices[0]) + 1)
    step = int(indices[1] - indices[0])
    if step < 1 or np.any(np.diff(indices) != step):
        return None
    return slice(int(indices[0]), int(indices[-1]) + 1, step)


def _runs(places: NDArray[np.intp], inner: NDArray[np.intp]) -> list[Piece]:
    """Split a selection within one chunk into few stretches, else give it as it is."""
    to, fro = _as_slice(places), _as_slice(inner)
    if to is not None and fro is not None:
        return [(to, fro)]
    cuts = np.flatnonzero((np.diff(inner) != 1) | (np.diff(places) != 1)) + 1
    if len(cuts) >= _RUNS_LIMIT:
        return [(places if to is None else to, inner if fro is None else fro)]
    return [piece for pair in zip(np.split(places, cuts), np.split(inner, cuts), strict=True) for piece in _runs(*pair)]


def share_out[T](
    pool: ThreadPoolExecutor | None, jobs: list[T], do: Callable[[list[T]], None], *, chunk_bytes: int
) -> None:
    """
    Have chunks read, in batches by several threads where that is worth it.

    Parameters
    ----------
    chunk_bytes : int
        What one holds in memory: large ones are read one after the other, for each thread would hold one.
    """
    if pool is None or len(jobs) == 1 or chunk_bytes > _THREADED_LIMIT_BYTES:
        do(jobs)
        return
    length = min(max(len(jobs) // _SHARES, 1), _BATCH)
    batches = iter([jobs[at : at + length] for at in range(0, len(jobs), length)])

    def work() -> None:
        """Take batch after batch until there are no more: a future for each would cost as much as reading a small chunk."""
        for batch in batches:
            do(batch)

    # Whoever asks reads too: a thread that only waits must be woken, and another one begun.
    others = [pool.submit(work) for _ in range(_THREADS - 1)]
    try:
        work()
    finally:
        for other in others:
            other.result()


class _Turns:
    """Lets threads go one after the other, by number; where one has failed, none goes on."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._next = 0
        self._has_failed = False

    def wait_for(self, number: int) -> bool:
        """Wait until a number has its turn; False where it will not come."""
        with self._changed:
            self._changed.wait_for(lambda: self._next == number or self._has_failed)
            return not self._has_failed

    def end(self, number: int) -> None:
        """Give the turn to the next number."""
        with self._changed:
            self._next = number + 1
            self._changed.notify_all()

    def fail(self) -> None:
        """Let nobody wait any longer."""
        with self._changed:
            self._has_failed = True
            self._changed.notify_all()


def hand_over[T, R](
    pool: ThreadPoolExecutor | None,
    jobs: list[T],
    prepare: Callable[[T], R],
    take: Callable[[int, R], None],
    *,
    chunk_bytes: int,
) -> None:
    """
    Have chunks prepared by several threads, and each taken in its order by the thread that prepared it.

    Parameters
    ----------
    chunk_bytes : int
        What one holds in memory: so few are prepared before they are taken that they stay near to the processor.
    """
    if pool is None or len(jobs) == 1 or chunk_bytes > _THREADED_LIMIT_BYTES:
        for number, job in enumerate(jobs):
            take(number, prepare(job))
        return
    length = min(max(_NEAR_BYTES // chunk_bytes, 1), max(len(jobs) // _SHARES, 1))
    batches = iter([(at, jobs[at : at + length]) for at in range(0, len(jobs), length)])
    turns = _Turns()

    def work() -> None:
        """Take batch after batch; whoever has an earlier one is at work on it, so that nobody waits for ever."""
        try:
            for first, batch in batches:
                ready = [prepare(job) for job in batch]
                if not turns.wait_for(first // length):
                    return
                for number, each in enumerate(ready, first):
                    take(number, each)
                turns.end(first // length)
        except BaseException:
            turns.fail()
            raise

    working = [pool.submit(work) for _ in range(_THREADS)]
    wait(working)
    for future in working:
        future.result()


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
    run = _as_slice(indices) if len(indices) else None
    if run is not None and run.step in (None, 1):
        return _pieces_of_run(run.start, run.stop, chunk)
    owners = indices // chunk
    order = np.argsort(owners, kind="stable")
    edges = np.flatnonzero(np.diff(owners[order])) + 1
    groups = np.split(order, edges) if len(order) else []
    return [(int(owners[group[0]]), list(_runs(group, indices[group] - owners[group[0]] * chunk))) for group in groups]


def _pieces_of_run(begin: int, end: int, chunk: int) -> list[tuple[int, list[Piece]]]:
    """Do what `pieces_by_chunk` does for neighbours in their order, which nearly all selections are."""
    found: list[tuple[int, list[Piece]]] = []
    for owner in range(begin // chunk, -(-end // chunk)):
        edge = owner * chunk
        low, high = max(begin, edge), min(end, edge + chunk)
        found.append((owner, [(slice(low - begin, high - begin), slice(low - edge, high - edge))]))
    return found


def _mesh(index: tuple[Index, ...], shape: tuple[int, ...]) -> tuple[NDArray[np.intp], ...]:
    """Make an open mesh of slices and arrays, for orthogonal indexing."""
    spread = [
        np.arange(*each.indices(size)) if isinstance(each, slice) else each
        for each, size in zip(index, shape, strict=True)
    ]
    return np.ix_(*spread)


class Box(NamedTuple):
    """A part of one chunk: where it goes in the result and where it lies in the chunk. One a chunk is made: they must cost little."""

    to: tuple[Index, ...]
    fro: tuple[Index, ...]
    is_plain: bool

    @classmethod
    def of(cls, pieces: tuple[Piece, ...]) -> Self:
        """Make it of the pieces along each dimension."""
        if not pieces:
            return cls((), (), is_plain=True)
        to, fro = zip(*pieces, strict=True)
        return cls(to, fro, is_plain={*map(type, to), *map(type, fro)} == {slice})

    def copy(self, target: NDArray[Any], source: NDArray[Any]) -> None:
        """Copy it from a chunk into the result."""
        if self.is_plain:
            target[self.to] = source[self.fro]
        else:
            target[_mesh(self.to, target.shape)] = source[_mesh(self.fro, source.shape)]


type _Job = tuple[tuple[tuple[int, list[Piece]], ...], int, int, int]
"""The pieces of one chunk along each dimension, and its offset, size and filter mask."""


class ChunkReader:
    """Reads boxes of one dataset from an open file."""

    def __init__(
        self, *, name: str, layout: Layout, table: Callable[[], Table], file: int, counter: ByteCounter
    ) -> None:
        self.name = name
        self.layout = layout
        self._chunk_bytes = layout.chunk_bytes
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
        if self._chunk_bytes > CHUNK_LIMIT_BYTES:
            raise refusals.refuse_huge_chunk(self.name, self._chunk_bytes, CHUNK_LIMIT_BYTES)
        if self._table is None:
            self._table = self._find_table()
        if self._chunk_bytes <= _TINY_BYTES and not self._table.masks.any() and all(map(len, indices)):
            return self._read_tiny(self._table, indices)
        result: NDArray[Any] = np.empty([len(each) for each in indices], dtype=self.layout.dtype)
        jobs = self._plan(self._table, indices)
        share_out(pool, jobs, lambda some: self._fill(result, some), chunk_bytes=self._chunk_bytes)
        return result

    def holds_all(self, spans: list[range]) -> bool:
        """Tell whether all chunks of a part of the grid were written, each with all filters."""
        if self._table is None:
            self._table = self._find_table()
        numbers = np.ravel_multi_index(np.ix_(*map(np.array, spans)), self.layout.grid).ravel()
        _, sizes, masks = self._table.find(numbers)
        return bool((sizes >= 0).all() and not masks.any())

    def read_packed(self, place: tuple[int, ...]) -> bytes:
        """
        Read a chunk as it lies in the file, by its place in the grid; it is inflated all the same, to see that it is whole.

        Raises
        ------
        UnreadableData
            It is cut or damaged.
        """
        if self._table is None:
            self._table = self._find_table()
        number = np.array([np.ravel_multi_index(place, self.layout.grid)], dtype=np.int64)
        (offset,), (size,), _ = (each.tolist() for each in self._table.find(number))
        raw = os.pread(self._file, size, offset)
        if len(raw) != size:
            raise refusals.refuse_damaged_variable(self.name)
        self._unpack(raw)
        self._counter.add(size)
        return raw

    def hand_out(self, chunks: NDArray[np.intp], take: Take, pool: ThreadPoolExecutor | None) -> None:
        """
        Inflate chunks, and have each taken, in the order in which they are asked for.

        Parameters
        ----------
        chunks : array of int, shape (chunks, dimensions)
            Places in the grid.
        take : callable
            Is called by one thread at a time.
        pool : ThreadPoolExecutor or None
            Inflates several chunks at once.

        Raises
        ------
        UnreadableData
            A chunk is cut, damaged or too large.
        """
        if self._chunk_bytes > CHUNK_LIMIT_BYTES:
            raise refusals.refuse_huge_chunk(self.name, self._chunk_bytes, CHUNK_LIMIT_BYTES)
        if self._table is None:
            self._table = self._find_table()
        numbers = np.ravel_multi_index(tuple(chunks.T), self.layout.grid)
        found = np.stack(self._table.find(numbers), axis=1)
        hand_over(pool, list(found), self._inflated, take, chunk_bytes=self._chunk_bytes)
        self._counter.add(int(found[found[:, 1] >= 0, 1].sum()))

    def _inflated(self, found: NDArray[np.int64]) -> Inflated:
        """Read one chunk, by its offset, size and filter mask."""
        offset, size, mask = found.tolist()
        if size < 0:
            empty = np.full(self.layout.chunk_shape, self.layout.fill, dtype=self.layout.dtype)
            return Inflated(data=empty.reshape(-1).view(np.uint8), is_shuffled=False)
        data, is_shuffled = self._read_chunk(offset, size, mask)
        return Inflated(data=np.frombuffer(data, np.uint8), is_shuffled=is_shuffled)

    def _plan(self, table: Table, indices: list[NDArray[np.intp]]) -> list[_Job]:
        """List the chunks that meet the selection."""
        grouped = [pieces_by_chunk(each, chunk) for each, chunk in zip(indices, self.layout.chunk_shape, strict=True)]
        if not all(grouped):
            return []
        owners = [np.array([owner for owner, _ in own]) for own in grouped]
        numbers = np.ravel_multi_index(np.ix_(*owners), self.layout.grid).ravel()
        places = (each.tolist() for each in table.find(numbers))
        return list(zip(product(*grouped), *places, strict=True))

    def _read_tiny(self, table: Table, indices: list[NDArray[np.intp]]) -> NDArray[Any]:
        """Read a box of chunks that are too small to be handled one by one."""
        layout = self.layout
        owners = [np.unique(each // chunk) for each, chunk in zip(indices, layout.chunk_shape, strict=True)]
        numbers = np.ravel_multi_index(np.ix_(*owners), layout.grid).ravel()
        offsets, sizes, _ = table.find(numbers)
        written = sizes >= 0
        cells: NDArray[Any] = np.full((len(numbers), math.prod(layout.chunk_shape)), layout.fill, dtype=layout.dtype)
        for some in batched(np.flatnonzero(written).tolist(), _TINY_BATCH):
            batch = np.array(some, dtype=np.intp)
            found, read_bytes = read_chunks(self._file, offsets[batch], sizes[batch], self._unpack)
            self._counter.add(read_bytes)
            data = np.frombuffer(b"".join(found), np.uint8).reshape(len(found), layout.chunk_bytes)
            data = unshuffle(data, layout.dtype.itemsize) if "shuffle" in layout.filters else data
            cells[batch] = data.view(layout.dtype)
        tiled = tile(cells, tuple(map(len, owners)), layout.chunk_shape)
        local = [
            np.searchsorted(own, each // chunk) * chunk + each % chunk
            for own, each, chunk in zip(owners, indices, layout.chunk_shape, strict=True)
        ]
        return np.ascontiguousarray(tiled[np.ix_(*local)])

    def _unpack(self, raw: bytes | memoryview) -> bytes | bytearray | memoryview:
        """Undo the compression of a chunk, and refuse one that is cut or damaged."""
        data = self._inflate(raw) if "deflate" in self.layout.filters else raw
        if len(data) != self._chunk_bytes:
            raise refusals.refuse_damaged_variable(self.name)
        return data

    def _fill(self, result: NDArray[Any], jobs: list[_Job]) -> None:
        """Bring some chunks into the result; each writes its own cells only."""
        for pieces, offset, size, mask in jobs:
            boxes = [Box.of(each) for each in product(*(own for _, own in pieces))]
            if size < 0:
                for box in boxes:
                    box.copy(result, np.broadcast_to(self.layout.fill, self.layout.chunk_shape))
            else:
                self._fill_chunk(result, boxes, offset, size, mask)
        self._counter.add(sum(max(size, 0) for _, _, size, _ in jobs))

    def _fill_chunk(self, result: NDArray[Any], boxes: list[Box], offset: int, size: int, mask: int) -> None:
        """Bring one chunk into the result."""
        data, is_shuffled = self._read_chunk(offset, size, mask)
        self._place(result, data, boxes, shuffled=is_shuffled)

    def _read_chunk(self, offset: int, size: int, mask: int) -> tuple[bytes | bytearray, bool]:
        """Read and inflate one chunk; tell whether it is shuffled."""
        raw = os.pread(self._file, size, offset)
        if len(raw) != size:
            raise refusals.refuse_damaged_variable(self.name)
        filters = self.layout.filters
        applied = [name for bit, name in enumerate(filters) if not mask >> bit & 1] if mask else filters
        data = self._inflate(raw) if "deflate" in applied else raw
        if len(data) != self._chunk_bytes:
            raise refusals.refuse_damaged_variable(self.name)
        return data, "shuffle" in applied and self.layout.dtype.itemsize > 1

    def _inflate(self, raw: bytes | memoryview) -> bytes | bytearray:
        try:
            inflated: bytearray = deflate.zlib_decompress(raw, self._chunk_bytes)
        except deflate.DeflateError as error:
            raise refusals.refuse_damaged_variable(self.name) from error
        return inflated

    def _place(self, result: NDArray[Any], data: bytes | bytearray, boxes: list[Box], *, shuffled: bool) -> None:
        width = self.layout.dtype.itemsize
        if not shuffled:
            values = np.frombuffer(data, self.layout.dtype).reshape(self.layout.chunk_shape)
            for box in boxes:
                box.copy(result, values)
            return
        planes = np.frombuffer(data, np.uint8).reshape(width, *self.layout.chunk_shape)
        target = result.view(np.uint8).reshape(*result.shape, width)
        for box in boxes:
            for byte in range(width):
                box.copy(target[..., byte], planes[byte])


class ChunkedArray(BackendArray):
    """A chunked dataset as xarray indexes it: nothing is read before values are asked for."""

    def __init__(self, reader: ChunkReader, pool: Callable[[], ThreadPoolExecutor | None]) -> None:
        self.reader = reader
        self._pool = pool
        self.shape = reader.layout.shape
        self.dtype = reader.layout.dtype
        self.chunk_shape: tuple[int, ...] | None = reader.layout.chunk_shape

    def __getitem__(self, key: ExplicitIndexer) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.OUTER, self._read)

    def hand_out(self, chunks: NDArray[np.intp], take: Take) -> None:
        """Inflate whole chunks, and have each taken in its order."""
        self.reader.hand_out(chunks, take, self._pool())

    def _read(self, key: Key) -> NDArray[Any]:
        values = self.reader.read(index_vectors(key, self.shape), self._pool())
        dropped = tuple(0 if isinstance(each, int | np.integer) else slice(None) for each in key)
        return values[dropped]


@dataclass(frozen=True, kw_only=True, slots=True)
class Handover:
    """Chunks that go from one file into another as they lie: those of `reader` from the place `first` in its grid on."""

    reader: ChunkReader
    first: tuple[int, ...]

    def read(self, start: tuple[int, ...]) -> bytes:
        """Read the chunk that begins at a cell of what is written."""
        chunks = zip(self.first, start, self.reader.layout.chunk_shape, strict=True)
        return self.reader.read_packed(tuple(first + at // chunk for first, at, chunk in chunks))


def find_handover(variable: xr.Variable, chunk_shape: tuple[int, ...], filters: tuple[str, ...]) -> Handover | None:
    """
    Find whether the chunks of a variable can be written as they lie in the file that it is read from.

    Parameters
    ----------
    variable : xarray.Variable
        Read lazily.
    chunk_shape : tuple of int
        Cells of a chunk that is to be written.
    filters : tuple of str
        Of what is to be written, as in `Layout`.

    Returns
    -------
    Handover or None
        None where values are changed, chunks are cut or never written, or are stored in another way.
    """
    found = find_stored(variable)
    if found is None or not isinstance(found[0], ChunkedArray):
        return None
    reader, places = found[0].reader, found[1]
    layout = reader.layout
    if (layout.chunk_shape, layout.filters, layout.dtype) != (chunk_shape, filters, variable.dtype):
        return None
    spans = [_whole_chunks(*each) for each in zip(places, chunk_shape, layout.shape, strict=True)]
    whole = [span for span in spans if span is not None]
    if len(whole) < len(spans) or not reader.holds_all(whole):
        return None
    return Handover(reader=reader, first=tuple(span.start for span in whole))


def _whole_chunks(places: NDArray[np.intp], chunk: int, size: int) -> range | None:
    """Give the numbers of the chunks that places fill along a dimension, the last one up to its end."""
    if not len(places) or np.any(np.diff(places) != 1):
        return None
    begin, end = int(places[0]), int(places[-1]) + 1
    if begin % chunk or (end % chunk and end != size):
        return None
    return range(begin // chunk, -(-end // chunk))


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
    dtype = dataset.dtype
    if dtype.kind not in "iuf" or dtype.metadata or dtype.byteorder == ">":
        return None
    return Layout(
        shape=dataset.shape, chunk_shape=creation.get_chunk(), dtype=dtype, filters=names, fill=dataset.fillvalue
    )
